"""`tputtui view FILE [FILE2]`: open a saved profile, or the difference of two; or convert it with
`-o`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen
from tputtui.profiling.files import file_formats
from tputtui.profiling.profile_errors import UnreadableProfileError
from tputtui.profiling.profile_model import Profile
from tputtui.text import clean

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.profiling.files.pstats_file import PstatsProfile
    from tputtui.tui.app import TputtuiApp


def run(arguments: Arguments) -> int:
    """Read the file first, so that an unreadable one never changes the terminal."""
    options = arguments.options
    settings = effective_settings(arguments).settings
    path, other = Path(options.file), Path(options.other) if options.other else None
    try:
        if _is_pstats(path) or (other is not None and _is_pstats(other)):
            return _view_pstats(arguments=arguments, path=path, other=other)
        first = file_formats.load(path)
        second = file_formats.load(other) if other is not None else None
    except UnreadableProfileError as error:
        raise UsageError(str(error)) from None
    if options.output:
        if second is not None:
            raise UsageError("-o writes one profile in another format: name one FILE")
        return _write_profile(first, Path(options.output), options.force, settings.read_only)
    if options.force:
        raise UsageError("--force overwrites a file, so it belongs to -o FILE")
    require_screen(f"tputtui view {clean(str(path), 100)} -o FILE.svg writes a flame graph")
    from tputtui.tui.capabilities import SAVED_PROFILE
    from tputtui.tui.profile.profile_menus import OpenedProfile
    from tputtui.tui.profile.profile_screen import ProfileScreen

    opened = OpenedProfile(first) if second is None else OpenedProfile(second, first)
    return show_screen(
        settings,
        SAVED_PROFILE,
        settings.notes,
        make_screen=lambda app: ProfileScreen(app.profile_session, opened=opened),
    )


def _is_pstats(path: Path) -> bool:
    return path.name.endswith((".pstats", ".prof"))


def _view_pstats(arguments: Arguments, path: Path, other: Path | None) -> int:
    """Show a pstats profile. Raises UnreadableProfileError."""
    from tputtui.profiling.files import pstats_file

    if other is not None:
        raise UsageError("a pstats file counts calls and cannot be compared: name one FILE")
    counted: PstatsProfile = pstats_file.load(path)
    if arguments.options.output:
        raise UsageError("a pstats file has no stacks: there is nothing to write in another format")
    require_screen("python -m pstats FILE prints it")
    settings = effective_settings(arguments).settings

    def make_screen(app: TputtuiApp) -> Screen[None]:
        from tputtui.tui.profile.pstats_screen import PstatsScreen

        return PstatsScreen(app.session, counted)

    from tputtui.tui.capabilities import SAVED_PROFILE

    return show_screen(settings, SAVED_PROFILE, settings.notes, make_screen=make_screen)


def _write_profile(profile: Profile, path: Path, force: bool, read_only: bool) -> int:
    shown = clean(str(path), 200)
    if read_only:
        raise UsageError("--read-only: no file is written")
    try:
        file_formats.save(profile, path, force=force)
    except ValueError as error:
        raise UsageError(str(error)) from None
    except FileExistsError:
        raise UsageError(f"{shown} exists: --force overwrites it") from None
    except OSError as error:
        print_stderr(f"{shown}: {error.strerror or error}")
        return 1
    print_stderr(f"wrote {shown}")
    return 0

"""`tputtui view FILE [FILE2]`: open a saved profile, or the difference of two; or convert it with
`-o`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen
from tputtui.cli.verbs import Verb
from tputtui.text import clean

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.profiling.files.profile_format import ProfileFormat
    from tputtui.profiling.profile_model import Profile
    from tputtui.tui.app import TputtuiApp


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui view`."""
    from tputtui.profiling.files import file_formats

    parser.add_argument(
        "file",
        metavar="FILE",
        help=f"{file_formats.readable_formats()}, gzipped or not; "
        f"or {file_formats.calls_suffixes()}",
    )
    parser.add_argument(
        "other", metavar="FILE2", nargs="?", help="a later profile: their difference is shown"
    )
    parser.add_argument(
        "-o",
        metavar="OUT",
        dest="output",
        help=f"write FILE as {file_formats.writable_suffixes()} instead, .gz on any",
    )
    parser.add_argument("--force", action="store_true", help="overwrite OUT")


def run(arguments: Arguments) -> int:
    """Read the file first, so that an unreadable one never changes the terminal."""
    from tputtui.profiling.files import file_formats
    from tputtui.profiling.profile_model import UnreadableProfileError

    options = arguments.options
    settings = effective_settings(arguments).settings
    path, other = Path(options.file), Path(options.other) if options.other else None
    try:
        for file in (path, other):
            calls_format = file_formats.calls_format(file) if file is not None else None
            if calls_format is not None:
                return _view_calls(arguments, calls_format, path, other)
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
    from tputtui.tui.profile.profile_commands import OpenedProfile
    from tputtui.tui.profile.profile_screen import ProfileScreen

    opened = OpenedProfile(first) if second is None else OpenedProfile(second, first)
    return show_screen(
        settings,
        SAVED_PROFILE,
        settings.notes,
        make_screen=lambda app: ProfileScreen(app.profile_session, opened=opened),
    )


def _view_calls(
    arguments: Arguments, calls_format: ProfileFormat, path: Path, other: Path | None
) -> int:
    """Show a profile of counted calls. Raises UnreadableProfileError."""
    name, read = calls_format.name, calls_format.read_calls
    if other is not None:
        raise UsageError(f"a {name} file counts calls and cannot be compared: name one FILE")
    if read is None:
        raise AssertionError("a format of counted calls has a reader")
    counted = read(path)
    if arguments.options.output:
        raise UsageError(
            f"a {name} file has no stacks: there is nothing to write in another format"
        )
    require_screen("python -m pstats FILE prints it")
    settings = effective_settings(arguments).settings

    def make_screen(app: TputtuiApp) -> Screen[None]:
        from tputtui.tui.profile.pstats_screen import PstatsScreen

        return PstatsScreen(app.session, counted)

    from tputtui.tui.capabilities import SAVED_PROFILE

    return show_screen(settings, SAVED_PROFILE, settings.notes, make_screen=make_screen)


def _write_profile(profile: Profile, path: Path, force: bool, read_only: bool) -> int:
    from tputtui.profiling.files import file_formats

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


VERB = Verb(add_options, run, common_flags=options.SCREEN_FLAGS)

"""What stands in the pane's place: the options of a capture, and the list of profiles to open or compare with."""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.profiling.files.library import LibraryEntry
from tputtui.profiling.profile_errors import UnreadableProfileError
from tputtui.profiling.profile_model import Profile
from tputtui.tui.profile.profile_commands import ProfileViewCommands
from tputtui.tui.profile.sampler import SampledProcess
from tputtui.views.profile.capture_options import CapturePlan, default_plan
from tputtui.views.profile.option_menus import LibraryMenu, OptionsMenu
from tputtui.views.profile.profile_view import ProfileView


@frozen
class OpenedProfile:
    """A profile that is opened instead of taken. `before`: the one it is compared with."""

    profile: Profile
    before: Profile | None = None
    entry: LibraryEntry | None = None


class ProfileMenuCommands(ProfileViewCommands):
    """The part of the profile's screen that asks before something is sampled, opened or compared."""

    def __init__(
        self, process: SampledProcess | None, plan: CapturePlan | None, profile_view: ProfileView
    ) -> None:
        super().__init__()
        self._process = process
        self._plan = plan
        self._profile_view = profile_view
        self._menu: OptionsMenu | LibraryMenu | None = None
        self._entry: LibraryEntry | None = None  # the profile that is shown, once it is kept

    @property
    def profile_view(self) -> ProfileView:
        """The pages of the profile that is shown."""
        return self._profile_view

    @property
    def is_sampling(self) -> bool:
        """Whether a capture is under way."""
        raise NotImplementedError

    @property
    def menu_hints(self) -> list[tuple[str, str]]:
        """What the footer says of the list; empty without one."""
        if self._menu is None:
            return []
        does = "sample" if isinstance(self._menu, OptionsMenu) else "compare"
        return [("Enter", does), ("Esc", "back"), ("?", "help"), ("q", "quit")]

    def close_menu(self) -> None:
        """What stands in the pane's place goes."""
        self._menu = None

    def do_difference(self) -> None:
        """D: choose the profile to compare with; again: by itself."""
        if isinstance(self._menu, LibraryMenu):
            self._menu = None
        elif (
            self._profile_view.analysis is not None
            and self._profile_view.analysis.before is not None
        ):
            self._profile_view.compare(None)
        else:
            shown = self._entry or (
                LibraryEntry(0.0, 0, "") if self._profile_view.analysis is not None else None
            )
            scene = self.tputtui_app.current_frame()
            self._menu = LibraryMenu(
                self.tputtui_app.profile_session.library.entries(),
                shown,
                scene.format_clock if scene is not None else str,
            )
        self.tputtui_app.show_frame()

    def do_profile_options(self) -> None:
        """P: how it is sampled, first."""
        subject = self._process
        if self.is_sampling or subject is None:
            self.tputtui_app.show_status(
                "it is being sampled already: Esc stops"
                if subject
                else "there is no process to sample"
            )
            return
        plan = self._plan or default_plan(self.tputtui_app.settings.profile)
        named = f"{subject.identity.pid} {subject.name}"
        self._menu = OptionsMenu(plan, self.tputtui_app.settings.profile, named, subject.threads)
        self.tputtui_app.show_frame()

    def compare(self, entry: LibraryEntry | None) -> None:
        """Show the profile against one of the shelf."""
        self._menu = None
        if entry is None:
            self.tputtui_app.show_frame()
            return
        try:
            self._profile_view.compare(self.tputtui_app.profile_session.library.load_profile(entry))
        except UnreadableProfileError as error:
            self.tputtui_app.show_status(str(error))
        else:
            self.show_message(
                ""
                if self._profile_view.analysis is not None
                else "there is no profile yet to compare it with"
            )

"""What stands in the pane's place: the options of a capture, and the list of profiles to open or compare with."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

from tputtui.frozen import frozen
from tputtui.profiling.files.library import LibraryEntry
from tputtui.profiling.profile_errors import UnreadableProfileError
from tputtui.profiling.profile_model import Profile
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.profile.profile_commands import ProfileViewCommands
from tputtui.tui.profile.sampler import SampledProcess
from tputtui.views.profile.capture_options import CapturePlan, default_plan
from tputtui.views.profile.option_menus import LibraryMenu, OptionsMenu
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from tputtui.tui.profile.profile_session import ProfileSession


@frozen
class OpenedProfile:
    """A profile that is opened instead of taken. `before`: the one it is compared with."""

    profile: Profile
    before: Profile | None = None
    entry: LibraryEntry | None = None


class ProfileMenuCommands(ProfileViewCommands):
    """The part of the profile's screen that asks before something is sampled, opened or compared."""

    def __init__(
        self,
        profiles: ProfileSession,
        profile_view: ProfileView,
        process: SampledProcess | None,
        plan: CapturePlan | None,
    ) -> None:
        super().__init__(profiles, profile_view)
        self._process = process
        self._plan = plan
        self._menu: OptionsMenu | LibraryMenu | None = None
        self._entry: LibraryEntry | None = None  # the profile that is shown, once it is kept

    @property
    @abstractmethod
    def is_sampling(self) -> bool:
        """Whether a capture is running."""

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

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            **super().handlers(),
            CommandId.DIFFERENCE: self.toggle_difference,
            CommandId.PROFILE_OPTIONS: self.ask_options,
        }

    def toggle_difference(self) -> None:
        """Choose a profile to compare with; while comparing: show this one alone."""
        if isinstance(self._menu, LibraryMenu):
            self._menu = None
        elif (
            self.profile_view.analysis is not None and self.profile_view.analysis.before is not None
        ):
            self.profile_view.compare(None)
        else:
            shown = self._entry or (
                LibraryEntry(0.0, 0, "") if self.profile_view.analysis is not None else None
            )
            frame = self.session.current_frame()
            self._menu = LibraryMenu(
                self._profiles.library.entries(),
                shown,
                frame.format_clock if frame is not None else str,
            )
        self.session.show_frame()

    def ask_options(self) -> None:
        """Ask how the process is to be sampled."""
        subject = self._process
        if self.is_sampling or subject is None:
            self.session.show_status(
                "it is being sampled already: Esc stops"
                if subject
                else "there is no process to sample"
            )
            return
        plan = self._plan or default_plan(self.session.settings.profile)
        named = f"{subject.pid} {subject.name}"
        self._menu = OptionsMenu(plan, self.session.settings.profile, named, subject.threads)
        self.session.show_frame()

    def compare(self, entry: LibraryEntry | None) -> None:
        """Show the profile against one of the shelf."""
        self._menu = None
        if entry is None:
            self.session.show_frame()
            return
        try:
            self.profile_view.compare(self._profiles.library.load_profile(entry))
        except UnreadableProfileError as error:
            self.session.show_status(str(error))
        else:
            self.show_message(
                ""
                if self.profile_view.analysis is not None
                else "there is no profile yet to compare it with"
            )

"""Menus in the pane's place: options of a capture, and profiles to open or compare with."""

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
    """Profile to open instead of taking one. `before`: profile to compare it with."""

    profile: Profile
    before: Profile | None = None
    entry: LibraryEntry | None = None


class ProfileMenuCommands(ProfileViewCommands):
    """Part of the profile screen with the menus."""

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
        self._entry: LibraryEntry | None = None  # of the shown profile, once it is saved

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            **super().handlers(),
            CommandId.DIFFERENCE: self.toggle_difference,
            CommandId.PROFILE_OPTIONS: self.ask_options,
        }

    @property
    @abstractmethod
    def is_sampling(self) -> bool:
        """Whether a capture is running."""

    @property
    def menu_hints(self) -> list[tuple[str, str]]:
        """Footer hints of the menu; empty without a menu."""
        if self._menu is None:
            return []
        verb = "sample" if isinstance(self._menu, OptionsMenu) else "compare"
        return [("Enter", verb), ("Esc", "back"), ("?", "help"), ("q", "quit")]

    def close_menu(self) -> None:
        """Close the menu."""
        self._menu = None

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
        process = self._process
        if self.is_sampling or process is None:
            self.session.show_status(
                "it is being sampled already: Esc stops"
                if process
                else "there is no process to sample"
            )
            return
        plan = self._plan or default_plan(self.session.settings.profile)
        title = f"{process.identity.pid} {process.name}"
        self._menu = OptionsMenu(plan, self.session.settings.profile, title, process.threads)
        self.session.show_frame()

    def compare(self, entry: LibraryEntry | None) -> None:
        """Compare the profile with one of the library."""
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

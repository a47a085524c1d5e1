"""Profiles of a session: take one, keep it, come back to it, export it.

Captures for `[profile.on_objective_missed]` are reported, saved and logged on the live screen.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.model import Event, ProcessReference, ProcessState, Snapshot
from tputtui.profiling.analysis.module_table import build_table
from tputtui.profiling.capture.capture_triggers import ObjectiveCapture
from tputtui.profiling.capture.preflight import root_command
from tputtui.profiling.files import file_formats
from tputtui.profiling.files.library import LibraryEntry, ProfileLibrary
from tputtui.profiling.profile_model import Profile, UnreadableProfileError
from tputtui.settings import ProfileTrigger
from tputtui.signals.service.serving_processes import (
    ProcessChoice,
    choose_process,
    find_family,
    find_service,
)
from tputtui.views.live.process_table import BY_HAND, under_cursor

if TYPE_CHECKING:
    from tputtui.recording.records import RecordedProfile
    from tputtui.tui.profile.profile_screen import ProfileScreen
    from tputtui.tui.session import Session


_MAX_MARKED = 200  # profiles marked on the time axis


class ProfileSession:
    """Library of profiles, choice of the process to sample, and the profile screen."""

    def __init__(self, session: Session, record_profile: Callable[[Profile], bool]) -> None:
        """`record_profile` embeds a profile in the run that is recorded; False: too large."""
        self.session = session
        self._record_profile = record_profile
        settings = session.settings
        self.library = ProfileLibrary(session.environment.state_folder / "profiles")
        self.categories = build_table(settings.profile.categories, settings.own)
        self._sampled: set[ProcessReference] = set()  # workers that had their turn
        if session.player is not None:
            self.library.add_entries(_recorded_entries(session.player.profiles))

    def choose(self) -> ProcessChoice:
        """Choose the process that p would sample now."""
        session = self.session
        frame, latest = session.current_frame(), session.latest
        if frame is None or latest is None:
            return ProcessChoice(is_pending=True, reason="looking for the process to profile")
        return choose_process(
            latest,
            frame.service,
            cursor=under_cursor(latest, session.view_state.list_state("processes")),
            has_focus=session.view_state.focus == "processes",
            sampled=self._sampled,
            sudo=root_command(),
            manual_hint=BY_HAND,
        )

    def next_worker(self, process: ProcessReference) -> ProcessChoice | None:
        """Return the next worker of the service of a process; None where there is no other."""
        latest = self.session.latest
        service = find_service(latest, process) if latest is not None else None
        if latest is None or service is None:
            return None
        choice = choose_process(latest, service, sampled=self._sampled)
        if (
            choice.process is not None and choice.process.pid == process.pid
        ):  # a round is over, and it is the busiest again
            choice = choose_process(latest, service, sampled={choice.process.identity})
        return choice if choice.process is not None and choice.process.pid != process.pid else None

    def sample_choice(self, choice: ProcessChoice, *, ask: bool = False) -> None:
        """Sample the chosen process, and say which it is."""
        if choice.process is not None and self.sample(choice.process, ask):
            self.announce(choice, ask=ask)

    def announce(self, choice: ProcessChoice, *, ask: bool = False) -> None:
        """Say which process is sampled, and what p does next."""
        begin = "" if ask else "sampling "
        room = self.session.app.size.width - 2
        sentence = begin + choice.describe(room - len(begin))
        ends = "" if ask else "; Esc stops"
        self.session.show_status(
            sentence + ends if text.width(sentence + ends) <= room else sentence
        )

    def refuse(self, choice: ProcessChoice) -> None:
        """Say why no process is offered; a long reason in the pane: a cut command is useless."""
        from tputtui.tui.profile.profile_screen import ProfileScreen

        if text.width(choice.reason) <= self.session.app.size.width - 2 or self._profile_screen():
            self.session.show_status(choice.reason)
        else:
            self.session.push_screen(
                ProfileScreen(
                    self, refusal=f"{choice.reason}\nq: back to the live screen; p: look again"
                )
            )

    def note_sampled(self, sampled: ProcessReference) -> None:
        """Note that a process has had its turn among the workers of its service."""
        latest = self.session.latest
        running = latest.processes if latest is not None else None
        process = next(
            (process for process in running or () if sampled.matches(process.identity)),
            None,
        )
        if latest is None or process is None:
            return
        self._sampled &= {other.identity for other in running or ()}
        family = {other.identity for other in find_family(latest, process).processes}
        if family <= self._sampled:
            self._sampled -= family
        self._sampled.add(process.identity)

    def sample(self, process: ProcessState, with_options: bool = False) -> bool:
        """Sample a process in the profile screen; return False where that is off."""
        if self.session.settings.read_only:
            self.session.show_status("read-only: no profiling")
            return False
        from tputtui.tui.profile.profile_screen import ProfileScreen
        from tputtui.tui.profile.profile_workers import SampledProcess

        if not self._profile_screen():
            self.session.push_screen(
                ProfileScreen(self, SampledProcess.of(process), with_options=with_options)
            )
        return True

    def _profile_screen(self) -> ProfileScreen | None:
        from tputtui.tui.profile.profile_screen import ProfileScreen

        return next(
            (
                screen
                for screen in self.session.app.screen_stack
                if isinstance(screen, ProfileScreen)
            ),
            None,
        )

    def on_saved(self, entry: LibraryEntry, problem: str, reason: str = "") -> None:
        """Log a saved profile.

        `reason`: why it was taken automatically. Called in a capture's thread.
        """
        if entry.path is not None:
            self.session.saved_paths.append(str(entry.path))
        length = text.format_duration(round(entry.duration_s or 0.0, 1))
        sentence = f"profile of {text.clean(entry.label, 60)}, {length}" + (
            f": {text.clean(reason, 120)}" if reason else ""
        )
        self.session.log_event(Event(entry.time, "profile", sentence))
        del self.session.profile_times[: -_MAX_MARKED + 1]
        self.session.profile_times.append(time.monotonic() - (time.time() - entry.time))
        if entry.profile is not None and not self._record_profile(entry.profile) and not problem:
            problem = "the profile is too large to be carried in the run: it is saved beside it"
        if problem:
            self.session.show_status_from_thread(problem)

    def current_entry(self) -> LibraryEntry | None:
        """Return the profile that was being taken at the shown moment, if it is a past one."""
        if self.session.timeline.behind_s <= 0 and self.session.player is None:
            return None
        frame = self.session.current_frame()
        return self.library.find_near(frame.snapshot.time) if frame is not None else None

    def open(self, entry: LibraryEntry) -> None:
        """Show a profile that was taken before."""
        from tputtui.tui.profile.profile_commands import OpenedProfile
        from tputtui.tui.profile.profile_screen import ProfileScreen

        screen = self._profile_screen()
        if screen is not None:
            screen.open_entry(entry)
            return
        try:
            self.session.push_screen(
                ProfileScreen(
                    self, opened=OpenedProfile(self.library.load_profile(entry), entry=entry)
                )
            )
        except UnreadableProfileError as error:
            self.session.show_status(str(error))

    def export(self, profile: Profile | None) -> None:
        """Write a profile in every format."""
        if profile is None or self.session.settings.read_only:
            self.session.show_status(
                "nothing to export yet" if profile is None else "read-only: no file is written"
            )
            return
        from tputtui.profiling.files.file_formats import export as write

        state_folder = self.session.environment.state_folder
        try:
            paths = write(profile, state_folder / "profiles")
        except OSError as error:
            self.session.show_status(
                f"not saved: {error.filename or state_folder}: {error.strerror or error}"
            )
            return
        self.session.saved_paths += [str(path) for path in paths]
        stem = paths[0].name.partition(".")[0]
        others = ", ".join(path.name.removeprefix(stem) for path in paths[1:])
        folder, home = str(paths[0].parent), f"{Path.home()}/"
        folder = f"~/{folder.removeprefix(home)}" if folder.startswith(home) else folder
        self.session.show_status(f"saved {paths[0].name}, {others} in {folder}")

    def show_current(self) -> bool:
        """Show the profile of the shown moment, or say that there is one; False: there is none."""
        entry = self.current_entry()
        if entry is None:
            return False
        if self._profile_screen() is self.session.app.screen:
            self.open(entry)
        else:
            self.session.show_status(f"{entry.label} was being profiled here: p shows it")
        return True


def _recorded_entries(profiles: Sequence[RecordedProfile]) -> list[LibraryEntry]:
    """Return the profiles of a run, the newest first; unreadable ones are left out."""
    entries = []
    for recorded in profiles:
        with contextlib.suppress(UnreadableProfileError):
            label = f"{text.clean(recorded.name, 60)} ({recorded.pid})"
            profile = file_formats.parse(json.dumps(recorded.document).encode(), label)
            entries.append(
                LibraryEntry(
                    recorded.time, recorded.pid, label, profile.duration_s, profile=profile
                )
            )
    return sorted(entries, key=lambda entry: -entry.time)


_STOP_TIMEOUT_S = 3.0  # py-spy writes within a second


class LiveObjectiveCapture:
    """Pass snapshots to the trigger, and its results to the session."""

    def __init__(self, profiles: ProfileSession, trigger: ProfileTrigger) -> None:
        self._session = profiles.session
        self._profiles = profiles
        self._capture = ObjectiveCapture(
            trigger, self._session.settings.profile, self._save, self._report_failure
        )

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Start a capture if an objective is missed."""
        sentence = self._capture.on_snapshot(snapshot)
        if sentence is not None:
            self._session.show_status(sentence)

    def stop(self) -> None:
        """End a running capture and save it, before the screen goes."""
        self._capture.stop(_STOP_TIMEOUT_S)

    def _save(self, profile: Profile, reason: str) -> None:
        self._profiles.on_saved(*self._profiles.library.save_profile(profile), reason)

    def _report_failure(self, message: str) -> None:
        self._session.log_event(Event(time.time(), "warning", message))
        self._session.show_status_from_thread(message)

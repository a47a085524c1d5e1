"""Commands of recording and marks. Whatever may wait for a disk is done in a thread."""

from __future__ import annotations

import re
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.model import Event
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.time_commands import ask_line

if TYPE_CHECKING:
    from tputtui.profiling.profile_model import Profile
    from tputtui.recording.recorder import Recorder
    from tputtui.tui.capabilities import Recordable
    from tputtui.tui.session import Session

_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 40
MAX_MARKS = 1000
NOTHING_TO_RECORD_MESSAGE = "a saved profile has nothing to record"


class RecordingCommands:
    """Commands that start and stop a recording, and its state."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._recorder: Recorder | None = None
        self._is_starting = False

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.QUIT: self.quit,
            CommandId.RECORD: self.toggle_recording,
            CommandId.MARK: self.ask_mark,
        }

    @property
    def is_running(self) -> bool:
        """Whether a recording is running or starting."""
        return self._recorder is not None or self._is_starting

    def status_text(self) -> str | None:
        """Return length and size, "1 min 3 s 24.0 KiB"; None while nothing is recorded."""
        recorder = self._recorder
        if recorder is None:
            return "begins" if self._is_starting else None
        state = recorder.state()
        digits, unit = text.format_size(state.size)
        return f"{text.format_duration(round(state.seconds))} {digits} {unit}"

    def toggle_recording(self) -> None:
        """Record from now on; while recording: stop, and save the run."""
        if self._session.settings.read_only:
            self._session.show_status("read-only: no file is written")
        elif self._is_starting:
            self._session.show_status("the recording is about to begin")
        elif self._recorder is not None:
            self._stop(self._recorder)
        elif self._session.capabilities.recordable is None:
            self._session.show_status(NOTHING_TO_RECORD_MESSAGE)
        else:
            self._is_starting = True
            recordable = self._session.capabilities.recordable
            self._run_in_thread(partial(self._start, recordable, self._new_path()))
            self._session.show_frame()

    def _new_path(self) -> Path:
        frame = self._session.current_frame()
        service = (
            frame.service.name
            if frame is not None and frame.service is not None
            else self._session.environment.host_name
        )
        name = _UNSAFE_CHARACTERS.sub("-", service).strip("-.")[:_MAX_NAME] or "run"
        return (
            self._session.environment.state_folder
            / "runs"
            / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.tput.gz"
        )

    @staticmethod
    def _run_in_thread(work: partial[None]) -> None:
        threading.Thread(target=work, name="recording", daemon=True).start()

    def _start(self, recordable: Recordable, path: Path) -> None:
        """Create the file and let the engine write to it. Called in a thread."""
        from tputtui.recording.recorder import Recorder, RecordingPlan
        from tputtui.recording.writer import CannotRecordError

        settings, latest = self._session.settings, self._session.latest
        shortest = 2 * settings.interval_s
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            recorder = Recorder(
                RecordingPlan(path),
                interval_s=settings.interval_s,
                window_s=max(
                    latest.window_s if latest is not None else settings.window_s, shortest
                ),
                quantiles=settings.quantiles,
                objectives=settings.objectives,
                by=settings.by,
            )
        except CannotRecordError as error:
            self._session.show_status_from_thread(f"nothing is recorded: {error}")
            return
        except OSError as error:
            self._session.show_status_from_thread(
                f"nothing is recorded: {path.parent}: {(error.strerror or str(error)).lower()}"
            )
            return
        finally:
            self._is_starting = False
        self._recorder = recorder
        recordable.start_recording(recorder)
        self._session.show_status_from_thread(f"records {path.name}: R stops and saves it")

    def _stop(self, recorder: Recorder, problem: str = "") -> None:
        self._recorder = None
        self._run_in_thread(partial(self._close, recorder, problem))
        self._session.show_frame()

    def _close(self, recorder: Recorder, problem: str = "") -> None:
        """Detach the recorder from the engine, then close its file. Called in a thread."""
        if self._session.capabilities.recordable is not None:
            self._session.capabilities.recordable.stop_recording()
        recorder.close()
        self._session.show_status_from_thread(self._describe_result(recorder, problem))

    def _describe_result(self, recorder: Recorder, problem: str) -> str:
        """Describe a closed recording, and keep its path for the closing lines."""
        state = recorder.state()
        problem = problem or state.problem or ""
        digits, unit = text.format_size(state.size)
        length = f"{text.format_duration(round(state.seconds))}, {digits} {unit}"
        if state.size:
            self._session.saved_paths.append(str(recorder.plan.path))
        if problem:
            self._session.log_event(
                Event(time.time(), "warning", f"the recording stopped: {problem}")
            )
            return f"the recording stopped: {problem}; {length} of it are saved"
        return (
            f"recorded {length}: {recorder.plan.path}"
            if state.size
            else "nothing was read: nothing is saved"
        )

    def record_profile(self, profile: Profile) -> bool:
        """Embed a profile in the recorded run, if any; False: too large. Called from any thread."""
        recordable = self._session.capabilities.recordable
        if self._recorder is None or recordable is None:
            return True
        from tputtui.recording.embedded_profiles import embed_profile

        return embed_profile(recordable, profile)

    def check(self) -> None:
        """Stop the recording, never the screen, if its disk is full or gone.

        Called once a second.
        """
        recorder = self._recorder
        problem = recorder.state().problem if recorder is not None else None
        if recorder is not None and problem is not None:
            self._stop(recorder, problem)

    def close(self) -> None:
        """Save a running recording, once the screen has gone and the engine has stopped."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.close()
            self._describe_result(recorder, "")

    def quit(self) -> None:
        """End the program; while recording, ask once."""
        if self.is_running and not self._session.is_quit_pending:
            self._session.is_quit_pending = True
            self._session.show_status(
                "it is being recorded: q again saves the run and quits, R only stops it"
            )
            return
        self._session.app.exit(0)

    # ---------------------------------------------------------------------------------------- marks

    def ask_mark(self) -> None:
        """Ask for a text, and mark the moment at which the key was pressed."""
        frame = self._session.current_frame()
        if frame is None:
            return
        # Imported lazily: the first mark needs it, not the first picture.
        from tputtui.recording.records import Mark

        at, moment = frame.snapshot.at, frame.snapshot.time
        if self._session.timeline.moment is None:
            moment += time.monotonic() - at
            at = time.monotonic()

        def done(mark_text: str | None) -> None:
            if mark_text is None:
                self._session.show_frame()
                return
            name = text.clean(mark_text.strip(), 200) or f"mark {len(self._session.marks) + 1}"
            del self._session.marks[: len(self._session.marks) - MAX_MARKS + 1]
            self._session.marks.append(Mark(moment, at, name))
            if self._session.capabilities.recordable is not None:
                self._session.capabilities.recordable.add_mark(name, moment)
            self._session.show_status(f"marked: {name}")

        ask_line(self._session, "a mark at this moment: what happens here?", done)

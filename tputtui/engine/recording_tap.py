"""The engine's recorder, if there is one: it sees every reading after it was taken, with what is bound by then."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Event, Reading, Scrape, Snapshot
from tputtui.recording.run_header import Mark

if TYPE_CHECKING:
    from tputtui.recording.recorder import Recorder, RecordingState

MAX_MARKS = 1000


class RecordingTap:
    """What stands between an engine and its recorder. `state` may be asked from any thread, all else is the engine's."""

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self.marks: deque[Mark] = deque(maxlen=MAX_MARKS)  # all that were set, recorded or not

    @property
    def is_recording_all_metrics(self) -> bool:
        """Whether all metrics are to be read, not only those that matter."""
        return self._recorder is not None and self._recorder.plan.all_metrics

    def start(self, recorder: Recorder) -> None:
        """Record from the next reading on."""
        self._recorder = recorder

    def stop(self) -> Recorder | None:
        """Record no longer; the recorder is for whoever closes it."""
        recorder, self._recorder = self._recorder, None
        return recorder

    def state(self) -> RecordingState | None:
        """How the recording goes; None while nothing is recorded."""
        recorder = self._recorder
        return recorder.state() if recorder is not None else None

    def on_reading(
        self,
        reading: Reading,
        snapshot: Snapshot,
        pipeline: SnapshotPipeline,
        is_discovering: bool,
        backfill: Sequence[Scrape],
    ) -> None:
        """A reading was taken; `past` is what servers remember of the time before, which came with it."""
        if self._recorder is not None:
            self._recorder.record_reading(
                reading, snapshot, pipeline.target_facts(), is_discovering, pipeline.filtered_service_name, backfill
            )

    def on_mark(self, mark: Mark) -> None:
        """A mark was set."""
        self.marks.append(mark)
        if self._recorder is not None:
            self._recorder.record_mark(mark)

    def on_profile(
        self, time: float, at: float, pid: int, name: str, document: Mapping[str, Any], top_function: str
    ) -> None:
        """A profile was taken."""
        if self._recorder is not None:
            self._recorder.record_profile(time, at, pid, name, document, top_function)

    def on_event(self, event: Event) -> None:
        """Something was noted that no reading tells."""
        if self._recorder is not None and event.kind != "mark":
            self._recorder.record_event(event)

"""Link from the engine to its recorder, if any: passes on every reading with the bindings at that
time.
"""

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
    """Link between an engine and its recorder.

    `state` may be read from any thread, everything else is for the engine's thread.
    """

    def __init__(self) -> None:
        self._recorder: Recorder | None = None
        self.marks: deque[Mark] = deque(maxlen=MAX_MARKS)  # all marks, recorded or not

    @property
    def is_recording_all_metrics(self) -> bool:
        """Whether to read all metrics, not only those that matter."""
        return self._recorder is not None and self._recorder.plan.all_metrics

    def start(self, recorder: Recorder) -> None:
        """Record from the next reading on."""
        self._recorder = recorder

    def stop(self) -> Recorder | None:
        """Stop recording and return the recorder, to be closed by the caller."""
        recorder, self._recorder = self._recorder, None
        return recorder

    def state(self) -> RecordingState | None:
        """State of the recording; None while nothing is recorded."""
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
        """Record a reading; `backfill` holds the past samples from servers that came with it."""
        if self._recorder is not None:
            self._recorder.record_reading(
                reading,
                snapshot,
                pipeline.target_facts(),
                is_discovering,
                pipeline.services.filtered_service_name,
                backfill,
            )

    def on_mark(self, mark: Mark) -> None:
        """Add a mark."""
        self.marks.append(mark)
        if self._recorder is not None:
            self._recorder.record_mark(mark)

    def on_profile(
        self,
        time: float,
        at: float,
        pid: int,
        name: str,
        document: Mapping[str, Any],
        top_function: str,
    ) -> None:
        """Record a profile."""
        if self._recorder is not None:
            self._recorder.record_profile(time, at, pid, name, document, top_function)

    def on_event(self, event: Event) -> None:
        """Record an event that cannot be derived from a reading."""
        if self._recorder is not None and event.kind != "mark":
            self._recorder.record_event(event)

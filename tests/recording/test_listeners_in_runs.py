"""A run holds the processes that serve its targets, and a replay marks the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import samples

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import ProcessReading, Reading, Target
from tputtui.recording.encode import Encoder
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.signals.service.serving_processes import serving_marks

PROCESSES = tuple(
    ProcessReading(
        process.pid, process.started, process.name, None, 1.0, 1, 1, "S", python=process.python
    )
    for process in samples.PROCESSES
)


def test_the_rows_of_a_replay_are_marked_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "a.tput.gz"
    monitor, again = (
        SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5,)) for _ in range(2)
    )
    monitor.add_target(Target("web-01", "http://127.0.0.1:8000/metrics"))
    recorder = Recorder(RecordingPlan(path), interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    listeners = samples.listeners()
    marks = []
    for second in range(3):
        reading = Reading(
            second + 1.0,
            second + 1.5,
            processes=PROCESSES,
            listeners=listeners if not second else None,
        )
        snapshot = monitor.derive_snapshot(reading)
        recorder.record_reading(reading, snapshot, monitor.target_facts())
        marks.append(serving_marks(snapshot))
    recorder.close()
    with Run(path) as run:
        shown = [serving_marks(again.derive_snapshot(tick.reading)) for tick in run.ticks()]
    assert shown == marks
    assert "serves :8000" in shown[-1].values()


def test_each_member_repeats_the_listeners_and_unchanged_listeners_are_written_once() -> None:
    encoder = Encoder()
    reading = Reading(1.0, 1.0, listeners=samples.listeners())
    silent = replace(reading, listeners=None)
    moved = replace(reading, listeners=samples.listeners()[:1])

    def says(written: Reading) -> bool:
        return any(b'"listeners"' in line for line in encoder.encode_reading(written, (), ()))

    assert [says(item) for item in (silent, reading, reading, silent, moved, moved)] == [
        0,
        1,
        0,
        0,
        1,
        0,
    ]
    encoder.restart()
    assert [says(item) for item in (silent, silent)] == [1, 0]

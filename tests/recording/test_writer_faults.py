"""A disk that is full, slow or gone costs the recording or a part of it.

The loss is reported, and the file stays valid.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from recorded_runs import readings, record

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Target
from tputtui.recording import writer
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.writer import CannotRecordError, RunWriter

WRITE = os.write


def recorder(path: Path, **plan: object) -> Recorder:
    return Recorder(RecordingPlan(path, **plan), interval_s=1.0, window_s=10.0, quantiles=(0.5,))  # type: ignore[arg-type]


def feed(to: Recorder, count: int, settle_s: float = 0.002) -> None:
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    monitor.add_target(Target("api", "http://127.0.0.1:1/metrics"))
    for reading in readings(count, {"api": 100.0}):
        to.record_reading(reading, monitor.derive_snapshot(reading), monitor.target_facts())
        time.sleep(settle_s)  # the writer's thread writes each tick by itself, as it does live


def written(path: Path) -> list[float]:
    with Run(path) as run:
        return [tick.reading.at for tick in run.ticks()]


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def test_a_full_disk_stops_the_recording_with_a_sentence_and_the_file_stays_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = [4000]

    def write(descriptor: int, content: bytes) -> int:
        if room[0] <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = WRITE(descriptor, bytes(content)[: room[0]])
        room[0] -= done
        return done

    monkeypatch.setattr(os, "write", write)
    to = recorder(tmp_path / "a.tput.gz")
    feed(to, 100)
    assert not to.close()
    problem = to.state().problem
    assert problem is not None
    assert "the disk is full" in problem
    monkeypatch.undo()
    times = written(tmp_path / "a.tput.gz")
    assert times == [1000.0 + tick for tick in range(len(times))]
    assert 10 < len(times) < 100


def test_a_disk_that_is_full_from_the_start_leaves_no_file_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(_: int, __: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    to = recorder(tmp_path / "a.tput.gz")
    feed(to, 5)
    assert not to.close()
    assert "the disk is full" in (to.state().problem or "")
    assert to.state().seconds == 0.0
    assert not (tmp_path / "a.tput.gz").exists()


def test_a_failing_disk_ends_the_file_at_the_last_complete_reading_and_nothing_is_reported_as_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(1000))

    def write(descriptor: int, content: bytes) -> int:
        if next(calls) >= 40:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return WRITE(descriptor, content)

    monkeypatch.setattr(os, "write", write)
    to = recorder(tmp_path / "a.tput.gz")
    feed(to, 80, settle_s=0.01)
    assert not to.close()
    monkeypatch.undo()
    state = to.state()
    assert "input/output error" in (state.problem or "")
    assert state.seconds == written(tmp_path / "a.tput.gz")[-1] - 1000.0 < 79.0
    assert state.dropped == 0, "the disk kept up until it failed"


def test_written_data_is_synced_during_the_recording_and_completely_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    sync = os.fsync

    def write(descriptor: int, content: bytes) -> int:
        acts.append("write")
        return WRITE(descriptor, content)

    def fsync(descriptor: int) -> None:
        acts.append("sync")
        sync(descriptor)

    monkeypatch.setattr(writer, "SYNC_S", 0.05)
    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fsync", fsync)
    to = recorder(tmp_path / "a.tput.gz")
    feed(to, 40, settle_s=0.01)
    assert acts.count("sync") > 1
    assert to.close()
    assert acts[-1] == "sync"


def test_a_disk_that_hangs_blocks_nothing_and_dropped_readings_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    monkeypatch.setattr(writer, "QUEUE_BYTES", 20_000)
    monkeypatch.setattr(writer, "CLOSE_S", 0.3)
    monkeypatch.setattr(os, "write", lambda fd, content: free.wait(20) and WRITE(fd, content))
    to = recorder(tmp_path / "a.tput.gz")
    began = time.monotonic()
    feed(to, 300, settle_s=0.0)
    assert to.dropped > 100
    assert not to.close()
    assert time.monotonic() - began < 3.0
    assert "does not answer" in (to.state().problem or "")
    free.set()


def test_after_a_slow_moment_the_file_continues_and_lacks_only_the_dropped_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()
    monkeypatch.setattr(writer, "QUEUE_BYTES", 20_000)
    monkeypatch.setattr(os, "write", lambda fd, content: free.wait(20) and WRITE(fd, content))
    to = recorder(tmp_path / "a.tput.gz")
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    monitor.add_target(Target("api", "http://127.0.0.1:1/metrics"))
    for number, reading in enumerate(readings(200, {"api": 100.0})):
        if number == 150:
            free.set()
            until(lambda: to._writer._queued_bytes == 0)
        to.record_reading(reading, monitor.derive_snapshot(reading), monitor.target_facts())
    assert to.close()
    times = written(tmp_path / "a.tput.gz")
    assert times[0] == 1000.0
    assert times[-1] == 1199.0
    assert len(times) == 200 - to.dropped < 200
    with Run(tmp_path / "a.tput.gz") as run:
        end = run.end()
        assert end is not None
        assert end.dropped == to.dropped


def test_short_writes_leave_the_file_intact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda fd, content: WRITE(fd, bytes(content)[:7]))
    record(tmp_path / "a.tput.gz", 70)
    monkeypatch.undo()
    assert len(written(tmp_path / "a.tput.gz")) == 70


@pytest.mark.parametrize("act", ["delete", "truncate"])
def test_a_removed_file_is_noticed_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    monkeypatch.setattr(writer, "SYNC_S", 0.05)
    path = tmp_path / "a.tput.gz"
    to = recorder(path)
    feed(to, 3)
    until(lambda: path.stat().st_size > 100)
    if act == "delete":
        path.unlink()
    else:
        os.truncate(path, 0)
    until(lambda: to.state().problem is not None)
    assert ("deleted" if act == "delete" else "truncated") in (to.state().problem or "")
    assert not to.close()


def test_a_failing_sync_is_never_called_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    to = recorder(tmp_path / "a.tput.gz")
    feed(to, 3)
    assert not to.close()
    assert "input/output error" in (to.state().problem or "")


def test_beyond_the_size_limit_it_goes_on_in_a_new_file(tmp_path: Path) -> None:
    to = recorder(tmp_path / "a.tput.gz", size_limit=3000)
    feed(to, 150)
    assert to.close()
    parts = to.state().parts
    assert parts > 1
    names = ["a.tput.gz", *(f"a-{number}.tput.gz" for number in range(2, parts + 1))]
    times = [at for name in names for at in written(tmp_path / name)]
    assert times == [1000.0 + tick for tick in range(150)]
    with Run(tmp_path / "a.tput.gz") as run:
        assert run.end_description == "the size limit: it goes on in a-2.tput.gz"


@pytest.mark.parametrize("where", ["missing/a.tput.gz", ".", "a\0b"])
def test_an_impossible_path_is_refused_at_once(tmp_path: Path, where: str) -> None:
    with pytest.raises(CannotRecordError):
        RunWriter(tmp_path / where)

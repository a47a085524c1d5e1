"""Late answers in a run: a replay shows the live figures, and a row covers the time that passed."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_runs import ADDRESS, BEGAN, FAMILIES, REQUESTS

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.model import Exposition, Reading, Scrape, Snapshot, Target
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.run_table import read_table

RATE = 40.0
STALLED, ANSWERED = 30, 55  # silent between these two seconds; its deadline is 10 s


def states(snapshot: Snapshot) -> list[tuple[object, ...]]:
    return [
        (target.state, target.up, target.waiting_s, target.error, target.age_s)
        for target in snapshot.targets
    ]


def good(tick: int, took_s: float = 0.004, body_s: float = 0.0) -> Scrape:
    at = 1000.0 + tick - 0.01
    exposition = Exposition({REQUESTS: RATE * tick}, FAMILIES, 1)
    first_s = took_s - body_s if body_s else None
    return Scrape("api", at, BEGAN + tick - 0.01, took_s, exposition, 900, first_byte_s=first_s)


def late(tick: int) -> Scrape:
    return Scrape(
        "api", 1000.0 + tick, BEGAN + tick, 10.0, error="no answer within 10 s", late=True
    )


def readings() -> Iterator[Reading]:
    for tick in range(90):
        at, time = 1000.0 + tick, BEGAN + tick
        waited = tick - STALLED + 0.5
        if tick < STALLED or tick > ANSWERED:
            yield Reading(at, time, (good(tick),))
        elif tick == ANSWERED:
            yield Reading(at, time, (good(tick, took_s=5.5, body_s=0.5),))
        elif tick in (STALLED + 10, STALLED + 20):
            yield Reading(at, time, (late(tick),), waiting={"api": waited})
        else:
            partial = (
                {"api": 100} if tick > STALLED + 20 else {}
            )  # the third attempt brings a partial answer
            yield Reading(at, time, waiting={"api": waited} if waited > 1 else {}, partial=partial)


@pytest.fixture
def run(tmp_path: Path) -> tuple[Path, list[Snapshot]]:
    """Record the run; return it with the live snapshots."""
    path = tmp_path / "a.tput.gz"
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    monitor.add_target(Target("api", ADDRESS))
    recorder = Recorder(RecordingPlan(path), interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    shown = []
    for reading in readings():
        shown.append(monitor.derive_snapshot(reading))
        recorder.record_reading(reading, shown[-1], monitor.target_facts())
    recorder.close("")
    return path, shown


def test_a_replay_shows_a_late_answer_as_it_was_shown_live(
    run: tuple[Path, list[Snapshot]],
) -> None:
    path, live = run
    with Run(path) as opened:
        shown = list(replay_snapshots(opened))
    assert list(map(states, shown)) == list(map(states, live))
    assert [snapshot.services for snapshot in shown] == [snapshot.services for snapshot in live]
    assert {snapshot.targets[0].state for snapshot in shown[STALLED + 1 : ANSWERED]} == {"slow"}
    assert [snapshot.targets[0].partial for snapshot in shown] == [
        snapshot.targets[0].partial for snapshot in live
    ]
    assert shown[ANSWERED - 1].targets[0].partial == 100
    assert shown[STALLED + 19].targets[0].partial is None
    stalled = shown[ANSWERED - 1].services[0].traffic
    assert stalled is not None
    assert stalled.rps is None
    assert stalled.last is not None
    assert stalled.last.value == pytest.approx(RATE)


def test_a_row_of_its_table_covers_the_wait_and_no_request_is_lost(
    run: tuple[Path, list[Snapshot]],
) -> None:
    rows = read_table(run[0])
    assert rows.requests == pytest.approx(RATE * 89, rel=0.02)
    assert [row.rps for row in rows.rows if row.rps is not None] == pytest.approx(
        [RATE] * (len(rows.rows) - 1), rel=0.02
    )
    assert len(rows.rows) == 90 - (ANSWERED - STALLED)


def test_an_old_file_without_waiting_fields_is_read_as_before(
    tmp_path: Path, run: tuple[Path, list[Snapshot]]
) -> None:
    path = tmp_path / "old.tput.gz"
    kept = []
    for line in gzip.decompress(run[0].read_bytes()).splitlines():
        record = json.loads(line)
        record.pop("c")
        for key in ("late", "silent", "first", "delayed"):
            record.pop(key, None)
        record.get("tick", {}).pop("waiting", None)
        content = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
        kept.append(f'{content[:-1]},"c":{zlib.crc32(content.encode())}}}')
    assert any("tick" in line for line in kept)
    assert not any('"waiting"' in line for line in kept)
    with gzip.open(path, "wb") as file:
        file.write("\n".join([*kept, ""]).encode())
    rows = read_table(path)
    assert len(rows.rows) >= 60

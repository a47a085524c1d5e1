"""A run holds the readings: the same pipeline derives the same from it.

Damage affects only the damaged part, and is reported.
"""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import FAMILIES, REQUESTS, record, record_readings

from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.model import Exposition, Reading, Scrape, Series, Snapshot
from tputtui.recording import container
from tputtui.recording.reader import NotARunError, Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.records import Mark
from tputtui.recording.run_table import read_table
from tputtui.recording.writer import CannotRecordError


def without_url(snapshot: Snapshot) -> Snapshot:
    """Remove the addresses of targets: credentials are not recorded, and only they differ."""
    return replace(snapshot, targets=tuple(replace(target, url="") for target in snapshot.targets))


def test_every_snapshot_of_the_replay_is_the_live_one(tmp_path: Path) -> None:
    shown = record(tmp_path / "a.tput.gz", 150)
    with Run(tmp_path / "a.tput.gz") as run:
        assert [without_url(snapshot) for snapshot in replay_snapshots(run)] == [
            without_url(snapshot) for snapshot in shown
        ]
        assert run.damage == []
        assert run.end_description == ""
        assert len(run.member_starts()) == 3


def test_workers_in_turn_and_timestamped_samples_replay_as_they_were_live(tmp_path: Path) -> None:
    started, dated = (
        Series("process_start_time_seconds"),
        Series("lb_requests_total", (("code", "200"),)),
    )
    readings = []
    for tick in range(60):
        worker, at, time = tick % 3, 1000.0 + tick, 1_790_000_000.0 + tick
        in_turn = {REQUESTS: 5e4 * worker + 10.0 * tick, started: 1.7e9 + 60 * worker}
        timestamp = 15.0 * (tick // 15)
        pages = {
            "api": Exposition(in_turn, FAMILIES, 2),
            "lb": Exposition(
                {dated: 100 * timestamp}, FAMILIES, 1, timestamps={dated: 1_790_000_000 + timestamp}
            ),
        }
        scrapes = tuple(Scrape(name, at, time, 0.01, page, 100) for name, page in pages.items())
        readings.append(Reading(at, time, scrapes))
    shown = record_readings(tmp_path / "a.tput.gz", readings, ["api", "lb"])
    traffic = [service.traffic for service in shown[-1].services]
    assert [state.rps if state else None for state in traffic] == [
        pytest.approx(30.0),
        pytest.approx(100.0),
    ]
    with Run(tmp_path / "a.tput.gz") as run:
        assert [without_url(snapshot) for snapshot in replay_snapshots(run)] == [
            without_url(snapshot) for snapshot in shown
        ]
        assert run.damage == []


def test_the_file_is_private_and_has_no_credentials(tmp_path: Path) -> None:
    path = tmp_path / "a.tput.gz"
    before = os.umask(0)
    try:
        record(path, 5)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Run(path) as run:
        assert b"secret" not in run.member_content(0)


def test_a_file_cut_anywhere_gives_the_readings_before_the_cut(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.tput.gz", tmp_path / "cut.tput.gz"
    record(path, 130)
    content = path.read_bytes()
    with Run(path) as run:
        all_of = [tick.reading.scrapes for tick in run.ticks()]
    for size in range(container.HEADER_BYTES + 1, len(content), 97):
        cut.write_bytes(content[:size] + bytes(size % 3))
        try:
            with Run(cut) as run:
                scrapes = [tick.reading.scrapes for tick in run.ticks()]
        except NotARunError:
            assert size < 4000  # not even the header
            continue
        assert [str(scrape) for scrape in scrapes] == [
            str(scrapes) for scrapes in all_of[: len(scrapes)]
        ]


def test_a_damaged_member_is_left_out_as_a_whole_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.tput.gz"
    record(path, 150)
    content = bytearray(path.read_bytes())
    second = bytes(content).find(container.SIGNATURE, 10)
    content[second + 400] ^= 0x40
    path.write_bytes(content)
    with Run(path) as run:
        at = [tick.reading.at for tick in run.ticks()]
        assert any("left out" in sentence for sentence in run.damage)
    assert 1059.0 in at
    assert 1121.0 in at
    assert not any(1062.0 <= moment <= 1118.0 for moment in at)


def test_the_table_agrees_with_the_counter(tmp_path: Path) -> None:
    record(tmp_path / "a.tput.gz", 20)
    table = read_table(tmp_path / "a.tput.gz")
    assert table.service == "api"
    assert [row.rps for row in table.rows[2:]] == [pytest.approx(100.0)] * (len(table.rows) - 2)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b\x08junk", b"hello", b"\0" * 5000])
def test_a_file_that_is_not_a_run_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(NotARunError):
        Run(path)


def test_a_fifo_is_refused_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "f")
    with pytest.raises(NotARunError, match="plain file"):
        Run(tmp_path / "f")


def test_nothing_is_overwritten_and_no_link_is_followed(tmp_path: Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_text("mine")
    link.symlink_to(victim)
    for path, force in ((victim, False), (link, False), (link, True)):
        with pytest.raises(CannotRecordError):
            Recorder(
                RecordingPlan(path, force=force), interval_s=1.0, window_s=10.0, quantiles=(0.5,)
            )
    assert victim.read_text() == "mine"


def test_a_second_recorder_on_one_file_is_refused_with_the_name_of_the_first(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.tput.gz"
    first = Recorder(RecordingPlan(path), interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    try:
        with pytest.raises(CannotRecordError, match="is being recorded by"):
            Recorder(
                RecordingPlan(path, force=True), interval_s=1.0, window_s=10.0, quantiles=(0.5,)
            )
    finally:
        first.record_mark(Mark(0.0, 0.0, "x"))
        first.close()

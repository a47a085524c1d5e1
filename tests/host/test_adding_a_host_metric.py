"""Adding a host metric takes one row: the rest of the program follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import samples
from fake_proc import copy_proc_files, write_files
from recorded_runs import record_readings

from tputtui.cli.snapshot_json import to_json
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.host.host_collector import HostCollector
from tputtui.model import HostReading, Reading, host_metrics
from tputtui.model.host_metrics import HostMetric, KernelNumber
from tputtui.recording.export.json_lines import to_json as export_json
from tputtui.recording.reader import Run
from tputtui.recording.value_codec import RowDecoder, row_fields, to_row
from tputtui.signals.host.host_rates import derive_host
from tputtui.signals.rates import history_keys
from tputtui.views.live.saturation_panel import saturation_panel
from tputtui.views.shared.frame import Frame, ViewState

THREADS = HostMetric(
    "added_threads",
    "added threads",
    KernelNumber("/proc/loadavg", word=4),
    limit=KernelNumber("/proc/sys/kernel/threads-max"),
    json_key="added_threads",
)
KILLS = HostMetric(
    "added_kills",
    "added kills",
    KernelNumber("/proc/vmstat", word=1, line="oom_kill"),
    kind="counter",
    unit="kills/s",
    limit=4.0,
    json_key="cpu.added_kills_s",
    digits=2,
)
MISSING = HostMetric(
    "added_missing",
    "added missing",
    KernelNumber("/proc/no_such_file"),
    json_key="added_missing",
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Register three metrics, each with one row, and return a root with the files of two."""
    rows = (*host_metrics.HOST_METRICS, THREADS, KILLS, MISSING)
    monkeypatch.setattr(host_metrics, "HOST_METRICS", rows)
    return write_files(
        copy_proc_files(tmp_path),
        {"proc/sys/kernel/threads-max": "1624\n", "proc/vmstat": "nr_free 1\noom_kill 10\n"},
    )


def two_readings(root: Path) -> list[HostReading]:
    collector = HostCollector(root)
    first = collector.read()
    write_files(root, {"proc/vmstat": "nr_free 1\noom_kill 16\n"})
    assert first.cpu is not None
    cpu = replace(first.cpu, user=first.cpu.user + 1.0)
    return [first, replace(collector.read(), at=first.at + 2.0, cpu=cpu)]


def test_it_is_read_and_its_absence_from_the_kernel_has_a_reason(root: Path) -> None:
    reading = HostCollector(root).read()
    assert reading.metrics["added_threads"] == 812
    assert reading.metrics["added_threads_limit"] == 1624
    assert reading.metrics["added_kills"] == 10
    assert "added_missing" not in reading.metrics
    reasons = dict(reading.missing)
    assert reasons["added missing"] == "the kernel has no /proc/no_such_file"
    assert not {"added threads", "added kills"} & set(reasons)


def test_it_is_recorded_and_replayed_under_its_name(root: Path, tmp_path: Path) -> None:
    readings = [Reading(host.at, host.time, host=host) for host in two_readings(root)]
    live = record_readings(tmp_path / "run", readings, [])
    with Run(tmp_path / "run") as run:
        assert [tick.reading.host for tick in run.ticks()] == [reading.host for reading in readings]
        replayed = list(replay_snapshots(run))
        exported = [json.loads(line) for line in export_json(run)]
    assert [to_json(snapshot) for snapshot in replayed] == [to_json(snapshot) for snapshot in live]
    assert exported[1]["reading"]["host"]["metrics"]["added_threads"] == 812


def test_a_run_of_an_earlier_version_lacks_it(root: Path) -> None:
    reading = HostCollector(root).read()
    names = row_fields()["HostReading"]
    place = names.index("metrics")
    orders = {**row_fields(), "HostReading": names[:place] + names[place + 1 :]}
    row = to_row(reading)
    del row[place]
    decoded = RowDecoder(orders).decode(HostReading, row)
    assert decoded == replace(reading, metrics={})
    levels = derive_host(None, decoded).metrics
    assert levels.keys() == {"run_queue", "fds_used", "fds_limit"}


def test_a_level_is_passed_on_and_a_counter_becomes_a_rate(root: Path) -> None:
    first, second = two_readings(root)
    assert derive_host(None, first).metrics["added_threads"] == 812
    assert "added_kills" not in derive_host(None, first).metrics
    assert derive_host(first, second).metrics["added_kills"] == 3.0


def test_it_is_in_the_stream_under_its_declared_key_and_changes_no_other(root: Path) -> None:
    host = derive_host(*two_readings(root))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(host_metrics, "HOST_METRICS", host_metrics.HOST_METRICS[:-3])
        before = to_json(samples.snapshot(host=host))["host"]
    now: dict[str, Any] = to_json(samples.snapshot(host=host))["host"]
    added = {key: now.pop(key) for key in ("added_threads", "added_threads_limit", "added_missing")}
    assert added == {"added_threads": 812, "added_threads_limit": 1624, "added_missing": None}
    assert now["cpu"].pop("added_kills_s") == 3.0
    assert now["cpu"].pop("added_kills_s_limit") == 4.0
    assert now == before


def test_with_a_limit_it_is_a_resource_of_the_panel_and_of_the_history(
    root: Path, tmp_path: Path
) -> None:
    readings = [Reading(host.at, host.time, host=host) for host in two_readings(root)]
    snapshot = record_readings(tmp_path / "run", readings, [])[-1]
    rows = {row.name: row for row in snapshot.host_saturation}
    assert (rows["added threads"].ratio, rows["added threads"].reason) == (0.5, "812 of 1,624")
    assert (rows["added kills"].ratio, rows["added kills"].reason) == (0.75, "3.00 of 4.00 kills/s")
    assert "added missing" not in rows
    frame = Frame(
        samples.snapshot(host_saturation=snapshot.host_saturation), samples.past(), ViewState()
    )
    panel = saturation_panel(frame, 120, 30)
    lines = ["".join(span.text for span in line) for line in panel.lines]
    (line,) = [line for line in lines if line.strip().startswith("added threads")]
    assert "50" in line
    assert "812 of 1,624" in line
    pipeline = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    for reading in readings:
        pipeline.derive_snapshot(reading)
    assert history_keys.saturation("", "added threads") in pipeline.history.names()


def test_its_key_is_described_in_the_contract() -> None:
    contract = (Path(__file__).resolve().parents[2] / "docs/contract.md").read_text("utf-8")
    for metric in host_metrics.HOST_METRICS:
        key = metric.json_key.rpartition(".")[2]
        assert not key or f"`{key}`" in contract, f"docs/contract.md does not have {key}"

"""Runs of known content, recorded through the program's own pipeline and recorder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Exposition, Family, Reading, Scrape, Series, Snapshot, Target
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.records import Mark

REQUESTS = Series("http_requests_total", (("route", "/x"), ("status", "200")))
FAILED = Series("http_requests_total", (("route", "/x"), ("status", "500")))
FAMILIES = {"http_requests_total": Family("http_requests_total", "counter", "Requests.")}
ADDRESS = "http://user:secret@127.0.0.1:1/metrics?token=secret"
BEGAN = 1_790_000_000.0
FAILED_SCRAPE = 20


def scrape(target: str, tick: int, rate: float, until_failed: int = 40) -> Scrape:
    """Create a scrape of `rate` req/s, with an error a second from `until_failed` on.

    The scrape of the tick FAILED_SCRAPE fails.
    """
    at, time = 1000.0 + tick - 0.01, BEGAN + tick - 0.01
    samples = {REQUESTS: rate * tick}
    if tick >= until_failed:
        samples[FAILED] = float(tick - until_failed + 1)
    if tick == FAILED_SCRAPE:
        return Scrape(target, at, time, 1.0, error="timed out after 1 s")
    return Scrape(target, at, time, 0.004, Exposition(samples, FAMILIES, len(samples)), 900)


def readings(count: int, rates: dict[str, float]) -> Iterator[Reading]:
    for tick in range(count):
        scrapes = tuple(scrape(name, tick, rate) for name, rate in rates.items())
        yield Reading(1000.0 + tick, BEGAN + tick, scrapes, self_cpu_s=0.01 * tick)


def record(
    path: Path,
    count: int,
    *,
    rates: dict[str, float] | None = None,
    mark_at: tuple[int, ...] = (),
    profiled: tuple[int, bytes] | None = None,
    **plan: object,
) -> list[Snapshot]:
    """Record `count` seconds and return the live snapshots.

    Marks are called "mark N"; `profiled` is (tick, profile).
    """
    rates = {"api": 100.0} if rates is None else rates
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    for name in rates:
        monitor.add_target(Target(name, ADDRESS))
    recorder = Recorder(
        RecordingPlan(path, **plan),  # type: ignore[arg-type]
        interval_s=1.0,
        window_s=10.0,
        quantiles=(0.5, 0.99),
    )
    shown = []
    for tick, reading in enumerate(readings(count, rates)):
        snapshot = monitor.derive_snapshot(reading)
        shown.append(snapshot)
        recorder.record_reading(reading, snapshot, monitor.target_facts())
        if tick in mark_at:
            recorder.record_mark(Mark(reading.time, reading.at, f"mark {tick}"))
        if profiled is not None and tick == profiled[0]:
            recorder.record_profile(
                reading.time, reading.at, 7, "serve", json.loads(profiled[1]), "compute 90 %"
            )
    assert recorder.close()
    return shown


def record_readings(
    path: Path, recorded_readings: Iterable[Reading], names: Iterable[str]
) -> list[Snapshot]:
    """Record these readings of the named targets and return the live snapshots."""
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    for name in names:
        monitor.add_target(Target(name, ADDRESS))
    recorder = Recorder(RecordingPlan(path), interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    shown = []
    for reading in recorded_readings:
        shown.append(monitor.derive_snapshot(reading))
        recorder.record_reading(reading, shown[-1], monitor.target_facts())
    assert recorder.close()
    return shown


def record_two_services(path: Path, count: int) -> None:
    record(path, count, rates={"api": 100.0, "web": 30.0})

"""What a recording costs: bytes an hour, CPU a tick, reading it back, seeking in it. 300 and 3,000 series at 1 Hz."""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from pathlib import Path

from tputtui.model import Exposition, Family, Reading, Scrape, Series, Snapshot, Target
from tputtui.monitor.replayer import Replayer
from tputtui.monitor.snapshots import Tape
from tputtui.runs.encode import Told
from tputtui.runs.items import Tick
from tputtui.runs.reader import Run
from tputtui.runs.recorder import Plan, Recorder

BUCKETS = 14
SEEKS = 50


def series(count: int) -> list[Series]:
    """Histograms of 16 samples, counters and gauges in the proportion of a web service."""
    made: list[Series] = []
    route = 0
    while len(made) < count:
        labels = (("method", "GET"), ("route", f"/r{route}"))
        made += [
            Series("http_request_duration_seconds_bucket", (("le", f"{2**b / 1000}"), *labels)) for b in range(BUCKETS)
        ]
        made += [Series(f"http_request_duration_seconds_{one}", labels) for one in ("sum", "count")]
        made += [Series("http_requests_total", (*labels, ("status", status))) for status in ("200", "404", "500")]
        made += [Series(f"gauge_{route}_{number}") for number in range(4)]
        route += 1
    return made[:count]


def record(path: Path, count: int, seconds: int) -> tuple[float, float]:
    """(CPU ms a tick, all threads; ms a tick on the thread that collects)."""
    chance = random.Random(1)
    all_of = series(count)
    values = dict.fromkeys(all_of, 0.0)
    families = {
        "http_requests_total": Family("http_requests_total", "counter"),
        "http_request_duration_seconds": Family("http_request_duration_seconds", "histogram"),
    }
    told = (Told(Target("api", "http://127.0.0.1:1/metrics")),)
    recorder = Recorder(Plan(path, all_metrics=True), interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
    cpu = own = 0.0
    for tick in range(seconds):
        for one in all_of:
            if one.name.startswith("gauge"):
                values[one] = round(chance.gauss(50, 5), 2)
            elif chance.random() < 0.7:
                values[one] += chance.randrange(1, 40)
        at = 1000.0 + tick + chance.random() / 100
        scrape = Scrape("api", at, 1.79e9 + at, 0.004, Exposition(dict(values), families, count), 60 * count)
        reading = Reading(at + 0.01, 1.79e9 + at, (scrape,), self_cpu_s=tick / 100)
        before, mine = time.process_time(), time.thread_time()
        recorder.take(reading, Snapshot(reading.time, reading.at, 1.0, 10.0), told)
        while recorder._writer._waiting_bytes:  # one tick at a time, as in life
            time.sleep(0.0002)
        cpu += time.process_time() - before
        own += time.thread_time() - mine
    recorder.close()
    return 1000 * cpu / seconds, 1000 * own / seconds


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1800, help="length of each recording (1800)")
    seconds = parser.parse_args().seconds
    print(
        "series  MiB/h  B/sample  CPU ms/tick  own ms/tick  read s/h  derive ms/tick  seek in file ms  seek replay ms"
    )
    with tempfile.TemporaryDirectory() as folder:
        for count in (300, 3000):
            path = Path(folder) / f"{count}.tput.gz"
            cpu, own = record(path, count, seconds)
            size = path.stat().st_size
            began = time.process_time()
            with Run(path) as run:
                ticks = sum(1 for _ in run.ticks())
            read = time.process_time() - began
            in_file = []
            with Run(path) as run:
                for number in range(SEEKS):
                    at = 1000.0 + (number * 7919) % seconds
                    began = time.perf_counter()
                    next(iter(run.ticks(at)))
                    in_file.append(1000 * (time.perf_counter() - began))
            tape, derive = Tape(), 0.0
            with Run(path) as run:
                replayer = Replayer(run.header)
                for item in run.items():
                    began = time.process_time()
                    snapshot = replayer.take(item)
                    if isinstance(item, Tick) and snapshot is not None:
                        derive += time.process_time() - began
                        tape.keep(snapshot)
            in_replay = []
            for number in range(SEEKS):
                began = time.perf_counter()
                tape.at(1000.0 + (number * 7919) % seconds + 1)
                in_replay.append(1000 * (time.perf_counter() - began))
            print(
                f"{count:6}  {size * 3600 / seconds / 2**20:5.2f}  {size / seconds / count:8.2f}  {cpu:11.2f}  {own:11.2f}"
                f"  {read * 3600 / ticks:8.2f}  {1000 * derive / ticks:14.2f}  {statistics.median(in_file):15.1f}"
                f"  {statistics.median(in_replay):14.2f}"
            )


if __name__ == "__main__":
    main()

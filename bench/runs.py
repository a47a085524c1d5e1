"""Cost and loss of a recording: size, CPU a tick, seeks in a replay, kill -9, CPU with the screen.

Run it as `python bench/runs.py`, or parts of it: `python bench/runs.py size seek`. Nothing is
asserted except for the kills: the program ends with 1 where a file did not open or had lost more
than two seconds.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import http.server
import itertools
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
from cost import Terminal

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.replay.player import Player
from tputtui.engine.replay.recorded_families import RecordedFamilies
from tputtui.model import Exposition, Family, Reading, Scrape, Series, Target
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan

BOUNDS = [*(f"{2**power / 1000:g}" for power in range(13)), "+Inf"]
TPUTTUI = [sys.executable, "-m", "tputtui"]
QUANTILES = (0.5, 0.9, 0.99)
LOST_S = 2.0
INTERVAL_S = 0.2  # of the recordings that are killed
AT_ONCE = 4
FAMILIES = {
    "http_requests_total": Family("http_requests_total", "counter"),
    "http_request_duration_seconds": Family("http_request_duration_seconds", "histogram"),
}


# --------------------------------------------------------------------------------------------- size


class Service:
    """Series of a web service.

    For each route a histogram of 16 samples, three counters, four gauges.
    """

    def __init__(self, series: int) -> None:
        self._chance = random.Random(1)
        self._routes: list[tuple[list[Series], list[Series], list[Series]]] = []
        while sum(len(item) for route in self._routes for item in route) < series:
            labels = (("method", "GET"), ("route", f"/r{len(self._routes)}"))
            name = "http_request_duration_seconds"
            histogram = [Series(f"{name}_bucket", (*labels, ("le", bound))) for bound in BOUNDS]
            histogram += [Series(f"{name}_sum", labels), Series(f"{name}_count", labels)]
            counters = [
                Series("http_requests_total", (*labels, ("status", s)))
                for s in ("200", "404", "500")
            ]
            self._routes.append(
                (histogram, counters, [Series(f"gauge_{len(self._routes)}_{n}") for n in range(4)])
            )
        self.values = dict.fromkeys(
            (item for route in self._routes for part in route for item in part), 0.0
        )

    def step(self) -> None:
        """Advance one second: seven routes of ten have requests."""
        chance, values = self._chance, self.values
        for histogram, counters, gauges in self._routes:
            for gauge in gauges:
                values[gauge] = round(chance.gauss(50, 5), 2)
            if chance.random() >= 0.7:
                continue
            *buckets, total, count = histogram
            for _ in range(chance.randrange(1, 40)):
                latency = chance.lognormvariate(-4, 1)
                for bucket, bound in zip(buckets, BOUNDS, strict=True):
                    values[bucket] += latency <= float(bound)
                values[total] += latency
                values[count] += 1
                values[counters[chance.choices((0, 1, 2), (96, 3, 1))[0]]] += 1


def record(path: Path, count: int, seconds: int) -> tuple[float, float, float]:
    """Return the ms of CPU to derive a tick and to record it.

    The latter in all threads, and in the collecting thread alone.
    """
    service = Service(count)
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=QUANTILES)
    monitor.add_target(Target("api", "http://127.0.0.1:1/metrics"))
    monitor.set_order(["api"])
    recorder = Recorder(
        RecordingPlan(path, all_metrics=True), interval_s=1.0, window_s=10.0, quantiles=QUANTILES
    )
    derived = cpu = own = 0.0
    for tick in range(seconds):
        service.step()
        at = 1000.0 + tick + random.random() / 100
        scrape = Scrape(
            "api",
            at,
            1.79e9 + at,
            0.004,
            Exposition(dict(service.values), FAMILIES, len(service.values)),
            60 * count,
        )
        reading = Reading(at + 0.01, 1.79e9 + at, (scrape,), self_cpu_s=tick / 100)
        before = time.process_time()
        snapshot = monitor.derive_snapshot(reading)
        derived += time.process_time() - before
        before, mine = time.process_time(), time.thread_time()
        recorder.record_reading(reading, snapshot, monitor.target_facts())
        own += time.thread_time() - mine
        while recorder._writer._queued_bytes:  # one tick at a time, as live
            time.sleep(0.0002)
        cpu += time.process_time() - before
    recorder.close()
    return 1000 * derived / seconds, 1000 * cpu / seconds, 1000 * own / seconds


# --------------------------------------------------------------------------------------------- seek


def seeks(path: Path, count: int) -> tuple[list[float], list[float], list[float]]:
    """Return the ms from the key to the snapshot, at random moments.

    Of unread moments, of read ones, and for the browser.
    """
    chance = random.Random(2)
    unread, read, browsed = [], [], []
    with Run(path) as run:
        began, last = run.header.began_at, run.last_tick()
        assert last is not None
        length = last.reading.at - began

        def go(player: Player, came: Callable[[float], bool]) -> float:
            at = began + length * chance.uniform(0.3, 1.0)
            before = time.perf_counter()
            player.seek(at)
            while not came(at):
                time.sleep(0.0005)
            return 1000 * (time.perf_counter() - before)

        for number in range(count):
            player, shown = _playing(run)
            while player.position.read_ratio <= 0:
                time.sleep(0.01)
            unread.append(go(player, lambda at: bool(shown) and at - 1.5 < shown[-1] <= at))  # noqa: B023
            if number == count - 1:
                while player.position.read_ratio < 1.0:
                    time.sleep(0.05)
                read += [go(player, lambda at: at - 1.5 < shown[-1] <= at) for _ in range(count)]  # noqa: B023
            player.stop()
        for _ in range(5):
            before = time.perf_counter()
            RecordedFamilies(run, "api").families_at(began + length * chance.uniform(0.3, 1.0))
            browsed.append(1000 * (time.perf_counter() - before))
    return unread, read, browsed


def _playing(run: Run) -> tuple[Player, list[float]]:
    player, shown = Player(run), list[float]()
    player.subscribe(lambda snapshot: shown.append(snapshot.at))
    player.pause(True)
    player.start()
    return player, shown


def sizes_and_seeks(
    folder: Path, wanted: Sequence[str], seconds: dict[int, int], count: int
) -> None:
    """Print a line for each number of series."""
    print("series      s  MiB/h  B/sample  derive ms/tick  record ms/tick  of that collecting")
    for series, length in seconds.items():
        path = folder / f"{series}.tput.gz"
        derived, cpu, own = record(path, series, length)
        size = path.stat().st_size
        print(
            f"{series:6} {length:6}  {size * 3600 / length / 2**20:5.2f}  {size / length / series:8.2f}  {derived:14.2f}"
            f"  {cpu:14.2f}  {own:18.2f}",
            flush=True,
        )
    if "seek" not in wanted:
        return
    print(
        "\nseries      s  ms to a moment not read yet: median, worst   read: median, worst   the browser: median"
    )
    for series, length in seconds.items():
        unread, read, browsed = seeks(folder / f"{series}.tput.gz", count)
        print(
            f"{series:6} {length:6}  {statistics.median(unread):36.0f}  {max(unread):5.0f}   {statistics.median(read):12.1f}"
            f"  {max(read):5.1f}   {statistics.median(browsed):19.0f}",
            flush=True,
        )


# -------------------------------------------------------------------------------------------- kills


class Exporter:
    """Exporter that counts its requests; `served` holds the monotonic time of each answer."""

    def __init__(self) -> None:
        served = self.served = list[float]()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = f"# TYPE http_requests_total counter\nhttp_requests_total {len(served) + 1}\n".encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                served.append(time.monotonic())

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def killed(path: Path, chance: random.Random) -> float | None:
    """Record, kill -9 at a random moment, and open the file.

    Returns the scraped seconds that are not in it; None: it did not open.
    """
    exporter = Exporter()
    argv = [
        *TPUTTUI,
        "record",
        "-o",
        str(path),
        f"127.0.0.1:{exporter.server.server_port}",
        "--interval",
        "200ms",
    ]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(exporter.served) < 3 and process.poll() is None:
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 3.0))
        process.kill()
        died = time.monotonic()
    exporter.server.shutdown()
    try:
        with Run(path) as run:
            values = [
                (scrape.at, int(value))
                for tick in run.ticks()
                for scrape in tick.reading.scrapes
                if scrape.exposition is not None
                for value in scrape.exposition.samples.values()
            ]
    except Exception as error:  # any error: the file did not open
        print(f"{path.name}: {error}")
        return None
    if [value for _, value in values] != sorted({value for _, value in values}):
        print(f"{path.name}: values that were never exported")
        return None
    due = [at for at in exporter.served if at < died]
    held = values[-1][0] if values else exporter.served[0]
    return max(0.0, due[-1] - held)


def kills(folder: Path, count: int) -> bool:
    """Print the losses of many kills; return whether all files opened with all they must hold."""
    chances = [random.Random(number) for number in range(count)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        lost = list(pool.map(killed, (folder / f"kill{n}.tput.gz" for n in range(count)), chances))
    opened = [item for item in lost if item is not None]
    print(
        f"kill -9: {count}; opened: {len(opened)}; lost: median {statistics.median(opened):.2f} s, at most {max(opened):.2f} s"
    )
    return len(opened) == count and max(opened) <= LOST_S


# --------------------------------------------------------------------------------------------- cost


@contextlib.contextmanager
def demo() -> Iterator[str]:
    """Start the demo and yield its address."""
    argv = [*TPUTTUI, "demo", "--stream", "--load", "100"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        address = (
            process.stdout.readline().split(b'"url":"http://', 1)[1].split(b"/", 1)[0].decode()
        )
        threading.Thread(target=lambda: list(process.stdout or ()), daemon=True).start()
        yield address
        process.terminate()


def cpu_of(pid: int, wait: Callable[[float], None], seconds: float) -> float:
    """Return percent of a core of a process and its children, after 5 s of warm-up."""
    wait(5.0)
    before, began = _cpu_s(pid), time.monotonic()
    wait(seconds)
    return 100 * (_cpu_s(pid) - before) / (time.monotonic() - began)


def _cpu_s(pid: int) -> float:
    process = psutil.Process(pid)
    times = [
        process.cpu_times(),
        *(child.cpu_times() for child in process.children(recursive=True)),
    ]
    return sum(each.user + each.system for each in times)


def costs(folder: Path, seconds: float) -> None:
    """Print the cost of `record` beside the live screen, with and without a recording, in turns."""
    with demo() as address:
        screen, headless = list[float](), list[float]()
        for turn in itertools.islice(itertools.count(), 2):
            with Terminal([*TPUTTUI, address]) as terminal:
                screen.append(cpu_of(terminal.pid, terminal.read, seconds / 2))
            argv = [*TPUTTUI, "record", "-o", str(folder / f"cost{turn}.tput.gz"), address]
            with subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as process:
                headless.append(cpu_of(process.pid, time.sleep, seconds / 2))
                process.terminate()
    headless_mean, other = statistics.mean(headless), statistics.mean(screen)
    print(
        f"CPU, % of a core: record {headless_mean:.2f}, the live screen at 120x40 {other:.2f}: {headless_mean / other:.2f} of it"
    )


# ---------------------------------------------------------------------------------------------- all


def main() -> int:
    """Run the requested parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="size, seek, kill, cost (all)")
    parser.add_argument(
        "--seconds", type=int, default=7200, help="length of the run of 300 series (7200)"
    )
    parser.add_argument(
        "--seconds-large",
        type=int,
        default=600,
        help="length of the run of 3,000 series (600; full: 7200)",
    )
    parser.add_argument("--seeks", type=int, default=20, help="moments gone to (20)")
    parser.add_argument("--kills", type=int, default=100, help="recordings that are killed (100)")
    parser.add_argument(
        "--cost-seconds", type=float, default=40.0, help="over which CPU is measured, each (40)"
    )
    asked = parser.parse_args()
    parts = asked.parts or ["size", "seek", "kill", "cost"]
    if unknown := set(parts) - {"size", "seek", "kill", "cost"}:
        parser.error(f"no part is called {', '.join(sorted(unknown))}")
    sound = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "size" in parts or "seek" in parts:
            sizes_and_seeks(
                folder, parts, {300: asked.seconds, 3000: asked.seconds_large}, asked.seeks
            )
        if "kill" in parts:
            sound = kills(folder, asked.kills)
        if "cost" in parts:
            costs(folder, asked.cost_seconds)
    return 0 if sound else 1


if __name__ == "__main__":
    sys.exit(main())

"""CPU time to read an exposition: our scanner beside prometheus-client's parser.

python bench/exposition.py [--megabytes 10] [--wanted 5] [--rounds 3]

It creates two bodies of the requested size, one of counters with four labels and one of histograms,
and reads each in five ways: by prometheus-client's parser, which has no cache and reads all; by our
first scan, in which every series is new and its labels are parsed; by a scan of known series for
all values; for the few names on screen; and by the one scan in twenty that drops vanished series.
Figures are CPU seconds of the process, the best of the rounds; the ways alternate within a round,
so that a busy machine slows all alike. The ratios matter: prometheus-client's time divided by ours.
Nothing is asserted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from tputtui.scrape.scanner import FORGET_AFTER, ScanLimits, Scanner

LIMITS = ScanLimits(series=1_000_000)  # above all limits, so that both read the same
BOUNDS = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf")


def counters(size: int) -> bytes:
    """Return families of 1,000 counters each until the body has `size` bytes."""
    blocks: list[str] = []
    length = number = 0
    while length < size:
        name = f"svc_op_{number:03d}_requests_total"
        lines = [f"# HELP {name} Requests of operation {number}\n# TYPE {name} counter"]
        for i in range(1000):
            where = f'instance="10.0.{i // 256}.{i % 256}:8080",method="{("GET", "POST", "PUT")[i % 3]}"'
            lines.append(
                f'{name}{{{where},code="{(200, 201, 404, 500)[i % 4]}",path="/api/v1/res/{i % 97}"}} {i * number}'
            )
        blocks.append("\n".join(lines) + "\n")
        length += len(blocks[-1])
        number += 1
    return "".join(blocks).encode()


def histograms(size: int) -> bytes:
    """Return families of 50 histograms with 12 buckets each until the body has `size` bytes."""
    blocks: list[str] = []
    length = number = 0
    while length < size:
        name = f"svc_op_{number:03d}_duration_seconds"
        lines = [f"# HELP {name} Durations of operation {number}\n# TYPE {name} histogram"]
        for i in range(50):
            where = f'handler="/api/v1/res/{i}",method="GET",code="200"'
            lines += [
                f'{name}_bucket{{{where},le="{bound}"}} {i * rank}'
                for rank, bound in enumerate(BOUNDS)
            ]
            lines += [f"{name}_sum{{{where}}} {i * 0.01}", f"{name}_count{{{where}}} {i * 11}"]
        blocks.append("\n".join(lines) + "\n")
        length += len(blocks[-1])
        number += 1
    return "".join(blocks).encode()


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds that `work` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(body: bytes, families: int, rounds: int) -> tuple[int, dict[str, float]]:
    """Return the samples in the body, and the best CPU seconds of each way of reading it."""
    names = [series.name for series in Scanner(LIMITS).scan(body).samples]
    wanted = frozenset(
        [name for name in dict.fromkeys(names) if not name.endswith("_sum")][:families]
    )
    all_scanner, few_scanner = Scanner(LIMITS), Scanner(LIMITS)
    all_scanner.scan(body)
    few_scanner.scan(body, wanted=wanted)
    text = body.decode()
    best: dict[str, float] = {}

    def turn(name: str, work: Callable[[], object]) -> None:
        best[name] = min(best.get(name, float("inf")), cpu(work))

    # One scan in FORGET_AFTER rotates the generations: it has its own row, not in the others.
    steady = max(1, min(5, FORGET_AFTER // 4))
    for _ in range(rounds):
        turn("prometheus-client, everything", lambda: list(text_string_to_metric_families(text)))
        turn("first scan, everything", lambda: Scanner(LIMITS).scan(body))
        for _ in range(steady):
            turn("known series, everything", lambda: all_scanner.scan(body))
            turn(
                f"known series, {families} names of {len(set(names))}",
                lambda: few_scanner.scan(body, wanted=wanted),
            )
        turning = Scanner(LIMITS)
        for _ in range(FORGET_AFTER - 1):
            turning.scan(body, wanted=wanted)
        turn("the scan in twenty that sorts out", partial(turning.scan, body, wanted=wanted))
    return len(names), best


def main() -> None:
    """Print one table for each body."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--megabytes", type=float, default=10.0, help="size of each body (default: 10)"
    )
    parser.add_argument(
        "--wanted", type=int, default=5, help="sample names that are on screen (default: 5)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="of each the best is printed (default: 3)"
    )
    options = parser.parse_args()
    for make in (counters, histograms):
        body = make(int(options.megabytes * 1e6))
        samples, best = measure(body, options.wanted, options.rounds)
        yardstick = best["prometheus-client, everything"]
        print(f"\n{make.__name__}: {len(body) / 1e6:.1f} MB, {samples:,} samples")
        print(f"  {'':36} {'CPU ms':>8} {'M samples/s':>12} {'times less':>11}")
        for name, seconds in best.items():
            print(
                f"  {name:36} {seconds * 1e3:8.1f} {samples / seconds / 1e6:12.2f} {yardstick / seconds:11.1f}"
            )


if __name__ == "__main__":
    main()

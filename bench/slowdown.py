"""Cost of a capture to the sampled process: its work with and without a capture, in pairs.

Run it as `python bench/slowdown.py [--pairs 8] [--seconds 8]`. The process counts its work, with
four threads of which two compute and two wait. Each pair is one span with a capture (our defaults)
and one without, in random order; the ratio is given per second and per second of the process's own
CPU, with the t interval over pairs. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import subprocess
import sys
import time

import psutil

from tputtui.model import ProcessReference
from tputtui.profiling.capture.capture import Capture

TARGET = """
import sys, threading, time
done = [0, 0]
def compute(at):
    while True:
        sum(range(2000)); done[at] += 1
def wait():
    while True: time.sleep(0.01)
for at in (0, 1): threading.Thread(target=compute, args=(at,), daemon=True).start()
for _ in (0, 1): threading.Thread(target=wait, daemon=True).start()
for _ in sys.stdin: print(sum(done), flush=True)
"""
_T = {3: 3.18, 5: 2.57, 7: 2.36, 9: 2.26, 11: 2.20, 15: 2.13}


class Target:
    """The process, and the work it has done."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", TARGET], stdin=pipe, stdout=pipe, text=True
        )
        self.facts = psutil.Process(self.process.pid)

    def done(self) -> tuple[int, float]:
        """Return (units of work so far, CPU seconds so far)."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        times = self.facts.cpu_times()
        return int(self.process.stdout.readline()), times.user + times.system

    def rates(self, seconds: float) -> tuple[float, float]:
        """Return the work per second and per second of CPU over a span."""
        began, (work, cpu) = time.monotonic(), self.done()
        time.sleep(seconds)
        after, used = self.done()
        return (after - work) / (time.monotonic() - began), (after - work) / (used - cpu)


def main() -> None:
    """Measure, and print the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    target, draw = Target(), random.Random(1)
    ratios: tuple[list[float], list[float]] = ([], [])
    try:
        target.rates(2.0)
        for _ in range(options.pairs):
            measured: dict[bool, tuple[float, float]] = {}
            for sampled in draw.sample((False, True), 2):
                capture = None
                if sampled:
                    capture = Capture(
                        ProcessReference(target.process.pid, target.facts.create_time()),
                        options.seconds + 4,
                    )
                    capture.start()
                    while capture.progress.state not in ("sampling", "done", "failed"):
                        time.sleep(0.05)
                measured[sampled] = target.rates(options.seconds)
                if capture is not None:
                    capture.stop()
                    capture.wait(10)
                    if capture.profile is None:
                        raise SystemExit(f"nothing was sampled: {capture.message}")
            for which in (0, 1):
                ratios[which].append(math.log(measured[False][which] / measured[True][which]))
    finally:
        target.process.kill()
    for name, logs in zip(("per second", "per CPU second"), ratios, strict=True):
        mean, half = statistics.fmean(logs), 0.0
        if len(logs) > 1:
            t = next((value for df, value in sorted(_T.items()) if df >= len(logs) - 1), 2.0)
            half = t * statistics.stdev(logs) / math.sqrt(len(logs))
        low, middle, high = (math.exp(x) for x in (mean - half, mean, mean + half))
        print(
            f"work {name}: alone {middle:.3f} times as much as sampled, 95 % interval {low:.3f} to {high:.3f}"
        )


if __name__ == "__main__":
    main()

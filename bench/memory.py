"""Memory growth: RSS of the engine with its screen, minute by minute, at ten ticks a second.

Run it as `python bench/memory.py --minutes 6`. The program is the real one in a pseudo-terminal;
only its target is synthetic: 300 series, of which some come and go, and an occasional outage. Each
tick stands for one second, so that a minute here is ten minutes at 1 Hz. bench/README.md lists what
fills up by design. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cost import Terminal, rss, table

TICKS_S = 10.0
OUTAGE_EVERY, OUTAGE_TICKS = 600, 5
CHURN_EVERY = 50  # ticks after which one route is replaced by a new one


def body(tick: int) -> bytes:
    """Return the exposition of a service of 20 routes at 1,000 req/s each."""
    lines = ["# TYPE http_requests_total counter", "# TYPE http_request_duration_seconds histogram"]
    first = tick // CHURN_EVERY
    for route in range(first, first + 20):
        labels, count = (
            f'method="GET",route="/r{route}"',
            10 * (tick - max(0, (route - 19) * CHURN_EVERY)),
        )
        lines += [
            f'http_requests_total{{{labels},status="{s}"}} {count * n}'
            for s, n in ((200, 99), (500, 1))
        ]
        lines += [
            f'http_request_duration_seconds_bucket{{{labels},le="{le}"}} {int(count * share)}'
            for le, share in (
                ("0.005", 0.1),
                ("0.01", 0.3),
                ("0.025", 0.5),
                ("0.05", 0.7),
                ("0.1", 0.8),
            )
        ]
        lines += [
            f'http_request_duration_seconds_bucket{{{labels},le="{le}"}} {int(count * share)}'
            for le, share in (
                ("0.25", 0.9),
                ("0.5", 0.95),
                ("1.0", 0.98),
                ("2.5", 0.99),
                ("+Inf", 1.0),
            )
        ]
        lines += [
            f"http_request_duration_seconds_{part}{{{labels}}} {count}" for part in ("sum", "count")
        ]
    return "\n".join([*lines, f"http_requests_in_flight {tick % 30}", ""]).encode()


def show() -> int:
    """Run the program in the terminal, with its feed replaced."""
    from tputtui import cli
    from tputtui.engine import engine, live_feed
    from tputtui.engine.pipeline import SnapshotPipeline
    from tputtui.model import Reading, Scrape
    from tputtui.scrape.scanner import Scanner
    from tputtui.settings import Settings

    class FastFeed(live_feed.LiveFeed):
        """Live feed with the real host, and a synthetic answer at each tick."""

        def __init__(
            self,
            settings: Settings,
            wanted: Callable[[str], frozenset[str] | None],
            asker: object = None,
        ) -> None:
            super().__init__(settings, wanted, None)
            del asker
            self.wanted, self.scanner, self.tick = wanted, Scanner(), 0
            self.began = (time.monotonic(), time.time())

        async def run(self) -> None:
            await asyncio.Event().wait()

        def read(self, missed_ticks: int) -> Reading:
            self.tick += 1
            at, now = self.began[0] + self.tick, self.began[1] + self.tick
            reading = super().read(missed_ticks)
            host = replace(reading.host, at=at, time=now) if reading.host is not None else None
            return replace(reading, at=at, time=now, host=host, scrapes=(self.scrape(at, now),))

        def scrape(self, at: float, now: float) -> Scrape:
            name = self.targets[0].target.name
            if self.tick % OUTAGE_EVERY >= OUTAGE_EVERY - OUTAGE_TICKS:
                return Scrape(name, at, now, 0.001, error="connection refused")
            answer = body(self.tick)
            exposition = self.scanner.scan(answer, "text/plain; version=0.0.4", self.wanted(name))
            return Scrape(name, at, now, 0.001, exposition, len(answer))

    def slow_monitor(**arguments: Any) -> SnapshotPipeline:
        return SnapshotPipeline(**{**arguments, "interval_s": 1.0, "window_s": 10.0})

    patched: Any = engine
    patched.LiveFeed, patched.SnapshotPipeline = FastFeed, slow_monitor
    return cli.main([":1", "--interval", f"{1 / TICKS_S}s"])


def watch(argv: Sequence[str], minutes: int) -> list[float]:
    """Return the MiB after each minute."""
    mebibytes = []
    with Terminal(argv) as terminal:
        for minute in range(1, minutes + 1):
            terminal.read(terminal.began + 60 * minute - time.monotonic())
            mebibytes.append(rss(terminal.pid) / 2**20)
            print(
                f"{minute} min ({minute * 60 * TICKS_S:,.0f} ticks): {mebibytes[-1]:.1f} MiB",
                file=sys.stderr,
            )
    return mebibytes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=int, default=6, help="how long; at least 2")
    parser.add_argument("--show", action="store_true", help="be the program that is watched")
    options = parser.parse_args()
    if options.show:
        sys.exit(show())
    mebibytes = watch([sys.executable, __file__, "--show"], max(2, options.minutes))
    first, last = "after 1 min", f"after {len(mebibytes)} min"
    print(table(("RSS, MiB",), {first: (mebibytes[0],), last: (mebibytes[-1],)}, first))
    middle = len(mebibytes) // 2
    slope = (mebibytes[-1] - mebibytes[middle - 1]) / (len(mebibytes) - middle)
    print(
        f"\ngrowth: {mebibytes[-1] - mebibytes[0]:+.1f} MiB; {slope:+.2f} MiB a minute ({60 * TICKS_S:,.0f} ticks) in the second half"
    )


if __name__ == "__main__":
    main()

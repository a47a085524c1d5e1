"""Programs to profile, each a mode of this script. They end by themselves after a minute."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time


def burn(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(200))


def seventy() -> None:
    burn(0.00959)  # a cycle of 13.7 ms; one of 10 ms would alias with 100 samples a second


def thirty() -> None:
    burn(0.00411)


def split(until: float, reports: bool = False) -> None:
    """Alternate between `seventy` and `thirty`.

    `told`: print the seconds spent in each now and then, because a busy machine does not give 70 to
    30.
    """
    spent, say_at = [0.0, 0.0], 0.0
    while time.monotonic() < until:
        began = time.perf_counter()
        seventy()
        middle = time.perf_counter()
        thirty()
        end = time.perf_counter()
        spent = [spent[0] + middle - began, spent[1] + end - middle]
        if reports and end > say_at:
            print(*spent, flush=True)
            say_at = end + 0.2


def parked(condition: threading.Condition) -> None:
    with condition:
        condition.wait()


def threads(until: float) -> None:
    condition = threading.Condition()
    for number in range(3):
        threading.Thread(
            target=parked, args=(condition,), name=f"idle-{number}\x1b[31m", daemon=True
        ).start()
    split(until)


async def handler() -> None:
    burn(0.002)
    await asyncio.sleep(0.002)


async def serve(until: float) -> None:
    while time.monotonic() < until:
        await asyncio.gather(handler(), handler())


def deep(left: int, until: float) -> None:
    if left:
        deep(left - 1, until)
    else:
        split(until)


def main() -> None:
    mode, until = sys.argv[1], time.monotonic() + 60
    print("ready", flush=True)
    if mode == "split":
        split(until, reports=True)
    elif mode == "threads":
        threads(until)
    elif mode == "asyncio":
        asyncio.run(serve(until))
    elif mode == "deep":
        depth = int(sys.argv[2]) if len(sys.argv) > 2 else 900
        sys.setrecursionlimit(depth + 1000)
        deep(depth, until)
    elif mode == "children":
        child = subprocess.Popen(
            [sys.executable, __file__, "split", *sys.argv[2:]], stdout=subprocess.DEVNULL
        )
        try:
            time.sleep(60)
        finally:
            child.kill()
    elif mode == "forks":
        split(time.monotonic() + 1.5)
        if not os.fork():
            split(time.monotonic() + 10)
            os._exit(0)
        split(until)
    elif mode == "exits":
        split(time.monotonic() + 2.5)
    elif mode == "execs":
        split(time.monotonic() + 2.2)
        os.execv("/bin/sleep", ["sleep", "30"])  # noqa: S606 - exec is the case


if __name__ == "__main__":
    main()

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
    burn(0.007)


def thirty() -> None:
    burn(0.003)


def split(until: float) -> None:
    while time.monotonic() < until:
        seventy()
        thirty()


def parked(condition: threading.Condition) -> None:
    with condition:
        condition.wait()


def threads(until: float) -> None:
    condition = threading.Condition()
    for number in range(3):
        threading.Thread(target=parked, args=(condition,), name=f"idle-{number}\x1b[31m", daemon=True).start()
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
        split(until)
    elif mode == "threads":
        threads(until)
    elif mode == "asyncio":
        asyncio.run(serve(until))
    elif mode == "deep":
        sys.setrecursionlimit(10_000)
        deep(900, until)
    elif mode == "children":
        child = subprocess.Popen([sys.executable, __file__, "split"], stdout=subprocess.DEVNULL)
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
        os.execv("/bin/sleep", ["sleep", "30"])  # noqa: S606 - what is tested is a process that becomes another program


if __name__ == "__main__":
    main()

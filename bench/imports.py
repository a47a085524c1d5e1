"""Import cost of each dependency: CPU milliseconds and resident memory in a fresh interpreter.

Run it as `python bench/imports.py`; docs/dependencies.md quotes it. The median of five runs, minus
a bare interpreter's. For a breakdown of one of them: `python -X importtime -c 'import httpx'`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

RUNS = 5
MODULES = (
    "argparse",
    "tomllib",
    "psutil",
    "httpx",
    "prometheus_client",
    "plotext",
    "textual.app",
    "numpy",
    "scipy.stats",
)
OURS = ("tputtui.cli", "tputtui.engine", "tputtui.tui.run_app")
_PROBE = """
import resource
{}
used = resource.getrusage(resource.RUSAGE_SELF)
print((used.ru_utime + used.ru_stime) * 1000, used.ru_maxrss / 1024)
"""


def measure(module: str | None) -> tuple[float, float] | None:
    """Return (CPU ms, MiB) of an interpreter that imports it; None where it is not installed."""
    code = _PROBE.format(f"import {module}" if module else "")
    runs: list[tuple[float, float]] = []
    for _ in range(RUNS + 1):  # the first fills the caches
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            return None
        cpu, memory = done.stdout.split()
        runs.append((float(cpu), float(memory)))
    return statistics.median(run[0] for run in runs[1:]), statistics.median(
        run[1] for run in runs[1:]
    )


def main() -> None:
    bare = measure(None)
    assert bare is not None
    print(f"{'bare python':<20}{bare[0]:>8.0f} ms {bare[1]:>7.1f} MiB")
    for module in (*MODULES, *OURS):
        cost = measure(module)
        if cost is None:
            print(f"{module:<20} not installed")
        else:
            print(f"{module:<20}{cost[0] - bare[0]:>+8.0f} ms {cost[1] - bare[1]:>+7.1f} MiB")


if __name__ == "__main__":
    main()

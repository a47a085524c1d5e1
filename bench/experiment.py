"""Verdicts of `compare` on real runs: two equal demos and one slower by a known factor.

Run it as `python bench/experiment.py [--seconds 300]`. Equal runs must not be called different; the
slower one must be called regressed. All three run at the same time on one machine; nothing is
asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from tputtui.demo.launch import Demo

TPUTTUI = [sys.executable, "-m", "tputtui"]


def main() -> None:
    """Record, compare, and print a line for each comparison."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--load", type=float, default=80.0)
    parser.add_argument("--slowdown", type=float, default=1.2)
    parser.add_argument(
        "--keep", type=Path, help="a folder for the runs and the report of the slower one"
    )
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        processes = []
        for name, seed, slowdown in (
            ("a", 1, 1.0),
            ("equal", 2, 1.0),
            ("slower", 3, options.slowdown),
        ):
            demo = stack.enter_context(Demo(options.load, seed=seed, slowdown=slowdown))
            (url,) = demo.start()
            demo.start_load()
            argv = [
                *TPUTTUI,
                "record",
                "-o",
                str(folder / f"{name}.tput.gz"),
                "--force",
                "--for",
                f"{options.seconds}s",
            ]
            processes.append(subprocess.Popen([*argv, url], stderr=subprocess.DEVNULL))
        for process in processes:
            process.wait()
    for name in ("equal", "slower"):
        argv = [*TPUTTUI, "compare", str(folder / "a.tput.gz"), str(folder / f"{name}.tput.gz")]
        result = json.loads(
            subprocess.run([*argv, "--format", "json"], capture_output=True, check=False).stdout
        )
        routes = {route["route"]: route["verdict"] for route in result["routes"]}
        print(
            f"{name}: {result['verdict']}, {result['design']}, flags {', '.join(result['flags']) or 'none'}"
        )
        for metric in result["metrics"]:
            if metric["effect_percent"] is not None:
                low, high = (
                    f"{end:+.1f}" if end is not None else "beyond" for end in metric["ci_percent"]
                )
                print(
                    f"  {metric['name']:16} {metric['effect_percent']:+6.1f} % [{low}, {high}]  {metric['verdict']}"
                )
        print(f"  routes: {routes}")
        if options.keep:
            for format_, ending in (
                ("html", "html"),
                ("markdown", "md"),
                ("text", "txt"),
                ("json", "json"),
            ):
                out = ["--format", format_, "-o", str(folder / f"{name}.{ending}"), "--force"]
                subprocess.run([*argv, *out], check=False)


if __name__ == "__main__":
    main()

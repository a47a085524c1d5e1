"""How often a watch is sure: of equal figures (should be seldom), and of changed ones.

First now against a baseline of 300 s, then treatment against control side by side (a). Autocorrelated seconds (cv 8 %) as
rows of ten seconds, looked at at every row for ten minutes.
"""

from __future__ import annotations

import argparse
import pathlib
import sys
from collections.abc import Callable

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "tests")]

from repeated_tests import first_apart, first_sure  # noqa: E402  # the tests use it, too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=1000)
    series = parser.parse_args().series
    for title, first in (
        ("now against a baseline", first_sure),
        ("treatment against control", first_apart),
    ):
        print(title)
        _table(first, series)


def _table(first: Callable[[int, float, float], float | None], series: int) -> None:
    print(f"{'autocorrelation':>15} {'change':>7} {'ever sure, %':>13} {'median s':>9}")
    for phi in (0.0, 0.5, 0.8, 0.9):
        for change in (0.0, 0.03, 0.05, 0.10, -0.10):
            found = [first(seed, phi, change) for seed in range(series)]
            told = sorted(one for one in found if one is not None)
            median = f"{told[len(told) // 2]:.0f}" if told else "-"
            print(f"{phi:>15} {100 * change:>6.0f}% {100 * len(told) / series:>13.1f} {median:>9}")


if __name__ == "__main__":
    main()

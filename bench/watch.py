"""How often a repeated test confirms a change: of equal and of changed figures.

Equal figures should be confirmed rarely. First the current figures against a baseline of 300 s,
then treatment against control side by side (key a). Autocorrelated seconds (cv 8 %) as rows of ten
seconds, evaluated at every row for ten minutes.
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
            times = [first(seed, phi, change) for seed in range(series)]
            confirmed = sorted(time for time in times if time is not None)
            median = f"{confirmed[len(confirmed) // 2]:.0f}" if confirmed else "-"
            print(
                f"{phi:>15} {100 * change:>6.0f}% {100 * len(confirmed) / series:>13.1f} {median:>9}"
            )


if __name__ == "__main__":
    main()

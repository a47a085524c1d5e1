"""Simulated error rates of `compare`: false verdicts, detection and coverage, with known truth.

python bench/compare.py [--runs 400] [--seed 1] [--only pairs|errors]

Each row is a number of simulated pairs of runs through all of `compare`, with every validity check.
"false" is the share of improved and regressed verdicts without a change (nominal 5 %; cells above 5
% plus two Monte-Carlo standard errors are marked); "right" the share of correct verdicts with a
change; "coverage" how often the 95 % interval of throughput covers the true effect.

The second table is of errors alone: how often p < 5 % with equal arms (bursts of all kinds), and
where the candidate really has more. The third is of services with routes, through all of `compare`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from simulated_runs import Service, Values, ar1, burst, failing, routed, run, scattered

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import Comparison, Design
from tputtui.experiments.statistics import effects
from tputtui.experiments.statistics.arms import ArmPair, to_arrays
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.pairs import RunPair, compare_pairs


@dataclass(frozen=True, slots=True)
class Cell:
    """Design and true effect of one row."""

    design: Design
    seconds: int
    phi: float
    effect: float = 0.0
    p99: float = 0.0
    errors: float | None = None
    run_sd: float = 0.0
    history: int = 0
    diurnal: bool = False
    pairs: int = 0  # alternating, `seconds` each run

    @property
    def title(self) -> str:
        if self.pairs:
            return f"{self.pairs} pairs by turns, run SD {self.run_sd:.1%}"
        between = (
            f", run SD {self.run_sd:.1%}, {self.history} A/A runs"
            if self.design == "sequential"
            else ""
        )
        return f"{self.design}{', diurnal load' if self.diurnal else ''}{between}"

    @property
    def truth(self) -> str:
        if self.p99:
            return f"p99 {self.p99:+.0%}"
        if self.errors is not None:
            return f"errors 0.05 → {self.errors:.1%}"
        return f"{self.effect:+.0%}"

    def simulate(self, rng: np.random.Generator) -> Comparison:
        if self.pairs:
            return compare_pairs(
                [
                    RunPair(*self._pair(rng), ComparisonContext(design=self.design))
                    for _ in range(self.pairs)
                ]
            )
        service = Service(phi=self.phi)
        load = None
        if self.diurnal:
            load = 1 + 0.2 * np.sin(np.linspace(0, 2.5, self.seconds))
        factors = np.exp(rng.normal(0.0, self.run_sd, 2 + self.history)) - 1
        a = run(rng, self.seconds, service, effect=float(factors[0]), load=load)
        effect = (1 + self.effect) * (1 + float(factors[1])) - 1
        b = run(
            rng,
            self.seconds,
            service,
            effect=effect,
            p99_effect=self.p99,
            errors=self.errors,
            load=load,
        )
        history = tuple(float(service.rate * (1 + factor)) for factor in factors[2:])
        return compare(a, b, ComparisonContext(design=self.design, aa_history_rps=history))

    def _pair(self, rng: np.random.Generator) -> tuple[MetricRows, MetricRows]:
        service = Service(phi=self.phi)
        a, b = np.exp(rng.normal(0.0, self.run_sd, 2))
        return (
            run(rng, self.seconds, service, effect=float(a) - 1),
            run(rng, self.seconds, service, effect=(1 + self.effect) * float(b) - 1),
        )

    def expected(self) -> str:
        if self.p99 > 0 or self.errors is not None or self.effect < 0:
            return "regressed"
        return "improved" if self.effect > 0 else ""


def cells() -> list[Cell]:
    out = [
        Cell("concurrent", seconds, phi)
        for seconds in (60, 120, 300, 600)
        for phi in (0.0, 0.5, 0.8, 0.9)
    ]
    out += [Cell("sequential", 600, 0.8, run_sd=sd, history=5) for sd in (0.005, 0.01, 0.02, 0.05)]
    out += [Cell("sequential", 300, phi, run_sd=0.01, history=5) for phi in (0.5, 0.8)]
    out += [Cell("sequential", 600, 0.8, run_sd=0.02)]
    out += [Cell("concurrent", 600, 0.8, diurnal=True)]
    out += [Cell("concurrent", 600, 0.5, effect=effect) for effect in (0.03, 0.05, -0.05, 0.10)]
    out += [Cell("concurrent", 600, 0.8, effect=effect) for effect in (0.05, 0.10)]
    out += [Cell("concurrent", 300, 0.8, effect=0.10)]
    out += [Cell("concurrent", 600, 0.5, effect=0.05, diurnal=True)]
    out += [Cell("concurrent", 600, 0.5, p99=0.20), Cell("concurrent", 600, 0.5, errors=0.005)]
    out += [
        Cell("sequential", 600, 0.8, effect=0.10, run_sd=sd, history=5) for sd in (0.01, 0.02, 0.05)
    ]
    out += [Cell("sequential", 600, 0.8, effect=0.05, run_sd=0.02, history=5)]
    out += [
        Cell("sequential", 120, 0.8, effect=effect, run_sd=sd, pairs=5)
        for sd, effect in ((0.02, 0.0), (0.02, 0.05), (0.02, 0.10), (0.05, 0.0), (0.05, 0.10))
    ]
    return out


ErrorPair = tuple[Values, Values]
MakeErrors = Callable[[np.random.Generator], ErrorPair]
MakeSize = Callable[[np.random.Generator], tuple[int, int]]
"""Errors and seconds of a burst."""

REQUESTS = 5000.0  # a second, where only errors are compared


def limit(runs: int) -> float:
    """Return 5 % plus two Monte-Carlo standard errors."""
    return float(0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5)


ErrorCell = tuple[str, MakeErrors, bool, bool]
"""Cell of (description, errors of both arms, is paired, candidate really has more)."""


def error_cells() -> list[ErrorCell]:
    """Every kind of errors that the comparison is tried on."""
    nulls = [*_burst_cells(), *_shock_cells(), *_independent_cells()]
    return [*nulls, *_worse_cells()]


def _burst_cells() -> Iterator[ErrorCell]:
    for seconds, length in ((60, 1), (60, 20), (120, 60), (300, 5), (300, 60), (300, 150)):
        for errors in (29, 30, 31, 100, 1000):
            what = f"{errors} errors in one burst of {length} s, {seconds} s"
            yield what, _one_burst(seconds, errors, length), False, False
    for seconds in (120, 300, 600):
        for mean in (0.5, 1, 2, 4, 8):
            for length in (1, 5, 20):
                what = f"{mean:g} bursts an arm of 30 errors in {length} s, {seconds} s"
                yield what, _bursts(seconds, mean, 0.0, _of_thirty(length)), False, False
    for mean in (0.5, 1, 2, 4, 8, 16):
        for background in (0.0, 5.0, 60.0):
            bursts = f"{mean:g} bursts an arm of any size in 1 to 30 s"
            what = f"{bursts} beside {background:g} errors, 300 s"
            yield what, _bursts(300, mean, background, _any_burst), False, False


def _shock_cells() -> Iterator[ErrorCell]:
    for errors in (12, 29, 60, 400):
        for paired in (True, False):
            what = f"{errors} errors of a shock that both share, {'' if paired else 'not '}paired"
            yield what, _shock(errors), paired, False


def _independent_cells() -> Iterator[ErrorCell]:
    for phi, cv in ((0.5, 1.0), (0.9, 1.0), (0.95, 1.5)):
        for seconds in (120, 300, 600):
            for errors in (8, 15, 25, 60, 600):
                what = f"about {errors} errors, rate wanders (φ {phi}, cv {cv}), {seconds} s"
                yield what, _wandering(seconds, errors, phi, cv), False, False
    for errors in (3, 8, 14, 20, 100):
        what = f"about {errors} independent errors, 300 s"
        yield what, _independent(errors, errors), False, False


MORE_ERRORS = (
    (0, 6),
    (0, 8),
    (0.5, 8),
    (2, 10),
    (3, 14),
    (5, 15),
    (8, 20),
    (10, 25),
    (20, 40),
    (100, 150),
)
"""(errors of the baseline, of a candidate that truly has more)."""


def _worse_cells() -> Iterator[ErrorCell]:
    for before, after in MORE_ERRORS:
        what = f"about {before} and {after} independent errors, 300 s"
        yield what, _independent(before, after), False, True
    for count in (4, 6, 8, 12):
        yield f"0 and {count} bursts of 30 errors in 3 s, 300 s", _more_bursts(count), False, True


def _one_burst(seconds: int, errors: int, length: int) -> MakeErrors:
    def make(rng: np.random.Generator) -> ErrorPair:
        sides = burst(rng, seconds, errors, length), np.zeros(seconds)
        return sides if rng.random() < 0.5 else sides[::-1]

    return make


def _of_thirty(length: int) -> MakeSize:
    return lambda _rng: (30, length)


def _any_burst(rng: np.random.Generator) -> tuple[int, int]:
    return int(rng.geometric(1 / 25)), int(rng.integers(1, 30))


def _bursts(seconds: int, mean: float, background: float, size: MakeSize) -> MakeErrors:
    def side(rng: np.random.Generator) -> Values:
        counts = scattered(rng, seconds, background)
        for _ in range(rng.poisson(mean)):
            counts += burst(rng, seconds, *size(rng))
        return counts

    return lambda rng: (side(rng), side(rng))


def _shock(errors: int) -> MakeErrors:
    def make(rng: np.random.Generator) -> ErrorPair:
        both = burst(rng, 300, errors, 12)
        first = rng.binomial(both.astype(np.int64), 0.5).astype(np.float64)
        return first, both - first

    return make


def _wandering(seconds: int, errors: float, phi: float, cv: float) -> MakeErrors:
    def side(rng: np.random.Generator) -> Values:
        return rng.poisson(errors / seconds * ar1(rng, seconds, phi, cv)).astype(np.float64)

    return lambda rng: (side(rng), side(rng))


def _independent(before: float, after: float) -> MakeErrors:
    return lambda rng: (scattered(rng, 300, before), scattered(rng, 300, after))


def _more_bursts(count: int) -> MakeErrors:
    def make(rng: np.random.Generator) -> ErrorPair:
        return np.zeros(300), np.sum([burst(rng, 300, 30, 3) for _ in range(count)], axis=0)

    return make


def _p(failed: ErrorPair, paired: bool) -> float:
    sides = []
    for counts in failed:
        rows = MetricRows(
            "", tuple(map(float, range(len(counts)))), {"rps": (REQUESTS,) * len(counts)}
        )
        sides.append(to_arrays(failing(rows, counts)))
    estimate = effects.measure_errors(ArmPair(sides[0], sides[1], paired))
    if estimate.exact_p_value is not None:
        return estimate.exact_p_value
    return estimate.estimate.p_value() if estimate.estimate is not None else 1.0


def errors_table(runs: int, seed: int) -> None:
    """Print how often a difference of errors is significant."""
    print("\n| errors | false % | right % |\n|---|---:|---:|")
    for number, (what, make, paired, more) in enumerate(error_cells()):
        rng = np.random.default_rng([seed, 1, number])
        share = sum(_p(make(rng), paired) < 0.05 for _ in range(runs)) / runs
        mark = " (!)" if share > limit(runs) else ""
        cells = f"– | {share:.1%}" if more else f"{share:.1%}{mark} | –"
        print(f"| {what} | {cells} |".replace("%", " %"), flush=True)


def routes_table(runs: int, seed: int) -> None:
    """Print the verdicts of services with routes.

    Equal ones with bursts, and one with more errors on one route.
    """
    print(
        "\n| routes | what | regressed % | by the right route % | ms of CPU |\n|---:|---|---:|---:|---:|"
    )
    for number, (routes, kind) in enumerate(
        (routes, kind) for routes in (4, 20, 200) for kind in ("equal", "bursts", "a route fails")
    ):
        rng = np.random.default_rng([seed, 2, number])
        called = right = 0
        few = max(10, runs // routes)
        spent = 0.0
        for _ in range(few):
            baseline = _shop(rng, routes, kind, candidate=False)
            candidate = _shop(rng, routes, kind, candidate=True)
            begin = time.process_time()
            answer = compare(baseline, candidate, ComparisonContext(design="concurrent"))
            spent += time.process_time() - begin
            row = answer.decided_by
            called += answer.verdict == "regressed"
            right += row is not None and answer.verdict == "regressed" and row.route == "/r1"
        mark = " (!)" if kind != "a route fails" and called / few > limit(few) else ""
        right_share = f"{right / few:.1%}" if kind == "a route fails" else "–"
        line = f"| {routes} | {kind} ({few}) | {called / few:.1%}{mark} | {right_share} | {1000 * spent / few:.0f} |"
        print(line.replace("%", " %"), flush=True)


def _shop(rng: np.random.Generator, routes: int, kind: str, *, candidate: bool) -> MetricRows:
    service = Service(rate=60.0, phi=0.3, cv=0.04, errors=0.0)
    out = {}
    for number in range(routes):
        counts = scattered(rng, 300, 2.0)
        if kind == "bursts" and rng.random() < 0.3:
            counts += burst(rng, 300, int(rng.integers(20, 40)), int(rng.integers(1, 20)))
        if kind == "a route fails" and candidate and number == 1:
            counts += scattered(rng, 300, 60.0)
        out[f"/r{number}"] = failing(run(rng, 300, service), counts)
    return routed(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("pairs", "errors"))
    options = parser.parse_args()
    if options.only != "errors":
        pairs_table(options.runs, options.seed)
    if options.only != "pairs":
        errors_table(options.runs, options.seed)
        routes_table(options.runs, options.seed)


def pairs_table(runs: int, seed: int) -> None:
    """Print the verdicts of pairs of runs through all of `compare`."""
    begin = time.process_time()
    print(
        "| design | s | φ | truth | false % | right % | equivalent % | inconclusive % | coverage % |"
    )
    print("|---|---:|---:|---|---:|---:|---:|---:|---:|")
    spent = 0
    for number, cell in enumerate(cells()):
        rng = np.random.default_rng([seed, number])
        verdicts: Counter[str] = Counter()
        covered = intervals = 0
        for _ in range(runs):
            answer = cell.simulate(rng)
            verdicts[answer.verdict] += 1
            metric = answer.metric("throughput")
            if metric is not None and metric.ci is not None:
                intervals += 1
                covered += metric.ci.low <= cell.effect <= metric.ci.high
            spent += 1
        expected = cell.expected()
        called = (verdicts["improved"] + verdicts["regressed"]) / runs
        false = f"{called:.1%}{' (!)' if called > limit(runs) else ''}" if not expected else "–"
        right = f"{verdicts[expected] / runs:.1%}" if expected else "–"
        rest = f"{verdicts['equivalent'] / runs:.0%} | {verdicts['inconclusive'] / runs:.0%}"
        coverage = f"{covered / intervals:.1%}" if intervals else "–"
        line = f"| {cell.title} | {cell.seconds} | {cell.phi} | {cell.truth} | {false} | {right} | {rest} | {coverage} |"
        print(line.replace("%", " %"), flush=True)
    print(
        f"\n{spent:,} comparisons, {(time.process_time() - begin) / spent * 1000:.0f} ms of CPU each, seed {seed}"
    )


if __name__ == "__main__":
    main()

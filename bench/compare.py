"""How often `compare` is wrong, and how often it finds what is there: a simulation with known truth.

    python bench/compare.py [--runs 400] [--seed 1]

Each row is so many simulated pairs of runs through the whole of `compare`, all gates included. "false" is the share of
improved and regressed verdicts where nothing was changed (nominal 5 %; cells above 5 % plus two Monte-Carlo standard
errors are marked); "right" the share of correct verdicts where something was; "coverage" how often the 95 % interval of
throughput holds the true effect.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from simulated import Service, run

from tputtui.experiments.context import Context
from tputtui.experiments.outcome import Comparison, Design
from tputtui.experiments.rows import Rows
from tputtui.experiments.statistics.compare import compare
from tputtui.experiments.statistics.pairs import Pair, compare_pairs


@dataclass(frozen=True, slots=True)
class Cell:
    """One design and truth."""

    design: Design
    seconds: int
    phi: float
    effect: float = 0.0
    p99: float = 0.0
    errors: float | None = None
    run_sd: float = 0.0
    history: int = 0
    diurnal: bool = False
    pairs: int = 0  # by turns, `seconds` each run

    @property
    def title(self) -> str:
        if self.pairs:
            return f"{self.pairs} pairs by turns, run SD {self.run_sd:.1%}"
        between = f", run SD {self.run_sd:.1%}, {self.history} A/A runs" if self.design == "sequential" else ""
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
            return compare_pairs([Pair(*self._pair(rng), Context(design=self.design)) for _ in range(self.pairs)])
        service = Service(phi=self.phi)
        load = None
        if self.diurnal:
            load = 1 + 0.2 * np.sin(np.linspace(0, 2.5, self.seconds))
        factors = np.exp(rng.normal(0.0, self.run_sd, 2 + self.history)) - 1
        a = run(rng, self.seconds, service, effect=float(factors[0]), load=load)
        effect = (1 + self.effect) * (1 + float(factors[1])) - 1
        b = run(rng, self.seconds, service, effect=effect, p99_effect=self.p99, errors=self.errors, load=load)
        history = tuple(float(service.rate * (1 + factor)) for factor in factors[2:])
        return compare(a, b, Context(design=self.design, aa_history_rps=history))

    def _pair(self, rng: np.random.Generator) -> tuple[Rows, Rows]:
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
    out = [Cell("concurrent", seconds, phi) for seconds in (60, 120, 300, 600) for phi in (0.0, 0.5, 0.8, 0.9)]
    out += [Cell("sequential", 600, 0.8, run_sd=sd, history=5) for sd in (0.005, 0.01, 0.02, 0.05)]
    out += [Cell("sequential", 300, phi, run_sd=0.01, history=5) for phi in (0.5, 0.8)]
    out += [Cell("sequential", 600, 0.8, run_sd=0.02)]
    out += [Cell("concurrent", 600, 0.8, diurnal=True)]
    out += [Cell("concurrent", 600, 0.5, effect=effect) for effect in (0.03, 0.05, -0.05, 0.10)]
    out += [Cell("concurrent", 600, 0.8, effect=effect) for effect in (0.05, 0.10)]
    out += [Cell("concurrent", 300, 0.8, effect=0.10)]
    out += [Cell("concurrent", 600, 0.5, effect=0.05, diurnal=True)]
    out += [Cell("concurrent", 600, 0.5, p99=0.20), Cell("concurrent", 600, 0.5, errors=0.005)]
    out += [Cell("sequential", 600, 0.8, effect=0.10, run_sd=sd, history=5) for sd in (0.01, 0.02, 0.05)]
    out += [Cell("sequential", 600, 0.8, effect=0.05, run_sd=0.02, history=5)]
    out += [
        Cell("sequential", 120, 0.8, effect=effect, run_sd=sd, pairs=5)
        for sd, effect in ((0.02, 0.0), (0.02, 0.05), (0.02, 0.10), (0.05, 0.0), (0.05, 0.10))
    ]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    begin = time.process_time()
    print("| design | s | φ | truth | false % | right % | equivalent % | inconclusive % | coverage % |")
    print("|---|---:|---:|---|---:|---:|---:|---:|---:|")
    spent = 0
    for number, cell in enumerate(cells()):
        rng = np.random.default_rng([options.seed, number])
        words: Counter[str] = Counter()
        covered = intervals = 0
        for _ in range(options.runs):
            answer = cell.simulate(rng)
            words[answer.verdict] += 1
            metric = answer.metric("throughput")
            if metric is not None and metric.ci is not None:
                intervals += 1
                covered += metric.ci.low <= cell.effect <= metric.ci.high
            spent += 1
        expected = cell.expected()
        called = (words["improved"] + words["regressed"]) / options.runs
        limit = 0.05 + 2 * (0.05 * 0.95 / options.runs) ** 0.5
        false = f"{called:.1%}{' (!)' if called > limit else ''}" if not expected else "–"
        right = f"{words[expected] / options.runs:.1%}" if expected else "–"
        rest = f"{words['equivalent'] / options.runs:.0%} | {words['inconclusive'] / options.runs:.0%}"
        coverage = f"{covered / intervals:.1%}" if intervals else "–"
        line = (
            f"| {cell.title} | {cell.seconds} | {cell.phi} | {cell.truth} | {false} | {right} | {rest} | {coverage} |"
        )
        print(line.replace("%", " %"), flush=True)
    print(
        f"\n{spent:,} comparisons, {(time.process_time() - begin) / spent * 1000:.0f} ms of CPU each, seed {options.seed}"
    )


if __name__ == "__main__":
    main()

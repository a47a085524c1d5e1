"""From effects to words: each metric's verdict against its margin, Holm's correction, and the overall verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tputtui.experiments.context import Context
from tputtui.experiments.outcome import Interval, Metric, Verdict
from tputtui.experiments.statistics.effects import Measured
from tputtui.frozen import frozen
from tputtui.profiling.diff import holm

ALPHA: Final = 0.05
FEWEST_EFFECTIVE: Final = 15.0
"""Effective rows below which nothing is called improved or regressed."""


@frozen
class _Judged:
    p: float
    effect: float  # relative, or a difference of ratios
    ci: tuple[float, float]
    ci_90: tuple[float, float]


def judged(
    measured: Mapping[str, Measured], context: Context, primary: str, fewest: float = FEWEST_EFFECTIVE
) -> tuple[Metric, ...]:
    """All metrics with their verdicts. The primary is tested at the full level, the others after Holm's correction.

    The correction is over the metrics that have a say; what is shown for information is corrected over all. Below
    `fewest` effective rows nothing is called.
    """
    tests = {name: test for name, one in measured.items() if (test := _test(name, one)) is not None}
    guarding = [name for name in tests if context.guards(name) or name == primary]
    adjusted = dict(zip(tests, _holm([test.p for test in tests.values()]), strict=True))
    adjusted |= zip(guarding, _holm([tests[name].p for name in guarding]), strict=True)
    if primary in tests:
        adjusted[primary] = tests[primary].p
    out = []
    for name, one in measured.items():
        margin, guards = context.margin(name), context.guards(name) or name == primary
        test = tests.get(name)
        if test is None:
            out.append(Metric(name, one.baseline, one.candidate, margin=margin, guards=guards, why=one.why))
            continue
        n_eff = one.estimate.n_eff if one.estimate is not None else None
        verdict, why = _word(test, adjusted[name], margin, name == "throughput", n_eff, fewest)
        out.append(
            Metric(
                name=name,
                baseline=one.baseline,
                candidate=one.candidate,
                effect=test.effect,
                ci=Interval(*test.ci),
                p=adjusted[name],
                n_eff=n_eff,
                margin=margin,
                verdict=verdict,
                guards=guards,
                why=why,
                companions=one.companions,
            )
        )
    return tuple(out)


def holm_over(groups: Sequence[tuple[Metric, ...]]) -> list[tuple[Metric, ...]]:
    """Metrics of several groups (routes), judged anew with Holm's correction over all that have a say in any."""
    places = [(group, at) for group, metrics in enumerate(groups) for at, one in enumerate(metrics) if _counts(one)]
    adjusted = _holm([groups[group][at].p or 0.0 for group, at in places])
    out = [list(metrics) for metrics in groups]
    for (group, at), p in zip(places, adjusted, strict=True):
        one = groups[group][at]
        called = one.verdict in ("improved", "regressed") and p >= ALPHA
        why = "not sure any more, with so many routes looked at" if called else one.why
        out[group][at] = replace(one, p=p, verdict="inconclusive" if called else one.verdict, why=why)
    return [tuple(metrics) for metrics in out]


def _counts(metric: Metric) -> bool:
    return metric.guards and metric.p is not None


def _holm(ps: Sequence[float]) -> list[float]:
    return [1.0 if p is None else p for p in holm(list(ps))]


def _test(name: str, one: Measured) -> _Judged | None:
    if one.limits is not None and one.limits_90 is not None and one.exact_p is not None:
        effect = one.effect if one.effect is not None else (one.candidate or 0.0) - (one.baseline or 0.0)
        return _Judged(one.exact_p, effect, one.limits, one.limits_90)
    if one.estimate is None:
        return None
    found = one.estimate
    if name == "error_ratio":
        return _Judged(found.p(), found.effect, found.interval(), found.interval(0.90))
    ends, ends_90 = ((_plain(low), _plain(high)) for low, high in (found.interval(), found.interval(0.90)))
    return _Judged(found.p(), _plain(found.effect), ends, ends_90)


def _plain(log_ratio: float) -> float:
    return float(np.expm1(min(log_ratio, 50.0)))


def _word(
    test: _Judged, p: float, margin: float, more_is_better: bool, n_eff: float | None, fewest: float
) -> tuple[Verdict, str]:
    if n_eff is not None and n_eff < fewest:
        return "inconclusive", f"only {n_eff:.0f} effective rows of the {fewest:.0f} that a verdict needs"
    if p < ALPHA and abs(test.effect) >= margin:
        return ("improved" if (test.effect > 0) == more_is_better else "regressed"), ""
    if -margin <= test.ci_90[0] and test.ci_90[1] <= margin:
        return "equivalent", ""
    if p < ALPHA:
        return "inconclusive", "there is an effect; whether it reaches the margin is not sure"
    return "inconclusive", "the interval holds both nothing and more than the margin"


def overall(metrics: Sequence[Metric], primary: str) -> Verdict:
    """The verdict of all metrics that have a say, before any gate takes it back."""
    guards = [metric for metric in metrics if metric.guards]
    first = next((metric for metric in metrics if metric.name == primary), None)
    if any(metric.verdict == "regressed" for metric in guards):
        return "regressed"
    if first is None or first.verdict is None:
        return "inconclusive"
    p99_better = any(metric.name == "p99" and metric.verdict == "improved" for metric in guards)
    if first.verdict == "improved" or (first.verdict == "equivalent" and p99_better):
        return "inconclusive" if any(metric.unproven_harm for metric in guards) else "improved"
    settled = all(metric.verdict in (None, "equivalent", "improved") for metric in guards)
    return "equivalent" if first.verdict == "equivalent" and settled else "inconclusive"

"""Verification of an uplift: the same change at several load levels and through a partial
outage.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.special import chdtrc

from tputtui.experiments import formatting
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Comparison, MetricResult, Stratum, Verdict
from tputtui.experiments.statistics.long_run_variance import to_array
from tputtui.experiments.statistics.pairs import build_stratum

MIN_LEVELS: Final = 3

DEFAULT_LEVEL_NAME: Final = "as compared"
"""Name of the pair compared first, if no plan gives its level."""

_NORMAL_95: Final = 1.96


def verify_uplift(
    first: Comparison, others: Sequence[tuple[str, Comparison]], plan: ExperimentPlan | None = None
) -> Comparison:
    """Evaluate `first` together with further strata, each a named comparison.

    All are evaluated by the metric that decided `first`. No stratum may have regressed, and all
    must point the same way. "verified" requires three load levels and one outage, and all planned
    strata. Cochran's Q tests whether the strata agree on the size of the effect.
    """
    plan = plan or ExperimentPlan()
    own = plan.unlisted_level([name for name, _ in others]) or DEFAULT_LEVEL_NAME
    named = [(own, first), *others]
    strata = [
        build_stratum(name, comparison, "outage" if plan.is_outage(name) else "level")
        for name, comparison in named
    ]
    reasons, flags = list(first.reasons), list(first.flags)
    barred = [name for name, comparison in others if comparison.verdict == "not_comparable"]
    worse = [
        _regressed(name, comparison)
        for name, comparison in named
        if comparison.verdict == "regressed"
    ]
    by = (
        first.decided_by.metric.name
        if first.verdict == "improved" and first.decided_by is not None
        else first.primary
    )
    metrics = [metric for _, comparison in named if (metric := comparison.metric(by)) is not None]
    effects = [metric.effect for metric in metrics if metric.effect is not None]
    same_sign = len(effects) == len(named) and (min(effects) > 0 or max(effects) < 0)
    verdict = first.verdict
    if barred and verdict != "not_comparable":
        verdict = "inconclusive"
        reasons.append(f"Not comparable: {', '.join(barred)}.")
    if worse and verdict != "not_comparable":
        verdict = "regressed"
        reasons.append(f"It regressed in: {', '.join(worse)}.")
    elif verdict == "improved" and not same_sign:
        verdict = "inconclusive"
        reasons.append(f"The strata do not all point the same way in {by}.")
    if verdict == "improved":
        missing = _missing_for_verification(strata, plan)
        if missing:
            reasons.append(f"Not yet verified: {missing}.")
        else:
            flags.append("verified")
            levels = sum(comparison.kind == "level" for comparison in strata)
            reasons.append(
                f"Verified: better in {by} at {levels} load levels and through an outage."
            )
    pooled, q = _pool_effects(metrics)
    if pooled is not None:
        reasons.append(
            f"All strata together, weighted by how sure each is: {by} {100 * np.expm1(pooled):+.1f} %."
        )
    return replace(
        first,
        verdict=verdict,
        reasons=tuple(reasons),
        flags=tuple(dict.fromkeys(flags)),
        strata=(*first.strata, *strata),
        heterogeneity_p=q,
        strata_metric=by,
        advice=_advice(first, strata, plan, "verified" in flags, verdict),
    )


def _regressed(name: str, comparison: Comparison) -> str:
    """Describe a regressed stratum with the row that decided it."""
    return (
        f"{name} ({formatting.row_figure(comparison.decided_by)})"
        if comparison.decided_by is not None
        else name
    )


def _missing_for_verification(strata: Sequence[Stratum], plan: ExperimentPlan) -> str:
    """Describe what is still needed to call an uplift verified; "" if complete."""
    levels = sum(stratum.kind == "level" for stratum in strata)
    outages = len(strata) - levels
    parts = []
    if levels < MIN_LEVELS or not outages:
        parts.append(
            f"that takes {MIN_LEVELS} load levels and one outage, and these are {levels} and {outages}"
        )
    missing = plan.missing_strata(stratum.name for stratum in strata)
    if missing:
        parts.append(f"planned and not given: {', '.join(missing)}")
    return "; ".join(parts)


def _advice(
    first: Comparison,
    strata: Sequence[Stratum],
    plan: ExperimentPlan,
    is_verified: bool,
    verdict: Verdict,
) -> tuple[str, ...]:
    if is_verified:
        return ()
    if verdict == "improved":
        missing = plan.missing_strata(stratum.name for stratum in strata)
        needed = (
            ", ".join(missing)
            if missing
            else f"until there are {MIN_LEVELS} load levels and one outage"
        )
        return (f"To verify it: the same comparison once more, {needed} (--stratum).",)
    return first.advice if verdict == first.verdict else ()


def _pool_effects(metrics: Sequence[MetricResult]) -> tuple[float | None, float | None]:
    """Return the precision-weighted effect, and the p of Cochran's Q (k - 1 degrees of freedom)."""
    usable = [
        metric
        for metric in metrics
        if metric.effect is not None and metric.ci is not None and not metric.is_absolute
    ]
    if len(usable) < 2:
        return None, None
    effects = np.log1p(to_array([metric.effect for metric in usable]))
    ends = np.log1p(
        np.maximum(
            to_array(
                [[metric.ci.low, metric.ci.high] for metric in usable if metric.ci is not None]
            ),
            -0.999,
        )
    )
    se = np.maximum((ends[:, 1] - ends[:, 0]) / (2 * _NORMAL_95), 1e-9)
    weights = 1 / se**2
    pooled = float(np.sum(weights * effects) / np.sum(weights))
    q = float(np.sum(weights * (effects - pooled) ** 2))
    return pooled, float(chdtrc(len(usable) - 1, q))

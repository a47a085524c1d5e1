"""An uplift that is verified: the same change at several load levels and through a partial outage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.special import chdtrc

from tputtui.experiments.outcome import Comparison, Metric
from tputtui.experiments.statistics.longrun import array
from tputtui.experiments.statistics.pairs import stratum

LEVELS: Final = 3
_Z: Final = 1.96


def verified(first: Comparison, others: Sequence[tuple[str, Comparison]]) -> Comparison:
    """`first` judged together with further strata, each a comparison of its own with its name.

    No stratum may have regressed, and all must point the same way. "verified" takes three load levels and one outage
    (a stratum that is called so). Cochran's Q says whether the strata agree on the size of the effect.
    """
    named = [("as compared", first), *others]
    strata = tuple(stratum(name, one) for name, one in named)
    reasons, flags = list(first.reasons), list(first.flags)
    barred = [name for name, one in others if one.verdict == "not_comparable"]
    worse = [name for name, one in named if one.verdict == "regressed"]
    effects = [one.effect for one in _primaries(named) if one.effect is not None]
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
        reasons.append("The strata do not all point the same way.")
    outages = [name for name, _ in others if "outage" in name.lower()]
    levels = len(named) - len(outages)
    if verdict == "improved":
        if levels >= LEVELS and outages:
            flags.append("verified")
            reasons.append(f"Better at {levels} load levels and through an outage.")
        else:
            reasons.append(
                f"Not yet verified: that takes {LEVELS} load levels and one outage, here {levels} and {len(outages)}."
            )
    pooled, q = _pooled(_primaries(named))
    if pooled is not None:
        reasons.append(f"All strata together: {first.primary} {np.expm1(pooled):+.1%}.")
    return replace(
        first,
        verdict=verdict,
        reasons=tuple(reasons),
        flags=tuple(dict.fromkeys(flags)),
        strata=strata,
        heterogeneity_p=q,
    )


def _primaries(named: Sequence[tuple[str, Comparison]]) -> list[Metric]:
    return [metric for _, one in named if (metric := one.metric(one.primary)) is not None]


def _pooled(metrics: Sequence[Metric]) -> tuple[float | None, float | None]:
    """The effect weighted by precision, and the p of Cochran's Q (k - 1 degrees of freedom)."""
    usable = [one for one in metrics if one.effect is not None and one.ci is not None and not one.absolute]
    if len(usable) < 2:
        return None, None
    effects = np.log1p(array([one.effect for one in usable]))
    ends = np.log1p(np.maximum(array([[one.ci.low, one.ci.high] for one in usable if one.ci is not None]), -0.999))
    se = np.maximum((ends[:, 1] - ends[:, 0]) / (2 * _Z), 1e-9)
    weights = 1 / se**2
    pooled = float(np.sum(weights * effects) / np.sum(weights))
    q = float(np.sum(weights * (effects - pooled) ** 2))
    return pooled, float(chdtrc(len(usable) - 1, q))

"""A plan from a pilot run, said to people and programs."""

from __future__ import annotations

from typing import Final

from tputtui.experiments.result import UNITS, PowerResult
from tputtui.text import number, span

_SPREAD: Final = (0.5, 1.7)
"""Within these factors a pilot of three minutes foretells the need, four times out of five."""


def text(plan: PowerResult) -> str:
    """What it takes, in four lines."""
    unit = "pp" if plan.metric == "error_ratio" else "%"
    lines = [f"To find {100 * plan.detect:g} {unit} of {plan.metric} in four cases of five (5 % false alarms):"]
    if plan.seconds is None:
        lines.append("  one pair: no length will do, because equal runs differ by too much")
    else:
        low, high = (span(plan.seconds * factor) for factor in _SPREAD)
        lines.append(f"  one pair of runs: about {span(plan.seconds)} each ({low} to {high})")
    if plan.pairs is None:
        lines.append(f"  interleaved pairs: more than a hundred of {span(plan.pair_seconds)} each")
    else:
        whole = 2 * plan.pairs * plan.pair_seconds
        lines.append(
            f"  interleaved pairs: {plan.pairs} of {span(plan.pair_seconds)} a run, {span(whole)} in all"
            " (A B B A …: drift cancels out)"
        )
    between = (
        "which is assumed: --history RUN with three equal runs or more says better"
        if plan.run_sd_assumed
        else "by their history"
    )
    lines.append(
        f"Judged by {span(plan.seconds_piloted)} at {number(plan.rate)} req/s. Equal runs differ by "
        f"{100 * plan.run_sd:.1f} % (standard deviation),\n{between}."
    )
    return "\n".join(lines)


def document(plan: PowerResult) -> dict[str, object]:
    """The same as JSON."""
    seconds = plan.seconds
    return {
        "schema": 1,
        "ok": True,
        "metric": plan.metric,
        "detect_percent": None if plan.metric == "error_ratio" else 100 * plan.detect,
        "detect_pp": 100 * plan.detect if plan.metric == "error_ratio" else None,
        "power": 0.8,
        "baseline": plan.level,
        "unit": UNITS[plan.metric],
        "baseline_rps": plan.rate,
        "pilot_seconds": plan.seconds_piloted,
        "seconds_per_arm": seconds,
        "seconds_per_arm_range": None if seconds is None else [seconds * factor for factor in _SPREAD],
        "run_sd_percent": 100 * plan.run_sd,
        "run_sd_assumed": plan.run_sd_assumed,
        "pairs": plan.pairs,
        "seconds_per_pair_and_arm": plan.pair_seconds,
    }

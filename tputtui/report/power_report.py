"""Report of a plan derived from a pilot run, as text and JSON."""

from __future__ import annotations

from typing import Final

from tputtui.experiments.result import METRIC_UNITS, PowerResult
from tputtui.text import format_duration, format_number

_RANGE_FACTORS: Final = (0.5, 1.7)
"""A pilot of three minutes predicts the need within these factors four times out of five."""


def render_text(power: PowerResult) -> str:
    """Render the requirements in four lines."""
    unit = "pp" if power.metric == "error_ratio" else "%"
    lines = [
        (
            f"To find {100 * power.target_effect:g} {unit} of {power.metric} "
            "in four cases of five (5 % false alarms):"
        )
    ]
    if power.seconds is None:
        lines.append("  one pair: no length will do, because equal runs differ by too much")
    else:
        low, high = (format_duration(power.seconds * factor) for factor in _RANGE_FACTORS)
        lines.append(
            f"  one pair of runs: about {format_duration(power.seconds)} each ({low} to {high})"
        )
    pair_duration = format_duration(power.pair_seconds)
    if power.pairs is None:
        lines.append(f"  interleaved pairs: more than a hundred of {pair_duration} each")
    else:
        total = format_duration(2 * power.pairs * power.pair_seconds)
        lines.append(
            f"  interleaved pairs: {power.pairs} of {pair_duration} a run, {total} in all"
            " (A B B A …: drift cancels out)"
        )
    origin = "by their history"
    if power.is_run_sd_assumed:
        origin = "which is assumed: --history RUN with three equal runs or more says better"
    lines.append(
        f"Judged by {format_duration(power.pilot_seconds)} at "
        f"{format_number(power.pilot_rps)} req/s. Equal runs differ by "
        f"{100 * power.run_sd:.1f} % (standard deviation),\n{origin}."
    )
    return "\n".join(lines)


def build_document(power: PowerResult) -> dict[str, object]:
    """Build the same content as JSON."""
    seconds = power.seconds
    return {
        "schema": 1,
        "ok": True,
        "metric": power.metric,
        "detect_percent": None if power.metric == "error_ratio" else 100 * power.target_effect,
        "detect_pp": 100 * power.target_effect if power.metric == "error_ratio" else None,
        "power": 0.8,
        "baseline": power.pilot_value,
        "unit": METRIC_UNITS[power.metric],
        "baseline_rps": power.pilot_rps,
        "pilot_seconds": power.pilot_seconds,
        "seconds_per_arm": seconds,
        "seconds_per_arm_range": None
        if seconds is None
        else [seconds * factor for factor in _RANGE_FACTORS],
        "run_sd_percent": 100 * power.run_sd,
        "run_sd_assumed": power.is_run_sd_assumed,
        "pairs": power.pairs,
        "seconds_per_pair_and_arm": power.pair_seconds,
    }

"""Validity checks before a verdict, in order (docs/compare.md).

Each may add flags and reasons, and may cap the verdict at inconclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import (
    Design,
    EnvironmentDifference,
    Flag,
    Interval,
    MetricResult,
    Stratum,
    Verdict,
)
from tputtui.experiments.statistics import effects
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, align_rows
from tputtui.experiments.statistics.effects import BetweenRunVariance, MeasuredEffect
from tputtui.experiments.statistics.route_effects import TrafficShift
from tputtui.experiments.statistics.steady_state import (
    detect_drifts,
    detect_incident_rows,
    detect_warm_up,
    shared_incidents,
)
from tputtui.text import clean, format_duration

MIN_ROWS: Final = 60
"""Rows, and seconds, required after the warm-up."""

_DEAD_RATIO: Final = 0.01  # of the baseline's throughput
_MIN_OVERLAP: Final = 0.5  # of the rows' times: below it, concurrent arms have little in common
_COMPLETE_RATIO: Final = 0.9
_NEAR_OFFERED: Final = 0.02
_WORSE_ERRORS: Final = 0.10  # error ratio, in a shared incident
_WORSE_RATE: Final = 0.8  # of the baseline's throughput, in a shared incident
_MAX_NAMED_ROUTES: Final = 3  # routes
# Of all requests: from here on the total reflects a different mix of work
_SHIFTED_MIX_RATIO: Final = 0.05


@dataclass(slots=True)
class CheckNotes:
    """Findings of the checks so far."""

    flags: list[Flag] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    # Flags that limit the verdict to inconclusive
    capping_flags: list[Flag] = field(default_factory=list)
    is_barred: bool = False  # not comparable
    needed_s: float | None = None  # seconds that an arm should have lasted

    def add(self, flag: Flag | None, reason: str = "", *, is_cap: bool = False) -> None:
        """Add one finding."""
        if flag is not None and flag not in self.flags:
            self.flags.append(flag)
        if reason:
            self.reasons.append(reason)
        if is_cap and flag is not None:
            self.capping_flags.append(flag)

    @property
    def is_capped(self) -> bool:
        """Whether the verdict is limited to inconclusive."""
        return bool(self.capping_flags)


def choose_design(
    context: ComparisonContext,
    baseline: MetricRows,
    candidate: MetricRows,
    has_absolute_times: bool,
) -> Design:
    """Return the requested design; else concurrent if the arms' absolute times overlap by half,
    else sequential.
    """
    if context.design is not None:
        return context.design
    if not has_absolute_times:
        return "sequential"
    both = min(baseline.t[-1], candidate.t[-1]) - max(baseline.t[0], candidate.t[0])
    shorter = min(baseline.t[-1] - baseline.t[0], candidate.t[-1] - candidate.t[0])
    return "concurrent" if shorter > 0 and both >= 0.5 * shorter else "sequential"


def check_environment(differences: Sequence[EnvironmentDifference], notes: CheckNotes) -> None:
    """Check comparability: an undeclared invalidating difference bars every verdict."""
    hard = [difference for difference in differences if difference.is_invalidating]
    soft = [
        difference
        for difference in differences
        if not difference.is_invalidating and not difference.is_declared
    ]
    if hard:
        notes.is_barred = True
        listed = ", ".join(
            f"{clean(difference.field, 40)} ({_format_value(difference.baseline)} → {_format_value(difference.candidate)})"
            for difference in hard
        )
        notes.add(
            "env",
            f"The arms differ in {listed}, which was not declared as the change: no verdict holds.",
        )
    if soft:
        listed = ", ".join(clean(difference.field, 40) for difference in soft)
        notes.add(None if hard else "env", f"Not declared, and different as well: {listed}.")


def check_dead_arm(a: ArmArrays, b: ArmArrays) -> tuple[Verdict, str] | None:
    """Return a verdict for an arm that served next to nothing, which needs no statistics."""
    before, after = float(a.rps.mean()), float(b.rps.mean())
    if before <= 0:
        return "not_comparable", "The baseline served nothing."
    if after < _DEAD_RATIO * before:
        return (
            "regressed",
            f"The candidate served next to nothing: {after:.4g} req/s after {before:.4g}.",
        )
    return None


def align_arms(a: ArmArrays, b: ArmArrays, design: Design, notes: CheckNotes) -> ArmPair:
    """Align concurrent arms row for row; report gaps, and bar the comparison if there are too
    many.
    """
    if design != "concurrent":
        for arm_name, arm in (("baseline", a), ("candidate", b)):
            expected_rows = (arm.t[-1] - arm.t[0]) / arm.step_s + 1 if len(arm.t) else 0.0
            if len(arm.t) < _COMPLETE_RATIO * expected_rows:
                notes.add(
                    "gaps",
                    f"{100 * (1 - len(arm.t) / expected_rows):.0f} % of the {arm_name}'s rows are missing.",
                )
        return ArmPair(a, b, is_paired=False)
    arms, share = align_rows(a, b)
    if share < _MIN_OVERLAP:
        notes.is_barred = True
        notes.add(
            "gaps",
            f"The arms have only {100 * share:.0f} % of their time in common: concurrent arms need half.",
        )
    elif share < _COMPLETE_RATIO:
        notes.add(
            "gaps",
            f"{100 * (1 - share):.0f} % of the time is missing in one of the arms and left out of both.",
        )
    return arms


def trim_warm_up(arms: ArmPair, notes: CheckNotes) -> tuple[ArmPair, float]:
    """Cut the same warm-up from both arms. Returns the rest and the seconds cut."""
    warm_up = detect_warm_up(
        arms, (detect_incident_rows(arms.baseline), detect_incident_rows(arms.candidate))
    )
    if not warm_up.rows:
        return arms, 0.0
    seconds = warm_up.rows * arms.baseline.step_s
    if warm_up.is_endless:
        notes.add(
            "warm-up",
            f"Never steady: after {format_duration(seconds)}, a third of the run, it still changes.",
            is_cap=True,
        )
    else:
        notes.add(
            "warm-up",
            f"The first {format_duration(seconds)} are warm-up and left out of both arms.",
        )
    return arms.select(slice(warm_up.rows, None)), seconds


def check_length(arms: ArmPair, notes: CheckNotes) -> None:
    """Check the duration: less than a minute allows no sure verdict."""
    for arm in (arms.baseline, arms.candidate):
        if len(arm.t) < MIN_ROWS or arm.seconds < MIN_ROWS:
            least_s = MIN_ROWS * max(1.0, arm.step_s)
            notes.needed_s = max(notes.needed_s or 0.0, least_s)
            notes.add(
                "too-short",
                f"Too short: {format_duration(arm.seconds)} to judge by, of {format_duration(least_s)} at the least.",
                is_cap=True,
            )
            return


def exclude_incidents(
    arms: ArmPair, notes: CheckNotes
) -> tuple[ArmPair, tuple[Stratum, ...], float]:
    """Remove shared incidents from both arms and evaluate them separately.

    An incident of one arm alone allows no verdict. Returns the remaining rows, the strata, and the
    seconds excluded.
    """
    masks = detect_incident_rows(arms.baseline), detect_incident_rows(arms.candidate)
    shared = shared_incidents(*masks) if arms.is_paired else []
    excluded = np.zeros(len(arms.baseline.t), dtype=bool)
    strata = []
    for begin, end in shared:
        excluded[begin:end] = True
        strata.append(_incident_stratum(arms.select(slice(begin, end)), notes))
    for arm_name, mask, arm in zip(
        ("baseline", "candidate"), masks, (arms.baseline, arms.candidate), strict=True
    ):
        alone = mask & ~excluded if arms.is_paired else mask
        if alone.any():
            seconds = float(np.count_nonzero(alone)) * arm.step_s
            notes.add(
                "incident",
                f"An incident of {format_duration(seconds)} in the {arm_name} only allows no verdict.",
                is_cap=True,
            )
    if not shared:
        return arms, (), 0.0
    seconds = float(np.count_nonzero(excluded)) * arms.baseline.step_s
    notes.add(
        "incident",
        f"{format_duration(seconds)} of an incident that both arms had are judged by themselves.",
    )
    return arms.select(~excluded), tuple(strata), seconds


def _incident_stratum(arms: ArmPair, notes: CheckNotes) -> Stratum:
    throughput = effects.measure_throughput(arms, BetweenRunVariance())
    errors = effects.measure_errors(arms)
    points = None
    if errors.baseline is not None and errors.candidate is not None:
        points = errors.candidate - errors.baseline
    before, after = float(arms.baseline.rps.mean()), float(arms.candidate.rps.mean())
    worse = after < _WORSE_RATE * before or (points is not None and points >= _WORSE_ERRORS)
    if worse:
        notes.add(
            "incident",
            "In the incident that both arms had, the candidate was far worse.",
            is_cap=True,
        )
    ci = None
    if throughput.estimate is not None:
        low, high = throughput.estimate.interval()
        ci = Interval(float(np.expm1(low)), float(np.expm1(min(high, 50.0))))
    effect = after / before - 1 if before > 0 else None
    return Stratum(
        "shared incident", arms.baseline.seconds, effect, ci, points, "regressed" if worse else None
    )


def check_drift(
    arms: ArmPair, throughput: MeasuredEffect, context: ComparisonContext, notes: CheckNotes
) -> None:
    """Check for drift: a trend that outweighs the effect allows no verdict."""
    estimate = throughput.estimate
    effect = float(np.expm1(min(estimate.effect, 50.0))) if estimate is not None else 0.0
    for drift in detect_drifts(arms, effect, context.margin("throughput")):
        series = f"the {drift.arm}'s throughput" if drift.arm else "candidate over baseline"
        notes.add(
            "drift",
            f"Drift: {series} changed by {100 * drift.change:+.0f} % over the run.",
            is_cap=True,
        )


def is_load_limited(arms: ArmPair, context: ComparisonContext) -> bool:
    """Return whether both arms served the full load of an open-loop client.

    Throughput cannot rise then.
    """
    if context.is_load_limited:
        return True
    for arm, env in (
        (arms.baseline, context.baseline_env),
        (arms.candidate, context.candidate_env),
    ):
        offered = env.get("offered_rps")
        if not str(env.get("client_model") or "").startswith("open") or isinstance(offered, bool):
            return False
        if not isinstance(offered, int | float) or offered <= 0:
            return False
        if abs(float(arm.rps.mean()) / offered - 1) > _NEAR_OFFERED:
            return False
    return True


def check_history(
    arms: ArmPair,
    context: ComparisonContext,
    between_runs: BetweenRunVariance,
    is_assumed: bool,
    notes: CheckNotes,
) -> None:
    """Check the known difference between equal runs."""
    if arms.is_paired and between_runs.components:
        notes.add(
            "pair-history",
            f"The two targets differ by {100 * np.expm1(between_runs.log_offset):+.1f} % without any change: that is taken out.",
        )
    if is_assumed:
        notes.add("no-aa-history")
        notes.add(
            "provisional",
            f"Equal runs are assumed to differ by {100 * effects.ASSUMED_RUN_SD:.0f} % (standard deviation): "
            f"{'too few' if context.aa_history_rps else 'no'} A/A runs say how much they do.",
        )


def check_route_mix(shifts: Sequence[TrafficShift], notes: CheckNotes) -> bool:
    """Report a shifted route mix before everything else.

    True if the total therefore reflects different work.
    """
    if not shifts:
        return False
    listed = ", ".join(
        f"{shift.route} {100 * shift.baseline_share:.1f} % → {100 * shift.candidate_share:.1f} %"
        for shift in shifts[:_MAX_NAMED_ROUTES]
    )
    more = f" and {len(shifts) - _MAX_NAMED_ROUTES} more" if len(shifts) > _MAX_NAMED_ROUTES else ""
    notes.reasons.insert(
        0, f"The mix of routes has shifted: {listed}{more} of all requests. Compare route by route."
    )
    moved_share = sum(abs(shift.candidate_share - shift.baseline_share) for shift in shifts) / 2
    if moved_share >= _SHIFTED_MIX_RATIO:
        notes.add(
            None,
            f"{100 * moved_share:.0f} % of the requests are others than before: the total allows no verdict.",
        )
    return moved_share >= _SHIFTED_MIX_RATIO


def without_improvement(metric: MetricResult) -> MetricResult:
    """Return the metric without an improvement, because a load-limited throughput cannot
    improve.
    """
    if metric.name != "throughput" or metric.verdict != "improved":
        return metric
    return replace(
        metric,
        verdict="inconclusive",
        reason="the load was limited: more was offered, or less lost",
    )


def _format_value(value: object) -> str:
    return "unknown" if value is None else clean(str(value), 40)

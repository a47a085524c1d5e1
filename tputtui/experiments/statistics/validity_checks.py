"""The gates of research before any verdict, in their order: each leaves flags, reasons, and perhaps a cap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import Design, EnvironmentDifference, Flag, Interval, MetricResult, Stratum, Verdict
from tputtui.experiments.statistics import effects
from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, aligned
from tputtui.experiments.statistics.effects import BetweenRunVariance, MeasuredEffect
from tputtui.experiments.statistics.route_effects import TrafficShift
from tputtui.experiments.statistics.steady_state import drifts, incident_rows, shared, warm_up
from tputtui.text import clean, span

SHORTEST: Final = 60
"""Rows, and seconds, that must be left after the warm-up."""

_DEAD: Final = 0.01  # of the baseline's throughput
_OVERLAP: Final = 0.5  # of the rows' times: below, concurrent arms have little in common
_WHOLE: Final = 0.9
_NEAR_OFFERED: Final = 0.02
_WORSE_ERRORS: Final = 0.10  # error ratio, in a shared incident
_WORSE_RATE: Final = 0.8  # of the baseline's throughput, in a shared incident
_MIX_NAMED: Final = 3  # routes
_MIX_MOVED: Final = 0.05  # of all requests, from which on the total is of other work


@dataclass(slots=True)
class CheckNotes:
    """What the gates found so far."""

    flags: list[Flag] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    caps: list[Flag] = field(default_factory=list)  # what allows no more than inconclusive
    barred: bool = False  # not comparable
    needed: float | None = None  # seconds an arm should have lasted

    def say(self, flag: Flag | None, reason: str = "", *, cap: bool = False) -> None:
        """One finding."""
        if flag is not None and flag not in self.flags:
            self.flags.append(flag)
        if reason:
            self.reasons.append(reason)
        if cap and flag is not None:
            self.caps.append(flag)

    @property
    def cap(self) -> bool:
        """Whether no more than inconclusive is allowed."""
        return bool(self.caps)


def design_of(context: ComparisonContext, baseline: MetricRows, candidate: MetricRows, absolute: bool) -> Design:
    """What was asked for; else concurrent where both arms' absolute times overlap by half, else sequential."""
    if context.design is not None:
        return context.design
    if not absolute:
        return "sequential"
    both = min(baseline.t[-1], candidate.t[-1]) - max(baseline.t[0], candidate.t[0])
    shorter = min(baseline.t[-1] - baseline.t[0], candidate.t[-1] - candidate.t[0])
    return "concurrent" if shorter > 0 and both >= 0.5 * shorter else "sequential"


def environment(found: Sequence[EnvironmentDifference], notes: CheckNotes) -> None:
    """Comparability first: a hard difference that was not declared bars every verdict."""
    hard = [difference for difference in found if difference.hard]
    soft = [difference for difference in found if not difference.hard and not difference.declared]
    if hard:
        notes.barred = True
        listed = ", ".join(f"{clean(one.field, 40)} ({_shown(one.baseline)} → {_shown(one.candidate)})" for one in hard)
        notes.say("env", f"The arms differ in {listed}, which was not declared as the change: no verdict holds.")
    if soft:
        listed = ", ".join(clean(one.field, 40) for one in soft)
        notes.say(None if hard else "env", f"Not declared, and different as well: {listed}.")


def dead(a: ArmArrays, b: ArmArrays) -> tuple[Verdict, str] | None:
    """An arm that served nothing (to speak of) needs no statistics."""
    before, after = float(a.rps.mean()), float(b.rps.mean())
    if before <= 0:
        return "not_comparable", "The baseline served nothing."
    if after < _DEAD * before:
        return "regressed", f"The candidate served next to nothing: {after:.4g} req/s after {before:.4g}."
    return None


def align(a: ArmArrays, b: ArmArrays, design: Design, notes: CheckNotes) -> ArmPair:
    """Concurrent arms row for row; gaps are said, and too many of them bar the comparison."""
    if design != "concurrent":
        for who, one in (("baseline", a), ("candidate", b)):
            whole = (one.t[-1] - one.t[0]) / one.step_s + 1 if len(one.t) else 0.0
            if len(one.t) < _WHOLE * whole:
                notes.say("gaps", f"{100 * (1 - len(one.t) / whole):.0f} % of the {who}'s rows are missing.")
        return ArmPair(a, b, paired=False)
    arms, share = aligned(a, b)
    if share < _OVERLAP:
        notes.barred = True
        notes.say("gaps", f"The arms have only {100 * share:.0f} % of their time in common: concurrent arms need half.")
    elif share < _WHOLE:
        notes.say("gaps", f"{100 * (1 - share):.0f} % of the time is missing in one of the arms and left out of both.")
    return arms


def steady(arms: ArmPair, notes: CheckNotes) -> tuple[ArmPair, float]:
    """Cut the warm-up, the same in both arms. Returns what is left and the seconds that were cut."""
    found = warm_up(arms, (incident_rows(arms.baseline), incident_rows(arms.candidate)))
    if not found.rows:
        return arms, 0.0
    seconds = found.rows * arms.baseline.step_s
    if found.endless:
        notes.say("warm-up", f"Never steady: after {span(seconds)}, a third of the run, it still changes.", cap=True)
    else:
        notes.say("warm-up", f"The first {span(seconds)} are warm-up and left out of both arms.")
    return arms.take(slice(found.rows, None)), seconds


def length(arms: ArmPair, notes: CheckNotes) -> None:
    """Below a minute nothing is sure."""
    for one in (arms.baseline, arms.candidate):
        if len(one.t) < SHORTEST or one.seconds < SHORTEST:
            least = SHORTEST * max(1.0, one.step_s)
            notes.needed = max(notes.needed or 0.0, least)
            notes.say(
                "too-short", f"Too short: {span(one.seconds)} to judge by, of {span(least)} at the least.", cap=True
            )
            return


def incidents(arms: ArmPair, notes: CheckNotes) -> tuple[ArmPair, tuple[Stratum, ...], float]:
    """A shared incident is taken out of both arms and judged by itself; one arm's alone allows no verdict.

    Returns what is left, the strata, and the seconds that were excluded.
    """
    masks = incident_rows(arms.baseline), incident_rows(arms.candidate)
    both = shared(*masks) if arms.paired else []
    out = np.zeros(len(arms.baseline.t), dtype=bool)
    strata = []
    for begin, end in both:
        out[begin:end] = True
        strata.append(_stratum(arms.take(slice(begin, end)), notes))
    for who, mask, one in zip(("baseline", "candidate"), masks, (arms.baseline, arms.candidate), strict=True):
        alone = mask & ~out if arms.paired else mask
        if alone.any():
            seconds = float(np.count_nonzero(alone)) * one.step_s
            notes.say("incident", f"An incident of {span(seconds)} in the {who} only allows no verdict.", cap=True)
    if not both:
        return arms, (), 0.0
    seconds = float(np.count_nonzero(out)) * arms.baseline.step_s
    notes.say("incident", f"{span(seconds)} of an incident that both arms had are judged by themselves.")
    return arms.take(~out), tuple(strata), seconds


def _stratum(arms: ArmPair, notes: CheckNotes) -> Stratum:
    found = effects.throughput(arms, BetweenRunVariance())
    failed = effects.errors(arms)
    points = None if failed.baseline is None or failed.candidate is None else failed.candidate - failed.baseline
    before, after = float(arms.baseline.rps.mean()), float(arms.candidate.rps.mean())
    worse = after < _WORSE_RATE * before or (points is not None and points >= _WORSE_ERRORS)
    if worse:
        notes.say("incident", "In the incident that both arms had, the candidate was far worse.", cap=True)
    ci = None
    if found.estimate is not None:
        low, high = found.estimate.interval()
        ci = Interval(float(np.expm1(low)), float(np.expm1(min(high, 50.0))))
    effect = after / before - 1 if before > 0 else None
    return Stratum("shared incident", arms.baseline.seconds, effect, ci, points, "regressed" if worse else None)


def drift(arms: ArmPair, throughput: MeasuredEffect, context: ComparisonContext, notes: CheckNotes) -> None:
    """A trend that the effect does not outlive allows no verdict."""
    found = throughput.estimate
    effect = float(np.expm1(min(found.effect, 50.0))) if found is not None else 0.0
    for one in drifts(arms, effect, context.margin("throughput")):
        what = f"the {one.who}'s throughput" if one.who else "candidate over baseline"
        notes.say("drift", f"Drift: {what} changed by {100 * one.change:+.0f} % over the run.", cap=True)


def load_limited(arms: ArmPair, context: ComparisonContext) -> bool:
    """Whether both arms served what an open-loop client offered: then throughput has nowhere to go."""
    if context.load_limited:
        return True
    for one, env in ((arms.baseline, context.env_a), (arms.candidate, context.env_b)):
        offered = env.get("offered_rps")
        if not str(env.get("client_model") or "").startswith("open") or isinstance(offered, bool):
            return False
        if not isinstance(offered, int | float) or offered <= 0:
            return False
        if abs(float(one.rps.mean()) / offered - 1) > _NEAR_OFFERED:
            return False
    return True


def history(
    arms: ArmPair, context: ComparisonContext, error: BetweenRunVariance, assumed: bool, notes: CheckNotes
) -> None:
    """What is known of the difference between equal runs."""
    if arms.paired and error.parts:
        notes.say(
            "pair-history",
            f"The two targets differ by {100 * np.expm1(error.shift):+.1f} % without any change: that is taken out.",
        )
    if assumed:
        notes.say("no-aa-history")
        notes.say(
            "provisional",
            f"Equal runs are assumed to differ by {100 * effects.ASSUMED_RUN_SD:.0f} % (standard deviation): "
            f"{'too few' if context.aa_history_rps else 'no'} A/A runs say how much they do.",
        )


def mix(shifts: Sequence[TrafficShift], notes: CheckNotes) -> bool:
    """A mix of routes that has shifted is named before everything else. True where the total is of other work then."""
    if not shifts:
        return False
    told = ", ".join(
        f"{one.route} {100 * one.baseline:.1f} % → {100 * one.candidate:.1f} %" for one in shifts[:_MIX_NAMED]
    )
    more = f" and {len(shifts) - _MIX_NAMED} more" if len(shifts) > _MIX_NAMED else ""
    notes.reasons.insert(0, f"The mix of routes has shifted: {told}{more} of all requests. Compare route by route.")
    moved = sum(abs(one.candidate - one.baseline) for one in shifts) / 2
    if moved >= _MIX_MOVED:
        notes.say(None, f"{100 * moved:.0f} % of the requests are others than before: the total allows no verdict.")
    return moved >= _MIX_MOVED


def without_uplift(metric: MetricResult) -> MetricResult:
    """A throughput that the load has limited cannot have improved."""
    if metric.name != "throughput" or metric.verdict != "improved":
        return metric
    return replace(metric, verdict="inconclusive", why="the load was limited: more was offered, or less lost")


def _shown(value: object) -> str:
    return "unknown" if value is None else clean(str(value), 40)

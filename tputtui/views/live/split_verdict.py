"""Verdict on a split as one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tputtui import text
from tputtui.experiments.sequential_test import TOO_EARLY_PREFIX, EffectEstimate
from tputtui.views.live.split_figures import Arms, SplitFigure, estimate_role, format_effect
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import TextSpan

SILENCE_S = 10.0
"""Seconds without traffic, while control has some, after which it is no longer a pause."""

Estimates = Mapping[str, EffectEstimate | str]
"""Estimate of each figure by its label; a reason where there is none yet."""


def verdict_span(
    frame: Frame, figures: Sequence[SplitFigure], estimates: Estimates, arms: Arms
) -> TextSpan | None:
    """Summarize the split in one sentence; None while nothing is split.

    A problem with the arms comes first, then the differences that are certain, then unconfirmed
    ones, else how large a difference is not excluded yet.
    """
    active = frame.view_state.split
    if active is None:
        return None
    problem = _problem_span(frame, arms, active.silent_s)
    if problem is not None:
        return problem
    estimated: list[tuple[SplitFigure, EffectEstimate]] = []
    for figure in figures:
        estimate = estimates[figure.label]
        if isinstance(estimate, EffectEstimate):
            estimated.append((figure, estimate))
    certain = _certain_span(estimated)
    if certain is not None:
        return certain
    unconfirmed = [
        format_effect(figure, estimate)
        for figure, estimate in estimated
        if estimate.is_unconfirmed and figure.better_direction
    ]
    if unconfirmed:
        effects = ", ".join(unconfirmed)
        return TextSpan(f"{effects}: sure if the next evaluation says so again")
    if not estimated:
        return _undecided_span(estimates)
    return TextSpan(f"no clear difference{_largest_difference(estimated)}")


def _certain_span(estimated: Sequence[tuple[SplitFigure, EffectEstimate]]) -> TextSpan | None:
    """Name the figures that are certainly better or worse; None without one."""
    effects: dict[str, list[str]] = {"ok": [], "bad": []}
    for figure, estimate in estimated:
        role = estimate_role(estimate, figure)
        if role in effects:
            effects[role].append(format_effect(figure, estimate))
    better, worse = ", ".join(effects["ok"]), ", ".join(effects["bad"])
    if worse and better:
        return TextSpan(f"a trade-off: worse in {worse}; better in {better}", "warning")
    if worse:
        return TextSpan(f"treatment is worse: {worse}", "bad")
    if better:
        return TextSpan(f"treatment is better: {better}", "ok")
    return None


def _undecided_span(estimates: Estimates) -> TextSpan:
    """Say that it is too early, and for how long."""
    reasons = [reason for reason in estimates.values() if isinstance(reason, str)]
    early = next((reason for reason in reasons if reason.startswith(TOO_EARLY_PREFIX)), "")
    if early:
        return TextSpan(f"too early to judge: {early}", "dim")
    return TextSpan("nothing can be judged yet", "dim")


def _largest_difference(estimated: Sequence[tuple[SplitFigure, EffectEstimate]]) -> str:
    """Format the largest difference that the last ratio may still have; empty without one."""
    ratios = [
        (figure, estimate)
        for figure, estimate in estimated
        if figure.better_direction and not figure.is_in_points
    ]
    if not ratios:
        return ""
    figure, estimate = ratios[-1]
    percent = text.format_percent(100 * max(abs(estimate.low), abs(estimate.high)))
    return f": {figure.label} may differ by up to {percent} %"


def _problem_span(frame: Frame, arms: Arms, silent_s: float | None) -> TextSpan | None:
    """Describe the problem that prevents a comparison of the arms; None without one.

    Missing data gives no verdict; an arm without traffic does.
    """
    targets = {target.name: target for target in frame.snapshot.targets}
    for name, arm in zip(("control", "treatment"), arms, strict=True):
        if arm is None:
            return TextSpan(f"{name}: nothing of it is there", "warning")
        own = [targets[target] for target in arm.targets if target in targets]
        if own and all(target.state == "down" for target in own):
            return TextSpan(
                f"{name} is not seen: its targets are down, which is no verdict", "warning"
            )
        if own and all(map(target_state.is_in_trouble, own)):
            late = [target for target in own if target.waiting_s is not None]
            shortest = min(late, key=lambda target: target.waiting_s or 0.0)
            sentence = f"{name} is {target_state.slow(shortest)}, which is no verdict"
            return TextSpan(sentence, "warning")
    if silent_s is not None and silent_s >= SILENCE_S:
        silence = text.format_duration(silent_s)
        return TextSpan(f"treatment has had no traffic for {silence}, control has", "bad")
    return None

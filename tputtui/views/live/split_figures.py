"""Figures that are compared between the arms of a split, and their differences as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tputtui import text
from tputtui.experiments.sequential_test import EffectEstimate
from tputtui.frozen import frozen
from tputtui.model import LatencyState, ServiceState
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames
from tputtui.signals.service.traffic_split import TrafficSplit
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import Role

Arms = Sequence[ServiceState | None]
"""Control and treatment; None while an arm is missing from the snapshot."""

ArmValue = tuple[float | None, str, str]
"""Value of a figure in one arm, with its digits and unit for display."""


@frozen
class SplitFigure:
    """Figure that is compared between the arms of a split.

    `history_key` maps an arm's name to the figure's name in the history. `better_direction`: 1
    where more is better, -1 where less is, 0 where neither is.
    """

    label: str
    history_key: Callable[[str], str]
    read_value: Callable[[ServiceState], ArmValue]
    better_direction: int
    quantile: float | None = None  # only for a figure that is a quantile
    is_in_points: bool = False  # its difference is in percentage points, not a ratio

    @property
    def difference_unit(self) -> str:
        """Unit of a difference."""
        return "pp" if self.is_in_points else "%"


def split_figures(split: TrafficSplit, arms: Arms) -> tuple[SplitFigure, ...]:
    """List the figures that both arms of a split have, in the order of the rows."""
    present = [arm for arm in arms if arm is not None]
    if not present:
        return ()
    figures: list[SplitFigure] = []
    if all(arm.traffic is not None for arm in present):
        direction = 1 if split.is_allocated else 0
        figures.append(SplitFigure("traffic", history_keys.traffic, _traffic_value, direction))
    latency = present[0].latency
    if latency is not None and all(arm.latency is not None for arm in present):
        figures += _latency_figures(latency)
    if all(arm.errors is not None for arm in present):
        figures.append(
            SplitFigure("errors", history_keys.errors, _error_value, -1, is_in_points=True)
        )
    return tuple(figures)


def split_past_names(split: TrafficSplit, arms: Arms) -> PastNames:
    """Names of the figures of both arms in the history."""
    names = (split.control.name, split.treatment.name)
    keys = {figure.history_key for figure in split_figures(split, arms)}
    keys.add(history_keys.traffic)  # how sure a difference is depends on the number of requests
    return PastNames(frozenset(key(name) for key in keys for name in names))


def _latency_figures(latency: LatencyState) -> list[SplitFigure]:
    """Figures of the latency: its quantiles, else its mean."""
    if not latency.quantiles:
        return [SplitFigure("mean", _latency_key(None), _mean_value, -1)]
    return [
        SplitFigure(quantile_name(q), _latency_key(q), _latency_value(q), -1, q)
        for q in (quantile.q for quantile in latency.quantiles)
    ]


def _latency_key(quantile: float | None) -> Callable[[str], str]:
    return lambda arm: history_keys.latency(arm, quantile)


def _traffic_value(arm: ServiceState) -> ArmValue:
    if arm.traffic is None:
        return (None, *text.format_amount(None, ""))
    return (arm.traffic.rps, *text.format_amount(arm.traffic.rps, arm.traffic.unit))


def _latency_value(q: float) -> Callable[[ServiceState], ArmValue]:
    def read_value(arm: ServiceState) -> ArmValue:
        quantiles = arm.latency.quantiles if arm.latency is not None else ()
        quantile = next((quantile for quantile in quantiles if quantile.q == q), None)
        if quantile is None or arm.latency is None:
            return (None, text.UNKNOWN, "")
        value = None if quantile.is_lower_bound else quantile.value
        return (value, *format_quantile(quantile, arm.latency.unit))

    return read_value


def _mean_value(arm: ServiceState) -> ArmValue:
    if arm.latency is None:
        return (None, *text.format_amount(None, None))
    return (arm.latency.mean, *text.format_amount(arm.latency.mean, arm.latency.unit))


def _error_value(arm: ServiceState) -> ArmValue:
    ratio = arm.errors.ratio if arm.errors is not None else None
    return (ratio, *text.format_amount(ratio, "ratio"))


def current_difference(figure: SplitFigure, arms: Arms) -> float | None:
    """Difference of the two arms in the current window, without a test."""
    control, treatment = (figure.read_value(arm)[0] if arm is not None else None for arm in arms)
    if control is None or treatment is None:
        return None
    if figure.is_in_points:
        return treatment - control
    return treatment / control - 1 if control > 0 else None


def estimate_role(estimate: EffectEstimate, figure: SplitFigure) -> Role:
    """Colour of a difference: only one that is certain is better or worse."""
    if not estimate.is_confirmed:
        return "dim"
    if not figure.better_direction:
        return "plain"
    return "ok" if estimate.effect * figure.better_direction > 0 else "bad"


def format_effect(figure: SplitFigure, estimate: EffectEstimate) -> str:
    """Format an effect: p99 +24.1 %."""
    return f"{figure.label} {format_signed(estimate.effect)} {figure.difference_unit}"


def format_signed(ratio: float) -> str:
    """Format a ratio as a percentage with its sign; without a sign where it rounds to zero."""
    digits = text.format_percent(abs(100 * ratio))
    if float(digits) == 0:
        return digits
    return f"{'-' if ratio < 0 else '+'}{digits}"

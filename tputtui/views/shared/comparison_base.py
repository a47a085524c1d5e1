"""Baseline of a comparison (`b`) and the format of differences to it. Pure.

From two minutes after the baseline, a confidence sequence tests all samples since
(`stats.confidence_sequence`). It stays valid however often it is evaluated, and only its
result is coloured. Before that, a window differs where its difference exceeds the differences among
windows of the baseline. With too few of those windows, the difference is shown dimmed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from math import hypot, isfinite, sqrt
from typing import TYPE_CHECKING, Final

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import ServiceState, Snapshot
from tputtui.profiling.analysis.share_variance import MIN_SLICES
from tputtui.signals.rates import history_keys
from tputtui.stats.student_t import t95
from tputtui.views.shared.styled_text import Role, TextSpan

if TYPE_CHECKING:
    from tputtui.stats.confidence_sequence import SequenceResult

MIN_WINDOWS = 2 * MIN_SLICES - 1
"""Windows, of which every second one is used, needed to estimate their variation by chance."""

DEFAULT_RUN_SD: Final = 0.02
"""Assumed standard deviation between equal runs, as a ratio, without a history."""

_OVERLAP_FACTOR = 1.5
"""Correction of the variance of overlapping windows.

A column of the history as wide as the window is a mean over windows that overlap: it has two thirds
of the variance of one window.
"""


@frozen
class BaselineFigure:
    """Baseline value of one figure.

    `window_margin`: half width of the 95 % interval of a window around it by chance; None with too
    few windows. `half_width`: the same for the mean of many windows, the precision of the baseline
    itself. `unit`: the unit of the figure.
    """

    value: float
    window_margin: float | None = None
    half_width: float | None = None
    unit: str | None = None


@frozen
class Baseline:
    """Baseline figures by their names in `history_keys`.

    `label`: when it was captured, or from which run. `since`: monotonic time from which figures are
    compared with it; None: from the first known value.
    """

    label: str
    figures: Mapping[str, BaselineFigure] = field(default_factory=dict)
    since: float | None = None
    is_from_run: bool = False  # from another run; runs vary among themselves, too


SnapshotFigures = Mapping[str, tuple[float, str | None]]
"""Figures by name, each with its unit."""


def snapshot_figures(snapshot: Snapshot) -> dict[str, tuple[float, str | None]]:
    """Figures of one tick that can be compared with a baseline.

    Unknown values and mere lower bounds are left out.
    """
    figures: dict[str, tuple[float | None, str | None]] = {}
    for service in snapshot.services:
        figures |= _service_figures(service)
    for resource in snapshot.host_saturation:
        figures[history_keys.saturation("", resource.name)] = (resource.ratio, "ratio")
    return {
        name: (value, unit)
        for name, (value, unit) in figures.items()
        if value is not None and isfinite(value)
    }


def _service_figures(service: ServiceState) -> dict[str, tuple[float | None, str | None]]:
    """Figures of a service by name, each with its unit; None where unknown."""
    figures: dict[str, tuple[float | None, str | None]] = {}
    traffic, errors, latency = service.traffic, service.errors, service.latency
    if traffic is not None:
        figures[history_keys.traffic(service.name)] = (traffic.rps, traffic.unit)
        for row in service.breakdown:
            figures[history_keys.route(service.name, row.labels)] = (row.rps, traffic.unit)
    if errors is not None:
        figures[history_keys.errors(service.name)] = (errors.ratio, "ratio")
    if latency is not None:
        for quantile in latency.quantiles:
            value = None if quantile.is_lower_bound else quantile.value
            figures[history_keys.latency(service.name, quantile.q)] = (value, latency.unit)
    for resource in service.saturation:
        figures[history_keys.saturation(service.name, resource.name)] = (resource.ratio, "ratio")
    return figures


def figure_from_rows(
    rows: Sequence[float], width_s: float, unit: str | None = None, *, is_from_run: bool = False
) -> BaselineFigure | None:
    """Baseline figure from the rows of a marked span or a run; None without rows."""
    if not rows:
        return None
    # Imported lazily: the first screen has no baseline
    from statistics import fmean

    from tputtui.stats.mean_estimate import MIN_ROWS, estimate_mean

    mean = fmean(rows)
    if len(rows) < MIN_ROWS:
        return BaselineFigure(mean, unit=unit)
    half_width = estimate_mean(rows, width_s).half_width
    if is_from_run:
        half_width = hypot(half_width, t95(1000) * sqrt(2) * DEFAULT_RUN_SD * abs(mean))
    deviation = sqrt(sum((row - mean) ** 2 for row in rows) / (len(rows) - 1))
    window_margin = hypot(half_width, t95(len(rows) - 1) * deviation)
    return BaselineFigure(mean, window_margin, half_width, unit)


def figure_from_windows(
    value: float | None, windows: Sequence[float | None], unit: str | None = None
) -> BaselineFigure | None:
    """Baseline figure from a current value and its means in earlier columns.

    Each column is as wide as the window.
    """
    if value is None or not isfinite(value):
        return None
    # Neighbours share half of their samples.
    samples = [mean for mean in list(windows)[::-1][::2] if mean is not None]
    if len(samples) < MIN_SLICES:
        return BaselineFigure(value, unit=unit)
    from statistics import fmean

    center = fmean(samples)
    squares = sum((sample - center) ** 2 for sample in samples)
    variance = _OVERLAP_FACTOR * squares / (len(samples) - 1)
    t = t95(len(samples) - 1)
    return BaselineFigure(value, t * sqrt(2 * variance), t * sqrt(variance), unit)


def difference_spans(
    baseline_figure: BaselineFigure | None,
    current: float | None,
    result: SequenceResult | None = None,
    better_direction: int = 0,
    unit: str | None = None,
) -> list[TextSpan]:
    """Format a difference: ▲ 3.1 % ± 1.2, or "no clear difference"; dimmed while uncertain.

    `result`: the test of all samples since the baseline, once there are enough. `better_direction`:
    1 where more is better, -1 where less is, 0 where neither is. `unit`: that of `current`, where
    known; a ratio differs by percentage points.
    """
    if baseline_figure is None or current is None or not isfinite(current):
        return []
    if unit is not None and baseline_figure.unit is not None and unit != baseline_figure.unit:
        return [TextSpan(f"was in {text.clean(baseline_figure.unit, 20)}", "dim")]
    margin, difference = baseline_figure.window_margin, current - baseline_figure.value
    is_unconfirmed = False
    if result is not None:
        margin, difference = result.half_width, result.effect
        is_unconfirmed = not result.is_confirmed
    if margin is not None and (abs(difference) <= margin or is_unconfirmed):
        return [TextSpan("no clear difference", "dim")]
    is_in_points = baseline_figure.unit == "ratio"
    if baseline_figure.value == 0 and not is_in_points:
        return [TextSpan("was 0" if current else "as before", "dim")]
    scale, points_or_percent = 100.0, "pp"
    if not is_in_points:
        scale, points_or_percent = 100 / abs(baseline_figure.value), "%"
    change = scale * difference
    digits = text.format_percent(abs(change))
    sign = "▲" if change > 0 else "▼"
    if not digits.strip("0."):
        sign = "="
    shown = f"{sign} {digits} {points_or_percent}"
    if margin is None:
        return [TextSpan(shown, "dim")]
    role: Role = "plain"
    if result is not None and better_direction:
        role = "ok" if change * better_direction > 0 else "bad"
    return [TextSpan(shown, role), TextSpan(f" ± {text.format_percent(scale * margin)}", "dim")]


def row_width_s(window_s: float, interval_s: float) -> float:
    """Seconds of a row of the comparison.

    It is as wide as the window, so that neighbours overlap as little as possible.
    """
    return max(10.0, window_s, 2 * interval_s)

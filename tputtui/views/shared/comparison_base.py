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
from statistics import fmean
from typing import Final

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import Snapshot
from tputtui.profiling.analysis.share_variance import MIN_SLICES
from tputtui.signals.rates import history_keys
from tputtui.stats.confidence_sequence import SequenceResult
from tputtui.stats.mean_estimate import MIN_ROWS, estimate_mean
from tputtui.stats.student_t import t95
from tputtui.views.shared.styled_text import Role, TextSpan

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
    found: dict[str, tuple[float | None, str | None]] = {}
    for service in snapshot.services:
        traffic, latency = service.traffic, service.latency
        if traffic is not None:
            found[history_keys.traffic(service.name)] = (traffic.rps, traffic.unit)
            found |= {
                history_keys.route(service.name, row.labels): (row.rps, traffic.unit)
                for row in service.breakdown
            }
        if service.errors is not None:
            found[history_keys.errors(service.name)] = (service.errors.ratio, "ratio")
        for quantile in latency.quantiles if latency is not None else ():
            value = None if quantile.is_lower_bound else quantile.value
            found[history_keys.latency(service.name, quantile.q)] = (
                value,
                latency.unit if latency is not None else None,
            )
        found |= {
            history_keys.saturation(service.name, one.name): (one.ratio, "ratio")
            for one in service.saturation
        }
    found |= {
        history_keys.saturation("", one.name): (one.ratio, "ratio")
        for one in snapshot.host_saturation
    }
    return {
        name: (value, unit)
        for name, (value, unit) in found.items()
        if value is not None and isfinite(value)
    }


def figure_from_rows(
    rows: Sequence[float], width_s: float, unit: str | None = None, *, is_from_run: bool = False
) -> BaselineFigure | None:
    """Baseline figure from the rows of a marked span or a run; None without rows."""
    if not rows:
        return None
    mean = fmean(rows)
    if len(rows) < MIN_ROWS:
        return BaselineFigure(mean, unit=unit)
    known = estimate_mean(rows, width_s)
    half = (
        hypot(known.half_width, t95(1000) * sqrt(2) * DEFAULT_RUN_SD * abs(mean))
        if is_from_run
        else known.half_width
    )
    spread = sqrt(sum((one - mean) ** 2 for one in rows) / (len(rows) - 1))
    return BaselineFigure(mean, hypot(half, t95(len(rows) - 1) * spread), half, unit)


def figure_from_windows(
    value: float | None, windows: Sequence[float | None], unit: str | None = None
) -> BaselineFigure | None:
    """Baseline figure from a current value and its means in earlier columns.

    Each column is as wide as the window.
    """
    if value is None or not isfinite(value):
        return None
    # Neighbours share half of their samples.
    apart = [one for one in list(windows)[::-1][::2] if one is not None]
    if len(apart) < MIN_SLICES:
        return BaselineFigure(value, unit=unit)
    middle = fmean(apart)
    variance = _OVERLAP_FACTOR * sum((one - middle) ** 2 for one in apart) / (len(apart) - 1)
    chance = t95(len(apart) - 1)
    return BaselineFigure(value, chance * sqrt(2 * variance), chance * sqrt(variance), unit)


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
    within, apart = baseline_figure.window_margin, current - baseline_figure.value
    if result is not None:
        within, apart = result.half_width, result.effect
    if within is not None and (
        abs(apart) <= within or (result is not None and not result.is_confirmed)
    ):
        return [TextSpan("no clear difference", "dim")]
    points = baseline_figure.unit == "ratio"
    if baseline_figure.value == 0 and not points:
        return [TextSpan("was 0" if current else "as before", "dim")]
    scale, sign_of_unit = (100.0, "pp") if points else (100 / abs(baseline_figure.value), "%")
    change = scale * apart
    shown = text.format_percent(abs(change))
    sign = "=" if not shown.strip("0.") else "▲" if change > 0 else "▼"
    words = f"{sign} {shown} {sign_of_unit}"
    if within is None:
        return [TextSpan(words, "dim")]
    role: Role = "plain"
    if result is not None and better_direction:
        role = "ok" if change * better_direction > 0 else "bad"
    return [TextSpan(words, role), TextSpan(f" ± {text.format_percent(scale * within)}", "dim")]


def row_width_s(window_s: float, interval_s: float) -> float:
    """Seconds of a row of the comparison.

    It is as wide as the window, so that neighbours overlap as little as possible.
    """
    return max(10.0, window_s, 2 * interval_s)

"""What figures are held against once `b` was pressed, and how the difference is said. Values in, words out.

A figure differs where the difference stands out from what windows of the baseline differ by among themselves. Without enough
of those to tell, the difference is given, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, sqrt
from statistics import fmean

from tputtui import text
from tputtui.profiling.spread import MIN_SLICES, t95
from tputtui.views.lines import Span

_SMOOTHED = 1.5
"""A column of the history as wide as the window is a mean over windows that overlap: it varies two thirds as much as one."""


@dataclass(frozen=True, slots=True)
class Base:
    """One figure of the baseline. `within`: how far two windows are apart by chance, 95 %; None: too few to tell."""

    value: float
    within: float | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figures by their names in `signals.names`. `label`: when it was taken, or from which run."""

    label: str
    figures: Mapping[str, Base] = field(default_factory=dict)


def base(value: float | None, windows: Sequence[float | None]) -> Base | None:
    """A figure as it is now, and its means in the columns before, each as wide as the window."""
    if value is None or not isfinite(value):
        return None
    apart = [one for one in list(windows)[::-1][::2] if one is not None]  # neighbours share half of what they rest on
    if len(apart) < MIN_SLICES:
        return Base(value)
    middle = fmean(apart)
    variance = _SMOOTHED * sum((one - middle) ** 2 for one in apart) / (len(apart) - 1)
    return Base(value, t95(len(apart) - 1) * sqrt(2 * variance))


def difference(found: Base | None, now: float | None) -> list[Span]:
    """▲ 3.1 % ± 1.2   — or "no clear difference"; dimmed where nothing is known of the chance."""
    if found is None or now is None or not isfinite(now):
        return []
    if found.within is not None and abs(now - found.value) <= found.within:
        return [Span("no clear difference", "dim")]
    if found.value == 0:
        return [Span("was 0" if now else "as before", "dim")]
    percent = 100 * (now - found.value) / abs(found.value)
    sign = "▲" if percent > 0 else "▼" if percent < 0 else "="
    words = f"{sign} {text.percent(abs(percent))} %"
    if found.within is None:
        return [Span(words, "dim")]
    return [Span(words), Span(f" ± {text.percent(100 * found.within / abs(found.value))}", "dim")]

"""Common numbering of the series in all windows of a service.

A figure is then a sum over numbers. Series are assigned to figures when one comes or goes
(`SeriesLayout`). A tick (`ServiceWindow`) only adds the rates of these numbers.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Generic, TypeVar

from tputtui.model import Binding, Match, Series
from tputtui.signals.rates.target_window import TargetWindow

SeriesNumbers = list[int]
"""Numbers of series: their positions in `ServiceWindow.rates`."""

MEMO_LIMIT = 4_000
"""Number of series for which results are cached.

Beyond it, and beyond twice the current number of series, the cache is cleared: churn must not fill
memory.
"""

T = TypeVar("T")


class SeriesMemo(Generic[T]):
    """Cache of a function of a series, bounded in size."""

    def __init__(self, compute: Callable[[Series], T]) -> None:
        self._compute = compute
        self._cache: dict[Series, T] = {}
        self._limit = MEMO_LIMIT

    def reserve(self, series_count: int) -> None:
        """Expect repeated requests for so many series."""
        self._limit = max(MEMO_LIMIT, 2 * series_count)

    def __call__(self, series: Series) -> T:
        """Return the function's value for this series."""
        try:
            return self._cache[series]
        except KeyError:
            if len(self._cache) >= self._limit:
                self._cache.clear()
            value = self._cache[series] = self._compute(series)
            return value


def compile_matches(match: Sequence[Match]) -> SeriesMemo[bool]:
    """Compile a binding's conditions to a predicate of a series; a missing label counts as "".

    Raises `re.error` if a condition is not a valid regular expression. The config reader has
    already rejected those.
    """
    tests: list[tuple[str, re.Pattern[str], bool]] = []  # (label, pattern, whether it has to match)
    for condition in match:
        pattern = condition.value if "~" in condition.op else re.escape(condition.value)
        tests.append((condition.label, re.compile(pattern), condition.op[0] == "="))

    def meets(series: Series) -> bool:
        return all(
            (pattern.fullmatch(series.label(label) or "") is not None) == is_positive
            for label, pattern, is_positive in tests
        )

    return SeriesMemo(meets)


@dataclass(slots=True)
class SeriesLayout:
    """The numbers of all series; `present` leaves out series that are gone."""

    windows: tuple[TargetWindow, ...]
    present: dict[str, list[tuple[int, Series]]] = field(default_factory=dict)
    all_series: dict[str, list[tuple[int, Series]]] = field(default_factory=dict)
    window_starts: SeriesNumbers = field(default_factory=list)  # first number of each window

    def select(self, name: str, meets: SeriesMemo[bool]) -> list[tuple[int, Series]]:
        """Return the present series of a sample name that meet a condition."""
        present = self.present.get(name, [])
        meets.reserve(len(present))
        return [numbered for numbered in present if meets(numbered[1])]

    def window_index(self, number: int) -> int:
        """Return the index of the window that a number belongs to."""
        return bisect_right(self.window_starts, number) - 1


def build_layout(windows: tuple[TargetWindow, ...]) -> SeriesLayout:
    """Number the series of all windows consecutively."""
    layout = SeriesLayout(windows)
    start = 0
    gone: set[int] = set()
    for window in windows:
        layout.window_starts.append(start)
        for numbered in enumerate(window.series, start):
            layout.all_series.setdefault(numbered[1].name, []).append(numbered)
        gone.update(start + number for number in window.gone)
        start += len(window.series)
    for name, all_numbered in layout.all_series.items():
        present = all_numbered
        if gone:
            present = [numbered for numbered in all_numbered if numbered[0] not in gone]
        layout.present[name] = present
    return layout


@dataclass(slots=True)
class ServiceWindow:
    """Increase per second of each series, by number; 0.0 on targets without a current rate."""

    layout: SeriesLayout
    rates: list[float]
    live_windows: tuple[TargetWindow, ...]  # windows that have rates
    # reason if a target answers but the process is not known: then nothing has a rate
    why_no_rates: str | None = None

    def sum_rates(self, numbers: Iterable[int]) -> float:
        """Return the sum of the rates of some series."""
        return sum(map(self.rates.__getitem__, numbers))

    def has_rate(self, numbers: SeriesNumbers, name: str) -> bool:
        """Tell whether some counters of a sample name have a rate.

        They do if one of them has a number as its value: if all are NaN or Inf, there is no rate,
        and 0 would be wrong. Without any series, they have a rate (of zero) if the family is
        declared.
        """
        if not self.live_windows:
            return False
        if not numbers:
            return self.is_declared(name)
        layout = self.layout
        for number in numbers:
            index = layout.window_index(number)
            if number - layout.window_starts[index] not in layout.windows[index].without_value:
                return True
        return False

    def is_declared(self, name: str) -> bool:
        """Tell whether a live target declares the family: then 0 is a measured zero.

        The family may not have any series yet.
        """
        bases = {
            name,
            name.removesuffix("_total"),
            name.removesuffix("_count"),
            name.removesuffix("_bucket"),
        }
        return any(base in window.families for window in self.live_windows for base in bases)


def build_service_window(layout: SeriesLayout) -> ServiceWindow:
    """Return the current rates of all windows."""
    rates: list[float] = []
    live_windows = []
    why_unknown = None
    for window in layout.windows:
        window_rates = window.rates()
        rates.extend(window_rates if window_rates is not None else [0.0] * len(window.series))
        if window_rates is not None:
            live_windows.append(window)
        why_unknown = why_unknown or window.why_no_rates
    return ServiceWindow(
        layout, rates, tuple(live_windows) if why_unknown is None else (), why_unknown
    )


def build_lifetime_window(layout: SeriesLayout) -> ServiceWindow:
    """Return raw values instead of rates: the counts since the processes started."""
    raw = [
        0.0 if isnan(value) else value for window in layout.windows for value in window.raw_values
    ]
    return ServiceWindow(
        layout, raw, tuple(window for window in layout.windows if window.at is not None)
    )


def gauge_values(
    windows: Iterable[TargetWindow], name: str, meets: Callable[[Series], bool]
) -> list[tuple[Series, float]]:
    """Return the newest values of a gauge on targets that answer, without NaN."""
    values: list[tuple[Series, float]] = []
    for window in windows:
        if not window.is_current:
            continue
        for sample in window.gauges.get(name, ()):
            series, value = sample
            if value == value and meets(series):  # noqa: PLR0124  # not NaN
                values.append(sample)
    return values


def followed_names(bindings: Iterable[Binding]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the sample names that bindings need: (counters, gauges)."""
    counters: set[str] = set()
    gauges: set[str] = set()
    for binding in bindings:
        family, kind = binding.family, binding.kind
        if binding.signal != "saturation" and kind == "counter":
            gauges.add(f"{family.removesuffix('_total').removesuffix('_count')}_created")
        if binding.signal in ("traffic", "errors"):
            (gauges if kind == "gauge" else counters).add(family)
        elif kind == "counter":
            counters.add(family)
        elif kind == "gauge":
            gauges.add(family)
        else:
            counters |= {f"{family}_sum", binding.denominator or f"{family}_count"}
            gauges.add(f"{family}_created")
            if kind == "histogram":
                counters.add(f"{family}_bucket")
            if kind == "summary":
                gauges.add(family)
            elif binding.denominator not in (None, f"{family}_count"):
                # a mean of two plain counters; otherwise `family` is a base name
                counters.add(family)
        if binding.denominator is not None:
            counters.add(binding.denominator)
        if binding.limit is not None:
            gauges.add(binding.limit)
    return frozenset(counters), frozenset(gauges - counters)


def label_values(by: Sequence[str]) -> SeriesMemo[tuple[str, ...]]:
    """Return a cached function from a series to its values of some labels."""

    def values(series: Series) -> tuple[str, ...]:
        return tuple([series.label(name) or "" for name in by])

    return SeriesMemo(values)

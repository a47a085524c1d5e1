"""The windows of a service's targets as one: their series numbered through, so that a figure is a sum over numbers.

What belongs to a figure is decided when a series comes or goes (`Layout`); a tick (`Tick`) only adds numbers up.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tputtui.model import Binding, Match, Series
from tputtui.signals.rates.target_window import TargetWindow

Numbers = list[int]
"""Places of series in `Tick.rates`."""

MEMO_LIMIT = 4_000
"""Series of which something is remembered; beyond it, and beyond twice the series there are, all is worked out anew:
churn must not fill memory.
"""

T = TypeVar("T")


class SeriesMemo(Generic[T]):
    """Remembers what was worked out of a series, for as long as there are not too many."""

    def __init__(self, compute: Callable[[Series], T]) -> None:
        self._compute = compute
        self._cache: dict[Series, T] = {}
        self._limit = MEMO_LIMIT

    def reserve(self, series_count: int) -> None:
        """Expect to be asked for so many series again and again."""
        self._limit = max(MEMO_LIMIT, 2 * series_count)

    def __call__(self, series: Series) -> T:
        """What was worked out of this series."""
        try:
            return self._cache[series]
        except KeyError:
            if len(self._cache) >= self._limit:
                self._cache.clear()
            found = self._cache[series] = self._compute(series)
            return found


def compile_matches(match: Sequence[Match]) -> SeriesMemo[bool]:
    """Whether a series meets all conditions of a binding; a label it lacks counts as "".

    Raises `re.error` where a condition is no regular expression: the config's reader has refused those.
    """
    tests = [
        (one.label, re.compile(one.value if "~" in one.op else re.escape(one.value)), one.op[0] == "=") for one in match
    ]

    def meets(series: Series) -> bool:
        return all((wanted.fullmatch(series.label(label) or "") is not None) == same for label, wanted, same in tests)

    return SeriesMemo(meets)


@dataclass(slots=True)
class SeriesLayout:
    """Which series stand at which numbers; `present` leaves out what is gone."""

    windows: tuple[TargetWindow, ...]
    present: dict[str, list[tuple[int, Series]]] = field(default_factory=dict)
    all_series: dict[str, list[tuple[int, Series]]] = field(default_factory=dict)
    window_starts: Numbers = field(default_factory=list)  # the first number of each window

    def select(self, name: str, meets: SeriesMemo[bool]) -> list[tuple[int, Series]]:
        """The series of a sample name that are there now and meet a condition."""
        present = self.present.get(name, [])
        meets.reserve(len(present))
        return [place for place in present if meets(place[1])]

    def window_index(self, number: int) -> int:
        """Which of the windows a number belongs to."""
        return bisect_right(self.window_starts, number) - 1


def build_layout(windows: tuple[TargetWindow, ...]) -> SeriesLayout:
    """Number the series of all windows through."""
    layout = SeriesLayout(windows)
    start = 0
    gone: set[int] = set()
    for window in windows:
        layout.window_starts.append(start)
        for place in enumerate(window.series, start):
            layout.all_series.setdefault(place[1].name, []).append(place)
        gone.update(start + number for number in window.gone)
        start += len(window.series)
    for name, places in layout.all_series.items():
        layout.present[name] = [place for place in places if place[0] not in gone] if gone else places
    return layout


@dataclass(slots=True)
class ServiceWindow:
    """What each series gained per second, by its number; 0.0 on targets that have no rate now."""

    layout: SeriesLayout
    rates: list[float]
    live_windows: tuple[TargetWindow, ...]  # those that have rates
    why_unknown: str | None = None  # a target answers, and who answers is not known: then nothing has a rate

    def sum_rates(self, numbers: Iterable[int]) -> float:
        """The rates of some series added up."""
        return sum(map(self.rates.__getitem__, numbers))

    def has_rate(self, numbers: Numbers, name: str) -> bool:
        """Whether some counters of a sample name have a rate: any of them says a number (what is all NaN or Inf has none,
        and 0 would be a lie); where there are none yet, the family is declared.
        """
        if not self.live_windows:
            return False
        if not numbers:
            return self.is_declared(name)
        layout = self.layout
        for number in numbers:
            at = layout.window_index(number)
            if number - layout.window_starts[at] not in layout.windows[at].silent:
                return True
        return False

    def is_declared(self, name: str) -> bool:
        """Whether a live target names the family, though it may have no series yet: then 0 is a measured zero."""
        bases = {name, name.removesuffix("_total"), name.removesuffix("_count"), name.removesuffix("_bucket")}
        return any(base in window.families for window in self.live_windows for base in bases)


def build_service_window(layout: SeriesLayout) -> ServiceWindow:
    """The rates of all windows, now."""
    rates: list[float] = []
    live = []
    why_unknown = None
    for window in layout.windows:
        found = window.rates()
        rates.extend(found if found is not None else [0.0] * len(window.series))
        if found is not None:
            live.append(window)
        why_unknown = why_unknown or window.reason
    return ServiceWindow(layout, rates, tuple(live) if why_unknown is None else (), why_unknown)


def build_lifetime_window(layout: SeriesLayout) -> ServiceWindow:
    """The raw values in place of rates: what was counted since the processes started."""
    raw = [value if value == value else 0.0 for window in layout.windows for value in window.raw]  # noqa: PLR0124
    return ServiceWindow(layout, raw, tuple(window for window in layout.windows if window.at is not None))


def gauge_values(
    windows: Iterable[TargetWindow], name: str, meets: Callable[[Series], bool]
) -> list[tuple[Series, float]]:
    """The newest values of a gauge on targets that answer; what is no number is left out."""
    return [
        (series, value)
        for window in windows
        if window.is_current
        for series, value in window.gauges.get(name, ())
        if value == value and meets(series)  # noqa: PLR0124
    ]


def followed_names(bindings: Iterable[Binding]) -> tuple[frozenset[str], frozenset[str]]:
    """The sample names that bindings need: (counters, gauges)."""
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
                counters.add(family)  # a mean of two plain counters; else `family` is a base name
        if binding.denominator is not None:
            counters.add(binding.denominator)
        if binding.limit is not None:
            gauges.add(binding.limit)
    return frozenset(counters), frozenset(gauges - counters)


def label_values(by: Sequence[str]) -> SeriesMemo[tuple[str, ...]]:
    """The values of some labels of a series."""

    def values(series: Series) -> tuple[str, ...]:
        return tuple([series.label(name) or "" for name in by])

    return SeriesMemo(values)

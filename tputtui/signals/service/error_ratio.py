"""Errors of a service: the share of what it counts that its status label, or a counter of errors, calls an error."""

from __future__ import annotations

from collections import defaultdict

from tputtui.model import Binding, ErrorState, Match, Series
from tputtui.signals.classify.status_labels import is_server_error, status_class
from tputtui.signals.rates.series_index import Numbers, SeriesLayout, SeriesMemo, ServiceWindow, condition, lifetime
from tputtui.signals.service.traffic import TrafficReader

MOST_CLASSES = 12
"""Classes told apart; what is left is "other"."""

_MOST_VALUES = 10_000  # of the status label, of which it is remembered what they mean


class ErrorReader:
    """Reads one errors binding. `traffic` reads the traffic, over which a counter of errors is taken; it plans first."""

    def __init__(self, binding: Binding, traffic: TrafficReader | None = None) -> None:
        self.binding = binding
        whole = traffic.binding if traffic is not None else None
        if whole is not None and whole.unit == "By/s" and binding.family != whole.family:
            whole = None  # errors are no share of bytes: their rate is all there is to say
        self._traffic = traffic
        self._judged: dict[str, tuple[bool, str]] = {}
        self._meets = condition(binding.match)
        self._by_status = binding.label is not None
        self._of = binding.family if self._by_status else (whole.family if whole is not None else "")
        self._of = binding.denominator or self._of
        self._of_match = whole.match if whole is not None and whole.family == self._of else binding.match
        self._of_meets = condition(self._of_match)
        self.bad: list[tuple[int, Series]] = []
        self.all: list[tuple[int, Series]] = []
        self._bad: Numbers = []
        self._all: Numbers = []
        self._classes: dict[str, Numbers] = {}
        self._since_start: float | None = None

    def judge(self, series: Series) -> tuple[bool, str]:
        """Whether a series counts errors, and its class."""
        label = self.binding.label
        if label is None:
            return True, ""
        value = series.label(label) or ""
        found = self._judged.get(value)
        if found is None:
            if len(self._judged) >= _MOST_VALUES:
                self._judged.clear()
            found = self._judged[value] = self._judge(label, value)
        return found

    def _judge(self, label: str, value: str) -> tuple[bool, str]:
        rule = label if "grpc" in label or "grpc" not in self.binding.family else f"grpc_{label}"
        listed = value in self.binding.values
        only_listed = bool(self.binding.values) and self.binding.origin == "config"
        return listed or (not only_listed and is_server_error(rule, value)), status_class(rule, value)

    def plan(self, layout: SeriesLayout) -> None:
        """Find the series that count errors, and those they are a share of."""
        counted = self._pick(layout, self.binding.family, self._meets, self.binding.match)
        self.bad = [place for place in counted if self.judge(place[1])[0]]
        of_itself = self._by_status and self._of == self.binding.family
        self.all = counted if of_itself else self._pick(layout, self._of, self._of_meets, self._of_match)
        self._bad = [number for number, _ in self.bad]
        self._all = [number for number, _ in self.all]
        classes: defaultdict[str, Numbers] = defaultdict(list)
        for number, series in counted if self._by_status else ():
            name = self.judge(series)[1]
            classes[name if name in classes or len(classes) < MOST_CLASSES else "other"].append(number)
        self._classes = dict(sorted(classes.items()))

    def _pick(
        self, layout: SeriesLayout, family: str, meets: SeriesMemo[bool], match: tuple[Match, ...]
    ) -> list[tuple[int, Series]]:
        """The series of a family; where they are those of the traffic, its own list."""
        traffic = self._traffic
        if traffic is not None and (traffic.binding.family, traffic.binding.match) == (family, match):
            return traffic.places
        return layout.pick(family, meets)

    def begin(self, layout: SeriesLayout) -> None:
        """Take the ratio over the processes' lives from what the counters carry now."""
        raw = lifetime(layout)
        self._since_start = share(raw.add(self._bad), raw.add(self._all))

    def state(self, tick: ServiceWindow) -> ErrorState:
        """Errors now; 0.0 where all is counted and nothing is an error, None where nothing is counted."""
        binding = self.binding
        known = tick.has_rate(self._all or self._bad, binding.family)
        rps = tick.add(self._bad) if known else None
        label = binding.label
        return ErrorState(
            family=binding.family,
            label=label,
            values=binding.values or self._values(label),
            ratio=None if rps is None else share(rps, tick.add(self._all)),
            rps=None if rps is None else rps * binding.scale,
            by_class={name: tick.add(numbers) * binding.scale for name, numbers in self._classes.items()}
            if known
            else {},
            since_start=self._since_start,
            reason=binding.reason,
        )

    def _values(self, label: str | None) -> tuple[str, ...]:
        if label is None:
            return ()
        return tuple(sorted({series.label(label) or "" for _, series in self.bad})[:MOST_CLASSES])


def share(part: float, whole: float) -> float | None:
    """A ratio from 0 to 1; None over nothing. Two counters are not read at one instant: it may not exceed 1."""
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None

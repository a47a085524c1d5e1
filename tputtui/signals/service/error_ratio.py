"""Errors of a service: the share of errors by status label or by a counter of errors."""

from __future__ import annotations

from collections import defaultdict

from tputtui.model import Binding, ErrorState, Match, Series
from tputtui.signals.classify.status_labels import is_server_error, status_class
from tputtui.signals.rates.series_index import (
    SeriesLayout,
    SeriesMemo,
    SeriesNumbers,
    ServiceWindow,
    build_lifetime_window,
    compile_matches,
)
from tputtui.signals.service.traffic import TrafficReader

MAX_CLASSES = 12
"""Maximum number of classes; the others are merged into "other"."""

_MAX_VALUES = 10_000  # values of the status label whose classification is cached


class ErrorReader:
    """Read one errors binding.

    A counter of errors is divided by `traffic`, whose layout must be set first.
    """

    def __init__(self, binding: Binding, traffic: TrafficReader | None = None) -> None:
        self.binding = binding
        total_binding = traffic.binding if traffic is not None else None
        if (
            total_binding is not None
            and total_binding.unit == "By/s"
            and binding.family != total_binding.family
        ):
            total_binding = None  # errors are no share of bytes: only their rate is shown
        self._traffic = traffic
        self._class_by_value: dict[str, tuple[bool, str]] = {}
        self._meets = compile_matches(binding.match)
        self._has_status = binding.label is not None
        if binding.denominator:
            self._total_family = binding.denominator
        elif self._has_status:
            self._total_family = binding.family
        else:
            self._total_family = total_binding.family if total_binding is not None else ""
        self._total_match = binding.match
        if total_binding is not None and total_binding.family == self._total_family:
            self._total_match = total_binding.match
        self._total_meets = compile_matches(self._total_match)
        self.error_series: list[tuple[int, Series]] = []
        self.total_series: list[tuple[int, Series]] = []
        self._error_numbers: SeriesNumbers = []
        self._total_numbers: SeriesNumbers = []
        self._classes: dict[str, SeriesNumbers] = {}
        self._since_start: float | None = None

    def classify_series(self, series: Series) -> tuple[bool, str]:
        """Return whether a series counts errors, and its class."""
        label = self.binding.label
        if label is None:
            return True, ""
        value = series.label(label) or ""
        classified = self._class_by_value.get(value)
        if classified is None:
            if len(self._class_by_value) >= _MAX_VALUES:
                self._class_by_value.clear()
            classified = self._class_by_value[value] = self._classify_value(label, value)
        return classified

    def _classify_value(self, label: str, value: str) -> tuple[bool, str]:
        rule = label if "grpc" in label or "grpc" not in self.binding.family else f"grpc_{label}"
        is_error = value in self.binding.values
        has_configured_values = bool(self.binding.values) and self.binding.origin == "config"
        if not is_error and not has_configured_values:
            is_error = is_server_error(rule, value)
        return is_error, status_class(rule, value)

    def set_layout(self, layout: SeriesLayout) -> None:
        """Find the series that count errors, and those that count all requests."""
        counted = self._select_series(layout, self.binding.family, self._meets, self.binding.match)
        self.error_series = [
            numbered for numbered in counted if self.classify_series(numbered[1])[0]
        ]
        if self._has_status and self._total_family == self.binding.family:
            self.total_series = counted
        else:
            self.total_series = self._select_series(
                layout, self._total_family, self._total_meets, self._total_match
            )
        self._error_numbers = [number for number, _ in self.error_series]
        self._total_numbers = [number for number, _ in self.total_series]
        classes: defaultdict[str, SeriesNumbers] = defaultdict(list)
        for number, series in counted if self._has_status else ():
            name = self.classify_series(series)[1]
            if name not in classes and len(classes) >= MAX_CLASSES:
                name = "other"
            classes[name].append(number)
        self._classes = dict(sorted(classes.items()))

    def _select_series(
        self, layout: SeriesLayout, family: str, meets: SeriesMemo[bool], match: tuple[Match, ...]
    ) -> list[tuple[int, Series]]:
        """Return the series of a family; the traffic's own list if they are the same."""
        traffic = self._traffic
        if traffic is not None and (traffic.binding.family, traffic.binding.match) == (
            family,
            match,
        ):
            return traffic.counted_series
        return layout.select(family, meets)

    def read_lifetime(self, layout: SeriesLayout) -> None:
        """Compute the ratio over the processes' lifetimes from the counters' current values."""
        raw = build_lifetime_window(layout)
        self._since_start = clamped_ratio(
            raw.sum_rates(self._error_numbers), raw.sum_rates(self._total_numbers)
        )

    def state(self, tick: ServiceWindow) -> ErrorState:
        """Return the current errors; 0.0 if requests are counted and none failed.

        None if nothing is counted.
        """
        binding = self.binding
        is_known = tick.has_rate(self._total_numbers or self._error_numbers, binding.family)
        rps = ratio = None
        by_class: dict[str, float] = {}
        if is_known:
            errors = tick.sum_rates(self._error_numbers)
            ratio = clamped_ratio(errors, tick.sum_rates(self._total_numbers))
            rps = errors * binding.scale
            by_class = {
                name: tick.sum_rates(numbers) * binding.scale
                for name, numbers in self._classes.items()
            }
        label = binding.label
        return ErrorState(
            family=binding.family,
            label=label,
            values=binding.values or self._values(label),
            ratio=ratio,
            rps=rps,
            by_class=by_class,
            since_start=self._since_start,
            reason=binding.reason,
        )

    def _values(self, label: str | None) -> tuple[str, ...]:
        if label is None:
            return ()
        return tuple(
            sorted({series.label(label) or "" for _, series in self.error_series})[:MAX_CLASSES]
        )


def clamped_ratio(part: float, whole: float) -> float | None:
    """Return a ratio limited to 0 to 1; None over zero.

    Two counters are not read at the same instant, so the quotient may exceed 1.
    """
    return min(1.0, max(0.0, part / whole)) if whole > 0 else None

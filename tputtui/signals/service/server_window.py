"""Window of a target whose rates a Prometheus-compatible server has computed, and the queries for
them, which aggregate as this program would.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from math import isfinite, nan
from typing import Literal

from tputtui.model import Binding, Bindings, Scrape, Series, ServerQuery
from tputtui.signals.rates.exposed_times import START_GAUGES
from tputtui.signals.rates.series_index import followed_names
from tputtui.signals.rates.target_window import GAP_INTERVALS, TargetWindow
from tputtui.signals.service.gauges import is_aggregated_by_max

Aggregation = Literal["rate", "sum", "max", "limit"]
_ALWAYS_KEPT_LABELS = frozenset(("le", "vmrange", "quantile"))


class ServerWindow(TargetWindow):
    """Counters as rates from a server. Increases are integrals of the rates over time.

    Gives the same figures as `TargetWindow`, without averaging a second time.

    `rate_s` is the span of the server's rates. A series that is missing from a good answer is at
    zero, and gone.
    """

    def __init__(
        self,
        window_s: float,
        interval_s: float,
        counters: Collection[str],
        gauges: Collection[str] = (),
    ) -> None:
        super().__init__(window_s, interval_s, counters, gauges)
        self.rate_s = 0.0
        self._rates: list[float] = []

    @property
    def covered_s(self) -> float:
        """Seconds that the server's rates cover."""
        return self.rate_s

    def rates(self) -> list[float] | None:
        """Return the increase per second of each series from the server; None without an answer."""
        return self._rates if self.is_current and self.rate_s > 0 else None

    def add(self, scrape: Scrape, forgotten: Collection[str] = ()) -> None:
        """Add the next answer, good or failed; one without rates does not change this window."""
        del forgotten
        exposition = scrape.exposition
        if exposition is None or exposition.served is None or exposition.served.rate_s is None:
            self.is_up = self.is_up and (exposition is not None or scrape.late)
            return
        elapsed_s = scrape.at - self.at if self.at is not None and self.is_up else 0.0
        if not 0 < elapsed_s <= GAP_INTERVALS * max(self.interval_s, exposition.served.rate_s):
            self.segment += 1
            self.segment_at = scrape.at
            elapsed_s = 0.0
        self._scrapes += 1
        process = self.processes.current_process
        gauges: dict[str, list[tuple[Series, float]]] = {}
        rates: dict[Series, float] = {}
        without_value: list[Series] = []  # series for which the server returns NaN or Inf
        for series, value in exposition.samples.items():
            if series.name in self._counters:
                self._mark_seen(series)
                rates[series] = max(value, 0.0) if isfinite(value) else 0.0
                if not isfinite(value):
                    without_value.append(series)
            elif series.name in self._gauges:
                gauges.setdefault(series.name, []).append((series, value))
        self._mark_gone(process, scrape.at)
        self._drop_retired(scrape.at)
        self._rates = [rates.get(series, 0.0) for series in self.series]
        self.without_value = {self._number_by_series[series] for series in without_value}
        process.gained = [
            gained + rate * elapsed_s
            for gained, rate in zip(process.gained, self._rates, strict=True)
        ]
        process.at, process.scrape = scrape.at, self._scrapes
        self.rate_s = exposition.served.rate_s
        self.gauges = process.gauges = gauges
        self.is_up, self.is_overdue = True, False
        self.at, self.time, self.families = scrape.at, scrape.time, exposition.families

    def _mark_seen(self, series: Series) -> None:
        number = self._number_by_series.get(series)
        process = self.processes.current_process
        if number is None:
            self._add_series(process, series, nan)
            return
        process.seen_in_scrape[number] = self._scrapes
        if number in self.gone:
            del self.gone[number]
            self.layout_version += 1


def build_queries(bindings: Bindings, by: Iterable[str]) -> tuple[ServerQuery, ...]:
    """Return a query for each sample name that the bindings use, in their order.

    Kept are the labels used by a binding's conditions or status, the bounds of buckets and, for
    breakdowns, the labels `by`.
    """
    main_bindings = (bindings.traffic, bindings.errors, bindings.latency)
    query_by_name: dict[str, ServerQuery] = {}
    for binding in bindings.all():
        labels_used = _condition_labels(binding)
        if binding in main_bindings:
            labels_used |= frozenset(by)
        counters, gauges = followed_names([binding])
        for name in (*sorted(counters), *sorted(gauges)):
            if name in START_GAUGES or name.endswith("_created"):
                continue
            previous = query_by_name.get(name)
            if previous is not None:
                labels = labels_used | previous.labels
                query_by_name[name] = ServerQuery(name, previous.how, labels)
                continue
            aggregation: Aggregation = "rate" if name in counters else _aggregation(binding, name)
            labels = labels_used | _ALWAYS_KEPT_LABELS
            query_by_name[name] = ServerQuery(name, aggregation, labels)
    return tuple(query_by_name.values())


def _condition_labels(binding: Binding) -> frozenset[str]:
    labels = frozenset(match.label for match in binding.match)
    return labels if binding.label is None else labels | {binding.label}


def _aggregation(binding: Binding, gauge: str) -> Aggregation:
    """Return the aggregation that the binding's reader would apply.

    Amounts are summed; of shares, times and quantiles the highest is used.
    """
    if gauge == binding.limit:
        return "limit"
    if binding.signal == "latency" or (
        binding.signal == "saturation" and is_aggregated_by_max(binding)
    ):
        return "max"
    return "sum"

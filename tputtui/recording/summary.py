"""Summary of a run, computed while recording, so that listing runs does not read whole files.

The summaries of two runs say how their load differs: its level, burstiness, and mix of routes.
`ResourcePeaks` sums up the utilisation and queued work of each resource over a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from tputtui.frozen import frozen
from tputtui.model import SaturationState, ServiceState, Snapshot
from tputtui.recording.records import RunSummary, ServiceSummary
from tputtui.signals.rates import histograms
from tputtui.signals.service.traffic import BEST_SPAN_S
from tputtui.text import clean, format_percent

SHAPE_POINTS = 64  # of the shape of the traffic
MAX_ROUTES = 20
MAX_SERVICES = 100
_MAX_TRACKED_ROUTES = 500

MAX_RATE_CHANGE = 0.05
"""Relative difference from which on the rates count as different loads, as benchmarking guides
recommend.
"""

MAX_MIX_CHANGE = 0.05
"""Share of the requests that would have to move to another route."""

MAX_BURSTINESS_FACTOR = 2.0
"""Ratio of the variance over mean of the traffic: below it, two spans of one Poisson load differ as
much.
"""

MAX_RESOURCES = 64  # resources that are tracked


class _RunningMean:
    """Running mean and variance (Welford)."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = 0.0
        self._squares = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self._squares += delta * (value - self.mean)

    @property
    def variance(self) -> float | None:
        return self._squares / (self.count - 1) if self.count > 1 else None


class _BestMinute:
    """Largest rate over a minute without a gap, within the run: time before its start does not
    count, unlike in `TrafficState.best_60s`. The minute's mean is `TrafficState.minute` in both.
    """

    def __init__(self) -> None:
        self.rate: float | None = None
        self._since: float | None = None

    def add(self, at: float, minute: float | None) -> None:
        """Add the mean over the last minute, where it is known."""
        if self._since is None:
            self._since = at
        if minute is not None and at - self._since >= BEST_SPAN_S * 0.99:
            self.rate = max(self.rate or 0.0, minute)

    def reset(self) -> None:
        self._since = None


class _TrafficShape:
    """Figure over time in a bounded number of points: adjacent points are merged beyond it."""

    def __init__(self) -> None:
        self._points: list[tuple[float, int, int]] = []  # (sum, known values, all values)
        self._values_per_point = 1  # values in a point

    def add(self, value: float | None) -> None:
        if not self._points or self._points[-1][2] >= self._values_per_point:
            if len(self._points) >= 2 * SHAPE_POINTS:
                merged = zip(self._points[::2], self._points[1::2], strict=True)
                self._points = [(a + b, n + m, j + k) for (a, n, j), (b, m, k) in merged]
                self._values_per_point *= 2
            self._points.append((0.0, 0, 0))
        total, known, count = self._points[-1]
        self._points[-1] = (total + (value or 0.0), known + (value is not None), count + 1)

    def points(self) -> tuple[float | None, ...]:
        means = [total / known if known else None for total, known, _ in self._points]
        if len(means) <= SHAPE_POINTS:
            return tuple(means)
        return tuple(means[place * len(means) // SHAPE_POINTS] for place in range(SHAPE_POINTS))


class _ServiceTotals:
    """Totals of one service so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._last: tuple[float, float] | None = None  # (at, total)
        self._seconds = 0.0
        self._requests = 0.0
        self._errors = 0.0
        self._requests_with_known_errors = 0.0  # requests with a known outcome
        self._busy_s = 0.0
        self._requests_per_scrape = _RunningMean()
        self._shape = _TrafficShape()
        self._buckets: dict[float, float] = {}
        self._latency_layout: tuple[str, str | None, tuple[float, ...]] | None = None
        self._routes: Counter[str] = Counter()
        self._best = _BestMinute()
        self._best_within = _BestMinute()  # while objectives are met
        self._newest: ServiceState | None = None

    def add(
        self, at: float, state: ServiceState, busy_cores: float | None, objectives_met: bool | None
    ) -> None:
        """Add one tick's state of the service.

        `at`: time of the scrape behind the state, in seconds; a tick without a new scrape adds
        nothing.
        """
        if self._last is not None and at == self._last[0]:
            return
        traffic, self._newest = state.traffic, state
        total = traffic.total if traffic is not None else None
        if traffic is None or total is None or traffic.rps is None:
            self._last = None  # an outage does not count as time without load
            self._best.reset()
            self._best_within.reset()
            self._shape.add(None)
            return
        before, self._last = self._last, (at, total)
        self._best.add(at, traffic.mean_60s)
        if objectives_met:
            self._best_within.add(at, traffic.mean_60s)
        else:
            self._best_within.reset()
        if before is None or not at > before[0] or total < before[1]:
            return
        seconds, requests = at - before[0], total - before[1]
        self._seconds += seconds
        self._requests += requests
        self._requests_per_scrape.add(requests)
        self._shape.add(requests / seconds)
        if busy_cores is not None:
            self._busy_s += busy_cores * seconds
        if state.errors is not None and state.errors.ratio is not None:
            self._errors += state.errors.ratio * requests
            self._requests_with_known_errors += requests
        self._add_latency(state, seconds)
        for row in state.breakdown:
            name = " ".join(value for _, value in row.labels)
            if name in self._routes or len(self._routes) < _MAX_TRACKED_ROUTES:
                self._routes[name] += (row.rps or 0.0) * seconds  # type: ignore[assignment]

    def _add_latency(self, state: ServiceState, seconds: float) -> None:
        latency = state.latency
        if latency is None or not latency.buckets:
            return
        kind = (latency.family, latency.unit, tuple(bound for bound, _ in latency.buckets))
        if kind != self._latency_layout:
            self._latency_layout, self._buckets = kind, {}
        for bound, density in latency.buckets:
            self._buckets[bound] = self._buckets.get(bound, 0.0) + density * seconds

    def summary(self) -> ServiceSummary:
        traffic = self._newest.traffic if self._newest is not None else None
        latency = self._newest.latency if self._newest is not None else None
        variance = self._requests_per_scrape.variance
        quantiles = {}
        if self._buckets:
            running, cumulative = 0.0, []
            for bound in sorted(self._buckets):
                running += self._buckets[bound]
                cumulative.append((bound, running))
            for q in (0.5, 0.9, 0.99):
                value = histograms.quantile(q, cumulative).value
                if value is not None:
                    quantiles[f"{q:g}"] = value
        routed = sum(self._routes.values())
        best = self._routes.most_common(MAX_ROUTES)
        return ServiceSummary(
            name=self.name,
            unit=traffic.unit if traffic is not None else "req/s",
            mean=self._requests / self._seconds if self._seconds > 0 else None,
            best_60s=self._best.rate,
            best_60s_within=self._best_within.rate,
            error_ratio=self._errors / self._requests_with_known_errors
            if self._requests_with_known_errors > 0
            else None,
            quantiles=quantiles,
            latency_unit=latency.unit if latency is not None else None,
            cpu_per_request_s=self._busy_s / self._requests
            if self._requests > 0 and self._busy_s > 0
            else None,
            burstiness=variance / self._requests_per_scrape.mean
            if variance is not None and self._requests_per_scrape.mean > 0
            else None,
            routes={name: count / routed for name, count in best} if routed > 0 else {},
            shape=self._shape.points(),
        )


class RunSummarizer:
    """Summarizer of a run's snapshots."""

    def __init__(self, hottest: str = "") -> None:
        self.ticks = 0
        self.hottest = hottest
        self._began: float | None = None
        self._newest = 0.0
        self._first_to_saturate: Counter[str] = Counter()
        self._services: dict[str, _ServiceTotals] = {}
        self._has_objectives = False
        self._has_missed = False

    def add(self, snapshot: Snapshot, filtered_service: str | None = None) -> None:
        """Add one tick. `filtered_service`: a service that is only a part of another one."""
        self.ticks += 1
        self._began = snapshot.at if self._began is None else self._began
        self._newest = snapshot.at
        if snapshot.first_to_saturate is not None:
            self._first_to_saturate[snapshot.first_to_saturate.name] += 1
        states = [objective.state for objective in snapshot.objectives]
        known = [state for state in states if state != "no_data"]
        self._has_objectives |= bool(known)
        self._has_missed |= "missed" in known
        met = None if not known else all(state != "missed" for state in states)
        for state in snapshot.services:
            if state.name == filtered_service:
                continue
            service = self._services.get(state.name)
            if service is None:
                if len(self._services) >= MAX_SERVICES:
                    continue
                service = self._services[state.name] = _ServiceTotals(state.name)
            service.add(snapshot.time, state, snapshot.busy_cores, met)

    def summary(self) -> RunSummary:
        """Summary of the run so far."""
        return RunSummary(
            seconds=self._newest - self._began if self._began is not None else 0.0,
            ticks=self.ticks,
            services=tuple(service.summary() for service in self._services.values()),
            first=self._first_to_saturate.most_common(1)[0][0] if self._first_to_saturate else "",
            hottest=self.hottest,
            objectives_met=None if not self._has_objectives else not self._has_missed,
        )


def main_service(services: Sequence[ServiceSummary]) -> ServiceSummary | None:
    """Main service of a run: the one with the most traffic."""
    return max(services, key=lambda service: service.mean or -1.0, default=None)


def describe_load_differences(before: ServiceSummary, after: ServiceSummary) -> list[str]:
    """Describe differences in the load, a sentence each; empty where the loads match."""
    differences = []
    if before.mean and after.mean is not None:
        change = after.mean / before.mean - 1
        if abs(change) > MAX_RATE_CHANGE:
            differences.append(
                f"the rate was {format_percent(abs(change) * 100)} % "
                f"{'higher' if change > 0 else 'lower'}"
            )
    elif (before.mean is None) != (after.mean is None):
        differences.append("one of them had no traffic")
    if before.routes and after.routes:
        names = {*before.routes, *after.routes}
        moved = (
            sum(abs(before.routes.get(name, 0.0) - after.routes.get(name, 0.0)) for name in names)
            / 2
        )
        if moved > MAX_MIX_CHANGE:
            most = max(
                names,
                key=lambda name: abs(before.routes.get(name, 0.0) - after.routes.get(name, 0.0)),
            )
            was, now = (
                format_percent(100 * summary.routes.get(most, 0.0)) for summary in (before, after)
            )
            differences.append(
                f"the mix of routes differs, most for {clean(most, 60)}: {was} % became {now} %"
            )
    if before.burstiness and after.burstiness:
        ratio = after.burstiness / before.burstiness
        if not 1 / MAX_BURSTINESS_FACTOR <= ratio <= MAX_BURSTINESS_FACTOR:
            differences.append(
                f"it was {'more' if ratio > 1 else 'less'} bursty "
                f"({before.burstiness:.2g} became {after.burstiness:.2g})"
            )
    return differences


@frozen
class ResourcePeak:
    """One resource over all rows in which it was known. None: unknown."""

    name: str
    mean: float | None  # of its utilisation, 0 to 1
    highest: float | None
    waiting: float | None  # mean queued work, in its own unit
    max_waiting: float | None


class ResourcePeaks:
    """Accumulator of saturation rows, tick by tick."""

    def __init__(self) -> None:
        # name -> [sum, count, maximum] of utilisation, of queued work
        self._totals: dict[str, tuple[list[float], list[float]]] = {}

    def add(self, rows: Iterable[SaturationState]) -> None:
        """Add the rows of one tick."""
        for row in rows:
            if row.name not in self._totals and len(self._totals) >= MAX_RESOURCES:
                continue
            use, waiting = self._totals.setdefault(row.name, ([0.0, 0, 0.0], [0.0, 0, 0.0]))
            for kept, value in ((use, row.ratio), (waiting, row.waiting)):
                if value is not None:
                    kept[0] += value
                    kept[1] += 1
                    kept[2] = max(kept[2], value)

    def peaks(self) -> tuple[ResourcePeak, ...]:
        """All resources with known values, most used first."""
        out = []
        for name, (use, waiting) in self._totals.items():
            if use[1] or waiting[1]:
                out.append(ResourcePeak(name, *_mean_and_max(use), *_mean_and_max(waiting)))
        return tuple(sorted(out, key=lambda resource: -(resource.mean or 0.0)))


def _mean_and_max(totals: list[float]) -> tuple[float | None, float | None]:
    return (totals[0] / totals[1], totals[2]) if totals[1] else (None, None)

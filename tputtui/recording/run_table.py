"""Table of a run: the figures between consecutive scrapes, for statistics and CSV, not smoothed by
a window.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from os import PathLike

from tputtui.frozen import frozen
from tputtui.model import (
    Bindings,
    BreakdownRow,
    HostReading,
    Quantile,
    Reading,
    SaturationState,
    Scrape,
    ServiceState,
)
from tputtui.recording.reader import Run
from tputtui.recording.records import (
    BindingsInForce,
    Mark,
    RecordedProfile,
    RecordedTick,
    RunHeader,
    RunSummary,
    ServiceGroups,
    WatchedTarget,
    parse_time_spec,
)
from tputtui.recording.summary import ResourcePeak, ResourcePeaks, main_service
from tputtui.signals.host.host_rates import derive_host, host_saturation
from tputtui.signals.rates.target_window import TargetWindow
from tputtui.signals.service.server_window import ServerWindow
from tputtui.signals.service.service_tracker import ServiceTracker, followed_names
from tputtui.text import clean

COLUMNS = ("t", "rps", "err_ratio", "p50", "p90", "p99", "cpu")
QUANTILES = (0.5, 0.9, 0.99)


BucketDensities = tuple[tuple[float, float], ...]
"""(upper bound in the unit of the row's quantiles, observations per second in that bucket
alone).
"""


@frozen
class RouteRow:
    """One route between two scrapes; in the units of `RunRow`."""

    rps: float | None
    err_ratio: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    buckets: BucketDensities = ()


@frozen
class RunRow:
    """Figures of a service between two scrapes. None: unknown, or a gap."""

    t: float  # seconds from the run's start, at the later scrape
    rps: float | None = None  # in the unit of its traffic
    err_ratio: float | None = None  # 0 to 1
    p50: float | None = None  # milliseconds (in the family's own unit where that is unknown)
    p90: float | None = None
    p99: float | None = None
    cpu: float | None = None  # percent of the machine
    buckets: BucketDensities = ()
    routes: Mapping[str, RouteRow] = field(default_factory=dict)


@frozen
class RunTable:
    """Figures of one service of a run, with the context needed to compare them with another
    run's.
    """

    service: str
    rows: tuple[RunRow, ...]
    buckets: tuple[
        tuple[float, float], ...
    ]  # (upper bound in s, observations at or below it), merged over replicas
    requests: float  # increase of the traffic's counter over the span
    errors: float | None  # number of failed requests
    unit: str  # of the traffic
    header: RunHeader
    marks: tuple[Mark, ...]
    summary: RunSummary
    services: tuple[str, ...]  # all services of the run
    routes: Mapping[str, float] = field(default_factory=dict)  # route -> its requests in the span
    profiles: tuple[RecordedProfile, ...] = ()  # profiles taken in the span
    resources: tuple[ResourcePeak, ...] = ()  # of the service and the host, over the span
    damage: tuple[str, ...] = ()  # damage found in the run, a sentence each

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment of the run; see `recording.run_environment`."""
        return self.header.environment

    def column(self, name: str) -> list[float | None]:
        """Return one column by its name in COLUMNS."""
        return [getattr(row, name) for row in self.rows]


def read_table(
    path: str | PathLike[str],
    service: str | None = None,
    start: str | float | None = None,
    end: str | float | None = None,
) -> RunTable:
    """Read the table of one service of a run; without `service`, of the one with the most traffic.

    `start` and `end` are seconds from the run's start, or texts as `records.parse_time_spec`
    reads them. Raises NotARunError, and ValueError where the service or a time is not in the run.
    """
    with Run(path) as run:
        marks = run.marks()
        since = _resolve_time(start, run.header, marks)
        until = _resolve_time(end, run.header, marks)
        summary = run.summary()
        main = main_service(summary.services)
        names = tuple(summarized.name for summarized in summary.services)
        wanted = service
        if wanted is None and main is not None:
            wanted = main.name
        builder = _TableBuilder(run.header.interval_s)
        profiles = []
        for item in run.items(since, until):
            builder.add(item, run.header.began_at, since)
            if isinstance(item, RecordedProfile):
                profiles.append(item)
        known = names or tuple(builder.services)
        table = builder.service(wanted)
        if table is None:
            if wanted in known:
                name = clean(wanted or "", 60)
                raise ValueError(f"nothing was read of {name!r} in it: its target never answered")
            held = clean(", ".join(known), 200) or "none"
            raise ValueError(f"no service {clean(wanted or '', 60)!r} in it; it holds {held}")
        return RunTable(
            service=table.name,
            rows=tuple(table.rows),
            buckets=tuple(table.cumulative_buckets()),
            requests=table.requests,
            errors=table.errors,
            unit=table.unit,
            header=run.header,
            marks=tuple(marks),
            summary=summary,
            services=known,
            routes=table.routes,
            profiles=tuple(profiles),
            resources=table.resources.peaks(),
            damage=tuple(run.damage),
        )


def service_rows(
    run: Run, since: float | None = None, until: float | None = None
) -> Iterator[tuple[str, list[RunRow]]]:
    """Return (service, its rows) for every service of a run."""
    reading = _TableBuilder(run.header.interval_s)
    for item in run.items(since, until):
        reading.add(item, run.header.began_at, since)
    for name, service in reading.services.items():
        yield name, service.rows


def _resolve_time(
    time_spec: str | float | None, header: RunHeader, marks: Sequence[Mark]
) -> float | None:
    if time_spec is None:
        return None
    return (
        parse_time_spec(time_spec, header, marks)
        if isinstance(time_spec, str)
        else header.began_at + time_spec
    )


class _ServiceTotals:
    """Totals of one service over the readings so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[RunRow] = []
        self.requests = 0.0
        self.errors: float | None = None
        self.unit = "req/s"
        self.routes: dict[str, float] = {}
        self.resources = ResourcePeaks()
        self._buckets: dict[float, float] = {}

    def add(
        self, t: float, state: ServiceState, cpu: float | None, tracker: ServiceTracker
    ) -> None:
        traffic, latency = state.traffic, state.latency
        rps = traffic.rps if traffic is not None else None
        seconds = state.covered_s or 0.0
        ratio = state.errors.ratio if state.errors is not None else None
        if traffic is not None:
            self.unit = traffic.unit
        if rps is not None:
            self.requests += rps * seconds
            if ratio is not None:
                self.errors = (self.errors or 0.0) + ratio * rps * seconds
            for row in state.breakdown:
                name = " ".join(value for _, value in row.labels)
                self.routes[name] = self.routes.get(name, 0.0) + (row.rps or 0.0) * seconds
        values: dict[float, float | None] = {}
        scale = 1000.0 if latency is not None and latency.unit == "s" else 1.0
        if latency is not None:
            for quantile in latency.quantiles:
                value = quantile.value
                values[quantile.q] = None if value is None else value * scale
            for bound, density in latency.buckets:
                self._buckets[bound] = self._buckets.get(bound, 0.0) + density * seconds
        p50, p90, p99 = (values.get(q) for q in QUANTILES)
        buckets = _scale_buckets(latency.buckets, scale) if latency is not None else ()
        routes = {
            " ".join(value for _, value in row.labels): _route_row(
                row, tracker.densities(state.breakdown_by, row), scale
            )
            for row in state.breakdown
        }
        self.rows.append(RunRow(t, rps, ratio, p50, p90, p99, cpu, buckets, routes))

    def cumulative_buckets(self) -> Iterator[tuple[float, float]]:
        running = 0.0
        for bound in sorted(self._buckets):
            running += self._buckets[bound]
            yield bound, running


def _scale_buckets(buckets: BucketDensities, scale: float) -> BucketDensities:
    return tuple((bound * scale, density) for bound, density in buckets)


def _route_row(row: BreakdownRow, buckets: BucketDensities, scale: float) -> RouteRow:
    p50, p90, p99 = (_quantile_value(row.quantiles, q, scale) for q in QUANTILES)
    return RouteRow(row.rps, row.error_ratio, p50, p90, p99, _scale_buckets(buckets, scale))


def _quantile_value(quantiles: Sequence[Quantile], q: float, scale: float) -> float | None:
    for quantile in quantiles:
        if quantile.q == q:
            return None if quantile.value is None else quantile.value * scale
    return None


class _TableBuilder:
    """Builder of tables: windows of one interval over a run's readings."""

    def __init__(self, interval_s: float) -> None:
        self.services: dict[str, _ServiceTotals] = {}
        self._interval_s = interval_s
        self._windows: dict[str, TargetWindow] = {}
        self._server_targets: set[str] = set()
        self._bindings: dict[str, Bindings] = {}
        self._last_scrapes: dict[str, Scrape] = {}
        self._trackers: dict[str, ServiceTracker] = {}
        self._groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self._host: HostReading | None = None
        # saturation of the host at the newest tick
        self._host_saturation: tuple[SaturationState, ...] = ()

    def service(self, name: str | None) -> _ServiceTotals | None:
        if name is not None:
            return self.services.get(name)
        return next(iter(self.services.values()), None)

    def add(self, item: object, began_at: float, since: float | None) -> None:
        if isinstance(item, WatchedTarget) and item.is_from_server:
            self._server_targets.add(item.target.name)
        elif isinstance(item, BindingsInForce):
            self._add_bindings(item)
        elif isinstance(item, ServiceGroups):
            self._groups = item.services
            self._trackers.clear()
        elif isinstance(item, RecordedTick):
            self._add_tick(item, began_at, since)

    def _add_bindings(self, bound: BindingsInForce) -> None:
        name, bindings = bound.target.name, bound.bindings
        if bindings is None or self._bindings.get(name) == bindings:
            return
        self._bindings[name] = bindings
        kind = ServerWindow if name in self._server_targets else TargetWindow
        self._windows[name] = kind(self._interval_s, self._interval_s, *followed_names(bindings))
        if name in self._last_scrapes:
            self._windows[name].add(self._last_scrapes[name])
        self._trackers.clear()

    def _add_tick(self, tick: RecordedTick, began_at: float, since: float | None) -> None:
        reading = tick.reading
        cpu = self._update_host(reading)
        new: set[str] = set()
        for scrape in reading.scrapes:
            if scrape.late:  # no result yet: the next row covers the time that it took
                if scrape.target in self._windows:
                    self._windows[scrape.target].add(scrape)
                continue
            # second scrape in one tick: the span between the two must not be lost
            if scrape.target in new:
                self._add_rows(reading, new, began_at, since, cpu)
                new = set()
            new.add(scrape.target)
            if scrape.target in self._windows:
                self._windows[scrape.target].add(scrape, tick.forgotten.get(scrape.target, ()))
            if scrape.error is None:
                self._last_scrapes[scrape.target] = scrape
        self._add_rows(reading, new, began_at, since, cpu)

    def _add_rows(
        self,
        reading: Reading,
        new: set[str],
        began_at: float,
        since: float | None,
        cpu: float | None,
    ) -> None:
        for name, targets in self._groups:
            windows = {
                target: self._windows[target] for target in targets if target in self._windows
            }
            if not new.intersection(windows):
                continue
            newest = max(
                (window.at for window in windows.values() if window.at is not None),
                default=reading.at,
            )
            if since is not None and reading.at < since:
                continue
            tracker = self._trackers.get(name)
            if tracker is None:
                bindings = self._bindings[next(iter(windows))]
                tracker = ServiceTracker(name, targets, bindings, QUANTILES)
                self._trackers[name] = tracker
            service = self.services.setdefault(name, _ServiceTotals(name))
            at = newest if any(window.is_up for window in windows.values()) else reading.at
            state = tracker.state(windows)
            service.add(at - began_at, state, cpu, tracker)
            service.resources.add((*state.saturation, *self._host_saturation))

    def _update_host(self, reading: Reading) -> float | None:
        if reading.host is None:
            return None
        state = derive_host(self._host, reading.host)
        self._host = reading.host
        self._host_saturation = host_saturation(state)
        return state.cpu.percent if state.cpu is not None else None

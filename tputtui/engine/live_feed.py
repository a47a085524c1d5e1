"""Live feed: runs the collectors and returns readings.

It handles sources of numbers, not their meaning.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from tputtui import descriptors
from tputtui.frozen import frozen
from tputtui.host.host_collector import HostCollector
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.self_usage import SelfUsage
from tputtui.host.socket_owners import LookedUpTarget, ServingLookup
from tputtui.model import ProcessReading, Reading, Scrape, ServerQuery, Target, TargetListeners
from tputtui.scrape.address import host_and_port
from tputtui.scrape.endpoint import Endpoint, endpoint_settings
from tputtui.scrape.exposition_lines import ScanLimits
from tputtui.scrape.poller import Poller
from tputtui.scrape.scanner import Scanner
from tputtui.settings import Limits, Settings, TargetSettings
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.engine.server_targets import ServerTargets
    from tputtui.scrape.connections import TlsContexts

PROCESSES_EVERY_S = 2.0
"""Seconds between reads of the process table.

It costs more than all other host figures together, so it is read half as often.
"""

PROCESSES_FIRST_S = 0.5
"""Seconds until the second read of the process table.

It comes sooner, because CPU usage needs two reads.
"""

LISTENERS_EVERY_S = 30.0
LISTENERS_RETRY_S = 4.0
"""Seconds between reads of the listeners while unsettled.

That is where a serving process has ended, or where a local target has no process yet.
"""

DISCOVER_EVERY_S = 30.0
MAX_SERVING_PROCESSES = 64  # serving processes that are read while the process table is hidden


@frozen
class PolledTarget:
    """Target as the feed scrapes it, with the facts that the pipeline needs."""

    target: Target
    settings: TargetSettings
    is_from_server: bool = False  # its data comes from a server

    @property
    def lookup_target(self) -> LookedUpTarget:
        """The target in the form that the process lookup takes."""
        server = (
            (self.settings.name or host_and_port(self.target.url)) if self.is_from_server else ""
        )
        return LookedUpTarget(self.target.name, self.target.url, server)


class QueryPlanner(Protocol):
    """Interface to the pipeline, which plans the queries for servers."""

    window_s: float

    def questions(self, target: str) -> tuple[ServerQuery, ...]:
        """Queries for a target."""
        ...

    def browsed_names(self, target: str) -> frozenset[str] | None:
        """Sample names of a target that the metric browser reads; None: all of them."""
        ...


class LiveFeed:
    """Collectors on one event loop: the poller scrapes targets, the host and processes are read per
    reading.
    """

    def __init__(
        self,
        settings: Settings,
        wanted_names: Callable[[str], frozenset[str] | None],
        planner: QueryPlanner | None = None,
    ) -> None:
        """Create the feed.

        `wanted_names` returns the sample names to read of a target; None is all of them. The query
        planner returns the queries for servers; without one no server is queried.
        """
        self._settings = settings
        self._targets: list[PolledTarget] = []
        self._scanners: dict[str, Scanner] = {}
        self._tls: TlsContexts | None = None
        self._scrapes: list[Scrape] = []
        self._host = HostCollector()
        self._processes = ProcessCollector()
        self._self_usage = SelfUsage()
        self._new_processes: tuple[ProcessReading, ...] | None = None
        self._processes_task: asyncio.Task[None] | None = None
        self._processes_read_at = -1e9
        self._processes_read_count = 0
        self._listeners_read_at = -1e9
        self._is_reading_all_processes = True
        self.watched_pids: frozenset[int] = frozenset()
        self._serving_lookup = ServingLookup(self._processes)
        self._new_listeners: tuple[TargetListeners, ...] | None = None  # for the next reading
        self._latest_listeners: tuple[TargetListeners, ...] = ()
        self._lookup_targets: tuple[LookedUpTarget, ...] = ()
        self._service_pids: frozenset[int] = frozenset()
        # a serving process has ended, or a local target has none
        self._is_lookup_incomplete = False
        self._listeners_retry_s = LISTENERS_RETRY_S
        # discovery's description of the places it searched
        self.discovery_sentence: str | None = None
        # reason why the last read of the processes failed
        self.process_read_error: str | None = None
        self._is_discovering = not settings.targets and not settings.servers and settings.discover
        self.poller = Poller(
            [self._add_endpoint(target) for target in settings.targets],
            settings.interval_s,
            self._scrapes.append,
            wanted_names,
        )
        self._servers = self._create_servers(planner) if settings.servers and planner else None

    @property
    def targets(self) -> tuple[PolledTarget, ...]:
        """All targets so far, in order."""
        served = self._servers.targets if self._servers is not None else ()
        return (
            *self._targets,
            *(PolledTarget(target, settings, is_from_server=True) for target, settings in served),
        )

    @property
    def is_discovering(self) -> bool:
        """Whether discovery of targets is still running."""
        return self._is_discovering or (self._servers is not None and self._servers.is_discovering)

    @property
    def is_reading_all_processes(self) -> bool:
        """Whether all processes are read, not only those that serve targets or are followed."""
        return self._is_reading_all_processes

    @is_reading_all_processes.setter
    def is_reading_all_processes(self, enabled: bool) -> None:
        if enabled and not self._is_reading_all_processes:
            # requested: at the next reading
            self._processes_read_at, self._processes_read_count = -1e9, 0
        self._is_reading_all_processes = enabled

    def pop_backfill(self) -> list[Scrape]:
        """Pop some of the servers' past samples, the oldest first; each is returned once."""
        return self._servers.pop_backfill() if self._servers is not None else []

    def _create_servers(self, planner: QueryPlanner) -> ServerTargets:
        from tputtui.engine.server_targets import ServerTargets

        def used_names() -> list[str]:
            return [polled.target.name for polled in self._targets]

        descriptors.make_room(len(self._settings.targets) + len(self._settings.servers))
        servers = ServerTargets(self._settings, self._scrapes.append, planner, used_names)
        for target in self._settings.servers:
            servers.add(target)
        return servers

    def forgotten_names(self, name: str) -> frozenset[str]:
        """Sample names of a target of which its scanner has dropped series."""
        scanner = self._scanners.get(name)
        return scanner.forgotten_names if scanner is not None else frozenset()

    def _add_endpoint(self, target: TargetSettings) -> Endpoint:
        descriptors.make_room(max(len(self._settings.targets), len(self._targets) + 1))
        settings = endpoint_settings(target, self._settings)
        scanner = Scanner(
            scan_limits(self._settings.limits, min(settings.max_series, self._series_share()))
        )
        if settings.url.startswith("https:") and self._tls is None:
            from tputtui.scrape.connections import TlsContexts

            self._tls = TlsContexts()  # shared: loading a certificate store costs 20 to 60 ms
        endpoint = Endpoint(settings, scanner, self._tls)
        self._targets.append(PolledTarget(endpoint.target, target))
        self._scanners[endpoint.name] = scanner
        return endpoint

    def _series_share(self) -> int:
        """Series limit of one target, so that all together stay within the total limit."""
        return max(
            1,
            self._settings.limits.series_total
            // max(1, len(self._settings.targets), len(self._targets) + 1),
        )

    # ----------------------------------------------------------------------------------- collecting

    async def run(self) -> None:
        """Scrape, and discover listeners where no target was named, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.poller.run())
            if self._servers is not None:
                group.create_task(self._servers.run())
            if self._is_discovering:
                group.create_task(self._discover())

    async def _discover(self) -> None:
        from tputtui.discovery.discoverer import Discoverer

        discoverer = Discoverer()
        known = {polled.settings.url for polled in self._targets}
        while True:
            discovery = await discoverer.discover()
            self.discovery_sentence = discovery.sentence
            for listener in discovery.targets:
                if listener.url not in known:
                    known.add(listener.url)
                    self.poller.add(self._add_endpoint(TargetSettings(url=listener.url)))
            self._is_discovering = False
            await asyncio.sleep(DISCOVER_EVERY_S)

    def read(self, missed_ticks: int) -> Reading:
        """Collect everything that arrived since the last call, with the host as it is now."""
        now = time.monotonic()
        scrapes, self._scrapes[:] = tuple(self._scrapes), []
        processes, self._new_processes = self._new_processes, None
        listeners, self._new_listeners = self._new_listeners, None
        self._start_process_read(now)
        return Reading(
            at=now,
            time=time.time(),
            scrapes=scrapes,
            host=self._host.read(),
            processes=processes,
            waiting={
                **self.poller.waiting_by_target(),
                **(self._servers.waiting_by_target() if self._servers is not None else {}),
            },
            partial=self.poller.partial(),
            missed_ticks=missed_ticks,
            self_cpu_s=self._self_usage.read(),
            self_rss_bytes=_read_own_rss(),
            listeners=listeners,
        )

    def _start_process_read(self, now: float) -> None:
        """Start the next read of the processes in a thread, where one is wanted and due."""
        if self._processes_task is not None:
            return
        every = PROCESSES_EVERY_S if self._processes_read_count > 1 else PROCESSES_FIRST_S
        if now - self._processes_read_at < every - 0.1 * self._settings.interval_s:
            return
        self._processes_read_at = now
        self._processes_read_count += 1
        self._processes_task = asyncio.get_running_loop().create_task(self._read_processes(now))

    def _are_listeners_due(self, now: float, lookup_targets: tuple[LookedUpTarget, ...]) -> bool:
        if (
            lookup_targets != self._lookup_targets
            or now - self._listeners_read_at >= LISTENERS_EVERY_S
        ):
            return True
        return (
            self._is_lookup_incomplete and now - self._listeners_read_at >= self._listeners_retry_s
        )

    async def _read_listeners(self, now: float, lookup_targets: tuple[LookedUpTarget, ...]) -> None:
        """Find the processes that serve the targets: the limits of their control groups are read,
        and p profiles one.
        """
        self._listeners_read_at, self._lookup_targets = now, lookup_targets
        self._is_lookup_incomplete = True  # in case the read fails: descriptors may run out
        listeners = await asyncio.to_thread(
            self._serving_lookup.read, lookup_targets, with_sockets=self.is_reading_all_processes
        )
        # Back off while the result stays the same: a container's process never appears here.
        has_changed = listeners != self._latest_listeners
        retry_s = LISTENERS_RETRY_S if has_changed else 2 * self._listeners_retry_s
        self._listeners_retry_s = min(retry_s, LISTENERS_EVERY_S)
        self._new_listeners = self._latest_listeners = listeners
        pids = {holder.pid for target in listeners for holder in target.holders}
        self._service_pids = frozenset(sorted(pids)[:MAX_SERVING_PROCESSES])
        self._is_lookup_incomplete = any(_is_lookup_incomplete(target) for target in listeners)

    async def _read_processes(self, now: float) -> None:
        try:
            targets = tuple(polled.lookup_target for polled in self.targets)
            if (self.is_reading_all_processes or targets) and self._are_listeners_due(now, targets):
                await self._read_listeners(now, targets)
            watched = self.watched_pids | self._service_pids
            if self.is_reading_all_processes or watched:
                only_watched = not self.is_reading_all_processes
                processes = await asyncio.to_thread(self._processes.read, watched, only_watched)
                self._new_processes = processes
                if not self._service_pids <= {process.pid for process in processes}:
                    self._is_lookup_incomplete, self._listeners_retry_s = True, LISTENERS_RETRY_S
            self.process_read_error = None
        except (OSError, RuntimeError, MemoryError) as error:  # no descriptor, thread or memory
            self.process_read_error = clean(descriptors.shortage(error) or str(error), 200)
        finally:
            self._processes_task = None


def _is_lookup_incomplete(listeners: TargetListeners) -> bool:
    """Whether reading again soon may find more: the name was not resolved, or no process
    listened.
    """
    if listeners.server or listeners.here is False:
        return False
    return listeners.here is None or not (listeners.holders or listeners.hidden_users)


def scan_limits(limits: Limits, series: int) -> ScanLimits:
    """Limits of the scanner from the settings."""
    return ScanLimits(
        series=series,
        labels=limits.labels,
        name=limits.name_bytes,
        value=limits.value_bytes,
        line=limits.line_bytes,
    )


def _read_own_rss() -> int | None:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None

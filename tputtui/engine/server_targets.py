"""Targets of Prometheus-compatible servers, queried beside or in place of directly scraped ones."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tputtui.model import Scrape, ServerQuery, Target
from tputtui.scrape.address import host_and_port
from tputtui.scrape.endpoint import endpoint_settings
from tputtui.scrape.prometheus.server import PrometheusServer
from tputtui.settings import Settings, TargetSettings

if TYPE_CHECKING:
    from tputtui.engine.live_feed import QueryPlanner
    from tputtui.scrape.connections import TlsContexts

MAX_BACKFILL_PER_TICK = 30
"""Past samples (times) that one tick processes, at 1 ms each."""


@dataclass(slots=True)
class ServerTargets:
    """All servers of the settings."""

    settings: Settings
    deliver: Callable[[Scrape], None]
    planner: QueryPlanner
    other_names: Callable[[], Sequence[str]]  # names of other targets
    _servers: list[PrometheusServer] = field(default_factory=list)
    backfill: deque[Scrape] = field(default_factory=deque)
    _subscriptions: list[_ServerSubscription] = field(default_factory=list)

    @property
    def targets(self) -> tuple[tuple[Target, TargetSettings], ...]:
        """Targets of all servers, server by server."""
        return tuple(
            (target, subscription.settings)
            for subscription in self._subscriptions
            for target in subscription.targets.values()
        )

    @property
    def is_discovering(self) -> bool:
        """Whether some server has neither answered nor failed yet."""
        return any(not server.has_answered for server in self._servers)

    def add(self, target: TargetSettings, tls: TlsContexts | None = None) -> None:
        """Add a server."""
        endpoint = endpoint_settings(target, self.settings)
        subscription = _ServerSubscription(self, target)
        self._subscriptions.append(subscription)
        self._servers.append(
            PrometheusServer(endpoint, target.match, self.settings.interval_s, subscription, tls)
        )

    def waiting_by_target(self) -> dict[str, float]:
        """Seconds for which each target's answer has been late, for targets of slow servers."""
        return {
            subscription.targets[name].name: seconds
            for server, subscription in zip(self._servers, self._subscriptions, strict=True)
            for name, seconds in server.waiting_by_target().items()
            if name in subscription.targets
        }

    def pop_backfill(self) -> list[Scrape]:
        """Pop the next few past samples of the servers; bounded, to keep a tick short."""
        return [
            self.backfill.popleft() for _ in range(min(MAX_BACKFILL_PER_TICK, len(self.backfill)))
        ]

    async def run(self) -> None:
        """Query all servers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for server in self._servers:
                group.create_task(server.run())


@dataclass(slots=True)
class _ServerSubscription:
    """Targets of one server, under unique names."""

    servers: ServerTargets
    settings: TargetSettings
    targets: dict[str, Target] = field(default_factory=dict)  # by the server's name for it

    def on_target_added(self, target: Target) -> None:
        """Handle an added target."""
        name = target.name
        used_names = {
            *(other.name for other, _ in self.servers.targets),
            *self.servers.other_names(),
        }
        if name in used_names:
            name = f"{name} ({self.settings.name or host_and_port(target.url)})"
        while name in used_names:
            name += "'"
        self.targets[target.name] = Target(name, target.url)

    def on_target_removed(self, name: str) -> None:
        """Handle the removal of a target that was a placeholder for others."""
        self.targets.pop(name, None)

    def on_scrape(self, scrape: Scrape) -> None:
        """Handle a scrape: raw series, rates, or a failure."""
        self.servers.deliver(replace(scrape, target=self.targets[scrape.target].name))

    def on_backfill(self, scrapes: Sequence[Scrape]) -> None:
        """Handle past samples of the server, the oldest first."""
        self.servers.backfill.extend(
            replace(scrape, target=self.targets[scrape.target].name) for scrape in scrapes
        )

    def browsed_names(self, name: str) -> frozenset[str] | None:
        """Sample names of a target that the metric browser reads; None: all of them."""
        return self.servers.planner.browsed_names(self.targets[name].name)

    def questions(self, name: str) -> tuple[ServerQuery, ...]:
        """Queries for a target."""
        return self.servers.planner.questions(self.targets[name].name)

    def window_s(self) -> float:
        """Window of the rates to query, in seconds."""
        return self.servers.planner.window_s

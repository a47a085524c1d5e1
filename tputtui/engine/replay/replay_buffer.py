"""A run, derived and kept moment by moment: what a replay shows is looked up here.

The reel that counts begins at the run's beginning. For a moment that it has not come to, one that begins just before that
moment stands in: its rates and quantiles are the same; what is counted since the start is left out until it is known.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from tputtui.engine.column_cache import distinct_columns, repeat_values
from tputtui.engine.drilldown import ReplicaTable
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.replay.replay_feed import ReplayFeed
from tputtui.engine.snapshot_cache import SnapshotCache
from tputtui.frozen import frozen
from tputtui.model import Snapshot
from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedTick
from tputtui.signals.rates import history
from tputtui.signals.rates.history import History
from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.traffic_split import TrafficSplit

MAX_AHEAD_S: Final = 120.0
"""A reel that stands in reads so far beyond the moment that is shown, and no further."""

MAX_FINE_CELLS: Final = 7_200
"""Seconds of the time axis that are kept at a resolution of 1 s: 230 kB a figure."""


@frozen
class ReplayChoices:
    """What the user chose that changes what is derived."""

    window_s: float | None = None
    breakdowns: tuple[str, ...] = ()  # a service for each time its next label was asked for
    service_filter: ServiceFilter | None = None
    split: TrafficSplit | None = None


class ReplayBuffer:
    """Reads a run in a thread of its own, and keeps every moment. Anything may be asked from any thread."""

    def __init__(
        self,
        run: Run,
        choices: ReplayChoices,
        end_at: float,
        *,
        start_at: float | None = None,
        on_reached: Callable[[], None] | None = None,
    ) -> None:
        """`end_at`: the run's last moment. `before`: stand in from this moment on. `came` is called, in the reel's
        thread, when it comes to the moment it is awaited at. Raises nothing: what goes wrong later is its `failure`.
        """
        self.failure: BaseException | None = None
        self.is_done = False
        self.damage: tuple[str, ...] = ()  # what could not be read, a sentence each; once it is done
        header = run.header
        self._run = run.duplicate()
        self._lock = threading.Lock()  # around what is kept
        self._interval_s = header.interval_s
        self._awaited_at = start_at if start_at is not None else float("-inf")
        self._on_reached = on_reached
        self._start_at = start_at
        window_s = max(choices.window_s or header.window_s, 2 * header.interval_s)
        self._since = start_at - window_s - 3 * header.interval_s if start_at is not None else None
        self._may_read = threading.Event()
        self._may_read.set()
        self._feed = ReplayFeed(header, choices.window_s, self._lock)
        monitor = self._feed.pipeline
        fine = max(history.LEVELS[0][1], min(MAX_FINE_CELLS, int(end_at - header.began_at) + 60))
        monitor.history = History(header.interval_s, levels=((history.LEVELS[0][0], fine), *history.LEVELS[1:]))
        for service in choices.breakdowns:
            monitor.next_breakdown(service)
        monitor.set_filter(choices.service_filter)
        monitor.set_split(choices.split)
        self._cache = SnapshotCache()
        self._pending_actions: deque[Callable[[SnapshotPipeline], None]] = deque()  # what waits for the end of a tick
        self._is_stopped = False
        self._thread = threading.Thread(target=self._read, name="reel", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no further. What was read stays."""
        self._is_stopped = True
        self._may_read.set()
        if self._thread.ident is None:
            self._run.close()

    def set_paused(self, is_paused: bool) -> None:
        """Let another reel be quick: read nothing while `held`."""
        (self._may_read.clear if is_paused else self._may_read.set)()

    def set_awaited(self, at: float) -> None:
        """Say when the moment has come that is `at`; one that stands in waits while it is far ahead of it."""
        self._awaited_at = at

    def has_read(self, at: float) -> bool:
        """Whether what was on screen at `at` has been read."""
        newest = self.newest_at
        return self.is_done or (
            newest is not None and newest >= at and (self._start_at is None or at >= self._start_at)
        )

    def covers(self, at: float) -> bool:
        """Whether one that stands in is for this moment, too, or soon will have read it."""
        reached = max(self.newest_at or 0.0, self._start_at or 0.0)
        return self._start_at is not None and self._start_at <= at <= reached + MAX_AHEAD_S / 4

    def _read(self) -> None:
        try:
            with self._run as run:
                for item in run.items(self._since, skip_early_scrapes=self._since is not None):
                    self._wait_while_paused()
                    if self._is_stopped:
                        return
                    if isinstance(item, RecordedTick) and self._since is not None and item.reading.at < self._since:
                        continue
                    snapshot = self._feed.apply_item(item)
                    if snapshot is not None:
                        self._add_snapshot(snapshot)
                    self._run_actions()
                self.damage = tuple(run.damage)
        except BaseException as error:  # kept for the player, which has a thread that is looked at
            self.failure = error
        finally:
            self.is_done = True
            self._run_actions()
            if self._on_reached is not None:
                self._on_reached()

    def _add_snapshot(self, snapshot: Snapshot) -> None:
        if self._start_at is not None:
            if snapshot.at < self._start_at - 2 * self._interval_s:
                return  # it is not looked at, and packing it takes as long as deriving it
            snapshot = without_history(snapshot)
        replicas = dict(self._feed.pipeline.replicas)
        with self._lock:
            before = self._cache.newest_at
            self._cache.add(snapshot, replicas)
        if (
            self._on_reached is not None
            and (before is None or before < self._awaited_at)
            and snapshot.at >= self._awaited_at
        ):
            self._on_reached()

    def _wait_while_paused(self) -> None:
        self._may_read.wait()
        while (
            self._start_at is not None
            and not self._is_stopped
            and (self.newest_at or self._start_at) > self._awaited_at + MAX_AHEAD_S
        ):
            time.sleep(0.05)

    # ------------------------------------------------------------------------------------------ what is asked

    def run_action(self, action: Callable[[SnapshotPipeline], None]) -> None:
        """Do something with the monitor between two ticks."""
        self._pending_actions.append(action)
        if self.is_done:
            self._run_actions()

    def _run_actions(self) -> None:
        with contextlib.suppress(IndexError):  # another thread was quicker
            while self._pending_actions:
                self._pending_actions.popleft()(self._feed.pipeline)

    @property
    def newest_at(self) -> float | None:
        """The newest moment that was read; None before the first."""
        with self._lock:
            return self._cache.newest_at

    def shown_at(self, at: float) -> float | None:
        """The moment that was on screen at `at`; None before the first one."""
        with self._lock:
            return self._cache.shown_at(at)

    def snapshot_and_replicas(self, at: float) -> tuple[Snapshot, ReplicaTable] | None:
        """What was shown at a moment, with each replica's figures; None before the first one."""
        with self._lock:
            return self._cache.snapshot_and_extra(at)

    def history(self, name: str, columns: int, span_s: float, until: float) -> Sequence[float | None]:
        """A figure's mean in each of `columns` columns that end at a moment."""
        if columns <= 0:
            return []
        grain = distinct_columns(columns, span_s, self._interval_s)
        with self._lock:
            return repeat_values(self._feed.pipeline.history.column_values(name, until, span_s, grain), columns)

    def heatmap(self, service: str, columns: int, span_s: float, until: float) -> LatencyHeatmap | None:
        """Where a service's requests fell in each of `columns` columns that end at a moment."""
        with self._lock:
            return self._feed.pipeline.heatmaps.heatmap(service, columns, span_s, until)


def without_history(snapshot: Snapshot) -> Snapshot:
    """A snapshot without what rests on the time since the start: that was not read, so it is not known."""
    services = []
    for service in snapshot.services:
        traffic, errors, latency = service.traffic, service.errors, service.latency
        services.append(
            replace(
                service,
                traffic=traffic and replace(traffic, total=None, best_60s=None, minute=None, since_start=None),
                errors=errors and replace(errors, since_start=None),
                latency=latency and replace(latency, since_start=()),
                lifetime_s=None,
            )
        )
    objectives = tuple(replace(objective, for_s=None) for objective in snapshot.objectives)
    return replace(snapshot, services=tuple(services), objectives=objectives)

"""Buffer of a run's derived snapshots, from which a replay is shown.

The main buffer begins at the run's beginning. For a time that it has not reached, a second buffer
begins just before that time: its rates and quantiles are the same; totals since the start are left
out until they are known.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

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
from tputtui.signals.rates.past import Past, PastRequest
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.traffic_split import TrafficSplit

MAX_AHEAD_S: Final = 120.0
"""Seconds that a near buffer reads ahead of the time that is shown."""

MAX_FINE_CELLS: Final = 7_200
"""Seconds of the time axis that are kept at a resolution of 1 s: 115 kB a figure."""


@frozen
class ReplayChoices:
    """Choices of the user that change the derivation."""

    window_s: float | None = None
    breakdowns: tuple[str, ...] = ()  # a service for each time its next label was selected
    service_filter: ServiceFilter | None = None
    split: TrafficSplit | None = None


class ReplayBuffer:
    """Buffer that reads a run in a thread of its own and keeps every snapshot.

    May be used from any thread.
    """

    def __init__(
        self,
        run: Run,
        choices: ReplayChoices,
        end_at: float,
        *,
        start_at: float | None = None,
        on_reached: Callable[[], None] | None = None,
    ) -> None:
        """Create the buffer; a failure while reading is kept in `failure`.

        `end_at`: the time of the run's last reading. A near buffer begins just before `start_at`.
        `on_reached` runs in the buffer's thread when the awaited time is reached.
        """
        self.failure: BaseException | None = None
        self.is_done = False
        # damage found in the run, a sentence each; set once all of it was read
        self.damage: tuple[str, ...] = ()
        header = run.header
        self._run = run.duplicate()
        self._lock = threading.Lock()  # around the kept values
        self._interval_s = header.interval_s
        self._awaited_at = start_at if start_at is not None else float("-inf")
        self._on_reached = on_reached
        self._start_at = start_at
        window_s = max(choices.window_s or header.window_s, 2 * header.interval_s)
        self._since = start_at - window_s - 3 * header.interval_s if start_at is not None else None
        self._may_read = threading.Event()
        self._may_read.set()
        self._feed = ReplayFeed(header, choices.window_s, self._lock)
        pipeline = self._feed.pipeline
        fine = max(history.LEVELS[0][1], min(MAX_FINE_CELLS, int(end_at - header.began_at) + 60))
        pipeline.history = History(
            header.interval_s, levels=((history.LEVELS[0][0], fine), *history.LEVELS[1:])
        )
        for service in choices.breakdowns:
            pipeline.services.next_breakdown(service)
        pipeline.services.set_filter(choices.service_filter)
        pipeline.services.set_split(choices.split)
        self._cache = SnapshotCache()
        # requests deferred until the end of a tick
        self._pending_actions: deque[Callable[[SnapshotPipeline], None]] = deque()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._read, name="reel", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    def stop(self) -> None:
        """Stop reading. What was read stays."""
        self._is_stopped = True
        self._may_read.set()
        if self._thread.ident is None:
            self._run.close()

    def set_paused(self, is_paused: bool) -> None:
        """Pause or resume reading, so that another buffer gets the CPU."""
        (self._may_read.clear if is_paused else self._may_read.set)()

    def set_awaited(self, at: float) -> None:
        """Set the time to wait for; a near buffer pauses while it is far ahead of it."""
        self._awaited_at = at

    def has_read(self, at: float) -> bool:
        """Whether the reading shown at `at` has been read."""
        newest = self.newest_at
        return self.is_done or (
            newest is not None and newest >= at and (self._start_at is None or at >= self._start_at)
        )

    def covers(self, at: float) -> bool:
        """Whether a near buffer contains this time, or soon will."""
        reached = max(self.newest_at or 0.0, self._start_at or 0.0)
        return self._start_at is not None and self._start_at <= at <= reached + MAX_AHEAD_S / 4

    def _read(self) -> None:
        try:
            with self._run as run:
                for item in run.items(self._since, skip_early_scrapes=self._since is not None):
                    self._wait_while_paused()
                    if self._is_stopped:
                        return
                    if (
                        isinstance(item, RecordedTick)
                        and self._since is not None
                        and item.reading.at < self._since
                    ):
                        continue
                    snapshot = self._feed.apply_item(item)
                    if snapshot is not None:
                        self._add_snapshot(snapshot)
                    self._run_actions()
                self.damage = tuple(run.damage)
        except BaseException as error:  # kept for the player, which checks this thread
            self.failure = error
        finally:
            self.is_done = True
            self._run_actions()
            if self._on_reached is not None:
                self._on_reached()

    def _add_snapshot(self, snapshot: Snapshot) -> None:
        if self._start_at is not None:
            if snapshot.at < self._start_at - 2 * self._interval_s:
                return  # not shown, and packing it takes as long as deriving it
            snapshot = without_history(snapshot)
        replicas = dict(self._feed.pipeline.services.replicas)
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

    # ------------------------------------------------------------------------------- for the player

    def run_action(self, action: Callable[[SnapshotPipeline], None]) -> None:
        """Run an action with the pipeline between two ticks."""
        self._pending_actions.append(action)
        if self.is_done:
            self._run_actions()

    def _run_actions(self) -> None:
        with contextlib.suppress(IndexError):  # another thread took it
            while self._pending_actions:
                self._pending_actions.popleft()(self._feed.pipeline)

    @property
    def newest_at(self) -> float | None:
        """Time of the newest reading; None before the first."""
        with self._lock:
            return self._cache.newest_at

    def shown_at(self, at: float) -> float | None:
        """Time of the reading shown at `at`; None before the first one."""
        with self._lock:
            return self._cache.shown_at(at)

    def snapshot_and_replicas(self, at: float) -> tuple[Snapshot, ReplicaTable] | None:
        """Snapshot shown at a time, with each replica's figures; None before the first one."""
        with self._lock:
            return self._cache.snapshot_and_extra(at)

    def read_past(self, request: PastRequest, shown_at: float) -> Past:
        """Copy what a frame needs of the past up to the time that is shown."""
        with self._lock:
            return self._feed.pipeline.read_past(request, shown_at)


def without_history(snapshot: Snapshot) -> Snapshot:
    """Copy a snapshot without the values that depend on the time since the start, which was not
    read.
    """
    services = []
    for service in snapshot.services:
        traffic, errors, latency = service.traffic, service.errors, service.latency
        services.append(
            replace(
                service,
                traffic=traffic
                and replace(traffic, total=None, best_60s=None, mean_60s=None, since_start=None),
                errors=errors and replace(errors, since_start=None),
                latency=latency and replace(latency, since_start=()),
                lifetime_s=None,
            )
        )
    objectives = tuple(replace(objective, for_s=None) for objective in snapshot.objectives)
    return replace(snapshot, services=tuple(services), objectives=objectives)

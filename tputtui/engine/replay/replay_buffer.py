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

from tputtui.engine.column_cache import grain_of, spread
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

AHEAD_S: Final = 120.0
"""A reel that stands in reads so far beyond the moment that is shown, and no further."""

MOST_FINE: Final = 7_200
"""Seconds of the time axis that are kept at a resolution of 1 s: 230 kB a figure."""


@frozen
class ReplayChoices:
    """What the user chose that changes what is derived."""

    window_s: float | None = None
    breakdowns: tuple[str, ...] = ()  # a service for each time its next label was asked for
    lens: ServiceFilter | None = None
    split: TrafficSplit | None = None


class ReplayBuffer:
    """Reads a run in a thread of its own, and keeps every moment. Anything may be asked from any thread."""

    def __init__(
        self,
        run: Run,
        choices: ReplayChoices,
        end_at: float,
        *,
        before: float | None = None,
        came: Callable[[], None] | None = None,
    ) -> None:
        """`end_at`: the run's last moment. `before`: stand in from this moment on. `came` is called, in the reel's
        thread, when it comes to the moment it is awaited at. Raises nothing: what goes wrong later is its `failure`.
        """
        self.failure: BaseException | None = None
        self.done = False
        self.damage: tuple[str, ...] = ()  # what could not be read, a sentence each; once it is done
        header = run.header
        self._run = run.twin()
        self._guard = threading.Lock()  # around what is kept
        self._interval_s = header.interval_s
        self._awaited = before if before is not None else float("-inf")
        self._came = came
        self._begin = before
        window_s = max(choices.window_s or header.window_s, 2 * header.interval_s)
        self._since = before - window_s - 3 * header.interval_s if before is not None else None
        self._go = threading.Event()
        self._go.set()
        self._replayer = ReplayFeed(header, choices.window_s, self._guard)
        monitor = self._replayer.monitor
        fine = max(history.LEVELS[0][1], min(MOST_FINE, int(end_at - header.began_at) + 60))
        monitor.history = History(header.interval_s, levels=((history.LEVELS[0][0], fine), *history.LEVELS[1:]))
        for service in choices.breakdowns:
            monitor.next_breakdown(service)
        monitor.look_through(choices.lens)
        monitor.split(choices.split)
        self._tape = SnapshotCache()
        self._asked: deque[Callable[[SnapshotPipeline], None]] = deque()  # what waits for the end of a tick
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="reel", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no further. What was read stays."""
        self._stopped = True
        self._go.set()
        if self._thread.ident is None:
            self._run.close()

    def hold(self, held: bool) -> None:
        """Let another reel be quick: read nothing while `held`."""
        (self._go.clear if held else self._go.set)()

    def wait_at(self, at: float) -> None:
        """Say when the moment has come that is `at`; one that stands in waits while it is far ahead of it."""
        self._awaited = at

    def knows(self, at: float) -> bool:
        """Whether what was on screen at `at` has been read."""
        newest = self.read_to
        return self.done or (newest is not None and newest >= at and (self._begin is None or at >= self._begin))

    def covers(self, at: float) -> bool:
        """Whether one that stands in is for this moment, too, or soon will have read it."""
        reached = max(self.read_to or 0.0, self._begin or 0.0)
        return self._begin is not None and self._begin <= at <= reached + AHEAD_S / 4

    def _read(self) -> None:
        try:
            with self._run as run:
                for item in run.items(self._since, briefly=self._since is not None):
                    self._pause()
                    if self._stopped:
                        return
                    if isinstance(item, RecordedTick) and self._since is not None and item.reading.at < self._since:
                        continue
                    snapshot = self._replayer.take(item)
                    if snapshot is not None:
                        self._keep(snapshot)
                    self._answer()
                self.damage = tuple(run.damage)
        except BaseException as error:  # kept for the player, which has a thread that is looked at
            self.failure = error
        finally:
            self.done = True
            self._answer()
            if self._came is not None:
                self._came()

    def _keep(self, snapshot: Snapshot) -> None:
        if self._begin is not None:
            if snapshot.at < self._begin - 2 * self._interval_s:
                return  # it is not looked at, and packing it takes as long as deriving it
            snapshot = without_history(snapshot)
        replicas = dict(self._replayer.monitor.replicas)
        with self._guard:
            before = self._tape.newest
            self._tape.keep(snapshot, replicas)
        if self._came is not None and (before is None or before < self._awaited) and snapshot.at >= self._awaited:
            self._came()

    def _pause(self) -> None:
        self._go.wait()
        while self._begin is not None and not self._stopped and (self.read_to or self._begin) > self._awaited + AHEAD_S:
            time.sleep(0.05)

    # ------------------------------------------------------------------------------------------ what is asked

    def ask(self, act: Callable[[SnapshotPipeline], None]) -> None:
        """Do something with the monitor between two ticks."""
        self._asked.append(act)
        if self.done:
            self._answer()

    def _answer(self) -> None:
        with contextlib.suppress(IndexError):  # another thread was quicker
            while self._asked:
                self._asked.popleft()(self._replayer.monitor)

    @property
    def read_to(self) -> float | None:
        """The newest moment that was read; None before the first."""
        with self._guard:
            return self._tape.newest

    def moment(self, at: float) -> float | None:
        """The moment that was on screen at `at`; None before the first one."""
        with self._guard:
            return self._tape.moment(at)

    def shown(self, at: float) -> tuple[Snapshot, ReplicaTable] | None:
        """What was shown at a moment, with each replica's figures; None before the first one."""
        with self._guard:
            return self._tape.pair(at)

    def past(self, name: str, columns: int, span_s: float, until: float) -> Sequence[float | None]:
        """A figure's mean in each of `columns` columns that end at a moment."""
        if columns <= 0:
            return []
        grain = grain_of(columns, span_s, self._interval_s)
        with self._guard:
            return spread(self._replayer.monitor.history.column_values(name, until, span_s, grain), columns)

    def heat(self, service: str, columns: int, span_s: float, until: float) -> LatencyHeatmap | None:
        """Where a service's requests fell in each of `columns` columns that end at a moment."""
        with self._guard:
            return self._replayer.monitor.heat.heat(service, columns, span_s, until)


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

"""The engine: collectors and pipeline in a thread of their own, with their own event loop.

A stalled terminal blocks Textual's loop; neither a scrape nor a recording may be delayed by it.
Listeners are called on the engine's thread with each snapshot and must not block.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from tputtui.engine.cadence import Cadence
from tputtui.engine.column_cache import ColumnCache
from tputtui.engine.drilldown import ReplicaTable
from tputtui.engine.family_browser import Families
from tputtui.engine.live_feed import LiveFeed
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.recording_tap import RecordingTap
from tputtui.engine.snapshot_cache import SnapshotLog
from tputtui.model import Event, Reading, Scrape, SignalKind, Snapshot
from tputtui.recording.run_header import Mark
from tputtui.settings import Settings
from tputtui.settings.expressions import parse_objective
from tputtui.signals.classify import exporters
from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit
from tputtui.text import clean
from tputtui.text.redaction import redact_text

if TYPE_CHECKING:
    from tputtui.recording.recorder import Recorder

EARLY_TICK_S = 0.25
"""Seconds between ticks until every target has two scrapes or has failed, so that the screen fills
early.
"""

EARLY_FOR_S = 3.0
STOP_S = 3.0

MAX_PROFILE_BYTES = 3 * 1024 * 1024
"""Limit of a profile embedded in a run: a reader reads no line beyond 4 MiB."""

MAX_MEMORY_FAILURES = 10
"""Consecutive ticks that may run out of memory before the engine ends with that reason."""

TICK_WAIT = 0.1
"""Share of an interval for which a tick waits for a scrape under way whose target usually answers
promptly.
"""

Listener = Callable[[Snapshot], None]


def _on_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignore a broken transport, whose protocol gets the same error: asyncio would print it over
    the screen.
    """
    if "transport" not in context:
        loop.default_exception_handler(context)


class Engine:
    """Engine that collects from what the settings name, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # around the history and the log: written on this thread, read by the screen
        self._lock = threading.Lock()
        self.pipeline = SnapshotPipeline(
            interval_s=settings.interval_s,
            window_s=max(settings.window_s, 2 * settings.interval_s),
            quantiles=settings.quantiles,
            objectives=tuple(parse_objective(words) for words in settings.objectives),
            by=settings.by,
            lock=self._lock,
        )
        self.snapshot_log = SnapshotLog()
        self.recording_tap = RecordingTap()
        # exception that ended the engine, if it was not `stop`
        self.failure: BaseException | None = None
        self._feed: LiveFeed | None = None
        self._listeners: list[Listener] = []
        self._latest_snapshot: Snapshot | None = None
        self._memory_failures = 0  # consecutive ticks that ran out of memory
        self._has_logged_discovery = False
        self._reported_process_error = ""
        self._browsed_target: str | None = None  # target open in the metric browser
        self._families: Families | None = None
        self._column_cache = ColumnCache(self.pipeline.history, settings.interval_s)
        self._is_deriving = False  # a tick is being derived: the worker owns the pipeline
        self._deferred: list[Callable[[], None]] = []  # pipeline requests deferred until then
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main_task: asyncio.Task[None] | None = None
        self._last_tick_at: float | None = None  # when to make the last tick
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # ------------------------------------------------------------------------------------------ life

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every snapshot, on the engine's thread."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Start collecting."""
        self._thread.start()

    def stop(self) -> None:
        """Stop collecting and wait for the thread (bounded).

        May be called from any thread, and repeatedly.
        """
        loop = self._loop
        if loop is not None and self._main_task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                loop.call_soon_threadsafe(self._main_task.cancel)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(STOP_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._collect())
        except asyncio.CancelledError:
            pass
        except BaseException as error:  # kept for the caller: exceptions in threads go unnoticed
            self.failure = error

    async def _collect(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(_on_loop_exception)
        self._main_task = asyncio.current_task()
        # Loaded before connections use up the descriptors: an import needs some.
        exporters.all_entries()
        self._feed = LiveFeed(self.settings, self._wanted_names, self.pipeline)
        with ThreadPoolExecutor(1, "tick") as worker:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed.run())
                group.create_task(self._run_ticks(self._feed, worker))

    # ------------------------------------------------------------------------------------------ ticks

    def stop_at(self, at: float) -> None:
        """Make the last tick at `at` (monotonic seconds), and none after it."""
        self._last_tick_at = at

    async def _run_ticks(self, feed: LiveFeed, worker: Executor) -> None:
        interval = self.settings.interval_s
        began = time.monotonic()
        snapshot = await self._tick(feed, worker, 0)
        while not snapshot.is_ready and time.monotonic() - began < EARLY_FOR_S:
            await asyncio.sleep(min(EARLY_TICK_S, interval))
            snapshot = await self._tick(feed, worker, 0)
        cadence = Cadence(interval, time.monotonic(), feed.preferred_tick_time())
        while True:
            last = self._last_tick_at
            # skip a tick just before the last one: it would cover too short a span
            if last is not None and cadence.due > last - interval / 2:
                await asyncio.sleep(max(0.0, last - time.monotonic()))
                await self._tick(feed, worker, cadence.missed_ticks)
                return
            await asyncio.sleep(max(0.0, cadence.due - time.monotonic()))
            await feed.wait_for_answers(TICK_WAIT * interval)
            await self._tick(feed, worker, cadence.missed_ticks)
            cadence.on_tick(time.monotonic(), feed.preferred_tick_time())

    async def _tick(self, feed: LiveFeed, worker: Executor, missed_ticks: int) -> Snapshot:
        """Make one tick. Where memory runs out it is skipped, and the snapshot before it stays."""
        try:
            self._latest_snapshot = await self._read_and_derive(feed, worker, missed_ticks)
            self._memory_failures = 0
        except MemoryError:
            if self._latest_snapshot is None or self._memory_failures >= MAX_MEMORY_FAILURES:
                raise
            self._memory_failures += 1
        return self._latest_snapshot

    async def _read_and_derive(
        self, feed: LiveFeed, worker: Executor, missed_ticks: int
    ) -> Snapshot:
        """Collect a reading and derive a snapshot from it.

        It is derived outside the loop: a target with very many series must not delay the scrapes of
        the others.
        """
        targets = feed.targets
        for asked in targets:
            self.pipeline.add_target(
                asked.target, asked.settings.bindings, is_from_server=asked.is_from_server
            )
        self.pipeline.set_order([asked.target.name for asked in targets])
        if feed.discovery_sentence is not None and not self._has_logged_discovery:
            self._has_logged_discovery = True
            self._log_event(Event(time.time(), "note", feed.discovery_sentence))
        if (feed.process_read_error or "") != self._reported_process_error:
            self._reported_process_error = feed.process_read_error or ""
            if self._reported_process_error:
                self._log_event(
                    Event(
                        time.time(),
                        "warning",
                        f"the processes cannot be read: {self._reported_process_error}",
                    )
                )
        self.pipeline.selection.browse(self._browsed_target)
        reading = feed.read(missed_ticks)
        self._is_deriving = True
        try:
            loop = asyncio.get_running_loop()
            snapshot = await loop.run_in_executor(
                worker, self._derive_snapshot, feed, reading, feed.pop_backfill()
            )
        finally:
            self._is_deriving = False
        while self._deferred:
            self._deferred.pop(0)()
        for listener in self._listeners:
            listener(snapshot)
        return snapshot

    def _derive_snapshot(
        self, feed: LiveFeed, reading: Reading, backfill: Sequence[Scrape]
    ) -> Snapshot:
        looking = feed.is_discovering
        snapshot = self.pipeline.derive_snapshot(
            reading, is_discovering=looking, forgotten=feed.forgotten_names
        )
        self.pipeline.add_backfill(backfill)
        families = self.pipeline.selection.families()
        with self._lock:
            if backfill:
                self._column_cache.clear()
            self.snapshot_log.add(snapshot)
            self._column_cache.newest_at = snapshot.at
            self._families = families
        self.recording_tap.on_reading(reading, snapshot, self.pipeline, looking, backfill)
        return snapshot

    def _wanted_names(self, target: str) -> frozenset[str] | None:
        return (
            None
            if self.recording_tap.is_recording_all_metrics
            else self.pipeline.wanted_names(target)
        )

    def _log_event(self, event: Event) -> None:
        self.pipeline.log_event(event)
        self.recording_tap.on_event(event)

    # ------------------------------------------------------------------------------------------ recording

    def start_recording(self, recorder: Recorder) -> None:
        """Record all readings from now on; before `start`, from the first one on."""
        self._call_soon(
            partial(self.recording_tap.start, recorder)
        ) if self._loop else self.recording_tap.start(recorder)

    def stop_recording(self) -> Recorder | None:
        """Stop recording and return the recorder, to be closed by the caller.

        Waits until no reading is being recorded any more (bounded). Must not be called on the
        engine's thread.
        """
        if self._loop is None or self._loop.is_closed() or not self._thread.is_alive():
            return self.recording_tap.stop()
        ended: list[Recorder | None] = []
        done = threading.Event()

        def end() -> None:
            ended.append(self.recording_tap.stop())
            done.set()

        self._call_soon(end)
        done.wait(STOP_S)
        return ended[0] if ended else None

    def add_mark(self, mark_text: str, time_: float | None = None) -> None:
        """Add a mark: now, or at a unix time in the recent past."""
        self._call_soon(partial(self._add_mark, mark_text, time_))

    def _add_mark(self, mark_text: str, time_: float | None) -> None:
        now = time.time()
        time_ = now if time_ is None else time_
        mark = Mark(time_, time.monotonic() - (now - time_), clean(redact_text(mark_text), 500))
        self.pipeline.log_event(Event(time_, "mark", mark.text))
        self.recording_tap.on_mark(mark)

    def record_profile(
        self, time_: float, pid: int, name: str, document: bytes, top_function: str
    ) -> bool:
        """Embed a profile (a speedscope file) in the recorded run; False: too large to embed."""
        if len(document) > MAX_PROFILE_BYTES:
            return False
        at = time.monotonic() - (time.time() - time_)
        self._call_soon(
            partial(
                self.recording_tap.on_profile,
                time_,
                at,
                pid,
                name,
                json.loads(document),
                top_function,
            )
        )
        return True

    # ------------------------------------------------------------------------------------------ for the screen

    def history(
        self, figure: str, columns: int, span_s: float, until: float | None
    ) -> Sequence[float | None]:
        """Mean of a figure in each of `columns` columns of the last `span_s` seconds (or of those
        before `until`).
        """
        with self._lock:
            return self._column_cache.column_values(figure, columns, span_s, until)

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Snapshot that was shown at a time."""
        with self._lock:
            return self.snapshot_log.snapshot_at(at)

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles."""
        self._call_soon(partial(self.pipeline.set_window, seconds))

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""
        self._call_soon(partial(self.pipeline.services.next_breakdown, service))

    def heatmap(
        self, service: str, columns: int, span_s: float, until: float | None
    ) -> LatencyHeatmap | None:
        """Latency distribution of a service in each column of the time axis; None where it has no
        buckets.
        """
        with self._lock:
            end_at = self._column_cache.newest_at if until is None else until
            return (
                self.pipeline.heatmaps.heatmap(service, columns, span_s, end_at)
                if end_at is not None
                else None
            )

    def replicas(self) -> ReplicaTable:
        """Figures of each replica as of the newest tick, with its deviations from the others."""
        return self.pipeline.services.replicas

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service as an additional one from the next tick on; None removes it."""
        self._call_soon(partial(self.pipeline.services.set_filter, service_filter))

    def set_split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a traffic split from the next tick on; None removes them."""
        self._call_soon(partial(self.pipeline.services.set_split, split))

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        """Find out how a service may be split; `on_options` gets the result on the engine's
        thread.
        """
        self._call_soon(lambda: on_options(self.pipeline.services.find_split_options(service)))

    def browse(self, target: str | None) -> None:
        """Read all families of a target from the next tick on; None stops it."""
        self._browsed_target = target

    def families(self, target: str) -> Families | None:
        """Families of the browsed target; None before a complete scrape. Never waits for a tick."""
        found = self._families
        return found if found is not None and found.target == target else None

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        """Figures of a family in the last `columns` scrapes of the browsed target.

        Never waits for a tick.
        """
        return self.pipeline.selection.family_history(family, columns)

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Chart a (target, family) on the time axis from now on; None removes it."""
        self._call_soon(partial(self.pipeline.selection.chart_family, charted))

    def bind_signal(self, target: str, slot: SignalKind, family: str) -> None:
        """Bind a signal of a target, and of its replicas, to a family from now on."""
        self._call_soon(partial(self._bind, target, slot, family))

    def _bind(self, target: str, signal: SignalKind, family: str) -> None:
        with self._lock:
            self.pipeline.bind_signal(target, signal, family, time.time())
            self._families = self.pipeline.selection.families()

    def set_processes_enabled(self, is_enabled: bool) -> None:
        """Enable or disable reading the process table: it is not read while hidden."""
        if self._feed is not None:
            self._feed.is_reading_all_processes = is_enabled

    def watch_processes(self, pids: frozenset[int]) -> None:
        """Also read the control groups of these processes."""
        if self._feed is not None:
            self._feed.watched_pids = pids

    def log_event(self, event: Event) -> None:
        """Add an event to the event log."""
        self._call_soon(partial(self._log_event, event))

    def _call_soon(self, action: Callable[[], None]) -> None:
        """Call `action` on the engine's thread, never while a tick is being derived.

        Before `start`, it runs after the first tick.
        """
        loop = self._loop
        if loop is None:
            self._deferred.append(action)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(
                lambda: self._deferred.append(action) if self._is_deriving else action()
            )

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
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from tputtui.engine.drilldown import ReplicaTable
from tputtui.engine.family_browser import Families
from tputtui.engine.live_feed import LiveFeed
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.snapshot_cache import SnapshotLog
from tputtui.engine.tick_schedule import CallQueue, TickLoop
from tputtui.model import Event, Reading, Scrape, SignalKind, Snapshot
from tputtui.recording.records import Mark
from tputtui.settings import Settings
from tputtui.settings.expressions import parse_objective
from tputtui.signals.classify import exporters
from tputtui.signals.rates.past import Past, PastRequest
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit
from tputtui.text import clean
from tputtui.text.redaction import redact_text

if TYPE_CHECKING:
    from tputtui.recording.recorder import Recorder

STOP_S = 3.0

MAX_PROFILE_BYTES = 3 * 1024 * 1024
"""Limit of a profile embedded in a run: a reader reads no line beyond 4 MiB."""

MAX_MEMORY_FAILURES = 10
"""Consecutive ticks that may run out of memory before the engine ends with that reason."""

MAX_MARKS = 1000

Listener = Callable[[Snapshot], None]


def _on_loop_exception(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Ignore a broken transport: asyncio would print over the screen what its protocol gets."""
    if "transport" not in context:
        loop.default_exception_handler(context)


class Engine:
    """Engine that collects from what the settings name, from `start` to `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        # around the history and the log: written on this thread, copied from by the screen's
        self._lock = threading.Lock()
        self.pipeline = SnapshotPipeline(
            interval_s=settings.interval_s,
            window_s=max(settings.window_s, 2 * settings.interval_s),
            quantiles=settings.quantiles,
            objectives=tuple(parse_objective(text) for text in settings.objectives),
            by=settings.by,
            lock=self._lock,
        )
        self.snapshot_log = SnapshotLog()
        self.recorder: Recorder | None = None  # set on the engine's thread, once it runs
        self.marks: deque[Mark] = deque(maxlen=MAX_MARKS)  # recorded or not
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
        self._newest_at: float | None = None  # `at` of the newest tick
        self._calls = CallQueue()
        self._main_task: asyncio.Task[None] | None = None
        self._tick_loop = TickLoop(settings.interval_s)
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # ------------------------------------------------------------------------------- start and stop

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
        task = self._main_task
        if task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has closed already
                task.get_loop().call_soon_threadsafe(task.cancel)
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
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_on_loop_exception)
        self._calls.open(loop)
        self._main_task = asyncio.current_task()
        # Loaded before connections use up the descriptors: an import needs some.
        exporters.all_entries()
        self._feed = LiveFeed(self.settings, self._wanted_names, self.pipeline)
        with ThreadPoolExecutor(1, "tick") as worker:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._feed.run())
                make_tick = partial(self._tick, self._feed, worker)
                group.create_task(self._tick_loop.run(self._feed.poller, make_tick))

    # ---------------------------------------------------------------------------------------- ticks

    def stop_at(self, at: float) -> None:
        """Make the last tick at `at` (monotonic seconds), and none after it."""
        self._tick_loop.last_tick_at = at

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
        for polled in targets:
            self.pipeline.add_target(
                polled.target, polled.settings.bindings, is_from_server=polled.is_from_server
            )
        self.pipeline.set_order([polled.target.name for polled in targets])
        self._log_feed_events(feed)
        self.pipeline.selection.browse(self._browsed_target)
        reading = feed.read(missed_ticks)
        self._calls.begin_tick()
        try:
            snapshot = await asyncio.get_running_loop().run_in_executor(
                worker, self._derive_snapshot, feed, reading, feed.pop_backfill()
            )
        finally:
            self._calls.end_tick()
        self._calls.run_deferred()
        for listener in self._listeners:
            listener(snapshot)
        return snapshot

    def _log_feed_events(self, feed: LiveFeed) -> None:
        """Log what discovery searched, once, and each new error of the process table."""
        if feed.discovery_sentence is not None and not self._has_logged_discovery:
            self._has_logged_discovery = True
            self._log_event(Event(time.time(), "note", feed.discovery_sentence))
        process_error = feed.process_read_error or ""
        if process_error != self._reported_process_error:
            self._reported_process_error = process_error
            if process_error:
                sentence = f"the processes cannot be read: {process_error}"
                self._log_event(Event(time.time(), "warning", sentence))

    def _derive_snapshot(
        self, feed: LiveFeed, reading: Reading, backfill: Sequence[Scrape]
    ) -> Snapshot:
        is_discovering = feed.is_discovering
        snapshot = self.pipeline.derive_snapshot(
            reading, is_discovering=is_discovering, forgotten=feed.forgotten_names
        )
        self.pipeline.add_backfill(backfill)
        families = self.pipeline.selection.families()
        with self._lock:
            self.snapshot_log.add(snapshot)
            self._newest_at = snapshot.at
            self._families = families
        recorder = self.recorder
        if recorder is not None:
            recorder.record_reading(
                reading,
                snapshot,
                self.pipeline.target_facts(),
                is_discovering,
                self.pipeline.services.filtered_service_name,
                backfill,
            )
        return snapshot

    def _wanted_names(self, target: str) -> frozenset[str] | None:
        recorder = self.recorder
        if recorder is not None and recorder.plan.all_metrics:
            return None
        return self.pipeline.wanted_names(target)

    def _log_event(self, event: Event) -> None:
        """Log an event that cannot be derived from a reading, and record it."""
        self.pipeline.log_event(event)
        if self.recorder is not None and event.kind != "mark":
            self.recorder.record_event(event)

    # ------------------------------------------------------------------------------------ recording

    def start_recording(self, recorder: Recorder) -> None:
        """Record all readings from now on; before `start`, from the first one on."""
        if self._calls.is_open:
            self._calls.call_soon(partial(self._set_recorder, recorder))
        else:
            self._set_recorder(recorder)

    def _set_recorder(self, recorder: Recorder | None) -> None:
        self.recorder = recorder

    def _remove_recorder(self) -> Recorder | None:
        recorder, self.recorder = self.recorder, None
        return recorder

    def stop_recording(self) -> Recorder | None:
        """Stop recording and return the recorder, to be closed by the caller.

        Waits until no reading is being recorded any more (bounded). Must not be called on the
        engine's thread.
        """
        if not self._calls.is_open or self._calls.is_closed or not self._thread.is_alive():
            return self._remove_recorder()
        stopped: list[Recorder | None] = []
        is_stopped = threading.Event()

        def stop() -> None:
            stopped.append(self._remove_recorder())
            is_stopped.set()

        self._calls.call_soon(stop)
        is_stopped.wait(STOP_S)
        return stopped[0] if stopped else None

    def add_mark(self, mark_text: str, time_: float | None = None) -> None:
        """Add a mark: now, or at a unix time in the recent past."""
        self._calls.call_soon(partial(self._add_mark, mark_text, time_))

    def _add_mark(self, mark_text: str, time_: float | None) -> None:
        now = time.time()
        time_ = now if time_ is None else time_
        mark = Mark(time_, time.monotonic() - (now - time_), clean(redact_text(mark_text), 500))
        self.pipeline.log_event(Event(time_, "mark", mark.text))
        self.marks.append(mark)
        if self.recorder is not None:
            self.recorder.record_mark(mark)

    def record_profile(
        self, time_: float, pid: int, name: str, document: bytes, top_function: str
    ) -> bool:
        """Embed a profile (a speedscope file) in the recorded run; False: too large to embed."""
        if len(document) > MAX_PROFILE_BYTES:
            return False
        at = time.monotonic() - (time.time() - time_)
        profile = json.loads(document)

        def record() -> None:
            if self.recorder is not None:
                self.recorder.record_profile(time_, at, pid, name, profile, top_function)

        self._calls.call_soon(record)
        return True

    # ------------------------------------------------------------------------------- for the screen

    def read_past(self, request: PastRequest) -> Past:
        """Copy what a frame needs of the past; nothing before the first tick."""
        with self._lock:
            if self._newest_at is None:
                return Past()
            return self.pipeline.read_past(request, self._newest_at)

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Snapshot that was shown at a time."""
        with self._lock:
            return self.snapshot_log.snapshot_at(at)

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles."""
        self._calls.call_soon(partial(self.pipeline.set_window, seconds))

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""
        self._calls.call_soon(partial(self.pipeline.services.next_breakdown, service))

    def replicas(self) -> ReplicaTable:
        """Figures of each replica as of the newest tick, with its deviations from the others."""
        return self.pipeline.services.replicas

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service as an additional one from the next tick on; None removes it."""
        self._calls.call_soon(partial(self.pipeline.services.set_filter, service_filter))

    def set_split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a traffic split from the next tick on; None removes them."""
        self._calls.call_soon(partial(self.pipeline.services.set_split, split))

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        """Find out how a service may be split; `on_options` gets the result on the engine's
        thread.
        """
        self._calls.call_soon(
            lambda: on_options(self.pipeline.services.find_split_options(service))
        )

    def browse(self, target: str | None) -> None:
        """Read all families of a target from the next tick on; None stops it."""
        self._browsed_target = target

    def families(self, target: str) -> Families | None:
        """Families of the browsed target; None before a complete scrape. Never waits for a tick."""
        families = self._families
        return families if families is not None and families.target == target else None

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        """Figures of a family in the last `columns` scrapes of the browsed target.

        Never waits for a tick.
        """
        return self.pipeline.selection.family_history(family, columns)

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Chart a (target, family) on the time axis from now on; None removes it."""
        self._calls.call_soon(partial(self.pipeline.selection.chart_family, charted))

    def bind_signal(self, target: str, slot: SignalKind, family: str) -> None:
        """Bind a signal of a target, and of its replicas, to a family from now on."""
        self._calls.call_soon(partial(self._bind, target, slot, family))

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
        self._calls.call_soon(partial(self._log_event, event))

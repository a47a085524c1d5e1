"""Proxy that imports the engine on start: the first paint does not wait for collectors and
classification.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tputtui.model import Event, SignalKind, Snapshot
from tputtui.settings import Settings
from tputtui.signals.rates.past import Past, PastRequest

if TYPE_CHECKING:
    from tputtui.engine.drilldown import ReplicaTable
    from tputtui.engine.engine import Engine
    from tputtui.engine.family_browser import Families
    from tputtui.recording.recorder import Recorder
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit


class EngineProxy:
    """Engine proxy that imports and starts the real engine, then forwards every call to it.

    Requests from before then are sent once the engine is there; questions get an empty answer.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._is_stopped = False
        self._pending: list[
            Callable[[Engine], None]
        ] = []  # requests from before the engine existed
        self._pending_recorder: Recorder | None = None  # the same; stop_recording takes it back
        self._lock = threading.Lock()  # calls come while the engine is being loaded

    @property
    def failure(self) -> BaseException | None:
        """Exception that ended the engine, or kept it from starting."""
        return self._failure or (self._engine.failure if self._engine is not None else None)

    def subscribe(self, listener: Callable[[Snapshot], None]) -> None:
        """Call `listener` with every snapshot, on the engine's thread."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Import and start the engine, in a thread."""
        threading.Thread(target=self._load, name="engine loader", daemon=True).start()

    def _load(self) -> None:
        try:
            from tputtui.engine.engine import Engine

            engine = Engine(self._settings)
        except BaseException as error:
            self._failure = error
            return
        for listener in self._listeners:
            engine.subscribe(listener)
        with self._lock:
            if not self._is_stopped:
                for request in self._pending:
                    request(engine)
                if self._pending_recorder is not None:
                    engine.start_recording(self._pending_recorder)
                engine.start()
                self._engine = engine

    def stop(self) -> None:
        """Stop collecting, and wait for the end (bounded)."""
        with self._lock:
            self._is_stopped = True
        if self._engine is not None:
            self._engine.stop()

    def _request(self, request: Callable[[Engine], None]) -> None:
        """Send a request to the engine, or keep it until the engine is loaded."""
        with self._lock:
            if self._engine is not None:
                request(self._engine)
            else:
                self._pending.append(request)

    def read_past(self, request: PastRequest) -> Past:
        """Copy what a frame needs of the past; nothing before the engine exists."""
        return Past() if self._engine is None else self._engine.read_past(request)

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Snapshot that was shown at a time."""
        return None if self._engine is None else self._engine.snapshot_at(at)

    def set_processes_enabled(self, is_enabled: bool) -> None:
        """Enable or disable reading the process table."""
        self._request(lambda engine: engine.set_processes_enabled(is_enabled))

    def watch_processes(self, pids: frozenset[int]) -> None:
        """Also read the control groups of these processes."""
        self._request(lambda engine: engine.watch_processes(pids))

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles."""
        self._request(lambda engine: engine.set_window(seconds))

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""
        self._request(lambda engine: engine.next_breakdown(service))

    def replicas(self) -> ReplicaTable:
        """Figures of each replica, with its deviations from the others."""
        return {} if self._engine is None else self._engine.replicas()

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service, or remove it."""
        self._request(lambda engine: engine.set_filter(service_filter))

    def set_split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a traffic split, or remove them."""
        self._request(lambda engine: engine.set_split(split))

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        """Find out how a service may be split."""
        self._request(lambda engine: engine.find_split_options(service, on_options))

    def browse(self, target: str | None) -> None:
        """Read all families of a target, or stop it."""
        self._request(lambda engine: engine.browse(target))

    def families(self, target: str) -> Families | None:
        """Families of the browsed target."""
        return None if self._engine is None else self._engine.families(target)

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        """Most recent figures of a family."""
        return (
            [None] * columns
            if self._engine is None
            else self._engine.family_history(family, columns)
        )

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Chart a (target, family) on the time axis, or remove it."""
        self._request(lambda engine: engine.chart_family(charted))

    def bind_signal(self, target: str, signal: SignalKind, family: str) -> None:
        """Bind a signal to a family from now on."""
        self._request(lambda engine: engine.bind_signal(target, signal, family))

    def start_recording(self, recorder: Recorder) -> None:
        """Record all readings from now on."""
        with self._lock:
            if self._engine is not None:
                self._engine.start_recording(recorder)
            else:
                self._pending_recorder = recorder

    def stop_recording(self) -> Recorder | None:
        """Stop recording."""
        with self._lock:
            recorder, self._pending_recorder = self._pending_recorder, None
        return recorder if self._engine is None else self._engine.stop_recording()

    def add_mark(self, mark_text: str, time_: float | None = None) -> None:
        """Add a mark."""
        self._request(lambda engine: engine.add_mark(mark_text, time_))

    def record_profile(
        self, time_: float, pid: int, name: str, document: bytes, top_function: str
    ) -> bool:
        """Embed a profile in the recorded run."""
        return self._engine is None or self._engine.record_profile(
            time_, pid, name, document, top_function
        )

    def log_event(self, event: Event) -> None:
        """Add an event to the event log."""
        self._request(lambda engine: engine.log_event(event))

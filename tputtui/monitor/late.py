"""An engine that is loaded when it is started: the first picture does not wait for collectors and classification."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tputtui.model import Snapshot
from tputtui.settings import Settings

if TYPE_CHECKING:
    from tputtui.monitor.engine import Engine


class LateEngine:
    """Stands for an engine until there is one, then passes everything on to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._engine: Engine | None = None
        self._failure: BaseException | None = None
        self._stopped = False
        self._lock = threading.Lock()  # stop may come while the engine is being loaded

    def __getattr__(self, name: str) -> Any:
        if self._engine is None:
            raise AttributeError(name)
        return getattr(self._engine, name)

    @property
    def failure(self) -> BaseException | None:
        """What ended the engine, or kept it from starting."""
        return self._failure or (self._engine.failure if self._engine is not None else None)

    def subscribe(self, listener: Callable[[Snapshot], None]) -> None:
        """Call `listener` with every snapshot, on the engine's thread."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Load and start the engine, in a thread."""
        threading.Thread(target=self._load, name="engine loader", daemon=True).start()

    def _load(self) -> None:
        try:
            from tputtui.monitor.engine import Engine

            engine = Engine(self._settings)
        except BaseException as error:
            self._failure = error
            return
        for listener in self._listeners:
            engine.subscribe(listener)
        with self._lock:
            if not self._stopped:
                engine.start()
                self._engine = engine

    def stop(self) -> None:
        """End collecting, and wait for the end (bounded)."""
        with self._lock:
            self._stopped = True
        if self._engine is not None:
            self._engine.stop()

    def past(self, name: str, columns: int, span_s: float, until: float | None) -> Sequence[float | None]:
        """A figure's columns; all unknown before there is an engine."""
        return [None] * columns if self._engine is None else self._engine.past(name, columns, span_s, until)

    def snapshot_at(self, at: float) -> Snapshot | None:
        """What was shown at a moment."""
        return None if self._engine is None else self._engine.snapshot_at(at)

    def want_processes(self, wanted: bool) -> None:
        """Whether the process table is looked at."""
        if self._engine is not None:
            self._engine.want_processes(wanted)

    def watch(self, pids: frozenset[int]) -> None:
        """Read these processes' control groups, too."""
        if self._engine is not None:
            self._engine.watch(pids)

    def set_window(self, seconds: float) -> None:
        """Another window for rates and quantiles."""
        if self._engine is not None:
            self._engine.set_window(seconds)

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""
        if self._engine is not None:
            self._engine.next_breakdown(service)

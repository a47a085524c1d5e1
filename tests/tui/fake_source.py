"""Source without an engine: it shows the sample snapshot and records the calls of the screen."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import samples
from textual.pilot import Pilot

from tputtui.model import Snapshot
from tputtui.settings import Settings, TargetSettings
from tputtui.signals.rates.past import Past, PastRequest
from tputtui.signals.service.replicas import ReplicaFigures
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.session import ScreenEnvironment


class FakeSource:
    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot or samples.snapshot()
        self.failure: BaseException | None = None
        self.calls: list[tuple[str, Any]] = []
        self._listeners: list[Callable[[Snapshot], None]] = []

    def subscribe(self, listener: Callable[[Snapshot], None]) -> None:
        self._listeners.append(listener)

    def start(self) -> None:
        self.tick(0.0)

    def stop(self) -> None:
        self.calls.append(("stop", None))

    def tick(self, seconds: float = 1.0, **changes: Any) -> None:
        """Deliver the next snapshot."""
        self.snapshot = replace(
            self.snapshot,
            time=self.snapshot.time + seconds,
            at=self.snapshot.at + seconds,
            **changes,
        )
        for listener in self._listeners:
            listener(self.snapshot)

    def read_past(self, request: PastRequest) -> Past:
        self.calls.append(("past", (request.span_s, request.until)))
        return self.past_of(request)

    def past_of(self, request: PastRequest) -> Past:
        """The past of these names alone: a panel that draws another one fails."""
        has_heatmap = "checkout" in request.names.heatmaps
        return samples.SamplePast(request=request, heatmap=samples.heat if has_heatmap else None)

    def snapshot_at(self, at: float) -> Snapshot | None:
        self.calls.append(("snapshot_at", at))
        return replace(self.snapshot, at=at, time=samples.NOON + at - 5000.0)

    def set_window(self, seconds: float) -> None:
        self.calls.append(("window", seconds))

    def next_breakdown(self, service: str) -> None:
        self.calls.append(("breakdown", service))

    def set_processes_enabled(self, is_enabled: bool) -> None:
        self.calls.append(("processes", is_enabled))

    def watch_processes(self, pids: frozenset[int]) -> None:
        self.calls.append(("watch", pids))

    def replicas(self) -> Mapping[str, ReplicaFigures]:
        return samples.replicas()

    def __getattr__(self, name: str) -> Any:
        """Record any other call of an engine's method, and return None."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *words: self.calls.append((name, words))

    def calls_of(self, what: str) -> list[Any]:
        return [value for name, value in self.calls if name == what]


def create_app(
    source: FakeSource | None = None, theme: str = "dark", **settings: Any
) -> TputtuiApp:
    """Create the app on a fake source."""
    themes = tuple(theme_files.theme_folders())
    place = ScreenEnvironment("web-01", 0.0, Path(tempfile.gettempdir()) / "tputtui-tests", themes)
    chosen = Settings(
        targets=(TargetSettings(name="web-01", url="http://127.0.0.1:8000/metrics"),), **settings
    )
    return TputtuiApp(
        chosen,
        Capabilities.of_live(source or FakeSource()),
        palette.load_palette(theme, themes),
        place,
    )


def frame(app: TputtuiApp) -> str:
    """Return the text of the screen.

    The only function that reads Textual's compositor.
    """
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


async def wait_until_stable(app: TputtuiApp, pilot: Pilot[int]) -> str:
    """Wait until the screen shows the first snapshot and no longer changes, and return its text."""
    before = ""
    for _ in range(200):
        await pilot.pause(0.05)
        shown = frame(app)
        if shown == before and app.session.latest is not None and app.session.latest.services:
            return shown
        before = shown
    raise AssertionError("the picture does not settle")

"""b and B: what the figures of all panels are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tputtui.signals import names
from tputtui.views.baseline import Base, Baseline, base
from tputtui.views.scene import Scene

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp

_MOST_WINDOWS = 120


class BaselineCommands:
    """Takes the window that is shown, now or at the moment one looks back at."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk

    def do_baseline(self) -> None:
        """b."""
        scene = self._desk.scene()
        figures = taken(scene) if scene is not None else {}
        if scene is None or not figures:
            self._desk.say("nothing to hold against yet: no figures in the window")
            return
        self._desk.look(baseline=Baseline(f"vs {scene.clock(scene.snapshot.time)}", figures))
        sure = any(found.within is not None for found in figures.values())
        words = "" if sure else "; the axis is too short to judge chance"
        self._desk.say(f"baseline {scene.clock(scene.snapshot.time)}, B clears it{words}")

    def do_forget_baseline(self) -> None:
        """B."""
        before = self._desk.viewpoint.baseline
        self._desk.look(baseline=None)
        self._desk.say(
            "no baseline: figures stand beside those since start" if before else "there is no baseline: b sets one"
        )


def taken(scene: Scene) -> dict[str, Base]:
    """The figures of every service in the window, and how far windows on the time axis differ."""
    columns = max(1, min(_MOST_WINDOWS, int(scene.viewpoint.shown_span_s / scene.snapshot.window_s)))
    found: dict[str, Base | None] = {}
    for service in scene.snapshot.services:
        values: dict[str, float | None] = {}
        if service.traffic is not None:
            values[names.traffic(service.name)] = service.traffic.rps
        if service.errors is not None:
            values[names.errors(service.name)] = service.errors.ratio
        for quantile in service.latency.quantiles if service.latency is not None else ():
            values[names.latency(service.name, quantile.q)] = None if quantile.at_least else quantile.value
        found |= {name: base(value, scene.past(name, columns)) for name, value in values.items() if value is not None}
    return {name: one for name, one in found.items() if one is not None}

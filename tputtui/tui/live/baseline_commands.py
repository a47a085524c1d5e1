"""b and B: what the figures of all panels are held against, and how they have differed since."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.experiments.confidence_sequence import SequenceResult, judge
from tputtui.tui.live.comparison_rows import JudgedFigures, rows_since
from tputtui.views.shared.comparison_base import (
    FEWEST_WINDOWS,
    Baseline,
    BaselineFigure,
    base,
    base_of_span,
    figures_of,
    row_s,
)
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.model import Snapshot
    from tputtui.recording.run_header import Mark
    from tputtui.tui.app import TputtuiApp

_MOST_WINDOWS = 120


class BaselineCommands:
    """Takes the window that is shown, now or at the moment one looks back at; or the span between two marks."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk
        self._judged: JudgedFigures[SequenceResult | None] = JudgedFigures(desk)
        self._said = False  # what the baseline is of was looked at

    def saw(self, snapshot: Snapshot) -> None:
        """Say so, once, where a run that is held against is of services that are not watched."""
        baseline = self._desk.viewpoint.baseline
        if self._said or baseline is None or not baseline.of_run or not snapshot.ready:
            return
        now = figures_of(snapshot)
        self._said = bool(now)
        if now and not baseline.figures.keys() & now.keys():
            held = {name.split("/")[1] for name in baseline.figures if name.startswith("traffic/")}
            words = ", ".join(sorted(held)) or "no service"
            self._desk.say(
                f"the baseline is of {words}, which is not watched: a target's name in the config makes it so"
            )

    def do_baseline(self) -> None:
        """b."""
        scene = self._desk.scene()
        figures = taken(scene) if scene is not None else {}
        if scene is None or not figures:
            self._desk.say("nothing to hold against yet: no figures in the window")
            return
        self._desk.look(baseline=Baseline(f"vs {scene.clock(scene.snapshot.time)}", figures, scene.snapshot.at))
        sure = any(found.within is not None for found in figures.values())
        needed = text.span(FEWEST_WINDOWS * scene.snapshot.window_s)
        words = "" if sure else f"; what chance does is known from {needed} on"
        self._desk.say(f"baseline {scene.clock(scene.snapshot.time)}, B clears it{words}")

    def do_forget_baseline(self) -> None:
        """B."""
        before = self._desk.viewpoint.baseline
        self._desk.look(baseline=None)
        self._desk.say(
            "no baseline: figures stand beside those since start" if before else "there is no baseline: b sets one"
        )

    def take_span(self, first: Mark, last: Mark) -> None:
        """The span between two marks becomes the baseline."""
        scene = self._desk.scene()
        if scene is None:
            return
        words = text.clean(f"{first.text}..{last.text}", 60)
        wide = row_s(scene.snapshot.window_s, scene.snapshot.interval_s)
        rows = floor((last.at - first.at) / wide)
        if rows < 1:
            self._desk.say(f"{words}: shorter than a window of {text.span(wide)}: no baseline")
            return
        figures = {}
        for name, (_, unit) in figures_of(scene.snapshot).items():
            values = self._desk.source.past(name, rows, rows * wide, last.at)
            found = base_of_span([value for value in values if value is not None], wide, unit)
            if found is not None:
                figures[name] = found
        if not figures:
            self._desk.say(f"{words}: nothing is remembered of it: no baseline")
            return
        self._desk.look(baseline=Baseline(f"vs {words}", figures, last.at))
        self._desk.say(f"baseline {words}, {text.span(rows * wide)}, B clears it")

    def judge(self, figure: str) -> SequenceResult | None:
        """All since the baseline against it; None where that is too little, or the baseline's own chance is not known.

        It is told anew when a row has been filled, not at every tick.
        """
        baseline = self._desk.viewpoint.baseline
        found = baseline.figures.get(figure) if baseline is not None else None
        if baseline is None or found is None or found.half is None:
            return None
        rows, level, half = rows_since(self._desk, baseline.since), found.value, found.half
        if rows is None or rows.count < 1:
            return None

        def told() -> SequenceResult | None:
            values = [value for value in rows.values(self._desk, figure) if value is not None]
            return judge(level, half, values, rows.wide)

        return self._judged.of(figure, (found, rows), told)


def taken(scene: Frame) -> dict[str, BaselineFigure]:
    """The figures of every service in the window, and how far windows on the time axis differ."""
    columns = max(1, min(_MOST_WINDOWS, int(scene.viewpoint.shown_span_s / scene.snapshot.window_s)))
    found = {
        name: base(value, scene.past(name, columns), unit) for name, (value, unit) in figures_of(scene.snapshot).items()
    }
    return {name: one for name, one in found.items() if one is not None}

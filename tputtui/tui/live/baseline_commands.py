"""b and B: what the figures of all panels are held against, and how they have differed since."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.experiments.confidence_sequence import SequenceResult, evaluate_sequence
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.live.comparison_rows import FigureCache, rows_since
from tputtui.views.shared.comparison_base import (
    MIN_WINDOWS,
    Baseline,
    BaselineFigure,
    figure_from_rows,
    figure_from_windows,
    row_width_s,
    snapshot_figures,
)
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.model import Snapshot
    from tputtui.recording.run_header import Mark
    from tputtui.tui.session import Session

_MAX_WINDOWS = 120


class BaselineCommands:
    """Takes the window that is shown, now or at the moment one looks back at; or the span between two marks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._results: FigureCache[SequenceResult | None] = FigureCache(session)
        self._has_warned = False  # what the baseline is of was looked at

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Say so, once, where a run that is held against is of services that are not watched."""
        baseline = self._session.view_state.baseline
        if (
            self._has_warned
            or baseline is None
            or not baseline.is_from_run
            or not snapshot.is_ready
        ):
            return
        now = snapshot_figures(snapshot)
        self._has_warned = bool(now)
        if now and not baseline.figures.keys() & now.keys():
            held = {name.split("/")[1] for name in baseline.figures if name.startswith("traffic/")}
            words = ", ".join(sorted(held)) or "no service"
            self._session.show_status(
                f"the baseline is of {words}, which is not watched: a target's name in the config makes it so"
            )

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.BASELINE: self.set_baseline,
            CommandId.FORGET_BASELINE: self.clear_baseline,
        }

    def set_baseline(self) -> None:
        """Compare all figures with those of the shown window."""
        frame = self._session.current_frame()
        figures = window_figures(frame) if frame is not None else {}
        if frame is None or not figures:
            self._session.show_status("nothing to hold against yet: no figures in the window")
            return
        self._session.update_view(
            baseline=Baseline(
                f"vs {frame.format_clock(frame.snapshot.time)}", figures, frame.snapshot.at
            )
        )
        sure = any(found.window_margin is not None for found in figures.values())
        needed = text.format_duration(MIN_WINDOWS * frame.snapshot.window_s)
        words = "" if sure else f"; what chance does is known from {needed} on"
        self._session.show_status(
            f"baseline {frame.format_clock(frame.snapshot.time)}, B clears it{words}"
        )

    def clear_baseline(self) -> None:
        """Show the figures since start again."""
        before = self._session.view_state.baseline
        self._session.update_view(baseline=None)
        self._session.show_status(
            "no baseline: figures stand beside those since start"
            if before
            else "there is no baseline: b sets one"
        )

    def set_span_baseline(self, first: Mark, last: Mark) -> None:
        """The span between two marks becomes the baseline."""
        frame = self._session.current_frame()
        if frame is None:
            return
        words = text.clean(f"{first.text}..{last.text}", 60)
        wide = row_width_s(frame.snapshot.window_s, frame.snapshot.interval_s)
        rows = floor((last.at - first.at) / wide)
        if rows < 1:
            self._session.show_status(
                f"{words}: shorter than a window of {text.format_duration(wide)}: no baseline"
            )
            return
        figures = {}
        for name, (_, unit) in snapshot_figures(frame.snapshot).items():
            values = self._session.history(name, rows, rows * wide, last.at)
            found = figure_from_rows([value for value in values if value is not None], wide, unit)
            if found is not None:
                figures[name] = found
        if not figures:
            self._session.show_status(f"{words}: nothing is remembered of it: no baseline")
            return
        self._session.update_view(baseline=Baseline(f"vs {words}", figures, last.at))
        self._session.show_status(
            f"baseline {words}, {text.format_duration(rows * wide)}, B clears it"
        )

    def evaluate(self, figure: str) -> SequenceResult | None:
        """All since the baseline against it; None where that is too little, or the baseline's own chance is not known.

        It is told anew when a row has been filled, not at every tick.
        """
        baseline = self._session.view_state.baseline
        found = baseline.figures.get(figure) if baseline is not None else None
        if baseline is None or found is None or found.half_width is None:
            return None
        rows, level, half = rows_since(self._session, baseline.since), found.value, found.half_width
        if rows is None or rows.count < 1:
            return None

        def told() -> SequenceResult | None:
            values = [value for value in rows.values(self._session, figure) if value is not None]
            return evaluate_sequence(level, half, values, rows.width_s)

        return self._results.get(figure, (found, rows), told)


def window_figures(frame: Frame) -> dict[str, BaselineFigure]:
    """The figures of every service in the window, and how far windows on the time axis differ."""
    columns = max(
        1, min(_MAX_WINDOWS, int(frame.view_state.shown_span_s / frame.snapshot.window_s))
    )
    found = {
        name: figure_from_windows(value, frame.history(name, columns), unit)
        for name, (value, unit) in snapshot_figures(frame.snapshot).items()
    }
    return {name: one for name, one in found.items() if one is not None}

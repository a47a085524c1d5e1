"""Baseline: what the figures of all panels are compared with, and how they have differed since."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from tputtui import text
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
    from tputtui.stats.confidence_sequence import SequenceResult
    from tputtui.tui.session import Session

_MAX_WINDOWS = 120


class BaselineCommands:
    """Commands of the baseline: the shown window, or the span between two marks."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._results: FigureCache[SequenceResult | None] = FigureCache(session)
        self._has_warned = False  # the services of the baseline were checked

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.BASELINE: self.set_baseline,
            CommandId.FORGET_BASELINE: self.clear_baseline,
        }

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Say once that the baseline run has other services than those that are watched."""
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
            names = {name.split("/")[1] for name in baseline.figures if name.startswith("traffic/")}
            services = ", ".join(sorted(names)) or "no service"
            self._session.show_status(
                f"the baseline is of {services}, which is not watched:"
                " a target's name in the config makes it so"
            )

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
        has_margin = any(figure.window_margin is not None for figure in figures.values())
        needed = text.format_duration(MIN_WINDOWS * frame.snapshot.window_s)
        hint = "" if has_margin else f"; what chance does is known from {needed} on"
        self._session.show_status(
            f"baseline {frame.format_clock(frame.snapshot.time)}, B clears it{hint}"
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
        """Make the span between two marks the baseline."""
        frame = self._session.current_frame()
        if frame is None:
            return
        span = text.clean(f"{first.text}..{last.text}", 60)
        width_s = row_width_s(frame.snapshot.window_s, frame.snapshot.interval_s)
        rows = floor((last.at - first.at) / width_s)
        if rows < 1:
            self._session.show_status(
                f"{span}: shorter than a window of {text.format_duration(width_s)}: no baseline"
            )
            return
        figures = {}
        for name, (_, unit) in snapshot_figures(frame.snapshot).items():
            values = self._session.history(name, rows, rows * width_s, last.at)
            known = [value for value in values if value is not None]
            baseline_figure = figure_from_rows(known, width_s, unit)
            if baseline_figure is not None:
                figures[name] = baseline_figure
        if not figures:
            self._session.show_status(f"{span}: nothing is remembered of it: no baseline")
            return
        self._session.update_view(baseline=Baseline(f"vs {span}", figures, last.at))
        self._session.show_status(
            f"baseline {span}, {text.format_duration(rows * width_s)}, B clears it"
        )

    def evaluate(self, figure: str) -> SequenceResult | None:
        """Compare all since the baseline with it.

        None: too little data, or the variation of the baseline is unknown. Evaluated when a row has
        been filled, not at every tick.
        """
        baseline = self._session.view_state.baseline
        level = baseline.figures.get(figure) if baseline is not None else None
        if baseline is None or level is None or level.half_width is None:
            return None
        half_width = level.half_width
        rows = rows_since(self._session, baseline.since)
        if rows is None or rows.count < 1:
            return None

        def compute() -> SequenceResult | None:
            from tputtui.stats.confidence_sequence import evaluate_sequence

            values = [value for value in rows.values(self._session, figure) if value is not None]
            return evaluate_sequence(level.value, half_width, values, rows.width_s)

        return self._results.get(figure, (level, rows), compute)


def window_figures(frame: Frame) -> dict[str, BaselineFigure]:
    """Return the figures of every service in the window, and how far windows of the past differ."""
    columns = max(
        1, min(_MAX_WINDOWS, int(frame.view_state.shown_span_s / frame.snapshot.window_s))
    )
    figures = {
        name: figure_from_windows(value, frame.history(name, columns), unit)
        for name, (value, unit) in snapshot_figures(frame.snapshot).items()
    }
    return {name: figure for name, figure in figures.items() if figure is not None}

"""Baseline: what the figures of all panels are compared with, and how they have differed since."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, partial
from math import floor
from typing import TYPE_CHECKING

from tputtui import text
from tputtui.signals.rates.past import PastNames
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.live.comparison_rows import FigureCache, RowValues, rows_since
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
    from tputtui.recording.records import Mark
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
        figures = window_figures(self._session, frame) if frame is not None else {}
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
        shown = snapshot_figures(frame.snapshot)
        past = self._session.read_past(
            PastNames(frozenset(shown)), rows * width_s, last.at, least_columns=rows
        )
        for name, (_, unit) in shown.items():
            known = [value for value in past.columns(name, rows) if value is not None]
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

    def evaluate(self, figures: Collection[str]) -> dict[str, SequenceResult | None]:
        """Compare all since the baseline with it, for those of the figures that it has.

        None: too little data, or the variation of the baseline is unknown. Evaluated when a row has
        been filled, not at every tick.
        """
        baseline = self._session.view_state.baseline
        if baseline is None:
            return {}
        levels = {name: baseline.figures[name] for name in figures if name in baseline.figures}
        rows = rows_since(self._session, baseline.since)
        if rows is None or rows.count < 1:
            return dict.fromkeys(levels)

        @cache
        def read_rows() -> RowValues:
            return rows.read_past(self._session, levels)

        def evaluate(figure: str, level: BaselineFigure) -> SequenceResult | None:
            if level.half_width is None:
                return None
            from tputtui.stats.confidence_sequence import evaluate_sequence

            values = [value for value in read_rows()[figure] if value is not None]
            return evaluate_sequence(level.value, level.half_width, values, rows.width_s)

        return {
            figure: self._results.get(figure, (level, rows), partial(evaluate, figure, level))
            for figure, level in levels.items()
        }


def window_figures(session: Session, frame: Frame) -> dict[str, BaselineFigure]:
    """Return the figures of every service in the window, and how far windows of the past differ."""
    columns = max(
        1, min(_MAX_WINDOWS, int(frame.view_state.shown_span_s / frame.snapshot.window_s))
    )
    shown = snapshot_figures(frame.snapshot)
    past = session.read_past(
        PastNames(frozenset(shown)),
        frame.view_state.shown_span_s,
        session.timeline.axis_end,
        least_columns=columns,
    )
    figures = {
        name: figure_from_windows(value, past.columns(name, columns), unit)
        for name, (value, unit) in shown.items()
    }
    return {name: figure for name, figure in figures.items() if figure is not None}

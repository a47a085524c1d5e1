"""Split of a service into control and treatment, and the comparison of the two since then."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tputtui import text
from tputtui.experiments import sequential_test
from tputtui.experiments.sequential_test import EffectEstimate
from tputtui.model import Event, ServiceState, Snapshot
from tputtui.signals.rates import history_keys
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit
from tputtui.stats.confidence_sequence import FIRST_EVALUATION_S
from tputtui.tui.dialogs.choice_screens import ChoiceScreen
from tputtui.tui.live.comparison_rows import FigureCache, FilledRows, RowValues, rows_since
from tputtui.tui.widgets.panel import Panel
from tputtui.views.live.split_figures import (
    SplitFigure,
    format_effect,
    split_figures,
    split_past_names,
)
from tputtui.views.live.split_options import split_options_view
from tputtui.views.shared.frame import ActiveSplit, traffic_unit

if TYPE_CHECKING:
    from tputtui.tui.session import Session


class SplitCommands:
    """Commands of the split, and the comparison of its arms."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._estimates: FigureCache[EffectEstimate | str] = FigureCache(session)
        self._logged: set[tuple[str, bool]] = set()  # (figure, is worse) in the event log
        self._silent_since: float | None = None

    def toggle_split(self) -> None:
        """Choose the treatment; while split: show the service as one again."""
        session = self._session
        if session.view_state.split is not None:
            self._set_split(None)
            session.update_view(
                split=None,
                focus=None if session.view_state.focus == "split" else session.view_state.focus,
            )
            session.show_status("no longer split")
            return
        frame = session.current_frame()
        service = frame.service if frame is not None else None
        if frame is None or service is None:
            session.show_status("no service to split")
            return
        service_filter = frame.active_filter
        name = service_filter.service if service_filter is not None else service.name
        session.push_screen(SplitScreen(session, self.start, name, traffic_unit(service)))

    def start(self, split: TrafficSplit) -> None:
        """Compare the arms from now on; in a replay, from its beginning."""
        session = self._session
        latest = session.latest
        if latest is None:
            return
        since = latest.at if session.player is None else session.player.header.began_at
        self._estimates.clear()
        self._logged.clear()
        self._silent_since = None
        self._set_split(split)
        focus = (
            None
            if session.view_state.focus in ("throughput", "latency")
            else session.view_state.focus
        )
        session.update_view(split=ActiveSplit(split, since), focus=focus)
        session.show_status(
            f"treatment is {text.clean(split.treatment.short_name, 60)}; a makes it one again"
        )

    def _set_split(self, split: TrafficSplit | None) -> None:
        if self._session.capabilities.figures is not None:
            self._session.capabilities.figures.set_split(split)

    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Log what has been confirmed, and note how long the treatment has had no traffic."""
        split, arms = self._session.view_state.split, snapshot.split
        if split is None or arms is None:
            return
        is_silent = _rps(arms.treatment) == 0 and (_rps(arms.control) or 0) > 0
        self._silent_since = (self._silent_since or snapshot.at) if is_silent else None
        silent_s = snapshot.at - self._silent_since if self._silent_since is not None else None
        if silent_s != split.silent_s:
            self._session.view_state = replace(
                self._session.view_state, split=replace(split, silent_s=silent_s)
            )
        if self._session.timeline.moment is not None:
            return
        estimates = self.evaluate(snapshot)
        for figure in split_figures(split.split, (arms.control, arms.treatment)):
            estimate = estimates.get(figure.label)
            if not isinstance(estimate, EffectEstimate) or not figure.better_direction:
                continue
            if estimate.is_confirmed:
                self._log_estimate(snapshot, split.split, figure, estimate)

    def _log_estimate(
        self,
        snapshot: Snapshot,
        split: TrafficSplit,
        split_figure: SplitFigure,
        estimate: EffectEstimate,
    ) -> None:
        is_worse = estimate.effect * split_figure.better_direction < 0
        if (split_figure.label, is_worse) in self._logged:
            return
        self._logged.add((split_figure.label, is_worse))
        treatment = text.clean(split.treatment.short_name, 60)
        verdict = "worse" if is_worse else "better"
        effect = format_effect(split_figure, estimate)
        sentence = f"{treatment} is {verdict} than control: {effect}"
        self._session.log_event(Event(snapshot.time, "warning" if is_worse else "note", sentence))

    def evaluate(self, snapshot: Snapshot) -> dict[str, EffectEstimate | str]:
        """Estimate the effect on each figure of a snapshot since the split, by its label.

        A sentence says why that is not possible.
        """
        active, arms = self._session.view_state.split, snapshot.split
        if active is None or arms is None:
            return {}
        figures = split_figures(active.split, (arms.control, arms.treatment))
        rows = rows_since(self._session, active.since)
        if rows is None:
            return {}
        split = active.split

        @cache
        def read_rows() -> RowValues:
            names = split_past_names(split, (arms.control, arms.treatment))
            return rows.read_past(self._session, names.figures)

        def estimate(figure: SplitFigure) -> EffectEstimate | str:
            return self._estimate(split, figure, rows, read_rows())

        return {
            figure.label: self._estimates.get(figure.label, rows, partial(estimate, figure))
            for figure in figures
        }

    def _estimate(
        self, split: TrafficSplit, split_figure: SplitFigure, rows: FilledRows, past: RowValues
    ) -> EffectEstimate | str:
        if not split_figure.better_direction:
            return "each gets its share"
        width_s = rows.width_s
        names = (split.control.name, split.treatment.name)
        values = [past[split_figure.history_key(name)] for name in names]
        if split_figure.label == "traffic":
            values = [
                _per_target(arm_values, self._target_count(index))
                for index, arm_values in enumerate(values)
            ]
        if split_figure.quantile is not None:
            for name in names:
                traffic = past[history_keys.traffic(name)]
                shortage = sequential_test.describe_tail_shortage(
                    traffic, width_s, split_figure.quantile
                )
                if shortage:
                    return shortage
        if split_figure.is_in_points:
            errors = [past[split_figure.history_key(name)] for name in names]
            traffics = [past[history_keys.traffic(name)] for name in names]
            shortage = sequential_test.describe_error_shortage(
                list(zip(traffics, errors, strict=True)), width_s
            )
            if shortage and rows.count * width_s >= FIRST_EVALUATION_S:
                return shortage
        control, treatment = values
        return sequential_test.estimate_effect(
            control, treatment, width_s, is_absolute=split_figure.is_in_points
        )

    def _target_count(self, arm_index: int) -> int:
        """Return the number of targets of an arm, at least 1."""
        arms = self._session.latest.split if self._session.latest is not None else None
        arm = (arms.control, arms.treatment)[arm_index] if arms is not None else None
        return max(1, len(arm.targets)) if arm is not None else 1


def _per_target(values: Sequence[float | None], targets: int) -> list[float | None]:
    return [None if value is None else value / targets for value in values]


def _rps(arm: ServiceState | None) -> float | None:
    return arm.traffic.rps if arm is not None and arm.traffic is not None else None


class SplitScreen(ChoiceScreen):
    """List of possible treatments: Enter splits the service, Esc goes back."""

    CSS = """
    SplitScreen { align: left top; background: transparent; }
    #ways { width: 72; max-width: 100%; height: 16; max-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "dismiss", show=False)]

    class OptionsReady(Message):
        """Options to split the service, found by the engine."""

        def __init__(self, options: Sequence[SplitOption]) -> None:
            self.options = options
            super().__init__()

    def __init__(
        self, session: Session, on_chosen: Callable[[TrafficSplit], None], service: str, unit: str
    ) -> None:
        super().__init__(session)
        self._on_chosen = on_chosen
        self._service = service
        self._unit = unit
        self._split_options: Sequence[SplitOption] | None = None

    @property
    def count(self) -> int:
        """Number of options."""
        return len(self._split_options or ())

    def compose(self) -> ComposeResult:
        """Compose one panel."""
        yield Panel("ways")

    def on_mount(self) -> None:
        """Request the options; they arrive on another thread."""

        def on_options(options: Sequence[SplitOption]) -> None:
            self.post_message(self.OptionsReady(options))

        if self.session.capabilities.figures is not None:
            self.session.capabilities.figures.find_split_options(self._service, on_options)

    def on_split_screen_options_ready(self, message: OptionsReady) -> None:
        """Show the options."""
        self._split_options = message.options
        self.draw()

    def action_go(self) -> None:
        """Split by the option under the cursor."""
        if self._split_options:
            chosen = self._split_options[self.cursor_index].split
            self.dismiss()
            self._on_chosen(chosen)

    def draw(self) -> None:
        """Show the options, or that they are being looked for."""
        panel = self.query_one("#ways", Panel)
        width, height = panel.size
        panel.show(
            split_options_view(
                self._service, self._split_options, self._unit, self.cursor_index, width, height
            )
        )

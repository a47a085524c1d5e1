"""a: a service becomes two columns, control and treatment, and is watched for which is worse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tputtui import text
from tputtui.experiments import effect_estimate
from tputtui.experiments.confidence_sequence import FIRST_EVALUATION_S
from tputtui.experiments.effect_estimate import EffectEstimate
from tputtui.model import Event, ServiceState, Snapshot
from tputtui.signals.rates import history_keys
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit
from tputtui.tui.dialogs.choice_screen import ChoiceScreen
from tputtui.tui.live.comparison_rows import FigureCache, FilledRows, rows_since
from tputtui.tui.widgets.panel import Panel
from tputtui.views.live.split_figures import SplitFigure, format_effect, split_figures
from tputtui.views.live.split_options import split_options_view
from tputtui.views.shared.frame import ActiveSplit, traffic_unit

if TYPE_CHECKING:
    from tputtui.tui.session import Session


class SplitCommands:
    """Splits, and judges what was seen since."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._estimates: FigureCache[EffectEstimate | str] = FigureCache(session)
        self._logged: set[tuple[str, bool]] = set()  # (figure, worse) of what the event log knows
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
        lens = frame.active_filter
        session.push_screen(
            SplitScreen(
                session,
                self.start,
                lens.service if lens is not None else service.name,
                traffic_unit(service),
            )
        )

    def start(self, split: TrafficSplit) -> None:
        """Watch the arms from now on; in a replay, from its beginning."""
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
        """Note what has become sure, and for how long the treatment has had no traffic."""
        look = self._session.view_state.split
        told = snapshot.split
        if look is None or told is None:
            return
        idle = _rps(told.treatment) == 0 and (_rps(told.control) or 0) > 0
        self._silent_since = (self._silent_since or snapshot.at) if idle else None
        silent_s = snapshot.at - self._silent_since if self._silent_since is not None else None
        if silent_s != look.silent_s:
            self._session.view_state = replace(
                self._session.view_state, split=replace(look, silent_s=silent_s)
            )
        if self._session.timeline.moment is not None:
            return
        for one in split_figures(look.split, (told.control, told.treatment)):
            judged = self.evaluate(one)
            if isinstance(judged, EffectEstimate) and judged.is_confirmed and one.better_direction:
                self._log_estimate(snapshot, look.split, one, judged)

    def _log_estimate(
        self,
        snapshot: Snapshot,
        split: TrafficSplit,
        split_figure: SplitFigure,
        estimate: EffectEstimate,
    ) -> None:
        worse = estimate.effect * split_figure.better_direction < 0
        if (split_figure.label, worse) in self._logged:
            return
        self._logged.add((split_figure.label, worse))
        words = f"{text.clean(split.treatment.short_name, 60)} is {'worse' if worse else 'better'} than control: {format_effect(split_figure, estimate)}"
        self._session.log_event(Event(snapshot.time, "warning" if worse else "note", words))

    def evaluate(self, split_figure: SplitFigure) -> EffectEstimate | str:
        """All since the split: how far a figure of the treatment is from the control's; else why it cannot be told."""
        look = self._session.view_state.split
        rows = rows_since(self._session, look.since) if look is not None else None
        if look is None or rows is None:
            return ""
        return self._estimates.get(
            split_figure.label, rows, lambda: self._estimate(look.split, split_figure, rows)
        )

    def _estimate(
        self, split: TrafficSplit, split_figure: SplitFigure, rows: FilledRows
    ) -> EffectEstimate | str:
        if not split_figure.better_direction:
            return "each gets its share"

        def past(name: str) -> Sequence[float | None]:
            return rows.values(self._session, name)

        arms, wide = (split.control.name, split.treatment.name), rows.width_s
        control, treatment = (past(split_figure.history_key(arm)) for arm in arms)
        if split_figure.label == "traffic":
            control, treatment = (
                _per_target(values, self._target_count(at))
                for at, values in enumerate((control, treatment))
            )
        if split_figure.quantile is not None:
            few = next(
                (
                    w
                    for arm in arms
                    if (
                        w := effect_estimate.describe_tail_shortage(
                            past(history_keys.traffic(arm)), wide, split_figure.quantile
                        )
                    )
                ),
                "",
            )
            if few:
                return few
        if split_figure.is_in_points:
            few = effect_estimate.describe_error_shortage(
                [
                    (past(history_keys.traffic(arm)), past(split_figure.history_key(arm)))
                    for arm in arms
                ],
                wide,
            )
            if few and rows.count * wide >= FIRST_EVALUATION_S:
                return few
        return effect_estimate.estimate_effect(
            control, treatment, wide, is_absolute=split_figure.is_in_points
        )

    def _target_count(self, arm_index: int) -> int:
        """How many targets an arm has."""
        told = self._session.latest.split if self._session.latest is not None else None
        arm = (told.control, told.treatment)[arm_index] if told is not None else None
        return max(1, len(arm.targets)) if arm is not None else 1


def _per_target(values: Sequence[float | None], targets: int) -> list[float | None]:
    return [None if value is None else value / targets for value in values]


def _rps(arm: ServiceState | None) -> float | None:
    return arm.traffic.rps if arm is not None and arm.traffic is not None else None


class SplitScreen(ChoiceScreen):
    """The arrows choose the treatment, Enter splits, Esc goes back."""

    CSS = """
    SplitScreen { align: left top; background: transparent; }
    #ways { width: 72; max-width: 100%; height: 16; max-height: 100%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("a", "dismiss", show=False)]

    class OptionsReady(Message):
        """The ways there are."""

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
        """How many ways there are."""
        return len(self._split_options or ())

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel("ways")

    def on_mount(self) -> None:
        """Ask; the answer comes on another thread."""

        def on_options(options: Sequence[SplitOption]) -> None:
            self.post_message(self.OptionsReady(options))

        if self.session.capabilities.figures is not None:
            self.session.capabilities.figures.find_split_options(self._service, on_options)

    def on_split_screen_options_ready(self, message: OptionsReady) -> None:
        """Here they are."""
        self._split_options = message.options
        self.draw()

    def action_go(self) -> None:
        """Enter: that one is the treatment."""
        if self._split_options:
            chosen = self._split_options[self.cursor_index].split
            self.dismiss()
            self._on_chosen(chosen)

    def draw(self) -> None:
        """The ways, or that they are looked for."""
        panel = self.query_one("#ways", Panel)
        width, height = panel.size
        panel.show(
            split_options_view(
                self._service, self._split_options, self._unit, self.cursor_index, width, height
            )
        )

"""a: a service becomes two columns, control and treatment, and is watched for which is worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from tputtui import text
from tputtui.experiments import effect_estimate
from tputtui.experiments.confidence_sequence import FIRST_LOOK_S
from tputtui.experiments.effect_estimate import EffectEstimate
from tputtui.model import Event, ServiceState, Snapshot
from tputtui.signals.rates import history_keys
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit
from tputtui.tui.dialogs.choice_screen import ChoiceScreen
from tputtui.tui.live.comparison_rows import FilledRows, JudgedFigures, rows_since
from tputtui.tui.widgets.panel import Panel
from tputtui.views.live import split_view as views
from tputtui.views.live.split_view import SplitFigure
from tputtui.views.shared.frame import ActiveSplit, unit_of

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class SplitCommands:
    """Splits, and judges what was seen since."""

    def __init__(self, desk: TputtuiApp) -> None:
        self._desk = desk
        self._judged: JudgedFigures[EffectEstimate | str] = JudgedFigures(desk)
        self._said: set[tuple[str, bool]] = set()  # (figure, worse) of what the event log knows
        self._silent_since: float | None = None

    def do_split(self) -> None:
        """a: choose the treatment; where there is one, the service is whole again."""
        desk = self._desk
        if desk.viewpoint.split is not None:
            desk.source.split(None)
            desk.look(split=None, focus=None if desk.viewpoint.focus == "split" else desk.viewpoint.focus)
            desk.say("no longer split")
            return
        scene = desk.scene()
        service = scene.service if scene is not None else None
        if scene is None or service is None:
            desk.say("no service to split")
            return
        lens = scene.looks_through
        desk.push_screen(SplitScreen(lens.service if lens is not None else service.name, unit_of(service)))

    def begin(self, split: TrafficSplit) -> None:
        """Watch the arms from now on; in a replay, from its beginning."""
        desk = self._desk
        latest = desk.latest
        if latest is None:
            return
        since = latest.at if desk.replay is None else desk.replay.player.header.began_at
        self._judged.clear()
        self._said.clear()
        self._silent_since = None
        desk.source.split(split)
        focus = None if desk.viewpoint.focus in ("throughput", "latency") else desk.viewpoint.focus
        desk.look(split=ActiveSplit(split, since), focus=focus)
        desk.say(f"treatment is {text.clean(split.treatment.called, 60)}; a makes it one again")

    def saw(self, snapshot: Snapshot) -> None:
        """Note what has become sure, and for how long the treatment has had no traffic."""
        look = self._desk.viewpoint.split
        told = snapshot.split
        if look is None or told is None:
            return
        idle = _rps(told.treatment) == 0 and (_rps(told.control) or 0) > 0
        self._silent_since = (self._silent_since or snapshot.at) if idle else None
        silent_s = snapshot.at - self._silent_since if self._silent_since is not None else None
        if silent_s != look.silent_s:
            self._desk.viewpoint = replace(self._desk.viewpoint, split=replace(look, silent_s=silent_s))
        if self._desk.timeline.moment is not None:
            return
        for one in views.figures(look.split, (told.control, told.treatment)):
            judged = self.judge(one)
            if isinstance(judged, EffectEstimate) and judged.sure and one.better:
                self._note(snapshot, look.split, one, judged)

    def _note(self, snapshot: Snapshot, split: TrafficSplit, one: SplitFigure, judged: EffectEstimate) -> None:
        worse = judged.effect * one.better < 0
        if (one.label, worse) in self._said:
            return
        self._said.add((one.label, worse))
        words = f"{text.clean(split.treatment.called, 60)} is {'worse' if worse else 'better'} than control: {views.words(one, judged)}"
        self._desk.source.note(Event(snapshot.time, "warning" if worse else "note", words))

    def judge(self, one: SplitFigure) -> EffectEstimate | str:
        """All since the split: how far a figure of the treatment is from the control's; else why it cannot be told."""
        look = self._desk.viewpoint.split
        rows = rows_since(self._desk, look.since) if look is not None else None
        if look is None or rows is None:
            return ""
        return self._judged.of(one.label, rows, lambda: self._told(look.split, one, rows))

    def _told(self, split: TrafficSplit, one: SplitFigure, rows: FilledRows) -> EffectEstimate | str:
        if not one.better:
            return "each gets its share"

        def past(name: str) -> Sequence[float | None]:
            return rows.values(self._desk, name)

        arms, wide = (split.control.name, split.treatment.name), rows.wide
        control, treatment = (past(one.of(arm)) for arm in arms)
        if one.label == "traffic":
            control, treatment = (_each(values, self._targets(at)) for at, values in enumerate((control, treatment)))
        if one.q is not None:
            few = next(
                (
                    w
                    for arm in arms
                    if (w := effect_estimate.too_few_beyond(past(history_keys.traffic(arm)), wide, one.q))
                ),
                "",
            )
            if few:
                return few
        if one.points:
            few = effect_estimate.too_few_errors(
                [(past(history_keys.traffic(arm)), past(one.of(arm))) for arm in arms], wide
            )
            if few and rows.count * wide >= FIRST_LOOK_S:
                return few
        return effect_estimate.apart(control, treatment, wide, points=one.points)

    def _targets(self, at: int) -> int:
        """How many targets an arm has."""
        told = self._desk.latest.split if self._desk.latest is not None else None
        arm = (told.control, told.treatment)[at] if told is not None else None
        return max(1, len(arm.targets)) if arm is not None else 1


def _each(values: Sequence[float | None], targets: int) -> list[float | None]:
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

    class Told(Message):
        """The ways there are."""

        def __init__(self, ways: Sequence[SplitOption]) -> None:
            self.ways = ways
            super().__init__()

    def __init__(self, service: str, unit: str) -> None:
        super().__init__()
        self._service = service
        self._unit = unit
        self._ways: Sequence[SplitOption] | None = None

    @property
    def count(self) -> int:
        """How many ways there are."""
        return len(self._ways or ())

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel("ways")

    def on_mount(self) -> None:
        """Ask; the answer comes on another thread."""

        def told(ways: Sequence[SplitOption]) -> None:
            self.post_message(self.Told(ways))

        self.desk.source.ways(self._service, told)

    def on_split_screen_told(self, told: Told) -> None:
        """Here they are."""
        self._ways = told.ways
        self.draw()

    def action_go(self) -> None:
        """Enter: that one is the treatment."""
        if self._ways:
            chosen = self._ways[self.at].split
            self.dismiss()
            self.desk.splits.begin(chosen)

    def draw(self) -> None:
        """The ways, or that they are looked for."""
        panel = self.query_one("#ways", Panel)
        width, height = panel.size
        panel.show(views.way_list(self._service, self._ways, self._unit, self.at, width, height))

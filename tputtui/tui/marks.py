"""M: the marks, to go to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tputtui import text
from tputtui.tui.widgets.panel import Panel
from tputtui.views.lines import Line, Row, fill, rule
from tputtui.views.scene import PanelView

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class MarksScreen(ModalScreen[None]):
    """The arrows choose, Enter goes there, Esc goes back."""

    CSS = """
    MarksScreen { align: right top; background: transparent; }
    #mark-list { width: 64; max-width: 100%; height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,M", "dismiss", show=False),
        Binding("enter", "go", show=False),
        Binding("b", "span", show=False),
        Binding("down,j", "step(1)", show=False),
        Binding("up,k", "step(-1)", show=False),
        Binding("pagedown", "step(10)", show=False),
        Binding("pageup", "step(-10)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._at = 0
        self._from: int | None = None  # where a span begins that becomes the baseline

    @property
    def _desk(self) -> TputtuiApp:
        return cast("TputtuiApp", self.app)

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel("mark-list")

    def on_mount(self) -> None:
        """The last one is where one starts."""
        self._at = max(0, len(self._desk.marks) - 1)

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out."""
        self.call_after_refresh(self._show)

    def action_step(self, step: int) -> None:
        """The next one."""
        self._at = max(0, min(len(self._desk.marks) - 1, self._at + step))
        self._show()

    def action_go(self) -> None:
        """Enter: that moment."""
        marks = self._desk.marks
        self.dismiss()
        if marks:
            self._desk.go_to(marks[min(self._at, len(marks) - 1)].at)

    def action_span(self) -> None:
        """b: the span between two marks becomes the baseline; the first b takes one end of it, the second the other."""
        marks = self._desk.marks
        if not marks:
            return
        if self._from is None:
            self._from = self._at
            self._show()
            return
        if self._from == self._at:
            self._from = None
            self._show("that is one mark twice: b at another one")
            return
        first, last = sorted((marks[self._from], marks[self._at]), key=lambda mark: mark.at)
        self.dismiss()
        self._desk.baselines.take_span(first, last)

    def _show(self, said: str = "") -> None:
        panel = self.query_one("#mark-list", Panel)
        width, height = panel.size
        marks, scene = self._desk.marks, self._desk.scene()
        lines: list[Line] = [
            rule(
                "Marks",
                said
                or (
                    "Enter goes there  b b span is the baseline  q back" if self._from is None else "b at its other end"
                ),
                width,
                focused=True,
            )
        ]
        room = height - 2
        first = max(0, min(self._at - room + 1, len(marks) - room)) if self._at >= room else 0
        for at, mark in enumerate(marks[first : first + room], first):
            when = scene.clock(mark.time) if scene is not None else ""
            row = Row(width).at(0, "b" if at == self._from else "", "accent").at(1, when, "dim")
            lines.append(row.at(11, text.clean(mark.text)).line())
        if not marks:
            lines.append(Row(width).at(1, "no marks yet: m sets one", "dim").line())
        panel.show(PanelView(tuple(fill(lines, width, height)), 1 + self._at - first if marks else None))

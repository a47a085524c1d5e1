"""M: the marks, to go to one."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tputtui import text
from tputtui.tui.dialogs.choice_screen import ChoiceScreen
from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, fill, rule


class MarksScreen(ChoiceScreen):
    """The arrows choose, Enter goes there, Esc goes back."""

    CSS = """
    MarksScreen { align: right top; background: transparent; }
    #mark-list { width: 64; max-width: 100%; height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("M", "dismiss", show=False), Binding("b", "span", show=False)]

    def __init__(self) -> None:
        super().__init__()
        self._from: int | None = None  # where a span begins that becomes the baseline

    @property
    def count(self) -> int:
        """How many marks there are."""
        return len(self.desk.marks)

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel("mark-list")

    def on_mount(self) -> None:
        """The last one is where one starts."""
        self.at = max(0, self.count - 1)

    def action_go(self) -> None:
        """Enter: that moment."""
        marks = self.desk.marks
        self.dismiss()
        if marks:
            self.desk.go_to(marks[min(self.at, len(marks) - 1)].at)

    def action_span(self) -> None:
        """b: the span between two marks becomes the baseline; the first b takes one end of it, the second the other."""
        marks = self.desk.marks
        if not marks:
            return
        if self._from is None:
            self._from = self.at
            self.draw()
            return
        if self._from == self.at:
            self._from = None
            self.draw("that is one mark twice: b at another one")
            return
        first, last = sorted((marks[self._from], marks[self.at]), key=lambda mark: mark.at)
        self.dismiss()
        self.desk.baselines.take_span(first, last)

    def draw(self, said: str = "") -> None:
        """The list; `said` in place of what the keys do."""
        panel = self.query_one("#mark-list", Panel)
        width, height = panel.size
        marks, scene = self.desk.marks, self.desk.scene()
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
        first = max(0, min(self.at - room + 1, len(marks) - room)) if self.at >= room else 0
        for at, mark in enumerate(marks[first : first + room], first):
            when = scene.clock(mark.time) if scene is not None else ""
            row = LineBuilder(width).at(0, "b" if at == self._from else "", "accent").at(1, when, "dim")
            lines.append(row.at(11, text.clean(mark.text)).line())
        if not marks:
            lines.append(LineBuilder(width).at(1, "no marks yet: m sets one", "dim").line())
        panel.show(PanelView(tuple(fill(lines, width, height)), 1 + self.at - first if marks else None))

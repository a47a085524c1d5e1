"""List of the marks, to go to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tputtui import text
from tputtui.tui.dialogs.choice_screen import ChoiceScreen
from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, pad_lines, rule_line

if TYPE_CHECKING:
    from tputtui.recording.records import Mark
    from tputtui.tui.session import Session


class MarksScreen(ChoiceScreen):
    """List of the marks: Enter goes to one, b b makes a span the baseline."""

    CSS = """
    MarksScreen { align: right top; background: transparent; }
    #mark-list { width: 64; max-width: 100%; height: 14; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("M", "dismiss", show=False),
        Binding("b", "span", show=False),
    ]

    def __init__(
        self,
        session: Session,
        go_to: Callable[[float], None],
        set_span_baseline: Callable[[Mark, Mark], None],
    ) -> None:
        super().__init__(session)
        self._go_to = go_to
        self._set_span_baseline = set_span_baseline
        self._span_start: int | None = None  # index of the mark at one end

    @property
    def count(self) -> int:
        """Number of marks."""
        return len(self.session.marks)

    def compose(self) -> ComposeResult:
        """Compose one panel."""
        yield Panel("mark-list")

    def on_mount(self) -> None:
        """Start at the last mark."""
        self.cursor_index = max(0, self.count - 1)

    def action_go(self) -> None:
        """Go to the moment of the mark."""
        marks = self.session.marks
        self.dismiss()
        if marks:
            self._go_to(marks[min(self.cursor_index, len(marks) - 1)].at)

    def action_span(self) -> None:
        """Take one end of a span; the second time, make the span the baseline."""
        marks = self.session.marks
        if not marks:
            return
        if self._span_start is None:
            self._span_start = self.cursor_index
            self.draw()
            return
        if self._span_start == self.cursor_index:
            self._span_start = None
            self.draw("that is one mark twice: b at another one")
            return
        first, last = sorted(
            (marks[self._span_start], marks[self.cursor_index]), key=lambda mark: mark.at
        )
        self.dismiss()
        self._set_span_baseline(first, last)

    def draw(self, message: str = "") -> None:
        """Show the list; `message` replaces the hint at the top."""
        panel = self.query_one("#mark-list", Panel)
        width, height = panel.size
        marks, frame = self.session.marks, self.session.current_frame()
        lines: list[Line] = [
            rule_line(
                "Marks",
                message
                or (
                    "Enter goes there  b b span is the baseline  q back"
                    if self._span_start is None
                    else "b at its other end"
                ),
                width,
                focused=True,
            )
        ]
        room = height - 2
        first = (
            max(0, min(self.cursor_index - room + 1, len(marks) - room))
            if self.cursor_index >= room
            else 0
        )
        for at, mark in enumerate(marks[first : first + room], first):
            when = frame.format_clock(mark.time) if frame is not None else ""
            row = (
                LineBuilder(width)
                .at(0, "b" if at == self._span_start else "", "accent")
                .at(1, when, "dim")
            )
            lines.append(row.at(11, text.clean(mark.text)).line())
        if not marks:
            lines.append(LineBuilder(width).at(1, "no marks yet: m sets one", "dim").line())
        panel.show(
            PanelView(
                tuple(pad_lines(lines, width, height)),
                1 + self.cursor_index - first if marks else None,
            )
        )

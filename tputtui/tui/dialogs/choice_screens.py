"""Lists in a panel above the screen: of marks, of themes.

The arrows choose, Enter takes the row, Esc goes back.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tputtui import text
from tputtui.tui import palette, theme_files
from tputtui.tui.terminal.terminal_app import FollowsTerminal
from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, TextSpan, pad_lines, rule_line

if TYPE_CHECKING:
    from tputtui.recording.run_header import Mark
    from tputtui.tui.session import Session


class ChoiceScreen(FollowsTerminal, ModalScreen[None]):
    """List with a cursor. A subclass says what the rows are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", show=False),
        Binding("enter", "go", show=False),
        Binding("down,j", "step(1)", show=False),
        Binding("up,k", "step(-1)", show=False),
        Binding("pagedown", "step(10)", show=False),
        Binding("pageup", "step(-10)", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.cursor_index = 0

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of rows."""

    @abstractmethod
    def draw(self) -> None:
        """Show the rows."""

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.draw)

    def action_step(self, step: int) -> None:
        """Move the cursor."""
        self.cursor_index = max(0, min(self.count - 1, self.cursor_index + step))
        self.draw()


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


_PREVIEW = (
    TextSpan("1,284", "strong"),
    TextSpan(" req/s  ", "dim"),
    TextSpan("▂▃▅▆█▆▅▃  ", "data"),
    TextSpan("up ", "ok"),
    TextSpan("! late ", "warning"),
    TextSpan("! down", "bad"),
)


class ThemeScreen(FollowsTerminal, ModalScreen[None]):
    """List of the themes.

    The arrows apply a theme at once; Enter keeps it for this session, Esc restores the old one.
    """

    CSS = """
    ThemeScreen { align: right top; background: transparent; }
    #theme-list { width: 64; max-width: 100%; height: 12; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "give_up", show=False),
        Binding("enter,T", "keep", show=False),
        Binding("down,j", "step(1)", show=False),
        Binding("up,k", "step(-1)", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._names: list[str] = []
        self._cursor_index = 0
        self._previous_palette: palette.Palette | None = None
        self._problem = ""

    def compose(self) -> ComposeResult:
        """Compose one panel."""
        yield Panel("theme-list")

    def on_mount(self) -> None:
        """Start at the current theme."""
        self._names = theme_files.theme_names(self.session.environment.theme_folders)
        self._previous_palette = self.session.app.palette
        self._cursor_index = (
            self._names.index(self._previous_palette.name)
            if self._previous_palette.name in self._names
            else 0
        )

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._draw)

    def action_step(self, step: int) -> None:
        """Apply the next theme, or the one before."""
        self._cursor_index = (self._cursor_index + step) % len(self._names)
        try:
            self.session.app.apply_palette(
                palette.load_palette(
                    self._names[self._cursor_index], self.session.environment.theme_folders
                )
            )
            self._problem = ""
        except theme_files.BadThemeError as error:
            self._problem = str(error)
        self._draw()

    def action_keep(self) -> None:
        """Keep the theme."""
        self.dismiss()
        name = self.session.app.palette.name
        self.session.show_status(f'theme {name}; for good: theme = "{name}" in the config')

    def action_give_up(self) -> None:
        """Restore the theme from before."""
        if self._previous_palette is not None:
            self.session.app.apply_palette(self._previous_palette)
        self.dismiss()

    def _draw(self) -> None:
        panel = self.query_one("#theme-list", Panel)
        width, height = panel.size
        lines: list[Line] = [
            rule_line("Themes", "Enter keeps  Esc takes back", width, focused=True)
        ]
        first = max(0, min(self._cursor_index - (height - 4), len(self._names)))
        shown = self._names[first : first + height - 3]
        lines += [
            LineBuilder(width).at(1, name, "strong").spans(_PREVIEW, 20).line() for name in shown
        ]
        if self._problem:
            lines.append(LineBuilder(width).at(1, self._problem, "bad").line())
        while len(lines) < height:
            lines.append(LineBuilder(width).line())
        panel.show(PanelView(tuple(lines), 1 + self._cursor_index - first))

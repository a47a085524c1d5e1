"""T: look at the themes, keep one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tputtui.tui import palette, theme_files
from tputtui.tui.terminal.base_screen import FollowsTerminal
from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, TextSpan, rule_line

if TYPE_CHECKING:
    from tputtui.tui.session import Session

_PREVIEW = (
    TextSpan("1,284", "strong"),
    TextSpan(" req/s  ", "dim"),
    TextSpan("▂▃▅▆█▆▅▃  ", "data"),
    TextSpan("up ", "ok"),
    TextSpan("! late ", "warning"),
    TextSpan("! down", "bad"),
)


class ThemeScreen(FollowsTerminal, ModalScreen[None]):
    """The arrows show a theme at once; Enter keeps it for this session, Esc takes the old one back."""

    CSS = "ThemeScreen { align: right top; background: transparent; } #theme-list { width: 64; max-width: 100%; height: 12; }"
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
        """One panel."""
        yield Panel("theme-list")

    def on_mount(self) -> None:
        """The theme in force is where one starts."""
        self._names = theme_files.theme_names(self.session.environment.theme_folders)
        self._previous_palette = self.session.app.palette
        self._cursor_index = (
            self._names.index(self._previous_palette.name)
            if self._previous_palette.name in self._names
            else 0
        )

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out."""
        self.call_after_refresh(self._draw)

    def action_step(self, step: int) -> None:
        """Show the next theme."""
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
        """Enter."""
        self.dismiss()
        self.session.show_status(
            f'theme {self.session.app.palette.name}; for good: theme = "{self.session.app.palette.name}" in the config'
        )

    def action_give_up(self) -> None:
        """Esc."""
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

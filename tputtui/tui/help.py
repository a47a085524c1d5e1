"""?: every key, from the one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tputtui.tui.keys import COMMANDS, key_word
from tputtui.tui.widgets.panel import Panel
from tputtui.views.lines import Line, Row, rule
from tputtui.views.scene import PANELS, PanelView

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp

_PLACES = {"everywhere": "Everywhere", "time": "Time", "live": "Live", "profile": "Profile"}


class HelpScreen(ModalScreen[None]):
    """All keys; arrows scroll, any of ? q Esc goes back."""

    CSS = "HelpScreen { align: center middle; } #keys { width: 100%; height: 100%; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,question_mark,f1", "dismiss", show=False),
        Binding("down,j", "scroll_by(1)", show=False),
        Binding("up,k", "scroll_by(-1)", show=False),
        Binding("pagedown,space", "scroll_by(10)", show=False),
        Binding("pageup", "scroll_by(-10)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._top = 0

    def compose(self) -> ComposeResult:
        """One panel."""
        yield Panel("keys")

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        self.call_after_refresh(self._show)

    def action_scroll_by(self, rows: int) -> None:
        """Arrows and pages."""
        self._top += rows
        self._show()

    def _show(self) -> None:
        panel = self.query_one("#keys", Panel)
        width, height = panel.size
        lines = help_lines(width, cast("TputtuiApp", self.app).settings.keys)
        self._top = max(0, min(self._top, len(lines) - height))
        panel.show(PanelView(tuple(lines[self._top : self._top + height])))


def help_lines(width: int, remapped: dict[str, str] | object) -> list[Line]:
    """The keys as lines, by place."""
    keys: dict[str, str] = dict(remapped) if isinstance(remapped, dict) else {}
    lines: list[Line] = [rule("Keys", "q goes back", width, focused=True)]
    for place, title in _PLACES.items():
        commands = [command for command in COMMANDS if command.where == place]
        if not commands:
            continue
        lines.append(Row(width).at(1, title, "strong").line())
        for command in commands:
            shown = [key_word(key) for key in keys.get(command.id, command.keys).split(",")]
            row = Row(width).at(3, " ".join(shown), "accent").at(16, command.label).at(30, command.help, "dim")
            lines.append(row.line())
        if place == "everywhere":
            panels = ", ".join(f"{number} {name}" for number, name in enumerate(PANELS, 1))
            lines.append(Row(width).at(3, "1-7", "accent").at(16, "panels").at(30, panels, "dim").line())
            arrows = "move in the list; Enter opens the process, or shows that route or replica alone, until Esc"
            lines.append(Row(width).at(3, "arrows", "accent").at(16, "move").at(30, arrows, "dim").line())
    words = "No key kills or signals anything. After kill -9 of tputtui a terminal may need:  reset"
    lines.append(Row(width).at(1, words, "dim").line())
    return lines

"""The profile pane's widget: a panel whose cursor stops before the detail beside it, and whose flame graph is boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.strip import Strip

from tputtui.tui.widgets.panel import Panel
from tputtui.views.profile.profile_pane import RenderedPane
from tputtui.views.shared.styled_text import split_line

if TYPE_CHECKING:
    from tputtui.tui.terminal.terminal_app import TerminalApp


class ProfilePanel(Panel):
    """Draws what `views.profile.pane` made."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._box_rows: frozenset[int] = frozenset()
        self._cursor_width = 0

    def show_pane(self, pane: RenderedPane) -> None:
        """Show it; only what differs is repainted, unless boxes become lines or lines boxes."""
        changed = (pane.box_rows, pane.cursor_width) != (self._box_rows, self._cursor_width)
        self._box_rows, self._cursor_width = pane.box_rows, pane.cursor_width
        self.show(pane.view)
        if changed:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line, as Textual asks for it."""
        view = self.view
        if y >= len(view.lines) or (y not in self._box_rows and y != view.cursor):
            return super().render_line(y)
        app = cast("TerminalApp", self.app)
        only = app.ascii_only
        if y in self._box_rows:
            strip = app.palette.box_strip(view.lines[y], ascii_only=only)
        else:
            left, right = split_line(view.lines[y], self._cursor_width)
            strip = Strip.join(
                [
                    app.palette.line_strip(left, is_cursor=True, ascii_only=only),
                    app.palette.line_strip(right, ascii_only=only),
                ]
            )
        return strip.adjust_cell_length(self._drawn_width, app.palette.styles["plain"])

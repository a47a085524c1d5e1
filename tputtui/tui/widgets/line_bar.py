"""Header, event line and footer: lines of the screen outside of the panels."""

from __future__ import annotations

from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line


class LineBar(Panel):
    """Panel of one line."""

    def show_line(self, line: Line) -> None:
        """Show the line; only the cells that changed are repainted."""
        self.show(PanelView((line,)))

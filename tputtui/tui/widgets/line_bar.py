"""One line of the screen that is no panel: the header, the event line, the footer."""

from __future__ import annotations

from tputtui.tui.widgets.panel import Panel
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line


class LineBar(Panel):
    """A panel of one line."""

    def show_line(self, line: Line) -> None:
        """Show the line; only what changed in it is repainted."""
        self.show(PanelView((line,)))

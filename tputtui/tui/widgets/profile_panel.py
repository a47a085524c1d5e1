"""The profile pane's widget: a panel whose cursor stops before the detail beside it, and whose flame graph is boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.strip import Strip

from tputtui.tui.widgets.panel import Panel
from tputtui.views.profile.profile_pane import RenderedPane
from tputtui.views.shared.styled_text import split

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class ProfilePanel(Panel):
    """Draws what `views.profile.pane` made."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._filled: frozenset[int] = frozenset()
        self._reach = 0

    def draw(self, drawn: RenderedPane) -> None:
        """Show it; only what differs is repainted, unless boxes become lines or lines boxes."""
        changed = (drawn.filled, drawn.reach) != (self._filled, self._reach)
        self._filled, self._reach = drawn.filled, drawn.reach
        self.show(drawn.view)
        if changed:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line, as Textual asks for it."""
        view = self.view
        if y >= len(view.lines) or (y not in self._filled and y != view.cursor):
            return super().render_line(y)
        app = cast("TputtuiApp", self.app)
        only = app.settings.ascii
        if y in self._filled:
            strip = app.palette.boxes(view.lines[y], ascii_only=only)
        else:
            left, right = split(view.lines[y], self._reach)
            strip = Strip.join(
                [app.palette.strip(left, cursor=True, ascii_only=only), app.palette.strip(right, ascii_only=only)]
            )
        return strip.adjust_cell_length(self._across, app.palette.styles["plain"])

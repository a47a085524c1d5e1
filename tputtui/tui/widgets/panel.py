"""Panel: the widget of all panels. It draws lines and repaints only the cells that changed.

Textual's own Sparkline and DataTable repaint everything at every change (4 times the CPU, 12 times
the bytes). Here a new view is compared with the last one, line by line and within the line, and
only the difference is refreshed. Header, event line and footer are lines outside of the panels.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, cast

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tputtui import text
from tputtui.views.shared.frame import PanelView
from tputtui.views.shared.styled_text import Line

if TYPE_CHECKING:
    from tputtui.tui.terminal.terminal_app import TerminalApp


class Panel(Widget):
    """Widget that draws the lines of a view, whatever they mean."""

    DEFAULT_CSS = "Panel { height: 1fr; width: 1fr; }"

    class Clicked(Message):
        """Click on a row: name of the panel and key of the row (None: on the panel itself)."""

        def __init__(self, panel: str, key: Hashable | None) -> None:
            self.panel = panel
            self.key = key
            super().__init__()

    class Scrolled(Message):
        """Turn of the wheel over a panel: rows down, or up if negative."""

        def __init__(self, panel: str, rows: int) -> None:
            self.panel = panel
            self.rows = rows
            super().__init__()

    def __init__(self, name: str) -> None:
        super().__init__(id=name)
        self._view = PanelView(())
        self._is_drawn = False
        self._drawn_width = (
            0  # cells, while its lines are drawn: Textual looks a size up again each time
        )

    @property
    def view(self) -> PanelView:
        """View that is shown now."""
        return self._view

    def show(self, view: PanelView) -> None:
        """Show a view; only the difference to the last one is repainted."""
        old, self._view = self._view, view
        if not self._is_drawn or (old.lines is view.lines and old.cursor == view.cursor):
            return
        dirty: list[Region] = []
        for y in range(max(len(old.lines), len(view.lines))):
            before = old.lines[y] if y < len(old.lines) else ()
            after = view.lines[y] if y < len(view.lines) else ()
            if (y == old.cursor) != (y == view.cursor):
                dirty.append(Region(0, y, self.size.width, 1))
            elif before is not after and before != after:
                start, end = changed_cells(before, after)
                dirty.append(Region(start, y, max(1, end - start), 1))
        if dirty:
            self.refresh(*dirty)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Render the lines of a region.

        A panel has no border, padding or tint: Textual's cache of styled lines, a third of the cost
        of drawing, is not needed.
        """
        self._is_drawn = True
        self._drawn_width = self.size.width
        return [self.render_line(y).crop(crop.x, crop.right) for y in crop.line_range]

    def render_line(self, y: int) -> Strip:
        """Render one line for Textual."""
        app = cast("TerminalApp", self.app)
        view = self._view
        if y >= len(view.lines):
            return Strip.blank(self._drawn_width, app.palette.styles["plain"])
        strip = app.palette.line_strip(
            view.lines[y], is_cursor=y == view.cursor, ascii_only=app.ascii_only
        )
        return strip.adjust_cell_length(self._drawn_width, app.palette.styles["plain"])

    def on_click(self, event: events.Click) -> None:
        """Focus the panel and move the cursor to the row."""
        keys = self._view.row_keys
        self.post_message(
            self.Clicked(self.id or "", keys[event.y] if event.y < len(keys) else None)
        )

    def on_mouse_scroll_down(self) -> None:
        """Move the cursor by the wheel."""
        self.post_message(self.Scrolled(self.id or "", 3))

    def on_mouse_scroll_up(self) -> None:
        """Move the cursor by the wheel."""
        self.post_message(self.Scrolled(self.id or "", -3))


def changed_cells(before: Line, after: Line) -> tuple[int, int]:
    """Return the cells [start, end) in which two lines differ."""
    head = 0
    start = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        head += 1
        start += text.width(new.text)
    rest_before, rest_after = before[head:], after[head:]
    # After a resize the lines are of two widths: what both end with does not stand in the same
    # cells.
    one_width = _width(rest_before) == _width(rest_after)
    tail = 0
    for old, new in zip(reversed(rest_before), reversed(rest_after), strict=False):
        if old != new or not one_width:
            break
        tail += 1
    middle_before = rest_before[: len(rest_before) - tail]
    middle_after = rest_after[: len(rest_after) - tail]
    end = start + max(_width(middle_before), _width(middle_after))
    if middle_before and middle_after:
        if middle_before[0].role == middle_after[0].role:
            start += text.width(_common_prefix(middle_before[0].text, middle_after[0].text))
        old, new = middle_before[-1], middle_after[-1]
        if old.role == new.role and one_width:
            end -= text.width(_common_prefix(old.text[::-1], new.text[::-1]))
    return start, max(start, end)


def _width(line: Line) -> int:
    return sum(text.width(span.text) for span in line)


def _common_prefix(first: str, second: str) -> str:
    length = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        length += 1
    return first[:length]


class LineBar(Panel):
    """Panel of one line."""

    def show_line(self, line: Line) -> None:
        """Show the line; only the cells that changed are repainted."""
        self.show(PanelView((line,)))

"""Panel that `test_adding_a_panel.py` adds: the costs of tputtui itself, all in this file."""

from __future__ import annotations

from tputtui import text
from tputtui.views.live.panel_spec import PanelSpec, Room
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import LineBuilder, pad_lines, rule_line


def added_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the CPU and the memory of tputtui in `height` lines."""
    usage = frame.snapshot.self_usage
    size, unit = text.format_size(usage.rss_bytes)
    lines = [
        rule_line("Costs of tputtui", "", width, frame.view_state.focus == "added"),
        LineBuilder(width).at(1, "own cpu ").then(text.format_percent(usage.cpu_percent)).line(),
        LineBuilder(width).at(1, "own memory ").then(f"{size} {unit}").line(),
    ]
    return PanelView(tuple(pad_lines(lines, width, height)))


def _height(_frame: Frame | None, _room: Room) -> int:
    return 3


PANEL = PanelSpec("added", added_panel, height=_height)

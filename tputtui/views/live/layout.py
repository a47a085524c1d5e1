"""Layout of the panels, computed from the size of the terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from tputtui.frozen import frozen
from tputtui.views.live import panels
from tputtui.views.live.panel_spec import PanelSpec, Room, Row, is_host_only
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, blank_line

MIN_SIZE = (40, 12)
SIDE_BY_SIDE_WIDTH = 100  # columns from which panels are side by side
SIDE_BY_SIDE_HEIGHT = 30  # rows from which panels are side by side
_BARS_HEIGHT = 3  # header, footer and event line
_LEAST_TOP_HEIGHT = 8  # lines that the panels in the middle leave to the rows
_LEAST_BOTTOM_HEIGHT = 4
_LEAST_FILL_HEIGHT = 3


@frozen
class LayoutPlan:
    """Visible panels with their heights; `is_stacked`: one below the other, not side by side."""

    heights: Mapping[str, int]
    is_stacked: bool = False
    has_event_line: bool = True
    is_too_small: bool = False


def plan_layout(
    frame: Frame | None, width: int, height: int, zoomed_panel: str | None = None
) -> LayoutPlan:
    """Plan the layout for a terminal of that size.

    Header, footer and event line take one line each.
    """
    if width < MIN_SIZE[0] or height < MIN_SIZE[1]:
        return LayoutPlan({}, has_event_line=False, is_too_small=True)
    if zoomed_panel is not None:
        return LayoutPlan({zoomed_panel: height - _BARS_HEIGHT})
    if width < SIDE_BY_SIDE_WIDTH or height < SIDE_BY_SIDE_HEIGHT:
        return _stacked_plan(frame, height)
    return _wide_plan(frame, height)


def _wide_plan(frame: Frame | None, height: int) -> LayoutPlan:
    top, bottom = _shown_names("top", frame), _shown_names("bottom", frame)
    middle, least_top = _middle_heights(frame, height)
    rest = height - _BARS_HEIGHT - sum(middle.values())
    top_height = 0
    if top:
        top_height = max(least_top, rest * 11 // 20) if bottom else rest
    heights = dict.fromkeys(top, top_height) | middle
    if heights and not top and not bottom:
        heights[next(reversed(heights))] += rest
    return LayoutPlan(heights | dict.fromkeys(bottom, rest - top_height))


def _middle_heights(frame: Frame | None, height: int) -> tuple[dict[str, int], int]:
    """Heights of the panels in the middle from the top, and the least height of the top row.

    Lines are given in the order of the numbers: a panel without room has no place.
    """
    free = height - _BARS_HEIGHT
    least_top = _LEAST_TOP_HEIGHT
    heights: dict[str, int] = {}
    for panel in panels.PANELS:
        if panel.row != "middle" or not _is_shown(panel, frame):
            continue
        lines = panel.height(frame, Room(height, free))
        least = min(least_top, panel.least_top_height)
        if free - lines < least + _LEAST_BOTTOM_HEIGHT:
            continue
        heights[panel.name] = lines
        free -= lines
        least_top = least
    order = [panel.name for panel in panels.panels_in_row("middle")]
    return {name: heights[name] for name in order if name in heights}, least_top


def _stacked_plan(frame: Frame | None, height: int) -> LayoutPlan:
    room = height - _BARS_HEIGHT
    heights: dict[str, int] = {}
    for panel in sorted(_not_replaced(frame), key=lambda panel: panel.rank):
        if panel.stacked_height is not None and _is_shown(panel, frame):
            heights[panel.name] = panel.stacked_height(frame, height)
    heights = {name: lines for name, lines in heights.items() if lines}
    while sum(heights.values()) > room and len(heights) > 1:
        heights.popitem()
    left = room - sum(heights.values())
    filling = _filling_panel(frame)
    if left >= _LEAST_FILL_HEIGHT and filling is not None:
        heights[filling] = left
    elif heights:
        heights[next(iter(heights))] += left
    return LayoutPlan(heights, is_stacked=True)


def _filling_panel(frame: Frame | None) -> str | None:
    """Panel that takes the lines that are left on a small screen: the focused one has priority."""
    focus = frame.view_state.focus if frame is not None else None
    focused = panels.find_panel(focus) if not is_host_only(frame) else None
    if focused is not None and focused.stacked_height is None and not focused.absence(frame):
        return focused.name
    ranks: dict[str, int] = {}
    for panel in panels.PANELS:
        rank = panel.fill_rank(frame)
        if rank is not None and _is_enabled(panel, frame):
            ranks[panel.name] = rank
    return min(ranks, key=lambda name: ranks[name], default=None)


def _shown_names(row: Row, frame: Frame | None) -> list[str]:
    """Names of the panels of a row that have a place."""
    kept = _not_replaced(frame)
    shown = (panel for panel in panels.panels_in_row(row) if _is_shown(panel, frame))
    return [panel.name for panel in shown if panel in kept]


def _not_replaced(frame: Frame | None) -> list[PanelSpec]:
    replaced: set[str] = set()
    for panel in panels.PANELS:
        if _is_shown(panel, frame):
            replaced.update(panel.replaces)
    return [panel for panel in panels.PANELS if panel.name not in replaced]


def _is_shown(panel: PanelSpec, frame: Frame | None) -> bool:
    """Return whether a panel has a place where there is room."""
    if frame is not None and frame.view_state.focus in panel.replaces:
        return False
    return _is_enabled(panel, frame) and panel.is_available(frame) and panel.is_shown(frame)


def _is_enabled(panel: PanelSpec, frame: Frame | None) -> bool:
    """Return whether the config does not leave the panel out."""
    if frame is None or not panel.is_configurable:
        return True
    return frame.view_state.is_panel_enabled(panel.name)


def too_small_view(width: int, height: int) -> PanelView:
    """Message in place of the panels on a terminal that is too small for them."""
    sentences = [
        f"{width}x{height} is too small:",
        f"tputtui needs {MIN_SIZE[0]}x{MIN_SIZE[1]}.",
        "q quits.",
    ]
    lines: list[Line] = [
        LineBuilder(width).at(0, sentence).line() for sentence in sentences[:height]
    ]
    return PanelView(tuple(lines + [blank_line(width)] * (height - len(lines))))

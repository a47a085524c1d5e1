"""Layout of the panels, computed from the size of the terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
    shown = _shown_panels(frame)
    top, bottom = _names_in_row("top", shown), _names_in_row("bottom", shown)
    middle, least_top = _middle_heights(frame, shown, height)
    rest = height - _BARS_HEIGHT - sum(middle.values())
    top_height = 0
    if top:
        top_height = max(least_top, rest * 11 // 20) if bottom else rest
    heights = dict.fromkeys(top, top_height) | middle
    if heights and not top and not bottom:
        heights[next(reversed(heights))] += rest
    return LayoutPlan(heights | dict.fromkeys(bottom, rest - top_height))


def _middle_heights(
    frame: Frame | None, shown: Sequence[PanelSpec], height: int
) -> tuple[dict[str, int], int]:
    """Heights of the panels in the middle from the top, and the least height of the top row.

    Lines are given in the order of the numbers: a panel without room has no place.
    """
    free = height - _BARS_HEIGHT
    least_top = _LEAST_TOP_HEIGHT
    heights: dict[str, int] = {}
    for panel in shown:
        if panel.row != "middle":
            continue
        lines = panel.height(frame, Room(height, free))
        least = min(least_top, panel.least_top_height)
        if free - lines < least + _LEAST_BOTTOM_HEIGHT:
            continue
        heights[panel.name] = lines
        free -= lines
        least_top = least
    order = _names_in_row("middle", shown)
    return {name: heights[name] for name in order if name in heights}, least_top


def _stacked_plan(frame: Frame | None, height: int) -> LayoutPlan:
    room = height - _BARS_HEIGHT
    heights: dict[str, int] = {}
    for panel in sorted(_shown_panels(frame), key=lambda panel: panel.rank):
        lines = panel.stacked_height(frame, height) if panel.stacked_height is not None else 0
        if lines:
            heights[panel.name] = lines
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


def _shown_panels(frame: Frame | None) -> list[PanelSpec]:
    """Panels that have a place where there is room, in the order of their numbers."""
    shown = [panel for panel in panels.PANELS if _is_shown(panel, frame)]
    replaced = {name for panel in shown for name in panel.replaces}
    return [panel for panel in shown if panel.name not in replaced]


def _names_in_row(row: Row, shown: Sequence[PanelSpec]) -> list[str]:
    """Names of the shown panels of a row by rank."""
    in_row = [panel for panel in shown if panel.row == row]
    return [panel.name for panel in sorted(in_row, key=lambda panel: panel.rank)]


def _is_shown(panel: PanelSpec, frame: Frame | None) -> bool:
    """Return whether a panel has a place, unless another one replaces it."""
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

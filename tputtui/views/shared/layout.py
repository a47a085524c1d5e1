"""Layout of the panels, computed from the size of the terminal. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tputtui.frozen import frozen
from tputtui.views.live.saturation_panel import resource_rows
from tputtui.views.shared.frame import Frame, PanelName, PanelView, ViewState
from tputtui.views.shared.styled_text import Line, LineBuilder, blank_line

MIN_SIZE = (40, 12)
SIDE_BY_SIDE_WIDTH = 100  # columns from which panels are side by side
SIDE_BY_SIDE_HEIGHT = 30  # rows from which panels are side by side
ROWS: dict[str, tuple[PanelName, PanelName]] = {
    "top": ("throughput", "latency"),
    "bottom": ("routes", "processes"),
}


@frozen
class LayoutPlan:
    """Visible panels with their heights; `is_stacked`: one below the other, not side by side."""

    heights: Mapping[PanelName, int]
    is_stacked: bool = False
    has_event_line: bool = True
    is_too_small: bool = False


def plan_layout(
    frame: Frame | None, width: int, height: int, zoomed_panel: PanelName | None = None
) -> LayoutPlan:
    """Plan the layout for a terminal of that size.

    Header, footer and event line take one line each.
    """
    if width < MIN_SIZE[0] or height < MIN_SIZE[1]:
        return LayoutPlan({}, has_event_line=False, is_too_small=True)
    if zoomed_panel is not None:
        return LayoutPlan({zoomed_panel: height - 3})
    if width < SIDE_BY_SIDE_WIDTH or height < SIDE_BY_SIDE_HEIGHT:
        return _stacked_plan(frame, height)
    room = height - 3
    wants = (frame.view_state if frame is not None else ViewState()).is_panel_enabled
    saturation = _saturation_height(frame, 10 if height >= 50 else 7) if wants("saturation") else 0
    count = len(frame.snapshot.targets) if frame is not None else 0
    strip = 2 + min(count, 8 if height >= 50 else 4) if count > 1 and wants("targets") else 0
    charted = _metric_height(frame, room - saturation - strip)
    rest = room - saturation - strip - charted
    above = [panel for panel in ROWS["top"] if wants(panel)]
    if frame is not None and frame.is_split:
        above = ["split"]
    below = [panel for panel in ROWS["bottom"] if wants(panel)]
    top = 0 if not above else rest if not below else max(6 if charted else 8, rest * 11 // 20)
    heights: dict[PanelName, int] = dict.fromkeys(above, top)
    if charted:
        heights["metric"] = charted
    if saturation:
        heights["saturation"] = saturation
    if strip:
        heights["targets"] = strip
    heights |= dict.fromkeys(below, rest - top)
    if heights and not above and not below:
        heights[next(reversed(heights))] += rest
    return LayoutPlan(heights)


def _metric_height(frame: Frame | None, room: int) -> int:
    """Lines for the charted metric.

    They include a chart that has axes where the other panels keep their room.
    """
    if frame is None or frame.view_state.charted is None:
        return 0
    return max(3, min(room // 3, 14))


def _stacked_plan(frame: Frame | None, height: int) -> LayoutPlan:
    bare = frame is not None and not frame.snapshot.services and not frame.snapshot.targets
    if bare and frame is not None and not frame.view_state.panels:
        few = max(3, min(9, _saturation_height(frame, 9), height - 9))
        return LayoutPlan(
            {"throughput": 3, "saturation": few, "processes": height - 6 - few}, is_stacked=True
        )
    quantiles = 3
    if frame is not None and frame.service is not None and frame.service.latency is not None:
        quantiles = max(1, len(frame.service.latency.quantiles))
    room = height - 3
    wants = (frame.view_state if frame is not None else ViewState()).is_panel_enabled
    split = frame is not None and frame.is_split
    heights: dict[PanelName, int] = {"throughput": 4} if wants("throughput") else {}
    if split:
        heights = {"split": quantiles + 5}
    if frame is not None and frame.view_state.charted is not None:
        heights["metric"] = 3  # a panel that the user added has priority over the standard ones
    if wants("latency") and not split:
        heights["latency"] = min(quantiles, 4) + 1
    if wants("saturation"):
        heights["saturation"] = min(4, _saturation_height(frame, 4))
    while sum(heights.values()) > room and len(heights) > 1:
        heights.popitem()
    left = room - sum(heights.values())
    bottom = _bottom_panel(frame, wants)
    if left >= 3 and bottom is not None:
        heights[bottom] = left
    elif heights:
        heights[next(iter(heights))] += left
    return LayoutPlan(heights, is_stacked=True)


def _bottom_panel(frame: Frame | None, is_enabled: Callable[[PanelName], bool]) -> PanelName | None:
    """List to show on a small screen: the focused one, else routes where there are any."""
    focus = frame.view_state.focus if frame is not None else None
    if focus in ("routes", "processes", "targets", "events"):
        return focus
    service = frame.service if frame is not None else None
    routed = service is not None and service.breakdown
    order: tuple[PanelName, ...] = (
        ("routes", "processes", "targets") if routed else ("processes", "targets", "routes")
    )
    return next((panel for panel in order if is_enabled(panel)), None)


def _saturation_height(frame: Frame | None, max_height: int) -> int:
    return 1 + max(
        3, min(max_height - 1, len(resource_rows(frame)) if frame is not None else max_height - 1)
    )


def too_small_view(width: int, height: int) -> PanelView:
    """Message in place of the panels on a terminal that is too small for them."""
    words = [
        f"{width}x{height} is too small:",
        f"tputtui needs {MIN_SIZE[0]}x{MIN_SIZE[1]}.",
        "q quits.",
    ]
    lines: list[Line] = [LineBuilder(width).at(0, word).line() for word in words[:height]]
    return PanelView(tuple(lines + [blank_line(width)] * (height - len(lines))))

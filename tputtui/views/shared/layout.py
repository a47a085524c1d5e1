"""Where the panels stand: pure arithmetic on the size of the terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tputtui.frozen import frozen
from tputtui.views.live.saturation_panel import resources
from tputtui.views.shared.frame import Frame, PanelName, PanelView, ViewState
from tputtui.views.shared.styled_text import Line, LineBuilder, blank

LEAST = (40, 12)
WIDE = 100  # columns from which panels stand side by side
TALL = 30  # rows from which that is worth it
ROWS: dict[str, tuple[PanelName, PanelName]] = {"top": ("throughput", "latency"), "bottom": ("routes", "processes")}


@frozen
class LayoutPlan:
    """The panels that are shown, with their heights. `stacked`: one under the other instead of side by side."""

    heights: Mapping[PanelName, int]
    stacked: bool = False
    event_line: bool = True
    too_small: bool = False


def plan(scene: Frame | None, width: int, height: int, zoomed: PanelName | None = None) -> LayoutPlan:
    """The arrangement for a terminal of that size. Header and footer take a line each, the event line a third."""
    if width < LEAST[0] or height < LEAST[1]:
        return LayoutPlan({}, event_line=False, too_small=True)
    if zoomed is not None:
        return LayoutPlan({zoomed: height - 3})
    if width < WIDE or height < TALL:
        return _stacked(scene, height)
    room = height - 3
    wants = (scene.viewpoint if scene is not None else ViewState()).wants
    saturation = _saturation_height(scene, 10 if height >= 50 else 7) if wants("saturation") else 0
    count = len(scene.snapshot.targets) if scene is not None else 0
    strip = 2 + min(count, 8 if height >= 50 else 4) if count > 1 and wants("targets") else 0
    charted = _metric_height(scene, room - saturation - strip)
    rest = room - saturation - strip - charted
    above = [panel for panel in ROWS["top"] if wants(panel)]
    if scene is not None and scene.is_split:
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


def _metric_height(scene: Frame | None, room: int) -> int:
    """Lines for the metric that was put on the screen: with a chart that has axes, where the rest keeps its room."""
    if scene is None or scene.viewpoint.charted is None:
        return 0
    return max(3, min(room // 3, 14))


def _stacked(scene: Frame | None, height: int) -> LayoutPlan:
    bare = scene is not None and not scene.snapshot.services and not scene.snapshot.targets
    if bare and scene is not None and not scene.viewpoint.panels:
        few = max(3, min(9, _saturation_height(scene, 9), height - 9))
        return LayoutPlan({"throughput": 3, "saturation": few, "processes": height - 6 - few}, stacked=True)
    quantiles = 3
    if scene is not None and scene.service is not None and scene.service.latency is not None:
        quantiles = max(1, len(scene.service.latency.quantiles))
    room = height - 3
    wants = (scene.viewpoint if scene is not None else ViewState()).wants
    split = scene is not None and scene.is_split
    heights: dict[PanelName, int] = {"throughput": 4} if wants("throughput") else {}
    if split:
        heights = {"split": quantiles + 5}
    if scene is not None and scene.viewpoint.charted is not None:
        heights["metric"] = 3  # what somebody asked for goes before what is always there
    if wants("latency") and not split:
        heights["latency"] = min(quantiles, 4) + 1
    if wants("saturation"):
        heights["saturation"] = min(4, _saturation_height(scene, 4))
    while sum(heights.values()) > room and len(heights) > 1:
        heights.popitem()
    left = room - sum(heights.values())
    bottom = _bottom(scene, wants)
    if left >= 3 and bottom is not None:
        heights[bottom] = left
    elif heights:
        heights[next(iter(heights))] += left
    return LayoutPlan(heights, stacked=True)


def _bottom(scene: Frame | None, wants: Callable[[PanelName], bool]) -> PanelName | None:
    """The one list that has room on a small screen: the focused one, else routes where there are some."""
    focus = scene.viewpoint.focus if scene is not None else None
    if focus in ("routes", "processes", "targets", "events"):
        return focus
    service = scene.service if scene is not None else None
    routed = service is not None and service.breakdown
    order: tuple[PanelName, ...] = ("routes", "processes", "targets") if routed else ("processes", "targets", "routes")
    return next((panel for panel in order if wants(panel)), None)


def _saturation_height(scene: Frame | None, most: int) -> int:
    return 1 + max(3, min(most - 1, len(resources(scene)) if scene is not None else most - 1))


def too_small(width: int, height: int) -> PanelView:
    """What stands in place of panels on a terminal that is too small for them."""
    words = [f"{width}x{height} is too small:", f"tputtui needs {LEAST[0]}x{LEAST[1]}.", "q quits."]
    lines: list[Line] = [LineBuilder(width).at(0, word).line() for word in words[:height]]
    return PanelView(tuple(lines + [blank(width)] * (height - len(lines))))

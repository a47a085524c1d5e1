"""Declaration of a panel of the live screen.

Each panel's file ends in one; `panels.py` lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Concatenate, Literal

from tputtui.frozen import frozen
from tputtui.signals.rates.past import PastNames
from tputtui.views.shared.chart import Chart
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import Line

Row = Literal["top", "middle", "bottom", "none"]

PanelRenderer = Callable[Concatenate[Frame, int, int, ...], PanelView]
"""Function (frame, width, height) -> view of exactly that size.

A panel with charts also receives the lines of each chart that is drawn, by the chart's name.
"""

ChartDrawer = Callable[[str, Chart], tuple[Line, ...]]
"""Function (name of a chart, unique on the screen, chart) -> its lines."""


@frozen
class Room:
    """Room for a panel in the middle: lines of the terminal, and lines that are not taken yet."""

    screen_height: int
    free: int


def is_always(_frame: Frame | None) -> bool:
    """Condition of a panel that is always there."""
    return True


def no_charts(_frame: Frame, _width: int, _height: int) -> Mapping[str, Chart]:
    """Charts of a panel that draws only with text."""
    return {}


def no_past(_frame: Frame) -> PastNames:
    """Past of a panel that draws only the snapshot."""
    return PastNames()


def no_fill(_frame: Frame | None) -> int | None:
    """Fill rank of a panel that does not take the lines left over on a small screen."""
    return None


def default_height(_frame: Frame | None, room: Room) -> int:
    """Height of a panel in the middle that declares none: a sixth of the terminal."""
    return max(3, min(room.screen_height // 6, room.free // 3))


@frozen
class PanelSpec:
    """All that the live screen knows of a panel.

    The frame is None before the first snapshot.
    """

    name: str
    """Identifier: the widget's id, `ViewState.focus`, and the config's word."""

    render: PanelRenderer
    """A renderer that is seldom needed imports its module when it is called."""

    row: Row = "middle"
    """Panels of the top and of the bottom row stand side by side and share the lines that are left.

    Those in the middle stand below each other. "none": only as the whole screen, or with the focus
    on a small screen.
    """

    rank: int = 100
    """Lower ranks stand further up in their row, and keep their place longer on a small screen."""

    height: Callable[[Frame | None, Room], int] = default_height
    """Lines of a panel in the middle."""

    least_top_height: int = 8
    """Lines that a panel in the middle leaves to the top row at least."""

    stacked_height: Callable[[Frame | None, int], int] | None = None
    """Lines on a small screen, where all panels stand below each other, by the terminal's height.

    None: none of its own; with the focus, the panel takes the lines that are left.
    """

    fill_rank: Callable[[Frame | None], int | None] = no_fill
    """Without such a focus, the panel of the lowest fill rank takes the lines that are left."""

    is_available: Callable[[Frame | None], bool] = is_always
    """Whether Tab reaches it, and whether it may have a place in the layout."""

    absence_message: str = ""
    """Message of its number key while it is not available; empty: the key focuses it anyway."""

    is_shown: Callable[[Frame | None], bool] = is_always
    """Whether an available panel has a place in the layout without being the whole screen."""

    replaces: tuple[str, ...] = ()
    """Panels whose place it takes while it is shown, unless one of them has the focus."""

    is_list: bool = False
    """Whether its rows have a cursor, a filter and an order."""

    is_configurable: bool = False
    """Whether the option `panels` of the config can leave it out.

    `PANELS` in `tputtui/settings/schema.py` lists the same names.
    """

    reads_processes: bool = False
    """Whether the process table is collected while the panel is shown."""

    charts: Callable[[Frame, int, int], Mapping[str, Chart]] = no_charts
    """Function (frame, width, height) -> charts to draw with plotext.

    By the name of the renderer's parameter that receives the lines.
    """

    past_names: Callable[[Frame], PastNames] = no_past
    """Names of what `frame.past` has to hold for the panel, whatever its size.

    The frame that is given has no past yet.
    """

    def absence(self, frame: Frame | None) -> str:
        """Reason why the panel cannot be shown now; empty where it can."""
        return "" if self.is_available(frame) else self.absence_message

    def view(self, frame: Frame, width: int, height: int, draw_chart: ChartDrawer) -> PanelView:
        """Render the panel with its charts in that many cells and lines."""
        charts = self.charts(frame, width, height)
        lines = {name: draw_chart(f"{self.name} {name}", chart) for name, chart in charts.items()}
        return self.render(frame, width, height, **lines)


def is_host_only(frame: Frame | None) -> bool:
    """Return whether only the host is observed, and the config leaves no panel out."""
    if frame is None or frame.view_state.panels:
        return False
    return not frame.snapshot.services and not frame.snapshot.targets

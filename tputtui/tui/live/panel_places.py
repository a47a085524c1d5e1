"""Widgets of the panels, and their places on the live screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.containers import Container
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tputtui.tui.widgets.panel import Panel
from tputtui.views.live import panels
from tputtui.views.live.layout import LayoutPlan
from tputtui.views.live.panel_spec import Row


def panel_widgets() -> Iterator[Widget]:
    """Create the widgets of all panels, from the top of the screen to the bottom."""
    yield Container(*_row_widgets("top"), classes="beside", id="top")
    yield from (Panel(panel.name) for panel in panels.panels_in_row("middle"))
    yield Container(*_row_widgets("bottom"), classes="beside", id="bottom")
    yield from (Panel(panel.name) for panel in panels.panels_in_row("none"))


def _row_widgets(row: Row) -> list[Widget]:
    """Panels of a row from left to right, each but the first after a gap."""
    widgets: list[Widget] = []
    for panel in panels.panels_in_row(row):
        if widgets:
            widgets.append(Static(id=f"gap-{panel.name}", classes="gap"))
        widgets.append(Panel(panel.name))
    return widgets


def place_panels(screen: Screen[Any], plan: LayoutPlan) -> None:
    """Show the panels of a plan with their heights, and hide the others."""
    _place_row(screen, "top", plan)
    _place_row(screen, "bottom", plan)
    for panel in panels.PANELS:
        widget = screen.query_one(f"#{panel.name}")
        widget.display = panel.name in plan.heights
        widget.styles.height = plan.heights.get(panel.name, 0)


def _place_row(screen: Screen[Any], row: Row, plan: LayoutPlan) -> None:
    names = [panel.name for panel in panels.panels_in_row(row)]
    shown = [name for name in names if name in plan.heights]
    container = screen.query_one(f"#{row}")
    container.display = bool(shown)
    is_stacked = plan.is_stacked and len(shown) > 1
    container.styles.layout = "vertical" if is_stacked else "horizontal"
    if is_stacked:
        container.styles.height = sum(plan.heights[name] for name in shown)
    else:
        container.styles.height = plan.heights[shown[0]] if shown else 0
    for name in names[1:]:
        screen.query_one(f"#gap-{name}").display = name in shown[1:] and not is_stacked

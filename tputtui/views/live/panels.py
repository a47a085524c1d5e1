"""The panels of the live screen, in the order of Tab and of the keys 1 to 9."""

from __future__ import annotations

from tputtui.signals.rates.past import PastNames
from tputtui.views.live import (
    event_log,
    latency_panel,
    metric_panel,
    process_table,
    routes_table,
    saturation_panel,
    split_panel,
    target_strip,
    throughput_panel,
)
from tputtui.views.live.panel_spec import PanelSpec, Row
from tputtui.views.shared.frame import Frame

PANELS: tuple[PanelSpec, ...] = (
    throughput_panel.PANEL,
    latency_panel.PANEL,
    saturation_panel.PANEL,
    target_strip.PANEL,
    routes_table.PANEL,
    process_table.PANEL,
    event_log.PANEL,
    metric_panel.PANEL,
    split_panel.PANEL,
)
MAX_NUMBERED = 9
"""Panels that have a number key; Tab reaches the others."""


def find_panel(name: str | None) -> PanelSpec | None:
    """Panel of that name; None where there is none."""
    return next((panel for panel in PANELS if panel.name == name), None)


def past_names(frame: Frame) -> PastNames:
    """Names of what the panels draw of the past, whether they have a place on the screen or not."""
    names = PastNames()
    for panel in PANELS:
        names = names.union(panel.past_names(frame))
    return names


def panels_in_row(row: Row) -> list[PanelSpec]:
    """Panels of a row from left to right, or in the middle from top to bottom."""
    return sorted((panel for panel in PANELS if panel.row == row), key=lambda panel: panel.rank)


def numbered_panels() -> list[tuple[int, PanelSpec]]:
    """Panels that have a number key, with their numbers."""
    return list(enumerate(PANELS[:MAX_NUMBERED], 1))


def list_names() -> list[str]:
    """Names of the panels that are lists, from the top of the screen to the bottom."""
    lists = [panel for panel in PANELS if panel.is_list]
    return [panel.name for panel in sorted(lists, key=lambda panel: panel.rank)]

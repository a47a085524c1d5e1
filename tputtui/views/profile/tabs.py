"""Tabs of the profile pane.

Each tab is one module that ends in `TAB`, its entry here. The number keys follow from the order.
"""

from __future__ import annotations

from tputtui.views.profile import (
    callers_tab,
    flame_tab,
    source_tab,
    threads_tab,
    top_functions_tab,
    tree_tab,
)
from tputtui.views.profile.profile_tab import TabSpec

TABS: tuple[TabSpec, ...] = (
    tree_tab.TAB,
    callers_tab.TAB,
    top_functions_tab.TAB,
    flame_tab.TAB,
    source_tab.TAB,
    threads_tab.TAB,
)
"""All tabs, in the order of the keys 1 to 9. A tab beyond the ninth is reached with Tab."""


def tab_spec(name: str) -> TabSpec:
    """Return the entry of a tab. Raises KeyError for an unknown name."""
    for spec in TABS:
        if spec.name == name:
            return spec
    raise KeyError(name)


def tab_number(name: str) -> int:
    """Return the number of a tab, counted from 1. Raises KeyError for an unknown name."""
    return TABS.index(tab_spec(name)) + 1


def tab_for_key(number: int) -> str | None:
    """Return the name of the tab of a number key; None where there is no such tab."""
    return TABS[number - 1].name if 0 < number <= len(TABS) else None


def help_row() -> tuple[str, str, str]:
    """Keys, label and text of the number keys, for the help."""
    texts = [f"{number} {spec.help}" for number, spec in enumerate(TABS[:9], 1)]
    return f"1-{len(texts)}", "views", ", ".join(texts)

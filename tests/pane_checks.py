"""Invariants of every pane: it fills its area exactly, without control characters."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tputtui import text
from tputtui.views.shared.styled_text import Line, line_text


def assert_fills_area(lines: Sequence[Line], width: int, height: int) -> None:
    """Assert `height` lines of exactly `width` cells.

    No control character, and no Python word for "unknown".
    """
    assert len(lines) == height
    for line in lines:
        shown = line_text(line)
        assert text.width(shown) == width
        assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co"}
        assert "None" not in shown
        assert "nan" not in shown.split()

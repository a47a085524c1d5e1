"""What holds of every pane, whatever it shows: it fills its place exactly, and nothing in it acts."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tputtui import text
from tputtui.views.shared.styled_text import Line, line_text


def assert_fills(lines: Sequence[Line], width: int, height: int) -> None:
    """As many lines as there is room, each as wide as the pane; no control character, no Python word for "unknown"."""
    assert len(lines) == height
    for line in lines:
        shown = line_text(line)
        assert text.width(shown) == width
        assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co"}
        assert "None" not in shown
        assert "nan" not in shown.split()

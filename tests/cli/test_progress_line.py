"""The progress line of a recording fits the terminal.

The bar shrinks first, then the line is cut.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import samples

from tputtui import text
from tputtui.cli.recording_monitor import format_line
from tputtui.recording.recorder import RecordingState

STATE = RecordingState(Path("a"), 0.0, 33.0, 2048, 0, None)


@pytest.mark.parametrize("width", [20, 40, 79, 119])
def test_it_is_never_wider_than_the_terminal(width: int) -> None:
    assert text.width(format_line(samples.snapshot(), STATE, 66.0, width)) <= width


def test_the_bar_shows_the_progress_and_shrinks_before_the_figures_do() -> None:
    wide = format_line(samples.snapshot(), STATE, 66.0, 119)
    assert "[##########          ]" in wide
    assert "2.0 KiB" in wide
    narrow = format_line(samples.snapshot(), STATE, 66.0, 79)
    assert "66 [" not in narrow
    assert "2.0 KiB" in narrow
    assert "[" not in format_line(samples.snapshot(), STATE, None, 119)

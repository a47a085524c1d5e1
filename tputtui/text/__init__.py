"""Foreign text made safe, widths in terminal cells, and numbers, units and durations for people.

This room does not depend on a screen.
"""

from __future__ import annotations

from tputtui.text.quantities import (
    UNKNOWN,
    describe_late_answer,
    format_amount,
    format_axis_duration,
    format_axis_value,
    format_bound,
    format_bucket,
    format_clock,
    format_duration,
    format_number,
    format_percent,
    format_rate,
    format_seconds,
    format_size,
    parse_duration,
    parse_time_of_day,
)
from tputtui.text.safe_text import (
    align_left,
    align_right,
    clean,
    to_ascii,
    truncate,
    truncate_left,
    width,
)
from tputtui.text.suggestion import did_you_mean

__all__ = [
    "UNKNOWN",
    "align_left",
    "align_right",
    "clean",
    "describe_late_answer",
    "did_you_mean",
    "format_amount",
    "format_axis_duration",
    "format_axis_value",
    "format_bound",
    "format_bucket",
    "format_clock",
    "format_duration",
    "format_number",
    "format_percent",
    "format_rate",
    "format_seconds",
    "format_size",
    "parse_duration",
    "parse_time_of_day",
    "to_ascii",
    "truncate",
    "truncate_left",
    "width",
]

"""Durations and times of day: formatted for people, parsed from what people type."""

from __future__ import annotations

import math
import re

from tputtui.text.gate import clean
from tputtui.text.units import format_non_finite


def late(waiting_s: float | None, received: int | None = None) -> str:
    """Describe a late answer.

    "no answer for 12 s"; where part of it has arrived, "answer incomplete, 100 bytes in 12 s".
    """
    if received:
        size = f"{received:,} byte{'s' if received != 1 else ''}"
        return f"answer incomplete, {size} in {format_duration(waiting_s)}"
    return f"no answer for {format_duration(waiting_s)}"


def format_duration(value: float | None) -> str:
    """Format a duration in its two largest units: 31 s · 2 min 5 s · 3 h 12 min · 3 d 4 h."""
    if value is None or not math.isfinite(value):
        return format_non_finite(value)
    total = max(0.0, value)
    if total < 9.95 and total != int(total):
        return f"{total:.1f} s"
    left_over = round(total)
    for length, unit, lower_length, lower in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if left_over >= length:
            first, rest = divmod(left_over, length)
            second = rest // lower_length
            return f"{first} {unit} {second} {lower}" if second else f"{first} {unit}"
    return f"{left_over} s"


def format_axis_duration(value: float) -> str:
    """Format a duration in its largest unit, for an axis: 10 min · 5 s · 2 h."""
    for length, unit in ((86400.0, "d"), (3600.0, "h"), (60.0, "min")):
        if value >= length:
            scaled = value / length
            return f"{scaled:.0f} {unit}" if scaled == int(scaled) else f"{scaled:.1f} {unit}"
    return f"{value:g} s"


def format_clock(value: float) -> str:
    """Format a duration as hours, minutes and seconds: 00:12:31."""
    total = int(value)
    return f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"


_DAY_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", re.ASCII)


def parse_time_of_day(text: str) -> int | None:
    """Parse "14:03:22" or "14:03" into seconds since midnight; None if it is no time of day."""
    match = _DAY_TIME.fullmatch(text.strip())
    if match is None:
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3] or 0)


_DURATION_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}


def parse_duration(text: str) -> float:
    """Parse "500ms", "10s", "2m", "1h" or a bare number into seconds.

    Raises ValueError with the allowed forms.
    """
    stripped = text.strip()
    digits = stripped.rstrip("abcdefghijklmnopqrstuvwxyzµ ")
    unit = stripped[len(digits) :].strip()
    try:
        value = float(digits)
    except ValueError:
        value = math.nan
    if "_" in digits or not math.isfinite(value) or (unit and unit not in _DURATION_UNITS):
        raise ValueError(
            f"{clean(text, 60)!r} is not a duration: 500ms, 10s, 2m, 1h or a number of seconds"
        )
    return value * _DURATION_UNITS.get(unit, 1.0)

"""Quantities for people: numbers, rates, sizes, durations and times of day with their units.

Durations and times of day are parsed, too, from what people type.
"""

from __future__ import annotations

import math
import re
from typing import Final

from tputtui.text.safe_text import clean

UNKNOWN: Final = "–"
"""Placeholder for an unknown number."""


def _format_non_finite(value: float | None) -> str:
    """Format None, NaN or an infinity."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return "∞" if value > 0 else "-∞"


def format_number(value: float | None, digits: int = 3) -> str:
    """Format a number with about `digits` significant digits.

    Thousands are grouped: 1,284 · 12.3 · 0.05. Integers have no decimals: 14.
    """
    if value is None or not math.isfinite(value):
        return _format_non_finite(value)
    if value == int(value) and abs(value) < 1e9:
        return f"{value:,.0f}"
    magnitude = abs(value)
    if magnitude >= 1e9:
        return f"{value:.{digits - 1}e}"
    decimals = max(0, digits - 1 - math.floor(math.log10(magnitude)))
    rounded = f"{value:,.{min(decimals, digits)}f}"
    if magnitude < 10**-digits:
        return f"{value:.1e}" if magnitude < 1e-6 else f"{value:.{min(decimals, 6)}f}".rstrip("0")
    return rounded


def format_rate(value: float | None) -> str:
    """Format a rate with few, stable digits.

    1,284 from 1,000 on, 612.0 from 100 on, 11.5, 0.25.
    """
    if value is None or not math.isfinite(value):
        return _format_non_finite(value)
    magnitude = abs(value)
    if magnitude >= 1e9:
        return f"{value:.3g}"
    if magnitude >= 999.95:
        return f"{value:,.0f}"
    if magnitude >= 9.995 or value == 0:
        return f"{value:.1f}"
    return f"{value:.2f}"


def format_axis_value(value: float | None) -> str:
    """Format an axis value in at most five characters: 0 · 250 · 1.5k · 20k · 3M."""
    if value is None or not math.isfinite(value):
        return _format_non_finite(value)
    for factor, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor * 0.9995:
            scaled = value / factor
            is_short = scaled >= 9.95 or scaled == int(scaled)
            return f"{scaled:.0f}{suffix}" if is_short else f"{scaled:.1f}{suffix}"
    if value == int(value):
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 1 else f"{value:.2g}"


def format_seconds(value: float | None) -> tuple[str, str]:
    """Format a short duration as (number, unit): ("8.2", "ms"), ("1.25", "s"), ("412", "µs")."""
    if value is None or not math.isfinite(value):
        return (_format_non_finite(value), "s")
    if value == 0:
        return ("0", "s")
    magnitude = abs(value)
    for factor, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")):
        if magnitude >= factor * 0.9995 or unit == "ns":
            return (_format_digits(value / factor), unit)
    raise AssertionError("unreachable")


def format_size(value: float | None) -> tuple[str, str]:
    """Format bytes as (number, binary unit): ("1.3", "GiB"), ("512", "B")."""
    if value is None or not math.isfinite(value):
        return (_format_non_finite(value), "B")
    scaled = float(value)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(scaled) < 999.5 or unit == "TiB":
            return (f"{scaled:.0f}" if unit == "B" else _format_digits(scaled), unit)
        scaled /= 1024
    raise AssertionError("unreachable")


def _format_digits(value: float) -> str:
    """Format with two decimals below 1, one below 100, none above, to keep widths stable."""
    magnitude = abs(value)
    if magnitude >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 0.995 else f"{value:.2f}"


def format_percent(value: float | None, decimals: int | None = None) -> str:
    """Format a percentage (0 to 100) without the sign: 91 · 2.4 · 0.12."""
    if value is None or not math.isfinite(value):
        return _format_non_finite(value)
    if decimals is not None:
        return f"{value:.{decimals}f}"
    magnitude = abs(value)
    if magnitude >= 9.95 or value == 0:
        return f"{value:.0f}"
    return f"{value:.1f}" if magnitude >= 0.995 else f"{value:.2f}"


def format_amount(value: float | None, unit: str | None) -> tuple[str, str]:
    """Format a value in a unit of the model as (number, unit) for display.

    The units are "req/s", "s", "By", "By/s", "ratio", "" and None.
    """
    if unit == "s":
        return format_seconds(value)
    if unit in ("By", "bytes"):
        return format_size(value)
    if unit == "By/s":
        digits, prefix = format_size(value)
        return (digits, f"{prefix}/s")
    if unit == "ratio":
        return (format_percent(None if value is None else value * 100), "%")
    if unit and unit.endswith("/s"):
        return (format_rate(value), unit)
    return (format_number(value), unit or "")


def format_bucket(low: float | None, high: float | None, unit: str | None) -> str:
    """Format the bounds of a bucket: 100–500 ms, 500 ms–1 s, above 10 s; "" without bounds."""
    if low is None and high is None:
        return ""
    if high is None:
        return f"above {format_bound(low, unit)}"
    if low is None:
        return f"up to {format_bound(high, unit)}"
    start, end = format_bound(low, unit), format_bound(high, unit)
    if low == 0 or start.partition(" ")[2] == end.partition(" ")[2]:
        start = start.partition(" ")[0]
    return f"{start}–{end}"


def format_bound(value: float | None, unit: str | None) -> str:
    """Format a bound without zeros at its end: 250 ms, 2.5 s."""
    digits, shown_unit = format_amount(value, unit)
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return f"{digits} {shown_unit}".rstrip()


def describe_late_answer(waiting_s: float | None, received: int | None = None) -> str:
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
        return _format_non_finite(value)
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

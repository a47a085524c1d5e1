"""Sanitizing of foreign text; formatting of numbers, units and durations.

Every string from outside (label values, names, error texts, command lines, frames, file names)
passes `clean` before it can reach a terminal. This module does not depend on a screen; widths are
in terminal cells.
"""

from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache

from tputtui.text.redaction import hide

UNKNOWN = "–"
"""Placeholder for an unknown number."""

# Combining marks kept per character: real scripts need two or three, zalgo text has dozens
MAX_MARKS_PER_CELL = 4
_ELLIPSIS = "…"
_MARKS = frozenset(("Mn", "Me", "Mc"))
# Hangul fillers: classified as letters, displayed as nothing
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
_REPLACED = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


# --------------------------------------------------------------------------------------- sanitizing


def clean(text: str, limit: int = 4096) -> str:
    """Make foreign text safe to draw: no control, format, bidi or surrogate character survives.

    C0 controls become their visible pictures (ESC is ␛), the others U+FFFD; combining marks are
    capped; more than `limit` characters are cut with a mark. One line, idempotent under `clean`,
    with the secrets of `redaction` as ***.
    """
    if len(text := hide(text)) > limit:
        text = text[: limit - 1] + _ELLIPSIS
    if text.isascii() and text.isprintable():
        return text
    return _clean(text)


@lru_cache(maxsize=4096)
def _clean(text: str) -> str:
    out: list[str] = []
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        if category in _MARKS or char in _FILLERS:
            marks += 1
            if marks <= MAX_MARKS_PER_CELL and out and char not in _FILLERS:
                out.append(char)
            continue
        marks = 0
        if category not in _REPLACED:
            out.append(" " if category == "Zs" else char)
        elif char < " ":
            out.append(chr(0x2400 + ord(char)))
        elif char == "\x7f":
            out.append("␡")
        else:
            out.append("\ufffd")
    return "".join(out)


# -------------------------------------------------------------------------------------------- cells


@lru_cache(maxsize=4096)
def width(text: str) -> int:
    """Return the number of terminal cells that cleaned text occupies."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


@lru_cache(maxsize=8192)
def _char_width(char: str) -> int:
    if unicodedata.category(char) in _MARKS:
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def truncate(text: str, cells: int) -> str:
    """Shorten cleaned text to at most `cells`, with a mark where characters were removed."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    if text.isascii():
        return text[: cells - 1] + _ELLIPSIS
    out: list[str] = []
    used = 0
    for char in text:
        used += _char_width(char)
        if used > cells - 1:
            break
        out.append(char)
    return "".join(out) + _ELLIPSIS


def truncate_left(text: str, cells: int) -> str:
    """Like `truncate`, but keep the end: for paths."""
    if cells <= 0:
        return ""
    if width(text) <= cells:
        return text
    out: list[str] = []
    used = 0
    for char in reversed(text):
        used += _char_width(char)
        if used > cells - 1:
            break
        out.append(char)
    return _ELLIPSIS + "".join(reversed(out))


def align_left(text: str, cells: int) -> str:
    """Cut or pad on the right to exactly `cells`."""
    text = truncate(text, cells)
    return text + " " * (cells - width(text))


def align_right(text: str, cells: int) -> str:
    """Cut or pad on the left to exactly `cells`."""
    text = truncate(text, cells)
    return " " * (cells - width(text)) + text


_ASCII_EQUIVALENTS = str.maketrans(
    {
        "…": "~",
        "–": "-",
        "—": "-",
        "·": ".",
        "×": "x",
        "≥": ">",
        "≤": "<",
        "±": "+",
        "▲": "^",
        "▼": "v",
        "▸": ">",
        "▾": "v",
        "▶": ">",
        "●": "*",
        "○": "o",
        "◐": "?",
        "─": "-",
        "━": "=",
        "│": "|",
        "┃": "|",
        "▁": "_",
        "▂": ".",
        "▃": "-",
        "▄": "=",
        "▅": "+",
        "▆": "*",
        "▇": "%",
        "█": "#",
        "▏": "|",
        "▎": "|",
        "▍": "|",
        "▌": "#",
        "▋": "#",
        "▊": "#",
        "▉": "#",
        "■": "#",
        "░": ":",
        "▒": "%",
        "▓": "*",
        "•": "*",
        "┤": "|",
        "┼": "+",
        "┐": "+",
        "┘": "+",
        "└": "+",
        "┌": "+",
        "┬": "+",
        "┴": "+",
        "├": "|",
        "›": ">",
        "→": ">",
        "Δ": "d",
        "µ": "u",
        "␛": "?",
    }
)


def to_ascii(text: str) -> str:
    """Convert text to ASCII, cell for cell, for terminals that cannot show more."""
    if text.isascii():
        return text
    text = text.translate(_ASCII_EQUIVALENTS)
    return "".join(char if char < "\x7f" else "?" * _char_width(char) for char in text)


# ------------------------------------------------------------------------------------------ numbers


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


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
            return (
                f"{scaled:.0f}{suffix}"
                if scaled >= 9.95 or scaled == int(scaled)
                else f"{scaled:.1f}{suffix}"
            )
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


# --------------------------------------------------------------------------------------------- time


def late(waiting_s: float | None, received: int | None = None) -> str:
    """Describe a late answer.

    "no answer for 12 s"; where part of it has arrived, "answer incomplete, 100 bytes in 12 s".
    """
    if received:
        return f"answer incomplete, {received:,} byte{'s' if received != 1 else ''} in {format_duration(waiting_s)}"
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
    found = _DAY_TIME.fullmatch(text.strip())
    return (
        int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)
        if found is not None
        else None
    )


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


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """Return ', did you mean "window"?' where a similar known word exists, else ""."""
    import difflib  # imported lazily: 5 ms, needed only after a mistake
    import re

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not close:  # fall back to a common word: "max_serie" and "series_per_target" share one
        parts = {
            part: name
            for name in reversed(known)
            for part in re.split(r"[_.-]", name)
            if len(part) >= 4
        }
        words = [part for part in re.split(r"[_.-]", word) if len(part) >= 4]
        close = [
            parts[found]
            for part in words
            for found in difflib.get_close_matches(part, parts, n=1, cutoff=0.8)
        ]
    return f', did you mean "{close[0]}"?' if close else ""

"""Argument types of flags: each function raises ArgumentTypeError with a clause on the problem."""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from tputtui.text import clean, parse_duration

if TYPE_CHECKING:
    from tputtui.profiling.capture.periodic_sampling import SamplingSchedule

MIN_PART_BYTES = 64 * 1024
"""Minimum size limit of one file of a recording, bytes."""


def non_negative_int(text: str) -> int:
    """Parse an integer from 0 on."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a whole number")
    return int(text)


def process(text: str) -> str:
    """Validate `PID` or `:PORT`, returned as written."""
    if text.startswith(":"):
        if not re.fullmatch(r":\d{1,5}", text, re.ASCII) or not 1 <= int(text[1:]) <= 65535:
            raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a port from :1 to :65535")
        return text
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is neither a PID nor :PORT")
    return text


def positive_int(text: str) -> int:
    """Parse an integer from 1 on."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a whole number of at least 1")
    return int(text)


def positive_number(text: str) -> float:
    """Parse a number above 0."""
    if (
        not re.fullmatch(r"\d+(\.\d+)?|\.\d+", text, re.ASCII)
        or not 0 < float(text) < sys.float_info.max
    ):
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a number above 0")
    return float(text)


def positive_duration(text: str) -> float:
    """Parse a duration above 0, in seconds."""
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a time above 0")
    return value


def latency_step(text: str) -> tuple[float, float]:
    """Parse `T:MS` into (seconds from the start, milliseconds)."""
    at, colon, more = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not T:MS, such as 20s:50")
    return positive_duration(at), positive_number(more)


def mark_spec(text: str) -> tuple[float, str]:
    """Parse `[T=]TEXT` into (seconds from the start, text). T is +90s; the text may contain "="."""
    at, equals, mark = text.partition("=")
    if equals and at.startswith("+") and mark.strip():
        return (0.0 if at.strip() in ("+0", "+0s") else positive_duration(at[1:])), clean(
            mark.strip(), 500
        )
    if not text.strip():
        raise argparse.ArgumentTypeError("a mark without a text")
    return 0.0, clean(text.strip(), 500)


def sampling_schedule(text: str) -> SamplingSchedule:
    """Parse `PID|:PORT@60s[/5m]`."""
    from tputtui.profiling.capture import periodic_sampling

    try:
        return periodic_sampling.parse_schedule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def byte_size(text: str) -> int:
    """Parse bytes: 500MiB, 2GiB, or a number."""
    match = re.fullmatch(r"(\d{1,15})\s*(B|KiB|MiB|GiB)?", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a size, such as 500MiB")
    size = int(match[1]) << 10 * ("B", "KiB", "MiB", "GiB").index(match[2] or "B")
    if size < MIN_PART_BYTES:
        raise argparse.ArgumentTypeError(
            f"{clean(text, 40)!r} is below {MIN_PART_BYTES >> 10}KiB: a file would hold seconds"
        )
    return size

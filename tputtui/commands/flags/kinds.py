"""What the words after flags are read as: each function raises ArgumentTypeError with a clause that says what is wrong."""

from __future__ import annotations

import argparse
import re
import sys

from tputtui.text import clean, parse_duration


def whole(text: str) -> int:
    """A whole number from 0 on."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a whole number")
    return int(text)


def count(text: str) -> int:
    """A whole number from 1 on."""
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a whole number of at least 1")
    return int(text)


def number(text: str) -> float:
    """A number above 0."""
    if not re.fullmatch(r"\d+(\.\d+)?|\.\d+", text, re.ASCII) or not 0 < float(text) < sys.float_info.max:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a number above 0")
    return float(text)


def seconds(text: str) -> float:
    """A duration above 0, in seconds."""
    try:
        value = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a time above 0")
    return value


def at_latency(text: str) -> tuple[float, float]:
    """`T:MS`: (seconds from the start, milliseconds)."""
    at, colon, more = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not T:MS, such as 20s:50")
    return seconds(at), number(more)

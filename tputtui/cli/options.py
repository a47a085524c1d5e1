"""Options that several verbs share: common flags, targets, argument types.

An argument type raises ArgumentTypeError with a clause on the problem. The common flags are
settings; they override the config file and the environment.
"""

from __future__ import annotations

import argparse
import re
import sys
from typing import TYPE_CHECKING

from tputtui.frozen import frozen
from tputtui.text import clean, parse_duration

if TYPE_CHECKING:
    from tputtui.profiling.capture.capture_triggers import SamplingSchedule


_MIN_PART_BYTES = 64 * 1024
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
    from tputtui.profiling.capture import capture_triggers

    try:
        return capture_triggers.parse_schedule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def byte_size(text: str) -> int:
    """Parse bytes: 500MiB, 2GiB, or a number."""
    match = re.fullmatch(r"(\d{1,15})\s*(B|KiB|MiB|GiB)?", text, re.ASCII)
    if match is None or int(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a size, such as 500MiB")
    size = int(match[1]) << 10 * ("B", "KiB", "MiB", "GiB").index(match[2] or "B")
    if size < _MIN_PART_BYTES:
        raise argparse.ArgumentTypeError(
            f"{clean(text, 40)!r} is below {_MIN_PART_BYTES >> 10}KiB: a file would hold seconds"
        )
    return size


@frozen
class CommonFlag:
    """Flag that is a setting. Without `const` it takes a text."""

    name: str
    key: str
    help: str
    metavar: str | None = None
    const: bool | str | None = None
    is_repeatable: bool = False

    @property
    def dest(self) -> str:
        """Attribute in argparse's namespace; the blank keeps it apart from every option of a
        verb.
        """
        return "setting " + self.name


OBJECTIVE = CommonFlag(
    "--objective",
    "objectives",
    "a target level: p99<=250ms, errors<=0.1%%, api/users:rps>=100",
    "EXPR",
    None,
    True,
)
INTERVAL = CommonFlag(
    "--interval", "interval", "time from scrape to scrape, at least 100ms (1s)", "DURATION"
)
TIMEOUT = CommonFlag(
    "--timeout", "timeout", "how long one scrape may take, whatever the interval (10s)", "DURATION"
)
TICK_FLAGS = (
    INTERVAL,
    CommonFlag(
        "--window", "window", "span over which rates and quantiles are taken (10s)", "DURATION"
    ),
)
RATE_FLAGS = (
    *TICK_FLAGS,
    TIMEOUT,
    OBJECTIVE,
    CommonFlag("--by", "by", "labels to break traffic down by", "LABEL[,LABEL]"),
)
NO_DISCOVER = CommonFlag(
    "--no-discover", "discover", "without targets, do not look for local listeners", None, False
)
_READ_ONLY = CommonFlag(
    "--read-only", "read_only", "no capture of a process, no file written", None, True
)
ASCII = CommonFlag("--ascii", "ascii", "draw with ASCII only", None, True)
SCREEN_FLAGS = (
    ASCII,
    CommonFlag("--theme", "theme", "name of a theme (auto)", "NAME"),
    CommonFlag("--light", "background", "the terminal's background is light", None, "light"),
    CommonFlag("--dark", "background", "the terminal's background is dark", None, "dark"),
    CommonFlag("--no-mouse", "mouse", "leave the mouse to the terminal", None, False),
)

ALL_FLAGS = (*RATE_FLAGS, NO_DISCOVER, _READ_ONLY, *SCREEN_FLAGS)
"""All common flags, in the order of --help."""


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Add TARGET... and the options for further sources of targets."""
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="URL, host:port, :port, or a name from the config file",
    )
    parser.add_argument(
        "--targets-from",
        metavar="FILE",
        action="append",
        default=[],
        help="more targets, as Prometheus file_sd JSON",
    )
    parser.add_argument(
        "--prometheus",
        metavar="URL",
        action="append",
        default=[],
        help="a Prometheus-compatible server to ask, or its name from the config file",
    )
    parser.add_argument(
        "--match",
        metavar="SELECTOR",
        help="what to take from the server, such as 'job=\"api\"' (all its jobs)",
    )


def add_baseline_option(parser: argparse.ArgumentParser) -> None:
    """Add --baseline, for every verb with the live screen."""
    parser.add_argument(
        "--baseline",
        metavar="RUN",
        help="hold all figures against a recorded run, or a span of one: RUN@MARK..MARK",
    )


def add_count_option(parser: argparse.ArgumentParser) -> None:
    """Add -n, the number of JSON objects to print."""
    parser.add_argument(
        "-n",
        metavar="N",
        type=positive_int,
        dest="count",
        help="end after N objects",
    )

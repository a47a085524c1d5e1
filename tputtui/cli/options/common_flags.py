"""Flags that are settings, common to all verbs; they override the config file and the
environment.
"""

from __future__ import annotations

from tputtui.frozen import frozen


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
READ_ONLY = CommonFlag(
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

ALL_FLAGS = (*RATE_FLAGS, NO_DISCOVER, READ_ONLY, *SCREEN_FLAGS)
"""All common flags, in the order of --help."""

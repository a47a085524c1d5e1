"""The flags that are settings: the same for every verb, laid over the config file and the environment."""

from __future__ import annotations

from tputtui.frozen import frozen


@frozen
class Common:
    """A flag that is a setting. Without `const` it takes a text."""

    name: str
    key: str
    help: str
    metavar: str | None = None
    const: bool | str | None = None
    repeats: bool = False

    @property
    def dest(self) -> str:
        """Its attribute in argparse's namespace; the blank keeps it apart from every option of a verb."""
        return "setting " + self.name


OBJECTIVE = Common(
    "--objective", "objectives", "a target level: p99<=250ms, errors<=0.1%%, api/users:rps>=100", "EXPR", None, True
)
INTERVAL = Common("--interval", "interval", "time from scrape to scrape, at least 100ms (1s)", "DURATION")
TIMEOUT = Common("--timeout", "timeout", "how long one scrape may take, whatever the interval (10s)", "DURATION")
TICKS = (
    INTERVAL,
    Common("--window", "window", "span over which rates and quantiles are taken (10s)", "DURATION"),
)
RATES = (*TICKS, TIMEOUT, OBJECTIVE, Common("--by", "by", "labels to break traffic down by", "LABEL[,LABEL]"))
NO_DISCOVER = Common("--no-discover", "discover", "without targets, do not look for local listeners", None, False)
READ_ONLY = Common("--read-only", "read_only", "no capture of a process, no file written", None, True)
ASCII = Common("--ascii", "ascii", "draw with ASCII only", None, True)
SCREEN = (
    ASCII,
    Common("--theme", "theme", "name of a theme (auto)", "NAME"),
    Common("--light", "background", "the terminal's background is light", None, "light"),
    Common("--dark", "background", "the terminal's background is dark", None, "dark"),
    Common("--no-mouse", "mouse", "leave the mouse to the terminal", None, False),
)

ALL = (*RATES, NO_DISCOVER, READ_ONLY, *SCREEN)
"""Every one of them, in the order of a --help."""

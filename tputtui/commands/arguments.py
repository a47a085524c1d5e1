"""The command line, parsed: which verb, its own options, and the common flags that are settings."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tputtui.settings.layers import Flag
from tputtui.text import clean, did_you_mean, parse_duration


class UsageError(Exception):
    """The command line cannot be used: one sentence, cleaned, for exit code 2."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What was typed. `verb` is "" for the live screen; `flags` are the settings among the flags, by dotted key."""

    verb: str
    options: argparse.Namespace
    flags: Mapping[str, Flag] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Common:
    """A flag that is a setting. Without `const` it takes a text."""

    name: str
    key: str
    help: str
    metavar: str | None = None
    const: bool | str | None = None
    repeats: bool = False


_COMMON = (
    _Common("--interval", "interval", "time from scrape to scrape, at least 100ms (1s)", "DURATION"),
    _Common("--window", "window", "span over which rates and quantiles are taken (10s)", "DURATION"),
    _Common(
        "--objective", "objectives", "a target level: p99<=250ms, errors<=0.1%%, api/users:rps>=100", "EXPR", None, True
    ),
    _Common("--by", "by", "labels to break traffic down by", "LABEL[,LABEL]"),
    _Common("--no-discover", "discover", "without targets, do not look for local listeners", None, False),
    _Common("--read-only", "read_only", "no capture of a process, no file written", None, True),
    _Common("--ascii", "ascii", "draw with ASCII only", None, True),
)
_SCREEN = (
    _Common("--theme", "theme", "name of a theme (auto)", "NAME"),
    _Common("--light", "background", "the terminal's background is light", None, "light"),
    _Common("--dark", "background", "the terminal's background is dark", None, "dark"),
    _Common("--no-mouse", "mouse", "leave the mouse to the terminal", None, False),
)
_SETTINGS = (*_COMMON, *_SCREEN)

VERBS: Mapping[str, str] = {
    "demo": "a real instrumented service and load on it, on loopback, in the same screen",
    "stream": "one JSON object a tick on stdout, for jq and scripts",
    "check": "can each target be reached, what was found on it and why, may py-spy attach",
    "discover": "what on this machine serves metrics",
    "profile": "capture where a process spends its time, and open it or write it",
    "config": "show the effective settings, the config file's path, or a file to start from",
}

_EXAMPLES = """\
examples:
  tputtui                              this host, and every local listener that serves metrics
  tputtui :8000                        http://127.0.0.1:8000/metrics
  tputtui api https://db.example/m     "api" from the config file, and a URL
  tputtui demo --load 200              a service under 200 requests a second
  tputtui stream -n 1 :8000 | jq .services
  tputtui check :8000                  what would be shown, and why

tputtui VERB --help says more. Exit codes: 0 fine, 1 failed while running, 2 usage."""


class _Parser(argparse.ArgumentParser):
    """argparse with one line for an error, and the nearest flag in it."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{clean(message, 200)}; see {self.prog} --help")


def parse(argv: Sequence[str]) -> Arguments:
    """Parse the command line without the program's name.

    Raises UsageError; raises SystemExit(0) after --help and --version have been printed.
    """
    verb, rest = _split(list(argv))
    parser = _parser(verb)
    options, unknown = parser.parse_known_intermixed_args(rest)
    strange = [word for word in unknown if word.startswith("-") and word != "-"]
    if strange:
        word = strange[0].partition("=")[0]
        known = [name for action in parser._actions for name in action.option_strings]
        raise UsageError(f"unknown flag {clean(word, 60)}{did_you_mean(word, known)}; see {parser.prog} --help")
    if unknown:
        raise UsageError(f"{clean(unknown[0], 60)!r} is one argument too many; see {parser.prog} --help")
    flags: dict[str, Flag] = {}
    for common in _SETTINGS:
        value = getattr(options, _dest(common), None)
        if value is not None:
            flags[common.key] = Flag(common.name, value)
    return Arguments(verb, options, flags)


def _split(argv: list[str]) -> tuple[str, list[str]]:
    """The verb, if the first word that is neither a flag nor a flag's value is one, and the other words."""
    takes_value = {common.name for common in _SETTINGS if common.metavar} | {"--config", "--targets-from"}
    position = 0
    while position < len(argv):
        word = argv[position]
        if word in VERBS:
            return word, argv[:position] + argv[position + 1 :]
        if word == "--" or not word.startswith("-"):
            break
        position += 2 if word in takes_value else 1
    return "", argv


def _dest(common: _Common) -> str:
    return "setting " + common.name  # a blank: no option of a verb can be called that


def _parser(verb: str) -> _Parser:
    if verb:
        description, epilog, usage = VERBS[verb][0].upper() + VERBS[verb][1:] + ".", None, None
    else:
        lines = "\n".join(f"  {name:<10}{text}" for name, text in VERBS.items())
        description, epilog = f"Watches throughput live.\n\nverbs:\n{lines}", _EXAMPLES
        usage = "tputtui [flags] [TARGET...]\n       tputtui VERB ..."
    parser = _Parser(
        prog=f"tputtui {verb}".rstrip(),
        description=description,
        epilog=epilog,
        usage=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _VERB_OPTIONS[verb](parser)
    common = parser.add_argument_group("common flags")
    common.add_argument("--config", metavar="FILE", help="config file (see tputtui config path)")
    for setting in _SETTINGS if verb in _WITH_SCREEN else _COMMON:
        _add(common, setting)
    if verb not in _WITH_SCREEN:
        for setting in _SCREEN:  # understood everywhere, so that an alias can carry them
            _add(common, setting, hidden=True)
    common.add_argument("--version", action="version", version=f"tputtui {_version()}")
    return parser


def _version() -> str:
    from tputtui import __version__

    return __version__


def _add(group: argparse._ArgumentGroup, common: _Common, hidden: bool = False) -> None:
    more: dict[str, Any] = {"dest": _dest(common), "default": None}
    more["help"] = argparse.SUPPRESS if hidden else common.help
    if common.metavar is None:
        more |= {"action": "store_const", "const": common.const}
    else:
        more |= {"metavar": common.metavar, "action": "append" if common.repeats else "store"}
    group.add_argument(common.name, **more)


# ------------------------------------------------------------------------------------------------ each verb's own


def _targets(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets", metavar="TARGET", nargs="*", help="URL, host:port, :port, or a name from the config file"
    )
    parser.add_argument(
        "--targets-from", metavar="FILE", action="append", default=[], help="more targets, as Prometheus file_sd JSON"
    )


def _ticks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-n", metavar="N", type=_count, dest="count", help="end after N objects")


def _stream(parser: argparse.ArgumentParser) -> None:
    _targets(parser)
    _ticks(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--load", metavar="RPS", type=_number, help="constant load; without it: ramp, hold, burst, and again"
    )
    parser.add_argument("--seconds", metavar="N", type=_seconds, help="end after that time")
    parser.add_argument("--slowdown", metavar="X", type=_number, default=1.0, help="multiply the time of every handler")
    parser.add_argument("--seed", metavar="N", type=_whole, help="the same arrivals and service times again")
    parser.add_argument("--stop-replica", metavar="T", type=_seconds, help="one of two replicas dies after T")
    parser.add_argument("--add-latency", metavar="T:MS", type=_at_latency, help="MS milliseconds more after T")
    parser.add_argument("--stream", action="store_true", help="no screen: JSON on stdout, a summary on stderr")
    _ticks(parser)


def _profile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pid", metavar="PID", type=_whole)
    parser.add_argument("--for", metavar="DURATION", dest="duration", type=_seconds, help="length of the capture (10s)")
    parser.add_argument("--rate", metavar="HZ", type=_whole, help="samples a second (100)")
    parser.add_argument(
        "-o", metavar="FILE", dest="output", help="write it: .json is speedscope, .txt collapsed stacks"
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("show", "path", "init"), metavar="show|path|init")


def _nothing(_: argparse.ArgumentParser) -> None:
    """No options of its own."""


_VERB_OPTIONS = {
    "": _targets,
    "demo": _demo,
    "stream": _stream,
    "check": _targets,
    "discover": _nothing,
    "profile": _profile,
    "config": _config,
}
_WITH_SCREEN = ("", "demo", "profile")


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,18}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a whole number")
    return int(text)


def _count(text: str) -> int:
    if (count := _whole(text)) < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return count


def _number(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?|\.\d+", text, re.ASCII) or not 0 < float(text) < sys.float_info.max:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a number above 0")
    return float(text)


def _seconds(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds <= 0:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not a time above 0")
    return seconds


def _at_latency(text: str) -> tuple[float, float]:
    at, colon, more = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError(f"{clean(text, 40)!r} is not T:MS, such as 20s:50")
    return _seconds(at), _number(more)

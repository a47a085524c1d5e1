"""Command-line parsing: the verb, its own options, and the common flags that are settings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, NoReturn

from tputtui.cli.options import ALL_FLAGS, CommonFlag
from tputtui.cli.output import print_stdout
from tputtui.cli.verbs import LIVE, VERBS
from tputtui.frozen import frozen
from tputtui.settings.setting_layers import FlagValue
from tputtui.text import clean, did_you_mean

_EXAMPLES = """\
examples:
  tputtui                              this host, and what serves metrics on it
  tputtui :8000                        http://127.0.0.1:8000/metrics
  tputtui api https://db.example/m     "api" from the config file, and a URL
  tputtui demo --load 200              a service under 200 requests a second
  tputtui stream -n 1 :8000 | jq .services
  tputtui check :8000                  what would be shown, and why

tputtui VERB --help says more. Exit codes: 0 fine, 1 failed, 2 usage."""


class UsageError(Exception):
    """Unusable command line: one cleaned sentence, for exit code 2."""


class NoScreenError(UsageError):
    """A screen was requested where none is possible.

    Kept apart because stderr may not be visible to the user.
    """


@frozen
class Arguments:
    """Parsed command line.

    `verb` is "" for the live screen; `flags` are the settings among the flags, by dotted key.
    """

    verb: str
    options: argparse.Namespace
    flags: Mapping[str, FlagValue] = field(default_factory=dict)


class _Parser(argparse.ArgumentParser):
    """Argument parser with one-line errors that suggest the nearest flag."""

    def _print_message(self, message: str, _file: object = None) -> None:
        """Print --help or --version; unlike argparse, report a stdout that cannot be written."""
        print_stdout(message.rstrip("\n"))

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{clean(message, 200)}; see {self.prog} --help")


def parse_arguments(argv: Sequence[str]) -> Arguments:
    """Parse the command line without the program's name.

    Raises UsageError; raises SystemExit(0) after --help and --version have been printed.
    """
    verb, rest = _split_verb(list(argv))
    parser = _build_parser(verb)
    options, unknown = parser.parse_known_intermixed_args(_protect_names(rest))
    _check_all_known(parser, unknown)
    flags: dict[str, FlagValue] = {}
    for common in ALL_FLAGS:
        value = getattr(options, common.dest, None)
        if value is not None:
            flags[common.key] = FlagValue(common.name, value)
    return Arguments(verb, options, flags)


def _protect_names(argv: list[str]) -> list[str]:
    """Prefix names after "--" that begin with a dash with "./".

    Argparse's intermixed parsing ignores "--" as the end of flags: later names are files.
    """
    if "--" not in argv:
        return argv
    end = argv.index("--")
    names = [
        f"./{name}" if name.startswith("-") and name != "-" else name for name in argv[end + 1 :]
    ]
    return argv[:end] + names


def _check_all_known(parser: _Parser, unknown: Sequence[str]) -> None:
    """Raise UsageError for the first unknown flag, or else for an argument too many."""
    for argument in unknown:
        if argument.startswith("-") and argument != "-":
            flag = argument.partition("=")[0]
            known = [name for action in parser._actions for name in action.option_strings]
            hint = did_you_mean(flag, known) or f"; see {parser.prog} --help"
            raise UsageError(f"unknown flag {clean(flag, 60)}{hint}")
    if unknown:
        raise UsageError(
            f"{clean(unknown[0], 60)!r} is one argument too many; see {parser.prog} --help"
        )


def _split_verb(argv: list[str]) -> tuple[str, list[str]]:
    """Split off the verb: the first word that is neither a flag nor a flag's value."""
    takes_value = {common.name for common in ALL_FLAGS if common.metavar} | {
        "--config",
        "--targets-from",
        "--prometheus",
        "--match",
    }
    position = 0
    while position < len(argv):
        argument = argv[position]
        if argument in VERBS:
            return argument, argv[:position] + argv[position + 1 :]
        if argument == "--" or not argument.startswith("-"):
            break
        position += 2 if argument in takes_value else 1
    return "", argv


def _build_parser(verb_name: str) -> _Parser:
    entry = VERBS.get(verb_name, LIVE)
    verb = entry.load()
    if verb_name:
        description = f"{entry.help[0].upper()}{entry.help[1:]}."
        epilog, usage = verb.epilog, None
    else:
        description, epilog = f"Watches throughput live.\n\nverbs:\n{_verb_lines()}", _EXAMPLES
        usage = "tputtui [flags] [TARGET...]\n       tputtui VERB ..."
    parser = _Parser(
        prog=f"tputtui {verb_name}".rstrip(),
        description=description,
        epilog=epilog,
        usage=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verb.add_options(parser)
    common = parser.add_argument_group("common flags")
    common.add_argument("--config", metavar="FILE", help="config file (see tputtui config path)")
    for setting in ALL_FLAGS:
        _add_common_flag(common, setting, is_hidden=setting not in verb.common_flags)
    common.add_argument(
        "--version", action="version", version=f"tputtui {_version()}", help="print the version"
    )
    return parser


def _verb_lines() -> str:
    column_width = max(map(len, VERBS)) + 1
    return "\n".join(f"  {entry.name:<{column_width}}{entry.help}" for entry in VERBS.values())


def _version() -> str:
    from tputtui import __version__

    return __version__


def _add_common_flag(group: argparse._ArgumentGroup, flag: CommonFlag, is_hidden: bool) -> None:
    more: dict[str, Any] = {"dest": flag.dest, "default": None}
    more["help"] = argparse.SUPPRESS if is_hidden else flag.help
    if flag.metavar is None:
        more |= {"action": "store_const", "const": flag.const}
    else:
        more |= {"metavar": flag.metavar, "action": "append" if flag.is_repeatable else "store"}
    group.add_argument(flag.name, **more)

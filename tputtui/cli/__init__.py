"""The verbs: parse, build, hand over. With `commands` the only place that prints or exits.

What a verb needs is imported when it runs: `tputtui --version` costs argparse and no more, and nothing here loads Textual
before the terminal has been looked at.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module

from tputtui.cli.output import OutputError, say, say_where_it_is_seen
from tputtui.cli.parser import Arguments, NoScreenError, UsageError, parse
from tputtui.settings.config_reader import SettingsError

FINE, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    try:
        code = _run(parse(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()
    except NoScreenError as error:
        say_where_it_is_seen(str(error))
        return USAGE
    except UsageError as error:
        say(str(error))
        return USAGE
    except SettingsError as error:
        for problem in error.problems:
            say(str(problem))
        return USAGE
    except OutputError as error:
        say(str(error))
        _forget_stdout()
        return FAILED
    except BrokenPipeError:  # the reader has what it wanted
        _forget_stdout()
        return FINE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        from tputtui.cli import crash_report

        say(crash_report.report(error))
        _forget_stdout()
        return FAILED
    return code


def _run(arguments: Arguments) -> int:
    verb = import_module(f"tputtui.cli.verbs.{arguments.verb or 'live'}")
    code: int = verb.run(arguments)
    return code


def _forget_stdout() -> None:
    """What is still in stdout's buffer has no reader: it must not fail again when Python exits."""
    if sys.__stdout__ is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())

"""Entry point: parse the command line and run the verb. The only package that prints or exits.

A verb's expensive imports are deferred until it runs: `tputtui --version` costs argparse and no
more, and nothing here loads Textual before the terminal has been checked.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tputtui.cli.output import (
    OutputError,
    print_stderr,
    print_where_visible,
    write_crash_report,
)
from tputtui.cli.parser import Arguments, NoScreenError, UsageError, parse_arguments
from tputtui.cli.verbs import LIVE, VERBS
from tputtui.settings.config_reader import SettingsError

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return its exit code."""
    try:
        code = _run_verb(parse_arguments(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:
            sys.stdout.flush()
    except NoScreenError as error:
        print_where_visible(str(error))
        return EXIT_USAGE
    except UsageError as error:
        print_stderr(str(error))
        return EXIT_USAGE
    except SettingsError as error:
        for problem in error.problems:
            print_stderr(str(problem))
        return EXIT_USAGE
    except OutputError as error:
        print_stderr(str(error))
        _discard_stdout()
        return EXIT_FAILED
    except BrokenPipeError:  # the reader has closed the pipe
        _discard_stdout()
        return EXIT_OK
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:
        print_stderr(write_crash_report(error))
        _discard_stdout()
        return EXIT_FAILED
    return code


def _run_verb(arguments: Arguments) -> int:
    return VERBS.get(arguments.verb, LIVE).load().run(arguments)


def _discard_stdout() -> None:
    """Discard stdout's buffer, which has no reader, so that it does not fail again when Python
    exits.
    """
    if sys.__stdout__ is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())

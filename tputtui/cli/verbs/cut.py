"""`tputtui cut RUN --from T --to T -o NEW`: copy a span of a run into a new run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.user_files import check_is_other_file, open_run
from tputtui.cli.verbs import Verb
from tputtui.text import clean, format_duration, format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tputtui.recording.run_header import Mark, RunHeader


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui cut`."""
    parser.add_argument("run", metavar="RUN", help="the run")
    parser.add_argument(
        "--from", metavar="T", dest="begin", help="+90s, ISO 8601, or a mark (its start)"
    )
    parser.add_argument("--to", metavar="T", dest="end", help="likewise (its end)")
    parser.add_argument("-o", metavar="NEW", dest="output", required=True, help="the new run")
    parser.add_argument("--force", action="store_true", help="overwrite NEW")


def run(arguments: Arguments) -> int:
    """Cut, and describe the contents of the new run."""
    from tputtui.engine.replay.trim import EmptySpanError, trim_run
    from tputtui.recording.writer import CannotRecordError

    options = arguments.options
    with open_run(options.run) as source:
        check_is_other_file(options.run, options.output)
        marks = source.marks()
        try:
            begin = _parse_time(options.begin, source.header, marks)
            end = _parse_time(options.end, source.header, marks)
            if begin is not None and end is not None and end <= begin:
                raise ValueError("--to has to lie behind --from")
            state = trim_run(source, begin, end, Path(options.output), force=options.force)
        except EmptySpanError as error:
            raise UsageError(f"{clean(options.run, 200)}: {error}") from None
        except (ValueError, CannotRecordError) as error:
            raise UsageError(str(error)) from None
    if state.problem is not None:
        print_stderr(f"not saved: {state.problem}")
        return 1
    digits, unit = format_size(state.size)
    print_stderr(
        f"{format_duration(state.seconds)}, {digits} {unit}: {clean(str(state.path), 200)}"
    )
    return 0


def _parse_time(time_text: str | None, header: RunHeader, marks: Sequence[Mark]) -> float | None:
    """Parse a moment of the run; None without one. Raises ValueError."""
    from tputtui.recording.time_spec import parse_time_spec

    if time_text is None:
        return None
    return parse_time_spec(time_text, header, marks)


VERB = Verb(add_options, run)

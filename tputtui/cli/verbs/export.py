"""`tputtui export RUN`: write a run in the format of another program."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.user_files import check_is_other_file, open_run, write_lines
from tputtui.cli.verbs import Verb

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tputtui.recording.reader import Run


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui export`."""
    from tputtui.recording.export import FORMATS

    descriptions = [f"{entry.name}: {entry.description}" for entry in FORMATS.values()]
    parser.add_argument("run", metavar="RUN", help="the run")
    parser.add_argument(
        "--format", choices=tuple(FORMATS), required=True, help="; ".join(descriptions)
    )
    parser.add_argument(
        "--service", metavar="NAME", help=f"{_formats_of_one_service()}: only that service"
    )
    parser.add_argument("-o", metavar="FILE", dest="output", help="write there, not to stdout")
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def run(arguments: Arguments) -> int:
    """Write the run in another format."""
    options = arguments.options
    generate = _generator(options.format, options.service)
    with open_run(options.run) as source:
        if options.output is not None:
            check_is_other_file(options.run, options.output)
        try:
            write_lines(generate(source), options.output, options.force)
        except ValueError as error:
            raise UsageError(str(error)) from None
    return 0


def _generator(format_name: str, service: str | None) -> Callable[[Run], Iterator[str]]:
    """Return the generator of the format's text. Raises UsageError if it holds every service."""
    from tputtui.recording.export import FORMATS

    chosen = FORMATS[format_name]
    if service is None:
        return chosen.generate
    generate_service = chosen.generate_service
    if generate_service is None:
        raise UsageError(
            f"--service belongs to --format {_formats_of_one_service()}; "
            "the others hold every service"
        )
    return lambda run: generate_service(run, service)


def _formats_of_one_service() -> str:
    from tputtui.recording.export import FORMATS

    names = [entry.name for entry in FORMATS.values() if entry.generate_service is not None]
    return " or ".join(names)


VERB = Verb(add_options, run)

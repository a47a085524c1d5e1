"""`tputtui runs [DIR]`: list recorded runs as a table, in Markdown or as JSON."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.output import print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.recording.run_listing import ListedRun


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui runs`."""
    parser.add_argument(
        "folder", metavar="DIR", nargs="?", help="where they are ($XDG_STATE_HOME/tputtui/runs)"
    )
    parser.add_argument(
        "--format",
        choices=("text", "markdown", "json"),
        default="text",
        help="text, markdown (a team's backlog) or json",
    )


def run(arguments: Arguments) -> int:
    """List the runs."""
    from tputtui.cli import runs_table
    from tputtui.recording.run_listing import runs_folder

    options = arguments.options
    folder = Path(options.folder) if options.folder else runs_folder()
    runs = _read_runs(folder, is_named=bool(options.folder))
    experiments = runs_table.list_experiments(folder, runs)
    if options.format == "json":
        for listed_run in runs:
            content = runs_table.run_object(listed_run, experiments)
            print_stdout(json.dumps(content, allow_nan=False, separators=(",", ":")))
        return 0
    as_ascii = effective_settings(arguments).settings.ascii
    if options.format == "markdown":
        print_stdout("\n".join(runs_table.markdown_lines(runs, experiments)), as_ascii)
    elif runs:
        for line in runs_table.text_lines(runs, experiments):
            print_stdout(line, as_ascii)
    else:
        print_stdout(
            f"no runs in {clean(str(folder), 200)}: R in the live screen, "
            "or tputtui record -o NAME.tput.gz, makes one",
            as_ascii,
        )
    return 0


def _read_runs(folder: Path, *, is_named: bool) -> list[ListedRun]:
    """Read the runs of a folder. Raises UsageError, also if a folder that was named is missing."""
    from tputtui.recording.run_listing import list_runs

    shown = clean(str(folder), 200)
    try:
        return list_runs(folder)
    except FileNotFoundError:
        if is_named:
            raise UsageError(f"{shown}: there is no such folder") from None
        return []
    except OSError as error:
        raise UsageError(f"{shown}: {(error.strerror or str(error)).lower()}") from None


VERB = Verb(add_options, run, common_flags=(options.ASCII,))

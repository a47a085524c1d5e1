"""`tputtui export RUN`: write a run in the format of another program."""

from __future__ import annotations

from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.run_file import check_is_other_file, open_run, write_lines


def run(arguments: Arguments) -> int:
    """Write the run in another format."""
    options = arguments.options
    if options.service and options.format != "csv":
        raise UsageError("--service belongs to --format csv; the others hold every service")
    from tputtui.recording.export.openmetrics import to_openmetrics
    from tputtui.recording.export.row_formats import to_csv, to_json

    with open_run(options.run) as source:
        if options.output is not None:
            check_is_other_file(options.run, options.output)
        if options.format == "csv":
            pieces = to_csv(source, options.service)
        else:
            pieces = to_json(source) if options.format == "json" else to_openmetrics(source)
        try:
            write_lines(pieces, options.output, options.force)
        except ValueError as error:
            raise UsageError(str(error)) from None
    return 0

"""`tputtui export RUN`: a run for other programs."""

from __future__ import annotations

from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.runfile import opened, refuse_itself, write_lines


def run(arguments: Arguments) -> int:
    """Write the run in another format."""
    options = arguments.options
    if options.service and options.format != "csv":
        raise UsageError("--service belongs to --format csv; the others hold every service")
    from tputtui.runs.export import to_csv, to_json
    from tputtui.runs.openmetrics import to_openmetrics

    with opened(options.run) as source:
        if options.output is not None:
            refuse_itself(options.run, options.output)
        if options.format == "csv":
            pieces = to_csv(source, options.service)
        else:
            pieces = to_json(source) if options.format == "json" else to_openmetrics(source)
        try:
            write_lines(pieces, options.output, options.force)
        except ValueError as error:
            raise UsageError(str(error)) from None
    return 0

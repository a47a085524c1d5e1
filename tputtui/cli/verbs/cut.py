"""`tputtui cut RUN --from T --to T -o NEW`: a span of a run, to hand over."""

from __future__ import annotations

from pathlib import Path

from tputtui.cli.output import say
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.run_file import opened, refuse_itself
from tputtui.text import clean, size, span


def run(arguments: Arguments) -> int:
    """Cut, and say what there is in the new run."""
    from tputtui.engine.replay.trim import EmptySpanError, cut
    from tputtui.recording.time_spec import moment
    from tputtui.recording.writer import CannotRecordError

    options = arguments.options
    with opened(options.run) as source:
        refuse_itself(options.run, options.output)
        marks = source.marks()
        try:
            begin = moment(options.begin, source.header, marks) if options.begin is not None else None
            end = moment(options.end, source.header, marks) if options.end is not None else None
            if begin is not None and end is not None and end <= begin:
                raise ValueError("--to has to lie behind --from")
            state = cut(source, begin, end, Path(options.output), force=options.force)
        except EmptySpanError as error:
            raise UsageError(f"{clean(options.run, 200)}: {error}") from None
        except (ValueError, CannotRecordError) as error:
            raise UsageError(str(error)) from None
    if state.problem is not None:
        say(f"not saved: {state.problem}")
        return 1
    digits, unit = size(state.size)
    say(f"{span(state.seconds)}, {digits} {unit}: {clean(str(state.path), 200)}")
    return 0

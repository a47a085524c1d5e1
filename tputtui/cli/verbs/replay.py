"""`tputtui replay RUN`: the live screen on what was recorded; or its objects, with `--stream`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli.baseline_run import named
from tputtui.cli.output import say
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective
from tputtui.cli.run_file import opened
from tputtui.cli.screen_runner import require_screen, show
from tputtui.recording.reader import NotARunError
from tputtui.settings import Settings
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.recording.reader import Run
    from tputtui.recording.run_header import RunHeader

_MOST_SAID = 3
_FASTEST = 60.0  # monitor.player.SPEEDS ends there, too; it is not loaded for a stream


def run(arguments: Arguments) -> int:
    """Replay the run."""
    options = arguments.options
    if options.count is not None and not options.stream:
        raise UsageError("-n belongs to --stream")
    if options.baseline is not None and options.stream:
        raise UsageError("--baseline is shown on a screen: it does not go with --stream")
    if options.speed > _FASTEST:
        raise UsageError(f"--speed {options.speed:g}: {_FASTEST:g} is the fastest")
    settings = effective(arguments).settings
    with opened(options.run) as source:
        begin = _begin(source, options.begin)
        if options.stream:
            return _stream(source, begin, options.count)
        require_screen(f"tputtui replay {clean(options.run, 100)} --stream prints the same as JSON")
        from tputtui.engine.replay.player import Player

        baseline = named(options.baseline)
        settings = as_recorded(settings, source.header)
        notes = (*settings.notes, *([source.ended] if source.ended else []), *source.damage[:_MOST_SAID])
        try:
            player = Player(source, begin=begin, speed=options.speed)
        except NotARunError as error:
            raise UsageError(f"{clean(options.run, 200)}: {error}") from None
        return show(settings, player, notes, player=player, baseline=baseline)


def as_recorded(settings: Settings, header: RunHeader) -> Settings:
    """The settings of a replay: what was asked then; and nothing of the living machine is asked or profiled."""
    return replace(
        settings,
        targets=(),
        servers=(),
        discover=False,
        interval_s=header.interval_s,
        window_s=header.window_s,
        quantiles=header.quantiles,
        objectives=header.objectives,
        by=header.by,
        profile=replace(settings.profile, on_objective_missed=None),
    )


def _begin(source: Run, words: str | None) -> float | None:
    from tputtui.recording.time_spec import moment

    try:
        return moment(words, source.header, source.marks()) if words is not None else None
    except ValueError as error:
        raise UsageError(str(error)) from None


def _stream(source: Run, begin: float | None, count: int | None) -> int:
    """The objects that `stream` printed, or would have."""
    from tputtui.cli.headless import require_stdout, write
    from tputtui.engine.replay.replay_feed import replayed

    require_stdout()
    given = 0
    for snapshot in replayed(source):
        if not snapshot.ready or (begin is not None and snapshot.at < begin):
            continue
        write(snapshot)
        given += 1
        if given == count:
            break
    if source.ended:
        say(source.ended)
    return 0

"""`tputtui replay RUN`: the live screen on a recorded run; or its objects, with `--stream`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.baseline_run import read_baseline
from tputtui.cli.options import add_baseline_option
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen
from tputtui.cli.user_files import open_run
from tputtui.cli.verbs import Verb
from tputtui.settings import Settings
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.recording.reader import Run
    from tputtui.recording.run_header import RunHeader

_MAX_DAMAGE_NOTES = 3
# Equals the last of engine.replay.player.SPEEDS, which is not imported for a stream
_MAX_SPEED = 60.0


_EPILOG = """\
keys: space pauses, [ ] { } step, @ goes to a time, 0 to the end, M to a mark;
"," and "." change the speed.
T is +90s from the start, ISO 8601, or the text of a mark."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui replay`."""
    parser.add_argument("run", metavar="RUN", help="the run")
    parser.add_argument("--from", metavar="T", dest="begin", help="where to begin (its start)")
    parser.add_argument(
        "--speed",
        metavar="X",
        type=options.positive_number,
        default=1.0,
        help="play X times as fast, up to 60 (1)",
    )
    add_baseline_option(parser)
    parser.add_argument(
        "--stream", action="store_true", help="no screen: the objects of stream, as fast as it goes"
    )
    parser.add_argument(
        "-n",
        metavar="N",
        type=options.positive_int,
        dest="count",
        help="with --stream: end after N objects",
    )


def run(arguments: Arguments) -> int:
    """Replay the run."""
    options = arguments.options
    if options.count is not None and not options.stream:
        raise UsageError("-n belongs to --stream")
    if options.baseline is not None and options.stream:
        raise UsageError("--baseline is shown on a screen: it does not go with --stream")
    if options.speed > _MAX_SPEED:
        raise UsageError(f"--speed {options.speed:g}: {_MAX_SPEED:g} is the fastest")
    settings = effective_settings(arguments).settings
    with open_run(options.run) as source:
        begin = _begin_at(source, options.begin)
        if options.stream:
            return _print_stream(source, begin, options.count)
        require_screen(f"tputtui replay {clean(options.run, 100)} --stream prints the same as JSON")
        from tputtui.engine.replay.player import Player
        from tputtui.recording.reader import NotARunError
        from tputtui.tui.capabilities import Capabilities

        baseline = read_baseline(options.baseline)
        settings = replay_settings(settings, source.header)
        notes = list(settings.notes)
        if source.end_description:
            notes.append(source.end_description)
        notes += source.damage[:_MAX_DAMAGE_NOTES]
        try:
            player = Player(source, begin=begin, speed=options.speed)
        except NotARunError as error:
            raise UsageError(f"{clean(options.run, 200)}: {error}") from None
        return show_screen(
            settings, Capabilities.of_replay(player), notes, player=player, baseline=baseline
        )


def replay_settings(settings: Settings, header: RunHeader) -> Settings:
    """Return the settings of a replay: those of the recording, with no requests or profiling on
    this machine.
    """
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


def _begin_at(source: Run, time_text: str | None) -> float | None:
    from tputtui.recording.time_spec import parse_time_spec

    if time_text is None:
        return None
    try:
        return parse_time_spec(time_text, source.header, source.marks())
    except ValueError as error:
        raise UsageError(str(error)) from None


def _print_stream(source: Run, begin: float | None, count: int | None) -> int:
    """Print the objects that `stream` printed, or would have printed."""
    from tputtui.cli.headless import require_stdout, write_snapshot
    from tputtui.engine.replay.replay_feed import replay_snapshots

    require_stdout()
    printed = 0
    for snapshot in replay_snapshots(source):
        if not snapshot.is_ready or (begin is not None and snapshot.at < begin):
            continue
        write_snapshot(snapshot)
        printed += 1
        if printed == count:
            break
    if source.end_description:
        print_stderr(source.end_description)
    return 0


VERB = Verb(add_options, run, common_flags=options.SCREEN_FLAGS, epilog=_EPILOG)

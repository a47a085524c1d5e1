"""`tputtui demo`: a real service and load on it, on the live screen, or as JSON with `--stream`."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.baseline_run import read_baseline
from tputtui.cli.headless import (
    StopRequest,
    iter_snapshots,
    require_stdout,
    stop_on_signals,
    write_snapshot,
)
from tputtui.cli.options import add_baseline_option, add_count_option
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen
from tputtui.cli.verbs import Verb
from tputtui.settings import Settings, TargetSettings

if TYPE_CHECKING:
    from tputtui.demo.launch import Demo
    from tputtui.model import Snapshot
    from tputtui.views.shared.comparison_base import Baseline

_VISIBLE_AFTER_TICKS = 3.0  # intervals after its start
_LAST_SCRAPE_S = 1.5  # intervals after the end of the load: one more scrape sees every request


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui demo`."""
    parser.add_argument(
        "--load",
        metavar="RPS",
        type=options.positive_number,
        help="constant load; without it: ramp, hold, burst, and again",
    )
    parser.add_argument(
        "--seconds", metavar="N", type=options.positive_duration, help="end after that time"
    )
    parser.add_argument(
        "--slowdown",
        metavar="X",
        type=options.positive_number,
        default=1.0,
        help="multiply every handler's time (1)",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=options.non_negative_int,
        help="the same arrivals and service times again",
    )
    parser.add_argument(
        "--stop-replica",
        metavar="T",
        type=options.positive_duration,
        help="the last replica dies after T",
    )
    parser.add_argument(
        "--replicas",
        metavar="N",
        type=options.positive_int,
        help="processes of the service (1; 2 with --stop-replica or --canary)",
    )
    parser.add_argument(
        "--canary",
        metavar="X",
        type=options.positive_number,
        help="the last replica takes X times as long, as a release that is tried out: "
        "a splits it off",
    )
    parser.add_argument(
        "--add-latency",
        metavar="T:MS",
        type=options.latency_step,
        help="MS milliseconds more after T",
    )
    add_baseline_option(parser)
    parser.add_argument(
        "--stream", action="store_true", help="no screen: JSON on stdout, a summary on stderr"
    )
    add_count_option(parser)


def run(arguments: Arguments) -> int:
    """Start the demo, watch it, stop it."""
    from tputtui.demo.launch import Demo, DemoError

    options = arguments.options
    settings = effective_settings(arguments).settings
    baseline = None
    if options.stream:
        if options.baseline is not None:
            raise UsageError("--baseline is shown on a screen: it does not go with --stream")
        require_stdout()
    else:
        if options.count is not None:
            raise UsageError("-n counts objects, so it belongs to --stream")
        baseline = read_baseline(options.baseline)
        require_screen("tputtui demo --stream -n 10 prints the same as JSON")
    try:
        demo = Demo(
            options.load,
            options.seconds,
            slowdown=options.slowdown,
            seed=options.seed,
            replicas=options.replicas,
            stop_replica=options.stop_replica,
            add_latency=options.add_latency,
            canary=options.canary,
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    try:
        with demo:
            settings = replace(settings, targets=_replica_targets(demo.start()))
            if options.stream:
                return _run_stream(settings, demo, options.count)
            return _run_screen(settings, demo, baseline)
    except DemoError as error:
        print_stderr(str(error))
        return 1


def _replica_targets(urls: list[str]) -> tuple[TargetSettings, ...]:
    """Return the demo's replicas as targets of one service."""
    names = ["demo"] if len(urls) == 1 else [f"demo-{number}" for number in range(1, len(urls) + 1)]
    return tuple(
        TargetSettings(name=name, url=url, service="demo")
        for name, url in zip(names, urls, strict=True)
    )


class _LoadStarter:
    """Starter of the load after the second scrape of the service, so that every request is
    counted.
    """

    def __init__(self, demo: Demo) -> None:
        self._demo = demo
        self._started_at: float | None = None  # `at` of the snapshot at which the load started

    def __call__(self, snapshot: Snapshot) -> None:
        """Process a snapshot."""
        if snapshot.is_ready and self._started_at is None:
            self._started_at = snapshot.at
            self._demo.start_load()

    def is_load_visible(self, snapshot: Snapshot) -> bool:
        """Return whether the load is visible, or has had time to be; earlier objects are not
        meaningful.
        """
        if any(
            service.traffic is not None and service.traffic.rps for service in snapshot.services
        ):
            return True
        return (
            self._started_at is not None
            and snapshot.at - self._started_at >= _VISIBLE_AFTER_TICKS * snapshot.interval_s
        )


def _run_screen(settings: Settings, demo: Demo, baseline: Baseline | None) -> int:
    from tputtui.engine.engine_proxy import EngineProxy
    from tputtui.tui.capabilities import Capabilities

    engine = EngineProxy(settings)
    engine.subscribe(_LoadStarter(demo))
    return show_screen(
        settings,
        Capabilities.of_live(engine),
        settings.notes,
        should_exit=lambda: demo.has_load_ended,
        baseline=baseline,
    )


def _run_stream(settings: Settings, demo: Demo, count: int | None) -> int:
    """Print objects until their count, the end of the load or a signal; then the load's summary on
    stderr.
    """
    printed = 0
    with stop_on_signals() as stop:
        starter = _LoadStarter(demo)
        watching = threading.Thread(
            target=_stop_after_load, args=(demo, stop, settings.interval_s), daemon=True
        )
        watching.start()
        try:
            for snapshot in iter_snapshots(settings, stop, None, starter):
                if not printed and not starter.is_load_visible(snapshot):
                    continue
                if count is None or printed < count:
                    write_snapshot(snapshot)
                    printed += 1
                if count is not None and printed >= count:
                    break
        except BrokenPipeError:
            return 0
    summary = demo.stop_load()
    print(summary.to_json(), file=sys.stderr, flush=True)
    return 0


def _stop_after_load(demo: Demo, stop: StopRequest, interval_s: float) -> None:
    """Request a stop one scrape after the load has ended by itself."""
    while not stop.is_requested:
        if demo.has_load_ended:
            time.sleep(_LAST_SCRAPE_S * interval_s)
            stop.request()
            return
        time.sleep(0.1)


VERB = Verb(add_options, run, common_flags=options.ALL_FLAGS)

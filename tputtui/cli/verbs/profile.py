"""`tputtui profile PID|:PORT`: capture a profile of a process; open it, or write it with `-o`."""

from __future__ import annotations

import argparse
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.headless import stop_on_signals
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen
from tputtui.cli.verbs import Verb
from tputtui.model import ProcessReference
from tputtui.settings import ProfileSettings, Settings, TargetSettings
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.profiling.capture.capture import CaptureProgress
    from tputtui.profiling.profile_model import Profile


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `tputtui profile`."""
    from tputtui.profiling.files.file_formats import writable_formats

    parser.add_argument(
        "process",
        metavar="PID|:PORT",
        type=options.process,
        help="the process, as ps -e lists it, or the one that serves a port of this machine: "
        "of workers the busiest",
    )
    parser.add_argument(
        "--for",
        metavar="DURATION",
        dest="duration",
        type=options.positive_duration,
        help="length of the capture, from 0.5s on (10s)",
    )
    parser.add_argument(
        "--rate", metavar="HZ", type=options.non_negative_int, help="samples a second (100)"
    )
    parser.add_argument(
        "-o",
        metavar="FILE",
        dest="output",
        help=f"write it as {writable_formats()}; .gz on any",
    )
    parser.add_argument("--force", action="store_true", help="overwrite FILE")


def run(arguments: Arguments) -> int:
    """Capture, and show or write the profile."""
    options = arguments.options
    settings = effective_settings(arguments).settings
    if settings.read_only:
        raise UsageError("--read-only: no capture of a process")
    process = _process(options.process)
    settings = replace(settings, profile=_capture_settings(settings.profile, options))
    if options.output:
        path = Path(options.output)
        _check_output(path, options.force)
        _require_python(process)
        return _write_profile(settings, process, path, options.force)
    if options.force:
        raise UsageError("--force overwrites a file, so it belongs to -o FILE")
    require_screen(f"tputtui profile {options.process} -o FILE.json writes it")
    _require_python(process)
    settings = replace(settings, targets=_served_targets(settings, process.pid), discover=False)
    from tputtui.engine.engine_proxy import EngineProxy
    from tputtui.tui.capabilities import Capabilities

    return show_screen(
        settings,
        Capabilities.of_live(EngineProxy(settings)),
        settings.notes,
        initial_process=process,
    )


def _capture_settings(profile: ProfileSettings, options: argparse.Namespace) -> ProfileSettings:
    """Return the settings of the capture, with --for and --rate. Raises UsageError."""
    from tputtui.profiling.capture.capture import MAX_DURATION_S, MAX_RATE_HZ, MIN_DURATION_S

    if options.duration is not None:
        profile = replace(profile, duration_s=options.duration)
    if options.rate is not None:
        profile = replace(profile, rate_hz=options.rate)
    if not 1 <= profile.rate_hz <= MAX_RATE_HZ:
        raise UsageError(f"--rate {profile.rate_hz}: 1 to {MAX_RATE_HZ} samples a second")
    if not MIN_DURATION_S <= profile.duration_s <= MAX_DURATION_S:
        raise UsageError(
            f"--for {profile.duration_s:g}s: {MIN_DURATION_S:g} s to {MAX_DURATION_S:.0f} s"
        )
    return profile


def _process(argument: str) -> ProcessReference:
    """Resolve PID, or the process that serves :PORT, to a reference.

    Raises UsageError if there is none.
    """
    from tputtui.profiling.capture.process_lookup import ProcessNotFoundError, find

    if not argument.startswith(":"):
        return _process_by_pid(int(argument))
    try:
        match = find(argument)
    except (ProcessNotFoundError, ValueError) as error:
        raise UsageError(str(error)) from error
    note = f", {match.note}" if match.note else ""
    print_stderr(f"{argument} is served by {match.identity.pid} {match.name}{note}")
    return match.identity


def _process_by_pid(pid: int) -> ProcessReference:
    from tputtui.profiling.capture import process_facts
    from tputtui.profiling.capture.process_lookup import missing_process_reason, workers_hint

    facts = process_facts.read_facts(pid) if pid > 0 else None
    if facts is None:
        reason = missing_process_reason(pid)
        raise UsageError(
            reason if "hidepid" in reason else f"{reason}: tputtui lists them, or ps -e"
        )
    if note := workers_hint(pid):
        print_stderr(note)
    return process_facts.reference(facts)


def _require_python(process: ProcessReference) -> None:
    """Raise UsageError if the process cannot be profiled even with permission."""
    from tputtui.profiling.capture import preflight

    verdict = preflight.check(process)
    if verdict.is_wrong_process:
        raise UsageError(verdict.message)


def _served_targets(settings: Settings, pid: int) -> tuple[TargetSettings, ...]:
    """Return the configured targets that the process itself serves, for the strip.

    No other target is scraped, and none of its ports is probed, because the profiled process must
    not bear any load but the sampling.
    """
    from tputtui.host.process_collector import ProcessCollector
    from tputtui.host.socket_owners import LookedUpTarget, ServingLookup
    from tputtui.scrape.address import parse_address

    if not settings.targets:
        return ()
    watched = [
        LookedUpTarget(str(number), parse_address(target.url).url)
        for number, target in enumerate(settings.targets)
    ]
    try:
        served = ServingLookup(ProcessCollector()).read(watched, with_sockets=False)
    except OSError:  # out of descriptors: the profile is shown without the strip
        return ()
    own = {
        int(target.target)
        for target in served
        if any(holder.pid == pid for holder in target.holders)
    }
    return tuple(target for number, target in enumerate(settings.targets) if number in own)


def _check_output(path: Path, force: bool) -> None:
    """Raise UsageError unless a profile can be written to `path`."""
    from tputtui.profiling.files.file_formats import format_from_name

    shown = clean(str(path))
    try:
        format_from_name(path)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if path.exists() and not force:
        raise UsageError(f"{shown} exists: --force overwrites it")
    if not path.parent.is_dir():
        raise UsageError(f"{clean(str(path.parent))} is no folder")


def _write_profile(settings: Settings, process: ProcessReference, path: Path, force: bool) -> int:
    from tputtui.profiling.files.file_formats import save

    profile = _capture_profile(settings, process)
    if profile is None:
        return 1
    shown = clean(str(path))
    try:
        save(profile, path, force=force)
    except OSError as error:
        print_stderr(f"{shown}: {error.strerror or error}")
        return 1
    count = len(profile.threads)
    threads = f"{count} thread{'s' if count != 1 else ''}"
    print_stderr(
        f"looked {profile.ticks():,.0f} of {profile.requested_ticks or 0.0:,.0f} times at "
        f"{threads}, in {profile.duration_s:.1f} of {settings.profile.duration_s:g} s: {shown}"
    )
    return 0


def _capture_profile(settings: Settings, process: ProcessReference) -> Profile | None:
    """Capture until the end of the duration or a signal; None, with a line, if that failed."""
    from tputtui.profiling.capture.capture import Capture, CaptureFailedError

    duration_s = settings.profile.duration_s
    is_announced = threading.Event()

    def on_progress(progress: CaptureProgress) -> None:
        if progress.state == "sampling" and not is_announced.is_set():
            is_announced.set()
            print_stderr(
                f"sampling {process.pid} for {duration_s:g} s; "
                "^C stops early and keeps what there is"
            )

    capture = Capture(
        process,
        duration_s=duration_s,
        rate_hz=settings.profile.rate_hz,
        on_progress=on_progress,
    )
    try:
        capture.start()
    except CaptureFailedError as failed:
        print_stderr(str(failed))
        return None
    with stop_on_signals() as stop:
        while not capture.wait(0.1):
            if stop.is_requested:
                capture.stop()
    end = capture.progress
    if end.message:
        print_stderr(end.message)
    return end.profile


VERB = Verb(add_options, run, common_flags=(*options.TICK_FLAGS, *options.SCREEN_FLAGS))

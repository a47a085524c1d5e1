"""`tputtui profile PID|:PORT`: capture a profile of a process; open it, or write it with `-o`."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from tputtui.cli.headless import stop_on_signals
from tputtui.cli.output import print_stderr
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.screen_runner import require_screen, show_screen
from tputtui.profiling.capture import process_facts
from tputtui.profiling.capture.capture import (
    MAX_DURATION_S,
    MAX_RATE_HZ,
    MIN_DURATION_S,
    Capture,
    CaptureFailedError,
    CaptureProgress,
)
from tputtui.settings import Settings, TargetSettings
from tputtui.text import clean


def run(arguments: Arguments) -> int:
    """Capture, and show or write the profile."""
    options = arguments.options
    settings = effective_settings(arguments).settings
    if settings.read_only:
        raise UsageError("--read-only: no capture of a process")
    pid, started = _process(options.process)
    profile = settings.profile
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
    settings = replace(settings, profile=profile)
    if options.output:
        path = Path(options.output)
        _check_output(path, options.force)
        _require_python(pid)
        return _write_profile(settings, pid, started, path, options.force)
    if options.force:
        raise UsageError("--force overwrites a file, so it belongs to -o FILE")
    require_screen(f"tputtui profile {options.process} -o FILE.json writes it")
    _require_python(pid)
    settings = replace(settings, targets=_served_targets(settings, pid), discover=False)
    from tputtui.engine.engine_proxy import EngineProxy
    from tputtui.tui.capabilities import Capabilities

    return show_screen(
        settings,
        Capabilities.of_live(EngineProxy(settings)),
        settings.notes,
        initial_profile_pid=pid,
    )


def _process(words: str) -> tuple[int, float | None]:
    """Resolve PID, or the process that serves :PORT, to pid and start time.

    Raises UsageError if there is none.
    """
    from tputtui.profiling.capture.process_lookup import (
        ProcessNotFoundError,
        find,
        missing_process_reason,
        workers_hint,
    )

    if not words.startswith(":"):
        pid = int(words)
        found = process_facts.read_facts(pid) if pid > 0 else None
        if found is None:
            reason = missing_process_reason(pid)
            raise UsageError(
                reason if "hidepid" in reason else f"{reason}: tputtui lists them, or ps -e"
            )
        if note := workers_hint(pid):
            print_stderr(note)
        return pid, process_facts.start_time(found)
    try:
        who = find(words)
    except (ProcessNotFoundError, ValueError) as error:
        raise UsageError(str(error)) from error
    print_stderr(
        f"{words} is served by {who.pid} {who.name}" + (f", {who.note}" if who.note else "")
    )
    return who.pid, who.started


def _require_python(pid: int) -> None:
    """Raise UsageError if the process cannot be profiled even with permission."""
    from tputtui.profiling.capture import preflight

    verdict = preflight.check(pid)
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
        LookedUpTarget(str(at), parse_address(one.url).url)
        for at, one in enumerate(settings.targets)
    ]
    try:
        found = ServingLookup(ProcessCollector()).read(watched, with_sockets=False)
    except OSError:  # out of descriptors: the profile is shown without the strip
        return ()
    own = {int(one.target) for one in found if any(holder.pid == pid for holder in one.holders)}
    return tuple(target for at, target in enumerate(settings.targets) if at in own)


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


def _write_profile(
    settings: Settings, pid: int, started: float | None, path: Path, force: bool
) -> int:
    from tputtui.profiling.files.file_formats import save

    shown = clean(str(path))
    said = threading.Event()

    def progress(now: CaptureProgress) -> None:
        if now.state == "sampling" and not said.is_set():
            said.set()
            print_stderr(
                f"sampling {pid} for {settings.profile.duration_s:g} s; ^C stops early and keeps what there is"
            )

    capture = Capture(
        pid,
        started,
        duration_s=settings.profile.duration_s,
        rate_hz=settings.profile.rate_hz,
        on_progress=progress,
    )
    try:
        capture.start()
    except CaptureFailedError as failed:
        print_stderr(str(failed))
        return 1
    with stop_on_signals() as stop:
        while not capture.wait(0.1):
            if stop.is_requested:
                capture.stop()
    end = capture.progress
    if end.message:
        print_stderr(end.message)
    if end.profile is None:
        return 1
    try:
        save(end.profile, path, force=force)
    except OSError as error:
        print_stderr(f"{shown}: {error.strerror or error}")
        return 1
    seen = end.profile
    count = len(seen.threads)
    threads = f"{count} thread{'s' if count != 1 else ''}"
    print_stderr(
        f"looked {seen.ticks():,.0f} of {seen.requested_ticks or 0.0:,.0f} times at {threads}, "
        f"in {seen.duration_s:.1f} of {settings.profile.duration_s:g} s: {shown}"
    )
    return 0

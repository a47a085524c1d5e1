"""`tputtui profile PID`: capture where a process spends its time; open it, or write it with `-o`."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.effective import effective
from tputtui.commands.headless import signals
from tputtui.commands.screen import require_screen, show
from tputtui.commands.terminal import say
from tputtui.profiling import proc
from tputtui.profiling.capture import MAX_DURATION_S, MAX_RATE_HZ, Capture, CaptureFailed, Progress
from tputtui.settings import Settings
from tputtui.text import clean


def run(arguments: Arguments) -> int:
    """Capture, and show or write."""
    options = arguments.options
    settings = effective(arguments).settings
    if settings.read_only:
        raise UsageError("--read-only: no capture of a process")
    found = proc.facts(options.pid) if options.pid > 0 else None
    if found is None:
        raise UsageError(f"there is no process {options.pid}: tputtui lists them, or ps -e")
    profile = replace(
        settings.profile,
        duration_s=options.duration or settings.profile.duration_s,
        rate_hz=options.rate or settings.profile.rate_hz,
    )
    if not 1 <= profile.rate_hz <= MAX_RATE_HZ:
        raise UsageError(f"--rate {profile.rate_hz}: 1 to {MAX_RATE_HZ} samples a second")
    if profile.duration_s > MAX_DURATION_S:
        raise UsageError(f"--for {profile.duration_s:g}s: at most {MAX_DURATION_S:.0f} s")
    settings = replace(settings, profile=profile)
    if options.output:
        return _write(settings, options.pid, proc.started(found), Path(options.output), options.force)
    require_screen(f"tputtui profile {options.pid} -o FILE.json writes it")
    from tputtui.monitor.late import LateEngine

    return show(settings, LateEngine(settings), settings.notes, profile_pid=options.pid)


def _write(settings: Settings, pid: int, started: float | None, path: Path, force: bool) -> int:
    from tputtui.profiling.formats import check_name, save

    shown = clean(str(path))
    try:
        check_name(path)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if path.exists() and not force:
        raise UsageError(f"{shown} exists: --force overwrites it")
    if not path.parent.is_dir():
        raise UsageError(f"{clean(str(path.parent))} is no folder")
    said = threading.Event()

    def progress(now: Progress) -> None:
        if now.state == "sampling" and not said.is_set():
            said.set()
            say(f"sampling {pid} for {settings.profile.duration_s:g} s; ^C stops early and keeps what there is")

    capture = Capture(
        pid,
        started,
        duration_s=settings.profile.duration_s,
        rate_hz=settings.profile.rate_hz,
        on_progress=progress,
    )
    try:
        capture.start()
    except CaptureFailed as failed:
        say(str(failed))
        return 1
    with signals() as stop:
        while not capture.wait(0.1):
            if stop.asked:
                capture.stop()
    end = capture.progress
    if end.message:
        say(end.message)
    if end.profile is None:
        return 1
    try:
        save(end.profile, path, force=force)
    except OSError as error:
        say(f"{shown}: {error.strerror or error}")
        return 1
    say(f"{end.samples:,} samples in {end.elapsed_s:.1f} s: {shown}")
    return 0

"""A capture: py-spy on one process, in slices of a second, so that the tree grows while it runs.

Nonblocking by default: the process is never stopped. Each slice is two runs side by side, one of all threads (wall) and
one of the holder of the GIL, so that both columns come from one key; the slices' variance gives each share its ±. Before
each slice the process is looked at again: it must be the same one, by pid and start.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tputtui.profiling import preflight, proc, speedscope
from tputtui.profiling.launcher import Child
from tputtui.profiling.profile import About, Counts, Frames, Profile, Slice, Stack, Thread
from tputtui.profiling.unreadable import MAX_BYTES, UnreadableProfile
from tputtui.text import clean

SLICE_S = 1
PATIENCE_S = 4.0  # beyond a slice's length: attaching takes 10 to 150 ms, writing less
TICK_S = 0.1  # how often progress is told
STOP_S = 8.0  # SIGINT, SIGTERM and SIGKILL with their patience
AT_MOST = 2  # captures at once: each is a py-spy or two

_running: set[tuple[int, float | None]] = set()
_running_lock = threading.Lock()


class Busy(Exception):  # noqa: N818  # reads as what it is
    """That process is being captured already, or too many are. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a capture is. `problem` is a sentence: why it failed, or why it ended early."""

    elapsed_s: float
    duration_s: float
    samples: int
    attached: bool = False
    done: bool = False
    problem: str = ""
    command: str = ""  # a whole command that would get past the problem, for the user to run
    profile: Profile | None = None


class Capture:
    """One capture, from `start` to its end. `on_progress` is called on the capture's own thread."""

    def __init__(
        self,
        pid: int,
        started: float | None,
        *,
        duration_s: float = 10.0,
        rate_hz: int = 100,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
        subprocesses: bool = False,
        native: bool = False,
        blocking: bool = False,
    ) -> None:
        """`started` is the process's start (psutil's create_time); None: whoever has the pid now."""
        self.pid = pid
        self.started = started
        self.duration_s = max(1.0, duration_s)
        self.rate_hz = max(1, min(1000, rate_hz))
        self._on_progress = on_progress
        self._subprocesses = subprocesses
        self._native = native
        self._blocking = blocking or native  # py-spy cannot read native frames of a running process
        self._stop = threading.Event()  # keep what there is
        self._abort = threading.Event()  # and throw it away
        self._frames = Frames()
        self._progress = Progress(0.0, self.duration_s, 0)
        self._began = 0.0
        self._gil = not native
        self._thread = threading.Thread(target=self._run, name=f"capture {pid}", daemon=True)

    # ------------------------------------------------------------------------------------------ life

    def start(self) -> None:
        """Begin. Failures come as a progress that is done, with its problem."""
        self._thread.start()

    def stop(self) -> None:
        """End it soon and keep what was sampled."""
        self._stop.set()

    def abort(self) -> None:
        """End it soon; nobody waits for the result any more."""
        self._abort.set()
        self._stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for its end; False where `timeout` seconds were not enough."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._progress

    @property
    def profile(self) -> Profile | None:
        """What was sampled so far."""
        return self._progress.profile

    def _tell(self, **changes: object) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]
        if not self._abort.is_set():
            self._on_progress(self._progress)

    # ------------------------------------------------------------------------------------------ the thread

    def _run(self) -> None:
        identity = (self.pid, self.started)
        try:
            with _running_lock:
                if identity in _running:
                    raise Busy(f"PID {self.pid} is being sampled already")
                if len(_running) >= AT_MOST:
                    raise Busy(f"{AT_MOST} captures are running: wait for one to end")
                _running.add(identity)
        except Busy as busy:
            self._tell(done=True, problem=str(busy))
            return
        folder: Path | None = None
        try:
            folder = Path(tempfile.mkdtemp(prefix="tputtui-"))  # 0700
            self._capture(folder)
        except Exception as error:
            self._tell(done=True, problem=f"the capture failed: {clean(str(error) or type(error).__name__, 200)}")
        finally:
            with _running_lock:
                _running.discard(identity)
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def _capture(self, folder: Path) -> None:
        self._began = time.monotonic()
        verdict = preflight.check(self.pid, self.started, blocking=self._blocking)
        if not verdict.ok:
            self._tell(done=True, problem=verdict.sentence, command=verdict.command)
            return
        path = preflight.find_py_spy()
        about = About(
            source="py-spy",
            pid=self.pid,
            command=proc.command(self.pid),
            python=verdict.python or None,
            time=time.time(),
            rate_hz=float(self.rate_hz),
            blocking=self._blocking,
            native=self._native,
            subprocesses=self._subprocesses,
            torn=not self._blocking,
            notes=verdict.notes,
        )
        profile = Profile(self._frames, (), about)
        ended = ""
        self._began = time.monotonic()
        number = 0
        while not ended and not self._stop.is_set():
            left = self.duration_s - (time.monotonic() - self._began)
            if left < SLICE_S / 2 and number:
                break
            if number:
                again = preflight.look(self.pid, self.started, blocking=self._blocking)
                if not again.ok:
                    ended = again.reason
                    break
            number += 1
            slice_, ended = self._slice(path, folder, number)
            if slice_ is not None:
                profile = profile.with_slice(slice_)
                self._tell(profile=profile, samples=int(profile.weight()), attached=True)
        if ended:
            profile = replace(profile, about=replace(profile.about, ended=ended))
        harm = _harm(self.pid, self.started)
        self._tell(
            elapsed_s=time.monotonic() - self._began,
            done=True,
            problem=". ".join(part for part in (ended, harm) if part),
            profile=profile if profile.slices else None,
        )

    # ------------------------------------------------------------------------------------------ one slice

    def _slice(self, py_spy: Path, folder: Path, number: int) -> tuple[Slice | None, str]:
        """One slice, and a sentence where the capture ends with it."""
        wall_file, gil_file = folder / f"{number}-wall.json", folder / f"{number}-gil.json"
        began = time.monotonic()
        wall = Child(self._argv(py_spy, wall_file, "-i"))
        gil = Child(self._argv(py_spy, gil_file, "-g")) if self._gil else None
        try:
            deadline = began + SLICE_S + PATIENCE_S
            while wall.poll(TICK_S) is None and time.monotonic() < deadline:
                if self._stop.is_set() and time.monotonic() - began > 0.2:  # before that it would write nothing
                    break
                attached = self._progress.attached or "Sampling process" in wall.stdout
                self._tell(elapsed_s=time.monotonic() - self._began, attached=attached)
            in_time = wall.poll() is not None or self._stop.is_set()
            status = wall.end()
            if gil is not None:
                if not self._stop.is_set():
                    gil.wait(0.5)
                gil.end()
        finally:
            wall.kill()
            if gil is not None:
                gil.kill()
        elapsed = time.monotonic() - began
        sampled = _read(wall_file, self._frames)
        if sampled is None:
            return None, self._why_nothing(status, in_time, wall.stderr)
        held = _read(gil_file, self._frames) if gil is not None else None
        if gil is not None and held is None and "Cannot detect GIL" in gil.stdout + gil.stderr:
            self._gil = False
        slice_ = _joined(sampled, held, gil is not None and self._gil, min(elapsed, SLICE_S + PATIENCE_S))
        return slice_, "the process exited" if "process exited" in wall.stdout else ""

    def _argv(self, py_spy: Path, output: Path, which: str) -> list[str]:
        argv = [str(py_spy), "record", "-p", str(self.pid), "-d", str(SLICE_S), "-r", str(self.rate_hz)]
        argv += [which, "-t", "-f", "speedscope", "-o", str(output)]
        if self._subprocesses:
            argv.append("-s")
        if self._native:
            argv.append("-n")
        elif not self._blocking:
            argv.append("--nonblocking")
        return argv

    def _why_nothing(self, status: int | None, in_time: bool, words: str) -> str:
        if self._stop.is_set():
            return ""
        found = proc.facts(self.pid)
        if found is None or found.state in ("Z", "X"):
            return "the process exited"
        if not in_time:
            sleeping = " (it is in uninterruptible sleep)" if found.state == "D" else ""
            return f"py-spy gave no answer within {SLICE_S + PATIENCE_S:.0f} s{sleeping}"
        from tputtui.profiling.launcher import Finished

        return preflight.explain(self.pid, Finished(status, "", words)).sentence


def _read(path: Path, frames: Frames) -> Profile | None:
    """One slice's file; None where py-spy wrote none, or nothing sound."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return None
        data = path.read_bytes()
        path.unlink()
        return speedscope.read(data, frames)
    except (OSError, UnreadableProfile):
        return None


def _joined(sampled: Profile, held: Profile | None, with_gil: bool, elapsed_s: float) -> Slice:
    """The two runs of a slice as one."""
    ticks = sampled.ticks()
    gil_ticks = ticks if with_gil else 0.0  # the companion has a sample only where somebody held the GIL
    return Slice(_merged(sampled, "wall"), _merged(held, "wall") if held else {}, ticks, gil_ticks, elapsed_s)


def _merged(profile: Profile, metric: str) -> Mapping[Thread, Counts]:
    whole: dict[Thread, dict[Stack, float]] = {}
    for part in profile.slices:
        for thread, counts in (part.wall if metric == "wall" else part.gil).items():
            into = whole.setdefault(thread, {})
            for stack, weight in counts.items():
                into[stack] = into.get(stack, 0.0) + weight
    return whole


def _harm(pid: int, started: float | None) -> str:
    """A sentence where the process was left stopped or traced; it never should be."""
    del started
    found = proc.facts(pid)
    if found is None or found.state not in ("T", "t"):
        return ""
    if found.tracer:
        other = proc.facts(found.tracer)
        if other is None or not re.fullmatch(r"py-spy", other.name):
            return ""
    return f"PID {pid} is stopped (state T): kill -CONT {pid} lets it go on" if os.path.exists(f"/proc/{pid}") else ""

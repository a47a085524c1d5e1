"""One slice of a capture, in a temporary folder, and the profile that grows by it.

A slice is one py-spy run for all threads and a cheaper one for the GIL's holder. py-spy writes its
file only when it ends, so each slice is a separate run; SIGINT ends it early and keeps its samples.
Folders that a killed tputtui left behind are removed.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.profiling.analysis import own_code
from tputtui.profiling.capture import process_facts
from tputtui.profiling.capture.downsample import StackDownsampler
from tputtui.profiling.capture.launcher import ChildProcess
from tputtui.profiling.files import speedscope
from tputtui.profiling.profile_model import (
    MAX_BYTES,
    Counts,
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
    UnreadableProfileError,
)

_PREFIX = "tputtui-profile-"


def create_folder() -> Path:
    """Create a temporary folder, named after this process. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def remove_stale_folders() -> None:
    """Remove temporary folders of tputtui processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not pid.isdigit() or process_facts.read_facts(int(pid)) is not None:
            continue
        if _is_our_folder(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_our_folder(folder: Path) -> bool:
    """Whether it is a folder of this user, and no link to one."""
    try:
        is_owner = folder.lstat().st_uid == os.geteuid()
        return is_owner and folder.is_dir() and not folder.is_symlink()
    except OSError:
        return False


ATTACH_TIMEOUT_S = 5.0  # until py-spy reports that it samples
_OVERRUN_S = 5.0  # beyond its duration, before it is stopped
_ATTACHED = "Sampling process"
_EXITED = "process exited"
_BEHIND = "behind in sampling"
_ERROR_COUNT = re.compile(r"Samples: \d+ Errors: (\d{1,9})")


@frozen
class PySpyOptions:
    """Options for running py-spy. `prefix` is sudo's command, if the user asked for sudo."""

    py_spy: Path
    pid: int
    rate_hz: int
    blocking: bool = False
    native: bool = False
    subprocesses: bool = False
    prefix: tuple[str, ...] = ()

    def argv(self, output: Path, duration_s: int, *, gil: bool) -> list[str]:
        """Build py-spy's command line.

        -t, because the thread names in a file are stale; -i, because wall time is wanted.
        """
        flags = ["-g" if gil else "-i", "-t"]
        if self.native and not gil:
            flags.append("-n")
        if gil or not (self.blocking or self.native):
            flags.append("--nonblocking")
        if self.subprocesses:
            flags.append("-s")
        return [
            *self.prefix, str(self.py_spy), "record", "-p", str(self.pid),
            "-d", str(duration_s), "-r", str(self.rate_hz), *flags,
            "-f", "speedscope", "-o", str(output),
        ]  # fmt: skip


@dataclass
class CapturedSlice:
    """Result of one slice."""

    slice: ProfileSlice | None
    error_count: int = 0
    has_exited: bool = False
    is_behind: bool = False
    # exit status and stderr of a py-spy that gave nothing
    failure: tuple[int | None, str] | None = None
    read_error: str = ""


@dataclass
class _PySpyRun:
    child: ChildProcess
    output: Path
    attached_at: float | None = None
    ended_at: float | None = None
    is_overdue: bool = False


@dataclass
class SliceCapture:
    """A running slice: call `poll` until it returns True, then `read_result`."""

    options: PySpyOptions
    folder: Path
    number: int
    duration_s: int
    with_gil: bool
    is_stopping: bool = False
    _runs: list[_PySpyRun] = field(default_factory=list)
    _started_at: float = 0.0
    _stopped_at: float = 0.0
    # of each thread at the start
    _initial_times: dict[int, tuple[float, float]] = field(default_factory=dict)
    _initial_times_at: float = 0.0
    # ratios of the slice: on a CPU, ready for one
    _thread_shares: dict[int, tuple[float, float]] = field(default_factory=dict)

    def start(self) -> None:
        """Start py-spy. Raises OSError."""
        self._started_at = self._initial_times_at = time.monotonic()
        self._initial_times = process_facts.thread_times(self.options.pid)
        for gil in (False, True) if self.with_gil else (False,):
            output = self.folder / f"{self.number}{'g' if gil else 'w'}.json"
            self._runs.append(
                _PySpyRun(ChildProcess(self.options.argv(output, self.duration_s, gil=gil)), output)
            )

    @property
    def is_attached(self) -> bool:
        """Whether the first py-spy has begun to sample."""
        return bool(self._runs) and self._runs[0].attached_at is not None

    def poll(self, timeout_s: float) -> bool:
        """Read py-spy's output for up to `timeout_s` seconds. True once all have ended."""
        over = True
        for number, run in enumerate(self._runs):
            if run.ended_at is not None:
                continue
            status = run.child.poll(0.0 if number else timeout_s)
            now = time.monotonic()
            if run.attached_at is None and _ATTACHED in run.child.stdout:
                run.attached_at = now
            if status is not None:
                run.ended_at = now
                if number == 0:
                    self._update_thread_shares(now)
                continue
            over = False
            limit = ATTACH_TIMEOUT_S
            if run.attached_at is not None:
                limit += self.duration_s + _OVERRUN_S
            if now - self._started_at > limit or (
                self.is_stopping and now - self._stopped_at > 2.0
            ):
                run.child.stop()
                run.ended_at, run.is_overdue = now, not self.is_stopping
        return over

    def _update_thread_shares(self, now: float) -> None:
        """Update the ratios of time that each thread was on a CPU, and ready to run without one.

        The time is counted from the start of the slice.
        """
        span = now - self._initial_times_at
        if span <= 0:
            return
        for tid, after in process_facts.thread_times(self.options.pid).items():
            if (before := self._initial_times.get(tid)) is not None:
                used, ready = (
                    min(1.0, max(0.0, (b - a) / span)) for a, b in zip(before, after, strict=True)
                )
                self._thread_shares[tid] = used, ready

    def stop(self) -> None:
        """End early and keep the samples so far."""
        if not self.is_stopping:
            self.is_stopping, self._stopped_at = True, time.monotonic()
            for run in self._runs:
                if run.ended_at is None:
                    run.child.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End at once and keep nothing."""
        for run in self._runs:
            run.child.kill()

    def read_result(self, frames: FrameTable) -> CapturedSlice:
        """Read the samples; their frames are added to the table."""
        wall_run = self._runs[0]
        status = wall_run.child.close()
        output = wall_run.child.stdout
        captured = CapturedSlice(None, has_exited=_EXITED in output, is_behind=_BEHIND in output)
        if match := _ERROR_COUNT.search(output):
            captured.error_count = int(match[1])
        wall: dict[ProfileThread, dict[Stack, float]] = {}
        try:
            wall = self._read_counts(wall_run.output, frames)
        except FileNotFoundError:
            captured.failure = (None if wall_run.is_overdue else status, wall_run.child.stderr)
        except UnreadableProfileError as error:
            captured.read_error = str(error)
        except OSError as error:
            captured.failure = (status, str(error))
        gil, gil_ticks = self._read_gil(frames)
        if wall:
            captured.slice = self._create_slice(wall, gil, gil_ticks)
        return captured

    def _create_slice(
        self,
        wall: dict[ProfileThread, dict[Stack, float]],
        gil: dict[ProfileThread, dict[Stack, float]],
        gil_ticks: float,
    ) -> ProfileSlice:
        """Create the slice from its samples, with its duration and the threads' CPU shares."""
        run = self._runs[0]
        ticks = max(sum(counts.values()) for counts in wall.values())
        began = run.attached_at or self._started_at
        duration = max((run.ended_at or began) - began, ticks / self.options.rate_hz / 4)
        cpu: dict[ProfileThread, float] = {}
        ready: dict[ProfileThread, float] = {}
        for thread in wall:
            shares = self._thread_shares.get(thread.tid)
            if thread.pid == self.options.pid and shares is not None:
                cpu[thread], ready[thread] = shares
        return ProfileSlice(wall, gil, ticks, gil_ticks, duration, cpu, ready)

    def _read_gil(
        self, frames: FrameTable
    ) -> tuple[dict[ProfileThread, dict[Stack, float]], float]:
        """Read the samples of the GIL's holder and the number of ticks.

        For an idle process py-spy writes an empty file.
        """
        if len(self._runs) < 2:
            return {}, 0.0
        run = self._runs[1]
        status = run.child.close()
        if run.attached_at is None or status != 0:
            return {}, 0.0
        try:
            gil = self._read_counts(run.output, frames)
        except UnreadableProfileError:
            gil = {}
        except OSError:
            return {}, 0.0
        # N intervals have N - 1 samples between them
        requested = self.duration_s * self.options.rate_hz - 1.0
        if (self.is_stopping or _EXITED in run.child.stdout) and run.ended_at is not None:
            requested = min(requested, (run.ended_at - run.attached_at) * self.options.rate_hz)
        errors = _ERROR_COUNT.search(run.child.stdout)
        held = max((sum(counts.values()) for counts in gil.values()), default=0.0)
        return gil, max(requested - (int(errors[1]) if errors else 0), held, 1.0)

    def _read_counts(
        self, path: Path, frames: FrameTable
    ) -> dict[ProfileThread, dict[Stack, float]]:
        """Read the stacks by thread of one py-spy file. Raises OSError, UnreadableProfileError."""
        with path.open("rb") as file:
            os.unlink(path)
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise UnreadableProfileError(
                    f"py-spy wrote more than {MAX_BYTES >> 20} MiB: lower the rate or the duration"
                )
            data = file.read(MAX_BYTES)
        counts_by_thread: dict[ProfileThread, dict[Stack, float]] = {}
        for part in speedscope.parse(data, frames).slices:
            for thread, counts in part.wall.items():
                owner = thread
                if not thread.pid:
                    owner = ProfileThread(self.options.pid, thread.tid, thread.name)
                _add_counts(counts_by_thread.setdefault(owner, {}), counts)
        return counts_by_thread


def _add_counts(into: dict[Stack, float], counts: Counts) -> None:
    for stack, weight in counts.items():
        into[stack] = into.get(stack, 0.0) + weight


_FELL_BEHIND = "py-spy fell behind: fewer samples than asked for, a lower rate costs less"


class GrowingProfile:
    """Profile of the slices so far, kept within the limits of `StackDownsampler`."""

    def __init__(self, pid: int, metadata: ProfileMetadata) -> None:
        self.frames = FrameTable()
        self.profile = Profile(self.frames, metadata=metadata)
        self._downsampler = StackDownsampler(self.frames)
        self._packages = own_code.InstalledPackages(pid)

    def add_slice(self, captured: CapturedSlice) -> None:
        """Add the samples and errors of a slice, and the own packages that it shows."""
        about = self.profile.metadata
        self.profile = replace(
            self.profile, metadata=replace(about, errors=about.errors + captured.error_count)
        )
        if captured.is_behind:
            self.add_note(_FELL_BEHIND)
        if captured.slice is not None:
            limited = self._downsampler.limit_stacks(captured.slice)
            self.profile = self._downsampler.limit_slices(self.profile.with_slice(limited))
        self.profile = self._packages.with_own_packages(self.profile)

    def add_note(self, note: str) -> None:
        """Add a note, once."""
        about = self.profile.metadata
        if note not in about.notes:
            self.profile = replace(
                self.profile, metadata=replace(about, notes=(*about.notes, note))
            )

    def set_end_reason(self, reason: str) -> None:
        """Set why the profile is shorter than requested."""
        self.profile = replace(self.profile, metadata=replace(self.profile.metadata, ended=reason))

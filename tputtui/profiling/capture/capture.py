"""Capture of one process: py-spy runs in slices of a second, which extend one profile.

A capture is bound to (pid, start time), which is checked before each slice, so a reused pid is
never sampled. It does not block the process unless requested. It runs in its own thread, and
`on_progress` is called from that thread.
"""

from __future__ import annotations

import atexit
import math
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tputtui.descriptors import reason, shortage
from tputtui.frozen import frozen
from tputtui.model.process_reference import ProcessReference
from tputtui.profiling.analysis import own_code
from tputtui.profiling.capture import preflight, process_facts, slice_capture
from tputtui.profiling.capture.launcher import FinishedProcess
from tputtui.profiling.capture.process_facts import ProcessFacts
from tputtui.profiling.capture.slice_capture import (
    CapturedSlice,
    GrowingProfile,
    PySpyOptions,
    SliceCapture,
)
from tputtui.profiling.profile_model import Profile, ProfileMetadata
from tputtui.text import clean

CaptureState = Literal["new", "checking", "attaching", "sampling", "done", "failed"]
MAX_CONCURRENT = 2
MAX_RATE_HZ = 1000
MIN_DURATION_S = 0.5  # a shorter capture has too few samples to be useful
MAX_DURATION_S = 3600.0
_MAX_FAILURES = 3  # consecutive slices that may fail

_active_captures: dict[int, Capture] = {}
_active_lock = threading.Lock()


@frozen
class CaptureProgress:
    """Progress of a capture.

    `profile` holds the samples so far; `message` is the reason why the capture failed or ended
    early.
    """

    state: CaptureState
    elapsed_s: float
    remaining_s: float
    profile: Profile | None
    message: str = ""


class CaptureFailedError(Exception):
    """Error of a capture without any sample. The message is a sentence with the next step."""


class Capture:
    """One capture of one process; it can be started once."""

    def __init__(
        self,
        process: ProcessReference,
        duration_s: float = 10.0,
        rate_hz: int = 100,
        on_progress: Callable[[CaptureProgress], None] | None = None,
        *,
        subprocesses: bool = False,
        native: bool = False,
        blocking: bool = False,
        gil: bool = True,
        sudo: bool = False,
        py_spy: Path | None = None,
    ) -> None:
        """Create a capture.

        Args:
            process: the process to sample. Without a start time, any process that has the pid now.
            duration_s: length of the capture in seconds.
            rate_hz: samples per second.
            on_progress: called from the capture's thread.
            subprocesses: sample child processes too.
            native: sample native frames too; implies `blocking`.
            blocking: stop the process for each sample.
            gil: run a second py-spy that samples the holder of the GIL.
            sudo: run py-spy with sudo.
            py_spy: path of py-spy; None searches for it.

        Raises:
            ValueError: a duration or rate on which py-spy would hang or panic.

        """
        if not 0 < duration_s <= MAX_DURATION_S:
            raise ValueError(
                f"a capture lasts above 0 s and up to {MAX_DURATION_S:.0f} s, not {duration_s:g} s"
            )
        if not 1 <= rate_hz <= MAX_RATE_HZ:
            raise ValueError(f"a capture's rate is 1 to {MAX_RATE_HZ} Hz, not {rate_hz:g} Hz")
        self.process, self.duration_s, self.rate_hz = process, duration_s, rate_hz
        self.state: CaptureState = "new"
        self.message = ""
        self.attach_check: preflight.AttachCheck | None = None
        self._on_progress = on_progress
        self._subprocesses, self._native, self._blocking = subprocesses, native, blocking or native
        self._with_gil, self._sudo, self._py_spy = gil, sudo, py_spy
        self._stopping = threading.Event()
        self._aborting = threading.Event()
        self._finished = threading.Event()
        self._profile: Profile | None = None
        self._sampling_since = 0.0  # when py-spy had attached; 0 before
        self._reported_at = 0.0
        self._thread = threading.Thread(
            target=self._run, name=f"capture {process.pid}", daemon=True
        )

    # ------------------------------------------------------------------------------- public methods

    def start(self) -> None:
        """Start the capture.

        Raises CaptureFailedError if this process is being captured already or too many captures
        run.
        """
        with _active_lock:
            if self.process.pid in _active_captures:
                raise CaptureFailedError(f"PID {self.process.pid} is being profiled already")
            if len(_active_captures) >= MAX_CONCURRENT:
                raise CaptureFailedError(
                    f"{MAX_CONCURRENT} captures are running: wait for one or stop it"
                )
            _active_captures[self.process.pid] = self
        self.state = "checking"
        self._thread.start()

    def stop(self) -> None:
        """End early and keep the samples so far."""
        self._stopping.set()

    def abort(self) -> None:
        """End at once; the samples of complete slices are kept."""
        self._aborting.set()
        self._stopping.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end; True once no child process and no temporary file is left."""
        return self._finished.wait(timeout)

    @property
    def profile(self) -> Profile | None:
        """Profile of the samples so far; None before the first slice."""
        return self._profile

    @property
    def progress(self) -> CaptureProgress:
        """Current progress: seconds since py-spy had attached, at most the requested duration."""
        elapsed = 0.0
        if self._sampling_since:
            elapsed = min(self.duration_s, max(0.0, time.monotonic() - self._sampling_since))
        left = 0.0 if self.state in ("done", "failed") else self.duration_s - elapsed
        return CaptureProgress(self.state, elapsed, left, self._profile, self.message)

    # ------------------------------------------------------------------------- the capture's thread

    def _run(self) -> None:
        folder: Path | None = None
        try:
            options = self._check_attach()
            slice_capture.remove_stale_folders()
            folder = slice_capture.create_folder()
            self._sample(options, folder)
            self.state = "done"
        except CaptureFailedError as error:
            self.state, self.message = "failed", str(error)
        except Exception as error:
            why = shortage(error) or clean(f"{type(error).__name__}: {error}", 200)
            self.state, self.message = "failed", f"the capture failed: {why}"
        finally:
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            with _active_lock:
                _active_captures.pop(self.process.pid, None)
            self._report_progress(force=True)
            self._finished.set()

    def _check_attach(self) -> PySpyOptions:
        """Run the preflight check and return the py-spy options.

        Raises CaptureFailedError with the reason.
        """
        self._report_progress(force=True)
        try:
            py_spy = self._py_spy or preflight.find_py_spy()
        except preflight.PySpyNotFoundError as error:
            raise CaptureFailedError(str(error)) from None
        self.attach_check = preflight.check(
            self.process, blocking=self._blocking, py_spy=py_spy, sudo=self._sudo
        )
        if not self.attach_check.can_attach:
            raise CaptureFailedError(self.attach_check.message)
        prefix = (shutil.which("sudo") or "/usr/bin/sudo", "-n") if self._sudo else ()
        return PySpyOptions(
            py_spy, self.process.pid, self.rate_hz, blocking=self._blocking, native=self._native,
            subprocesses=self._subprocesses, prefix=prefix,
        )  # fmt: skip

    def _sample(self, options: PySpyOptions, folder: Path) -> None:
        """Capture slice after slice. Raises CaptureFailedError if there is no sample at the end."""
        facts = process_facts.read_facts(self.process.pid)
        if facts is None:
            raise CaptureFailedError(f"PID {self.process.pid} is gone; choose another process")
        growing = GrowingProfile(self.process.pid, self._create_metadata(facts))
        self._profile = None
        self.state = "attaching"
        self._run_slices(options, folder, facts, growing)
        self._finish(facts, growing)

    def _create_metadata(self, facts: ProcessFacts) -> ProfileMetadata:
        name = process_facts.display_name(facts)
        check = self.attach_check or preflight.AttachCheck(can_attach=True)
        return ProfileMetadata(
            source="py-spy",
            label=f"{facts.pid} {name}",
            pid=facts.pid,
            name=name,
            python=check.python_version or None,
            time=time.time(),
            rate_hz=float(self.rate_hz),
            asked_s=self.duration_s,
            blocking=self._blocking,
            native=self._native,
            subprocesses=self._subprocesses,
            torn=True,
            notes=check.notes,
            own=own_code.process_packages(facts.pid),
        )

    def _run_slices(
        self, options: PySpyOptions, folder: Path, facts: ProcessFacts, growing: GrowingProfile
    ) -> None:
        """Run the slices; while one runs, the file of the one before is read."""
        # Native symbols take 35 to 150 ms to load at each attach, so slices are longer; five slices
        # remain, the minimum for a ±.
        slice_s = max(1, math.floor(self.duration_s / 5)) if self._native else 1
        count = max(1, math.ceil(self.duration_s / slice_s - 1e-9))
        failures = 0
        number = 0
        pending: SliceCapture | None = None
        while True:
            current: SliceCapture | None = None
            if number < count and failures < _MAX_FAILURES and self._has_time_left():
                current = self._start_slice(options, folder, number, slice_s, facts)
            if pending is not None:
                captured = pending.read_result(growing.frames)
                failures = 0 if captured.slice is not None else failures + 1
                self._add_slice(captured, growing, options)
            if current is None:
                return
            self._run_slice(current)
            pending, number = current, number + 1
            if self._aborting.is_set():
                current.kill()
                pending = None

    def _add_slice(
        self, captured: CapturedSlice, growing: GrowingProfile, options: PySpyOptions
    ) -> None:
        """Add a slice to the profile and report it; a slice without samples sets the message."""
        growing.add_slice(captured)
        if captured.slice is None and not self._stopping.is_set():
            if captured.read_error:
                self.message = f"py-spy's answer cannot be read: {captured.read_error}"
            elif captured.failure is not None:
                self.message = self._describe_failure(*captured.failure, options)
        is_gone = captured.slice is None and process_facts.read_facts(self.process.pid) is None
        if captured.has_exited or is_gone:
            growing.set_end_reason("the process ended")
            self._stopping.set()
        self._profile = growing.profile if growing.profile.slices else None
        self._report_progress(force=True)

    def _has_time_left(self) -> bool:
        """Whether another slice is worth its attach: a py-spy that falls behind overruns."""
        if self._stopping.is_set():
            return False
        if not self._sampling_since:
            return True
        return time.monotonic() < self._sampling_since + self.duration_s - 0.25

    def _start_slice(
        self, options: PySpyOptions, folder: Path, number: int, slice_s: int, facts: ProcessFacts
    ) -> SliceCapture | None:
        """Start the next slice; None if the pid no longer belongs to the same process."""
        if process_facts.read_again(facts) is None:
            self._stopping.set()
            return None
        slice_capture = SliceCapture(options, folder, number, slice_s, self._with_gil)
        try:
            slice_capture.start()
        except OSError as error:
            slice_capture.kill()
            raise CaptureFailedError(
                f"py-spy does not start: {clean(reason(error), 120)}"
            ) from None
        return slice_capture

    def _run_slice(self, slice_capture: SliceCapture) -> None:
        """Wait until the slice has ended, was stopped or was aborted."""
        entered = time.monotonic()
        while not slice_capture.poll(0.05):
            if self._aborting.is_set():
                return
            if slice_capture.is_attached and not self._sampling_since:
                self._sampling_since = time.monotonic()
                self.state = "sampling"
            # py-spy's own clock varies by some percent: whole-second slices end by themselves
            # unless py-spy falls far behind.
            tolerance_s = 0.0 if self.duration_s % 1 else 1.0
            end = (self._sampling_since or entered) + self.duration_s + tolerance_s
            if self._stopping.is_set() or time.monotonic() > end:
                slice_capture.stop()
            self._report_progress()
        if slice_capture.is_attached and not self._sampling_since:
            self._sampling_since = time.monotonic()

    def _describe_failure(self, status: int | None, stderr: str, options: PySpyOptions) -> str:
        """Describe why a slice gave no samples.

        py-spy's -s hides the cause, so py-spy is run again without it.
        """
        answer = FinishedProcess(status, "", stderr)
        if options.subprocesses and "No python processes" in stderr:
            again = preflight.check(self.process, py_spy=options.py_spy, sudo=self._sudo)
            return again.message or "py-spy found no Python process there"
        return preflight.explain_failure(self.process.pid, answer).message

    def _finish(self, facts: ProcessFacts, growing: GrowingProfile) -> None:
        """Set the reason for the end and verify that the process was released."""
        pid = self.process.pid
        current = process_facts.read_again(facts)
        if current is None:
            growing.set_end_reason("the process ended")
        elif current.tracer_pid or (self._blocking and current.state in ("T", "t")):
            growing.add_note(
                f"PID {pid} is in state {current.state} after the capture: kill -CONT {pid}"
            )
        ended = growing.profile.metadata.ended or self.message
        if not ended and self._stopping.is_set():
            ended = "stopped"
        if not growing.profile.slices:
            raise CaptureFailedError(self.message or _describe_empty_end(ended))
        growing.set_end_reason(ended)
        self.message = ended
        self._profile = growing.profile

    def _report_progress(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if self._on_progress is None or (not force and now - self._reported_at < 0.2):
            return
        self._reported_at = now
        self._on_progress(self.progress)


def _describe_empty_end(ended: str) -> str:
    """Describe why a capture that has no sample ended."""
    if ended == "stopped":
        return "stopped before the first sample"
    return ended or "py-spy took no samples"


def stop_all(timeout: float = 3.0) -> list[Profile]:
    """Stop all captures and return their profiles; called at exit."""
    with _active_lock:
        running = list(_active_captures.values())
    for capture in running:
        capture.stop()
    end = time.monotonic() + timeout
    for capture in running:
        if not capture.wait(max(0.0, end - time.monotonic())):
            capture.abort()
            capture.wait(1.0)
    return [capture.profile for capture in running if capture.profile is not None]


atexit.register(stop_all)

"""Profile as a value: weighted call stacks of threads, in slices of time.

A stack is a tuple of frame ids, outermost caller first. Its frames are in a table that only grows,
so successive profiles of a running capture share it. Weights are numbers of samples, or the unit of
a foreign file. There are two metrics: ``wall`` (every thread at every tick) and ``gil`` (the thread
that held the GIL).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tputtui.frozen import frozen
from tputtui.text import clean

MAX_BYTES = 100 * 1024 * 1024  # of a file, decompressed
MAX_STACKS = 5_000_000  # samples or lines
MAX_DEPTH = 10_000  # frames of one stack; py-spy stops at 4,096
MAX_FRAMES = 2_000_000  # entries of a file's frame table
MAX_WEIGHT = 1e15  # of one sample: larger ones make sums lose the small ones


class UnreadableProfileError(ValueError):
    """Error raised for a file that is not a profile or is broken.

    The message is one sentence: what, where, what to do.
    """


Metric = Literal["wall", "gil"]
Stack = tuple[int, ...]
Counts = Mapping[Stack, float]

INCOMPLETE = "[incomplete]"
"""Function of stacks that py-spy read while they changed: empty or without their root."""

WAITING_IN_C = "[waits in C]"
"""Function below a line that waited outside of Python: see `blocked_threads`."""

MAX_NAME_LENGTH = 512  # in characters, of a function's or a file's name; the rest is cut


@frozen
class Function:
    """Function with its (qualified) name and file, both cleaned. Pseudo frames have no file."""

    name: str
    file: str = ""


@frozen
class _StackFrame:
    """Function at a line; line 0 is unknown."""

    func_id: int
    line: int


@dataclass(frozen=True, slots=True, order=True)
class ProfileThread:
    """Thread of a profile.

    `tid` below 1: no thread id is known, and the number only distinguishes names. `pid` 0: the file
    names no process.
    """

    pid: int
    tid: int
    name: str = field(default="", compare=False)

    @property
    def label(self) -> str:
        """Label for display: "http-worker-0 (10830)"."""
        if self.tid < 1:
            return self.name or "all threads"
        return f"{self.name or 'thread'} ({self.tid})"


class FrameTable:
    """Table of functions and frames. Ids never change, names are cleaned on entry. Thread-safe."""

    def __init__(self) -> None:
        self.funcs: list[Function] = []
        self.frames: list[_StackFrame] = []
        self._id_by_func: dict[Function, int] = {}
        self._id_by_frame: dict[_StackFrame, int] = {}
        self._lock = threading.Lock()
        self.incomplete_frame_id = self.add_frame(INCOMPLETE)

    def add_frame(self, name: str, file: str = "", line: int = 0) -> int:
        """Return the id of a frame, adding it if needed.

        Equal (name, file, line) have one id, whatever the table of a file says.
        """
        func = Function(clean(name, MAX_NAME_LENGTH), clean(file, MAX_NAME_LENGTH))
        with self._lock:
            func_id = self._id_by_func.get(func)
            if func_id is None:
                self.funcs.append(func)
                func_id = self._id_by_func[func] = len(self.funcs) - 1
            frame = _StackFrame(func_id, line)
            frame_id = self._id_by_frame.get(frame)
            if frame_id is None:
                self.frames.append(frame)
                frame_id = self._id_by_frame[frame] = len(self.frames) - 1
            return frame_id

    def frame_func(self, frame_id: int) -> Function:
        """Return the function of a frame id."""
        return self.funcs[self.frames[frame_id].func_id]

    def frame_func_ids(self) -> list[int]:
        """Return the function id of each frame id, as a list for hot loops."""
        return [frame.func_id for frame in self.frames[:]]


@frozen
class ProfileSlice:
    """Samples of one period of time. `ticks` are the times at which the profiler sampled."""

    wall: Mapping[ProfileThread, Counts]
    gil: Mapping[ProfileThread, Counts] = field(default_factory=dict)
    wall_ticks: float = 0.0
    gil_ticks: float = 0.0  # 0: the GIL was not sampled
    duration_s: float = 0.0
    # ratio of the time on a CPU, if measured
    cpu_shares: Mapping[ProfileThread, float] = field(default_factory=dict)
    # ratio of the time ready to run without a CPU, if measured
    ready_shares: Mapping[ProfileThread, float] = field(default_factory=dict)

    def counts(self, metric: Metric) -> Mapping[ProfileThread, Counts]:
        """Return the counted stacks by thread."""
        return self.wall if metric == "wall" else self.gil


@frozen
class ProfileMetadata:
    """Origin and quality of a profile. Texts are cleaned; unknown values are None or empty."""

    source: str = ""  # "py-spy 0.4.3", "speedscope file", …
    label: str = ""  # name of the file or the capture
    pid: int | None = None
    name: str = ""  # of the process, short: a command line may contain a password
    python: str | None = None
    time: float | None = None  # start, in unix seconds
    rate_hz: float | None = None  # requested
    asked_s: float | None = None  # requested duration
    errors: int = 0  # ticks that failed
    blocking: bool = False
    native: bool = False
    subprocesses: bool = False
    torn: bool = False  # stacks may change while the source reads them: check for incomplete ones
    ended: str = ""  # why it is shorter than requested: "the process exited"
    notes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # packages of the user's own code: names only


@frozen
class Profile:
    """Weighted call stacks.

    `unit` is "samples" or the unit of a foreign file ("seconds", "bytes", …).
    """

    frames: FrameTable
    slices: tuple[ProfileSlice, ...] = ()
    metadata: ProfileMetadata = ProfileMetadata()
    unit: str = "samples"

    def with_slice(self, new_slice: ProfileSlice) -> Profile:
        """Return a copy with one more slice."""
        return replace(self, slices=(*self.slices, new_slice))

    def weight(self, metric: Metric = "wall") -> float:
        """Sum of all weights of a metric."""
        return sum(
            sum(counts.values()) for part in self.slices for counts in part.counts(metric).values()
        )

    def ticks(self, metric: Metric = "wall") -> float:
        """Number of times at which the profiler sampled."""
        return sum(part.wall_ticks if metric == "wall" else part.gil_ticks for part in self.slices)

    @property
    def duration_s(self) -> float:
        """Sampled duration in seconds."""
        return sum(part.duration_s for part in self.slices)

    @property
    def requested_ticks(self) -> float | None:
        """Requested number of ticks: rate times duration. None if either is unknown."""
        about = self.metadata
        return about.rate_hz * about.asked_s if about.rate_hz and about.asked_s else None

    @property
    def achieved_hz(self) -> float | None:
        """Achieved ticks per second; None if the source has no times."""
        duration = self.duration_s
        return self.ticks() / duration if duration > 0 else None

    @property
    def threads(self) -> tuple[ProfileThread, ...]:
        """Threads that were sampled, sorted by process and id."""
        threads_by_identity: dict[ProfileThread, ProfileThread] = {}
        for part in self.slices:
            for thread in (*part.wall, *part.gil):
                if thread not in threads_by_identity or not threads_by_identity[thread].name:
                    threads_by_identity[thread] = thread
        return tuple(
            sorted(
                threads_by_identity.values(),
                key=lambda thread: (thread.pid, thread.tid, thread.name),
            )
        )


def _count_stacks(stacks: Iterable[Stack]) -> dict[Stack, float]:
    """Count equal stacks; samples are stored in this form only."""
    counts: dict[Stack, float] = {}
    for stack in stacks:
        counts[stack] = counts.get(stack, 0.0) + 1.0
    return counts


def group_slices(profile: Profile, max_groups: int) -> list[list[ProfileSlice]]:
    """Group adjacent slices into at most `max_groups`.

    More groups do not improve an estimate of the variance; they only cost time.
    """
    each = -(-len(profile.slices) // max_groups) or 1
    return [
        list(profile.slices[start : start + each]) for start in range(0, len(profile.slices), each)
    ]

"""A profile as a value: weighted call stacks of threads, in slices of time.

A stack is a tuple of frame ids, outermost caller first; its frames live in a table that only grows, so that a profile
that is still being captured shares it with the ones before. Weights are numbers of samples, or what a foreign file
counts in. Two metrics stand side by side: ``wall`` (every thread at every tick) and ``gil`` (who held the GIL).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from tputtui.frozen import frozen
from tputtui.text import clean

Metric = Literal["wall", "gil"]
Stack = tuple[int, ...]
Counts = Mapping[Stack, float]

INCOMPLETE = "[incomplete]"
"""The function that stands for stacks that py-spy read while they changed: empty or without their root."""

WAITING_IN_C = "[waits in C]"
"""The function below a line that was waiting outside of Python: see `asleep`."""

MAX_NAME_LENGTH = 512  # characters of a function's or a file's name that are kept


@frozen
class Function:
    """A function: its (qualified) name and its file, both cleaned. The file is empty for pseudo frames."""

    name: str
    file: str = ""


@frozen
class StackFrame:
    """A function at a line; line 0 is unknown."""

    func_id: int
    line: int


@dataclass(frozen=True, slots=True, order=True)
class ProfileThread:
    """A dimension of a profile.

    `tid` below 1: no thread id is known, and the number only
    tells names apart; `pid` 0: the file names no process.
    """

    pid: int
    tid: int
    name: str = field(default="", compare=False)

    @property
    def label(self) -> str:
        """For a person: "http-worker-0 (10830)"."""
        if self.tid < 1:
            return self.name or "all threads"
        return f"{self.name or 'thread'} ({self.tid})"


class FrameTable:
    """The table of functions and frames. Ids never change, names are cleaned as they enter. Safe across threads."""

    def __init__(self) -> None:
        self.funcs: list[Function] = []
        self.frames: list[StackFrame] = []
        self._id_by_func: dict[Function, int] = {}
        self._id_by_frame: dict[StackFrame, int] = {}
        self._lock = threading.Lock()
        self.incomplete_frame_id = self.add_frame(INCOMPLETE)

    def add_frame(self, name: str, file: str = "", line: int = 0) -> int:
        """The id of a frame; equal (name, file, line) have one id, whatever a file's table says."""
        func = Function(clean(name, MAX_NAME_LENGTH), clean(file, MAX_NAME_LENGTH))
        with self._lock:
            func_id = self._id_by_func.get(func)
            if func_id is None:
                self.funcs.append(func)
                func_id = self._id_by_func[func] = len(self.funcs) - 1
            frame = StackFrame(func_id, line)
            frame_id = self._id_by_frame.get(frame)
            if frame_id is None:
                self.frames.append(frame)
                frame_id = self._id_by_frame[frame] = len(self.frames) - 1
            return frame_id

    def frame_func(self, frame_id: int) -> Function:
        """The function that a frame id stands in."""
        return self.funcs[self.frames[frame_id].func_id]

    def frame_func_ids(self) -> list[int]:
        """The function id of each frame id, as a list to index in hot loops."""
        return [frame.func_id for frame in self.frames[:]]


@frozen
class ProfileSlice:
    """What was sampled in one stretch of time. `ticks` are the moments at which the profiler looked."""

    wall: Mapping[ProfileThread, Counts]
    gil: Mapping[ProfileThread, Counts] = field(default_factory=dict)
    wall_ticks: float = 0.0
    gil_ticks: float = 0.0  # 0: the GIL was not asked for
    duration_s: float = 0.0
    cpu_shares: Mapping[ProfileThread, float] = field(
        default_factory=dict
    )  # share of the time on a CPU, where it was measured
    ready_shares: Mapping[ProfileThread, float] = field(
        default_factory=dict
    )  # share of the time ready to run, without a CPU

    def counts(self, metric: Metric) -> Mapping[ProfileThread, Counts]:
        """Stacks by thread."""
        return self.wall if metric == "wall" else self.gil


@frozen
class ProfileMetadata:
    """Where a profile comes from and how good it is. Texts are cleaned; what is unknown is None or empty."""

    source: str = ""  # "py-spy 0.4.3", "speedscope file", …
    label: str = ""  # the file's or the capture's name
    pid: int | None = None
    name: str = ""  # of the process, short: a command line may carry a password
    python: str | None = None
    time: float | None = None  # unix seconds of its start
    rate_hz: float | None = None  # asked for
    asked_s: float | None = None  # the length that was asked for
    errors: int = 0  # ticks that failed
    blocking: bool = False
    native: bool = False
    subprocesses: bool = False
    torn: bool = False  # the source reads stacks that may change under it: look for torn ones
    ended: str = ""  # why it is shorter than asked for: "the process exited"
    notes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()  # packages of the user's own code: names only


@frozen
class Profile:
    """Weighted call stacks. `unit` is "samples", or what a foreign file's weights count ("seconds", "bytes", …)."""

    frames: FrameTable
    slices: tuple[ProfileSlice, ...] = ()
    metadata: ProfileMetadata = ProfileMetadata()
    unit: str = "samples"

    def with_slice(self, new_slice: ProfileSlice) -> Profile:
        """The profile with one more stretch of time; this one stays as it is."""
        return replace(self, slices=(*self.slices, new_slice))

    def weight(self, metric: Metric = "wall") -> float:
        """The sum of all weights of a metric."""
        return sum(sum(counts.values()) for part in self.slices for counts in part.counts(metric).values())

    def ticks(self, metric: Metric = "wall") -> float:
        """Moments at which the profiler looked."""
        return sum(part.wall_ticks if metric == "wall" else part.gil_ticks for part in self.slices)

    @property
    def duration_s(self) -> float:
        """Seconds that were sampled."""
        return sum(part.duration_s for part in self.slices)

    @property
    def requested_ticks(self) -> float | None:
        """The looks that were asked for: the rate times the length. None where nobody says."""
        about = self.metadata
        return about.rate_hz * about.asked_s if about.rate_hz and about.asked_s else None

    @property
    def achieved_hz(self) -> float | None:
        """Ticks a second; None where the source keeps no time."""
        duration = self.duration_s
        return self.ticks() / duration if duration > 0 else None

    @property
    def threads(self) -> tuple[ProfileThread, ...]:
        """The threads that were seen, by process and id."""
        seen: dict[ProfileThread, ProfileThread] = {}
        for part in self.slices:
            for thread in (*part.wall, *part.gil):
                if thread not in seen or not seen[thread].name:
                    seen[thread] = thread
        return tuple(sorted(seen.values(), key=lambda thread: (thread.pid, thread.tid, thread.name)))


def count_stacks(stacks: Iterable[Stack]) -> dict[Stack, float]:
    """Equal stacks counted: the only form in which samples are kept."""
    counts: dict[Stack, float] = {}
    for stack in stacks:
        counts[stack] = counts.get(stack, 0.0) + 1.0
    return counts


def group_slices(profile: Profile, max_groups: int) -> list[list[ProfileSlice]]:
    """The slices in at most `limit` groups of neighbours: enough of them tell a variance, more only cost."""
    each = -(-len(profile.slices) // max_groups) or 1
    return [list(profile.slices[start : start + each]) for start in range(0, len(profile.slices), each)]

"""Frames, threads and samples of a speedscope file, checked while they are read.

py-spy puts `process PID:"command"` and `thread (TID): name` into each stack as frames; they are
converted to dimensions of the profile here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from tputtui.profiling.capture import entry_point
from tputtui.profiling.profile_model import (
    MAX_DEPTH,
    MAX_STACKS,
    MAX_WEIGHT,
    FrameTable,
    ProfileThread,
    Stack,
    UnreadableProfileError,
)
from tputtui.text import clean

_PROFILE_NAME = re.compile(
    r'^(?:Process (\d{1,10}) )?Thread (\d{1,18}|0x[0-9A-Fa-f]{1,16})(?: "(.*)")?$', re.DOTALL
)
_THREAD_FRAME = re.compile(r"^thread \((\d{1,18}|0x[0-9A-Fa-f]{1,16})\)(?:: (.*))?$", re.DOTALL)
_PROCESS_FRAME = re.compile(r'^process (\d{1,10}):"(.*)"$', re.DOTALL)
MAX_TID = 1 << 22  # the kernel's largest thread id; a larger number is a pthread's address


@dataclass
class ThreadSamples:
    """Samples of one thread in time order, before they are cut into slices."""

    stacks: list[tuple[ProfileThread, Stack]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


class ImportedFrames:
    """Map of file frame indices to our frame ids; pseudo frames are marked as dimensions."""

    def __init__(self, frames: FrameTable, entries: list[Any]) -> None:
        self.frames = frames
        self.frame_ids: list[int] = []
        self.threads: dict[int, tuple[int, str]] = {}  # file index -> (tid, name)
        self.processes: dict[int, int] = {}  # file index -> pid
        self.own_packages: set[str] = set()  # packages named by the command lines of the processes
        for at, frame in enumerate(entries):
            name = frame.get("name") if isinstance(frame, dict) else None
            if not isinstance(name, str):
                raise UnreadableProfileError(f"frame {at} has no name")
            file, line = frame.get("file"), frame.get("line")
            if not file and (match := _THREAD_FRAME.match(name)):
                self.threads[at] = (_parse_tid(match[1]), clean(match[2] or "", 200))
            elif not file and (match := _PROCESS_FRAME.match(name)):
                self.processes[at] = int(match[1])
                self.own_packages.update(entry_point.parse_command_line(match[2].split()).packages)
                # without the command line, which may contain a password
                name = f"process {match[1]}"
            if type(line) is not int or not 0 <= line < 1 << 31:
                line = 0
            file = file if isinstance(file, str) else ""
            self.frame_ids.append(self.frames.add_frame(name, file, line))

    def parse_stack(
        self, indices: Any, thread: ProfileThread, where: str
    ) -> tuple[ProfileThread, Stack]:
        """Convert a sample to (thread, stack).

        Raises UnreadableProfileError, which names the invalid index.
        """
        if not isinstance(indices, list) or len(indices) > MAX_DEPTH:
            is_list = isinstance(indices, list)
            problem = f"deeper than {MAX_DEPTH:,} frames" if is_list else "not a list"
            raise UnreadableProfileError(f"{where} is {problem}")
        start = 0
        for index in indices:
            if type(index) is not int or not 0 <= index < len(self.frame_ids):
                raise UnreadableProfileError(
                    f"{where} names frame {clean(str(index), 30)}, "
                    f"the file has {len(self.frame_ids):,}"
                )
        while start < len(indices) and start < 64:
            index = indices[start]
            if index in self.processes:
                thread = ProfileThread(self.processes[index], thread.tid, thread.name)
            elif index in self.threads:
                tid, name = self.threads[index]
                thread = ProfileThread(thread.pid, tid or thread.tid, name or thread.name)
            else:
                break
            start += 1
        ids = self.frame_ids
        return thread, tuple([ids[index] for index in indices[start:]])


def _parse_tid(text: str) -> int:
    """Parse a kernel thread id; 0 for a pthread's address (py-spy: the id is unknown)."""
    number = int(text, 16) if text.startswith("0x") else int(text)
    return number if number <= MAX_TID else 0


def parse_thread(entry: Any, index: int, table: ImportedFrames) -> tuple[ThreadSamples, str]:
    """Parse one profile of the file into its samples in time order and its unit."""
    if not isinstance(entry, dict):
        raise UnreadableProfileError(f"profile {index} is no object")
    name, unit = entry.get("name"), entry.get("unit")
    name = name if isinstance(name, str) else ""
    match = _PROFILE_NAME.match(name)
    if match:
        tid = _parse_tid(match[2])
        thread = ProfileThread(
            int(match[1] or 0) % (1 << 31), tid or -index - 1, clean(match[3] or "", 200)
        )
    else:
        thread = ProfileThread(0, -index - 1, clean(name, 200))
    kind = entry.get("type")
    if kind == "sampled":
        samples = parse_sampled(entry, index, table, thread)
    elif kind == "evented":
        samples = _parse_evented(entry, index, table, thread)
    else:
        raise UnreadableProfileError(
            f'profile {index} has the type {clean(str(kind), 40)!r}, not "sampled" or "evented"'
        )
    return samples, clean(unit, 20) if isinstance(unit, str) else "none"


def parse_sampled(
    entry: dict[str, Any], index: int, table: ImportedFrames, thread: ProfileThread
) -> ThreadSamples:
    """Parse the samples of a profile of the type "sampled". Raises UnreadableProfileError."""
    stacks, weights = entry.get("samples"), entry.get("weights")
    if not isinstance(stacks, list) or not isinstance(weights, list):
        raise UnreadableProfileError(f'profile {index} has no lists "samples" and "weights"')
    if len(stacks) != len(weights):
        raise UnreadableProfileError(
            f"profile {index} has {len(stacks):,} samples, but {len(weights):,} weights"
        )
    if len(stacks) > MAX_STACKS:
        raise UnreadableProfileError(
            f"profile {index} has {len(stacks):,} samples, more than the limit of {MAX_STACKS:,}"
        )
    out = ThreadSamples()
    last_raw: Any = None
    last: tuple[ProfileThread, Stack] | None = None
    for number, (indices, weight) in enumerate(zip(stacks, weights, strict=True)):
        if last is None or indices != last_raw:  # adjacent samples are mostly equal
            last_raw, last = (
                indices,
                table.parse_stack(indices, thread, f"sample {number} of profile {index}"),
            )
        out.stacks.append(last)
        out.weights.append(
            parse_weight(weight, f"the weight of sample {number} of profile {index}")
        )
    return out


def _parse_evented(
    entry: dict[str, Any], index: int, table: ImportedFrames, thread: ProfileThread
) -> ThreadSamples:
    """Convert open and close events to stacks weighted by their duration."""
    events = entry.get("events")
    if not isinstance(events, list) or len(events) > MAX_STACKS:
        raise UnreadableProfileError(
            f'profile {index} has no list "events", or more than {MAX_STACKS:,}'
        )
    out = ThreadSamples()
    indices: list[Any] = []
    since: float | None = None
    for number, event in enumerate(events):
        where = f"event {number} of profile {index}"
        if not isinstance(event, dict):
            raise UnreadableProfileError(f"{where} is no object")
        moment = event.get("at")
        if (
            isinstance(moment, bool)
            or not isinstance(moment, int | float)
            or not math.isfinite(moment)
        ):
            raise UnreadableProfileError(f'{where} has no time "at"')
        if since is not None and moment < since:
            raise UnreadableProfileError(f"{where} goes back in time")
        if indices and since is not None and moment > since:
            out.stacks.append(table.parse_stack(indices[:], thread, where))
            out.weights.append(parse_weight(moment - since, where))
        since = float(moment)
        if event.get("type") == "O" and len(indices) < MAX_DEPTH:
            indices.append(event.get("frame"))
        elif event.get("type") == "C" and indices and indices[-1] == event.get("frame"):
            indices.pop()
        else:
            raise UnreadableProfileError(
                f"{where} neither opens a frame nor closes the one that is open"
            )
    return out


def parse_weight(value: Any, where: str) -> float:
    """Parse a number from 0 to `MAX_WEIGHT`. Raises UnreadableProfileError."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= MAX_WEIGHT
    ):
        raise UnreadableProfileError(
            f"{where} is {clean(str(value), 30)}, not a number from 0 to {MAX_WEIGHT:g}"
        )
    return float(value)

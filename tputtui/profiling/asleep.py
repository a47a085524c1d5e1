"""Waits that no name gives away: `time.sleep`, a lock or a socket inside a C call leave only their Python caller on the stack.

A thread's CPU time (and the time it was ready to run without a CPU) tells: where it explains less than half of what is not known to wait, the lines that were never seen
with the GIL in hand were waiting in C. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tputtui.profiling.categories import waits
from tputtui.profiling.profile import Profile, Thread

EXPLAINED = 0.5  # of a thread's samples that are not known to wait: with so much CPU time, they ran
UNSEEN = 0.1  # without the GIL's column, CPU time must be this small
HOLDS = 0.1  # a line that holds the GIL for this share of its time computes
FEW = 5.0  # samples below which a line tells nothing


def cpu_shares(profile: Profile) -> dict[Thread, float]:
    """The share of the time that each thread was on a CPU, 0 to 1; threads that nobody measured are absent."""
    return _over_time(profile, [part.cpu for part in profile.slices])


def ready_shares(profile: Profile) -> dict[Thread, float]:
    """The share of the time that each thread was ready to run and had no CPU, 0 to 1; else as `cpu_shares`."""
    return _over_time(profile, [part.ready for part in profile.slices])


def _over_time(profile: Profile, shares: Sequence[Mapping[Thread, float]]) -> dict[Thread, float]:
    used: dict[Thread, float] = {}
    lived: dict[Thread, float] = {}
    for part, by_thread in zip(profile.slices, shares, strict=True):
        for thread, share in by_thread.items():
            used[thread] = used.get(thread, 0.0) + share * part.duration_s
            lived[thread] = lived.get(thread, 0.0) + part.duration_s
    return {thread: used[thread] / seconds for thread, seconds in lived.items() if seconds > 0}


def asleep(profile: Profile) -> dict[Thread, frozenset[int]]:
    """By thread, the frames that wait in C where they are the innermost ones."""
    cpu = cpu_shares(profile)
    if not cpu:
        return {}
    ready = ready_shares(profile)  # who waits for a CPU does not wait in C
    frames = profile.frames
    idle = [waits(func) for func in frames.funcs]
    owner = frames.func_ids()
    gil_ticks, wall_ticks = profile.ticks("gil"), profile.ticks("wall") or 1.0
    out: dict[Thread, frozenset[int]] = {}
    for thread, share in cpu.items():
        seen, held = _leaves(profile, thread)
        whole = sum(seen.values()) or 1.0
        open_ = {
            frame: weight for frame, weight in seen.items() if not idle[owner[frame]] and frame != frames.incomplete
        }
        if share + ready.get(thread, 0.0) >= (EXPLAINED if gil_ticks else UNSEEN) * sum(open_.values()) / whole:
            continue
        found = frozenset(
            frame
            for frame, weight in open_.items()
            if weight >= FEW and (not gil_ticks or held.get(frame, 0.0) / gil_ticks < HOLDS * weight / wall_ticks)
        )
        if found:
            out[thread] = found
    return out


def _leaves(profile: Profile, thread: Thread) -> tuple[dict[int, float], dict[int, float]]:
    """How often each frame was innermost in a thread, and how often with the GIL."""
    seen: dict[int, float] = {}
    held: dict[int, float] = {}
    for part in profile.slices:
        for into, counts in ((seen, part.wall.get(thread, {})), (held, part.gil.get(thread, {}))):
            for stack, weight in counts.items():
                if stack:
                    into[stack[-1]] = into.get(stack[-1], 0.0) + weight
    return seen, held

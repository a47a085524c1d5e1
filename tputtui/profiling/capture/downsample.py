"""What keeps a long capture small: old slices join in pairs, and stacks beyond the limit count as ``[other stacks]``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tputtui.profiling.profile_model import Counts, FrameTable, Profile, ProfileSlice, ProfileThread, Stack

OTHER = "[other stacks]"
MAX_UNIQUE = 200_000  # different stacks of one capture
MAX_SLICES = 60


class StackDownsampler:
    """Of one capture: it remembers which stacks were seen."""

    def __init__(self, frames: FrameTable, max_unique: int = MAX_UNIQUE, max_slices: int = MAX_SLICES) -> None:
        self._frames = frames
        self._seen: dict[Stack, Stack] = {}
        self._max_unique = max_unique
        self._max_slices = max_slices

    def bounded(self, part: ProfileSlice) -> ProfileSlice:
        """The slice with at most the allowed number of different stacks; equal stacks become one object."""
        return replace(part, wall=self._known(part.wall), gil=self._known(part.gil))

    def joined(self, profile: Profile) -> Profile:
        """The profile with its slices joined in pairs once there are more than `max_slices`."""
        if len(profile.slices) <= self._max_slices:
            return profile
        pairs = [profile.slices[at : at + 2] for at in range(0, len(profile.slices), 2)]
        return replace(profile, slices=tuple(join(*pair) if len(pair) == 2 else pair[0] for pair in pairs))

    def _known(self, by_thread: Mapping[ProfileThread, Counts]) -> dict[ProfileThread, dict[Stack, float]]:
        out: dict[ProfileThread, dict[Stack, float]] = {}
        for thread, counts in by_thread.items():
            kept = out.setdefault(thread, {})
            for stack, weight in counts.items():
                known = self._seen.get(stack)
                if known is None:
                    full = len(self._seen) >= self._max_unique
                    # Below its usual root, or it would pass for a torn stack.
                    known = (*stack[:1], self._frames.frame(OTHER)) if full else self._seen.setdefault(stack, stack)
                kept[known] = kept.get(known, 0.0) + weight
        return out


def join(one: ProfileSlice, other: ProfileSlice) -> ProfileSlice:
    """Two neighbours as one."""
    return ProfileSlice(
        _sum(one.wall, other.wall),
        _sum(one.gil, other.gil),
        one.wall_ticks + other.wall_ticks,
        one.gil_ticks + other.gil_ticks,
        one.duration_s + other.duration_s,
        _mean(one.cpu, one.duration_s, other.cpu, other.duration_s),
        _mean(one.ready, one.duration_s, other.ready, other.duration_s),
    )


def _mean(
    one: Mapping[ProfileThread, float], one_s: float, other: Mapping[ProfileThread, float], other_s: float
) -> dict[ProfileThread, float]:
    """Shares of the time over both; a thread that lived in one of them keeps that one's."""
    out = {**one, **other}
    for thread in one.keys() & other.keys():
        if one_s + other_s > 0:
            out[thread] = (one[thread] * one_s + other[thread] * other_s) / (one_s + other_s)
    return out


def _sum(
    one: Mapping[ProfileThread, Counts], other: Mapping[ProfileThread, Counts]
) -> dict[ProfileThread, dict[Stack, float]]:
    out: dict[ProfileThread, dict[Stack, float]] = {thread: dict(counts) for thread, counts in one.items()}
    for thread, counts in other.items():
        into = out.setdefault(thread, {})
        for stack, weight in counts.items():
            into[stack] = into.get(stack, 0.0) + weight
    return out

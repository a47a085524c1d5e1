"""Limits on the size of a long capture.

Old slices are merged in pairs, and stacks beyond the limit count as ``[other stacks]``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tputtui.profiling.profile_model import (
    Counts,
    FrameTable,
    Profile,
    ProfileSlice,
    ProfileThread,
    Stack,
)

OTHER_STACKS = "[other stacks]"
MAX_UNIQUE_STACKS = 200_000  # different stacks of one capture
MAX_SLICES = 60


class StackDownsampler:
    """Downsampler of one capture; it remembers the stacks seen so far."""

    def __init__(
        self, frames: FrameTable, max_unique: int = MAX_UNIQUE_STACKS, max_slices: int = MAX_SLICES
    ) -> None:
        self._frames = frames
        self._known_stacks: dict[Stack, Stack] = {}
        self._max_unique = max_unique
        self._max_slices = max_slices

    def limit_stacks(self, profile_slice: ProfileSlice) -> ProfileSlice:
        """Return the slice with the permitted number of different stacks.

        Equal stacks become one object.
        """
        return replace(
            profile_slice,
            wall=self._limit_counts(profile_slice.wall),
            gil=self._limit_counts(profile_slice.gil),
        )

    def limit_slices(self, profile: Profile) -> Profile:
        """Return the profile, its slices merged in pairs if more than `max_slices`."""
        if len(profile.slices) <= self._max_slices:
            return profile
        pairs = [profile.slices[at : at + 2] for at in range(0, len(profile.slices), 2)]
        return replace(
            profile,
            slices=tuple(merge_slices(*pair) if len(pair) == 2 else pair[0] for pair in pairs),
        )

    def _limit_counts(
        self, by_thread: Mapping[ProfileThread, Counts]
    ) -> dict[ProfileThread, dict[Stack, float]]:
        out: dict[ProfileThread, dict[Stack, float]] = {}
        for thread, counts in by_thread.items():
            kept = out.setdefault(thread, {})
            for stack, weight in counts.items():
                limited = self._known_stacks.get(stack)
                if limited is None:
                    is_full = len(self._known_stacks) >= self._max_unique
                    # Below its usual root, otherwise it would be classified as an incomplete stack.
                    limited = (
                        (*stack[:1], self._frames.add_frame(OTHER_STACKS))
                        if is_full
                        else self._known_stacks.setdefault(stack, stack)
                    )
                kept[limited] = kept.get(limited, 0.0) + weight
        return out


def merge_slices(first: ProfileSlice, second: ProfileSlice) -> ProfileSlice:
    """Merge two adjacent slices."""
    return ProfileSlice(
        _sum_counts(first.wall, second.wall),
        _sum_counts(first.gil, second.gil),
        first.wall_ticks + second.wall_ticks,
        first.gil_ticks + second.gil_ticks,
        first.duration_s + second.duration_s,
        _weighted_mean(first.cpu_shares, first.duration_s, second.cpu_shares, second.duration_s),
        _weighted_mean(
            first.ready_shares, first.duration_s, second.ready_shares, second.duration_s
        ),
    )


def _weighted_mean(
    first: Mapping[ProfileThread, float],
    first_s: float,
    second: Mapping[ProfileThread, float],
    second_s: float,
) -> dict[ProfileThread, float]:
    """Mean of two ratios of time by thread, weighted by duration.

    A thread that lived in only one of the slices keeps its ratio.
    """
    out = {**first, **second}
    for thread in first.keys() & second.keys():
        if first_s + second_s > 0:
            out[thread] = (first[thread] * first_s + second[thread] * second_s) / (
                first_s + second_s
            )
    return out


def _sum_counts(
    first: Mapping[ProfileThread, Counts], second: Mapping[ProfileThread, Counts]
) -> dict[ProfileThread, dict[Stack, float]]:
    out: dict[ProfileThread, dict[Stack, float]] = {
        thread: dict(counts) for thread, counts in first.items()
    }
    for thread, counts in second.items():
        into = out.setdefault(thread, {})
        for stack, weight in counts.items():
            into[stack] = into.get(stack, 0.0) + weight
    return out

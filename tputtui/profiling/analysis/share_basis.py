"""Basis of a share: all samples, only running ones, or those that hold the GIL. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.analysis.waits import is_waiting

ShareBasis = Literal["wall", "running", "gil"]
"""Names of the bases of a share.

``wall``: every thread at every tick, waiting or not. ``running``: without the stacks that end in a
known wait. ``gil``: the stacks that held the GIL.
"""


def ends_running(stacks: StackTable) -> list[bool]:
    """Whether each stack ends in code not known to wait; false for incomplete stacks."""
    owner = stacks.frames.frame_func_ids()
    runs = [not is_waiting(func) for func in stacks.frames.funcs]
    lost = stacks.frames.incomplete_frame_id
    return [stack[-1] != lost and runs[owner[stack[-1]]] for stack in stacks.stacks]


def running_stacks(stacks: StackTable) -> StackTable:
    """Keep only the stacks that do not wait; shares refer to these."""
    kept = [at for at, runs in enumerate(ends_running(stacks)) if runs]
    columns = tuple(_select(column, kept) for column in stacks.slices)
    wall = _select(stacks.wall, kept)
    return replace(
        stacks,
        stacks=tuple(stacks.stacks[at] for at in kept),
        wall=wall,
        gil=_select(stacks.gil, kept),
        slices=columns,
        slice_weights=tuple(map(sum, columns)),
        weight=sum(wall),
    )


def gil_stacks(stacks: StackTable) -> StackTable:
    """Weight the stacks by GIL samples; shares are ratios of the time.

    There is no ±, because slices have wall weights only.
    """
    kept = [at for at, held in enumerate(stacks.gil) if held > 0]
    weights = _select(stacks.gil, kept)
    return StackTable(
        stacks.frames, tuple(stacks.stacks[at] for at in kept), weights, weights, (), (),
        max(stacks.gil_ticks, 0.0) or sum(weights), stacks.gil_ticks, stacks.gil_ticks,
    )  # fmt: skip


def _select(column: array[float], indices: Iterable[int]) -> array[float]:
    return array("d", [column[at] for at in indices])

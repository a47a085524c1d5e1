"""Selection from a profile: stacks of some threads, merged over time, incomplete ones apart. Pure.

All views start from such a selection: call tree, callers, top functions, flame graph, difference.
The basis of a share is all samples, only running ones, or those that hold the GIL. The trie, from
which call trees are built, has no object per node and no recursion.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.analysis.blocked_threads import cpu_shares, frames_waiting_in_c
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.profile_model import (
    WAITING_IN_C,
    Counts,
    FrameTable,
    Function,
    Profile,
    ProfileThread,
    Stack,
    group_slices,
)

_MAX_SLICE_GROUPS = 20  # more groups of slices do not improve the estimate of the variance
_MAX_UNMEASURED_SHARE = 0.05  # largest ratio of samples of threads without a known CPU time
_USUAL_ROOTS = frozenset(("<module>", "Thread._bootstrap", "_bootstrap"))
# ratio of a thread's samples; above it, an outermost function is not there by chance
_MIN_ROOT_SHARE = 0.05


@frozen
class StackTable:
    """Unique stacks with their weights.

    `wall[i]` and `gil[i]` belong to `stacks[i]`; `slices` has one column per slice.
    """

    frames: FrameTable
    stacks: tuple[Stack, ...]
    wall: array[float]
    gil: array[float]
    slices: tuple[array[float], ...]  # wall weights by slice
    slice_weights: tuple[float, ...]  # the sums of `slices`
    weight: float  # the sum of `wall`: the denominator of every share
    wall_ticks: float
    gil_ticks: float  # 0: no GIL column
    # the CPU time of these threads is known, so a stack that does not wait ran
    is_cpu_measured: bool = False

    def gil_held_share(self, gil_weight: float, wall_weight: float) -> float | None:
        """Ratio of time with the GIL held in code of these weights; None without a GIL column.

        Two py-spys sample with separate clocks, so by chance one may see code with the GIL held
        more often than the other sees it at all. The result is capped at the time that the code was
        seen.
        """
        if not self.gil_ticks:
            return None
        share = gil_weight / self.gil_ticks
        return min(share, wall_weight / self.wall_ticks) if self.wall_ticks else share

    @property
    def incomplete_share(self) -> float:
        """Ratio of incomplete and empty stacks."""
        lost = (self.frames.incomplete_frame_id,)
        return sum(w for stack, w in zip(self.stacks, self.wall, strict=True) if stack == lost) / (
            self.weight or 1.0
        )


def select_stacks(
    profile: Profile, threads: Collection[ProfileThread] | None = None, *, mark_waits: bool = True
) -> StackTable:
    """Select the stacks of `threads` (None: all); incomplete ones become ``[incomplete]``.

    A stack that waits in C gets ``[waits in C]`` as its innermost frame, unless `mark_waits` is
    false: for a comparison with a profile without CPU times.
    """
    known = _usual_roots(profile)
    lost = (profile.frames.incomplete_frame_id,)
    sleeping = frames_waiting_in_c(profile) if mark_waits else {}
    sleep = profile.frames.add_frame(WAITING_IN_C) if sleeping else -1
    ids: dict[Stack, int] = {}
    groups = group_slices(profile, _MAX_SLICE_GROUPS)
    walls: list[dict[int, float]] = [{} for _ in groups]
    gil: dict[int, float] = {}

    def add(into: dict[int, float], thread: ProfileThread, counts: Counts) -> None:
        roots = known.get(thread)
        sleeps = sleeping.get(thread, frozenset())
        for stack, weight in counts.items():
            kept = stack if stack and (roots is None or stack[0] in roots) else lost
            if sleeps and kept[-1] in sleeps:
                kept = (*kept, sleep)
            index = ids.setdefault(kept, len(ids))
            into[index] = into.get(index, 0.0) + weight

    for group, wall in zip(groups, walls, strict=True):
        for part in group:
            for thread, counts in part.wall.items():
                if threads is None or thread in threads:
                    add(wall, thread, counts)
            for thread, counts in part.gil.items():
                if threads is None or thread in threads:
                    add(gil, thread, counts)

    columns = tuple(_dense_column(wall, len(ids)) for wall in walls)
    total = array("d", map(sum, zip(*columns, strict=True))) if columns else array("d")
    return StackTable(
        profile.frames,
        tuple(ids),
        total,
        _dense_column(gil, len(ids)),
        columns,
        tuple(map(sum, columns)),
        sum(total),
        profile.ticks("wall"),
        profile.ticks("gil"),
        _is_cpu_measured(profile, threads),
    )


def _is_cpu_measured(profile: Profile, threads: Collection[ProfileThread] | None) -> bool:
    """Whether the CPU time is known of (nearly) all samples: short-lived threads have none."""
    known = cpu_shares(profile)
    total = unknown = 0.0
    for part in profile.slices:
        for thread, counts in part.wall.items():
            if threads is None or thread in threads:
                weight = sum(counts.values())
                total += weight
                unknown += 0.0 if thread in known else weight
    return bool(known) and unknown <= _MAX_UNMEASURED_SHARE * total


def focus(stacks: StackTable, func_id: int) -> StackTable:
    """Keep only the calls below a function, with it as the root.

    Shares stay ratios of everything selected before.
    """
    owner = stacks.frames.frame_func_ids()

    def below(stack: Stack) -> Stack:
        start = next((at for at, frame in enumerate(stack) if owner[frame] == func_id), len(stack))
        return stack[start:]

    return _cut_stacks(stacks, below)


def own_code_stacks(stacks: StackTable, is_own_code: Callable[[Function], bool]) -> StackTable:
    """Keep each stack's own frames and the first other frame below the last of them.

    This is the folding of `TreeOptions.is_own_code`. A stack without own code keeps the function in
    which it ends, so no sample is lost.
    """
    funcs = [is_own_code(func) for func in stacks.frames.funcs]
    own = [funcs[func] for func in stacks.frames.frame_func_ids()]

    def called(stack: Stack) -> Stack:
        last = next((at for at in range(len(stack) - 1, -1, -1) if own[stack[at]]), -1)
        if last < 0:
            return stack[-1:]
        return (*(frame for frame in stack[: last + 1] if own[frame]), *stack[last + 1 : last + 2])

    return _cut_stacks(stacks, called)


def _cut_stacks(stacks: StackTable, cut: Callable[[Stack], Stack]) -> StackTable:
    """Apply `cut` to each stack, merge equal results and drop empty ones."""
    kept: dict[Stack, int] = {}
    place: list[int] = []  # the new index of each old stack, -1: dropped
    for stack in stacks.stacks:
        left = cut(stack)
        place.append(kept.setdefault(left, len(kept)) if left else -1)

    def moved(column: Iterable[float]) -> array[float]:
        out = array("d", bytes(8 * len(kept)))
        for at, weight in zip(place, column, strict=True):
            if at >= 0:
                out[at] += weight
        return out

    return replace(
        stacks,
        stacks=tuple(kept),
        wall=moved(stacks.wall),
        gil=moved(stacks.gil),
        slices=tuple(moved(column) for column in stacks.slices),
    )


def _usual_roots(profile: Profile) -> dict[ProfileThread, frozenset[int]]:
    """Frames with which the complete stacks of each thread start.

    Empty if the source never gives incomplete stacks. An incomplete stack does not start with the
    root frames of its thread's other stacks (none of 2,495 did).
    """
    if not profile.metadata.torn:
        return {}
    owner = profile.frames.frame_func_ids()
    usual = {index for index, func in enumerate(profile.frames.funcs) if func.name in _USUAL_ROOTS}
    by_thread: dict[ProfileThread, dict[int, float]] = {}
    for part in profile.slices:
        for thread, counts in (*part.wall.items(), *part.gil.items()):
            root_weights = by_thread.setdefault(thread, {})
            for stack, weight in counts.items():
                if stack:
                    root_weights[owner[stack[0]]] = root_weights.get(owner[stack[0]], 0.0) + weight
    roots: dict[ProfileThread, frozenset[int]] = {}
    for thread, root_weights in by_thread.items():
        enough = _MIN_ROOT_SHARE * sum(root_weights.values())
        funcs = {func for func, weight in root_weights.items() if func in usual or weight >= enough}
        roots[thread] = frozenset(frame for frame, func in enumerate(owner) if func in funcs)
    return roots


def _dense_column(sparse: dict[int, float], length: int) -> array[float]:
    column = array("d", bytes(8 * length))
    for index, weight in sparse.items():
        column[index] = weight
    return column


def build_trie(
    stacks: tuple[Stack, ...], frame_count: int, *, reverse: bool
) -> tuple[list[int], list[int], list[int]]:
    """Build the trie of unique stack prefixes, parents first.

    Returns (parent of each prefix, last frame of each prefix, prefix in which each stack ends).
    """
    index: dict[int, int] = {}
    parents, frames, ends = [-1], [-1], []
    for stack in stacks:
        node = 0
        for frame in reversed(stack) if reverse else stack:
            at = node * frame_count + frame
            child = index.get(at)
            if child is None:
                child = index[at] = len(parents)
                parents.append(node)
                frames.append(frame)
            node = child
        ends.append(node)
    return parents, frames, ends


def weights_at_ends(ends: list[int], weights: array[float], node_count: int) -> list[float]:
    """Sum the weights of the stacks by the node in which each ends."""
    own = [0.0] * node_count
    for node, weight in zip(ends, weights, strict=True):
        own[node] += weight
    return own


def subtree_weights(parents: list[int], weights: list[float]) -> list[float]:
    """Sum the weights that end in each node or below it; parents come first."""
    if not any(weights):
        return weights[:]
    total = weights[:]
    for node in range(len(parents) - 1, 0, -1):
        total[parents[node]] += total[node]
    return total


def preorder(
    parents: list[int], total: list[float], keys: list[int]
) -> tuple[list[int], list[int], list[int], list[int]]:
    """Sort the nodes into preorder, heaviest child first.

    Returns (new number of each node, nodes in order, end of each new node, depth of each new node).
    """
    count = len(parents)
    size = [1] * count
    only = [-1] * count  # nearly every node has one child: lists are created only for the others
    others: dict[int, list[int]] = {}
    for node in range(count - 1, 0, -1):
        parent = parents[node]
        size[parent] += size[node]
        if only[parent] < 0:
            only[parent] = node
        elif parent in others:
            others[parent].append(node)
        else:
            others[parent] = [only[parent], node]
    place, order, end, depth = [0] * count, [0] * count, [0] * count, [0] * count
    end[0] = count
    for node in range(count):  # parents come before their children here, too
        child = only[node]
        if child < 0:
            continue
        position = place[node]
        at, below = position + 1, depth[position] + 1
        if node not in others:
            place[child], order[at], depth[at], end[at] = at, child, below, at + size[child]
            continue
        for child in sorted(others[node], key=lambda child: (-total[child], keys[child])):
            place[child], order[at], depth[at] = at, child, below
            end[at] = at = at + size[child]
    return place, order, end, depth


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

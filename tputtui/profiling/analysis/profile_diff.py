"""Difference of two profiles: shares in the union of both trees, and their significance. Pure.

Both sides are normalised to shares, so a longer capture makes no difference. A function's
difference is significant only against the variance between the slices of both captures (Welch's t,
degrees of freedom after Satterthwaite), corrected over all functions after Holm: of equal captures,
at most 5 % of pairs show any difference.
"""

from __future__ import annotations

import math
from array import array
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.analysis.call_tree import CallTree, TreeOptions
from tputtui.profiling.analysis.share_variance import variance
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.profile_model import FrameTable, Function
from tputtui.stats.significance import holm, student_p, t95

Change = Literal["new", "gone", "changed", "same"]
ALPHA = 0.05


@frozen
class FunctionDifference:
    """One function's share before and after, total and self.

    `is_significant`: the difference is not by chance; None below 5 slices.
    """

    func: Function
    before: float
    after: float
    self_before: float
    self_after: float
    # the ± of after - before, as a ratio, for this function alone (not corrected)
    half_width: float | None
    p_value: float | None  # after Holm
    is_significant: bool | None
    change: Change

    @property
    def delta(self) -> float:
        """Share after minus share before, as a ratio."""
        return self.after - self.before


def _kind_of_change(was_absent: bool, is_absent: bool) -> Change:
    if was_absent:
        return "new"
    return "gone" if is_absent else "changed"


def function_differences(before: StackTable, after: StackTable) -> list[FunctionDifference]:
    """Compare every function of either side; the most significant and largest difference first."""
    weights_before, weights_after = _FunctionWeights(before), _FunctionWeights(after)
    names = sorted(
        {*weights_before.total_weights, *weights_after.total_weights},
        key=lambda func: (func.name, func.file),
    )
    tests = [_test_function(func, weights_before, weights_after) for func in names]
    adjusted = holm([p for _, p in tests])
    out = []
    for func, (spread, _), p in zip(names, tests, adjusted, strict=True):
        is_significant = None if p is None else p < ALPHA
        was, now = weights_before.share(func), weights_after.share(func)
        change: Change = "same"
        if is_significant or (is_significant is None and (was == 0) != (now == 0)):
            change = _kind_of_change(was == 0, now == 0)
        out.append(
            FunctionDifference(
                func,
                was,
                now,
                weights_before.share(func, self_only=True),
                weights_after.share(func, self_only=True),
                spread,
                p,
                is_significant,
                change,
            )
        )
    return sorted(
        out, key=lambda row: (not row.is_significant, -abs(row.delta), row.func.name, row.func.file)
    )


class _FunctionWeights:
    """Weights of one profile by function: totals (once per stack), self, totals by slice."""

    def __init__(self, stacks: StackTable) -> None:
        self.stacks = stacks
        self.total_weights: dict[Function, float] = {}
        self.self_weights: dict[Function, float] = {}
        self.slice_weights: dict[Function, array[float]] = {}
        owner, funcs = stacks.frames.frame_func_ids(), stacks.frames.funcs
        none = array("d", bytes(8 * len(stacks.slices)))
        for at, stack in enumerate(stacks.stacks):
            weight = stacks.wall[at]
            leaf = funcs[owner[stack[-1]]]
            self.self_weights[leaf] = self.self_weights.get(leaf, 0.0) + weight
            for func_id in {owner[frame] for frame in stack}:
                func = funcs[func_id]
                self.total_weights[func] = self.total_weights.get(func, 0.0) + weight
                parts = self.slice_weights.setdefault(func, none[:])
                for number, column in enumerate(stacks.slices):
                    parts[number] += column[at]

    def share(self, func: Function, *, self_only: bool = False) -> float:
        return (self.self_weights if self_only else self.total_weights).get(func, 0.0) / (
            self.stacks.weight or 1.0
        )

    def variance(self, func: Function) -> tuple[float, int] | None:
        parts = self.slice_weights.get(func) or [0.0] * len(self.stacks.slices)
        return variance(parts, self.stacks.slice_weights)


def _test_function(
    func: Function, side_before: _FunctionWeights, side_after: _FunctionWeights
) -> tuple[float | None, float | None]:
    """Return uncorrected (±, p) of one function's difference; None: too few slices."""
    before, after = side_before.variance(func), side_after.variance(func)
    if before is None or after is None:
        return None, None
    # Slices that agree by chance understate the variance: it is at least that of independent
    # samples.
    floors = [_min_variance(side, func) for side in (side_before, side_after)]
    first, second = max(before[0], floors[0]), max(after[0], floors[1])
    squares = first + second
    if squares <= 0:
        return None, None
    degrees = squares**2 / (first**2 / before[1] + second**2 / after[1])
    delta = side_after.share(func) - side_before.share(func)
    return t95(max(1, math.floor(degrees))) * math.sqrt(squares), student_p(
        delta / math.sqrt(squares), degrees
    )


def _min_variance(weights: _FunctionWeights, func: Function) -> float:
    """Variance of a share of independent samples, of at least half a sample."""
    count, share = weights.stacks.weight, weights.share(func)
    return max(share * (1 - share), 0.5 / count) / count if count > 0 else 0.0


@frozen
class UnionTree:
    """Union of two call trees: `tree` has every node of either, `before` and `after` the shares.

    A function that is gone has share 0 after, a new one has share 0 before. Show it with TreeRows
    at threshold 0.
    """

    tree: CallTree
    before: tuple[float, ...]  # shares by node
    after: tuple[float, ...]
    # of the node's function, as in `function_differences`; new and gone by the node itself
    changes: tuple[Change, ...]

    def delta(self, node: int) -> float:
        """Share after minus share before, as a ratio."""
        return self.after[node] - self.before[node]


def union_tree(
    before: StackTable, after: StackTable, options: TreeOptions | None = None
) -> UnionTree:
    """Build the union tree.

    Its weights are the mean of both shares, so removed nodes keep their place.
    """
    frames = FrameTable()
    ids: dict[tuple[int, ...], int] = {}
    sides: list[dict[int, float]] = []
    for stacks in (before, after):
        table = stacks.frames
        moved = [
            frames.add_frame(
                table.funcs[frame.func_id].name, table.funcs[frame.func_id].file, frame.line
            )
            for frame in table.frames
        ]
        side: dict[int, float] = {}
        for stack, weight in zip(stacks.stacks, stacks.wall, strict=True):
            at = ids.setdefault(tuple(moved[frame] for frame in stack), len(ids))
            side[at] = side.get(at, 0.0) + weight / (stacks.weight or 1.0)
        sides.append(side)
    columns = [array("d", [side.get(at, 0.0) for at in range(len(ids))]) for side in sides]
    mean = array("d", [sum(weights) / 2 for weights in zip(*columns, strict=True)])
    # The GIL column holds the shares before, because a tree carries two weights.
    both = StackTable(
        frames, tuple(ids), mean, columns[0], (mean,), (sum(mean),), sum(mean) or 1.0, 0.0, 1.0
    )
    tree = CallTree(both, options)
    was = tuple(tree.gil_total)
    now = tuple(2 * total - gone for total, gone in zip(tree.total, was, strict=True))
    called = {row.func: row.change for row in function_differences(before, after)}
    changes: list[Change] = []
    for node in range(len(tree)):
        change = called.get(tree.func(node), "same") if node else "same"
        if change != "same":
            change = _kind_of_change(was[node] < 1e-12, now[node] < 1e-12)
        changes.append(change)
    return UnionTree(tree, was, tuple(max(0.0, share) for share in now), tuple(changes))

"""Call tree stored in arrays, without an object per node and without recursion. Pure.

This handles 100,000 nodes and stacks 4,096 deep. Nodes are numbered in preorder, heaviest child
first, so a subtree is the range ``node … end[node]`` and the ± of any node is a difference of
prefix sums. Node 0 is the root of all stacks and is not shown.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator

from tputtui.frozen import frozen
from tputtui.profiling.analysis.share_variance import half_width
from tputtui.profiling.analysis.stacks import (
    StackTable,
    build_trie,
    ends_running,
    preorder,
    subtree_weights,
    weights_at_ends,
)
from tputtui.profiling.profile_model import Function

MIN_GIL_SHARE = 0.05  # ratio of the time; below it, GIL samples do not show what is hot


@frozen
class TreeOptions:
    """Options for building a tree from stacks."""

    # callers view: roots are the functions that ran, children are their callers
    is_inverted: bool = False
    by_line: bool = False  # a node is a line, not a function
    # if set, other code is folded into the first frame called by own code
    is_own_code: Callable[[Function], bool] | None = None
    fold_recursion: bool = True  # fold a function that calls itself into one node


class CallTree:
    """Call tree of a stack table.

    All lists are indexed by node, in preorder; weights are the stacks' weights.
    """

    __slots__ = (
        "_leaf_nodes",
        "_leaf_stacks",
        "_running_weights",
        "_slice_sums",
        "depth",
        "end",
        "gil_self",
        "gil_total",
        "key",
        "line",
        "options",
        "parent",
        "recursion_depth",
        "self_",
        "stacks",
        "total",
    )  # fmt: skip

    def __init__(self, stacks: StackTable, options: TreeOptions | None = None) -> None:
        self.stacks = stacks
        self.options = options or TreeOptions()
        _TreeBuilder(self).build()

    key: array[int]  # frame id if nodes are lines, else function id; -1 for the root
    parent: array[int]
    end: array[int]
    depth: array[int]
    line: array[int]  # the line with the most weight
    recursion_depth: array[int]  # depth of a folded recursion; 1: no recursion
    total: array[float]
    self_: array[float]
    gil_total: array[float]
    gil_self: array[float]
    _leaf_nodes: list[int]  # nodes in which stacks end, ascending
    _leaf_stacks: list[int]  # the stack of each node in `_leaf_nodes`
    _slice_sums: list[array[float]] | None
    _running_weights: list[float] | None

    def __len__(self) -> int:
        return len(self.key)

    def func(self, node: int) -> Function:
        """Function of a node."""
        key = self.key[node]
        return (
            self.stacks.frames.frame_func(key)
            if self.options.by_line
            else self.stacks.frames.funcs[key]
        )

    def func_id(self, node: int) -> int:
        """Id of the node's function, for focusing on it; -1 for the root."""
        key = self.key[node]
        return self.stacks.frames.frames[key].func_id if self.options.by_line and key >= 0 else key

    def children(self, node: int) -> Iterator[int]:
        """Iterate over the children of a node, heaviest first."""
        child, end = node + 1, self.end[node]
        while child < end:
            yield child
            child = self.end[child]

    def share(self, node: int) -> float:
        """Total weight of the node as a ratio of all selected stacks."""
        return self.total[node] / self.stacks.weight if self.stacks.weight else 0.0

    def self_share(self, node: int) -> float:
        """Weight that ends in the node, as a ratio; in an inverted tree, of its function."""
        if self.options.is_inverted:
            return self.share(node) if self.parent[node] == 0 else 0.0
        return self.self_[node] / self.stacks.weight if self.stacks.weight else 0.0

    def gil_share(self, node: int) -> float | None:
        """Ratio of the time for which the GIL was held below the node; None without GIL samples."""
        return self.stacks.gil_held_share(self.gil_total[node], self.total[node])

    def gil_held_ratio(self, node: int) -> float | None:
        """Ratio, 0 to about 1, of the threads' time below the node for which they held the GIL."""
        gil, wall = self.gil_share(node), self.total[node] / (self.stacks.wall_ticks or 1.0)
        return None if gil is None or wall <= 0 or not self.stacks.wall_ticks else gil / wall

    def half_width(self, node: int) -> float | None:
        """The ± of the node's share, as a ratio; None below 5 slices."""
        if self._slice_sums is None:
            self._slice_sums = [self._prefix_sums(column) for column in self.stacks.slices]
        first = bisect_left(self._leaf_nodes, node)
        last = bisect_left(self._leaf_nodes, self.end[node])
        return half_width(
            [sums[last] - sums[first] for sums in self._slice_sums], self.stacks.slice_weights
        )

    def running_weights(self) -> list[float]:
        """Weights by node of the stacks through it that end in code that does not wait."""
        if self._running_weights is None:
            runs = ends_running(self.stacks)
            own = [0.0] * len(self)
            for node, index in zip(self._leaf_nodes, self._leaf_stacks, strict=True):
                if runs[index]:
                    own[node] += self.stacks.wall[index]
            self._running_weights = subtree_weights(list(self.parent), own)
        return self._running_weights

    def hottest_path(self, node: int) -> tuple[list[int], bool]:
        """Find the heaviest path from a node to where time is spent, and whether it runs.

        Weights are those of the GIL if it was held often enough below the node, else those of
        stacks that do not wait, else (if nothing runs) the wall weights.
        """
        held, running = self.gil_total[node], self.running_weights()
        if self.stacks.gil_ticks and held >= MIN_GIL_SHARE * self.stacks.gil_ticks:
            return self._heaviest_path(node, list(self.gil_total)), True
        if running and running[node] > 0:
            return self._heaviest_path(node, running), True
        return self._heaviest_path(node, list(self.total)), False

    def _heaviest_path(self, node: int, weights: list[float]) -> list[int]:
        """Follow the heaviest child until the node's own weight exceeds that child's."""
        path = [node]
        while self.end[node] > node + 1:
            below = list(self.children(node))
            best = max(below, key=lambda child: (weights[child], -child))
            own = weights[node] - sum(weights[child] for child in below)
            if weights[best] <= 0 or (node and own > weights[best]):
                break
            node = best
            path.append(node)
        return path

    def line_shares(self, node: int) -> dict[int, tuple[float, float]]:
        """Shares by line of the node's function, within this subtree.

        Values are (self, total) as ratios of all selected stacks.
        """
        func, total_weight = self.func_id(node), self.stacks.weight or 1.0
        frames = self.stacks.frames.frames
        shares: dict[int, tuple[float, float]] = {}
        for at in range(
            bisect_left(self._leaf_nodes, node), bisect_left(self._leaf_nodes, self.end[node])
        ):
            index = self._leaf_stacks[at]
            stack, weight = self.stacks.stacks[index], self.stacks.wall[index] / total_weight
            for line in {frames[frame].line for frame in stack if frames[frame].func_id == func}:
                own, total = shares.get(line, (0.0, 0.0))
                ends = frames[stack[-1]].func_id == func and frames[stack[-1]].line == line
                shares[line] = (own + weight * ends, total + weight)
        return shares

    def path(self, node: int) -> tuple[int, ...]:
        """Keys from the outermost caller to the node: its identity in trees over equal frames."""
        keys: list[int] = []
        while node > 0:
            keys.append(self.key[node])
            node = self.parent[node]
        return tuple(reversed(keys))

    def find_path(self, path: tuple[int, ...]) -> int:
        """Find the node of a path, or of its longest prefix in this tree."""
        node = 0
        for key in path:
            child = next((child for child in self.children(node) if self.key[child] == key), 0)
            if not child:
                break
            node = child
        return node

    def matching_nodes(self, predicate: Callable[[Function], bool]) -> tuple[list[int], float]:
        """Find the nodes of matching functions, and the share of samples through any of them."""
        answers: dict[int, bool] = {}
        nodes: list[int] = []
        covered, behind = 0.0, 0
        for node in range(1, len(self)):
            key = self.key[node]
            hit = answers.get(key)
            if hit is None:
                hit = answers[key] = predicate(self.func(node))
            if hit:
                nodes.append(node)
                if node >= behind:
                    covered += self.total[node]
                    behind = self.end[node]
        return nodes, covered / (self.stacks.weight or 1.0)

    def _prefix_sums(self, column: array[float]) -> array[float]:
        sums = array("d", [0.0])
        running = 0.0
        for index in self._leaf_stacks:
            running += column[index]
            sums.append(running)
        return sums


class _TreeBuilder:
    """Builder of a call tree in two steps: trie of whole frames, shown nodes in preorder.

    The trie holds each unique stack prefix once.
    """

    def __init__(self, tree: CallTree) -> None:
        self.tree = tree
        self.keys: list[int] = [-1]
        self.parents: list[int] = [-1]
        self.children: dict[int, int] = {}
        self.recursion_depths: dict[int, int] = {}

    def build(self) -> None:
        stacks, shape = self.tree.stacks, self.tree.options
        parents, frames, ends = build_trie(
            stacks.stacks, len(stacks.frames.frames), reverse=shape.is_inverted
        )
        own = weights_at_ends(ends, stacks.wall, len(parents))
        own_gil = weights_at_ends(ends, stacks.gil, len(parents))
        shown = self._build_nodes(parents, frames, own, own_gil)
        count = len(self.keys)
        self_, gil_self = [0.0] * count, [0.0] * count
        for node, at in enumerate(shown):
            self_[at] += own[node]
            gil_self[at] += own_gil[node]
        total, gil_total = (
            subtree_weights(self.parents, self_),
            subtree_weights(self.parents, gil_self),
        )
        lines = self._hottest_lines(shown, frames, subtree_weights(parents, own))
        place, order, end, depth = preorder(self.parents, total, self.keys)

        tree = self.tree
        moved = [place[parent] for parent in self.parents]
        moved[0] = -1
        tree.key = array("q", map(self.keys.__getitem__, order))
        tree.parent = array("q", map(moved.__getitem__, order))
        tree.end, tree.depth = array("q", end), array("q", depth)
        tree.line = array("q", map(lines.__getitem__, order))
        tree.recursion_depth = array("q", [1]) * count
        for node, deep in self.recursion_depths.items():
            tree.recursion_depth[place[node]] = deep
        tree.total = array("d", map(total.__getitem__, order))
        tree.self_ = array("d", map(self_.__getitem__, order))
        tree.gil_total = array("d", map(gil_total.__getitem__, order))
        tree.gil_self = array("d", map(gil_self.__getitem__, order))
        at_end = [place[shown[node]] for node in ends]
        tree._leaf_stacks = sorted(range(len(at_end)), key=at_end.__getitem__)
        tree._leaf_nodes = [at_end[index] for index in tree._leaf_stacks]
        tree._slice_sums = None
        tree._running_weights = None

    def _build_nodes(
        self,
        parents: list[int],
        frames: list[int],
        self_weights: list[float],
        self_gil: list[float],
    ) -> list[int]:
        """Map each node of the trie to its shown node.

        Parents come first, so one pass is enough. This is a hot loop, so helper functions are not
        called in it.
        """
        shape, table = self.tree.options, self.tree.stacks.frames
        owner = table.frame_func_ids()
        keys = list(range(len(owner))) if shape.by_line else owner
        is_own = shape.is_own_code
        own_code = [is_own is None or is_own(func) for func in table.funcs]
        is_mine = [own_code[func] for func in owner]
        fold, enter = shape.fold_recursion, not shape.is_inverted
        shown_keys, shown_parents, children = self.keys, self.parents, self.children
        shown = [0] * len(parents)
        base = [0] * len(parents)  # the shown node that is the parent of this node's callees
        entered = [0] * len(parents)  # the shown node of the library call that contains this node
        ends_inside = [wall + gil for wall, gil in zip(self_weights, self_gil, strict=True)]
        if is_own is not None:
            _add_library_weights(ends_inside, parents, frames, is_mine)
        run: dict[int, int] = {}
        for node in range(1, len(parents)):
            parent, frame = parents[node], frames[node]
            above, key = base[parent], keys[frame]
            below = above
            if is_mine[frame]:
                if fold and shown_keys[above] == key and above == shown[parent]:
                    run[node] = deep = run.get(parent, 1) + 1
                    self.recursion_depths[above] = max(self.recursion_depths.get(above, 1), deep)
                    shown[node] = base[node] = above
                    continue
            elif entered[parent]:
                base[node], shown[node], entered[node] = above, entered[parent], entered[parent]
                continue
            elif above and not (enter and ends_inside[node]):
                base[node] = shown[node] = above
                continue
            elif not above and not self_weights[node] and not self_gil[node]:
                # Library code on the way to own code. If no own code follows, the function in which
                # the stack ends is shown.
                continue
            at = (above << 32) | key
            below = children.get(at, 0)
            if not below:
                below = children[at] = len(shown_keys)
                shown_keys.append(key)
                shown_parents.append(above)
            shown[node] = below
            if is_mine[frame]:
                base[node] = below
            elif above:
                base[node], entered[node] = above, below
        return shown

    def _hottest_lines(
        self, shown: list[int], frames: list[int], total_weights: list[float]
    ) -> list[int]:
        """Find for each shown node the line of its own function that most samples pass through.

        This is a hot loop.
        """
        table = self.tree.stacks.frames
        owner = range(len(table.frames)) if self.tree.options.by_line else table.frame_func_ids()
        # nearly every node has one line: dicts are created only for the others
        first = [-1] * len(self.keys)
        weight = [0.0] * len(self.keys)
        others: dict[int, dict[int, float]] = {}
        for node in range(1, len(frames)):
            at, frame = shown[node], frames[node]
            if self.keys[at] != owner[frame]:
                continue
            if first[at] < 0:
                first[at] = frame
            if first[at] == frame:
                weight[at] += total_weights[node]
            else:
                inside = others.setdefault(at, {})
                inside[frame] = inside.get(frame, 0.0) + total_weights[node]
        for at, inside in others.items():
            inside[first[at]] = weight[at]
            first[at] = max(inside, key=lambda frame: (inside[frame], -table.frames[frame].line))
        lines = [frame.line for frame in table.frames]
        return [lines[frame] if frame >= 0 else 0 for frame in first]


def _add_library_weights(
    weights: list[float], parents: list[int], frames: list[int], is_own_code: list[bool]
) -> None:
    """Add the weight that ends in library code to the callers, up to the next own code.

    `weights`, `parents` and `frames` are by node, parents first; `is_own_code` is by frame.
    """
    for node in range(len(parents) - 1, 0, -1):
        if not is_own_code[frames[node]]:
            weights[parents[node]] += weights[node]

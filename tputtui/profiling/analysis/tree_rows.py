"""What of a tree is on the screen: open and closed nodes as a flat list of rows. Pure, and a step costs microseconds.

Linear chains fold into one row ("handle › dispatch (3)"), what is below the threshold into "23 more below 0.1 %". A
row belongs to a node, never to a position: `path_at` and `go_to` carry the cursor into the next tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.profile_model import INCOMPLETE, Function

Marker = Literal["open", "closed", "leaf"]


@frozen
class TreeRow:
    """One line of the tree. Shares are ratios; a chain's file and line are those of the function where its time is."""

    node: int  # of a chain: its first link; of "N more": the parent's, negated (-1 below the root)
    last: int  # of a chain: its last link; else as `node`
    depth: int
    marker: Marker
    name: str
    file: str
    line: int
    total: float
    self_: float
    gil: float | None
    spread: float | None
    notes: tuple[str, ...] = ()


class TreeRows:
    """The rows of a tree. `note` adds words of its own to a function ("waiting", "library")."""

    def __init__(
        self,
        tree: CallTree,
        *,
        threshold: float = 0.001,
        fold_chains: bool = True,
        note: Callable[[Function], str | None] | None = None,
        like: TreeRows | None = None,
    ) -> None:
        """`like`: what is open there is open here too, by path (trees of one capture share their frames)."""
        self.tree = tree
        self.threshold = threshold
        self.fold_chains = fold_chains
        self._note = note
        self.expanded: set[int] = set()
        self._unfolded: set[int] = set()  # heads of chains that are shown link by link
        self._whole: set[int] = set()  # parents whose small children are shown
        self._nodes: list[int] = []
        self._depths: list[int] = []
        if like is not None and like.tree.shape.lines == tree.shape.lines:
            self._carry(like)
        self._refill()

    def __len__(self) -> int:
        return len(self._nodes)

    # ------------------------------------------------------------------------------------------- reading

    def rows(self, first: int, count: int) -> list[TreeRow]:
        """`count` rows from the `first` on; fewer at the end."""
        return [self.row(at) for at in range(max(0, first), min(len(self._nodes), first + count))]

    def row(self, at: int) -> TreeRow:
        """The row at a position. Raises IndexError outside."""
        node, depth = self._nodes[at], self._depths[at]
        if node < 0:
            return self._more_row(-node - 1, depth)
        tree = self.tree
        func = tree.func(node)
        tail, links = self._tail(node)
        where = self.subject_at(at)
        marker: Marker = "leaf" if tree.end[tail] == tail + 1 else "open" if node in self.expanded else "closed"
        notes: list[str] = []
        if links > 1:
            notes.append(f"› {tree.func(tail).name} ({links})")
        if tree.runs[node] > 1:
            notes.append(f"×{tree.runs[node]} recursion")
        if func.name == INCOMPLETE and not func.file:
            notes.append("incomplete stacks")
        elif self._note is not None and (word := self._note(tree.func(tail))):
            notes.append(word)
        return TreeRow(
            node, tail, depth, marker, func.name, tree.func(where).file, tree.line[where], tree.share(node),
            tree.self_share(where), tree.gil_share(node), tree.spread(node), tuple(notes),
        )  # fmt: skip

    def node_at(self, at: int) -> int:
        """The node of a row; for "N more" its parent."""
        node = self._nodes[at]
        return node if node >= 0 else -node - 1

    def subject_at(self, at: int) -> int:
        """The node of a row's function: of a chain the one where its time is, the last callee or the first called."""
        node = self.node_at(at)
        return node if self.tree.shape.inverted or self._nodes[at] < 0 else self._tail(node)[0]

    def path_at(self, at: int) -> tuple[int, ...]:
        """What the row is, in any tree over the same frames: give it to the next view's `go_to`."""
        return self.tree.path(self.subject_at(at))

    def index(self, node: int) -> int | None:
        """The position of the row that shows a node (a chain shows all its links); None where it is folded away."""
        try:
            return self._nodes.index(node)
        except ValueError:
            pass
        for at, head in enumerate(self._nodes):
            if 0 <= head < node < self.tree.end[head]:
                tail, _ = self._tail(head)
                if node <= tail:
                    return at
        return None

    # ------------------------------------------------------------------------------------------- moving

    def expand(self, at: int) -> None:
        """Open a row; on "N more", show them; on a leaf or an open row, nothing."""
        node = self._nodes[at]
        if node < 0:
            parent, depth = -node - 1, self._depths[at]
            self._whole.add(parent)
            small = self._small(parent)
            self._nodes[at : at + 1] = small
            self._depths[at : at + 1] = [depth] * len(small)
            return
        tail, _ = self._tail(node)
        if node in self.expanded or self.tree.end[tail] == tail + 1:
            return
        self.expanded.update(range(node, tail + 1))  # all links: the chain may break in the next tree
        nodes, depths = self._below(tail, self._depths[at] + 1)
        self._nodes[at + 1 : at + 1] = nodes
        self._depths[at + 1 : at + 1] = depths

    def collapse(self, at: int) -> int:
        """Close a row; on a closed one or a leaf, go to its parent. Returns where the cursor belongs now."""
        node, depth = self._nodes[at], self._depths[at]
        if node in self.expanded:
            self.expanded.difference_update(range(node, self._tail(node)[0] + 1))
            end = at + 1
            while end < len(self._depths) and self._depths[end] > depth:
                end += 1
            del self._nodes[at + 1 : end]
            del self._depths[at + 1 : end]
            return at
        while at > 0 and self._depths[at] >= depth:
            at -= 1
        return at

    def toggle(self, at: int) -> int:
        """Open what is closed, close what is open. Returns where the cursor belongs now."""
        node = self._nodes[at]
        if node in self.expanded:
            return self.collapse(at)
        self.expand(at)
        return at

    def unfold(self, at: int) -> None:
        """Show a chain link by link, or fold it again."""
        node = self._nodes[at]
        if node < 0:
            return
        tail, links = self._tail(node)
        if node in self._unfolded:
            self._unfolded.discard(node)
        elif links > 1:
            self._unfolded.add(node)
            self.expanded.update(range(node, tail))
            self._unfolded.update(range(node, tail))
        self._refill()

    def open_hot(self, share: float = 0.15) -> None:
        """Open every node with at least `share` of the samples: how a profile greets its reader."""
        node = 0
        while node < len(self.tree):
            if node and self.tree.share(node) < share:
                node = self.tree.end[node]
                continue
            if node and self.tree.end[node] > node + 1:
                self.expanded.add(node)
            node += 1
        self._refill()

    def open_hottest(self, at: int | None = None) -> tuple[int, bool]:
        """Open the heaviest path below a row (None: of all) to where the time is spent.

        Returns the row to go to, and whether that path runs: what waits is followed only where nothing runs. The path
        ends where a node's own time outweighs every callee's.
        """
        node = 0 if at is None else self.node_at(at)
        path, runs = self.tree.hottest(node)
        self.expanded.update(inner for inner in path[:-1] if inner)
        self._refill()
        return self.index(path[-1]) or 0, runs

    def go_to(self, path: tuple[int, ...]) -> int:
        """Open the way to a path (or its longest beginning that is here). Returns the row to go to."""
        return self.reveal(self.tree.find(path))

    def reveal(self, node: int) -> int:
        """Open the way to a node. Returns its row."""
        inner = node
        while inner > 0:
            parent = self.tree.parent[inner]
            if self.tree.share(inner) < self.threshold:
                self._whole.add(parent)
            if parent > 0:
                self.expanded.add(parent)
            inner = parent
        self._refill()
        return self.index(node) or 0

    # ------------------------------------------------------------------------------------------- folding

    def _tail(self, node: int) -> tuple[int, int]:
        """The last link of the chain that a row stands for, and how many links it has.

        A chain goes on while a node has nothing of its own and exactly one callee.
        """
        tree, links = self.tree, 1
        if not self.fold_chains or node in self._unfolded:
            return node, 1
        while (
            node + 1 < tree.end[node]
            and tree.end[node + 1] == tree.end[node]
            and tree.total[node + 1] == tree.total[node]
            and tree.gil_total[node + 1] == tree.gil_total[node]
        ):
            node += 1
            links += 1
        return node, links

    def _visible(self, parent: int) -> list[int]:
        """The children that have rows, then the "N more" as a negative number."""
        tree = self.tree
        least = 0.0 if parent in self._whole else self.threshold * tree.stacks.weight
        large: list[int] = []
        small: list[int] = []
        total, ends = tree.total, tree.end
        child, end = parent + 1, ends[parent]
        while child < end:
            (large if total[child] >= least else small).append(child)
            child = ends[child]
        if len(small) == 1:  # a row for "1 more" is better spent on the one
            large.append(small[0])
        elif small:
            large.append(-parent - 1)
        return large

    def _small(self, parent: int) -> list[int]:
        least = self.threshold * self.tree.stacks.weight
        return [child for child in self.tree.children(parent) if self.tree.total[child] < least]

    def _more_row(self, parent: int, depth: int) -> TreeRow:
        tree = self.tree
        small = self._small(parent)
        gils = [gil for child in small if (gil := tree.gil_share(child)) is not None]
        return TreeRow(
            -parent - 1, -parent - 1, depth, "closed", f"{len(small):,} more below {self.threshold * 100:g} %", "", 0,
            sum(map(tree.share, small)), sum(map(tree.self_share, small)), sum(gils) if gils else None, None,
        )  # fmt: skip

    def _below(self, parent: int, depth: int) -> tuple[list[int], list[int]]:
        """The rows below an open node."""
        nodes: list[int] = []
        depths: list[int] = []
        expanded, ends = self.expanded, self.tree.end
        waiting = [(self._visible(parent)[::-1], depth)]
        while waiting:
            siblings, at = waiting[-1]
            if not siblings:
                waiting.pop()
                continue
            node = siblings.pop()
            nodes.append(node)
            depths.append(at)
            if node in expanded and ends[node] > node + 1:
                tail, _ = self._tail(node)
                if ends[tail] > tail + 1:
                    waiting.append((self._visible(tail)[::-1], at + 1))
        return nodes, depths

    def _refill(self) -> None:
        self._nodes, self._depths = self._below(0, 0)

    def _carry(self, like: TreeRows) -> None:
        """Open here what is open there."""
        self.fold_chains = like.fold_chains
        here: list[tuple[int, int]] = [(0, 0)]  # (node there, node here)
        while here:
            old, new = here.pop()
            if old in like.expanded:
                self.expanded.add(new)
            if old in like._unfolded:
                self._unfolded.add(new)
            if old in like._whole:
                self._whole.add(new)
            wanted = {like.tree.key[child]: child for child in like.tree.children(old) if like._touches(child)}
            if wanted:
                here += [(wanted[self.tree.key[c]], c) for c in self.tree.children(new) if self.tree.key[c] in wanted]

    def _touches(self, node: int) -> bool:
        return node in self.expanded or node in self._whole or node in self._unfolded

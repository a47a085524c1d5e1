"""Visible part of a call tree: expanded and collapsed nodes as a flat list of rows. Pure.

A step costs microseconds. Linear chains fold into one row ("handle › dispatch (3)"), nodes below
the threshold into "23 more below 0.1 %". A row belongs to a node, not to a position: `path_at` and
`reveal_path` carry the cursor over to the next tree.
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
    """One row of the tree; shares are ratios.

    A chain's file and line are those of the function in which its time is spent.
    """

    node: int  # a chain's first link; for "N more" the negated parent (-1 below the root)
    last_node: int  # a chain's last link; else as `node`
    depth: int
    marker: Marker
    name: str
    file: str
    line: int
    total: float
    self_: float
    gil: float | None
    half_width: float | None
    notes: tuple[str, ...] = ()


class TreeRows:
    """Rows of a tree. `annotate` returns a note for a function ("waiting", "library")."""

    def __init__(
        self,
        tree: CallTree,
        *,
        threshold: float = 0.001,
        fold_chains: bool = True,
        annotate: Callable[[Function], str | None] | None = None,
        previous: TreeRows | None = None,
    ) -> None:
        """Create the rows of a tree.

        Args:
            tree: the call tree.
            threshold: ratio of all samples below which siblings fold into one "N more" row.
            fold_chains: show a linear chain as one row.
            annotate: returns the note of a function.
            previous: rows whose expanded nodes are expanded here too, by path (trees of one capture
                share their frames).

        """
        self.tree = tree
        self.threshold = threshold
        self.fold_chains = fold_chains
        self._annotate = annotate
        self.expanded: set[int] = set()
        self._unfolded: set[int] = set()  # first nodes of chains that are shown link by link
        self._complete_parents: set[int] = set()  # parents whose small children are shown
        self._nodes: list[int] = []
        self._depths: list[int] = []
        if previous is not None and previous.tree.options.by_line == tree.options.by_line:
            self._copy_open_nodes(previous)
        self._rebuild()

    def __len__(self) -> int:
        return len(self._nodes)

    # -------------------------------------------------------------------------------------- reading

    def rows(self, first: int, count: int) -> list[TreeRow]:
        """Return up to `count` rows from position `first` on; fewer at the end."""
        return [self.row(at) for at in range(max(0, first), min(len(self._nodes), first + count))]

    def row(self, position: int) -> TreeRow:
        """Return the row at a position. Raises IndexError if there is none."""
        node, depth = self._nodes[position], self._depths[position]
        if node < 0:
            return self._more_row(-node - 1, depth)
        tree = self.tree
        func = tree.func(node)
        tail, links = self._chain_end(node)
        where = self.func_node_at(position)
        marker: Marker = "open" if node in self.expanded else "closed"
        if tree.end[tail] == tail + 1:
            marker = "leaf"
        notes: list[str] = []
        if links > 1:
            notes.append(f"› {tree.func(tail).name} ({links})")
        if tree.recursion_depth[node] > 1:
            notes.append(f"×{tree.recursion_depth[node]} recursion")
        if func.name == INCOMPLETE and not func.file:
            notes.append("incomplete stacks")
        elif self._annotate is not None and (word := self._annotate(tree.func(tail))):
            notes.append(word)
        return TreeRow(
            node,
            tail,
            depth,
            marker,
            func.name,
            tree.func(where).file,
            tree.line[where],
            tree.share(node),
            tree.self_share(where),
            tree.gil_share(node),
            tree.half_width(node),
            tuple(notes),
        )

    def node_at(self, position: int) -> int:
        """Return the node of a row; for "N more" its parent."""
        node = self._nodes[position]
        return node if node >= 0 else -node - 1

    def func_node_at(self, position: int) -> int:
        """Return the node of a row's function.

        For a chain it is the node in which the time is spent: the last link, or the first link of
        an inverted tree.
        """
        node = self.node_at(position)
        return (
            node
            if self.tree.options.is_inverted or self._nodes[position] < 0
            else self._chain_end(node)[0]
        )

    def path_at(self, position: int) -> tuple[int, ...]:
        """Return the row's path for `reveal_path` of any tree over the same frames."""
        return self.tree.path(self.func_node_at(position))

    def row_index(self, node: int) -> int | None:
        """Return the position of the row that shows a node; None if it is folded away.

        A chain's row shows all its links.
        """
        try:
            return self._nodes.index(node)
        except ValueError:
            pass
        for at, head in enumerate(self._nodes):
            if 0 <= head < node < self.tree.end[head]:
                tail, _ = self._chain_end(head)
                if node <= tail:
                    return at
        return None

    # --------------------------------------------------------------------------------------- moving

    def expand(self, position: int) -> None:
        """Expand a row; "N more" shows its nodes, a leaf or an expanded row does not change."""
        node = self._nodes[position]
        if node < 0:
            parent, depth = -node - 1, self._depths[position]
            self._complete_parents.add(parent)
            small = self._small_children(parent)
            self._nodes[position : position + 1] = small
            self._depths[position : position + 1] = [depth] * len(small)
            return
        tail, _ = self._chain_end(node)
        if node in self.expanded or self.tree.end[tail] == tail + 1:
            return
        # all links: the chain may be split in the next tree
        self.expanded.update(range(node, tail + 1))
        nodes, depths = self._rows_below(tail, self._depths[position] + 1)
        self._nodes[position + 1 : position + 1] = nodes
        self._depths[position + 1 : position + 1] = depths

    def collapse(self, position: int) -> int:
        """Collapse a row; from a collapsed row or a leaf, move to its parent.

        Returns the new cursor row.
        """
        node, depth = self._nodes[position], self._depths[position]
        if node in self.expanded:
            self.expanded.difference_update(range(node, self._chain_end(node)[0] + 1))
            end = position + 1
            while end < len(self._depths) and self._depths[end] > depth:
                end += 1
            del self._nodes[position + 1 : end]
            del self._depths[position + 1 : end]
            return position
        while position > 0 and self._depths[position] >= depth:
            position -= 1
        return position

    def toggle(self, position: int) -> int:
        """Expand a collapsed row or collapse an expanded one. Returns the new cursor row."""
        node = self._nodes[position]
        if node in self.expanded:
            return self.collapse(position)
        self.expand(position)
        return position

    def toggle_chain(self, position: int) -> None:
        """Show a chain link by link, or fold it again."""
        node = self._nodes[position]
        if node < 0:
            return
        tail, links = self._chain_end(node)
        if node in self._unfolded:
            self._unfolded.discard(node)
        elif links > 1:
            self._unfolded.add(node)
            self.expanded.update(range(node, tail))
            self._unfolded.update(range(node, tail))
        self._rebuild()

    def expand_hot(self, min_share: float = 0.15) -> None:
        """Expand every node with at least `min_share` of the samples: the initial state."""
        node = 0
        while node < len(self.tree):
            if node and self.tree.share(node) < min_share:
                node = self.tree.end[node]
                continue
            if node and self.tree.end[node] > node + 1:
                self.expanded.add(node)
            node += 1
        self._rebuild()

    def expand_hottest(self, position: int | None = None) -> tuple[int, bool]:
        """Expand the heaviest path below a row (None: the root) to where the time is spent.

        Returns the row to move to, and whether that path runs: a waiting path is followed only if
        nothing runs. The path ends at a node whose own time exceeds every callee's.
        """
        node = 0 if position is None else self.node_at(position)
        path, runs = self.tree.hottest_path(node)
        self.expanded.update(inner for inner in path[:-1] if inner)
        self._rebuild()
        return self.row_index(path[-1]) or 0, runs

    def reveal_path(self, path: tuple[int, ...]) -> int:
        """Expand the ancestors of a path or of its longest prefix in this tree. Returns its row."""
        return self.reveal(self.tree.find_path(path))

    def reveal(self, node: int) -> int:
        """Expand the ancestors of a node. Returns its row."""
        inner = node
        while inner > 0:
            parent = self.tree.parent[inner]
            if self.tree.share(inner) < self.threshold:
                self._complete_parents.add(parent)
            if parent > 0:
                self.expanded.add(parent)
            inner = parent
        self._rebuild()
        return self.row_index(node) or 0

    # -------------------------------------------------------------------------------------- folding

    def _chain_end(self, node: int) -> tuple[int, int]:
        """Return the last link of the chain that a row shows, and the number of links.

        A chain continues while a node has no weight of its own and exactly one callee.
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

    def _visible_children(self, parent: int) -> list[int]:
        """Return the children that have rows, then the "N more" row as a negative number."""
        tree = self.tree
        least = 0.0 if parent in self._complete_parents else self.threshold * tree.stacks.weight
        large: list[int] = []
        small: list[int] = []
        total, ends = tree.total, tree.end
        child, end = parent + 1, ends[parent]
        while child < end:
            (large if total[child] >= least else small).append(child)
            child = ends[child]
        if len(small) == 1:  # a row for "1 more" takes the same space as the node itself
            large.append(small[0])
        elif small:
            large.append(-parent - 1)
        return large

    def _small_children(self, parent: int) -> list[int]:
        least = self.threshold * self.tree.stacks.weight
        return [child for child in self.tree.children(parent) if self.tree.total[child] < least]

    def _more_row(self, parent: int, depth: int) -> TreeRow:
        tree = self.tree
        small = self._small_children(parent)
        gils = [gil for child in small if (gil := tree.gil_share(child)) is not None]
        return TreeRow(
            -parent - 1,
            -parent - 1,
            depth,
            "closed",
            f"{len(small):,} more below {self.threshold * 100:g} %",
            "",
            0,
            sum(map(tree.share, small)),
            sum(map(tree.self_share, small)),
            sum(gils) if gils else None,
            None,
        )

    def _rows_below(self, parent: int, depth: int) -> tuple[list[int], list[int]]:
        """Return the rows below an expanded node."""
        nodes: list[int] = []
        depths: list[int] = []
        expanded, ends = self.expanded, self.tree.end
        waiting = [(self._visible_children(parent)[::-1], depth)]
        while waiting:
            siblings, at = waiting[-1]
            if not siblings:
                waiting.pop()
                continue
            node = siblings.pop()
            nodes.append(node)
            depths.append(at)
            if node in expanded and ends[node] > node + 1:
                tail, _ = self._chain_end(node)
                if ends[tail] > tail + 1:
                    waiting.append((self._visible_children(tail)[::-1], at + 1))
        return nodes, depths

    def _rebuild(self) -> None:
        self._nodes, self._depths = self._rows_below(0, 0)

    def _copy_open_nodes(self, previous: TreeRows) -> None:
        """Expand the nodes here that are expanded in `previous`."""
        self.fold_chains = previous.fold_chains
        pairs: list[tuple[int, int]] = [(0, 0)]  # (node in `previous`, node in these rows)
        while pairs:
            old, new = pairs.pop()
            if old in previous.expanded:
                self.expanded.add(new)
            if old in previous._unfolded:
                self._unfolded.add(new)
            if old in previous._complete_parents:
                self._complete_parents.add(new)
            wanted = {
                previous.tree.key[child]: child
                for child in previous.tree.children(old)
                if previous._is_open_or_unfolded(child)
            }
            if wanted:
                pairs += [
                    (wanted[self.tree.key[c]], c)
                    for c in self.tree.children(new)
                    if self.tree.key[c] in wanted
                ]

    def _is_open_or_unfolded(self, node: int) -> bool:
        return node in self.expanded or node in self._complete_parents or node in self._unfolded

"""Trie of stacks in lists, and its preorder: the hot loops of a call tree. Pure.

There is no object per node and no recursion.
"""

from __future__ import annotations

from array import array

from tputtui.profiling.profile_model import Stack


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

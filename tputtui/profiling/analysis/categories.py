"""The request's life cycle: shares of what was sampled by kind of work, and the words for it. Pure."""

from __future__ import annotations

from typing import Literal

from tputtui.profiling.analysis.activity import Activities
from tputtui.profiling.analysis.code_origin import Origin, module, origin
from tputtui.profiling.analysis.module_table import CATEGORIES, TABLE, Category, CategoryTable, table
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.analysis.waits import waits
from tputtui.profiling.profile_model import Function

__all__ = [
    "CATEGORIES",
    "SHARES",
    "TABLE",
    "Category",
    "CategoryTable",
    "Origin",
    "Share",
    "mine",
    "module",
    "origin",
    "summary",
    "table",
    "waits",
]  # fmt: skip

Share = Literal[Category, "idle"]
SHARES: tuple[Share, ...] = ("framework", "your code", "database", "outbound", "waiting", "idle", "other")
"""A stack's kind is a function's category, or idle: a wait that own code did not enter."""


def mine(func: Function) -> bool:
    """Is it the user's own code by where it lies? Torn stacks count as such: they must not vanish."""
    return CategoryTable().mine(func)


def summary(
    stacks: StackTable, table: CategoryTable | None = None, activities: Activities | None = None
) -> dict[Share, float]:
    """The shares of the kinds of work: the request's life cycle in one line.

    A stack belongs to the database or outbound client that its innermost own code called; else to waiting or idle, where
    its leaf waits; else to its innermost frame that is not the standard library.
    `activities`: those of these stacks, where they are at hand.
    """
    activities = activities or Activities(stacks, table or CategoryTable())
    weights: dict[Share, float] = dict.fromkeys(SHARES, 0.0)
    for at, weight in enumerate(stacks.wall):
        weights[activities.share(at)] += weight
    whole = stacks.weight or 1.0
    return {share: weight / whole for share, weight in weights.items()}

"""The request's life cycle: shares of what was sampled by kind of work, and the words for it. Pure."""

from __future__ import annotations

from typing import Literal

from tputtui.profiling.analysis.activity import StackActivities
from tputtui.profiling.analysis.code_origin import Origin, module_name, origin
from tputtui.profiling.analysis.module_table import CATEGORIES, MODULE_CATEGORIES, Category, CategoryTable, build_table
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.profile_model import Function

__all__ = [
    "CATEGORIES",
    "MODULE_CATEGORIES",
    "WORK_KINDS",
    "Category",
    "CategoryTable",
    "Origin",
    "WorkKind",
    "build_table",
    "category_shares",
    "is_own_or_incomplete",
    "is_waiting",
    "module_name",
    "origin",
]  # fmt: skip

WorkKind = Literal[Category, "idle"]
WORK_KINDS: tuple[WorkKind, ...] = ("framework", "your code", "database", "outbound", "waiting", "idle", "other")
"""A stack's kind is a function's category, or idle: a wait that own code did not enter."""


def is_own_or_incomplete(func: Function) -> bool:
    """Is it the user's own code by where it lies? Torn stacks count as such: they must not vanish."""
    return CategoryTable().is_own_or_incomplete(func)


def category_shares(
    stacks: StackTable, table: CategoryTable | None = None, activities: StackActivities | None = None
) -> dict[WorkKind, float]:
    """The shares of the kinds of work: the request's life cycle in one line.

    A stack belongs to the database or outbound client that its innermost own code called; else to waiting or idle, where
    its leaf waits; else to its innermost frame that is not the standard library.
    `activities`: those of these stacks, where they are at hand.
    """
    activities = activities or StackActivities(stacks, table or CategoryTable())
    weights: dict[WorkKind, float] = dict.fromkeys(WORK_KINDS, 0.0)
    for at, weight in enumerate(stacks.wall):
        weights[activities.work_kind(at)] += weight
    whole = stacks.weight or 1.0
    return {share: weight / whole for share, weight in weights.items()}

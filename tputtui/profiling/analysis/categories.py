"""Request life cycle: shares of the samples by kind of work, and their names. Pure."""

from __future__ import annotations

from typing import Literal

from tputtui.profiling.analysis.activity import StackActivities
from tputtui.profiling.analysis.code_origin import Origin, module_name, origin
from tputtui.profiling.analysis.module_table import (
    CATEGORIES,
    MODULE_CATEGORIES,
    Category,
    CategoryTable,
    build_table,
)
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
WORK_KINDS: tuple[WorkKind, ...] = (
    "framework",
    "your code",
    "database",
    "outbound",
    "waiting",
    "idle",
    "other",
)
"""Kinds of work: a function's category, or idle for a wait that own code did not enter."""


def is_own_or_incomplete(func: Function) -> bool:
    """Whether a function is own code by its path, or incomplete, so that it stays visible."""
    return CategoryTable().is_own_or_incomplete(func)


def category_shares(
    stacks: StackTable,
    table: CategoryTable | None = None,
    activities: StackActivities | None = None,
) -> dict[WorkKind, float]:
    """Shares of the kinds of work: the request's life cycle in one line.

    A stack belongs to the database or outbound client that its innermost own code called; else to
    waiting or idle, if its innermost function waits; else to its innermost frame outside of the
    standard library. `activities` are those of these stacks, if already computed.
    """
    activities = activities or StackActivities(stacks, table or CategoryTable())
    weights: dict[WorkKind, float] = dict.fromkeys(WORK_KINDS, 0.0)
    for at, weight in enumerate(stacks.wall):
        weights[activities.work_kind(at)] += weight
    total_weight = stacks.weight or 1.0
    return {share: weight / total_weight for share, weight in weights.items()}

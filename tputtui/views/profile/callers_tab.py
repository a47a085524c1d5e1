"""Tab of the callers: the call tree from the executing function up to those that called it."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.profile_diff import UnionTree
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_tab import TabSpec
from tputtui.views.profile.tree_tab import TreeTab


def callers_tree(analysis: ProfileAnalysis) -> CallTree:
    """Build the callers tree: the executing function above, its callers below."""
    return CallTree(analysis.stacks, replace(analysis.tree_options, is_inverted=True))


def callers_union(analysis: ProfileAnalysis) -> UnionTree | None:
    """Build the union of both profiles' callers trees; None without another profile."""
    return analysis.build_union(replace(analysis.tree_options, is_inverted=True))


class CallersTab(TreeTab):
    """Tree of the callers; its cursor starts on the hottest function."""

    column_title: ClassVar[str] = "function, then who called it"
    expands_hottest: ClassVar[bool] = False

    def _call_tree(self, analysis: ProfileAnalysis) -> CallTree:
        return analysis.derive(callers_tree)

    def _union_tree(self, analysis: ProfileAnalysis) -> UnionTree | None:
        return analysis.derive(callers_union)


TAB = TabSpec(
    name="callers",
    title="Callers",
    short_title="callers",
    help="callers",
    create=CallersTab,
    lists_functions=True,
)

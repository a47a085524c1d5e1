"""Analysis of one profile under filters; each result is computed once, on first use.

Functions are identified by name and file, never by an id: focus and selection survive the next
slice, other tree options and a comparison with a profile that has its own function table. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, TypeVar, cast

from tputtui import text
from tputtui.frozen import frozen
from tputtui.profiling.analysis import activity, insights, own_code, top_functions
from tputtui.profiling.analysis.activity import StackActivities, WorkKind
from tputtui.profiling.analysis.blocked_threads import cpu_shares
from tputtui.profiling.analysis.call_tree import CallTree, TreeOptions
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.profile_diff import (
    FunctionDifference,
    UnionTree,
    function_differences,
    union_tree,
)
from tputtui.profiling.analysis.stacks import (
    ShareBasis,
    StackTable,
    focus,
    gil_stacks,
    own_code_stacks,
    running_stacks,
    select_stacks,
)
from tputtui.profiling.analysis.top_functions import HotFunction
from tputtui.profiling.profile_model import Function, Profile, ProfileThread

T = TypeVar("T")


@frozen
class ProfileFilters:
    """Filters set by the user.

    `threads` None selects all threads; `focus` lists the functions in focus, outermost first.
    """

    threads: frozenset[ProfileThread] | None = None
    focus: tuple[Function, ...] = ()
    own_code_only: bool = False
    by_line: bool = False
    metric: ShareBasis = "wall"


@frozen
class SelectedFunction:
    """Function under the cursor, with its figures as ratios.

    `heat` is by line of its file, as in `ProfileAnalysis.heat`.
    """

    func: Function
    line: int
    total: float
    self_: float
    gil: float | None = None
    spread: float | None = None
    heat: Mapping[int, tuple[float, float]] | None = None
    before: float | None = None  # total in the profile that this one is compared with


class ProfileAnalysis:
    """Results that the tabs of one profile share; a new slice or filter makes a new analysis."""

    def __init__(
        self,
        profile: Profile,
        filters: ProfileFilters | None = None,
        table: CategoryTable | None = None,
        before: Profile | None = None,
        evidence: str = "",
    ) -> None:
        """Create the analysis.

        Args:
            profile: the profile to analyse.
            filters: the user's filters; None for the defaults.
            table: the categories of functions.
            before: the profile that this one is compared with.
            evidence: sentence about a queue, from a bound metric.

        """
        self.profile = profile
        self.filters = filters or ProfileFilters()
        self.table = own_code.profile_table(profile, table or CategoryTable())
        if before is not None:
            self.table = own_code.profile_table(before, self.table)
        self.before = before
        self.evidence = evidence
        self._heat: dict[str, dict[int, tuple[float, float]]] = {}
        self._spreads: dict[int, float | None] = {}
        self._derived: dict[Callable[[ProfileAnalysis], Any], Any] = {}
        # Shared by all analyses of this profile and the one it is compared with.
        self._derived_unfiltered: dict[Callable[[ProfileAnalysis], Any], Any] = {}

    def with_filters(self, filters: ProfileFilters) -> ProfileAnalysis:
        """Analysis of the same profile with other filters."""
        new = ProfileAnalysis(self.profile, filters, self.table, self.before, self.evidence)
        new._derived_unfiltered = self._derived_unfiltered
        return new

    def prepare(self) -> None:
        """Compute in advance the values of the pane that are independent of the filters."""
        for function in (_all_stacks, _category_shares, _insights, _has_own_code):
            self.derive_unfiltered(function)

    def derive(self, function: Callable[[ProfileAnalysis], T]) -> T:
        """Return the function's value for this analysis, computed on first use.

        A tab derives what only it needs from the stacks and trees here.
        """
        if function not in self._derived:
            self._derived[function] = function(self)
        return cast("T", self._derived[function])

    def derive_unfiltered(self, function: Callable[[ProfileAnalysis], T]) -> T:
        """Return the function's value, computed once for the profile, whatever the filters.

        The function must not use anything that depends on the filters.
        """
        if function not in self._derived_unfiltered:
            self._derived_unfiltered[function] = function(self)
        return cast("T", self._derived_unfiltered[function])

    # ----------------------------------------------------------------------------- selected samples

    @property
    def all_stacks(self) -> StackTable:
        """Stacks of all threads in wall time, without filters.

        Insights and categories are based on them.
        """
        return self.derive_unfiltered(_all_stacks)

    @cached_property
    def activities(self) -> StackActivities:
        """Activity of each stack of the whole profile."""
        return StackActivities(self.all_stacks, self.table)

    @cached_property
    def stacks(self) -> StackTable:
        """Stacks that pass the filters."""
        filters = self.filters
        if filters.threads is None and self._uses_cpu_time:
            selected = self.all_stacks
        else:
            selected = select_stacks(self.profile, filters.threads, mark_waits=self._uses_cpu_time)
        return _apply_filters(selected, filters)

    @cached_property
    def stacks_before(self) -> StackTable | None:
        """Stacks of the other profile that pass the filters.

        Its threads are not those of this profile, so all of them are included.
        """
        if self.before is None:
            return None
        selected = select_stacks(self.before, mark_waits=self._uses_cpu_time)
        return _apply_filters(selected, self.filters)

    @cached_property
    def listed_stacks(self) -> StackTable:
        """Stacks for lists of functions.

        A list has no tree structure, so with own code only, its stacks differ from those of the
        tree.
        """
        if not self.is_own_code_only:
            return self.stacks
        return own_code_stacks(self.stacks, self.table.is_own_or_incomplete)

    @cached_property
    def listed_stacks_before(self) -> StackTable | None:
        """Stacks for lists of functions, of the other profile."""
        before = self.stacks_before
        if before is None or not self.is_own_code_only:
            return before
        return own_code_stacks(before, self.table.is_own_or_incomplete)

    @cached_property
    def _uses_cpu_time(self) -> bool:
        """Whether CPU time decides which samples wait in C code.

        In a comparison both profiles must have CPU time; otherwise those waits would appear as new.
        """
        return self.before is None or all(map(cpu_shares, (self.profile, self.before)))

    @property
    def has_own_code(self) -> bool:
        """Whether any sample of this profile, or of the compared one, includes own code."""
        return self.derive_unfiltered(_has_own_code)

    @property
    def is_own_code_only(self) -> bool:
        """Whether other code is folded away.

        False where there is no own code, because nothing would be left.
        """
        return self.filters.own_code_only and self.has_own_code

    @cached_property
    def missing_own_code(self) -> str:
        """Sentence with a remedy where no sample includes own code; otherwise empty."""
        if self.has_own_code or self.profile.weight() <= 0:
            return ""
        if not self.table.own_packages:
            return 'No sample is in your own code; own = ["package"] in the config names it.'
        names = ", ".join(sorted(self.table.own_packages)[:3])
        return f"No sample is in your own code ({text.clean(names, 60)})."

    @property
    def has_gil(self) -> bool:
        """Whether the capture recorded which thread holds the GIL."""
        return self.profile.ticks("gil") > 0

    @property
    def share_basis(self) -> str:
        """Basis of the shares: "of 12 threads × 10.0 s, waits too"."""
        profile, filters = self.profile, self.filters
        if not profile.duration_s or profile.unit != "samples":
            return f"of {text.format_axis_value(profile.weight())} {profile.unit}"
        span = f"{profile.duration_s:.1f} s"
        if filters.metric == "gil":
            return f"of {span}"
        count = len(profile.threads if filters.threads is None else filters.threads)
        threads = f"{count} thread{'s' if count != 1 else ''} × {span}"
        if filters.metric == "running":
            return f"of what ran in {threads}"
        return f"of {threads}, waits too"

    # ------------------------------------------------------------------------------ derived results

    @property
    def tree_options(self) -> TreeOptions:
        """Current options for building trees from stacks."""
        return TreeOptions(
            by_line=self.filters.by_line,
            is_own_code=self.table.is_own_or_incomplete if self.is_own_code_only else None,
        )

    @cached_property
    def tree(self) -> CallTree:
        """Call tree: callers above, callees below."""
        return CallTree(self.stacks, self.tree_options)

    @cached_property
    def union(self) -> UnionTree | None:
        """Union of both profiles' call trees; None without another profile."""
        return self.build_union(self.tree_options)

    def build_union(self, options: TreeOptions) -> UnionTree | None:
        """Build the union of both profiles' trees; None without another profile."""
        before = self.stacks_before
        return None if before is None else union_tree(before, self.stacks, options)

    @cached_property
    def hot_functions(self) -> list[HotFunction]:
        """All functions by self time."""
        return top_functions.hot_functions(self.listed_stacks)

    @cached_property
    def differences(self) -> list[FunctionDifference]:
        """Differences of all functions of either profile, the most certain and largest first.

        Empty without another profile.
        """
        before = self.listed_stacks_before
        return [] if before is None else function_differences(before, self.listed_stacks)

    @property
    def category_shares(self) -> dict[WorkKind, float]:
        """Shares of all samples by category: the life cycle of a request."""
        return self.derive_unfiltered(_category_shares)

    @property
    def insight_sentences(self) -> list[insights.Insight]:
        """Insights about the profile, at most three sentences."""
        return self.derive_unfiltered(_insights)

    def heat(self, file: str) -> dict[int, tuple[float, float]]:
        """Map lines of a file to (self, total); in a comparison, to the totals (before, now)."""
        if file not in self._heat:
            now = top_functions.line_shares(self.stacks, file)
            if self.stacks_before is not None:
                before = top_functions.line_shares(self.stacks_before, file)
                none = (0.0, 0.0)
                now = {
                    line: (before.get(line, none)[1], now.get(line, none)[1])
                    for line in before.keys() | now.keys()
                }
            self._heat[file] = now
        return self._heat[file]

    def spread(self, func: int) -> float | None:
        """Half width of the interval (±) of a function's total; None where unknown."""
        if func not in self._spreads:
            self._spreads[func] = top_functions.share_half_width(self.listed_stacks, func)
        return self._spreads[func]


def _all_stacks(analysis: ProfileAnalysis) -> StackTable:
    return select_stacks(analysis.profile)


def _has_own_code(analysis: ProfileAnalysis) -> bool:
    if analysis.activities.has_own_code:
        return True
    if analysis.before is None:
        return False
    return StackActivities(select_stacks(analysis.before), analysis.table).has_own_code


def _category_shares(analysis: ProfileAnalysis) -> dict[WorkKind, float]:
    return activity.category_shares(analysis.all_stacks, analysis.table, analysis.activities)


def _insights(analysis: ProfileAnalysis) -> list[insights.Insight]:
    return insights.profile_insights(
        analysis.all_stacks,
        analysis.table,
        analysis.evidence,
        insights.cpu_load(analysis.profile),
        analysis.activities,
    )


def _apply_filters(stacks: StackTable, filters: ProfileFilters) -> StackTable:
    if filters.metric == "gil":
        stacks = gil_stacks(stacks)
    elif filters.metric == "running":
        stacks = running_stacks(stacks)
    for func in filters.focus:
        funcs = stacks.frames.funcs
        # -2: not in this profile, which leaves nothing
        func_id = next((number for number, other in enumerate(funcs) if other == func), -2)
        stacks = focus(stacks, func_id)
    return stacks

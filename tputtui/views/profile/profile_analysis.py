"""Analysis of one profile under filters; each result is computed once, on first use.

Functions are identified by name and file, never by an id: focus and selection survive the next
slice, other tree options and a comparison with a profile that has its own function table. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

from tputtui import text
from tputtui.frozen import frozen
from tputtui.profiling.analysis import categories, insights, own_code, top_functions
from tputtui.profiling.analysis.activity import StackActivities
from tputtui.profiling.analysis.blocked_threads import cpu_shares
from tputtui.profiling.analysis.call_tree import CallTree, TreeOptions
from tputtui.profiling.analysis.categories import WorkKind
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.profile_diff import (
    FunctionDifference,
    UnionTree,
    function_differences,
    union_tree,
)
from tputtui.profiling.analysis.share_basis import (
    ShareBasis,
    ends_running,
    gil_stacks,
    running_stacks,
)
from tputtui.profiling.analysis.stacks import StackTable, focus, own_code_stacks, select_stacks
from tputtui.profiling.analysis.top_functions import HotFunction, ThreadRow
from tputtui.profiling.profile_model import Function, Profile, ProfileThread


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

    def with_filters(self, filters: ProfileFilters) -> ProfileAnalysis:
        """Analysis of the same profile with other filters."""
        new = ProfileAnalysis(self.profile, filters, self.table, self.before, self.evidence)
        for name in (
            "all_stacks",
            "category_shares",
            "insight_sentences",
            "threads",
            "running_share",
            "has_own_code",
        ):  # independent of the filters
            if name in self.__dict__:
                new.__dict__[name] = self.__dict__[name]
        return new

    # ----------------------------------------------------------------------------- selected samples

    @cached_property
    def all_stacks(self) -> StackTable:
        """Stacks of all threads in wall time, without filters.

        Insights and categories are based on them.
        """
        return select_stacks(self.profile)

    @cached_property
    def activities(self) -> StackActivities:
        """Activity of each stack of the whole profile."""
        return StackActivities(self.all_stacks, self.table)

    @cached_property
    def stacks(self) -> StackTable:
        """Stacks that pass the filters."""
        knobs = self.filters
        whole = knobs.threads is None and self._uses_cpu_time
        return _apply_filters(
            self.all_stacks
            if whole
            else select_stacks(self.profile, knobs.threads, mark_waits=self._uses_cpu_time),
            knobs,
        )

    @cached_property
    def stacks_before(self) -> StackTable | None:
        """Stacks of the other profile that pass the filters.

        Its threads are not those of this profile, so all of them are included.
        """
        return (
            None
            if self.before is None
            else _apply_filters(
                select_stacks(self.before, mark_waits=self._uses_cpu_time), self.filters
            )
        )

    @cached_property
    def listed_stacks(self) -> StackTable:
        """Stacks for lists of functions.

        A list has no tree structure, so with own code only, its stacks differ from those of the
        tree.
        """
        return (
            own_code_stacks(self.stacks, self.table.is_own_or_incomplete)
            if self.is_mine_only
            else self.stacks
        )

    @cached_property
    def listed_stacks_before(self) -> StackTable | None:
        """Stacks for lists of functions, of the other profile."""
        before = self.stacks_before
        return (
            own_code_stacks(before, self.table.is_own_or_incomplete)
            if before is not None and self.is_mine_only
            else before
        )

    @cached_property
    def _uses_cpu_time(self) -> bool:
        """Whether CPU time decides which samples wait in C code.

        In a comparison both profiles must have CPU time; otherwise those waits would appear as new.
        """
        return self.before is None or all(map(cpu_shares, (self.profile, self.before)))

    @cached_property
    def has_own_code(self) -> bool:
        """Whether any sample of this profile, or of the compared one, includes own code."""
        return self.activities.has_own_code or (
            self.before is not None
            and StackActivities(select_stacks(self.before), self.table).has_own_code
        )

    @property
    def is_mine_only(self) -> bool:
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

    @cached_property
    def running_share(self) -> float:
        """Share of all samples that did not wait."""
        whole = self.all_stacks
        weights = zip(whole.wall, ends_running(whole), strict=True)
        return sum(weight for weight, runs in weights if runs) / (whole.weight or 1.0)

    @property
    def share_basis(self) -> str:
        """Basis of the shares: "of 12 threads × 10.0 s, waits too"."""
        profile, knobs = self.profile, self.filters
        if not profile.duration_s or profile.unit != "samples":
            return f"of {text.format_axis_value(profile.weight())} {profile.unit}"
        span = f"{profile.duration_s:.1f} s"
        if knobs.metric == "gil":
            return f"of {span}"
        count = len(profile.threads if knobs.threads is None else knobs.threads)
        threads = f"{count} thread{'s' if count != 1 else ''} × {span}"
        if knobs.metric == "running":
            return f"of what ran in {threads}"
        return f"of {threads}, waits too"

    # ------------------------------------------------------------------------------ derived results

    @property
    def tree_options(self) -> TreeOptions:
        """Current options for building trees from stacks."""
        return TreeOptions(
            by_line=self.filters.by_line,
            is_own_code=self.table.is_own_or_incomplete if self.is_mine_only else None,
        )

    @cached_property
    def tree(self) -> CallTree:
        """Call tree: callers above, callees below."""
        return CallTree(self.stacks, self.tree_options)

    @cached_property
    def callers_tree(self) -> CallTree:
        """Callers tree: the executing function above, its callers below."""
        return CallTree(self.stacks, replace(self.tree_options, is_inverted=True))

    @cached_property
    def union(self) -> UnionTree | None:
        """Union of both profiles' call trees; None without another profile."""
        return self._union(self.tree_options)

    @cached_property
    def callers_union(self) -> UnionTree | None:
        """Union of both profiles' callers trees; None without another profile."""
        return self._union(replace(self.tree_options, is_inverted=True))

    def _union(self, options: TreeOptions) -> UnionTree | None:
        return (
            None
            if self.stacks_before is None
            else union_tree(self.stacks_before, self.stacks, options)
        )

    @cached_property
    def hot_functions(self) -> list[HotFunction]:
        """All functions by self time."""
        return top_functions.hot_functions(self.listed_stacks)

    @cached_property
    def differences(self) -> list[FunctionDifference]:
        """Differences of all functions of either profile, the most certain and largest first.

        Empty without another profile.
        """
        return (
            []
            if self.listed_stacks_before is None
            else function_differences(self.listed_stacks_before, self.listed_stacks)
        )

    @cached_property
    def hot_functions_before(self) -> dict[Function, HotFunction]:
        """Functions of the other profile, some of which no longer occur in this one."""
        return (
            {}
            if self.listed_stacks_before is None
            else {row.func: row for row in top_functions.hot_functions(self.listed_stacks_before)}
        )

    @cached_property
    def threads(self) -> list[ThreadRow]:
        """All threads, the busiest first."""
        return top_functions.thread_rows(self.profile)

    @cached_property
    def category_shares(self) -> dict[WorkKind, float]:
        """Shares of all samples by category: the life cycle of a request."""
        return categories.category_shares(self.all_stacks, self.table, self.activities)

    @cached_property
    def insight_sentences(self) -> list[insights.Insight]:
        """Insights about the profile, at most three sentences."""
        return insights.profile_insights(
            self.all_stacks,
            self.table,
            self.evidence,
            insights.cpu_load(self.profile),
            self.activities,
        )

    def heat(self, file: str) -> dict[int, tuple[float, float]]:
        """Map lines of a file to (self, total); in a comparison, to the totals (before, now)."""
        if file not in self._heat:
            now = top_functions.line_shares(self.stacks, file)
            if self.stacks_before is not None:
                was = top_functions.line_shares(self.stacks_before, file)
                none = (0.0, 0.0)
                now = {
                    line: (was.get(line, none)[1], now.get(line, none)[1])
                    for line in was.keys() | now.keys()
                }
            self._heat[file] = now
        return self._heat[file]

    def spread(self, func: int) -> float | None:
        """Half width of the interval (±) of a function's total; None where unknown."""
        if func not in self._spreads:
            self._spreads[func] = top_functions.share_half_width(self.listed_stacks, func)
        return self._spreads[func]

    @cached_property
    def _caller_counts(self) -> dict[Function, int]:
        tree = self.tree
        ids = list(tree.key)
        if tree.options.by_line:
            ids = [tree.func_id(node) for node in range(len(tree))]
        pairs = set(zip(ids[1:], map(ids.__getitem__, tree.parent[1:]), strict=True))
        count = Counter(func for func, _ in pairs)
        return {
            tree.stacks.frames.funcs[func]: callers for func, callers in count.items() if func >= 0
        }

    def caller_count(self, func: Function) -> int:
        """Number of functions that call (or start) this one."""
        return self._caller_counts.get(func, 0)


def _apply_filters(stacks: StackTable, filters: ProfileFilters) -> StackTable:
    if filters.metric == "gil":
        stacks = gil_stacks(stacks)
    elif filters.metric == "running":
        stacks = running_stacks(stacks)
    for func in filters.focus:
        funcs = stacks.frames.funcs
        # -2: not in this profile, which leaves nothing
        at = next((at for at, one in enumerate(funcs) if one == func), -2)
        stacks = focus(stacks, at)
    return stacks

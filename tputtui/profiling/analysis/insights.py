"""Insights into a profile: at most three sentences with figures, from one table of rules. Pure.

Each sample belongs to the innermost function of the user's own code and to the activity below it
(see `activity`). A cause (database, outbound, serialization, lock) is named only if own code called
a known module or if that module ran. A caller is named only if it has more than half of the share.
If no rule applies there are no insights.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.analysis.activity import (
    ActivityKind,
    ClientKind,
    StackActivities,
    package_name,
)
from tputtui.profiling.analysis.blocked_threads import cpu_shares, ready_shares
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.share_variance import half_width
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.profile_model import Profile

RuleName = Literal["cpu-bound", "starved", "gil", "lock", "database", "outbound", "serialization"]

MAX_INSIGHTS = 3
MIN_SHARE = 0.15  # ratio of the samples that are not idle
# ratio of a function's time, or of the whole time, for which the GIL was held
MIN_GIL_HELD_SHARE = 0.8
# ratio of CPU time to the time the GIL was held; below it, the holder did not compute
MIN_CPU_TO_GIL_RATIO = 0.7
# CPUs lacked on average, by time ready to run without one; less may be chance
MIN_STARVED_SHARE = 0.3
# ratio of the whole time; a function that holds the GIL for less leaves room for other threads
MIN_FUNCTION_GIL_SHARE = 0.2
# ratio of one thread's time; shorter waits are not reported, however idle the other threads are
MIN_THREAD_SHARE = 0.05
MAJORITY = 0.5  # ratio of a share; a function or package with more than this is named


@frozen
class Insight:
    """One insight into a profile.

    `func` is the id of the function concerned; -1 stands for the process.
    """

    rule: RuleName
    text: str
    share: float
    func_id: int = -1


@frozen
class CpuLoad:
    """CPUs that all threads together used and lacked: the kernel's average over the capture."""

    cpus_used: float
    cpus_lacked: float | None = None  # None: not measured


@dataclass(slots=True)
class _ActivityWeights:
    """Weights of the samples of one own function with one activity."""

    wall: float = 0.0
    gil: float = 0.0
    slices: array[float] = field(default_factory=lambda: array("d"))
    # by function id of the known module's outermost frames
    client_weights: dict[int, float] = field(default_factory=dict)


@frozen
class _Evidence:
    stacks: StackTable
    weights_by_activity: dict[tuple[int, ActivityKind], _ActivityWeights]
    busy_weight: float  # samples that are neither idle nor incomplete
    load: CpuLoad | None  # None: not measured

    @property
    def gil_held_share(self) -> float:
        """Ratio of the time for which the GIL was held, at most 1; 0 without GIL samples."""
        gil = sum(part.gil for part in self.weights_by_activity.values())
        return min(1.0, gil / self.stacks.gil_ticks) if self.stacks.gil_ticks else 0.0

    @property
    def has_cpu_time(self) -> bool:
        """Whether there was enough CPU time for the GIL's holder to have computed.

        If not, the process was denied a CPU or it waited.
        """
        return (
            self.load is None or self.load.cpus_used >= MIN_CPU_TO_GIL_RATIO * self.gil_held_share
        )


def cpu_load(profile: Profile) -> CpuLoad | None:
    """CPUs that the profile's process used and lacked; None unless all samples have CPU times."""
    if profile.metadata.subprocesses:
        return None
    used, lacked = cpu_shares(profile), ready_shares(profile)
    if not used:
        return None
    return CpuLoad(sum(used.values()), sum(lacked.values()) if lacked else None)


def profile_insights(
    stacks: StackTable,
    table: CategoryTable | None = None,
    evidence: str = "",
    load: CpuLoad | None = None,
    activities: StackActivities | None = None,
) -> list[Insight]:
    """Return the insights into a profile, the largest share first.

    Args:
        stacks: the selected stacks.
        table: the category table in force.
        evidence: the state of a queue from a bound metric ("db pool is at 18 of 20 and 3 wait"),
            added to the largest wait that it can explain: a lock's or the database's.
        load: CPU load of the process, if the stacks are those of all its threads.
        activities: the activities of these stacks, if already computed.

    """
    facts = _collect_evidence(
        stacks, activities or StackActivities(stacks, table or CategoryTable()), load
    )
    insights = [sentence for rule in RULES if (sentence := rule(facts)) is not None]
    insights = sorted(insights, key=lambda sentence: -sentence.share)[:MAX_INSIGHTS]
    waits = next(
        (at for at, sentence in enumerate(insights) if sentence.rule in ("lock", "database")), -1
    )
    if evidence and waits >= 0:
        insights[waits] = replace(
            insights[waits], text=f"{insights[waits].text.removesuffix('.')}; {evidence}."
        )
    return insights


# -------------------------------------------------------------------------------------------- rules


def _cpu_bound(evidence: _Evidence) -> Insight | None:
    """Rule: the GIL is held nearly all the time; more threads here would not help."""
    if evidence.gil_held_share < MIN_GIL_HELD_SHARE or not evidence.has_cpu_time:
        return None
    text = (
        f"CPU-bound: the GIL is held {evidence.gil_held_share * 100:.0f} % of the time, "
        "one core is all this process uses."
    )
    return Insight("cpu-bound", text, evidence.gil_held_share)


def _starved(evidence: _Evidence) -> Insight | None:
    """Rule: the process was ready to run but had no CPU (other processes or its CPU limit).

    What it executes is not the cause.
    """
    load = evidence.load
    if (
        load is None
        or load.cpus_lacked is None
        or load.cpus_lacked < MIN_STARVED_SHARE
        or load.cpus_lacked < load.cpus_used
    ):
        return None
    text = (
        f"Kept from running: it had {load.cpus_used * 100:.0f} % of a core, "
        f"and was ready for another {load.cpus_lacked * 100:.0f} %: "
        "others had the CPU, or a limit of its own."
    )
    return Insight("starved", text, min(1.0, load.cpus_lacked))


def _gil(evidence: _Evidence) -> Insight | None:
    """Rule: one function computes with the GIL held for long and so blocks other threads."""
    func, part = _largest_function(evidence, "computing")
    wall = part.wall / (evidence.stacks.wall_ticks or 1.0)
    if (
        func < 0
        or not evidence.stacks.gil_ticks
        or wall <= 0
        or part.wall < MIN_SHARE * evidence.busy_weight
    ):
        return None
    held = part.gil / evidence.stacks.gil_ticks / wall
    if (
        not evidence.has_cpu_time
        or held < MIN_GIL_HELD_SHARE
        or part.gil < MIN_FUNCTION_GIL_SHARE * evidence.stacks.gil_ticks
    ):
        return None
    shown = min(1.0, held) * 100
    text = (
        f"{_format_share(evidence, part)} is computed in {_func_name(evidence, func)}, "
        f"holding the GIL {shown:.0f} % of that: "
        "threads will not make it faster, processes can."
    )
    return Insight("gil", text, part.wall / evidence.stacks.weight, func)


def _lock(evidence: _Evidence) -> Insight | None:
    """Rule: own code waits for a lock, a condition or a semaphore."""
    lock_weights = _total_weights(evidence, "lock")
    func, count = _main_caller(evidence, "lock", lock_weights)
    if count == 0 or not _is_notable(evidence, lock_weights):
        return None
    where = (
        f"a lock in {_func_name(evidence, func)}" if func >= 0 else f"locks in {count} functions"
    )
    text = f"{_format_share(evidence, lock_weights)} of the time is spent waiting for {where}."
    return Insight("lock", text, lock_weights.wall / evidence.stacks.weight, func)


def _database(evidence: _Evidence) -> Insight | None:
    """Rule: own code is inside a database client, or the client itself computes."""
    return _client_insight(
        evidence,
        "database",
        "in the database client {packages}",
        "in the database clients {packages}",
    )


def _outbound(evidence: _Evidence) -> Insight | None:
    """Rule: own code is inside an outbound call."""
    return _client_insight(
        evidence, "outbound", "in outbound calls by {packages}", "in outbound calls by {packages}"
    )


def _serialization(evidence: _Evidence) -> Insight | None:
    """Rule: own code is inside a serializer, or a library serializes for it."""
    return _client_insight(
        evidence, "serialization", "in serialization ({packages})", "in serialization ({packages})"
    )


RULES: tuple[Callable[[_Evidence], Insight | None], ...] = (
    _cpu_bound, _starved, _gil, _lock, _database, _outbound, _serialization,
)  # fmt: skip


def _client_insight(
    evidence: _Evidence, activity: ClientKind, singular: str, plural: str
) -> Insight | None:
    """Apply the rule for one kind of module.

    All of its samples count; a caller is named if it has most of them.
    """
    kind_weights = _total_weights(evidence, activity)
    if not kind_weights.client_weights or not _is_notable(evidence, kind_weights):
        return None
    packages = _main_packages(evidence, kind_weights)
    where = (singular if len(packages) == 1 else plural).format(packages=" and ".join(packages))
    func, count = _main_caller(evidence, activity, kind_weights)
    called = f", called from {_func_name(evidence, func)}" if func >= 0 else ""
    if func < 0 and count > 1 and _own_share(evidence, activity) > MAJORITY * kind_weights.wall:
        called = f", called from {count} functions"
    text = f"{_format_share(evidence, kind_weights)} of the time is spent {where}{called}."
    return Insight(activity, text, kind_weights.wall / evidence.stacks.weight, func)


def _total_weights(evidence: _Evidence, activity: ActivityKind) -> _ActivityWeights:
    """Sum the weights of all samples with one activity, over all callers."""
    total = _ActivityWeights(slices=array("d", bytes(8 * len(evidence.stacks.slices))))
    for (_, kind), part in evidence.weights_by_activity.items():
        if kind == activity:
            _add_weights(total, part)
    return total


def _is_notable(evidence: _Evidence, total: _ActivityWeights) -> bool:
    return (
        total.wall >= MIN_SHARE * evidence.busy_weight
        and total.wall >= MIN_THREAD_SHARE * evidence.stacks.wall_ticks
    )


def _main_caller(
    evidence: _Evidence, activity: ActivityKind, total: _ActivityWeights
) -> tuple[int, int]:
    """Return (own function with more than half of the samples or -1, number of own functions)."""
    func, part = _largest_function(evidence, activity)
    count = sum(
        1
        for (own, kind), other in evidence.weights_by_activity.items()
        if kind == activity and own >= 0 and other.wall > 0
    )
    return func if func >= 0 and part.wall > MAJORITY * total.wall else -1, count


def _own_share(evidence: _Evidence, activity: ActivityKind) -> float:
    return sum(
        part.wall
        for (own, kind), part in evidence.weights_by_activity.items()
        if kind == activity and own >= 0
    )


def _main_packages(evidence: _Evidence, total: _ActivityWeights) -> list[str]:
    """Return the package that has more than half of the samples, else the two with the most."""
    funcs = evidence.stacks.frames.funcs
    weights: dict[str, float] = {}
    for func, weight in total.client_weights.items():
        name = package_name(funcs[func])
        weights[name] = weights.get(name, 0.0) + weight
    order = sorted(weights, key=lambda name: (-weights[name], name))
    return order[:1] if weights[order[0]] > MAJORITY * total.wall else order[:2]


# ----------------------------------------------------------------------------------------- evidence


def _collect_evidence(
    stacks: StackTable, activities: StackActivities, load: CpuLoad | None
) -> _Evidence:
    parts: dict[tuple[int, ActivityKind], _ActivityWeights] = {}
    busy = 0.0
    for at in range(len(stacks.stacks)):
        activity = activities.activity(at)
        part = parts.get((activity.own_func_id, activity.kind))
        if part is None:
            part = parts[activity.own_func_id, activity.kind] = _ActivityWeights(
                slices=array("d", bytes(8 * len(stacks.slices)))
            )
        slices = array("d", [column[at] for column in stacks.slices])
        below = {activity.client_func_id: stacks.wall[at]} if activity.client_func_id >= 0 else {}
        _add_weights(part, _ActivityWeights(stacks.wall[at], stacks.gil[at], slices, below))
        if activity.kind not in ("idle", "waiting", "incomplete"):
            busy += stacks.wall[at]
    return _Evidence(stacks, parts, busy, load)


def _add_weights(total: _ActivityWeights, added: _ActivityWeights) -> None:
    total.wall += added.wall
    total.gil += added.gil
    for number, weight in enumerate(added.slices):
        total.slices[number] += weight
    for func, weight in added.client_weights.items():
        total.client_weights[func] = total.client_weights.get(func, 0.0) + weight


def _largest_function(evidence: _Evidence, activity: ActivityKind) -> tuple[int, _ActivityWeights]:
    candidates = [
        (part.wall, -func, part)
        for (func, kind), part in evidence.weights_by_activity.items()
        if kind == activity and func >= 0
    ]
    if not candidates:
        return -1, _ActivityWeights()
    _, func, part = max(candidates, key=lambda entry: entry[:2])
    return -func, part


def _format_share(evidence: _Evidence, weights: _ActivityWeights) -> str:
    around = half_width(weights.slices, evidence.stacks.slice_weights)
    share = f"{weights.wall / evidence.stacks.weight * 100:.1f} %"
    return share if around is None else f"{share} ±{around * 100:.1f}"


def _func_name(evidence: _Evidence, func_id: int) -> str:
    return evidence.stacks.frames.funcs[func_id].name

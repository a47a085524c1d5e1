"""What a profile says, read for the user: at most three sentences from one table of rules, each with its figures.

Each sample belongs to the innermost function of the user's own code and to what was going on below it (`activity`). A
word for a cause (database, outbound, serialization, lock) is used only where own code called a known module, or where
that module ran. A caller is named only where it has more than half of the share. No rule applies: nothing is said. Pure.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.analysis.activity import Activities, Client, Doing, package
from tputtui.profiling.analysis.blocked_threads import cpu_shares, ready_shares
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.share_variance import plus_minus
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.profile_model import Profile

Rule = Literal["cpu-bound", "starved", "gil", "lock", "database", "outbound", "serialization"]

MOST = 3
NOTABLE = 0.15  # of the samples that are not idle
HELD = 0.8  # of a function's time with the GIL in hand, or of the whole time
RAN = 0.7  # of the time that the GIL was held: with less CPU time, who held it did not compute
STARVED = 0.3  # of the time ready to run without a CPU: no accident
CROWDED = 0.2  # of the whole time: a function that holds the GIL for less leaves room for other threads
LEAST = 0.05  # of the time of one thread: less of a wait is nothing to speak of, however idle the rest is
MOST_OF = 0.5  # of a share: who has more than this is named


@frozen
class Insight:
    """One thing that a profile says. `func` is the function it is about, as an id; -1: the process."""

    rule: Rule
    text: str
    share: float
    func: int = -1


@frozen
class CpuLoad:
    """What the kernel says of all threads together: CPUs used, and how many it lacked, on average over the capture."""

    used: float
    lacked: float | None = None  # None: nobody measured it


@dataclass(slots=True)
class _Part:
    """The samples of one own function doing one thing."""

    wall: float = 0.0
    gil: float = 0.0
    slices: array[float] = field(default_factory=lambda: array("d"))
    below: dict[int, float] = field(default_factory=dict)  # function ids of the known module's outermost frames


@frozen
class _Facts:
    stacks: StackTable
    parts: dict[tuple[int, Doing], _Part]
    busy: float  # samples that are neither idle nor torn
    load: CpuLoad | None  # None: nobody measured it

    @property
    def held(self) -> float:
        """The share of the time that the GIL was held, at most 1; 0 where nobody asked."""
        gil = sum(part.gil for part in self.parts.values())
        return min(1.0, gil / self.stacks.gil_ticks) if self.stacks.gil_ticks else 0.0

    @property
    def ran(self) -> bool:
        """Whether the CPU time allows that who held the GIL computed: else the process was kept from running, or waited."""
        return self.load is None or self.load.used >= RAN * self.held


def load_of(profile: Profile) -> CpuLoad | None:
    """The CPUs that a profile's process used and lacked; None where nobody measured that of all that was sampled."""
    if profile.about.subprocesses:
        return None
    used, lacked = cpu_shares(profile), ready_shares(profile)
    return CpuLoad(sum(used.values()), sum(lacked.values()) if lacked else None) if used else None


def sentences(
    stacks: StackTable,
    table: CategoryTable | None = None,
    evidence: str = "",
    load: CpuLoad | None = None,
    activities: Activities | None = None,
) -> list[Insight]:
    """What the profile says, the largest share first. `load`: of the process, where the stacks are all of its threads.

    `evidence`: what a bound metric says of a queue ("db pool is at 18 of 20 and 3 wait"), added to the largest wait that
    may be for it: a lock's or the database's. `activities`: those of these stacks, where they are at hand.
    """
    facts = _facts(stacks, activities or Activities(stacks, table or CategoryTable()), load)
    found = [sentence for rule in RULES if (sentence := rule(facts)) is not None]
    found = sorted(found, key=lambda sentence: -sentence.share)[:MOST]
    waits = next((at for at, sentence in enumerate(found) if sentence.rule in ("lock", "database")), -1)
    if evidence and waits >= 0:
        found[waits] = replace(found[waits], text=f"{found[waits].text.removesuffix('.')}; {evidence}.")
    return found


# ------------------------------------------------------------------------------------------------- the rules


def _cpu_bound(facts: _Facts) -> Insight | None:
    """The GIL is held nearly all the time: more threads of this process get nothing done."""
    if facts.held < HELD or not facts.ran:
        return None
    text = f"CPU-bound: the GIL is held {facts.held * 100:.0f} % of the time, one core is all this process uses."
    return Insight("cpu-bound", text, facts.held)


def _starved(facts: _Facts) -> Insight | None:
    """It was ready to run and had no CPU: others had it, or its limit stood before it. What it does is not the matter."""
    load = facts.load
    if load is None or load.lacked is None or load.lacked < STARVED or load.lacked < load.used:
        return None
    text = (
        f"Kept from running: it had {load.used * 100:.0f} % of a core, and was ready for another {load.lacked * 100:.0f} %: "
        "others had the CPU, or a limit of its own."
    )
    return Insight("starved", text, min(1.0, load.lacked))


def _gil(facts: _Facts) -> Insight | None:
    """One function computes while it holds the GIL, for much of the time: else it is in nobody's way."""
    func, part = _largest(facts, "computing")
    wall = part.wall / (facts.stacks.wall_ticks or 1.0)
    if func < 0 or not facts.stacks.gil_ticks or wall <= 0 or part.wall < NOTABLE * facts.busy:
        return None
    held = part.gil / facts.stacks.gil_ticks / wall
    if not facts.ran or held < HELD or part.gil < CROWDED * facts.stacks.gil_ticks:
        return None
    shown = min(1.0, held) * 100
    text = f"{_share(facts, part)} is computed in {_name(facts, func)}, holding the GIL {shown:.0f} % of that: "
    return Insight(
        "gil", f"{text}threads will not make it faster, processes can.", part.wall / facts.stacks.weight, func
    )


def _lock(facts: _Facts) -> Insight | None:
    """Own code waits for a lock, a condition or a semaphore."""
    whole = _all(facts, "lock")
    func, count = _callers(facts, "lock", whole)
    if count == 0 or not _is_notable(facts, whole):
        return None
    where = f"a lock in {_name(facts, func)}" if func >= 0 else f"locks in {count} functions"
    text = f"{_share(facts, whole)} of the time is spent waiting for {where}."
    return Insight("lock", text, whole.wall / facts.stacks.weight, func)


def _database(facts: _Facts) -> Insight | None:
    """Own code is inside a database client, or the client itself computes."""
    return _inside(facts, "database", "in the database client {packages}", "in the database clients {packages}")


def _outbound(facts: _Facts) -> Insight | None:
    """Own code is inside an outbound call."""
    return _inside(facts, "outbound", "in outbound calls by {packages}", "in outbound calls by {packages}")


def _serialization(facts: _Facts) -> Insight | None:
    """Own code is inside a serializer, or a library serializes for it."""
    return _inside(facts, "serialization", "in serialization ({packages})", "in serialization ({packages})")


RULES: tuple[Callable[[_Facts], Insight | None], ...] = (
    _cpu_bound, _starved, _gil, _lock, _database, _outbound, _serialization,
)  # fmt: skip


def _inside(facts: _Facts, doing: Client, one: str, several: str) -> Insight | None:
    """A rule about one kind of module: all of its samples count; a caller is named where it has most of them."""
    whole = _all(facts, doing)
    if not whole.below or not _is_notable(facts, whole):
        return None
    packages = _packages(facts, whole)
    where = (one if len(packages) == 1 else several).format(packages=" and ".join(packages))
    func, count = _callers(facts, doing, whole)
    called = f", called from {_name(facts, func)}" if func >= 0 else ""
    if func < 0 and count > 1 and _own_share(facts, doing) > MOST_OF * whole.wall:
        called = f", called from {count} functions"
    text = f"{_share(facts, whole)} of the time is spent {where}{called}."
    return Insight(doing, text, whole.wall / facts.stacks.weight, func)


def _all(facts: _Facts, doing: Doing) -> _Part:
    """All samples that do one thing, whoever called."""
    whole = _Part(slices=array("d", bytes(8 * len(facts.stacks.slices))))
    for (_, kind), part in facts.parts.items():
        if kind == doing:
            _into(whole, part)
    return whole


def _is_notable(facts: _Facts, whole: _Part) -> bool:
    return whole.wall >= NOTABLE * facts.busy and whole.wall >= LEAST * facts.stacks.wall_ticks


def _callers(facts: _Facts, doing: Doing, whole: _Part) -> tuple[int, int]:
    """Return (the own function that has more than half of the samples or -1, how many own functions have some)."""
    func, part = _largest(facts, doing)
    count = sum(1 for (own, kind), other in facts.parts.items() if kind == doing and own >= 0 and other.wall > 0)
    return func if func >= 0 and part.wall > MOST_OF * whole.wall else -1, count


def _own_share(facts: _Facts, doing: Doing) -> float:
    return sum(part.wall for (own, kind), part in facts.parts.items() if kind == doing and own >= 0)


def _packages(facts: _Facts, whole: _Part) -> list[str]:
    """Return the package that has more than half of the samples, else the two with the most."""
    funcs = facts.stacks.frames.funcs
    weights: dict[str, float] = {}
    for func, weight in whole.below.items():
        name = package(funcs[func])
        weights[name] = weights.get(name, 0.0) + weight
    order = sorted(weights, key=lambda name: (-weights[name], name))
    return order[:1] if weights[order[0]] > MOST_OF * whole.wall else order[:2]


# ------------------------------------------------------------------------------------------------- the evidence


def _facts(stacks: StackTable, activities: Activities, load: CpuLoad | None) -> _Facts:
    parts: dict[tuple[int, Doing], _Part] = {}
    busy = 0.0
    for at in range(len(stacks.stacks)):
        activity = activities.of(at)
        part = parts.get((activity.own, activity.doing))
        if part is None:
            part = parts[activity.own, activity.doing] = _Part(slices=array("d", bytes(8 * len(stacks.slices))))
        slices = array("d", [column[at] for column in stacks.slices])
        below = {activity.client: stacks.wall[at]} if activity.client >= 0 else {}
        _into(part, _Part(stacks.wall[at], stacks.gil[at], slices, below))
        if activity.doing not in ("idle", "waiting", "incomplete"):
            busy += stacks.wall[at]
    return _Facts(stacks, parts, busy, load)


def _into(whole: _Part, part: _Part) -> None:
    whole.wall += part.wall
    whole.gil += part.gil
    for number, weight in enumerate(part.slices):
        whole.slices[number] += weight
    for func, weight in part.below.items():
        whole.below[func] = whole.below.get(func, 0.0) + weight


def _largest(facts: _Facts, doing: Doing) -> tuple[int, _Part]:
    found = [(part.wall, -func, part) for (func, kind), part in facts.parts.items() if kind == doing and func >= 0]
    if not found:
        return -1, _Part()
    _, func, part = max(found, key=lambda entry: entry[:2])
    return -func, part


def _share(facts: _Facts, part: _Part) -> str:
    around = plus_minus(part.slices, facts.stacks.slice_weights)
    share = f"{part.wall / facts.stacks.weight * 100:.1f} %"
    return share if around is None else f"{share} ±{around * 100:.1f}"


def _name(facts: _Facts, func: int) -> str:
    return facts.stacks.frames.funcs[func].name

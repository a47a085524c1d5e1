"""What a profile says, read for the user: at most three sentences from one table of rules, each with its figures.

Each sample belongs to the innermost function of the user's own code and to what was going on below it. A word for a
cause (database, outbound, serialization, lock) is used only where a known module stands in the stack. No rule applies:
nothing is said. Pure.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from tputtui.frozen import frozen
from tputtui.profiling.asleep import cpu_shares, ready_shares
from tputtui.profiling.categories import Table, module, origin, waits
from tputtui.profiling.profile import Func, Profile
from tputtui.profiling.spread import plus_minus
from tputtui.profiling.stacks import Stacks

Doing = Literal["computing", "lock", "database", "outbound", "serialization", "idle", "incomplete"]
Rule = Literal["cpu-bound", "starved", "gil", "lock", "database", "outbound", "serialization"]

MOST = 3
NOTABLE = 0.15  # of the samples that are not idle
HELD = 0.8  # of a function's time with the GIL in hand, or of the whole time
RAN = 0.7  # of the time that the GIL was held: with less CPU time, who held it did not compute
STARVED = 0.3  # of the time ready to run without a CPU: no accident
CROWDED = 0.2  # of the whole time: a function that holds the GIL for less leaves room for other threads

_SERIALIZERS = frozenset(
    ("json", "pickle", "_pickle", "marshal", "orjson", "ujson", "simplejson", "msgpack", "yaml", "copy", "csv", "xml", "google.protobuf", "avro", "cbor2", "rapidjson")
)  # fmt: skip
_LOCKS = frozenset(("Condition", "Semaphore", "BoundedSemaphore", "Barrier", "_RLock", "RLock", "Lock", "SemLock"))


@frozen
class Sentence:
    """One thing that a profile says. `func` is the function it is about, as an id; -1: the process."""

    rule: Rule
    text: str
    share: float
    func: int = -1


@frozen
class Load:
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
    stacks: Stacks
    parts: dict[tuple[int, Doing], _Part]
    busy: float  # samples that are neither idle nor torn
    load: Load | None  # None: nobody measured it

    @property
    def held(self) -> float:
        """The share of the time that the GIL was held, at most 1; 0 where nobody asked."""
        gil = sum(part.gil for part in self.parts.values())
        return min(1.0, gil / self.stacks.gil_ticks) if self.stacks.gil_ticks else 0.0

    @property
    def ran(self) -> bool:
        """Whether the CPU time allows that who held the GIL computed: else the process was kept from running, or waited."""
        return self.load is None or self.load.used >= RAN * self.held


def load_of(profile: Profile) -> Load | None:
    """The CPUs that a profile's process used and lacked; None where nobody measured that of all that was sampled."""
    if profile.about.subprocesses:
        return None
    used, lacked = cpu_shares(profile), ready_shares(profile)
    return Load(sum(used.values()), sum(lacked.values()) if lacked else None) if used else None


def sentences(
    stacks: Stacks, table: Table | None = None, evidence: str = "", load: Load | None = None
) -> list[Sentence]:
    """What the profile says, the largest share first. `load`: of the process, where the stacks are all of its threads.

    `evidence`: what a bound metric says of a queue ("db pool is at 18 of 20 and 3 wait"), added to the largest wait that
    may be for it: a lock's or the database's.
    """
    facts = _facts(stacks, table or Table(), load)
    found = [sentence for rule in RULES if (sentence := rule(facts)) is not None]
    found = sorted(found, key=lambda sentence: -sentence.share)[:MOST]
    waits = next((at for at, sentence in enumerate(found) if sentence.rule in ("lock", "database")), -1)
    if evidence and waits >= 0:
        found[waits] = replace(found[waits], text=f"{found[waits].text.removesuffix('.')}; {evidence}.")
    return found


# ------------------------------------------------------------------------------------------------- the rules


def _cpu_bound(facts: _Facts) -> Sentence | None:
    """The GIL is held nearly all the time: more threads of this process get nothing done."""
    if facts.held < HELD or not facts.ran:
        return None
    text = f"CPU-bound: the GIL is held {facts.held * 100:.0f} % of the time, one core is all this process uses."
    return Sentence("cpu-bound", text, facts.held)


def _starved(facts: _Facts) -> Sentence | None:
    """It was ready to run and had no CPU: others had it, or its limit stood before it. What it does is not the matter."""
    load = facts.load
    if load is None or load.lacked is None or load.lacked < STARVED or load.lacked < load.used:
        return None
    text = (
        f"Kept from running: it had {load.used * 100:.0f} % of a core, and was ready for another {load.lacked * 100:.0f} %: "
        "others had the CPU, or a limit of its own."
    )
    return Sentence("starved", text, min(1.0, load.lacked))


def _gil(facts: _Facts) -> Sentence | None:
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
    return Sentence(
        "gil", f"{text}threads will not make it faster, processes can.", part.wall / facts.stacks.weight, func
    )


def _lock(facts: _Facts) -> Sentence | None:
    """Own code waits for a lock, a condition or a semaphore."""
    return _wait(facts, "lock", "{share} of the time is spent waiting for a lock in {func}.")


def _database(facts: _Facts) -> Sentence | None:
    """Own code is inside a database client."""
    return _wait(facts, "database", "{share} of the time is spent in the database client {module}, called from {func}.")


def _outbound(facts: _Facts) -> Sentence | None:
    """Own code is inside an outbound call."""
    return _wait(facts, "outbound", "{share} of the time is spent in outbound calls by {module}, called from {func}.")


def _serialization(facts: _Facts) -> Sentence | None:
    """Own code is inside a serializer."""
    return _wait(
        facts, "serialization", "{share} of the time is spent in serialization ({module}), called from {func}."
    )


RULES: tuple[Callable[[_Facts], Sentence | None], ...] = (
    _cpu_bound, _starved, _gil, _lock, _database, _outbound, _serialization,
)  # fmt: skip


def _wait(
    facts: _Facts, doing: Literal["lock", "database", "outbound", "serialization"], template: str
) -> Sentence | None:
    """A rule about one kind of thing: all of it counts, the function with most of it is named."""
    whole = _Part(slices=array("d", bytes(8 * len(facts.stacks.slices))))
    for (_, kind), part in facts.parts.items():
        if kind == doing:
            _into(whole, part)
    func, _ = _largest(facts, doing)
    if func < 0 or whole.wall < NOTABLE * facts.busy:
        return None
    named = max(whole.below, key=lambda at: whole.below[at], default=-1)
    funcs = facts.stacks.frames.funcs
    text = template.format(
        share=_share(facts, whole),
        func=_name(facts, func),
        module=_package(funcs[named]) if named >= 0 else "",
    )
    return Sentence(doing, text, whole.wall / facts.stacks.weight, func)


# ------------------------------------------------------------------------------------------------- the evidence


def _facts(stacks: Stacks, table: Table, load: Load | None) -> _Facts:
    funcs = stacks.frames.funcs
    owner = stacks.frames.func_ids()
    kinds = [_kind(func, table) for func in funcs]
    yours = [origin(func.file) == "yours" for func in funcs]
    parts: dict[tuple[int, Doing], _Part] = {}
    busy = 0.0
    for at, stack in enumerate(stacks.stacks):
        path = [owner[frame] for frame in stack]
        mine, doing, cause = _doing(path, kinds, yours, funcs)
        if stack[0] == stacks.frames.incomplete:
            doing = "incomplete"
        part = parts.get((mine, doing))
        if part is None:
            part = parts[mine, doing] = _Part(slices=array("d", bytes(8 * len(stacks.slices))))
        slices = array("d", [column[at] for column in stacks.slices])
        _into(part, _Part(stacks.wall[at], stacks.gil[at], slices, {cause: stacks.wall[at]} if cause >= 0 else {}))
        if doing not in ("idle", "incomplete"):
            busy += stacks.wall[at]
    return _Facts(stacks, parts, busy, load)


def _into(whole: _Part, part: _Part) -> None:
    whole.wall += part.wall
    whole.gil += part.gil
    for number, weight in enumerate(part.slices):
        whole.slices[number] += weight
    for func, weight in part.below.items():
        whole.below[func] = whole.below.get(func, 0.0) + weight


def _doing(path: list[int], kinds: list[str], yours: list[bool], funcs: list[Func]) -> tuple[int, Doing, int]:
    """(the innermost own function or -1, what goes on below it, the function that says so or -1)."""
    start = next((at for at in range(len(path) - 1, -1, -1) if yours[path[at]]), -1)
    mine = path[start] if start >= 0 else -1
    below = path[max(start, 0) :]
    for func in below:
        if kinds[func] in ("database", "outbound", "serialization"):
            return mine, kinds[func], func  # type: ignore[return-value]  # the three words that were just asked for
    leaf = path[-1]
    if not waits(funcs[leaf]):
        return mine, "computing", -1
    inside = {module(funcs[func].file) for func in below[1:]}
    locked = any(funcs[func].name.partition(".")[0] in _LOCKS and waits(funcs[func]) for func in below)
    if mine >= 0 and locked and not inside & {"queue", "selectors", "concurrent.futures.thread", "socketserver"}:
        event = any(funcs[func].name.startswith(("Event.", "Thread.")) for func in below)
        return mine, "idle" if event else "lock", -1
    return mine, "idle", -1


def _kind(func: Func, table: Table) -> str:
    known = table.known(func)
    if known in ("database", "outbound"):
        return known
    if origin(func.file) in ("stdlib", "library", "native") and _package(func) in _SERIALIZERS:
        return "serialization"
    return ""


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


def _package(func: Func) -> str:
    name = module(func.file)
    return "google.protobuf" if name.startswith("google.protobuf") else name.partition(".")[0]

"""Activity of a stack: whether it computes, is inside a client, waits for something, or is idle. Pure.

It belongs to the innermost function of the user's own code and to what goes on below it. A wait that own code did not
enter is idle: the worker of a pool, a client's own thread, an event loop without work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

from tputtui.frozen import frozen
from tputtui.profiling.analysis.code_origin import module, origin
from tputtui.profiling.analysis.module_table import Category, CategoryTable
from tputtui.profiling.analysis.waits import is_loop, waits
from tputtui.profiling.profile_model import Function

if TYPE_CHECKING:
    from tputtui.profiling.analysis.stacks import StackTable

Doing = Literal["computing", "lock", "database", "outbound", "serialization", "waiting", "idle", "incomplete"]
Client = Literal["database", "outbound", "serialization"]

HOLDS = 0.1  # of a stack's time with the GIL in hand: it ran

_SERIALIZERS = frozenset(
    (
        "_pickle", "avro", "cbor2", "copy", "csv", "google.protobuf", "json", "marshal", "msgpack", "orjson", "pickle",
        "rapidjson", "simplejson", "ujson", "xml", "yaml",
    )
)  # fmt: skip
_LOCKS = frozenset(("Condition", "Semaphore", "BoundedSemaphore", "Barrier", "_RLock", "RLock", "Lock", "SemLock"))
_NO_LOCK = frozenset(
    ("concurrent.futures._base", "concurrent.futures.thread", "queue", "selectors", "socketserver", "subprocess")
)
"""Modules that wait with a lock, but not for one."""


@frozen
class Activity:
    """What a stack does. `own` and `client` are function ids; -1: no own code, no known client below it."""

    own: int
    doing: Doing
    client: int = -1


class Activities:
    """Activity of each of some stacks, by index."""

    def __init__(self, stacks: StackTable, table: CategoryTable) -> None:
        self._stacks = stacks
        self._funcs = funcs = stacks.frames.funcs
        self._owner = stacks.frames.func_ids()
        self.own = [table.owns(func) for func in funcs]
        self._known = [table.known(func) for func in funcs]
        self._clients = [_client(func, known) for func, known in zip(funcs, self._known, strict=True)]
        self._waits = [waits(func) or known == "waiting" for func, known in zip(funcs, self._known, strict=True)]
        self._loops = [not own and is_loop(func) for func, own in zip(funcs, self.own, strict=True)]
        self._origins = [origin(func.file, table.own) for func in funcs]
        self._known_activities: dict[int, Activity] = {}
        self._starts = [func.name.rpartition(".")[2] == "_bootstrap" and _is_process(func) for func in funcs]
        self._any_starts = any(self._starts)
        self.has_own = any(self.own[func] for stack in stacks.stacks for func in self._path(stack))

    def of(self, at: int) -> Activity:
        """Tell the activity of a stack."""
        found = self._known_activities.get(at)
        if found is None:
            found = self._known_activities[at] = self._found(at)
        return found

    def _found(self, at: int) -> Activity:
        stack = self._stacks.stacks[at]
        if stack[0] == self._stacks.frames.incomplete:
            return Activity(-1, "incomplete")
        path = self._path(stack)
        start = next((index for index in range(len(path) - 1, -1, -1) if self.own[path[index]]), -1)
        return self._below_own(path, start, at) if start >= 0 else self._without_own(path, at)

    def share(self, at: int) -> Category | Literal["idle"]:
        """Tell the kind of work that a stack's time is counted under."""
        activity = self.of(at)
        if activity.doing in ("database", "outbound", "idle"):
            return cast("Category", activity.doing)
        if activity.doing in ("waiting", "lock"):
            return "waiting"
        path = self._path(self._stacks.stacks[at])
        for func in reversed(path):
            if self.own[func]:
                return "your code"
            known = self._known[func]
            if known in ("database", "outbound") and activity.own < 0 and not self._called(path, func):
                return "other"  # a client's own thread, and nothing says that it ran
            if known is not None:
                return known
        return "other"

    def _path(self, stack: Sequence[int]) -> list[int]:
        """Return the functions of a stack, in a child process without those of the process that started it."""
        path = [self._owner[frame] for frame in stack]
        for at in range(min(len(path), 64) - 1, -1, -1) if self._any_starts else ():
            if self._starts[path[at]]:
                return path[at:]
        if len(path) > 1 and self._funcs[path[0]].file == "<string>" and _is_process(self._funcs[path[1]]):
            return path[1:]
        return path

    def _below_own(self, path: list[int], start: int, at: int) -> Activity:
        own, leaf_waits = path[start], self._waits[path[-1]]
        for index in range(start + 1, len(path)):
            func = path[index]
            if self._loops[func]:  # it was started by own code, which asked for nothing of what goes on in it
                return self._without_own(path[index:], at)
            if kind := self._clients[func]:
                return Activity(own, kind, func)
        if not leaf_waits:
            return Activity(own, "computing")
        return Activity(own, "lock" if self._is_lock(path, start) else "waiting")

    def _without_own(self, path: list[int], at: int) -> Activity:
        client = next((func for func in path if self._clients[func]), -1)
        if self._waits[path[-1]]:
            unknown = not self.has_own and client >= 0 and self._called(path, client)
            return Activity(-1, "waiting" if unknown else "idle")
        if client >= 0 and self._ran(at):
            return Activity(-1, cast("Client", self._clients[client]), client)
        return Activity(-1, "computing")

    def _called(self, path: list[int], client: int) -> bool:
        """Whether a library that no table knows called the client: it may be the user's own code."""
        above = path[: path.index(client)]
        return any(self._origins[func] == "library" and self._known[func] is None for func in above)

    def _ran(self, at: int) -> bool:
        """Whether there is evidence that a stack ran: the GIL in hand, or CPU time that was measured."""
        stacks = self._stacks
        if stacks.gil_ticks and stacks.wall_ticks:
            held, wall = stacks.gil[at] / stacks.gil_ticks, stacks.wall[at] / stacks.wall_ticks
            if held > 0 and held >= HOLDS * wall:
                return True
        return stacks.measured

    def _is_lock(self, path: list[int], start: int) -> bool:
        """Whether own code waits for a lock, a condition or a semaphore, and not with one for something else."""
        below = path[start + 1 :]
        names = [self._funcs[func].name for func in below]
        locked = any(
            name.partition(".")[0] in _LOCKS and self._waits[func] for name, func in zip(names, below, strict=True)
        )
        if not locked or any(name.startswith(("Event.", "Thread.")) for name in names):
            return False
        if any(module(self._funcs[func].file) in _NO_LOCK for func in below):
            return False
        through_library = any(self._origins[func] == "library" for func in below)
        called_by_library = any(self._origins[func] == "library" for func in path[:start])
        return called_by_library or not through_library  # else the program's main function runs a library's loop


def _client(func: Function, known: Category | None) -> Client | None:
    if known == "database" or known == "outbound":  # noqa: PLR1714 - mypy narrows the comparison only
        return known
    if origin(func.file) not in ("stdlib", "library", "native"):
        return None
    return "serialization" if package(func) in _SERIALIZERS else None


def package(func: Function) -> str:
    """Return the package of a function's file, as a sentence names it."""
    name = module(func.file)
    return "google.protobuf" if name.startswith("google.protobuf") else name.partition(".")[0]


def _is_process(func: Function) -> bool:
    """Whether the function starts a process of multiprocessing (or celery's copy of it)."""
    return module(func.file).startswith(("multiprocessing.", "billiard.")) and origin(func.file) != "yours"

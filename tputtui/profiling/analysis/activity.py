"""Activity of a stack: it computes, is inside a client, waits for something, or is idle. Pure.

The activity belongs to the innermost function of the user's own code and the calls below it. A wait
that own code did not enter is idle: the worker of a pool, a client's own thread, an event loop
without work. The request life cycle is the shares of the samples by kind of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from tputtui.frozen import frozen
from tputtui.profiling.analysis.code_origin import Origin, module_name, origin
from tputtui.profiling.analysis.module_table import (
    CATEGORIES,
    MODULE_CATEGORIES,
    Category,
    CategoryTable,
    build_table,
)
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.analysis.waits import is_loop, is_waiting
from tputtui.profiling.profile_model import Function

ActivityKind = Literal[
    "computing", "lock", "database", "outbound", "serialization", "waiting", "idle", "incomplete"
]
ClientKind = Literal["database", "outbound", "serialization"]

MIN_GIL_SHARE = 0.1  # ratio of a stack's time with the GIL held; above it, the stack ran

_SERIALIZERS = frozenset(
    (
        "_pickle", "avro", "cbor2", "copy", "csv", "google.protobuf", "json", "marshal",
        "msgpack", "orjson", "pickle", "rapidjson", "simplejson", "ujson", "xml", "yaml",
    )
)  # fmt: skip
_LOCK_CLASSES = frozenset(
    ("Condition", "Semaphore", "BoundedSemaphore", "Barrier", "_RLock", "RLock", "Lock", "SemLock")
)
_NON_LOCK_MODULES = frozenset(
    (
        "concurrent.futures._base",
        "concurrent.futures.thread",
        "queue",
        "selectors",
        "socketserver",
        "subprocess",
    )
)
"""Modules that use a lock to wait for something else."""


@frozen
class Activity:
    """Activity of one stack.

    `own_func_id` is -1 without own code, `client_func_id` is -1 without a known client below it.
    """

    own_func_id: int
    kind: ActivityKind
    client_func_id: int = -1


class StackActivities:
    """Activities of the stacks of a table, by index."""

    def __init__(self, stacks: StackTable, table: CategoryTable) -> None:
        self._stacks = stacks
        self._funcs = funcs = stacks.frames.funcs
        self._frame_func_ids = stacks.frames.frame_func_ids()
        self.is_own_func = [table.is_own_code(func) for func in funcs]
        self._listed_categories = [table.listed_category(func) for func in funcs]
        self._client_kinds = [
            _client_kind(func, known)
            for func, known in zip(funcs, self._listed_categories, strict=True)
        ]
        self._is_waiting_func = [
            is_waiting(func) or known == "waiting"
            for func, known in zip(funcs, self._listed_categories, strict=True)
        ]
        self._is_loop_func = [
            not own and is_loop(func) for func, own in zip(funcs, self.is_own_func, strict=True)
        ]
        self._origins = [origin(func.file, table.own_packages) for func in funcs]
        self._activities: dict[int, Activity] = {}
        self._starts_process = [
            func.name.rpartition(".")[2] == "_bootstrap" and _is_process_start(func)
            for func in funcs
        ]
        self._has_process_start = any(self._starts_process)
        self.has_own_code = any(
            self.is_own_func[func] for stack in stacks.stacks for func in self._func_path(stack)
        )

    def activity(self, stack_index: int) -> Activity:
        """Return the activity of a stack."""
        kind = self._activities.get(stack_index)
        if kind is None:
            kind = self._activities[stack_index] = self._classify(stack_index)
        return kind

    def _classify(self, stack_index: int) -> Activity:
        stack = self._stacks.stacks[stack_index]
        if stack[0] == self._stacks.frames.incomplete_frame_id:
            return Activity(-1, "incomplete")
        path = self._func_path(stack)
        start = next(
            (index for index in range(len(path) - 1, -1, -1) if self.is_own_func[path[index]]), -1
        )
        return (
            self._classify_below_own(path, start, stack_index)
            if start >= 0
            else self._classify_without_own(path, stack_index)
        )

    def work_kind(self, stack_index: int) -> Category | Literal["idle"]:
        """Return the kind of work that a stack's time is counted under."""
        activity = self.activity(stack_index)
        if activity.kind in ("database", "outbound", "idle"):
            return cast("Category", activity.kind)
        if activity.kind in ("waiting", "lock"):
            return "waiting"
        path = self._func_path(self._stacks.stacks[stack_index])
        for func in reversed(path):
            if self.is_own_func[func]:
                return "your code"
            known = self._listed_categories[func]
            if (
                known in ("database", "outbound")
                and activity.own_func_id < 0
                and not self._is_called_by_library(path, func)
            ):
                return "other"  # a client's own thread without evidence that it ran
            if known is not None:
                return known
        return "other"

    def _func_path(self, stack: Sequence[int]) -> list[int]:
        """Return the functions of a stack.

        In a child process, the functions of the process that started it are left out.
        """
        path = [self._frame_func_ids[frame] for frame in stack]
        for at in range(min(len(path), 64) - 1, -1, -1) if self._has_process_start else ():
            if self._starts_process[path[at]]:
                return path[at:]
        if (
            len(path) > 1
            and self._funcs[path[0]].file == "<string>"
            and _is_process_start(self._funcs[path[1]])
        ):
            return path[1:]
        return path

    def _classify_below_own(self, path: list[int], start: int, stack_index: int) -> Activity:
        own, leaf_waits = path[start], self._is_waiting_func[path[-1]]
        for index in range(start + 1, len(path)):
            func = path[index]
            # own code started the loop but did not request the work in it
            if self._is_loop_func[func]:
                return self._classify_without_own(path[index:], stack_index)
            if kind := self._client_kinds[func]:
                return Activity(own, kind, func)
        if not leaf_waits:
            return Activity(own, "computing")
        return Activity(own, "lock" if self._is_lock(path, start) else "waiting")

    def _classify_without_own(self, path: list[int], stack_index: int) -> Activity:
        client = next((func for func in path if self._client_kinds[func]), -1)
        if self._is_waiting_func[path[-1]]:
            unknown = (
                not self.has_own_code and client >= 0 and self._is_called_by_library(path, client)
            )
            return Activity(-1, "waiting" if unknown else "idle")
        if client >= 0 and self._has_run(stack_index):
            return Activity(-1, cast("ClientKind", self._client_kinds[client]), client)
        return Activity(-1, "computing")

    def _is_called_by_library(self, path: list[int], client: int) -> bool:
        """Whether an unlisted library called the client: it may be the user's own code."""
        above = path[: path.index(client)]
        return any(
            self._origins[func] == "library" and self._listed_categories[func] is None
            for func in above
        )

    def _has_run(self, stack_index: int) -> bool:
        """Whether there is evidence that a stack ran: the GIL held, or measured CPU time."""
        stacks = self._stacks
        if stacks.gil_ticks and stacks.wall_ticks:
            held, wall = (
                stacks.gil[stack_index] / stacks.gil_ticks,
                stacks.wall[stack_index] / stacks.wall_ticks,
            )
            if held > 0 and held >= MIN_GIL_SHARE * wall:
                return True
        return stacks.is_cpu_measured

    def _is_lock(self, path: list[int], start: int) -> bool:
        """Whether own code waits for a lock, a condition or a semaphore.

        Locks that only serve to wait for something else do not count.
        """
        below = path[start + 1 :]
        names = [self._funcs[func].name for func in below]
        locked = any(
            name.partition(".")[0] in _LOCK_CLASSES and self._is_waiting_func[func]
            for name, func in zip(names, below, strict=True)
        )
        if not locked or any(name.startswith(("Event.", "Thread.")) for name in names):
            return False
        if any(module_name(self._funcs[func].file) in _NON_LOCK_MODULES for func in below):
            return False
        through_library = any(self._origins[func] == "library" for func in below)
        called_by_library = any(self._origins[func] == "library" for func in path[:start])
        # otherwise the program's main function runs a library's loop
        return called_by_library or not through_library


def _client_kind(func: Function, category: Category | None) -> ClientKind | None:
    # Two comparisons, because mypy narrows the type by them and not by `in`.
    if category == "database" or category == "outbound":  # noqa: PLR1714
        return category
    if origin(func.file) not in ("stdlib", "library", "native"):
        return None
    return "serialization" if package_name(func) in _SERIALIZERS else None


def package_name(func: Function) -> str:
    """Return the package of a function's file, for use in a sentence."""
    name = module_name(func.file)
    return "google.protobuf" if name.startswith("google.protobuf") else name.partition(".")[0]


def _is_process_start(func: Function) -> bool:
    """Whether the function starts a process of multiprocessing (or celery's copy of it)."""
    return (
        module_name(func.file).startswith(("multiprocessing.", "billiard."))
        and origin(func.file) != "yours"
    )


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

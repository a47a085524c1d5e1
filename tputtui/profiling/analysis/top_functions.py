"""Tables of top functions, threads and lines over the selected stacks. Pure.

A function counts once per stack, however often it occurs in it: totals of recursive functions stay
below 100 %.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tputtui.frozen import frozen
from tputtui.profiling.analysis.blocked_threads import cpu_shares, frames_waiting_in_c
from tputtui.profiling.analysis.share_variance import half_width
from tputtui.profiling.analysis.stacks import StackTable
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.profile_model import INCOMPLETE, Function, Profile, ProfileThread


@frozen
class HotFunction:
    """Figures of one function over all stacks; shares are ratios. `id` is for `stacks.focus`."""

    id: int
    func: Function
    line: int  # the line with the most samples
    total: float
    self_: float
    gil: float | None  # ratio of the time for which the GIL was held below it
    caller_count: int  # number of different callers


@frozen
class ThreadRow:
    """Figures of one thread.

    `wall` is a ratio of all samples, `waiting` and `gil` are ratios of its own ticks; `gil` is None
    without GIL samples.
    """

    thread: ProfileThread
    samples: float
    wall: float
    waiting: float
    gil: float | None
    cpu: float | None  # ratio of the time on a CPU; None: not measured
    sparkline: tuple[float, ...]  # ratio not waiting, by slice: 0 to 1


def hot_functions(stacks: StackTable) -> list[HotFunction]:
    """Figures of all functions, sorted by self time, then by total."""
    frames = stacks.frames.frames
    owner = stacks.frames.frame_func_ids()
    own: dict[int, float] = {}
    total: dict[int, float] = {}
    gil: dict[int, float] = {}
    callers: dict[int, set[int]] = {}
    lines: dict[int, float] = {}  # by frame
    for stack, wall, held in zip(stacks.stacks, stacks.wall, stacks.gil, strict=True):
        path = [owner[frame] for frame in stack]
        for func in set(path):
            total[func] = total.get(func, 0.0) + wall
            if held:
                gil[func] = gil.get(func, 0.0) + held
        for frame in set(stack):
            lines[frame] = lines.get(frame, 0.0) + wall
        for caller, func in itertools.pairwise(path):
            callers.setdefault(func, set()).add(caller)
        own[path[-1]] = own.get(path[-1], 0.0) + wall
    best: dict[int, tuple[float, int]] = {}
    for frame, weight in lines.items():
        func, line = owner[frame], frames[frame].line
        if func not in best or (weight, -line) > (best[func][0], -best[func][1]):
            best[func] = (weight, line)
    total_weight = stacks.weight or 1.0
    rows = [
        HotFunction(
            func,
            stacks.frames.funcs[func],
            best[func][1],
            weight / total_weight,
            own.get(func, 0.0) / total_weight,
            stacks.gil_held_share(gil.get(func, 0.0), weight),
            len(callers.get(func, ())),
        )
        for func, weight in total.items()
    ]
    return sorted(rows, key=lambda row: (-row.self_, -row.total, row.func.name))


def is_running(func: Function) -> bool:
    """Whether time in the function is spent running. Incomplete stacks do not count as running."""
    return not is_waiting(func) and func.name != INCOMPLETE


def hottest_first(rows: Sequence[HotFunction]) -> list[HotFunction]:
    """Sort running functions before waiting ones, each by self time, then by total.

    Functions without self time come after those with some.
    """
    return sorted(
        rows,
        key=lambda row: (
            not is_running(row.func) or row.self_ <= 0,
            not row.self_,
            -row.self_,
            -row.total,
        ),
    )


def slice_weights(stacks: StackTable, func_id: int, *, self_only: bool = False) -> list[float]:
    """Weights of a function by slice: of stacks through it, or with `self_only` that end in it."""
    owner = stacks.frames.frame_func_ids()
    containing = [
        at
        for at, stack in enumerate(stacks.stacks)
        if (
            owner[stack[-1]] == func_id
            if self_only
            else any(owner[frame] == func_id for frame in stack)
        )
    ]
    return [sum(column[at] for at in containing) for column in stacks.slices]


def share_half_width(stacks: StackTable, func_id: int, *, self_only: bool = False) -> float | None:
    """The ± of a function's share, as a ratio; None below 5 slices."""
    return half_width(slice_weights(stacks, func_id, self_only=self_only), stacks.slice_weights)


def line_shares(stacks: StackTable, file: str) -> dict[int, tuple[float, float]]:
    """Shares by line of a file: (self, total) as ratios of all selected stacks.

    A line counts once per stack.
    """
    frames, funcs = stacks.frames.frames, stacks.frames.funcs
    lines = {at: frame.line for at, frame in enumerate(frames) if funcs[frame.func_id].file == file}
    total_weight = stacks.weight or 1.0
    shares: dict[int, tuple[float, float]] = {}
    for stack, weight in zip(stacks.stacks, stacks.wall, strict=True):
        for line in {lines[frame] for frame in stack if frame in lines}:
            own, total = shares.get(line, (0.0, 0.0))
            ends = lines.get(stack[-1]) == line
            shares[line] = (own + ends * weight / total_weight, total + weight / total_weight)
    return shares


def thread_rows(profile: Profile) -> list[ThreadRow]:
    """Figures of all threads, sorted by GIL time, then by time not waiting."""
    funcs = profile.frames.frame_func
    total_weight = profile.weight() or 1.0
    ticks, looks = profile.ticks("gil"), profile.ticks("wall")
    shares = cpu_shares(profile)
    sleeping = frames_waiting_in_c(profile)
    rows = []
    for thread in profile.threads:
        sleeps = sleeping.get(thread, frozenset())
        series: list[float] = []
        samples = waiting = gil = 0.0
        for part in profile.slices:
            counts = part.wall.get(thread, {})
            thread_weight = sum(counts.values())
            idle = sum(
                weight
                for stack, weight in counts.items()
                if stack and (stack[-1] in sleeps or is_waiting(funcs(stack[-1])))
            )
            series.append(1 - idle / thread_weight if thread_weight else 0.0)
            samples, waiting = samples + thread_weight, waiting + idle
            gil += sum(part.gil.get(thread, {}).values())
        # capped as in `StackTable.gil_held_share`
        held = min(gil / ticks, samples / (looks or samples)) if ticks else None
        share = shares.get(thread)
        rows.append(
            ThreadRow(
                thread,
                samples,
                samples / total_weight,
                waiting / (samples or 1.0),
                held,
                share,
                tuple(series),
            )
        )
    return sorted(
        rows, key=lambda row: (-(row.gil or 0.0), -(1 - row.waiting) * row.samples, row.thread)
    )


def callers_and_callees(
    stacks: StackTable, func_id: int
) -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
    """Return (callers, callees) of a function as (function id, share), heaviest first.

    An id of -1 stands for no caller or callee.
    """
    owner = stacks.frames.frame_func_ids()
    above: dict[int, float] = {}
    below: dict[int, float] = {}
    for stack, weight in zip(stacks.stacks, stacks.wall, strict=True):
        path = [owner[frame] for frame in stack]
        if func_id not in path:
            continue
        for into, ids in (
            (above, _caller_ids(path, func_id)),
            (below, _callee_ids(path, func_id)),
        ):
            for other in ids:
                into[other] = into.get(other, 0.0) + weight / (stacks.weight or 1.0)
    return _heaviest_first(above), _heaviest_first(below)


def _caller_ids(path: Sequence[int], func_id: int) -> set[int]:
    return {
        path[at - 1] if at else -1
        for at, other_id in enumerate(path)
        if other_id == func_id and not (at and path[at - 1] == func_id)
    }


def _callee_ids(path: Sequence[int], func_id: int) -> set[int]:
    last = len(path) - 1
    return {
        path[at + 1]
        for at, other_id in enumerate(path)
        if other_id == func_id and at < last and path[at + 1] != func_id
    }


def _heaviest_first(weights: dict[int, float]) -> list[tuple[int, float]]:
    return sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))

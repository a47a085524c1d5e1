"""Detection of waits in C: a sleep, a lock or a socket there leaves only its Python caller. Pure.

The evidence is a thread's CPU time and the time that it was ready to run without a CPU. If they
explain less than half of the samples that are not known to wait, the lines that were never seen
with the GIL held waited in C. If they explain the samples of some of these lines, slice by slice,
those lines ran.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tputtui.profiling.analysis.waits import is_waiting, is_waiting_in_c
from tputtui.profiling.profile_model import Counts, Profile, ProfileThread

# ratio of a thread's samples that are not known to wait; with this much CPU time they ran
MIN_CPU_SHARE = 0.5
MAX_IDLE_CPU_SHARE = 0.1  # without a GIL column, no line ran if the CPU time is below this ratio
MIN_GIL_SHARE = 0.1  # a line that holds the GIL for this ratio of its time computes
MIN_SAMPLES = 5.0  # lines with fewer samples are not classified
# ratio of a thread's samples; below it, a line of a busy thread is not reported as waiting
MIN_LINE_SHARE = 0.1
MAX_CANDIDATES = 8  # lines that are tried as those that ran without the GIL
# ratio of the time; permitted difference between the samples of the lines that ran and CPU time
MAX_SHARE_ERROR = 0.05
MAX_RELATIVE_ERROR = 0.15  # the same as a ratio of the CPU time; the larger of both applies


def cpu_shares(profile: Profile) -> dict[ProfileThread, float]:
    """Ratio of the time, 0 to 1, that each thread was on a CPU; unmeasured threads are absent."""
    return _time_weighted_shares(profile, [part.cpu_shares for part in profile.slices])


def ready_shares(profile: Profile) -> dict[ProfileThread, float]:
    """Ratio of the time, 0 to 1, that each thread was ready to run without a CPU.

    Unmeasured threads are absent.
    """
    return _time_weighted_shares(profile, [part.ready_shares for part in profile.slices])


def _time_weighted_shares(
    profile: Profile, shares_by_slice: Sequence[Mapping[ProfileThread, float]]
) -> dict[ProfileThread, float]:
    used: dict[ProfileThread, float] = {}
    lived: dict[ProfileThread, float] = {}
    for part, by_thread in zip(profile.slices, shares_by_slice, strict=True):
        for thread, share in by_thread.items():
            used[thread] = used.get(thread, 0.0) + share * part.duration_s
            lived[thread] = lived.get(thread, 0.0) + part.duration_s
    return {thread: used[thread] / seconds for thread, seconds in lived.items() if seconds > 0}


def frames_waiting_in_c(profile: Profile) -> dict[ProfileThread, frozenset[int]]:
    """Frames by thread that wait in C when they are innermost.

    For a thread without a measured CPU time, these are the frames whose function is known to wait
    in C.
    """
    cpu = cpu_shares(profile)
    ready = ready_shares(profile)  # a thread that waits for a CPU does not wait in C
    frames = profile.frames
    owner = frames.frame_func_ids()
    idle = [is_waiting(func) for func in frames.funcs]
    usual = [is_waiting_in_c(func) for func in frames.funcs]
    known = {frame for frame, func in enumerate(owner) if usual[func]}
    out: dict[ProfileThread, frozenset[int]] = {}
    for thread in profile.threads if known or cpu else ():
        if thread not in cpu:
            waiting_frames = frozenset(known & _leaf_frames(profile, thread))
        else:
            leaves = _ThreadLeaves(
                profile,
                thread,
                lambda frame: idle[owner[frame]] or frame == frames.incomplete_frame_id,
            )
            waiting_frames = _unexplained_frames(leaves, cpu[thread] + ready.get(thread, 0.0))
        if waiting_frames:
            out[thread] = waiting_frames
    return out


def _unexplained_frames(leaves: _ThreadLeaves, ran: float) -> frozenset[int]:
    """Find the lines that the thread's CPU time does not explain, by weight and slice by slice."""
    total, unknown = leaves.total, leaves.unknown
    computing = leaves.holds_gil
    explained = leaves.explained_frames()
    if ran >= MIN_CPU_SHARE * sum(unknown.values()) / total:
        # All of it may have run, unless the slices show which line did: then another line of
        # sufficient weight waited.
        if explained is None:
            return frozenset()
        least = MIN_LINE_SHARE * total
        return frozenset(
            at for at in unknown if unknown[at] >= least and at not in computing | explained
        )
    if leaves.has_gil:
        waiting = unknown.keys() - computing - (explained or frozenset())
    elif ran < MAX_IDLE_CPU_SHARE * sum(unknown.values()) / total:
        waiting = set(unknown)
    else:  # a line sampled for longer than the CPU time explains waited for some of that time
        waiting = {at for at, weight in unknown.items() if ran < MIN_CPU_SHARE * weight / total}
    return frozenset(at for at in waiting if unknown[at] >= MIN_SAMPLES)


class _ThreadLeaves:
    """Innermost frames of one thread: samples of each, and samples of each with the GIL held."""

    def __init__(
        self, profile: Profile, thread: ProfileThread, is_known_wait: Callable[[int], bool]
    ) -> None:
        # seconds, ratio that ran, ratios by frame
        self._parts: list[tuple[float, float, dict[int, float]]] = []
        self.unknown: dict[int, float] = {}  # by frame that is not known to wait
        self.total = 0.0
        held: dict[int, float] = {}
        for part in profile.slices:
            leaf_weights = _leaf_weights(part.wall.get(thread, {}))
            for frame, weight in _leaf_weights(part.gil.get(thread, {})).items():
                held[frame] = held.get(frame, 0.0) + weight
            samples = sum(leaf_weights.values())
            self.total += samples
            leaf_weights = {
                frame: weight for frame, weight in leaf_weights.items() if not is_known_wait(frame)
            }
            for frame, weight in leaf_weights.items():
                self.unknown[frame] = self.unknown.get(frame, 0.0) + weight
            if thread in part.cpu_shares and samples:
                ran = part.cpu_shares[thread] + part.ready_shares.get(thread, 0.0)
                self._parts.append(
                    (
                        part.duration_s,
                        ran,
                        {at: weight / samples for at, weight in leaf_weights.items()},
                    )
                )
        self.total = self.total or 1.0
        gil_ticks, wall_ticks = profile.ticks("gil"), profile.ticks("wall") or 1.0
        self.has_gil = gil_ticks > 0
        self.holds_gil = frozenset(
            at
            for at, weight in self.unknown.items()
            if gil_ticks and held.get(at, 0.0) / gil_ticks >= MIN_GIL_SHARE * weight / wall_ticks
        )

    def explained_frames(self) -> frozenset[int] | None:
        """Find the lines that ran without the GIL: their samples add up to the CPU time by slice.

        None if no set of lines comes close to it.
        """
        heaviest = sorted(
            self.unknown.keys() - self.holds_gil, key=lambda at: (-self.unknown[at], at)
        )[:MAX_CANDIDATES]
        left = [
            ran - sum(shares.get(at, 0.0) for at in self.holds_gil)
            for _, ran, shares in self._parts
        ]
        durations = [seconds for seconds, _, _ in self._parts]
        explained: set[int] = set()
        while True:
            error = _weighted_squares(left, durations)
            tried = [
                (
                    _weighted_squares(
                        [
                            rest - shares.get(at, 0.0)
                            for rest, (_, _, shares) in zip(left, self._parts, strict=True)
                        ],
                        durations,
                    ),
                    at,
                )
                for at in heaviest
                if at not in explained
            ]
            best = min(tried, default=(error, -1))
            if best[0] >= error:
                break
            explained.add(best[1])
            left = [
                rest - shares.get(best[1], 0.0)
                for rest, (_, _, shares) in zip(left, self._parts, strict=True)
            ]
        seconds = sum(durations)
        if seconds <= 0:
            return None
        mean = (
            sum(rest * duration for rest, duration in zip(left, durations, strict=True)) / seconds
        )
        ran = sum(share * duration for duration, share, _ in self._parts) / seconds
        return (
            frozenset(explained)
            if abs(mean) <= max(MAX_SHARE_ERROR, MAX_RELATIVE_ERROR * ran)
            else None
        )


def _weighted_squares(values: Sequence[float], weights: Sequence[float]) -> float:
    return sum(weight * value * value for value, weight in zip(values, weights, strict=True))


def _leaf_weights(counts: Counts) -> dict[int, float]:
    """Weights of each frame as the innermost one."""
    weights: dict[int, float] = {}
    for stack, weight in counts.items():
        if stack:
            weights[stack[-1]] = weights.get(stack[-1], 0.0) + weight
    return weights


def _leaf_frames(profile: Profile, thread: ProfileThread) -> set[int]:
    return {stack[-1] for part in profile.slices for stack in part.wall.get(thread, {}) if stack}

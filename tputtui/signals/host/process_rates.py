"""Activity of processes between two process lists."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui.model import ProcessReading, ProcessState
from tputtui.signals.host.host_rates import derive_cgroup


def derive_processes(
    before: Iterable[ProcessReading] | None, now: Iterable[ProcessReading], elapsed_s: float
) -> tuple[ProcessState, ...]:
    """Derive the processes as of now; `cpu_percent` is of one core.

    It is taken over the `elapsed_s` seconds since `before`. A process is identified by pid and
    start time: a new process with a reused pid begins without a rate. There is no rate if no time
    has passed or the CPU time may not be read.
    """
    earlier = {reading.identity: reading for reading in before or ()} if elapsed_s > 0 else {}
    return tuple(
        _derive_process(earlier.get(reading.identity), reading, elapsed_s) for reading in now
    )


def used_cores(states: Iterable[ProcessState]) -> float:
    """Return the busy cores these processes use: "these use 2.2 of 7.3 busy cores"."""
    return sum(state.cpu_percent or 0.0 for state in states) / 100


def _derive_process(
    before: ProcessReading | None, now: ProcessReading, elapsed_s: float
) -> ProcessState:
    percent: float | None = None
    if before is not None and before.cpu_s is not None and now.cpu_s is not None:
        percent = 100.0 * max(0.0, now.cpu_s - before.cpu_s) / elapsed_s
    return ProcessState(
        pid=now.pid,
        started=now.started,
        name=now.name,
        user=now.user,
        cpu_percent=percent,
        rss_bytes=now.rss_bytes,
        threads=now.threads,
        state=now.state,
        command=now.command,
        python=now.python,
        ports=now.ports,
        cgroup=derive_cgroup(None if before is None else before.cgroup, now.cgroup),
    )

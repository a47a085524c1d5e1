"""From two lists of processes to what each of them did in between."""

from __future__ import annotations

from collections.abc import Iterable

from tputtui.model import ProcessReading, ProcessState
from tputtui.signals.host.host_rates import derive_cgroup


def derive_processes(
    before: Iterable[ProcessReading] | None, now: Iterable[ProcessReading], elapsed_s: float
) -> tuple[ProcessState, ...]:
    """Processes as of now; `cpu_percent` of one core over the `elapsed_s` seconds since `before`.

    A process is the same by pid and start time: one that took over a pid starts without a rate. No rate either where no
    time has passed, or where the CPU time may not be read.
    """
    earlier = {reading.identity: reading for reading in before or ()} if elapsed_s > 0 else {}
    return tuple(_derive_process(earlier.get(reading.identity), reading, elapsed_s) for reading in now)


def used_cores(states: Iterable[ProcessState]) -> float:
    """Busy cores that these processes account for: "shown processes explain 2.2 of 7.3 busy cores"."""
    return sum(state.cpu_percent or 0.0 for state in states) / 100


def _derive_process(before: ProcessReading | None, now: ProcessReading, elapsed_s: float) -> ProcessState:
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

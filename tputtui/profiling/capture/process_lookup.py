"""Look-up of the process meant by ":8000", a pid or a name.

The process is resolved for each capture, because workers restart. If several match, such as the
workers of one port, the busiest Python process is taken.
"""

from __future__ import annotations

import os
import time

from tputtui.descriptors import reason
from tputtui.frozen import frozen
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.socket_owners import ServingLookup
from tputtui.model import ProcessReading, ProcessReference, ProcessState
from tputtui.profiling.capture import preflight
from tputtui.signals.host.host_rates import derive_processes
from tputtui.signals.service.serving_processes import (
    choose_worker,
    describe_no_process,
    find_workers,
)
from tputtui.text import clean

CPU_COMPARISON_S = 0.3  # duration over which the CPU use of candidates is compared


@frozen
class ProcessMatch:
    """Process found, with its display name. `note` says which of several matches it is."""

    identity: ProcessReference
    name: str
    note: str = ""


class ProcessNotFoundError(LookupError):
    """Error raised if no process matches. The message is a sentence."""


def parse_port(text: str) -> int | None:
    """Parse the port of ":8000"; None for a pid or a name.

    Raises ValueError for an invalid port.
    """
    if not text.startswith(":"):
        return None
    digits = text[1:]
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0
    if not 1 <= port <= 65535:
        raise ValueError(f"{clean(text, 40)!r} is no port: write it as :8000")
    return port


def find(query: str) -> ProcessMatch:
    """Find a process by port, pid or name.

    ":8000" is the process that serves that port, digits are a pid, anything else is a name in the
    process table. Waits `CPU_COMPARISON_S` seconds to find the busiest of several, so do not call
    it from a thread that must respond at once. Raises ProcessNotFoundError, ValueError.
    """
    port = parse_port(query)
    try:
        return _find_process(query, port, ProcessCollector())
    except OSError as error:  # no file descriptors are left
        raise ProcessNotFoundError(f"processes cannot be read: {reason(error)}") from error


def _find_process(query: str, port: int | None, collector: ProcessCollector) -> ProcessMatch:
    if port is not None:
        return _busiest_worker(port, collector)
    readings = collector.read()
    if query.isascii() and query.isdigit():
        pid = int(query[:9])
        matching = [reading for reading in readings if reading.pid == pid]
        if not matching:
            raise ProcessNotFoundError(missing_process_reason(pid))
    else:
        matching = _processes_named(query, readings)
        if not matching:
            raise ProcessNotFoundError(f"no Python process is named {clean(query, 60)!r}")
    states = list(derive_processes(None, matching, 0.0))
    if len(matching) > 1:
        identities = {reading.identity for reading in matching}
        states = _measure_cpu(collector, readings, identities) or states
        states.sort(key=lambda state: (-(state.cpu_percent or 0.0), state.pid))
    return ProcessMatch(states[0].identity, states[0].name)


def missing_process_reason(pid: int) -> str:
    """Explain why a pid is not found: it does not exist, or hidepid hides it.

    /proc mounted with hidepid hides processes of others from this user.
    """
    try:
        os.getpgid(pid)  # succeeds for hidden processes too
        # a thread's id exists in /proc, though it is not listed
        is_hidden = not os.path.exists(f"/proc/{pid}")
    except (OSError, OverflowError):
        is_hidden = False
    if not is_hidden:
        return f"there is no process {pid}"
    return (
        f"process {pid} exists, but this user may not see it (/proc is mounted with hidepid): "
        f"run: {preflight.sudo_command(pid)}"
    )


def workers_hint(pid: int) -> str:
    """Hint for a process that leaves its listening socket's work to its workers; else ""."""
    try:
        return _workers_hint(pid, ProcessCollector())
    except OSError:  # no file descriptors are left: the capture reports it
        return ""


def _workers_hint(pid: int, collector: ProcessCollector) -> str:
    ports = collector.read_sockets().ports_by_pid().get(pid, ())
    lookup = ServingLookup(collector)
    for listeners in map(lookup.read_port, ports):
        pids = frozenset(holder.pid for holder in listeners.holders)
        if not any(holder.parent == pid for holder in listeners.holders):
            continue
        readings = collector.read(pids, only_watched=True)
        states = _measure_cpu(collector, readings, {reading.identity for reading in readings}, pids)
        workers = find_workers([listeners], states)
        if pid in {parent.pid for parent in workers.idle_parents} and workers.processes:
            busiest = workers.processes[0].pid
            return (
                f"{pid} only waits for its workers; the busiest is {busiest}: "
                f"tputtui profile {busiest}"
            )
    return ""


def _busiest_worker(port: int, collector: ProcessCollector) -> ProcessMatch:
    """Find the busiest worker on a port, by the same rule as the p key on the screen."""
    listeners = ServingLookup(collector).read_port(port)
    pids = frozenset(holder.pid for holder in listeners.holders)
    readings = collector.read(pids, only_watched=True)
    states = list(derive_processes(None, readings, 0.0))
    if len(pids) > 1:
        identities = {reading.identity for reading in readings}
        states = _measure_cpu(collector, readings, identities, pids) or states
    choice = choose_worker([listeners], states)
    if choice is None or choice.process is None:
        raise ProcessNotFoundError(
            describe_no_process(
                [listeners],
                states,
                listeners.address,
                preflight.root_command(),
                "name another by its PID",
            )
        )
    notes = [f"the busiest of {choice.worker_count} workers"] if choice.worker_count > 1 else []
    if choice.note:
        notes.append(choice.note)
    return ProcessMatch(choice.process.identity, choice.process.name, "; ".join(notes))


def _measure_cpu(
    collector: ProcessCollector,
    before: tuple[ProcessReading, ...],
    identities: set[ProcessReference],
    pids: frozenset[int] = frozenset(),
) -> list[ProcessState]:
    """Measure the CPU use of processes over the next `CPU_COMPARISON_S` seconds.

    Processes that end meanwhile are left out.
    """
    began = time.monotonic()
    time.sleep(CPU_COMPARISON_S)
    after = collector.read(pids, only_watched=bool(pids))
    states = derive_processes(before, after, time.monotonic() - began)
    return [state for state in states if state.identity in identities]


def _processes_named(name: str, readings: tuple[ProcessReading, ...]) -> list[ProcessReading]:
    """Find the Python processes with a name.

    If there are none, those whose name contains it ("gunicorn: worker").
    """
    python_processes = [reading for reading in readings if reading.python is not None]
    exact = [reading for reading in python_processes if reading.name == name]
    return exact or [
        reading for reading in python_processes if name.casefold() in reading.name.casefold()
    ]

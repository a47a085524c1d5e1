"""Which process ":8000", a pid or a name means now: resolved for each capture, because workers
restart.

Of several that fit, as the workers of one port, the busiest Python process.
"""

from __future__ import annotations

import os
import time

from tputtui.descriptors import reason
from tputtui.frozen import frozen
from tputtui.host.process_collector import ProcessCollector
from tputtui.host.socket_owners import ServingLookup
from tputtui.model import ProcessReading, ProcessState
from tputtui.profiling.capture import preflight
from tputtui.signals.host.process_rates import derive_processes
from tputtui.signals.service.serving_processes import offered, why_none, workers_of
from tputtui.text import clean

CPU_COMPARISON_S = 0.3  # how long candidates are compared by the CPU time they use


@frozen
class ProcessMatch:
    """A process, by pid and start (unix seconds): never just a pid. `note`: which of several it is."""

    pid: int
    started: float
    name: str
    note: str = ""


class ProcessNotFoundError(LookupError):
    """No process fits. The text is a sentence."""


def parse_port(text: str) -> int | None:
    """The port of ":8000"; None for a pid or a name. Raises ValueError for a port that cannot be."""
    if not text.startswith(":"):
        return None
    digits = text[1:]
    port = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0
    if not 1 <= port <= 65535:
        raise ValueError(f"{clean(text, 40)!r} is no port: write it as :8000")
    return port


def find(query: str) -> ProcessMatch:
    """The process that is meant: ":8000" is who serves that port, digits are a pid, else a name of
    the process table.

    Waits `WATCH_S` seconds to see which of several is the busiest, so not for a thread that must
    answer at once. Raises NobodyThere, ValueError.
    """
    port = parse_port(query)
    try:
        return _find_process(query, port, ProcessCollector())
    except OSError as error:  # descriptors have run out
        raise ProcessNotFoundError(f"processes cannot be read: {reason(error)}") from error


def _find_process(query: str, port: int | None, collector: ProcessCollector) -> ProcessMatch:
    if port is not None:
        return _busiest_worker(port, collector)
    readings = collector.read()
    if query.isascii() and query.isdigit():
        fitting = [reading for reading in readings if reading.pid == int(query[:9])]
        nobody = missing_process_reason(int(query[:9]))
    else:
        fitting = _processes_named(query, readings)
        nobody = f"no Python process is named {clean(query, 60)!r}"
    if not fitting:
        raise ProcessNotFoundError(nobody)
    states = list(derive_processes(None, fitting, 0.0))
    if len(fitting) > 1:
        states = _measure_cpu(collector, readings, {reading.identity for reading in fitting}) or states
        states.sort(key=lambda one: (-(one.cpu_percent or 0.0), one.pid))
    return ProcessMatch(states[0].pid, states[0].started, states[0].name)


def missing_process_reason(pid: int) -> str:
    """Why a pid is not there: it does not exist, or /proc is mounted with hidepid and hides it from
    this user.
    """
    try:
        os.getpgid(pid)  # answers for hidden processes, too
        is_hidden = not os.path.exists(f"/proc/{pid}")  # a thread's id is there, though it is not listed
    except (OSError, OverflowError):
        is_hidden = False
    if not is_hidden:
        return f"there is no process {pid}"
    return (
        f"process {pid} exists, but this user may not see it (/proc is mounted with hidepid): "
        f"run: {preflight.sudo_command(pid)}"
    )


def workers_hint(pid: int) -> str:
    """What there is to say of a process that shares its listening socket and leaves the work to its
    workers, else "".
    """
    try:
        return _workers_hint(pid, ProcessCollector())
    except OSError:  # descriptors have run out: the capture will say so
        return ""


def _workers_hint(pid: int, collector: ProcessCollector) -> str:
    ports = collector.read_sockets().ports().get(pid, ())
    lookup = ServingLookup(collector)
    for found in map(lookup.read_port, ports):
        pids = frozenset(holder.pid for holder in found.holders)
        if not any(holder.parent == pid for holder in found.holders):
            continue
        readings = collector.read(pids, only_watched=True)
        states = _measure_cpu(collector, readings, {reading.identity for reading in readings}, pids)
        workers = workers_of([found], states)
        if pid in {waiting for waiting, _ in workers.waiting} and workers.processes:
            busiest = workers.processes[0]
            return f"{pid} only waits for its workers; the busiest is {busiest.pid}: tputtui profile {busiest.pid}"
    return ""


def _busiest_worker(port: int, collector: ProcessCollector) -> ProcessMatch:
    """The busiest worker on a port; the same decision as for p on the screen."""
    found = ServingLookup(collector).read_port(port)
    pids = frozenset(holder.pid for holder in found.holders)
    readings = collector.read(pids, only_watched=True)
    states = list(derive_processes(None, readings, 0.0))
    if len(pids) > 1:
        states = _measure_cpu(collector, readings, {reading.identity for reading in readings}, pids) or states
    choice = offered([found], states)
    if choice is None or choice.process is None:
        raise ProcessNotFoundError(
            why_none([found], states, found.address, preflight.root_command(), "name another by its PID")
        )
    note = f"the busiest of {choice.workers} workers" if choice.workers > 1 else ""
    chosen = choice.process
    return ProcessMatch(
        chosen.pid, chosen.started, chosen.name, "; ".join(part for part in (note, choice.note) if part)
    )


def _measure_cpu(
    collector: ProcessCollector,
    before: tuple[ProcessReading, ...],
    identities: set[tuple[int, float]],
    pids: frozenset[int] = frozenset(),
) -> list[ProcessState]:
    """The wanted processes with the CPU that they use in the next `WATCH_S` seconds; those that end
    are left out.
    """
    began = time.monotonic()
    time.sleep(CPU_COMPARISON_S)
    after = collector.read(pids, only_watched=bool(pids))
    states = derive_processes(before, after, time.monotonic() - began)
    return [state for state in states if state.identity in identities]


def _processes_named(name: str, readings: tuple[ProcessReading, ...]) -> list[ProcessReading]:
    """The Python processes of that name; where none is, those whose name holds it ("gunicorn:
    worker").
    """
    known = [reading for reading in readings if reading.python is not None]
    exact = [reading for reading in known if reading.name == name]
    return exact or [reading for reading in known if name.casefold() in reading.name.casefold()]

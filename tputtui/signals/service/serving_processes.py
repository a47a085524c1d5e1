"""The process offered to the profiler: one that serves the service on screen.

If there is none, a reason is given. This is the only place where this is decided: for the keys p
and P, for the marks in the process table, for `:PORT` on the command line and for captures started
by an objective. Pure: the owners of sockets were read before (`host.socket_owners`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tputtui.frozen import frozen
from tputtui.model import (
    ProcessReference,
    ProcessState,
    ServiceState,
    Snapshot,
    SocketHolder,
    TargetListeners,
)
from tputtui.text import clean, truncate, width

IDLE_PERCENT = 1.0
"""Percent of a core below which two processes count as equally idle.

Idle supervisors wake up several times a second.
"""


@frozen
class Workers:
    """The processes that hold the sockets of some targets."""

    processes: tuple[ProcessState, ...] = ()  # Python processes that serve, busiest first
    # Python processes that hold the socket for their children
    parents: tuple[ProcessState, ...] = ()
    # parents that were seen to leave the work to their children
    idle_parents: frozenset[ProcessReference] = frozenset()
    non_python: tuple[ProcessState, ...] = ()  # processes that are not Python

    @property
    def identities(self) -> frozenset[ProcessReference]:
        """The identities of all of these processes."""
        return frozenset(one.identity for one in (*self.processes, *self.parents, *self.non_python))


@frozen
class ProcessChoice:
    """The process to profile.

    Without a process, `reason` is a sentence that says why and what to do. `place` is its rank
    among the service's `workers`, busiest first; 0 if it was chosen by hand.
    """

    process: ProcessState | None = None
    position: int = 0
    worker_count: int = 0
    note: str = ""
    # the process only waits for its workers: the next p profiles this one
    next_pid: int | None = None
    reason: str = ""
    is_pending: bool = False  # not looked up yet: try again at the next tick
    needs_cursor: bool = False  # no service is shown: a process has to be chosen by hand

    def describe(self, max_width: int = 400) -> str:
        """Describe the process by pid and name, and the effect of the next p, in `room` cells.

        Without a process: the reason.
        """
        if self.process is None:
            return self.reason
        words = format_process(self.process)
        if self.next_pid is not None:
            waits = f"only waits for its workers: p again takes {self.next_pid}"
            words = f"{words}, which {waits}"
            return words if width(words) <= max_width else f"{self.process.pid}, which {waits}"
        if self.worker_count > 1:
            words += f", {self.position} of {self.worker_count} workers: p again for the next"
        more = f"{words}; {self.note}" if self.note else words
        return more if width(more) <= max_width else words


def format_process(process: ProcessState) -> str:
    """Name a process for a sentence: "4711 app.py"."""
    return f"{process.pid} {truncate(clean(process.name), 32)}"


# -------------------------------------------------------------------------------- serving processes


def find_workers(
    listeners: Iterable[TargetListeners], processes: Iterable[ProcessState]
) -> Workers:
    """Classify the holders of the targets' sockets that still run.

    A parent that shares its listening socket with its children (gunicorn's arbiter, uvicorn's
    supervisor) is a worker only if it holds accepted connections, or if none of the family does and
    it is the busiest of them.
    """
    running = {process.identity: process for process in processes}
    held = _running_holders(listeners, running)
    python = {
        identity: _Holder(running[identity], holder)
        for identity, holder in held.items()
        if running[identity].python is not None
    }
    serving: list[_Holder] = []
    parents: list[_Holder] = []
    waiting: set[ProcessReference] = set()
    for one in python.values():
        children = [other for other in python.values() if other.holder.parent == one.process.pid]
        if not children or _serves_itself(one, children):
            serving.append(one)
            continue
        parents.append(one)
        if _is_idle_parent(one, children):
            waiting.add(one.process.identity)
    return Workers(
        tuple(one.process for one in sorted(serving, key=_Holder.sort_key)),
        tuple(one.process for one in parents),
        frozenset(waiting),
        tuple(running[identity] for identity in sorted(held) if identity not in python),
    )


@frozen
class _Holder:
    """A process and the sockets of a target that it holds."""

    process: ProcessState
    holder: SocketHolder

    @property
    def percent(self) -> float:
        """CPU in percent of one core; all idle processes have the same value."""
        percent = self.process.cpu_percent or 0.0
        return percent if percent >= IDLE_PERCENT else 0.0

    def sort_key(self) -> tuple[float, int, int]:
        """Sort key: busiest first; among idle processes, most connections first."""
        return (-self.percent, -self.holder.connections, self.process.pid)


def _running_holders(
    listeners: Iterable[TargetListeners], running: Mapping[ProcessReference, ProcessState]
) -> dict[ProcessReference, SocketHolder]:
    """Return the holders that still run, by pid.

    A process that holds several sockets appears with the one that has the most connections.
    """
    held: dict[ProcessReference, SocketHolder] = {}
    for holder in (holder for target in listeners for holder in target.holders):
        identity = holder.identity
        before = held.get(identity)
        if identity in running and (before is None or before.connections < holder.connections):
            held[identity] = holder
    return {identity: held[identity] for identity in sorted(held)}


def _serves_itself(parent: _Holder, children: Sequence[_Holder]) -> bool:
    if parent.holder.connections:
        return True
    if any(child.holder.connections for child in children) or not parent.percent:
        return False
    return parent.percent >= max(child.percent for child in children)


def _is_idle_parent(parent: _Holder, children: Sequence[_Holder]) -> bool:
    """Tell whether a parent was seen to leave the work to its children.

    False without evidence.
    """
    if any(child.holder.connections for child in children):
        return True
    return not parent.percent and any(child.percent for child in children)


def serving_marks(snapshot: Snapshot) -> dict[ProcessReference, str]:
    """Return the marks of the process table by process: "serves :8070"."""
    ports: dict[ProcessReference, set[int]] = {}
    for target in snapshot.listeners or ():
        for holder in target.holders:
            ports.setdefault(holder.identity, set()).add(target.port)
    if not ports:
        return {}
    waiting = find_workers(snapshot.listeners or (), snapshot.processes or ()).idle_parents
    found: dict[ProcessReference, str] = {}
    for identity, own in ports.items():
        shown = " ".join(f":{port}" for port in sorted(own))
        found[identity] = f"its workers serve {shown}" if identity in waiting else f"serves {shown}"
    return found


def find_service(snapshot: Snapshot, process: ProcessReference) -> ServiceState | None:
    """Return the service that a process serves; None if it serves no target."""
    for target in snapshot.listeners or ():
        if any(process.matches(holder.identity) for holder in target.holders):
            return next(
                (service for service in snapshot.services if target.target in service.targets), None
            )
    return None


# ------------------------------------------------------------------------------ choice of a process


def choose_process(
    snapshot: Snapshot,
    service: ServiceState | None,
    *,
    cursor: ProcessReference | None = None,
    has_focus: bool = False,
    sampled: Collection[ProcessReference] = (),
    sudo: str = "sudo tputtui",
    by_hand: str = "choose a process by hand",
) -> ProcessChoice:
    """Choose the process to profile; never one that does not serve the service on screen.

    In this order:

    1. the process under the cursor of the process list, if the list has the focus,
    2. the busiest worker of `service`, the one on screen, that is not in `sampled`,
    3. without a service, the process under the cursor, with or without focus,
    4. none.

    `cursor` is the process of the marked row, if the list shows it. `sudo` (the command that starts
    this program as root) and `by_hand` (how to choose a process) are used in sentences.
    """
    processes = snapshot.processes
    if processes is None:
        return ProcessChoice(is_pending=True, reason="looking for the process to profile")
    if cursor is not None and (has_focus or service is None):
        return _choose_at_cursor(snapshot, cursor, sampled)
    if service is None:
        return ProcessChoice(
            reason=f"no service is shown and no process is chosen: {by_hand}", needs_cursor=True
        )
    if snapshot.listeners is None:
        return ProcessChoice(is_pending=True, reason="looking for the process that serves it")
    return _choose_for_service(snapshot, service, sampled, sudo, by_hand)


def _choose_at_cursor(
    snapshot: Snapshot, cursor: ProcessReference, sampled: Collection[ProcessReference]
) -> ProcessChoice:
    process = next((one for one in snapshot.processes or () if one.identity == cursor), None)
    if process is None:
        return ProcessChoice(reason=f"process {cursor.pid} has ended: choose another")
    family = find_family(snapshot, process)
    if process.identity not in family.idle_parents or not family.processes:
        return ProcessChoice(process)
    return ProcessChoice(process, next_pid=_next_process(family.processes, sampled).pid)


def _next_process(
    ranked: Sequence[ProcessState], sampled: Collection[ProcessReference]
) -> ProcessState:
    """Return the first process not sampled in this round; after all were, a new round begins."""
    return next((one for one in ranked if one.identity not in sampled), ranked[0])


def find_family(snapshot: Snapshot, process: ProcessState) -> Workers:
    """Return the workers of the service that a process serves."""
    service = find_service(snapshot, process.identity)
    if service is None:
        return Workers()
    return find_workers(_service_listeners(snapshot, service), snapshot.processes or ())


def _service_listeners(snapshot: Snapshot, service: ServiceState) -> list[TargetListeners]:
    return [one for one in snapshot.listeners or () if one.target in service.targets]


def _choose_for_service(
    snapshot: Snapshot,
    service: ServiceState,
    sampled: Collection[ProcessReference],
    sudo: str,
    by_hand: str,
) -> ProcessChoice:
    listeners = _service_listeners(snapshot, service)
    if not listeners:
        return ProcessChoice(is_pending=True, reason="looking for the process that serves it")
    found = choose_worker(listeners, snapshot.processes or (), sampled)
    if found is not None:
        return found
    up = {target.name for target in snapshot.targets if target.state == "up"}
    return ProcessChoice(
        reason=describe_no_process(
            listeners, snapshot.processes or (), clean(service.name, 40), sudo, by_hand, up
        )
    )


def choose_worker(
    listeners: Sequence[TargetListeners],
    processes: Sequence[ProcessState],
    sampled: Collection[ProcessReference] = (),
) -> ProcessChoice | None:
    """Offer the busiest worker not sampled in this round; None if there is no worker.

    After all workers were sampled, a new round begins.
    """
    workers = find_workers(listeners, processes)
    ranked = workers.processes
    if not ranked:
        return None
    had_turn = sum(one.identity in sampled for one in ranked)
    place = had_turn % len(ranked) + 1
    waiting = next((one for one in workers.parents if one.identity in workers.idle_parents), None)
    note = f"their parent {waiting.pid} only waits for them" if waiting is not None else ""
    if note and len(ranked) == 1:
        note = note.replace("their", "its").replace("them", "it")
    return ProcessChoice(_next_process(ranked, sampled), place, len(ranked), note)


def describe_no_process(
    listeners: Sequence[TargetListeners],
    processes: Sequence[ProcessState],
    service: str,
    sudo: str,
    manual_hint: str,
    answering_targets: Collection[str] = (),
) -> str:
    """Say why no process is offered for a service, and what to do.

    Uses the target of which most is known. `otherwise` says how to choose a process by hand; `up`
    holds the targets that answer.
    """
    others = find_workers(listeners, processes).non_python
    hidden = next((one for one in listeners if one.hidden_users), None)
    here = next((one for one in listeners if one.here), None)
    away = next((one for one in listeners if one.here is False), None)
    served = next((one for one in listeners if one.server), None)
    if hidden is not None:
        at, owner = clean(hidden.address, 60), clean(hidden.hidden_users[0], 40)
        return f"a process of user {owner} listens on {at}, and you may not see it: run: {sudo} profile :{hidden.port}"
    if others:
        port = next(
            one.port
            for one in listeners
            if any(others[0].pid == holder.pid for holder in one.holders)
        )
        return f"{format_process(others[0])} listens on :{port} and is not Python; {manual_hint}"
    if here is not None:
        at = clean(here.address, 60)
        if here.holders:
            return f"the process that listened on {at} has ended; {manual_hint}"
        if here.target in answering_targets:
            return f"{at} answers, but no process here listens there (a container's network?); {manual_hint}"
        return f"no process listens on {at}: start the service; {manual_hint}"
    if away is not None:
        return f"{clean(away.address, 60)} is not on this machine: run tputtui there; {manual_hint}"
    if served is not None:
        return (
            f"{clean(served.server, 60)} reports {service} and names no process here; {manual_hint}"
        )
    return f"the address {clean(listeners[0].address, 60)} is not resolved yet: try again; {manual_hint}"

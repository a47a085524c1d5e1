"""The process offered to the profiler: one that serves the service on screen.

If there is none, a reason is given. This is the only place where this is decided: for the keys p
and P, for the marks in the process table, for `:PORT` on the command line and for captures started
by an objective. Pure: the owners of sockets were read before (`host.socket_owners`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tputtui.frozen import frozen
from tputtui.model import ProcessState, ServiceState, Snapshot, SocketHolder, TargetListeners
from tputtui.text import clean, truncate, width

ProcessIdentity = tuple[int, float]
"""A process by pid and start time."""

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
    idle_parents: frozenset[ProcessIdentity] = frozenset()
    non_python: tuple[ProcessState, ...] = ()  # processes that are not Python

    @property
    def identities(self) -> frozenset[ProcessIdentity]:
        """The identities of all of these processes."""
        return frozenset(
            process.identity for process in (*self.processes, *self.parents, *self.non_python)
        )


@frozen
class ProcessChoice:
    """The process to profile.

    Without a process, `reason` is a sentence that says why and what to do. `position` is its rank
    among the service's `worker_count` workers, busiest first; 0 if it was chosen by hand.
    """

    process: ProcessState | None = None
    position: int = 0
    worker_count: int = 0
    note: str = ""
    # the process only waits for its workers: the next p profiles this one
    next_pid: int | None = None
    reason: str = ""
    is_pending: bool = False  # the look-up is not finished: try again at the next tick
    needs_cursor: bool = False  # no service is shown: a process has to be chosen by hand

    def describe(self, max_width: int = 400) -> str:
        """Describe the process by pid and name, and the effect of the next p.

        A text of more than `max_width` cells is shortened. Without a process: the reason.
        """
        if self.process is None:
            return self.reason
        sentence = format_process(self.process)
        if self.next_pid is not None:
            next_effect = f"which only waits for its workers: p again takes {self.next_pid}"
            sentence = f"{sentence}, {next_effect}"
            if width(sentence) <= max_width:
                return sentence
            return f"{self.process.pid}, {next_effect}"
        if self.worker_count > 1:
            sentence += f", {self.position} of {self.worker_count} workers: p again for the next"
        with_note = f"{sentence}; {self.note}" if self.note else sentence
        return with_note if width(with_note) <= max_width else sentence


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
    waiting: set[ProcessIdentity] = set()
    for candidate in python.values():
        children = [
            other for other in python.values() if other.holder.parent == candidate.process.pid
        ]
        if not children or _serves_itself(candidate, children):
            serving.append(candidate)
            continue
        parents.append(candidate)
        if _is_idle_parent(candidate, children):
            waiting.add(candidate.process.identity)
    return Workers(
        tuple(candidate.process for candidate in sorted(serving, key=_Holder.sort_key)),
        tuple(candidate.process for candidate in parents),
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
    listeners: Iterable[TargetListeners], running: Mapping[ProcessIdentity, ProcessState]
) -> dict[ProcessIdentity, SocketHolder]:
    """Return the holders that still run, by pid.

    A process that holds several sockets appears with the one that has the most connections.
    """
    held: dict[ProcessIdentity, SocketHolder] = {}
    for holder in (holder for target in listeners for holder in target.holders):
        identity = (holder.pid, holder.started)
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


def serving_marks(snapshot: Snapshot) -> dict[ProcessIdentity, str]:
    """Return the marks of the process table by process: "serves :8070"."""
    ports: dict[ProcessIdentity, set[int]] = {}
    for target in snapshot.listeners or ():
        for holder in target.holders:
            ports.setdefault((holder.pid, holder.started), set()).add(target.port)
    if not ports:
        return {}
    waiting = find_workers(snapshot.listeners or (), snapshot.processes or ()).idle_parents
    marks: dict[ProcessIdentity, str] = {}
    for identity, own_ports in ports.items():
        shown = " ".join(f":{port}" for port in sorted(own_ports))
        marks[identity] = f"its workers serve {shown}" if identity in waiting else f"serves {shown}"
    return marks


def find_service(snapshot: Snapshot, pid: int, started: float | None) -> ServiceState | None:
    """Return the service that a process serves; None if it serves no target."""
    for target in snapshot.listeners or ():
        if any(
            holder.pid == pid and started in (None, holder.started) for holder in target.holders
        ):
            return next(
                (service for service in snapshot.services if target.target in service.targets), None
            )
    return None


# ------------------------------------------------------------------------------ choice of a process


def choose_process(
    snapshot: Snapshot,
    service: ServiceState | None,
    *,
    cursor: ProcessIdentity | None = None,
    has_focus: bool = False,
    sampled: Collection[ProcessIdentity] = (),
    sudo: str = "sudo tputtui",
    manual_hint: str = "choose a process by hand",
) -> ProcessChoice:
    """Choose the process to profile; never one that does not serve the service on screen.

    In this order:

    1. the process under the cursor of the process list, if the list has the focus,
    2. the busiest worker of `service`, the one on screen, that is not in `sampled`,
    3. without a service, the process under the cursor, with or without focus,
    4. none.

    `cursor` is the process of the marked row, if the list shows it. `sudo` (the command that starts
    this program as root) and `manual_hint` (how to choose a process) are used in sentences.
    """
    processes = snapshot.processes
    if processes is None:
        return ProcessChoice(is_pending=True, reason="looking for the process to profile")
    if cursor is not None and (has_focus or service is None):
        return _choose_at_cursor(snapshot, cursor, sampled)
    if service is None:
        return ProcessChoice(
            reason=f"no service is shown and no process is chosen: {manual_hint}", needs_cursor=True
        )
    if snapshot.listeners is None:
        return ProcessChoice(is_pending=True, reason="looking for the process that serves it")
    return _choose_for_service(snapshot, service, sampled, sudo, manual_hint)


def _choose_at_cursor(
    snapshot: Snapshot, cursor: ProcessIdentity, sampled: Collection[ProcessIdentity]
) -> ProcessChoice:
    process = next(
        (candidate for candidate in snapshot.processes or () if candidate.identity == cursor), None
    )
    if process is None:
        return ProcessChoice(reason=f"process {cursor[0]} has ended: choose another")
    family = find_family(snapshot, process)
    if process.identity not in family.idle_parents or not family.processes:
        return ProcessChoice(process)
    return ProcessChoice(process, next_pid=_next_process(family.processes, sampled).pid)


def _next_process(
    ranked: Sequence[ProcessState], sampled: Collection[ProcessIdentity]
) -> ProcessState:
    """Return the first process not sampled in this round; after all were, a new round begins."""
    return next((process for process in ranked if process.identity not in sampled), ranked[0])


def find_family(snapshot: Snapshot, process: ProcessState) -> Workers:
    """Return the workers of the service that a process serves."""
    service = find_service(snapshot, process.pid, process.started)
    if service is None:
        return Workers()
    return find_workers(_service_listeners(snapshot, service), snapshot.processes or ())


def _service_listeners(snapshot: Snapshot, service: ServiceState) -> list[TargetListeners]:
    return [target for target in snapshot.listeners or () if target.target in service.targets]


def _choose_for_service(
    snapshot: Snapshot,
    service: ServiceState,
    sampled: Collection[ProcessIdentity],
    sudo: str,
    manual_hint: str,
) -> ProcessChoice:
    listeners = _service_listeners(snapshot, service)
    if not listeners:
        return ProcessChoice(is_pending=True, reason="looking for the process that serves it")
    choice = choose_worker(listeners, snapshot.processes or (), sampled)
    if choice is not None:
        return choice
    up = {target.name for target in snapshot.targets if target.state == "up"}
    return ProcessChoice(
        reason=describe_no_process(
            listeners, snapshot.processes or (), clean(service.name, 40), sudo, manual_hint, up
        )
    )


def choose_worker(
    listeners: Sequence[TargetListeners],
    processes: Sequence[ProcessState],
    sampled: Collection[ProcessIdentity] = (),
) -> ProcessChoice | None:
    """Offer the busiest worker not sampled in this round; None if there is no worker.

    After all workers were sampled, a new round begins.
    """
    workers = find_workers(listeners, processes)
    ranked = workers.processes
    if not ranked:
        return None
    sampled_count = sum(process.identity in sampled for process in ranked)
    position = sampled_count % len(ranked) + 1
    idle_parent = next(
        (process for process in workers.parents if process.identity in workers.idle_parents), None
    )
    note = f"their parent {idle_parent.pid} only waits for them" if idle_parent is not None else ""
    if note and len(ranked) == 1:
        note = note.replace("their", "its").replace("them", "it")
    return ProcessChoice(_next_process(ranked, sampled), position, len(ranked), note)


def describe_no_process(
    listeners: Sequence[TargetListeners],
    processes: Sequence[ProcessState],
    service: str,
    sudo: str,
    manual_hint: str,
    answering_targets: Collection[str] = (),
) -> str:
    """Say why no process is offered for a service, and what to do.

    Uses the target of which most is known. `manual_hint` says how to choose a process by hand;
    `answering_targets` holds the targets that answer.
    """
    others = find_workers(listeners, processes).non_python
    hidden = next((target for target in listeners if target.hidden_users), None)
    local = next((target for target in listeners if target.here), None)
    remote = next((target for target in listeners if target.here is False), None)
    from_server = next((target for target in listeners if target.server), None)
    if hidden is not None:
        address, owner = clean(hidden.address, 60), clean(hidden.hidden_users[0], 40)
        return (
            f"a process of user {owner} listens on {address}, and you may not see it: "
            f"run: {sudo} profile :{hidden.port}"
        )
    if others:
        port = next(
            target.port
            for target in listeners
            if any(others[0].pid == holder.pid for holder in target.holders)
        )
        return f"{format_process(others[0])} listens on :{port} and is not Python; {manual_hint}"
    if local is not None:
        address = clean(local.address, 60)
        if local.holders:
            return f"the process that listened on {address} has ended; {manual_hint}"
        if local.target in answering_targets:
            return (
                f"{address} answers, but no process here listens there (a container's network?); "
                f"{manual_hint}"
            )
        return f"no process listens on {address}: start the service; {manual_hint}"
    if remote is not None:
        return (
            f"{clean(remote.address, 60)} is not on this machine: run tputtui there; {manual_hint}"
        )
    if from_server is not None:
        server = clean(from_server.server, 60)
        return f"{server} reports {service} and names no process here; {manual_hint}"
    address = clean(listeners[0].address, 60)
    return f"the address {address} is not resolved yet: try again; {manual_hint}"

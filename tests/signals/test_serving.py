"""Choice of the process to profile, from the owners of sockets; tables, no processes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tputtui.model import (
    ProcessReference,
    ProcessState,
    ServiceState,
    Snapshot,
    SocketHolder,
    TargetListeners,
    TargetStatus,
)
from tputtui.signals.service.serving_processes import (
    ProcessChoice,
    choose_process,
    choose_worker,
    find_service,
    find_workers,
    serving_marks,
)
from tputtui.views.live.process_table import BY_HAND

SHOP, TILL = ServiceState("shop", ("shop-1",)), ServiceState("till", ("till-1",))


def process(
    pid: int, cpu: float | None = 0.0, python: str | None = "3.12", name: str = "app.py"
) -> ProcessState:
    return ProcessState(pid, pid / 10, name, "app", cpu, 1, 1, "S", python=python)


def holder(
    pid: int, parent: int = 900, connections: int = 0, *, is_listening: bool = True
) -> SocketHolder:
    return SocketHolder(pid, pid / 10, parent, connections, is_listening)


def at(target: str, port: int, *holders: SocketHolder) -> TargetListeners:
    return TargetListeners(target, port, f"127.0.0.1:{port}", here=True, holders=holders)


def snapshot(
    processes: tuple[ProcessState, ...] | None, *listeners: TargetListeners, state: str = "up"
) -> Snapshot:
    statuses = tuple(
        TargetStatus(listener.target, f"http://{listener.address}/metrics", state)  # type: ignore[arg-type]
        for listener in listeners
    )
    return Snapshot(
        0.0, 0.0, 1.0, 10.0, statuses, (SHOP, TILL), processes=processes, listeners=listeners
    )


def pid_of(choice: ProcessChoice) -> int | None:
    return choice.process.pid if choice.process is not None else None


TWO = snapshot(
    (process(3, 99.0, name="batch.py"), process(2, 60.0), process(1, 2.0)),
    at("shop-1", 8070, holder(1)),
    at("till-1", 8071, holder(2)),
)
"""Two services, and the busiest Python process of the machine serves neither."""


@pytest.mark.parametrize(
    ("service", "cursor", "has_focus", "pid"),
    [
        (SHOP, None, False, 1),
        (TILL, None, False, 2),
        (SHOP, None, True, 1),  # the list has the focus, and no row is marked
        (SHOP, (3, 0.3), False, 1),  # a cursor in a list without the focus
        (SHOP, (3, 0.3), True, 3),  # under the cursor of the focused list: the explicit choice
        (None, (3, 0.3), False, 3),
        (None, (3, 0.3), True, 3),
        (None, None, False, None),
        (None, None, True, None),
    ],
)
def test_the_default_process_is_the_focused_cursor_then_the_service_then_the_cursor(
    service: ServiceState | None, cursor: ProcessReference | None, has_focus: bool, pid: int | None
) -> None:
    choice = choose_process(TWO, service, cursor=cursor, has_focus=has_focus)
    assert pid_of(choice) == pid
    assert choice.needs_cursor == (pid is None)
    assert choice.describe() != ""


def test_a_cursor_belongs_to_a_pid_and_its_start_time() -> None:
    for cursor in (ProcessReference(3, 9.9), ProcessReference(7, 0.7)):
        choice = choose_process(TWO, SHOP, cursor=cursor, has_focus=True)
        assert choice.process is None, (
            "not the process that took over the pid, and not another in its place"
        )
        assert choice.reason == f"process {cursor[0]} has ended: choose another"


@pytest.mark.parametrize("busiest", [11, 12, 13])
def test_of_forked_workers_the_busiest_is_first_and_p_cycles_through_all(busiest: int) -> None:
    states = (
        process(10, 0.2),
        *(process(pid, 80.0 if pid == busiest else pid - 10.0) for pid in (11, 12, 13)),
    )
    state = snapshot(
        states, at("shop-1", 8070, holder(10), *(holder(pid, 10) for pid in (11, 12, 13)))
    )
    sampled: set[ProcessReference] = set()
    chosen = []
    for place in (1, 2, 3):
        choice = choose_process(state, SHOP, sampled=sampled)
        assert choice.process is not None
        assert (
            f"{choice.process.pid} app.py, {place} of 3 workers: p again for the next"
            in choice.describe()
        )
        assert "their parent 10 only waits for them" in choice.describe()
        chosen.append(choice.process.pid)
        sampled.add(choice.process.identity)
    assert chosen[0] == busiest
    assert sorted(chosen) == [11, 12, 13]
    again = choose_process(state, SHOP, sampled=sampled)
    assert (pid_of(again), again.position) == (busiest, 1)


def test_siblings_with_a_socket_each_are_workers_and_replicas_on_this_machine_are_one_service() -> (
    None
):
    both = ServiceState("shop", ("shop-1", "till-1"))
    state = snapshot(
        (process(1, 5.0), process(2, 50.0), process(3, 20.0)),
        at("shop-1", 8070, holder(1), holder(2)),
        at("till-1", 8071, holder(3)),
    )
    choice = choose_process(state, both)
    assert (pid_of(choice), choice.worker_count) == (2, 3)


PARENT_CASES = {
    "idle, nothing to tell them apart: the child": ((0.0, 0), (0.0, 0), [11], False),
    "the parent wakes up, its child works": ((0.4, 0), (70.0, 0), [11], True),
    "a reloader that scans files, its child holds the connections": (
        (6.0, 0),
        (0.2, 2),
        [11],
        True,
    ),
    "the parent serves and is busy, its forked pool idles": ((70.0, 0), (0.0, 0), [10, 11], False),
    "the parent holds the connections, its forked pool computes": (
        (2.0, 3),
        (70.0, 0),
        [11, 10],
        False,
    ),
    "no rate is known yet": ((None, 0), (None, 0), [11], False),
}


@pytest.mark.parametrize("case", PARENT_CASES)
def test_a_parent_is_a_worker_only_where_it_accepts_connections(case: str) -> None:
    (own, own_connections), (childs, childs_connections), ranked, is_waiting = PARENT_CASES[case]
    target = at(
        "shop-1", 8070, holder(10, 900, own_connections), holder(11, 10, childs_connections)
    )
    workers = find_workers([target], (process(10, own), process(11, childs)))
    assert [process.pid for process in workers.processes] == ranked
    assert (workers.idle_parents == {(10, 1.0)}) == is_waiting


def test_a_waiting_parent_under_the_cursor_says_so_and_offers_the_busiest() -> None:
    state = snapshot(
        (process(10, 0.1, name="gunicorn: master"), process(11, 9.0), process(12, 90.0)),
        at("shop-1", 8070, holder(10), holder(11, 10), holder(12, 10)),
    )
    choice = choose_process(state, SHOP, cursor=ProcessReference(10, 1.0), has_focus=True)
    assert (
        choice.describe()
        == "10 gunicorn: master, which only waits for its workers: p again takes 12"
    )
    assert choice.describe(60) == "10, which only waits for its workers: p again takes 12"
    assert pid_of(choice) == 10, "the row that was chosen"


def test_a_process_with_accepted_connections_serves_without_listening() -> None:
    target = at("shop-1", 8070, holder(10), holder(11, 10, 3, is_listening=False))
    assert [
        worker.pid for worker in find_workers([target], (process(10), process(11, 50.0))).processes
    ] == [11]


def test_a_holder_that_ended_or_whose_pid_was_taken_over_is_never_offered() -> None:
    target = at("shop-1", 8070, holder(1))
    other = replace(process(1, 99.0), started=77.0)
    assert choose_worker([target], (other,)) is None
    choice = choose_process(snapshot((other,), target), SHOP)
    assert choice.process is None
    assert "has ended" in choice.reason


NOTHING = TargetListeners("shop-1", 8070, "127.0.0.1:8070", here=True)
BUSY = (process(3, 99.0, name="batch.py"),)


@pytest.mark.parametrize(
    ("listeners", "processes", "state", "expected"),
    [
        (
            replace(NOTHING, hidden_users=("root",)),
            BUSY,
            "up",
            "a process of user root listens on 127.0.0.1:8070, and you may not see it: run: sudo /x/tputtui profile :8070",
        ),
        (
            at("shop-1", 8070, holder(9)),
            (*BUSY, process(9, 1.0, None, "docker-proxy")),
            "up",
            "9 docker-proxy listens on :8070 and is not Python; press 6, select a process, press p",
        ),
        (
            at("shop-1", 8070, holder(9), holder(8, 9)),
            (
                *BUSY,
                process(9, 1.0, None, "nginx: master process"),
                process(8, 1.0, None, "nginx: worker process"),
            ),
            "up",
            "is not Python; press 6, select a process, press p",
        ),
        (
            NOTHING,
            BUSY,
            "up",
            "127.0.0.1:8070 answers, but no process here listens there (a container's network?)",
        ),
        (NOTHING, BUSY, "down", "no process listens on 127.0.0.1:8070: start the service"),
        (
            replace(NOTHING, here=False, address="web-07:8070"),
            BUSY,
            "up",
            "web-07:8070 is not on this machine: run tputtui there; press 6, select a process, press p",
        ),
        (
            replace(NOTHING, here=None, server="prom:9090"),
            BUSY,
            "up",
            "prom:9090 reports shop and names no process here; press 6, select a process, press p",
        ),
        (
            replace(NOTHING, here=None),
            BUSY,
            "up",
            "the address 127.0.0.1:8070 is not resolved yet: try again",
        ),
    ],
)
def test_where_no_worker_is_visible_only_a_sentence_is_offered(
    listeners: TargetListeners, processes: tuple[ProcessState, ...], state: str, expected: str
) -> None:
    choice = choose_process(
        snapshot(processes, listeners, state=state),
        SHOP,
        sudo="sudo /x/tputtui",
        manual_hint=BY_HAND,
    )
    assert choice.process is None, "never a process that does not serve what is shown"
    assert not choice.is_pending
    assert expected in choice.reason
    assert choice.describe() == choice.reason


def test_a_python_holder_goes_before_the_one_that_only_opened_the_socket() -> None:
    """systemd keeps a socket that it activates."""
    state = snapshot(
        (process(9, 50.0, None, "systemd"), process(4, 1.0)),
        at("shop-1", 8070, holder(9), holder(4, 9)),
    )
    choice = choose_process(state, SHOP)
    assert (pid_of(choice), choice.worker_count) == (4, 1)
    assert "again" not in choice.describe()


def test_before_the_first_lookup_the_choice_waits() -> None:
    assert choose_process(replace(TWO, processes=None), SHOP).is_pending
    assert choose_process(replace(TWO, listeners=None), SHOP).is_pending
    assert choose_process(
        replace(TWO, listeners=TWO.listeners[1:] if TWO.listeners else ()), SHOP
    ).is_pending
    assert not choose_process(
        replace(TWO, listeners=None), SHOP, cursor=ProcessReference(3, 0.3), has_focus=True
    ).is_pending


def test_rows_are_marked_by_the_ports_of_targets_only() -> None:
    marks = serving_marks(TWO)
    assert marks == {(1, 0.1): "serves :8070", (2, 0.2): "serves :8071"}
    both = snapshot(
        (process(10), process(11, 40.0)),
        at("shop-1", 8070, holder(10), holder(11, 10)),
        at("till-1", 9000, holder(11)),
    )
    assert serving_marks(both) == {
        (10, 1.0): "its workers serve :8070",
        (11, 1.1): "serves :8070 :9000",
    }
    assert serving_marks(replace(TWO, listeners=None)) == {}


def test_the_service_of_a_process_is_that_of_the_target_it_serves() -> None:
    assert find_service(TWO, ProcessReference(2, 0.2)) is TILL
    assert find_service(TWO, ProcessReference(2, None)) is TILL
    assert find_service(TWO, ProcessReference(2, 5.0)) is None
    assert find_service(TWO, ProcessReference(3, 0.3)) is None


def test_a_refusal_names_no_key_of_the_screen_unless_the_caller_does() -> None:
    choice = choose_process(snapshot(BUSY, NOTHING, state="down"), SHOP)
    assert (
        choice.reason
        == "no process listens on 127.0.0.1:8070: start the service; choose a process by hand"
    )

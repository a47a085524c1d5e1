from __future__ import annotations

import pytest
import samples

from tputtui.model import START_TOLERANCE_S, ProcessReference, SocketHolder


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        (ProcessReference(7, 1.0), ProcessReference(7, 1.0), True),
        (ProcessReference(7, 1.0), ProcessReference(7, 2.0), False),
        (ProcessReference(7, 1.0), ProcessReference(8, 1.0), False),
        (ProcessReference(7), ProcessReference(7, 2.0), True),
        (ProcessReference(7, 1.0), ProcessReference(7), True),
        (ProcessReference(7), ProcessReference(8), False),
    ],
)
def test_a_reused_pid_is_another_process_and_an_unknown_start_time_matches_any(
    first: ProcessReference, second: ProcessReference, is_same: bool
) -> None:
    assert first.matches(second) is is_same


def test_start_times_of_two_sources_may_differ_by_the_tolerance() -> None:
    process = ProcessReference(7, 100.0)
    late = ProcessReference(7, 100.0 + START_TOLERANCE_S)
    assert not process.matches(late)
    assert process.matches(late, START_TOLERANCE_S)
    assert not process.matches(ProcessReference(7, 102.5), START_TOLERANCE_S)


def test_the_process_table_and_the_socket_holder_agree_on_a_process() -> None:
    process = samples.PROCESSES[0]
    holder = SocketHolder(process.pid, process.started)
    assert {process.identity: "serves"}[holder.identity] == "serves"

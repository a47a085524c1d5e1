"""Rates of each process between two readings, by pid and start time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tputtui.model import Cgroup, ProcessReading
from tputtui.signals.host.process_rates import derive_processes, used_cores

APP = ProcessReading(
    7,
    1000.0,
    "app",
    "shop",
    10.0,
    4096,
    3,
    "S",
    "app --x",
    "3.12",
    (80,),
    Cgroup("/a", 2, 1.0, 100, 10),
)


def percents(
    before: list[ProcessReading] | None, now: list[ProcessReading], elapsed_s: float
) -> list[float | None]:
    return [state.cpu_percent for state in derive_processes(before, now, elapsed_s)]


def test_cpu_is_percent_of_one_core() -> None:
    assert percents([APP], [replace(APP, cpu_s=16.0)], 2.0) == [300.0]


def test_the_other_fields_are_passed_on() -> None:
    now = replace(APP, cgroup=Cgroup("/a", 2, 1.0, 120, 18))
    (state,) = derive_processes([APP], [now], 1.0)
    assert state.identity == APP.identity
    assert (state.name, state.user, state.rss_bytes, state.threads) == ("app", "shop", 4096, 3)
    assert (state.state, state.command, state.python, state.ports) == (
        "S",
        "app --x",
        "3.12",
        (80,),
    )
    assert state.cgroup is not None
    assert state.cgroup.throttled_percent == 40.0


def test_a_reused_pid_starts_without_a_rate() -> None:
    assert percents([APP], [replace(APP, started=2000.0, cpu_s=99.0)], 1.0) == [None]


@pytest.mark.parametrize("elapsed_s", [0.0, -1.0])
def test_without_elapsed_time_there_is_no_rate(elapsed_s: float) -> None:
    assert percents([APP], [APP], elapsed_s) == [None]


def test_a_forbidden_counter_is_unknown_and_a_falling_one_is_zero() -> None:
    hidden = replace(APP, cpu_s=None)
    assert percents([hidden], [APP], 1.0) == [None]
    assert percents([APP], [hidden], 1.0) == [None]
    assert percents([APP], [replace(APP, cpu_s=9.0)], 1.0) == [0.0]
    assert percents(None, [APP], 1.0) == [None]


def test_the_shown_processes_use_a_part_of_the_busy_cores() -> None:
    others = [replace(APP, pid=8), replace(APP, pid=9)]
    now = [replace(APP, cpu_s=11.5), replace(APP, pid=8, cpu_s=10.7), replace(APP, pid=10)]
    assert used_cores(derive_processes([APP, *others], now, 1.0)) == pytest.approx(2.2)

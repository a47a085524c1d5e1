"""Captures without a key: triggered by an objective, or periodic over a subset of processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tputtui.model import ObjectiveState, ObjectiveStatus, ProcessReference, Snapshot
from tputtui.profiling.capture import capture_triggers, process_lookup
from tputtui.profiling.capture.capture_triggers import (
    ObjectiveCapture,
    ObjectiveTriggerRule,
    PeriodicProfile,
    SamplingSchedule,
)
from tputtui.settings import ProfileSettings, ProfileTrigger

_WORKERS = """
import os, socket, sys, time
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen()
worker = os.fork()
if worker == 0:
    import ctypes
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # ends with its parent
    end = time.monotonic() + 60
    while time.monotonic() < end: sum(range(1000))
    os._exit(0)
print(server.getsockname()[1], worker, flush=True)
time.sleep(60)
"""


def at(seconds: float, *missed: tuple[str, ObjectiveState, float]) -> Snapshot:
    statuses = tuple(ObjectiveStatus(name, state, 1.0, for_s) for name, state, for_s in missed)
    return Snapshot(1000.0 + seconds, seconds, 1.0, 10.0, objectives=statuses)


def test_a_capture_is_due_after_the_duration_and_not_again_within_the_pause() -> None:
    trigger = ObjectiveTriggerRule(ProfileTrigger(":1", after_s=30, every_s=600))
    assert trigger.evaluate(at(0, ("p99<=1s", "missed", 29))) is None
    assert trigger.evaluate(at(1, ("p99<=1s", "ok", 500), ("rps>=5", "no_data", 500))) is None
    due = trigger.evaluate(at(2, ("p99<=1s", "missed", 31), ("rps>=5", "missed", 40)))
    assert due is not None
    assert due.expression == "rps>=5"
    assert trigger.evaluate(at(601, ("p99<=1s", "missed", 630))) is None
    assert trigger.evaluate(at(602, ("p99<=1s", "missed", 631))) is not None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12@60s", SamplingSchedule("12", 60.0)),
        (":8000@60s/5m", SamplingSchedule(":8000", 60.0, 300.0)),
        (" :1@1.5 ", SamplingSchedule(":1", 1.5)),
    ],
)
def test_a_subset_is_parsed(text: str, wanted: SamplingSchedule) -> None:
    assert capture_triggers.parse_schedule(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "12", "12@", ":@5s", ":0@5s", ":65536@5s", "::1@5s", "app@5s", "12@5s/1s", "12@0s", "12@2h", "12@5x", "1@1/2/3",
     "²@5s", "12@nan", "12@5s/inf", "\x1b[31m@5s"],
)  # fmt: skip
def test_an_invalid_subset_is_one_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as refused:
        capture_triggers.parse_schedule(text)
    assert str(refused.value).isprintable()


@pytest.fixture
def pool() -> Iterator[tuple[int, int, int]]:
    """Yield (port, idle parent, busy worker), which share one listening socket."""
    with subprocess.Popen([sys.executable, "-c", _WORKERS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port, worker = map(int, process.stdout.readline().split())
        yield port, process.pid, worker
        process.kill()


@pytest.mark.skipif(
    sys.platform != "linux", reason="the fixture's worker ends with its parent by prctl"
)
def test_of_the_processes_on_a_port_the_busy_worker_is_chosen(pool: tuple[int, int, int]) -> None:
    port, parent, worker = pool
    assert process_lookup.find(f":{port}").identity.pid == worker
    assert process_lookup.find(str(parent)).identity.pid == parent


def test_a_stop_during_the_process_lookup_starts_no_capture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looking, lookup_ended, started = threading.Event(), threading.Event(), []

    def find(process: str) -> process_lookup.ProcessMatch:
        looking.set()
        assert lookup_ended.wait(5)
        return process_lookup.ProcessMatch(ProcessReference(1, 0.0), process)

    monkeypatch.setattr(process_lookup, "find", find)
    monkeypatch.setattr(
        "tputtui.profiling.capture.capture_triggers.Capture", lambda *_, **__: started.append(1)
    )
    wanted = ProfileTrigger(":1", after_s=30)
    by_itself = ObjectiveCapture(wanted, ProfileSettings(), lambda *_: None, lambda _: None)
    assert by_itself.on_snapshot(at(0, ("p99<=1s", "missed", 31))) is not None
    assert looking.wait(5)
    threading.Timer(0.05, lookup_ended.set).start()
    by_itself.stop(5.0)
    assert lookup_ended.is_set()
    assert started == []


def test_no_process_on_the_port_is_one_sentence() -> None:
    for text in (":1", "999999999", "no-such-program\x1b[31m"):
        with pytest.raises(process_lookup.ProcessNotFoundError) as nobody:
            process_lookup.find(text)
        assert str(nobody.value).isprintable()


def test_a_subset_is_sampled_periodically_until_it_is_stopped(
    pool: tuple[int, int, int], attaching: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_lookup, "CPU_COMPARISON_S", 0.1)
    stop, samples, problems = threading.Event(), list[PeriodicProfile](), list[str]()

    def keep(sample: PeriodicProfile) -> None:
        samples.append(sample)
        if len(samples) == 2:
            stop.set()

    capture_triggers.run(SamplingSchedule(f":{pool[0]}", 1.0, 1.5), stop, keep, problems.append)
    assert problems == []
    assert [sample.profile.metadata.pid for sample in samples] == [pool[2]] * 2
    assert all(0 < sample.cpu_s < 5 for sample in samples)
    assert all(sample.profile.metadata.notes[-1] == sample.cost_text for sample in samples)
    assert "20 Hz" in samples[0].cost_text
    assert samples[0].profile.ticks("gil") == 0


def test_a_subset_that_cannot_be_sampled_is_reported_and_retried() -> None:
    stop, problems = threading.Event(), list[str]()

    def problem(sentence: str) -> None:
        problems.append(sentence)
        if len(problems) == 2:
            stop.set()

    capture_triggers.run(SamplingSchedule("999999999", 0.1, 0.1), stop, lambda _: None, problem)
    assert problems == ["there is no process 999999999"] * 2

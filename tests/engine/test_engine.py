"""The engine in its own thread: it notifies subscribers, stops on request, and keeps its error."""

from __future__ import annotations

import contextlib
import errno
import http.server
import queue
import socket
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Self

import pytest

from tputtui.descriptors import TOO_MANY
from tputtui.engine.engine import Engine
from tputtui.host.process_collector import ProcessCollector
from tputtui.model import Snapshot
from tputtui.settings import Settings, TargetSettings
from tputtui.signals.rates.past import PastNames, PastRequest

PATIENCE_S = 20.0


class Counting(http.server.BaseHTTPRequestHandler):
    """Handler with a counter that rises by one with each request."""

    timeout = 2.0  # an idle connection must not block the server's only thread

    served = 0

    def do_GET(self) -> None:
        type(self).served += 1
        body = f"# TYPE jobs_total counter\njobs_total {type(self).served}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # an engine that stops closes its connections
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence the log of requests."""


@pytest.fixture
def honest() -> Iterator[TargetSettings]:
    Counting.served = 0
    with http.server.HTTPServer(("127.0.0.1", 0), Counting) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield TargetSettings(name="honest", url=f"http://127.0.0.1:{server.server_port}/metrics")
        server.shutdown()
        thread.join()


@pytest.fixture
def hanging() -> Iterator[TargetSettings]:
    """Listen without accepting: the kernel connects, and no answer comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield TargetSettings(
            name="hanging", url=f"http://127.0.0.1:{listener.getsockname()[1]}/metrics"
        )


class Watched:
    """Engine whose snapshots arrive in a queue."""

    def __init__(self, *targets: TargetSettings, interval_s: float = 0.2) -> None:
        self.engine = Engine(
            Settings(targets=targets, interval_s=interval_s, window_s=2.0, discover=False)
        )
        self.arrived: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        self.engine.subscribe(self.arrived.put)

    def __enter__(self) -> Self:
        self.engine.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.stop()

    def snapshots(self) -> Iterator[Snapshot]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            yield self.arrived.get(timeout=PATIENCE_S)
        pytest.fail(f"it did not come within {PATIENCE_S:g} s")

    def first_ready(self) -> Snapshot:
        return next(snapshot for snapshot in self.snapshots() if snapshot.is_ready)


def test_a_subscriber_receives_snapshots_in_order_until_the_end(honest: TargetSettings) -> None:
    with Watched(honest) as watched:
        shown = [snapshot for snapshot, _ in zip(watched.snapshots(), range(8), strict=False)]
    assert shown[0].targets[0].name == "honest"
    assert [snapshot.at for snapshot in shown] == sorted({snapshot.at for snapshot in shown})
    assert shown[-1].targets[0].state == "up"
    assert shown[-1].host.memory is not None


def test_stop_ends_the_thread_and_may_be_called_again(honest: TargetSettings) -> None:
    with Watched(honest) as watched:
        watched.first_ready()
        watched.engine.stop()
        assert not watched.engine._thread.is_alive()
        watched.engine.stop()
    assert watched.engine.failure is None
    while not watched.arrived.empty():
        watched.arrived.get()
    with pytest.raises(queue.Empty):
        watched.arrived.get(timeout=0.5)


def test_stop_before_start_is_not_an_error(honest: TargetSettings) -> None:
    Watched(honest).engine.stop()


def test_a_subscriber_may_stop_the_engine(honest: TargetSettings) -> None:
    watched = Watched(honest)
    watched.engine.subscribe(lambda snapshot: watched.engine.stop() if snapshot.is_ready else None)
    with watched:
        watched.engine._thread.join(PATIENCE_S)
        assert not watched.engine._thread.is_alive()
    assert watched.engine.failure is None


def test_a_target_that_hangs_delays_no_other(
    honest: TargetSettings, hanging: TargetSettings
) -> None:
    with Watched(hanging, honest, interval_s=3.0) as watched:
        for snapshot in watched.snapshots():
            mute, other = snapshot.targets
            if snapshot.services and any(
                s.name == "honest" and s.covered_s for s in snapshot.services
            ):
                break
        assert (mute.state, other.state) == (
            "waiting",
            "up",
        )  # two scrapes, while the first of the other is under way
        end = next(
            snapshot for snapshot in watched.snapshots() if snapshot.targets[0].state != "waiting"
        )
    late = end.targets[0]
    assert (late.state, late.up, late.error) == ("slow", None, None)
    assert (late.waiting_s or 0.0) > 3.0


def test_the_last_tick_is_at_the_requested_time_and_none_follows(
    honest: TargetSettings,
) -> None:
    with Watched(honest) as watched:
        end = watched.first_ready().at + 1.05
        watched.engine.stop_at(end)
        shown = [next(watched.snapshots())]
        with contextlib.suppress(queue.Empty):
            while True:
                shown.append(watched.arrived.get(timeout=2.0))
    assert end <= shown[-1].at < end + 0.19, "an interval is 0.2 s"
    assert shown[-1].at - shown[-2].at > 0.09, "no tick just before it"


def test_a_mark_set_before_the_first_tick_is_kept(honest: TargetSettings) -> None:
    watched = Watched(honest)
    watched.engine.add_mark("early")
    with watched:
        shown = next(snapshot for snapshot in watched.snapshots() if snapshot.is_ready)
    assert [event.text for event in shown.events if event.kind == "mark"] == ["early"]
    assert [mark.text for mark in watched.engine.marks] == ["early"]


def test_the_error_that_ends_the_engine_is_kept(honest: TargetSettings) -> None:
    watched = Watched(honest)

    def fails(snapshot: Snapshot) -> None:
        if snapshot.is_ready:
            raise LookupError(snapshot.at)

    watched.engine.subscribe(fails)
    with watched:
        watched.engine._thread.join(PATIENCE_S)
        assert not watched.engine._thread.is_alive()
    failure = watched.engine.failure
    assert isinstance(failure, BaseExceptionGroup)
    assert failure.subgroup(LookupError) is not None


def test_history_and_a_past_snapshot_can_be_read_while_it_runs(honest: TargetSettings) -> None:
    with Watched(honest) as watched:
        ready = watched.first_ready()
        shown = watched.engine.snapshot_at(ready.at)
        assert shown is not None
        assert shown.at <= ready.at
        assert watched.engine.snapshot_at(ready.at - 3600) is None
        for snapshot in watched.snapshots():
            names = [row.name for row in snapshot.host_saturation]
            figures = [f"saturation//{name}" for name in names[:1]]
            past = watched.engine.read_past(PastRequest(PastNames(frozenset(figures)), 60.0))
            if any(v is not None for name in figures for v in past.columns(name, 10)):
                break


def test_without_targets_and_discovery_only_the_host_is_collected() -> None:
    with Watched() as watched:
        snapshot = watched.first_ready()
    assert (snapshot.targets, snapshot.services) == ((), ())
    assert snapshot.host.memory is not None


def test_processes_are_read_only_while_enabled() -> None:
    with Watched() as watched:
        next(snapshot for snapshot in watched.snapshots() if snapshot.processes)
        watched.engine.set_processes_enabled(is_enabled=False)
        feed = watched.engine._feed
        assert feed is not None
        assert not feed.is_reading_all_processes


def test_a_tick_comes_just_behind_the_scrapes_and_its_time_steps_with_them(
    honest: TargetSettings,
) -> None:
    with Watched(honest, interval_s=0.5) as watched:
        watched.first_ready()
        shown = [snapshot for snapshot, _ in zip(watched.snapshots(), range(8), strict=False)]
    ages = sorted(snapshot.targets[0].age_s or 0.0 for snapshot in shown)
    assert (
        ages[len(ages) // 2] < 0.25
    )  # bound for a busy machine; unrelated grids have any age up to half a second
    steps = [later.time - earlier.time for earlier, later in pairwise(shown)]
    assert min(steps) >= 0.0
    assert sum(abs(step - 0.5) < 0.15 for step in steps) >= len(steps) - 2


def test_a_request_to_the_pipeline_during_a_tick_waits_for_its_end(
    honest: TargetSettings,
) -> None:
    watched = Watched(honest)
    take = watched.engine.pipeline.derive_snapshot
    asked, deriving = threading.Event(), threading.Event()
    order: list[str] = []

    def slowly(*given: Any, **named: Any) -> Snapshot:
        deriving.set()
        asked.wait(PATIENCE_S)
        time.sleep(0.05)
        order.append("derived")
        return take(*given, **named)

    watched.engine.pipeline.derive_snapshot = slowly  # type: ignore[method-assign]
    watched.engine.pipeline.set_window = lambda seconds: order.append("asked")  # type: ignore[method-assign]
    with watched:
        assert deriving.wait(PATIENCE_S)
        watched.engine.set_window(5.0)
        asked.set()
        next(watched.snapshots())
        next(watched.snapshots())
    assert order[:2] == ["derived", "asked"]


class Short:
    """Stand-in for a collector that fails a number of times and then works."""

    def __init__(self, error: BaseException, works: Any, times: int) -> None:
        self.error, self.works, self.left = error, works, times

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise self.error
        return self.works(*arguments, **options)


def test_a_tick_without_enough_memory_is_skipped_and_the_next_one_follows(
    honest: TargetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(Settings(targets=(honest,), interval_s=0.2, discover=False))
    snapshots: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    engine.subscribe(snapshots.put)
    engine.start()
    try:
        while not snapshots.get(timeout=PATIENCE_S).is_ready:
            pass
        monkeypatch.setattr(
            engine.pipeline,
            "derive_snapshot",
            short := Short(MemoryError(), engine.pipeline.derive_snapshot, 3),
        )
        while short.left >= 0:
            assert snapshots.get(timeout=PATIENCE_S).targets[0].state == "up"
        assert engine.failure is None
    finally:
        engine.stop()


def test_unreadable_processes_are_one_event_with_the_reason(
    honest: TargetSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(ProcessCollector, "read", full)
    engine = Engine(Settings(targets=(honest,), interval_s=0.2, discover=False))
    snapshots: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
    engine.subscribe(snapshots.put)
    engine.start()
    try:
        warnings: list[str] = []
        end = time.monotonic() + PATIENCE_S
        while not warnings and time.monotonic() < end:
            warnings = [
                event.text
                for event in snapshots.get(timeout=PATIENCE_S).events
                if event.kind == "warning"
            ]
        later = [snapshots.get(timeout=PATIENCE_S) for _ in range(5)][-1]
    finally:
        engine.stop()
    assert warnings == [f"the processes cannot be read: {TOO_MANY}"]
    assert [event.text for event in later.events if event.kind == "warning"] == warnings
    assert later.targets[0].state == "up"

"""Engine without a screen, for the verbs that run one: snapshots, stop signals, objects on
stdout.
"""

from __future__ import annotations

import json
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from tputtui.cli.output import print_stdout
from tputtui.cli.parser import UsageError

# Imported before targets are connected, because an import needs a descriptor
from tputtui.cli.snapshot_json import to_json
from tputtui.model import Snapshot
from tputtui.settings import Settings

if TYPE_CHECKING:
    from tputtui.engine.engine import Engine

_MAX_QUEUED = 120
"""Snapshots queued for a slow reader; further ones are dropped without affecting the engine."""


def require_stdout() -> None:
    """Raise UsageError if stdout is closed."""
    if sys.stdout is None:
        raise UsageError("stdout is closed: there is nowhere to write the objects to")


def write_snapshot(snapshot: Snapshot) -> None:
    """Write one object on one flushed line. May raise BrokenPipeError.

    ASCII, so that no foreign character reaches a terminal.
    """
    print_stdout(json.dumps(to_json(snapshot), allow_nan=False, separators=(",", ":")))


class StopRequest:
    """Request to stop, by a signal (`number` is its number) or by the program.

    Wakes the thread that waits for a snapshot.
    """

    def __init__(self) -> None:
        self.signal_number = 0
        self._event = threading.Event()
        self.snapshots: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()

    def request(self, signal_number: int = 0) -> None:
        """Request a stop as soon as possible. Safe in a signal handler."""
        self.signal_number = signal_number
        self._event.set()
        self.snapshots.put(None)

    @property
    def is_requested(self) -> bool:
        """Whether a stop was requested."""
        return self._event.is_set()


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Provide a `StopRequest` triggered by SIGINT, SIGTERM and SIGHUP; a second SIGINT
    interrupts.
    """
    stop = StopRequest()

    def heard(number: int, _: FrameType | None) -> None:
        if stop.is_requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.request(number)

    numbers = [
        n
        for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(n) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def iter_snapshots(
    settings: Settings,
    stop: StopRequest,
    count: int | None = None,
    on_tick: Callable[[Snapshot], None] | None = None,
    on_engine: Callable[[Engine], None] | None = None,
    on_finish: Callable[[], None] | None = None,
) -> Iterator[Snapshot]:
    """Yield the printable snapshots, at most `count`, until `stop`.

    `on_tick` gets every snapshot, including early ones; `on_engine` gets the engine before it
    starts; `on_finish` is called when it is about to stop.
    """
    from tputtui.engine.engine import Engine

    engine = Engine(settings)
    if on_engine is not None:
        on_engine(engine)

    def arrived(snapshot: Snapshot) -> None:
        if stop.snapshots.qsize() < _MAX_QUEUED:
            stop.snapshots.put(snapshot)

    engine.subscribe(arrived)
    engine.start()
    try:
        yielded = 0
        while not stop.is_requested and (count is None or yielded < count):
            try:
                snapshot = stop.snapshots.get(timeout=1.0)
            except queue.Empty:
                if engine.failure is not None:
                    raise engine.failure from None
                continue
            if snapshot is None:
                continue
            if on_tick is not None:
                on_tick(snapshot)
            if snapshot.is_ready:
                yielded += 1
                yield snapshot
    finally:
        if on_finish is not None:
            on_finish()
        engine.stop()

"""The engine without a screen, for the verbs that run one: its snapshots, a signal that ends it, objects on stdout."""

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

from tputtui.cli.output import tell
from tputtui.cli.parser import UsageError
from tputtui.cli.snapshot_json import to_json  # before targets are connected: an import needs a descriptor
from tputtui.model import Snapshot
from tputtui.settings import Settings

if TYPE_CHECKING:
    from tputtui.engine import Engine

_BACKLOG = 120
"""Snapshots kept for a reader that stalls; what does not fit is dropped, and the engine feels nothing of it."""


def require_stdout() -> None:
    """Raise UsageError where stdout is closed."""
    if sys.stdout is None:
        raise UsageError("stdout is closed: there is nowhere to write the objects to")


def write(snapshot: Snapshot) -> None:
    """One object on one line, flushed: ASCII, so that no foreign character reaches a terminal. May raise BrokenPipeError."""
    tell(json.dumps(to_json(snapshot), allow_nan=False, separators=(",", ":")))


class StopRequest:
    """Asked to end: by a signal (then `number` is its number), or by ourselves. Wakes whoever waits for a snapshot."""

    def __init__(self) -> None:
        self.number = 0
        self._asked = threading.Event()
        self.waiting: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()

    def ask(self, number: int = 0) -> None:
        """End as soon as possible. Safe in a signal handler."""
        self.number = number
        self._asked.set()
        self.waiting.put(None)

    @property
    def asked(self) -> bool:
        """Whether to end."""
        return self._asked.is_set()


@contextmanager
def signals() -> Iterator[StopRequest]:
    """A `Stop` that SIGINT, SIGTERM and SIGHUP ask for; a second SIGINT interrupts whatever still goes on."""
    stop = StopRequest()

    def heard(number: int, _: FrameType | None) -> None:
        if stop.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.ask(number)

    numbers = [n for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, heard) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def objects(
    settings: Settings,
    stop: StopRequest,
    count: int | None = None,
    tick: Callable[[Snapshot], None] | None = None,
    prepare: Callable[[Engine], None] | None = None,
    finish: Callable[[], None] | None = None,
) -> Iterator[Snapshot]:
    """The snapshots worth an object, at most `count`, until `stop`. `tick` sees every snapshot, the early ones too;
    `prepare` gets the engine before it starts; `finish` is called when it is about to stop.
    """
    from tputtui.engine import Engine

    engine = Engine(settings)
    if prepare is not None:
        prepare(engine)

    def arrived(snapshot: Snapshot) -> None:
        if stop.waiting.qsize() < _BACKLOG:
            stop.waiting.put(snapshot)

    engine.subscribe(arrived)
    engine.start()
    try:
        given = 0
        while not stop.asked and (count is None or given < count):
            try:
                snapshot = stop.waiting.get(timeout=1.0)
            except queue.Empty:
                if engine.failure is not None:
                    raise engine.failure from None
                continue
            if snapshot is None:
                continue
            if tick is not None:
                tick(snapshot)
            if snapshot.ready:
                given += 1
                yield snapshot
    finally:
        if finish is not None:
            finish()
        engine.stop()

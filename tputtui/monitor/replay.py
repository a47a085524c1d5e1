"""A run as a source for the screen: played, paused, at any moment and speed; derived by the monitor that derives live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from tputtui.model import Event, SignalKind, Snapshot
from tputtui.monitor.browsing import Families
from tputtui.monitor.closer import ReplicaTable
from tputtui.monitor.columns import grain_of, spread
from tputtui.monitor.replayer import Replayer
from tputtui.monitor.snapshots import Tape
from tputtui.runs.reader import Run
from tputtui.signals.heat import Heat
from tputtui.signals.lens import Lens

if TYPE_CHECKING:
    from tputtui.runs.header import Mark

SPEEDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
FRAME_S: Final = 0.1
_FAR_AHEAD_S: Final = 120.0
"""How far the reader may be ahead before it gives way to whoever draws."""

Listener = Callable[[Snapshot], None]


class Replay:
    """Plays one run. A thread reads ahead and keeps every snapshot, another one shows them as time goes by.

    Seeking costs one snapshot to unpack, wherever the reader has been; beyond, it waits for it.
    """

    def __init__(self, run: Run, *, begin: float | None = None, speed: float = 1.0) -> None:
        """`begin` is `at` of the run's own clock. The run is ours from now on: `stop` closes it."""
        last = run.last_tick()
        self.failure: BaseException | None = None
        self.first_at = run.header.began_at
        self.end_at = last.reading.at if last is not None else self.first_at
        self.began_time = run.header.began_time
        self.interval_s = run.header.interval_s
        self.host_name = run.header.environment.get("host", "")
        self.marks: list[Mark] = run.marks()
        self.paused = False
        self.speed = min(max(speed, SPEEDS[0] / 100), SPEEDS[-1])
        self.read_to = self.first_at - 1.0  # how far the run has been read
        self._run = run
        self._lock = threading.Lock()  # around the history, which one thread writes and the screen reads
        self._replayer = Replayer(run.header, self._lock)
        self._tape = Tape()
        self._position = max(self.first_at, min(self.end_at, begin if begin is not None else self.first_at))
        self._shown: int | None = None
        self._listeners: list[Listener] = []
        self._stopped = False
        self._wake = threading.Condition()
        self._threads = [
            threading.Thread(target=act, name=name, daemon=True)
            for name, act in (("replay reader", self._read), ("replay", self._play))
        ]

    # ------------------------------------------------------------------------------------------ life

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every snapshot that is to be shown, on a thread of ours."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin to play."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End, and let go of the file."""
        with self._wake:
            self._stopped = True
            self._wake.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(2.0)
        self._run.close()

    def _read(self) -> None:
        try:
            for item in self._run.items():
                snapshot = self._replayer.take(item)
                if self._stopped:
                    return
                if snapshot is None:
                    continue
                self._tape.keep(snapshot)
                self.read_to = snapshot.at
                if self.read_to > self._position + _FAR_AHEAD_S:
                    time.sleep(0.001)  # the interpreter belongs to the screen now
            self.end_at = max(self.first_at, self.read_to)
        except BaseException as error:  # kept for whoever waits: a thread's exception is seen by nobody
            self.failure = error

    def _play(self) -> None:
        before = time.monotonic()
        while not self._stopped:
            now = time.monotonic()
            if not self.paused and self._position <= self.read_to:
                self._position = min(self.end_at, self._position + (now - before) * self.speed)
            before = now
            self._show()
            with self._wake:
                if not self._stopped:
                    self._wake.wait(FRAME_S)

    def _show(self) -> None:
        if self._position > self.read_to and self.read_to < self.end_at:
            return  # not read yet
        place = self._tape.place(self._position)
        if place == self._shown:
            return
        snapshot = self._tape.at(self._position)
        if snapshot is not None:
            self._shown = place
            for listener in self._listeners:
                listener(snapshot)

    # ------------------------------------------------------------------------------------------ moving

    @property
    def position(self) -> float:
        """`at` of the moment that is looked at."""
        return self._position

    @property
    def state(self) -> str:
        """What the header says: "paused", "the end", "10x"; how far it has been read while it waits for that."""
        if self._position > self.read_to + 2 * self.interval_s and self.read_to < self.end_at:
            done = (self.read_to - self.first_at) / max(1e-9, self.end_at - self.first_at)
            return f"reading {max(0.0, done):.0%}"
        if self._position >= self.end_at:
            return "the end"
        return "paused" if self.paused else f"{self.speed:g}x"

    def seek(self, at: float) -> None:
        """Look at another moment of the run, or at its nearest end."""
        with self._wake:
            self._position = max(self.first_at, min(self.end_at, at))
            self._shown = None
            self._wake.notify_all()

    def pause(self) -> None:
        """Stand still, or go on; at the end, from the start."""
        if self._position >= self.end_at and self.read_to >= self.end_at:
            self.paused = False
            self.seek(self.first_at)
        else:
            self.paused = not self.paused

    def change_speed(self, step: int) -> None:
        """The next faster or slower of SPEEDS."""
        near = min(range(len(SPEEDS)), key=lambda place: abs(SPEEDS[place] - self.speed))
        self.speed = SPEEDS[max(0, min(len(SPEEDS) - 1, near + step))]

    # ------------------------------------------------------------------------------------------ for the screen

    def past(self, name: str, columns: int, span_s: float, until: float | None) -> Sequence[float | None]:
        """A figure's mean in each of `columns` columns up to the moment that is looked at."""
        end = self._position if until is None else until
        grain = grain_of(columns, span_s, self.interval_s)
        with self._lock:
            found = self._replayer.monitor.history.column_values(name, end, span_s, grain)
        return found if grain == columns else spread(found, columns)

    def heat(self, service: str, columns: int, span_s: float, until: float | None) -> Heat | None:
        """Where a service's requests fell in each column."""
        end = self._position if until is None else until
        with self._lock:
            return self._replayer.monitor.heat.heat(service, columns, span_s, end)

    def snapshot_at(self, at: float) -> Snapshot | None:
        """What was shown at a moment; None where it was not read yet."""
        return self._tape.at(at)

    def replicas(self) -> ReplicaTable:
        """Only of the newest tick, and which that is changes here."""
        return {}

    def families(self, _target: str) -> Families | None:
        """None: the browser is off."""
        return None

    def trail(self, _family: str, columns: int) -> Sequence[float | None]:
        """Unknown."""
        return [None] * columns

    # What asks for the living service or for another derivation: the screen says that it is off.

    def look_through(self, lens: Lens | None) -> None:
        """Off."""

    def browse(self, target: str | None) -> None:
        """Off."""

    def chart(self, chosen: tuple[str, str] | None) -> None:
        """Off."""

    def bind(self, target: str, slot: SignalKind, family: str) -> None:
        """Off."""

    def set_window(self, seconds: float) -> None:
        """Off."""

    def next_breakdown(self, service: str) -> None:
        """Off."""

    def want_processes(self, wanted: bool) -> None:
        """They are in the run, or not."""

    def watch(self, pids: frozenset[int]) -> None:
        """Off."""

    def note(self, event: Event) -> None:
        """Off: a run is not changed by looking at it."""

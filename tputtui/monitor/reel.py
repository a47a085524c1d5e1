"""A run, derived from its beginning and kept moment by moment: what a replay shows is looked up here."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tputtui.model import Snapshot
from tputtui.monitor.browsing import KEPT, Families
from tputtui.monitor.closer import ReplicaTable
from tputtui.monitor.columns import grain_of, spread
from tputtui.monitor.replayer import Replayer
from tputtui.monitor.snapshots import Tape
from tputtui.runs.header import Header
from tputtui.runs.reader import Run
from tputtui.signals import history
from tputtui.signals.heat import Heat
from tputtui.signals.history import History
from tputtui.signals.lens import Lens

MOST_FINE: Final = 7_200
"""Seconds of the time axis that are kept at a resolution of 1 s: 230 kB a figure."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What the user chose that changes what is derived."""

    window_s: float | None = None
    breakdowns: tuple[str, ...] = ()  # a service for each time its next label was asked for
    lens: Lens | None = None


class Reel:
    """Reads a run in a thread of its own, and keeps every moment. Anything may be asked from any thread."""

    def __init__(self, path: str, choices: Choices, header: Header, end_at: float) -> None:
        """`end_at`: the run's last moment. Raises nothing: what goes wrong later is its `failure`."""
        self.failure: BaseException | None = None
        self.done = False
        self.damage: tuple[str, ...] = ()  # what could not be read, a sentence each; once it is done
        self._path = path
        self._guard = threading.Lock()  # around what is kept
        self._interval_s = header.interval_s
        self._replayer = Replayer(header, choices.window_s, self._guard)
        monitor = self._replayer.monitor
        fine = max(history.LEVELS[0][1], min(MOST_FINE, int(end_at - header.began_at) + 60))
        monitor.history = History(header.interval_s, levels=((history.LEVELS[0][0], fine), *history.LEVELS[1:]))
        for service in choices.breakdowns:
            monitor.next_breakdown(service)
        monitor.look_through(choices.lens)
        self._tape = Tape()
        self._stopped = False
        self._thread = threading.Thread(target=self._read, name="reel", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self) -> None:
        """Read no further. What was read stays."""
        self._stopped = True

    def _read(self) -> None:
        try:
            with Run(self._path) as run:
                for item in run.items():
                    if self._stopped:
                        return
                    snapshot = self._replayer.take(item)
                    if snapshot is not None:
                        replicas = dict(self._replayer.monitor.replicas)
                        with self._guard:
                            self._tape.keep(snapshot, replicas)
                self.damage = tuple(run.damage)
        except BaseException as error:  # kept for the player, which has a thread that is looked at
            self.failure = error
        finally:
            self.done = True

    # ------------------------------------------------------------------------------------------ what is asked

    @property
    def read_to(self) -> float | None:
        """The newest moment that was read; None before the first."""
        with self._guard:
            return self._tape.newest

    def moment(self, at: float) -> float | None:
        """The moment that was on screen at `at`; None before the first one."""
        with self._guard:
            return self._tape.moment(at)

    def shown(self, at: float) -> tuple[Snapshot, ReplicaTable] | None:
        """What was shown at a moment, with each replica's figures; None before the first one."""
        with self._guard:
            return self._tape.pair(at)

    def past(self, name: str, columns: int, span_s: float, until: float) -> Sequence[float | None]:
        """A figure's mean in each of `columns` columns that end at a moment."""
        if columns <= 0:
            return []
        grain = grain_of(columns, span_s, self._interval_s)
        with self._guard:
            return spread(self._replayer.monitor.history.column_values(name, until, span_s, grain), columns)

    def heat(self, service: str, columns: int, span_s: float, until: float) -> Heat | None:
        """Where a service's requests fell in each of `columns` columns that end at a moment."""
        with self._guard:
            return self._replayer.monitor.heat.heat(service, columns, span_s, until)


def recorded_families(path: str, target: str, at: float) -> tuple[Families, dict[str, list[float | None]]] | None:
    """What a run holds of a target's families at a moment, and each one's last figures; None where that is nothing.

    Reads the two minutes before: 20 to 100 ms.
    """
    with Run(path) as run:
        replayer = Replayer(run.header)
        replayer.monitor.browse(target, partly=True)
        for item in run.items(at - KEPT * run.header.interval_s, at):
            replayer.take(item)
    found = replayer.monitor.families()
    if found is None:
        return None
    return found, {row.name: replayer.monitor.trail(row.name, KEPT) for row in found.figures.rows}

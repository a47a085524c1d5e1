"""What a run holds of a target's families at a moment, for the metric browser of a replay."""

from __future__ import annotations

from collections.abc import Iterator

from tputtui.engine.family_browser import KEPT, Families
from tputtui.engine.replay.replay_feed import ReplayFeed
from tputtui.recording.reader import Run
from tputtui.recording.records import Item, RecordedTick


class RecordedFamilies:
    """Looks at one target's families. Going on from where it was looked at last reads only what lies between; any other
    moment costs the 120 readings before it (bench/runs.py measures that).
    """

    def __init__(self, run: Run, target: str) -> None:
        """`run` stays open as long as this is used; close this when nobody looks any more."""
        self.target = target
        self._run = run.twin()
        self._reach = KEPT * run.header.interval_s
        self._at: float | None = None
        self._items: Iterator[Item] = iter(())
        self._pending: Item | None = None
        self._replayer = ReplayFeed(run.header)

    def close(self) -> None:
        """Let go of the file."""
        self._run.close()

    def look(self, at: float) -> tuple[Families, dict[str, list[float | None]]] | None:
        """The families at a moment, and each one's last figures; None where the run holds nothing of them."""
        if self._at is None or not self._at <= at <= self._at + self._reach:
            self._replayer = ReplayFeed(self._run.header)
            self._replayer.monitor.browse(self.target, partly=True)
            self._items, self._pending = self._begin(at - self._reach), None
        self._at = at
        item = self._pending if self._pending is not None else next(self._items, None)
        while item is not None and not (isinstance(item, RecordedTick) and item.reading.at > at):
            self._replayer.take(item)
            item = next(self._items, None)
        self._pending = item
        monitor = self._replayer.monitor
        found = monitor.families()
        return (found, {row.name: monitor.trail(row.name, KEPT) for row in found.figures.rows}) if found else None

    def _begin(self, since: float) -> Iterator[Item]:
        for item in self._run.items(since, briefly=True):
            if not isinstance(item, RecordedTick) or item.reading.at >= since:
                yield item

"""Families of a target recorded in a run at a time, for the metric browser of a replay."""

from __future__ import annotations

from collections.abc import Iterator

from tputtui.engine.family_browser import MAX_SCRAPES, Families
from tputtui.engine.replay.replay_feed import ReplayFeed
from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedTick, RunItem


class RecordedFamilies:
    """Reader of one target's recorded families.

    Moving forward from the last time reads only the readings between; any other time costs the 120
    readings before it (bench/runs.py measures that).
    """

    def __init__(self, run: Run, target: str) -> None:
        """Open the reader. `run` has to stay open while it is used; close it when browsing ends."""
        self.target = target
        self._run = run.duplicate()
        self._span_s = MAX_SCRAPES * run.header.interval_s
        self._at: float | None = None
        self._items: Iterator[RunItem] = iter(())
        self._pending_item: RunItem | None = None
        self._feed = ReplayFeed(run.header)

    def close(self) -> None:
        """Close the file."""
        self._run.close()

    def families_at(self, at: float) -> tuple[Families, dict[str, list[float | None]]] | None:
        """Families at a time, with each one's last figures; None where the run has none of them."""
        if self._at is None or not self._at <= at <= self._at + self._span_s:
            self._feed = ReplayFeed(self._run.header)
            self._feed.pipeline.selection.browse(self.target, is_partial=True)
            self._items, self._pending_item = self._items_since(at - self._span_s), None
        self._at = at
        item = self._pending_item if self._pending_item is not None else next(self._items, None)
        while item is not None and not (isinstance(item, RecordedTick) and item.reading.at > at):
            self._feed.apply_item(item)
            item = next(self._items, None)
        self._pending_item = item
        selection = self._feed.pipeline.selection
        families = selection.families()
        if families is None:
            return None
        history_by_family = {
            row.name: selection.family_history(row.name, MAX_SCRAPES)
            for row in families.family_values.rows
        }
        return families, history_by_family

    def _items_since(self, since: float) -> Iterator[RunItem]:
        for item in self._run.items(since, skip_early_scrapes=True):
            if not isinstance(item, RecordedTick) or item.reading.at >= since:
                yield item

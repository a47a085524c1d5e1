"""A run's items through the same monitor as live readings: bindings, groups and marks come from the run, nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Event, Snapshot
from tputtui.recording.records import BindingsInForce, Item, RecordedTick, TargetOrder, WatchedTarget
from tputtui.recording.run_header import Mark, RunHeader
from tputtui.settings.expressions import parse_objective

if TYPE_CHECKING:
    from tputtui.recording.reader import Run


class ReplayFeed:
    """Takes the items of one run in order."""

    def __init__(
        self, header: RunHeader, window_s: float | None = None, guard: AbstractContextManager[object] | None = None
    ) -> None:
        """`window_s`: another window than the recorded one. `guard` is held while what another thread may read is written (see `Monitor`)."""
        self._watched: dict[str, WatchedTarget] = {}
        self.monitor = SnapshotPipeline(
            interval_s=header.interval_s,
            window_s=max(window_s or header.window_s, 2 * header.interval_s),
            quantiles=header.quantiles,
            objectives=tuple(parse_objective(words) for words in header.objectives),
            by=header.by,
            guard=guard,
        )

    def take(self, item: Item) -> Snapshot | None:
        """The snapshot of a reading; None for everything else."""
        if isinstance(item, RecordedTick):
            none: frozenset[str] = frozenset()
            snapshot = self.monitor.take(
                item.reading, looking=item.looking, forgotten=lambda target: item.forgotten.get(target, none)
            )
            self.monitor.remember(item.past)
            return snapshot
        if isinstance(item, WatchedTarget):
            self._watched[item.target.name] = item
        elif isinstance(item, TargetOrder):
            for one in map(self._watched.__getitem__, item.names):
                self.monitor.add_target(one.target, served=one.served)
            self.monitor.arrange(list(item.names))
        elif isinstance(item, BindingsInForce):
            self.monitor.tell(item.target.name, item.bindings, item.service_name, item.build)
        elif isinstance(item, Mark):
            self.monitor.note(Event(item.time, "mark", item.text))
        elif isinstance(item, Event):
            self.monitor.note(item)
        return None


def replayed(run: Run, since: float | None = None, until: float | None = None) -> Iterator[Snapshot]:
    """The snapshots of a span of a run, as they were shown live. From the start, they are equal to those."""
    replayer = ReplayFeed(run.header)
    for item in run.items(since, until):
        snapshot = replayer.take(item)
        if snapshot is not None:
            yield snapshot

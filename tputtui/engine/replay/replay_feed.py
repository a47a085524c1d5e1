"""Feed a run's items through the pipeline of live readings: bindings, groups and marks come from
the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Event, Snapshot
from tputtui.recording.records import (
    BindingsInForce,
    Mark,
    RecordedTick,
    RunHeader,
    RunItem,
    TargetOrder,
    WatchedTarget,
)
from tputtui.settings.expressions import parse_objective

if TYPE_CHECKING:
    from tputtui.recording.reader import Run


class ReplayFeed:
    """Feed of the items of one run, in order."""

    def __init__(
        self,
        header: RunHeader,
        window_s: float | None = None,
        lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """Create the feed.

        `window_s`: another window than the recorded one. `lock` is held while data that another
        thread may read is written (see `SnapshotPipeline`).
        """
        self._watched_targets: dict[str, WatchedTarget] = {}
        self.pipeline = SnapshotPipeline(
            interval_s=header.interval_s,
            window_s=max(window_s or header.window_s, 2 * header.interval_s),
            quantiles=header.quantiles,
            objectives=tuple(parse_objective(text) for text in header.objectives),
            by=header.by,
            lock=lock,
        )

    def apply_item(self, item: RunItem) -> Snapshot | None:
        """Apply an item and return the snapshot of a reading; None for everything else."""
        if isinstance(item, RecordedTick):
            none: frozenset[str] = frozenset()
            snapshot = self.pipeline.derive_snapshot(
                item.reading,
                is_discovering=item.is_discovering,
                forgotten=lambda target: item.forgotten.get(target, none),
            )
            self.pipeline.add_backfill(item.backfill)
            return snapshot
        if isinstance(item, WatchedTarget):
            self._watched_targets[item.target.name] = item
        elif isinstance(item, TargetOrder):
            for watched in map(self._watched_targets.__getitem__, item.names):
                self.pipeline.add_target(watched.target, is_from_server=watched.is_from_server)
            self.pipeline.set_order(list(item.names))
        elif isinstance(item, BindingsInForce):
            self.pipeline.set_bindings(
                item.target.name, item.bindings, item.service_name, item.build
            )
        elif isinstance(item, Mark):
            self.pipeline.log_event(Event(item.time, "mark", item.text))
        elif isinstance(item, Event):
            self.pipeline.log_event(item)
        return None


def replay_snapshots(
    run: Run, since: float | None = None, until: float | None = None
) -> Iterator[Snapshot]:
    """Derive the snapshots of a span of a run as they were shown live; from the start, they are
    equal to those.
    """
    replayer = ReplayFeed(run.header)
    for item in run.items(since, until):
        snapshot = replayer.apply_item(item)
        if snapshot is not None:
            yield snapshot

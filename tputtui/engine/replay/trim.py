"""Trim a run to a span: it is replayed into a recorder, so that the new run has its own summary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tputtui.engine.replay.replay_feed import ReplayFeed
from tputtui.model import Event
from tputtui.recording.encode import TargetFacts
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan, RecordingState
from tputtui.recording.records import (
    BindingsInForce,
    Mark,
    RecordedProfile,
    RecordedTick,
    TargetOrder,
    WatchedTarget,
)


class EmptySpanError(ValueError):
    """No reading lies in the span."""


def trim_run(
    run: Run, begin: float | None, end: float | None, path: Path, *, force: bool = False
) -> RecordingState:
    """Write the readings from `begin` to `end` (`at`, on the run's clock), with their marks and
    profiles.

    Raises EmptySpanError, and CannotRecordError where the file cannot be created; the returned
    state shows whether it was written completely.
    """
    if next(iter(run.ticks(begin, end)), None) is None:
        raise EmptySpanError("no reading lies in that span")
    header = run.header
    recorder = Recorder(
        RecordingPlan(path, force=force, source_header=header),
        interval_s=header.interval_s,
        window_s=header.window_s,
        quantiles=header.quantiles,
    )
    replayer = ReplayFeed(header)
    facts_by_target: dict[str, TargetFacts] = {}
    order: tuple[str, ...] = ()
    for item in run.items(begin, end):
        if isinstance(item, WatchedTarget):
            facts_by_target.setdefault(
                item.target.name, TargetFacts(item.target, is_from_server=item.is_from_server)
            )
        elif isinstance(item, TargetOrder):
            order = item.names
        elif isinstance(item, BindingsInForce):
            name = item.target.name
            facts_by_target[name] = replace(
                facts_by_target[name],
                bindings=item.bindings,
                service_name=item.service_name,
                build=item.build,
            )
        if isinstance(item, RecordedTick) and begin is not None and item.reading.at < begin:
            continue
        if isinstance(item, Mark | RecordedProfile) and begin is not None and item.at < begin:
            continue
        snapshot = replayer.apply_item(item)
        if snapshot is not None and isinstance(item, RecordedTick):
            forgotten = item.forgotten
            target_facts = [
                replace(facts_by_target[name], forgotten=forgotten.get(name, frozenset()))
                for name in order
            ]
            recorder.record_reading(
                item.reading, snapshot, target_facts, item.is_discovering, backfill=item.backfill
            )
        elif isinstance(item, Mark):
            recorder.record_mark(item)
        elif isinstance(item, Event):
            recorder.record_event(item)
        elif isinstance(item, RecordedProfile):
            recorder.record_profile(item.time, item.at, item.pid, item.name, item.document, "")
    recorder.close()
    return recorder.state()

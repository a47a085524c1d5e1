"""Frames of the recorded runs in tests/data/runs: a session without an app, on a run read whole."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tputtui.engine.replay.replay_buffer import ReplayBuffer, ReplayChoices
from tputtui.model import Snapshot
from tputtui.recording.reader import Run
from tputtui.settings import Settings
from tputtui.signals.rates.past import Past, PastNames, PastRequest
from tputtui.signals.service.replicas import ReplicaFigures
from tputtui.signals.service.traffic_split import TrafficSplit
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.live.baseline_commands import BaselineCommands
from tputtui.tui.live.split_screen import SplitCommands
from tputtui.tui.session import ScreenEnvironment, Session
from tputtui.views.live import panels
from tputtui.views.profile.profile_header import strip_past_names
from tputtui.views.shared.frame import ActiveSplit, Frame

RUNS = Path(__file__).resolve().parents[1] / "data" / "runs"
NAMES = sorted(path.name.removesuffix(".tput.gz") for path in RUNS.glob("*.tput.gz"))


class WholeScreen:
    """Screen of all panels and of the strip of the profile."""

    def past_names(self, frame: Frame) -> PastNames:
        return panels.past_names(frame).union(strip_past_names(frame))

    def show_frame(self, frame: Frame) -> None:
        """The tests draw it."""


class RunSource:
    """All of a run, shown at any time; it counts what is read of the past."""

    def __init__(self, name: str, split: TrafficSplit | None = None) -> None:
        self.reads: list[PastRequest] = []
        with Run(RUNS / f"{name}.tput.gz") as run:
            last = run.last_tick()
            assert last is not None
            self.began_at, self.ended_at = run.header.began_at, last.reading.at
            self.buffer = ReplayBuffer(run, ReplayChoices(split=split), self.ended_at)
            self.buffer.start()
            while not self.buffer.is_done:
                time.sleep(0.01)
        assert self.buffer.failure is None
        self.shown_at = self.began_at

    def read_past(self, request: PastRequest) -> Past:
        self.reads.append(request)
        return self.buffer.read_past(request, self.shown_at)

    def replicas(self) -> Mapping[str, ReplicaFigures]:
        kept = self.buffer.snapshot_and_replicas(self.shown_at)
        return kept[1] if kept is not None else {}

    def snapshot_at(self, at: float) -> Snapshot | None:
        kept = self.buffer.snapshot_and_replicas(at)
        return kept[0] if kept is not None else None

    def find_split(self) -> TrafficSplit | None:
        """The first way to split the first service; None where there is none."""
        snapshot = self.snapshot_at(self.ended_at)
        assert snapshot is not None
        services = self.buffer._feed.pipeline.services
        options = [
            option
            for service in snapshot.services[:1]
            for option in services.find_split_options(service.name)
        ]
        return options[0].split if options else None


class RunSession:
    """Session on a recorded run, at any share of it."""

    def __init__(self, source: RunSource, split: TrafficSplit | None = None) -> None:
        self.source = source
        app = SimpleNamespace(screen=WholeScreen(), backlog=lambda: 10**9, put_off=lambda: None)
        self.session = Session(
            cast("Any", app),
            Settings(),
            Capabilities(source=cast("Any", source), history=source),
            ScreenEnvironment("host", 0.0, Path(), ()),
        )
        self.baseline = BaselineCommands(self.session)
        self.session.compare_with_baseline = self.baseline.evaluate
        self.session.compare_arms = SplitCommands(self.session).evaluate
        if split is not None:
            active = ActiveSplit(split, source.began_at)
            self.session.view_state = replace(self.session.view_state, split=active)

    def go_to(self, share: float) -> None:
        """Show the run at a share of its length."""
        source = self.source
        source.shown_at = source.began_at + share * (source.ended_at - source.began_at)
        snapshot = source.snapshot_at(source.shown_at)
        assert snapshot is not None
        self.session.on_snapshot(snapshot)

    def frame(self) -> Frame:
        frame = self.session.current_frame()
        assert frame is not None
        return frame


@cache
def source_of_run(name: str, split: TrafficSplit | None) -> RunSource:
    """A run is read once for all tests."""
    return RunSource(name, split)


@cache
def find_split(name: str) -> TrafficSplit | None:
    """The first way to split the first service of a run."""
    return RunSource(name).find_split()


def run_session(name: str) -> RunSession:
    """A run with a baseline from its first third, and split where its service can be."""
    split = find_split(name)
    run = RunSession(source_of_run(name, split), split)
    run.go_to(0.05)
    run.go_to(0.33)
    run.baseline.set_baseline()
    return run

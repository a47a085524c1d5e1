"""The demo is recorded and replayed: every snapshot equals the live one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tputtui.engine.engine import Engine
from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.model import Snapshot
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.settings import Settings, TargetSettings

pytestmark = pytest.mark.slow

TICKS = 14


def as_recorded(snapshot: Snapshot) -> Snapshot:
    """Remove command lines, which runs never hold because they may carry passwords."""
    processes = snapshot.processes
    if processes is None:
        return snapshot
    return replace(snapshot, processes=tuple(replace(process, command="") for process in processes))


def test_every_snapshot_of_the_demo_is_the_live_one(tmp_path: Path) -> None:
    argv = [
        sys.executable,
        "-m",
        "tputtui",
        "demo",
        "--stream",
        "--load",
        "80",
        "--replicas",
        "2",
        "--seconds",
        "90",
    ]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as demo:
        assert demo.stdout is not None
        try:
            urls = [target["url"] for target in json.loads(demo.stdout.readline())["targets"]]
            shown = _record(tmp_path / "demo.tput.gz", urls)
        finally:
            demo.terminate()
            demo.communicate(timeout=20)
    with Run(tmp_path / "demo.tput.gz") as run:
        again = list(replay_snapshots(run))
        assert run.damage == []
    assert len(again) == len(shown) >= TICKS
    for live, now in zip(shown, again, strict=True):
        assert now == as_recorded(live)
    assert shown[-1].services[0].traffic is not None
    assert (shown[-1].services[0].traffic.rps or 0.0) > 0
    assert any(event.text == "half way" for event in again[-1].events)


def _record(path: Path, urls: list[str]) -> list[Snapshot]:
    """Run the engine as `tputtui record` does; return the live snapshots."""
    targets = tuple(
        TargetSettings(name=f"demo {number}", url=url) for number, url in enumerate(urls)
    )
    settings = replace(
        Settings(),
        targets=targets,
        interval_s=0.5,
        window_s=3.0,
        objectives=("p99<=50ms", "rps>=10"),
    )
    engine = Engine(settings)
    recorder = Recorder(
        RecordingPlan(path),
        interval_s=0.5,
        window_s=3.0,
        quantiles=settings.quantiles,
        objectives=settings.objectives,
    )
    shown: list[Snapshot] = []
    enough = threading.Event()

    def take(snapshot: Snapshot) -> None:
        shown.append(snapshot)
        if len(shown) >= TICKS:
            enough.set()

    engine.subscribe(take)
    engine.start_recording(recorder)
    engine.start()
    time.sleep(3.0)
    engine.add_mark("half way")
    assert enough.wait(60)
    engine.stop()
    assert engine.failure is None
    assert recorder.close()
    return shown

"""Profiles in a run: scheduled, triggered by an objective, and captured by key."""

from __future__ import annotations

import gzip
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from exporter import Exporter
from test_record_process import start

from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.model import Event
from tputtui.recording import embedded_profiles
from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedProfile

SECRET = "canary-in-an-argument"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="py-spy is driven by way of /proc"),
]


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as server:
        yield server


@pytest.fixture
def busy() -> Iterator[int]:
    program = "def work():\n while True: sum(range(999))\nwork()"
    with subprocess.Popen([sys.executable, "-c", program, "--password", SECRET]) as process:
        yield process.pid
        process.kill()


def recorded(path: Path) -> tuple[list[RecordedProfile], list[str]]:
    """Return (profiles, the texts of the events about profiles)."""
    with Run(path) as run:
        items = list(run.items())
    events = [
        item.text
        for item in items
        if isinstance(item, Event) and item.kind in ("profile", "warning")
    ]
    return [item for item in items if isinstance(item, RecordedProfile)], events


def running() -> str:
    """Return the command lines of all processes."""
    return subprocess.run(
        ["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout


def wait_for_a_complete_slice(pid: int) -> None:
    """Wait until a capture has samples. It ends after three slices in a row without any."""
    output_name = re.compile(rf" record -p {pid} .*/(\d+)[^/]*$")
    for _ in range(600):
        numbers = [
            match[1] for line in running().splitlines() if (match := output_name.search(line))
        ]
        if any(int(number) >= 4 for number in numbers):
            return
        time.sleep(0.1)


def test_a_worker_is_sampled_periodically_and_the_run_carries_profiles_with_their_cost(
    exporter: Exporter, busy: int, attaching: None, tmp_path: Path
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path, "--for", "8s", "--profile", f"{busy}@1s/2s") as process:
        output = process.communicate(timeout=60)[1]
    assert process.returncode == 0, output
    profiles, events = recorded(path)
    assert len(profiles) >= 2
    assert {profile.pid for profile in profiles} == {busy}
    assert f"profiles of {busy}; py-spy used " in output
    assert len([text for text in events if "py-spy used" in text and "20 Hz" in text]) == len(
        profiles
    )
    profile = embedded_profiles.parse_profile(profiles[0])
    assert embedded_profiles.describe_top_function(profile).startswith("work ")
    with Run(path) as run:
        last = list(replay_snapshots(run))[-1]
    times = [event.time for event in last.events if event.kind == "profile"]
    assert times
    assert len(times) == len(set(times)), "a replay tells each once"


def test_a_signal_ends_the_capture_under_way_and_keeps_its_samples(
    exporter: Exporter, busy: int, attaching: None, tmp_path: Path
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path, "--profile", f"{busy}@10m") as process:
        wait_for_a_complete_slice(busy)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=30)[1]
    assert process.returncode == 0, output
    profiles, _ = recorded(path)
    assert [profile.pid for profile in profiles] == [busy]
    assert f"-p {busy} " not in running()


def test_a_process_that_cannot_be_sampled_is_a_sentence_and_the_recording_goes_on(
    exporter: Exporter, tmp_path: Path
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path, "--for", "2s", "--profile", ":1@1s") as process:
        output = process.communicate(timeout=40)[1]
    assert process.returncode == 0
    assert "--profile :1: " in output
    profiles, events = recorded(path)
    assert not profiles
    assert any(":1" in text for text in events)


@pytest.mark.parametrize("arguments", ["12", ":99999@5s", "12@5s/1s", "12@2h", "app@5s"])
def test_an_invalid_profile_option_is_one_line(
    exporter: Exporter, tmp_path: Path, arguments: str
) -> None:
    with start(exporter, tmp_path / "a", "--profile", arguments) as process:
        output = process.communicate(timeout=20)[1]
    assert process.returncode == 2
    assert output.count("\n") == 1
    assert "--profile" in output
    assert not (tmp_path / "a").exists()


def test_a_missed_objective_takes_a_profile_in_a_recording_too(
    exporter: Exporter, busy: int, attaching: None, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        f'[profile.on_objective_missed]\nprocess = "{busy}"\nafter = "1s"\npreset = "short"\n'
        '[profile.presets.short]\nduration = "1s"\n'
    )
    config.chmod(0o600)
    path = tmp_path / "a.tput.gz"
    arguments = ("--config", str(config), "--objective", "rps>=1000000")
    with start(exporter, path, "--for", "14s", *arguments) as process:
        output = process.communicate(timeout=60)[1]
    assert f"sampling {busy} for 1 s" in output
    profiles, events = recorded(path)
    assert [profile.pid for profile in profiles] == [busy], "once in ten minutes"
    assert any("rps>=1000000 missed for" in text for text in events)
    assert SECRET.encode() not in gzip.decompress(path.read_bytes())

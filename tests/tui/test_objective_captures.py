"""Automatic capture while an objective is missed, on the live screen with a real process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fake_source import FakeSource, create_app, wait_until_stable
from textual.pilot import Pilot

from tputtui.model import Event, ObjectiveStatus
from tputtui.profiling.files.library import ProfileLibrary
from tputtui.settings import ProfilePreset, ProfileSettings, ProfileTrigger

MISSED = (ObjectiveStatus("p99<=250ms", "missed", 0.4, 31.0),)


@pytest.fixture
def busy() -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", "while True: sum(range(999))"]) as process:
        yield process.pid
        process.kill()


def asked_for(process: str) -> ProfileSettings:
    presets = {"short": ProfilePreset(1.0, 100)}
    return ProfileSettings(
        presets=presets, on_objective_missed=ProfileTrigger(process, 30.0, 600.0, "short")
    )


async def noted(source: FakeSource, pilot: Pilot[int]) -> list[Event]:
    """Return the events once there is one, or after a timeout."""
    for _ in range(200):
        await pilot.pause(0.1)
        if source.calls_of("log_event"):
            break
    return [arguments[0] for arguments in source.calls_of("log_event")]


@pytest.mark.skipif(sys.platform != "linux", reason="py-spy is driven by way of /proc")
async def test_a_missed_objective_takes_one_profile_that_is_saved_and_logged(
    busy: int, attaching: None, tmp_path: Path
) -> None:
    source = FakeSource()
    app = create_app(source, profile=asked_for(str(busy)))
    app.profile_session.library = ProfileLibrary(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(objectives=MISSED)
        await pilot.pause(0.1)
        assert (
            f"p99<=250ms missed for 31 s: sampling {busy} for 1 s" in app.session.view_state.status
        )
        events = await noted(source, pilot)
        source.tick(objectives=MISSED)  # within the ten minutes: not again
        await pilot.pause(0.5)
    assert [event.kind for event in events] == ["profile"]
    assert events[0].text.startswith(f"profile of {busy} ")
    assert events[0].text.endswith(": p99<=250ms missed for 31 s")
    entries = ProfileLibrary(tmp_path).entries()
    assert [(entry.pid, str(entry.path)) for entry in entries] == [
        (busy, app.session.saved_paths[0])
    ]
    kept = app.profile_session.library.entries()[0].profile
    assert kept is not None
    assert kept.metadata.notes[-1] == "taken by itself: p99<=250ms missed for 31 s"


@pytest.mark.skipif(sys.platform != "linux", reason="py-spy is driven by way of /proc")
async def test_a_screen_that_closes_meanwhile_saves_the_samples(
    busy: int, attaching: None, tmp_path: Path
) -> None:
    source = FakeSource()
    settings = replace(asked_for(str(busy)), presets={"short": ProfilePreset(60.0, 100)})
    app = create_app(source, profile=settings)
    app.profile_session.library = ProfileLibrary(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(objectives=MISSED)
        await pilot.pause(4.0)  # some slices
    await asyncio.to_thread(app.stop_watchers)
    assert [entry.pid for entry in ProfileLibrary(tmp_path).entries()] == [busy]


async def test_a_process_that_cannot_be_sampled_is_a_warning_in_the_log(tmp_path: Path) -> None:
    source = FakeSource()
    app = create_app(source, profile=asked_for("999999999"))
    app.profile_session.library = ProfileLibrary(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(objectives=MISSED)
        events = await noted(source, pilot)
    assert [(event.kind, event.text) for event in events] == [
        (
            "warning",
            "no profile of 999999999, p99<=250ms missed for 31 s: there is no process 999999999",
        )
    ]
    assert ProfileLibrary(tmp_path).entries() == []


@pytest.mark.parametrize("read_only", [False, True])
async def test_nothing_is_sampled_unless_configured_or_in_read_only(
    read_only: bool, tmp_path: Path
) -> None:
    source = FakeSource()
    app = (
        create_app(source, profile=asked_for("999999999"), read_only=True)
        if read_only
        else create_app(source)
    )
    app.profile_session.library = ProfileLibrary(tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(objectives=MISSED)
        await pilot.pause(1.0)
    assert source.calls_of("log_event") == []
    assert ProfileLibrary(tmp_path).entries() == []

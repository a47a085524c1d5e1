"""A replay in the live screen: it says so all the time, moves with the keys of time, and says what is off."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_source import desk, frame
from recorded import record
from textual.pilot import Pilot

from tputtui.monitor.replay import Replay
from tputtui.runs.reader import Run
from tputtui.tui.app import TputtuiApp
from tputtui.tui.replay import ReplayCommands


@pytest.fixture
def replay(tmp_path: Path) -> Iterator[Replay]:
    record(tmp_path / "a", 120, mark_at=(60,))
    found = Replay(Run(tmp_path / "a"))
    found.paused = True
    yield found
    found.stop()


def on_screen(replay: Replay) -> TputtuiApp:
    app = desk(replay)  # type: ignore[arg-type]
    app.replay = ReplayCommands(app, replay)
    return app


async def until(pilot: Pilot[int], holds: Callable[[], bool]) -> None:
    for _ in range(200):
        await pilot.pause(0.05)
        if holds():
            return
    raise AssertionError(frame(pilot.app))  # type: ignore[arg-type]


async def test_the_header_says_replay_whatever_is_done(replay: Replay) -> None:
    app = on_screen(replay)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: "REPLAY paused" in frame(app))
        await pilot.press("full_stop")
        await until(pilot, lambda: "REPLAY 2x" in frame(app))
        await pilot.press("space")
        await until(pilot, lambda: "REPLAY paused" in frame(app))
        await pilot.press("0")
        await until(pilot, lambda: "REPLAY the end" in frame(app))
        assert "LIVE" not in frame(app)


async def test_the_keys_of_time_move_it(replay: Replay) -> None:
    app = on_screen(replay)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: replay.read_to >= 1119.0 and app.latest is not None)
        await pilot.press("right_curly_bracket")
        await until(pilot, lambda: app.latest is not None and app.latest.at == 1010.0)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: app.latest is not None and app.latest.at == 1009.0)
        await pilot.press("at", *"+30s", "enter")
        await until(pilot, lambda: app.latest is not None and app.latest.at == 1030.0)
        await pilot.press("at", *"mark", "space", *"60", "enter")
        await until(pilot, lambda: app.latest is not None and app.latest.at == 1060.0)
        assert "101.0 req/s" in frame(app)  # an error a second since second 40
        await pilot.press("at", *"nonsense", "enter")
        await until(pilot, lambda: "is no moment of this run" in frame(app))
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("p", "no process is sampled in a replay"),
        ("P", "no process is sampled in a replay"),
        ("i", "the metric browser is off in a replay"),
        ("w", "the window is that of the recording"),
        ("d", "the breakdown is that of the recording"),
    ],
)
async def test_what_needs_the_living_service_says_that_it_is_off(replay: Replay, key: str, words: str) -> None:
    app = on_screen(replay)
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: app.latest is not None and bool(app.latest.services))
        await pilot.press(key)
        await until(pilot, lambda: words in frame(app).splitlines()[-1])

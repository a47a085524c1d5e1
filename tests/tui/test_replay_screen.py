"""A recorded run on the live screen: it plays, it can be searched, live commands are disabled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from fake_source import frame
from recorded_runs import record
from test_profile_screen import profile as sampled
from textual.pilot import Pilot

from tputtui.demo.launch import Demo
from tputtui.engine.replay.player import Player
from tputtui.engine.replay.replay_buffer import ReplayBuffer, ReplayChoices
from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.profiling.files import speedscope
from tputtui.recording.reader import Run
from tputtui.settings import Settings
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.commands import COMMANDS
from tputtui.tui.dialogs.help_screen import help_lines
from tputtui.tui.keys import footer_hints
from tputtui.tui.live.replay_keys import replay_commands
from tputtui.tui.session import ScreenEnvironment
from tputtui.views.shared.styled_text import line_text

SECONDS = 12

pytestmark = pytest.mark.xdist_group("replay")  # one recording for all of them


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Record a run of the demo with the program itself."""
    path = tmp_path_factory.mktemp("runs") / "demo.tput.gz"
    with Demo(50.0, None, seed=1) as demo:
        urls = demo.start()
        demo.start_load()
        argv = [
            sys.executable,
            "-m",
            "tputtui",
            "record",
            "-o",
            str(path),
            "--for",
            f"{SECONDS}s",
            "--mark",
            "+5s=deploy",
        ]
        subprocess.run([*argv, *urls], check=True, timeout=90)
    return path


@pytest.fixture
def player(recorded: Path) -> Iterator[Player]:
    with Run(recorded) as run:
        player = Player(run)
        yield player
        player.stop()


@asynccontextmanager
async def shown(
    player: Player, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[TputtuiApp, Pilot[int]]]:
    themes = tuple(theme_files.theme_folders())
    app = TputtuiApp(
        Settings(),
        Capabilities.of_replay(player),
        palette.load_palette("dark", themes),
        ScreenEnvironment("web-01", 0.0, Path("/nowhere"), themes),
        player,
    )
    async with app.run_test(size=size) as pilot:
        await until(pilot, app, "REPLAY", "read")
        yield app, pilot


async def until(pilot: Pilot[int], app: TputtuiApp, *texts: str) -> str:
    """Return the screen once it contains all the texts.

    Only the first is awaited where the others disappear again.
    """
    for _ in range(200):
        await pilot.pause(0.05)
        picture = frame(app)
        if texts[0] in picture and app.session.latest is not None and app.session.latest.services:
            return picture
    raise AssertionError(f"{texts[0]!r} does not appear:\n{picture}")


@pytest.mark.slow
async def test_it_plays_to_its_end_at_sixty_times_the_speed(player: Player) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("space", *["full_stop"] * 9, "space")
        assert player.position.speed == 60
        await until(pilot, app, " s ended")
        assert app.is_running


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.slow
async def test_brackets_and_the_ends_move_in_the_run(player: Player, size: tuple[int, int]) -> None:
    async with shown(player, size) as (app, pilot):
        await pilot.press("0")
        await until(pilot, app, "ended")
        end = app.session.latest
        await pilot.press("left_square_bracket")
        await until(pilot, app, "paused")
        assert end is not None
        await pilot.press("left_curly_bracket")
        await pilot.pause(0.4)
        assert app.session.latest is not None
        assert app.session.latest.at <= end.at - 9
        await pilot.press("right_curly_bracket", "right_square_bracket")
        await until(pilot, app, "ended")


async def test_at_accepts_a_span_a_mark_and_a_time_of_day_and_refuses_the_rest(
    player: Player,
) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("space")
        header, mark = player.header, player.marks[0]
        for typed_text, wanted in (("+3s", 3.0), ("deploy", mark.at - header.began_at)):
            await pilot.press(
                "at", *typed_text.replace("+", "").replace("3s", "")
            ) if typed_text == "deploy" else await pilot.press("at", "plus", "3", "s")
            await pilot.press("enter")
            await pilot.pause(0.3)
            assert player.position.seconds == pytest.approx(wanted, abs=0.01)
        day = int(header.began_time + 7) % 86400
        await pilot.press(
            "at",
            *f"{day // 3600:02d}",
            "colon",
            *f"{day // 60 % 60:02d}",
            "colon",
            *f"{day % 60:02d}",
            "enter",
        )
        await pilot.pause(0.3)
        assert player.position.seconds == pytest.approx(6.5, abs=0.6)
        await pilot.press("at", *"noon", "enter")
        await until(pilot, app, "is no moment")


@pytest.mark.parametrize(("key", "typed_text"), [("p", "off in a replay"), ("P", "off in a replay"), ("R", "off in a replay"),
                                            ("m", "off in a replay"), ("comma", "REPLAY")])  # fmt: skip
async def test_commands_that_need_the_live_process_are_disabled(
    player: Player, key: str, typed_text: str
) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press(key)
        await until(pilot, app, typed_text)


async def test_the_footer_and_the_help_describe_the_keys_of_a_replay(player: Player) -> None:
    async with shown(player, (80, 24)) as (app, pilot):
        footer = (await until(pilot, app, "space pause")).splitlines()[-1]
        assert ", . speed" in footer
        assert "freeze" not in footer
        assert "p profile" not in footer
        await pilot.press("space")
        footer = (await until(pilot, app, "space play")).splitlines()[-1]
        assert footer.rstrip().endswith("? help  q quit")
    help_text = "\n".join(map(line_text, help_lines(120, {}, replay_commands(is_paused=False))))
    assert "stand still, or play on" in help_text
    assert "collecting goes on" not in help_text
    assert "off: a run is not written to" not in help_text.replace("m is off", "")


@pytest.mark.parametrize("keys", [[], ["z"], ["i"], ["space"], ["0"], ["slash"], ["M"]])
async def test_a_replay_is_always_labelled_as_a_replay(player: Player, keys: list[str]) -> None:
    async with shown(player, (80, 24)) as (app, pilot):
        await pilot.press(*keys)
        await pilot.pause(0.3)
        first = frame(app).splitlines()[0]
        assert "REPLAY" in first or "M" in keys  # the list of marks covers the right half


def test_a_replay_has_the_keys_of_the_live_screen() -> None:
    assert [(command.id, command.keys) for command in replay_commands(True)] == [
        (command.id, command.keys) for command in COMMANDS
    ]
    assert 4 <= len(footer_hints(("live", "time", "everywhere"), {}, replay_commands(True))) <= 10


@pytest.mark.parametrize("key", ["p", "P", "R", "m"])
async def test_a_disabled_command_says_so_within_80_cells(player: Player, key: str) -> None:
    async with shown(player, (80, 24)) as (app, pilot):
        await pilot.press(key)
        assert "…" not in (await until(pilot, app, "off in a replay")).splitlines()[-1]


async def test_the_marks_are_listed_and_enter_goes_to_one(player: Player) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("space", "M")
        await until(pilot, app, "Enter goes there")
        assert "deploy" in frame(app)
        await pilot.press("enter")
        await pilot.pause(0.3)
        assert player.position.seconds == pytest.approx(
            player.marks[0].at - player.header.began_at, abs=0.01
        )


async def test_the_browser_shows_the_recorded_families_and_reports_the_others(
    player: Player,
) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("0", "i")
        picture = await until(pilot, app, "http_requests_total")
        assert "not recorded" in picture
        assert "Enter" not in picture.splitlines()[-1], "nothing can be chosen"
        missing = [line for line in picture.splitlines() if "not recorded" in line]
        assert any("demo_build_info" in line for line in missing)
        await pilot.press("enter")
        await until(pilot, app, "in a replay it stays as it was")


async def test_another_window_derives_the_run_again(player: Player) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("0")
        await until(pilot, app, "ended")
        await pilot.press("w")
        await pilot.pause(0.2)
        for _ in range(100):
            await pilot.pause(0.05)
            if app.session.latest is not None and app.session.latest.window_s == 30.0:
                break
        assert app.session.latest is not None
        assert app.session.latest.window_s == 30.0


def test_every_moment_equals_the_snapshot_derived_in_order(recorded: Path) -> None:
    with Run(recorded) as run:
        wanted = list(replay_snapshots(run))
        reel = ReplayBuffer(run, ReplayChoices(), wanted[-1].at)
    reel.start()
    reel._thread.join(30)
    assert reel.failure is None
    assert [
        shown[0]
        for snapshot in wanted
        if (shown := reel.snapshot_and_replicas(snapshot.at)) is not None
    ] == wanted
    assert reel.shown_at(-1.0) is None


@pytest.mark.parametrize("content", [b"", b"not a run", b"\x1f\x8b" + bytes(30)])
def test_a_file_that_is_not_a_run_is_one_line_and_exit_code_2(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "bad.tput.gz"
    path.write_bytes(content)
    ended = subprocess.run(
        [sys.executable, "-m", "tputtui", "replay", str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert str(path) in ended.stderr
    assert ended.stdout == ""


def test_the_marks_of_a_replay_are_those_of_the_run(player: Player) -> None:
    assert [mark.text for mark in player.marks] == ["deploy"]
    assert replace(player.position, read_ratio=1.0).length_s == pytest.approx(SECONDS, abs=3)


async def test_the_profile_of_a_moment_is_shown_without_its_source(tmp_path: Path) -> None:
    path = tmp_path / "a.tput.gz"
    record(path, 60, profiled=(10, speedscope.render(sampled())))
    with Run(path) as run:
        player = Player(run)
        async with shown(player) as (app, pilot):
            await pilot.press("space")
            (profile,) = player.profiles
            assert app.replay_commands is not None
            app.replay_commands.go_to(profile.at + 40)
            axis = next(line for line in (await until(pilot, app, "└")).splitlines() if "└" in line)
            assert "p" in axis
            await pilot.press("p")
            await until(pilot, app, "off in a replay")
            app.replay_commands.go_to(profile.at + 1)
            await pilot.pause(0.5)
            await pilot.press("p")
            await until(pilot, app, "Call tree")
            await pilot.press("5")
            await until(pilot, app, "source is off in a replay")
        player.stop()


async def test_key_a_splits_a_recorded_service_from_its_beginning(player: Player) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("0", "a")
        await until(pilot, app, "which is the treatment?", "method")
        await pilot.press("enter")
        assert "control method=" in await until(pilot, app, "Control and treatment: ", "for 1")


async def test_a_route_of_a_recorded_service_is_shown_alone(player: Player) -> None:
    async with shown(player) as (app, pilot):
        await pilot.press("0", "5", "down", "enter")
        assert "route=/" in await until(pilot, app, "Esc all")
        await pilot.press("escape")
        assert "Esc all" not in await until(pilot, app, "Routes")

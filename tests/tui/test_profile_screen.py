"""The profile screen on synthetic profiles: keys, lists, files of all kinds. Nothing is sampled."""

from __future__ import annotations

import cProfile
import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_source import create_app, frame
from textual.pilot import Pilot

from tputtui.cli import main
from tputtui.profiling.files import pstats_file
from tputtui.profiling.profile_model import (
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)
from tputtui.tui.app import TputtuiApp
from tputtui.tui.profile.profile_commands import OpenedProfile
from tputtui.tui.profile.profile_screen import ProfileScreen
from tputtui.tui.profile.pstats_screen import PstatsScreen
from tputtui.views.profile import tabs


def profile() -> Profile:
    frames = FrameTable()
    root = frames.add_frame("main", "/srv/app/main.py", 1)
    run: Stack = (root, frames.add_frame("compute\x1b[31m[/red]", "/srv/app/rank.py", 7))
    part = ProfileSlice(
        {ProfileThread(1, 1, "MainThread"): {run: 90.0, (root,): 10.0}}, {}, 100.0, 0.0, 1.0
    )
    return Profile(
        frames,
        (part,) * 6,
        ProfileMetadata(source="py-spy", label="1 app", pid=1, rate_hz=100.0, time=1000.0),
    )


async def typed(app: TputtuiApp, pilot: Pilot[int], *keys: str) -> str:
    await pilot.press(*keys)
    await pilot.pause(0.1)
    app.session.show_frame()
    await pilot.pause(0.1)
    return frame(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_each_tab_opens_with_its_key(size: tuple[int, int]) -> None:
    app = create_app()
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=size) as pilot:
        assert "of 1 thread × 6.0 s" in await typed(app, pilot, "1")
        assert "who called it" in await typed(app, pilot, "2")
        assert "self▼" in await typed(app, pilot, "3")
        assert "▏compute␛[31m[/red]" in await typed(app, pilot, "4")
        assert "/srv/app/rank.py" in await typed(app, pilot, "asterisk", "5")
        shown = await typed(app, pilot, "6")
        assert "the one thread" in shown
        assert shown.splitlines()[-1].split()[:2] == ["Enter", "choose"]
        assert f"the views are 1 to {len(tabs.TABS)}" in await typed(app, pilot, "9")
        assert "there is no process to sample" in await typed(app, pilot, "P")
        assert "no time to go to" in await typed(app, pilot, "at")
        assert "the whole screen already" in await typed(app, pilot, "z")


async def test_the_list_of_profiles_opens_with_D_and_closes_with_Esc() -> None:  # noqa: N802 - the key is a capital D
    app = create_app()
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await typed(app, pilot, "D")
        assert "Enter compares with the profile shown" in shown
        assert shown.splitlines()[-1].split() == [
            "Enter",
            "compare",
            "Esc",
            "back",
            "?",
            "help",
            "q",
            "quit",
        ]
        assert "Enter compares" not in await typed(app, pilot, "escape")


async def test_an_export_names_all_its_files_and_their_folder_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    app = create_app()
    app.session.environment = replace(
        app.session.environment, state_folder=tmp_path / ".local" / "state" / "tputtui"
    )
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=(120, 24)) as pilot:
        output = (await typed(app, pilot, "e")).splitlines()[-1]
        assert output.strip().startswith("saved 1-")
        assert output.endswith(
            ".speedscope.json, .collapsed.txt, .svg in ~/.local/state/tputtui/profiles"
        )
        assert len(app.session.saved_paths) == 3


async def test_an_instrumented_profile_shows_functions_and_their_callers(tmp_path: Path) -> None:
    counted = cProfile.Profile()
    counted.runcall(json.loads, "[1, 2]")
    path = tmp_path / "x.pstats"
    counted.dump_stats(path)
    app = create_app()
    app.show_alone(PstatsScreen(app.session, pstats_file.load(path)))
    async with app.run_test(size=(120, 40)) as pilot:
        assert "instrumented" in await typed(app, pilot, "down")
        assert "callers, then the function" in await typed(app, pilot, "enter")
        assert "no stacks were kept" in await typed(app, pilot, "4")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.json", b'{"profiles": [{"typ'),
        ("empty.txt", b""),
        ("x.json.gz", b"\x1f\x8b\x08\x00cut"),
        ("b.txt", b"\x00\x01"),
    ],
)
def test_a_file_that_is_no_profile_is_one_sentence(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["view", str(path)]) == 2
    output = capsys.readouterr().err.strip().splitlines()
    assert len(output) == 1
    assert name in output[0]


def test_view_converts_to_another_format(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "p.txt", tmp_path / "p.svg"
    path.write_text("main (a.py:1);work (a.py:2) 5\n")
    assert main(["view", str(path), "-o", str(out)]) == 0
    assert out.read_bytes().startswith(b"<?xml")
    assert main(["view", str(path), "-o", str(out)]) == 2
    assert "--force" in capsys.readouterr().err

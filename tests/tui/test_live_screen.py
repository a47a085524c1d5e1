"""The live screen by its keys, on a fake source."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import samples
from fake_source import FakeSource, create_app, frame, wait_until_stable

FRAMES = Path(__file__).resolve().parents[1] / "data" / "frames"


def assert_same(name: str, shown: str) -> None:
    """Compare with the stored frame; UPDATE_FRAMES=1 stores a new one, to be read in the diff."""
    path = FRAMES / name
    if os.environ.get("UPDATE_FRAMES"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == shown


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60), (40, 12)])
async def test_the_frame_equals_the_stored_one(size: tuple[int, int]) -> None:
    app = create_app()
    async with app.run_test(size=size) as pilot:
        assert_same(f"live-{size[0]}x{size[1]}.txt", await wait_until_stable(app, pilot) + "\n")


@pytest.mark.parametrize("theme", ["dark", "light", "terminal"])
async def test_the_colours_equal_the_stored_ones(theme: str) -> None:
    app = create_app(theme=theme)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        svg = re.sub(r"terminal-\d+", "terminal", app.export_screenshot(title="tputtui"))
        assert_same(f"live-80x24-{theme}.svg", svg)


async def test_space_freezes_the_screen_while_snapshots_arrive_and_0_is_live_again() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("space")
        source.tick(services=(samples.service("elsewhere"),))
        await pilot.pause(0.1)
        assert "FROZEN" in frame(app)
        await pilot.press("0")
        await pilot.pause(0.1)
        assert "LIVE" in frame(app)
        assert "elsewhere" in frame(app)


async def test_brackets_move_in_time_and_stop_at_both_ends() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        source.tick(100.0)
        await pilot.pause(0.1)
        await pilot.press("left_square_bracket")
        await pilot.pause(0.1)
        assert "PAST -2 s" in frame(app)
        for _ in range(12):
            await pilot.press("left_curly_bracket")
        await pilot.pause(0.1)
        assert "PAST -1 min 40 s" in frame(app), "not before the first snapshot"
        for _ in range(12):
            await pilot.press("right_curly_bracket")
        await pilot.pause(0.1)
        assert "LIVE" in frame(app)


async def test_at_goes_to_a_time_and_says_when_it_cannot() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        source.tick(100.0)
        await pilot.press("at", *"-30s", "enter")
        await pilot.pause(0.1)
        assert "PAST -30 s" in frame(app)
        await pilot.press("at", *"noon", "enter")
        await pilot.pause(0.1)
        assert "is no time in reach" in frame(app)


async def test_the_axis_grows_to_the_chosen_span_and_plus_halves_it() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        assert app.session.timeline.shown_span() == 60.0
        source.tick(250.0)
        await pilot.pause(0.1)
        assert app.session.timeline.shown_span() == 300.0
        await pilot.press("plus")
        assert app.session.timeline.shown_span() == 120.0
        await pilot.press("minus", "minus", "minus")
        assert app.session.timeline.span_s == 1800.0
        assert app.session.timeline.shown_span() == 300.0


async def test_numbers_and_tab_focus_panels_and_z_zooms_one() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("3")
        assert frame(app).count("━ Saturation") == 1
        await pilot.press("tab")
        assert frame(app).count("━ Targets") == 1
        await pilot.press("1", "z")
        await pilot.pause(0.2)
        assert "━ Throughput" in frame(app)
        assert "Saturation" not in frame(app)
        await pilot.press("z")
        await pilot.pause(0.2)
        assert "Saturation" in frame(app)


async def test_arrows_move_a_cursor_that_stays_on_its_process() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("6", "down", "down")
        chosen = app.session.view_state.list_state("processes").cursor
        assert chosen == samples.PROCESSES[1].identity
        source.tick(processes=samples.PROCESSES[::-1])
        await pilot.pause(0.1)
        assert app.session.view_state.list_state("processes").cursor == chosen
        assert "p profiles 23991" in frame(app)


async def test_choosing_a_target_shows_its_service() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("4", "down")
        await pilot.pause(0.1)
        assert app.session.view_state.list_state("targets").cursor == "web-03"
        assert app.session.view_state.service == "node"


async def test_a_filter_works_while_it_is_typed_and_esc_cancels_it() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("5", "slash", *"pay")
        await pilot.pause(0.1)
        assert "/payment" in frame(app)
        assert "/checkout" not in frame(app)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "/checkout" in frame(app)


async def test_sort_and_invert_change_the_order() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("6", "greater_than_sign")
        assert app.session.view_state.list_state("processes").sort_column == "rss"
        await pilot.press("I")
        assert app.session.view_state.list_state("processes").is_inverted


async def test_commands_reach_the_engine() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("w", "d", "6", "down", "F")
        await pilot.pause(0.1)
        assert source.calls_of("window") == [30.0]
        assert source.calls_of("breakdown") == ["checkout"]
        assert source.calls_of("watch") == [frozenset({23990})]


async def test_processes_are_not_read_while_their_panel_is_hidden() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.2)
        assert source.calls_of("processes")[-1] is False
        await pilot.press("6")
        await pilot.pause(0.1)
        assert source.calls_of("processes")[-1] is True


async def test_read_only_neither_profiles_nor_writes() -> None:
    app = create_app(read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("p")
        await pilot.pause(0.1)
        assert "read-only: no profiling" in frame(app)
        await pilot.press("e")
        await pilot.pause(0.1)
        assert "read-only: no file is written" in frame(app)


async def test_every_theme_can_be_switched_to_while_running() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        for expected in ("light", "terminal", "dark"):
            await pilot.press("T", "down", "enter")
            await pilot.pause(0.2)
            assert app.palette.name == expected
            await pilot.press("colon")
            await pilot.pause(0.2)
            await pilot.press("escape")


async def test_the_theme_list_previews_a_theme_and_esc_restores_the_old_one() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("T", "down")
        assert app.palette.name == "light"
        await pilot.press("escape")
        assert app.palette.name == "dark"


async def test_help_names_every_key() -> None:
    app = create_app()
    async with app.run_test(size=(120, 60)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("question_mark")
        await pilot.pause(0.2)
        for word in (
            "freeze",
            "profile",
            "whole screen",
            "1-9",
            "No key kills or signals anything",
        ):
            assert word in frame(app)


async def test_esc_never_quits_but_q_does() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("escape", "escape")
        assert app.is_running
        await pilot.press("q")
    assert app.return_code == 0


async def test_a_dead_engine_ends_the_screen_with_its_error() -> None:
    source = FakeSource()
    app = create_app(source)

    async def watched() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await pilot.pause(0.2)
            source.failure = RuntimeError("the engine broke")
            await pilot.pause(1.5)

    with pytest.raises(RuntimeError, match="the engine broke"):
        await watched()
    assert app.return_code == 1

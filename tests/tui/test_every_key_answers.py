"""Every key acts or explains in the bottom line why not, until the next key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import samples
from fake_source import FakeSource, create_app, frame, wait_until_stable
from test_profile_screen import profile

from tputtui.model import TargetStatus
from tputtui.tui import commands, key_names, keys
from tputtui.tui.capabilities import SAVED_PROFILE
from tputtui.tui.dialogs.help_screen import help_lines
from tputtui.tui.profile.profile_commands import OpenedProfile
from tputtui.tui.profile.profile_screen import ProfileScreen
from tputtui.views.live import panels
from tputtui.views.profile import tabs
from tputtui.views.shared.styled_text import line_text


async def pressed(
    *typed: str, size: tuple[int, int] = (80, 24), source: FakeSource | None = None
) -> tuple[str, str]:
    """Return the screen before the last key, and after it."""
    app = create_app(source)
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press(*typed[:-1])
        before = await wait_until_stable(app, pilot)
        await pilot.press(typed[-1])
        return before, await wait_until_stable(app, pilot)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (("8",), "no metric is charted: i, then Enter on one, puts it here"),
        (("9",), "the service is not split: a splits it"),
        (("X",), "no metric is charted: i, then Enter on one, puts it here"),
        (("asterisk",), "* (hottest) works in a profile"),
        (("d",), "by the next label"),
        (("F",), "choose a process first"),
        (("enter",), "choose a panel first"),
        (("5", "enter"), "choose a row first"),
        (("4", "enter"), "choose a row first"),
        (("1", "z", "less_than_sign"), "no list is shown"),
        (("1", "z", "greater_than_sign"), "no list is shown"),
        (("1", "z", "I"), "no list is shown"),
        (("1", "z", "down"), "no list is shown"),
        (("1", "z", "slash"), "no list is shown"),
        (("w",), "rates and quantiles over 30 s"),
        (("y",), "copied all panels"),
        (("3", "y"), "copied saturation: 4 lines"),
        (("i", "w"), "w (window) works on the live screen"),
        (("i", "d"), "d (break down) works on the live screen"),
        (("i", "p"), "p (profile) works on the live screen"),
    ],
)
async def test_a_key_that_cannot_act_says_why(typed: tuple[str, ...], expected: str) -> None:
    _, after = await pressed(*typed)
    assert expected in after.splitlines()[-1]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"traffic": None}, "nothing to break down: no traffic"),
        ({"breakdown_by": (), "breakdown": ()}, "nothing to break down: the traffic has no labels"),
    ],
)
async def test_d_reports_when_there_is_nothing_to_break_down(
    changes: dict[str, Any], expected: str
) -> None:
    source = FakeSource(samples.snapshot(services=(samples.service(**changes),)))
    _, after = await pressed("d", source=source)
    assert expected in after.splitlines()[-1]
    assert source.calls_of("breakdown") == []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("w", "a saved profile has no rates"),
        ("d", "nothing to break down: no traffic"),
        ("R", "a saved profile has nothing to record"),
        ("at", "a saved profile has no time to go to"),
        ("a", "no service to split"),
        ("X", "no metric is charted"),
        ("F", "follow has no meaning here"),
        ("b", "nothing to hold against yet"),
        ("full_stop", "a recorded run plays faster and slower"),
    ],
)
async def test_a_key_that_a_saved_profile_cannot_carry_out_says_why(
    key: str, expected: str
) -> None:
    app = create_app()
    app.session.capabilities = SAVED_PROFILE
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press(key)
        await pilot.pause(0.2)
        assert expected in frame(app).splitlines()[-1]


async def test_a_break_down_chosen_at_the_start_is_not_cycled() -> None:
    source = FakeSource()
    app = create_app(source, by=("route",))
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("d")
        assert "as --by says" in await wait_until_stable(app, pilot)
    assert source.calls_of("breakdown") == []


async def test_a_key_that_worked_is_not_reported_as_working_elsewhere() -> None:
    for key in ("z", "left_curly_bracket", "plus", "6", "tab", "question_mark"):
        _, after = await pressed(key)
        assert " works " not in after, key


@pytest.mark.parametrize("key", ["q", "escape", "z"])
async def test_q_esc_and_z_end_the_zoom_first(key: str) -> None:
    app = create_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("1", "z")
        assert "Saturation" not in await wait_until_stable(app, pilot)
        await pilot.press(key)
        assert "Saturation" in await wait_until_stable(app, pilot)
        assert app.is_running
    assert app.return_code is None or key == "q"


async def test_enter_zooms_the_focused_panel() -> None:
    _, after = await pressed("2", "enter")
    assert "lies in the bucket" in after
    assert "Saturation" not in after


async def test_left_and_right_move_the_moment_in_all_panels() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(60.0)
        await pilot.press("2", "z", "left", "left")
        shown = await wait_until_stable(app, pilot)
        assert "PAST -2 s" in shown
        assert "▲" in shown, "the quantiles' lines are marked"
        await pilot.press("1")
        shown = await wait_until_stable(app, pilot)
        assert "▲" in shown, "and so is the throughput"
        await pilot.press("right", "right")
        assert "LIVE" in await wait_until_stable(app, pilot)


async def test_a_transient_message_disappears_with_the_next_key() -> None:
    app = create_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("9")
        assert "the service is not split" in await wait_until_stable(app, pilot)
        await pilot.press("1")
        last = (await wait_until_stable(app, pilot)).splitlines()[-1]
        assert "there is no panel" not in last
        assert "q quit" in last


async def test_a_followed_process_that_ended_is_released_with_a_message() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("6", "down", "F")
        assert "following 23990" in frame(app) or "following 23990" in await wait_until_stable(
            app, pilot
        )
        source.tick(processes=samples.PROCESSES[1:])
        shown = await wait_until_stable(app, pilot)
        assert "process 23990 has ended: it is no longer followed" in shown.splitlines()[-1]
        assert "following 23990" not in shown.replace(shown.splitlines()[-1], "")
        assert source.calls_of("watch")[-1] == frozenset()
        await pilot.press("F")
        assert "process 23990 has ended: choose another" in await wait_until_stable(app, pilot)


async def test_sorting_starts_at_the_marked_column_and_cycles_through_the_shown_ones() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        assert "req/s▼" in frame(app)
        await pilot.press("5", "greater_than_sign")
        assert app.session.view_state.list_state("routes").sort_column == "errors"
        await pilot.press("less_than_sign", "less_than_sign")
        assert app.session.view_state.list_state("routes").sort_column == "route"


# ---------------------------------------------------------------------------------- help and footer


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_help_names_every_key_as_printed_on_the_keyboard_and_cuts_no_sentence(
    width: int,
) -> None:
    shown = [line_text(line).rstrip() for line in help_lines(width, {})]
    fragment = " ".join(" ".join(shown).split())
    assert "…" not in fragment
    for command in commands.COMMANDS:
        for key in command.keys.split(","):
            assert len(key_names.key_label(key)) <= 2 or not any(
                mark in key_names.key_label(key) for mark in "_+"
            ), key
        help_text = command.pair.help if command.pair is not None else command.help
        seconds = {first.pair.other_id for first in commands.COMMANDS if first.pair is not None}
        assert command.id in seconds or help_text in fragment
    assert "equals_sign" not in fragment
    section = "\n".join(shown).partition(" Profile\n")[2]
    assert len(tabs.TABS) == int(tabs.help_row()[0].removeprefix("1-"))
    expected = (tabs.help_row()[0], "Esc", "p ")
    assert [key for key in expected if f"\n   {key}" not in f"\n{section}"] == []


async def test_every_line_of_the_help_is_reached_by_scrolling_on_a_small_screen() -> None:
    app = create_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("question_mark")
        lines = [line_text(line).strip() for line in help_lines(80, {})[1:]]
        shown = set[str]()
        for _ in range(len(lines) // 10 + 1):
            shown.update(
                line.strip() for line in (await wait_until_stable(app, pilot)).splitlines()
            )
            await pilot.press("space")
        assert [line for line in lines if line not in shown] == []


def test_remapped_pairs_are_shown_with_their_new_keys() -> None:
    hints = dict(
        keys.footer_hints(("live", "time", "everywhere"), {"back": "f5", "quit": "ctrl+q"})
    )
    assert hints["f5 ]"] == "time"
    assert hints["ctrl+q"] == "quit"


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
async def test_help_and_quit_are_always_in_the_footer(width: int) -> None:
    app = create_app()
    async with app.run_test(size=(width, 24)) as pilot:
        last = (await wait_until_stable(app, pilot)).splitlines()[-1]
        assert last.rstrip().endswith("? help  q quit")


async def test_at_forty_columns_a_target_that_is_down_is_reported() -> None:
    down = tuple(
        TargetStatus(
            f"web-{at:02d}", f"http://10.0.0.{at}:80/metrics", "down", "refused", since_s=3.0
        )
        for at in range(15)
    )
    source = FakeSource(replace(samples.snapshot(), targets=down))
    _, after = await pressed("escape", size=(60, 20), source=source)
    assert "15 targets, 15 down" in after.splitlines()[0]


def test_nine_panels_have_a_number_and_the_help_names_them() -> None:
    numbers = ", ".join(f"{at} {panel.name}" for at, panel in enumerate(panels.PANELS[:9], 1))
    assert ("1-9", "panels", numbers) in keys.help_rows("live", {})


@pytest.mark.parametrize(
    ("key", "hint"), [("at", "a time: 14:03:22"), ("m", "mark"), ("slash", "a word in the row")]
)
async def test_an_input_line_replaces_the_footer(key: str, hint: str) -> None:
    app = create_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press(key)
        asked = (await wait_until_stable(app, pilot)).splitlines()[-1]
        assert hint in asked
        await pilot.press("9", "9")
        assert "99" in (await wait_until_stable(app, pilot)).splitlines()[-1]
        await pilot.press("escape")
        assert "q quit" in (await wait_until_stable(app, pilot)).splitlines()[-1]


async def test_enter_profiles_the_first_of_the_filtered_processes() -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("6", "slash", *"postgres", "enter")
        await wait_until_stable(app, pilot)
        await pilot.press("enter")
        await wait_until_stable(app, pilot)
        chosen = app.session.view_state.list_state("processes").cursor
        wanted = [process.identity for process in samples.PROCESSES if "postgres" in process.name]
        assert wanted
        assert chosen == wanted[0]


async def test_a_read_only_screen_does_not_offer_to_profile() -> None:
    app = create_app(read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "p profile" not in (await wait_until_stable(app, pilot)).splitlines()[-1]

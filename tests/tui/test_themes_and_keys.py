from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
from textual.keys import Keys, _character_to_key

from tputtui.tui import commands, key_names, keys, palette, theme_files
from tputtui.tui.live.plot import (
    axis_top,
    draw_chart,
    draw_scatter,
)
from tputtui.views.shared.chart import ChartLine, LineChart, ScatterPlot
from tputtui.views.shared.styled_text import line_text

FOLDERS = theme_files.theme_folders()
NAMES = theme_files.theme_names(FOLDERS)


@pytest.mark.parametrize("name", NAMES)
def test_every_included_theme_is_legible(name: str) -> None:
    loaded = palette.load_palette(name, FOLDERS)
    loaded.textual_theme().to_color_system().generate()
    if loaded.is_ansi:
        return
    for role in ("plain", "dim", "strong", "ok", "warning", "bad", "accent", "data"):
        style = loaded.styles[role]
        assert style.color is not None
        assert style.bgcolor is not None
        ratio = theme_files.contrast_ratio(
            tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor())
        )
        assert ratio >= 4.5, f"{role}: {ratio:.1f}"


def test_the_themes_dark_light_and_terminal_exist() -> None:
    assert NAMES[:3] == ["dark", "light", "terminal"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda s: s.replace("[roles]", "[rolls]"), "has no [roles]"),
        (lambda s: s.replace('ok = "', 'okay = "'), "unknown role"),
        (lambda s: s.replace('bad = "#f0747a"', 'bad = "#zz"'), "is no colour"),
        (lambda s: s.replace('bad = "#f0747a"', 'bad = "#131418"'), "cannot be seen"),
        (lambda s: s.replace('accent = "#b9a1f5"\n', ""), "has no colour"),
        (lambda s: s + "\n[[[", "dark.toml"),
        (lambda s: s + "#" * 70_000, "larger than"),
    ],
)
def test_a_broken_theme_is_one_sentence(change: object, expected: str, tmp_path: Path) -> None:
    assert callable(change)
    path = tmp_path / "dark.toml"
    path.write_text(change((FOLDERS[-1] / "dark.toml").read_text()))
    with pytest.raises(theme_files.BadThemeError) as caught:
        palette.read_palette(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_theme_is_refused_with_the_known_names() -> None:
    with pytest.raises(theme_files.BadThemeError, match="did you mean"):
        palette.load_palette("drak", FOLDERS)


def test_no_key_has_two_meanings() -> None:
    used_keys: dict[str, str] = {}
    for command in commands.COMMANDS:
        for key in command.keys.split(","):
            assert used_keys.setdefault(key, command.id) == command.id
    for moves, _ in keys.MOVE_KEYS:
        assert not set(moves.split(",")) & set(used_keys)


def test_a_footer_has_at_most_ten_keys() -> None:
    for where in (("live", "time", "everywhere"), ("profile", "everywhere")):
        assert 4 <= len(keys.footer_hints(where, {})) <= 10


def test_remapping_is_checked() -> None:
    assert keys.check_remapped({"freeze": "f5", "quit": "ctrl+x,?", "help": "f1"}) == {}
    assert keys.check_remapped({"freeze": "q", "quit": "x"}) == {}
    assert 'did you mean "freeze"' in keys.check_remapped({"freez": "f5"})["freez"]
    assert keys.check_remapped({"profile": "q"}) == {"profile": "q is the key of quit"}
    assert keys.check_remapped({"quit": "p", "profile": "p"}) == {"profile": "p is the key of quit"}
    assert "no key" in keys.check_remapped({"quit": "nonkey"})["quit"]
    assert "stays so" in keys.check_remapped({"quit": "j"})["quit"]
    assert "stays so" in keys.check_remapped({"quit": "ctrl+c"})["quit"]
    assert keys.check_remapped({"zoom_panel": "?"}) == {"zoom_panel": "? is the key of help"}


def test_every_key_that_textual_knows_is_a_key() -> None:
    typed = {_character_to_key(chr(code)) for code in range(0x21, 0x7F)}
    assert typed == {key_names.key_name(chr(code)) for code in range(0x21, 0x7F)}
    named = {key.value for key in Keys if not key.value.startswith("<")} - {
        "ctrl-at"
    }  # those are events, and a mistake
    assert [name for name in named | typed if not keys.is_key(name)] == []
    for name in ("", "nonkey", "ctrl+", "ctrl+nonkey", "f99", " "):
        assert not keys.is_key(name)


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_chart_has_its_size_and_does_not_bridge_gaps(ascii_only: bool) -> None:
    values = tuple(float(x) if not 10 < x < 20 else None for x in range(40))
    lines = [
        line_text(line)
        for line in draw_chart(LineChart((ChartLine(values),), 600.0, "req/s", 60, 10, ascii_only))
    ]
    assert len(lines) == 10
    assert {len(line) for line in lines} == {60}
    assert "-10 min" in lines[-1]
    assert "now" in lines[-1]
    if ascii_only:
        assert not any("\u2800" <= char <= "\u28ff" for line in lines for char in line)
    body = lines[:-2]
    gap_columns = range(int(4 + 56 * 12 / 40), int(4 + 56 * 18 / 40))
    assert all(line[x] == " " for line in body for x in gap_columns)


def test_charts_of_no_values_and_of_extreme_values_are_drawn() -> None:
    for values in (
        (),
        (None, None),
        (0.0, 0.0),
        (math.inf, 1.0),
        (math.nan, 1.0),
        (-1e308, 1e308),
        (1e300, 1e-300),
        (1e308, 1.0),
        (1.0, sys.float_info.max),
        (5e-324, 5e-324),
    ):
        assert (
            len(draw_chart(LineChart((ChartLine(values, name="web"),), 60.0, "By/s", 50, 8))) == 8
        )
        points = tuple((value, value) for value in values if value is not None)
        assert len(draw_scatter(ScatterPlot(points, "req/s", "p99", "s", 50, 12))) == 12


@pytest.mark.parametrize("largest", [0.0, 0.1, 0.99, 1.0, 9.9, 99.0, 412.0, 12345.0])
def test_the_top_of_an_axis_is_round_and_above(largest: float) -> None:
    top = axis_top([largest])
    assert top > largest
    assert f"{top:.0e}"[0] in "12357" or top == 1.0


@pytest.mark.parametrize("largest", [5e-324, 1e-310, 1e-300, 9.9e299, 1e308, sys.float_info.max])
def test_the_top_of_an_axis_is_finite_and_above_at_the_ends_of_the_floats(largest: float) -> None:
    top = axis_top([largest])
    assert largest <= top < math.inf

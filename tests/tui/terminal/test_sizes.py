"""Terminals that report no size, a part of one, or an absurd one: the screen stays usable."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from counting_server import CountingServer
from terminal_session import TPUTTUI, Session
from terminals import MODERN, UNSIZED, Terminal

pytestmark = [pytest.mark.slow, pytest.mark.pty]

LOOKED_AT = (200, 60)  # larger than all that is drawn, so that an excess is visible
MODERN_UNSIZED = Terminal(
    "modern 0x0", "xterm-kitty", MODERN.attributes, MODERN.modes, kitty=True, sized=False
)

ZERO_IN_BAND = replace(MODERN_UNSIZED, name="0x0 in band", in_band=False)
KINDS = pytest.mark.parametrize(
    "terminal", [UNSIZED, MODERN_UNSIZED, ZERO_IN_BAND], ids=lambda terminal: terminal.name
)


@pytest.fixture
def profile(tmp_path: Path) -> str:
    """Save a profile: its screen is not redrawn by ticks."""
    path = tmp_path / "profile.json"
    frames = [{"name": "main"}, {"name": "parse_body"}]
    sampled = {"type": "sampled", "name": "job", "unit": "seconds", "startValue": 0, "endValue": 1}
    sampled |= {"samples": [[0, 1]], "weights": [1.0]}
    path.write_text(json.dumps({"shared": {"frames": frames}, "profiles": [sampled]}))
    return str(path)


def resize(session: Session, columns: int, rows: int) -> None:
    """Resize the window and lose its content, so that everything must be redrawn."""
    session.screen.reset()
    session.resize_window(columns, rows)


def drawn_size(session: Session) -> tuple[int, int]:
    """Return the drawn columns and rows, by the title's rule and the line of keys."""
    session.wait_for(r"\A━ Profile ━")
    session.wait_for("q quit")
    session.wait_for("parse_body")
    session.read(0.3)
    lines = session.text().split("\n")
    return len(lines[0]), max(row for row, line in enumerate(lines, 1) if "q quit" in line)


def assert_still(session: Session) -> None:
    """Assert that nothing is drawn any more: two alternating sizes would redraw without end."""
    session.read(0.3)
    before = len(session.raw)
    session.read(0.5)
    assert len(session.raw) == before


@KINDS
@pytest.mark.parametrize(("keys", "status"), [("q", 0), ("\x03", 0)], ids=["q", "ctrl+c"])
def test_a_terminal_without_a_size_is_drawn_at_80x24_without_flicker_and_can_be_quit(
    terminal: Terminal, keys: str, status: int, profile: str
) -> None:
    with Session([TPUTTUI, "view", profile], LOOKED_AT, terminal=terminal) as session:
        assert drawn_size(session) == (80, 24)
        assert_still(session)
        session.press(keys)
        assert session.wait_end() == status
        session.assert_restored()


@KINDS
def test_a_real_size_is_applied_when_it_arrives_and_kept_when_it_is_withdrawn(
    terminal: Terminal, profile: str
) -> None:
    with Session([TPUTTUI, "view", profile], LOOKED_AT, terminal=terminal) as session:
        assert drawn_size(session) == (80, 24)
        for size in ((120, 40), (60, 20), (100, 30)):
            resize(session, *size)
            assert drawn_size(session) == size
            assert_still(session)
        resize(session, 0, 0)
        assert drawn_size(session) == (100, 30)
        resize(session, 90, 30)
        assert drawn_size(session) == (90, 30)
        session.press("q")
        assert session.wait_end() == 0
        session.assert_restored()


@pytest.mark.parametrize(
    ("reported", "drawn"),
    [
        ((0, 24), (80, 24)),
        ((80, 0), (80, 24)),
        ((100, 0), (100, 24)),
        ((0, 30), (80, 30)),
        ((65535, 65535), (80, 24)),
    ],
    ids=str,
)
def test_an_invalid_dimension_is_taken_from_80x24(
    reported: tuple[int, int], drawn: tuple[int, int], profile: str
) -> None:
    with Session([TPUTTUI, "view", profile], LOOKED_AT, terminal=UNSIZED) as session:
        session.resize_window(*reported)
        assert drawn_size(session) == drawn
        assert_still(session)
        session.press("q")
        assert session.wait_end() == 0


@pytest.mark.parametrize(
    ("columns", "lines", "drawn"),
    [
        ("100", "30", (100, 30)),
        ("100", "", (100, 24)),
        ("0", "0", (80, 24)),
        ("-5", "wide", (80, 24)),
        ("99999999999", "65535", (80, 24)),
    ],
)
def test_columns_and_lines_are_used_where_the_terminal_reports_no_size(
    columns: str, lines: str, drawn: tuple[int, int], profile: str
) -> None:
    environ = {"COLUMNS": columns, "LINES": lines}
    with Session([TPUTTUI, "view", profile], LOOKED_AT, environ, terminal=UNSIZED) as session:
        assert drawn_size(session) == drawn
        resize(session, 90, 28)
        assert drawn_size(session) == (90, 28)
        session.press("q")
        assert session.wait_end() == 0


def test_the_size_of_the_terminal_overrides_columns_and_lines(profile: str) -> None:
    environ = {"COLUMNS": "200", "LINES": "60"}  # exported earlier, in another window
    with Session([TPUTTUI, "view", profile], LOOKED_AT, environ, terminal=UNSIZED) as session:
        session.resize_window(90, 28)
        assert drawn_size(session) == (90, 28)
        session.press("q")
        assert session.wait_end() == 0


def test_with_redirected_output_the_size_is_that_of_the_terminal(
    profile: str, tmp_path: Path
) -> None:
    command = f"exec {shlex.quote(TPUTTUI)} view {shlex.quote(profile)} > {shlex.quote(str(tmp_path / 'out'))}"
    with Session(["/bin/sh", "-c", command], LOOKED_AT, terminal=UNSIZED) as session:
        session.resize_window(110, 35)
        assert drawn_size(session) == (110, 35)
        assert_still(session)
        session.press("q")
        assert session.wait_end() == 0


def test_a_click_in_a_terminal_without_a_size_in_pixels_is_a_click(profile: str) -> None:
    with Session([TPUTTUI, "view", profile], LOOKED_AT, terminal=MODERN_UNSIZED) as session:
        assert drawn_size(session) == (80, 24)
        session.send("\x1b[<0;30;6M\x1b[<0;30;6m")  # the tree's second row
        session.press("3")
        session.wait_for(r"self▼")
        session.press("q")
        assert session.wait_end() == 0
        session.assert_restored()


def test_the_live_screen_is_drawn_without_a_size_and_follows_a_real_one() -> None:
    with (
        CountingServer() as server,
        Session([TPUTTUI, server.target], LOOKED_AT, terminal=UNSIZED) as session,
    ):
        session.wait_for(r"\A tputtui ")
        session.wait_for(r"─ Throughput ─")
        session.wait_for("q quit")
        assert len(session.text().split("\n")[0]) <= 80
        session.resize_window(120, 40)
        session.wait_for(r"\A tputtui .{100,}")
        session.press("q")
        assert session.wait_end() == 0
        session.assert_restored()

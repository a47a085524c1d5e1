"""Late and cut replies and kitty key releases change nothing in the real program (TS-12)."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting_server import CountingServer
from terminal_session import TPUTTUI, Session

pytestmark = [pytest.mark.pty, pytest.mark.alone]

LONG_S = 0.4  # four escape delays
CASES: dict[str, tuple[bytes, ...]] = {
    "late device attributes": (b"\x1b[?62;4;6;22c",),
    "device attributes of eight bits": (b"\x9b?62;4;22c", b"\x9b?6", b"2;4;22c"),
    "a colour of eight bits": (b"\x9d11;rgb:1e1e/1e1e/2e2e\x9c", b"\x90>|quick?\x9c"),
    "a modifier that is none": (b"\x1b[0;0;98u", b"\x1b[63;0u"),
    "a reply cut off by the next": (b"\x1b", b"[\x1b[0c"),
    "others' device attributes": (b"\x1b[>41;388;0c", b"\x1b[?1;2c"),
    "device attributes cut behind ESC": (b"\x1b", b"[?62;4;6;22c"),
    "device attributes cut behind the bracket": (b"\x1b[", b"?62;4;6;22c"),
    "device attributes cut in a number": (b"\x1b[?6", b"2;4;6;2", b"2c"),
    "a colour cut behind ESC": (b"\x1b", b"]11;rgb:1e1e/1e1e/2e2e\x1b\\"),
    "a colour cut in its end": (b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b", b"\\"),
    "a version cut behind P": (b"\x1bP", b">|XTerm(388)\x1b\\"),
    "a position": (b"\x1b[24;80R",),
    "a window size": (b"\x1b[8;24;80t",),
    "kitty keyboard flags": (b"\x1b[?0u",),
    "kitty releases": (b"\x1b[106;1:3u", b"\x1b[113;1:3u", b"\x1b[1;1:3B"),
    "characters as numbers": (b"\x1b[63~", b"\x1b[113~", b"\x1b[55296u", b"\x1b[1114112u"),
    "a mouse of three bytes": (b"\x1b[M#q?",),
    "a window's title": (b"\x1b]lquick\x1b\\",),
}


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profile") / "job.json"
    path.write_text(
        json.dumps(
            {
                "$schema": "https://www.speedscope.app/file-format-schema.json",
                "shared": {
                    "frames": [{"name": name} for name in ("main", "read_rows", "write_rows")]
                },
                "profiles": [
                    {
                        "type": "sampled",
                        "name": "job",
                        "unit": "seconds",
                        "startValue": 0,
                        "endValue": 1.5,
                        "samples": [[0, 1], [0, 2], [0]],
                        "weights": [0.5, 0.6, 0.4],
                    }
                ],
                "activeProfileIndex": 0,
            }
        )
    )
    return path


@pytest.fixture(scope="module")
def viewer(profile: Path) -> Iterator[Session]:
    with Session([TPUTTUI, "view", str(profile)], size=(100, 30)) as session:
        session.wait_for("read_rows")
        session.read(1.0)
        yield session


@pytest.mark.parametrize("case", CASES)
def test_replies_of_the_terminal_change_nothing_in_a_profile(viewer: Session, case: str) -> None:
    before = viewer.text()
    for piece in CASES[case]:
        viewer.send(piece)
        viewer.read(LONG_S)
    assert viewer.alive(), viewer.text()
    assert viewer.text() == before
    viewer.send("?")
    viewer.wait_for("all keys")
    viewer.send("\x1b")
    viewer.read(LONG_S)
    assert viewer.text() == before


def test_cut_replies_set_no_baseline_and_move_no_moment_on_the_live_screen() -> None:
    with CountingServer() as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for(r"\d+\.\d+ req/s")
        footer = session.text().splitlines()[-1]
        for pieces in CASES.values():
            for piece in pieces:
                session.send(piece)
                session.read(LONG_S)
        assert session.alive(), session.text()
        assert not re.search(r"vs \d\d:\d\d", session.text()), "there is a baseline"
        assert re.search(r"LIVE \d\d:\d\d", session.text()), "another moment is shown"
        assert session.text().splitlines()[-1] == footer
        for panel in ("Throughput", "Saturation", "Routes"):
            assert f"─ {panel} ─" in session.text()
        session.send("\x1b[113;1:1u")  # q, as a kitty sends its press
        assert session.wait_end() == 0
        session.assert_restored()
        assert "Traceback" not in session.text()


BROKEN_READER = """
import sys
from tputtui.tui.terminal import driver
class Broken(driver.ReplyFilter):
    def feed(self, text, now):
        raise LookupError("the reader is broken")
driver.ReplyFilter = Broken
from tputtui.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_broken_reader_ends_the_program_with_one_sentence_and_exit_code_1(
    profile: Path, tmp_path: Path
) -> None:
    argv = [sys.executable, "-c", BROKEN_READER, "view", str(profile)]
    with Session(argv, environ={"XDG_STATE_HOME": str(tmp_path)}) as session:
        session.wait_for("read_rows")
        session.send("q")
        assert session.wait_end() == 1
        session.assert_restored()
        assert "an error of tputtui itself: LookupError: the reader is broken" in session.text()
        assert "Traceback" not in session.text()


BROKEN_KEY = """
import sys
from tputtui.tui.terminal import base_driver, driver
def process_message(self, message, real=base_driver.BaseDriver.process_message):
    if getattr(message, "key", "") == "x":
        raise LookupError("x is broken")
    real(self, message)
def feed(self, data, real=driver.TerminalParser.feed):
    if data == "z":
        raise ArithmeticError("z is broken")
    return real(self, data)
base_driver.BaseDriver.process_message = process_message
driver.TerminalParser.feed = feed
from tputtui.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("key", "error"), [("x", "LookupError: x is broken"), ("z", "ArithmeticError: z is broken")]
)
def test_an_error_that_loses_a_key_is_shown_once_and_the_program_goes_on(
    profile: Path, tmp_path: Path, key: str, error: str
) -> None:
    argv = [sys.executable, "-c", BROKEN_KEY, "view", str(profile)]
    with Session(argv, environ={"XDG_STATE_HOME": str(tmp_path)}) as session:
        session.wait_for("read_rows")
        for _ in range(3):
            session.send(key)
            session.wait_for(f"an error of tputtui itself, one input is lost: {error}")
        session.send("?")
        session.wait_for("all keys")
        session.send("\x1b")
        session.read(LONG_S)
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()
        assert session.text().count(f"an error of tputtui itself: {error}") == 1
        assert "Traceback" not in session.text()
    (file,) = tmp_path.rglob("tputtui-error-*.log")
    assert error in file.read_text()


def test_an_error_that_loses_a_key_is_in_the_event_line_of_the_live_screen(
    tmp_path: Path,
) -> None:
    argv = [sys.executable, "-c", BROKEN_KEY]
    state = {"XDG_STATE_HOME": str(tmp_path)}
    with CountingServer() as server, Session([*argv, server.target], environ=state) as session:
        session.wait_for(r"\d+\.\d+ req/s")
        session.send("x")
        session.wait_for(
            r"\d\d:\d\d:\d\d an error of tputtui itself, one input is lost: LookupError: x is broken"
        )
        session.send("q")
        assert session.wait_end() == 0
        assert "an error of tputtui itself: LookupError: x is broken" in session.text()

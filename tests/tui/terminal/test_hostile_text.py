"""Hostile text in every part of an exposition, in every view.

EX-01 to EX-05 of docs/reliability.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from counting_server import CountingServer, hostile_body
from terminal_session import TPUTTUI, Session

from tputtui.text import width

pytestmark = [pytest.mark.pty, pytest.mark.alone]

_STRINGS = re.compile(rb"\x1b[\]P_^X][^\x1b\x07]*")
_OWN_STRINGS = (
    b"\x1b]11;?",
    b"\x1b]10;?",
    b"\x1b]0;",
    b"\x1b]2;",
    b"\x1b]22;",
    b"\x1bP+q",
    b"\x1b_G",
)
_FOREIGN = (b"evil", b"aGFja2Vk", b"1337", b"AA==", b"canary")
_CONTROLS = re.compile(
    "[\x00-\x06\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f\x80-\x9f\u200b\u202e\u2066\ufeff\U000e0041]"
)

VIEWS: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "live": ("", ""),
    "routes by the next label": ("5dd", ""),
    "one panel alone": ("5z", "q"),
    "targets": ("4z", "q"),
    "metric browser": ("i", "q"),
    "a family in the browser": (("i", "\x1b[B", "\x1b[B", "\r"), "\x1bq"),
    "help": ("?", "q"),
    "search in the browser": ("i/canary\r", "\x1bq"),
    "themes": ("T", "\x1b"),
    "the ways to split": ("a", "\x1b"),
    "control and treatment": ("a\r", "a"),
}
"""What leads to a view from the live screen, and back."""


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_no_view_passes_hostile_text_to_the_terminal(size: tuple[int, int]) -> None:
    with CountingServer(hostile_body) as server, Session([TPUTTUI, server.target], size) as session:
        session.wait_for(r"[1-9][\d.,]* req/s")
        for view, (there, back) in VIEWS.items():
            began, before = len(session.raw), session.text()
            for key in there:
                session.send(key)
                session.read(0.3)
                if key == "i":  # on a busy machine it opens late, and must get the next keys
                    session.wait_for(r"\d+ families")
            session.read(0.8)
            assert session.alive(), (view, session.text())
            assert not there or session.text() != before, f"{view} does not open"
            _holds(bytes(session.raw)[began:], view)
            assert all(width(line.rstrip()) <= size[0] for line in session.text().split("\n")), view
            for key in back:
                session.send(key)
                session.read(0.5)
        session.wait_for(r"[1-9][\d.,]* req/s")
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


def _holds(shown: bytes, view: str) -> None:
    for sequence in _STRINGS.findall(shown):
        assert not any(word in sequence for word in _FOREIGN), (view, sequence)
        assert sequence.startswith(_OWN_STRINGS), (view, sequence)
    text = shown.decode("utf-8", "replace").replace("\x1b", "")
    assert not _CONTROLS.search(text), f"{view}: a control character got through"


def test_hostile_text_is_shown_with_its_escapes_made_visible() -> None:
    with (
        CountingServer(hostile_body) as server,
        Session([TPUTTUI, server.target], (160, 50)) as session,
    ):
        session.wait_for(r"[1-9][\d.,]* req/s")
        session.send("5z")
        session.wait_for("canary0␛")
        session.wait_for(re.escape("[/red]"))
        session.wait_for(re.escape("%s{0}"))
        session.send("q")
        session.read(0.4)
        if session.alive():
            session.send("q")
        assert session.wait_end() == 0

"""A terminal that cannot accept a frame yet gets it as soon as it can, with or without a tick."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fake_source import FakeSource, create_app, frame
from rich.segment import Segment
from rich.style import Style
from test_profile_screen import profile
from textual._compositor import ChopsUpdate
from textual.pilot import Pilot
from textual.strip import Strip

from tputtui.tui.app import TputtuiApp
from tputtui.tui.profile.profile_commands import OpenedProfile
from tputtui.tui.profile.profile_screen import ProfileScreen


class SilentSource(FakeSource):
    """Source that never delivers a snapshot."""

    def start(self) -> None:
        pass


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    for _ in range(200):
        if condition():
            return
        await pilot.pause(0.02)
    raise AssertionError("the condition was never met")


@pytest.mark.parametrize("waiting", [3, 20])
async def test_a_message_set_while_the_terminal_is_busy_appears_without_a_tick(
    waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    def backlog(self: TputtuiApp) -> int:
        nonlocal asked
        asked += busy
        return 9 if busy and asked <= waiting else 0

    busy = False
    monkeypatch.setattr(TputtuiApp, "backlog", backlog)
    app = create_app(SilentSource())
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "compute" in frame(app))
        busy = True
        app.session.show_status("what is said meanwhile")
        assert "what is said meanwhile" not in frame(app)
        await until(pilot, lambda: "what is said meanwhile" in frame(app))


async def test_a_saved_profile_is_drawn_with_its_contents_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pictures: list[str] = []
    drawn = TputtuiApp._display

    def display(self: TputtuiApp, front: Any, picture: Any) -> None:
        if hasattr(picture, "strips"):
            pictures.append("".join(strip.text for line in picture.strips for strip in line))
        drawn(self, front, picture)

    monkeypatch.setattr(TputtuiApp, "_display", display)
    app = create_app(SilentSource())
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
    assert "compute" in pictures[0]
    assert "q quit" in pictures[0]


class Queue:
    """Driver that keeps its output, with a backlog that the test sets."""

    is_inline = False

    def __init__(self) -> None:
        self._size = (80, 24)
        self.written: list[str] = []

    def write(self, data: str) -> None:
        self.written.append(data)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> TputtuiApp:
    """Return the app, reduced to sending updates."""
    created = create_app()
    created._driver = Queue()  # type: ignore[assignment]
    screen = type("FakeScreen", (), {"outer_size": created.size})()
    monkeypatch.setattr(TputtuiApp, "screen", screen)
    monkeypatch.setattr(TputtuiApp, "put_off", lambda _self: None)
    return created


def row(text: str) -> ChopsUpdate:
    strip = Strip([Segment(text, Style.parse("#ffffff on #000000"))])
    return ChopsUpdate([{0: strip}], [(0, 0, len(text))], [[len(text)]])


def test_a_frame_is_one_write_and_an_unchanged_frame_is_none(app: TputtuiApp) -> None:
    app._sync_available = True
    for _ in range(3):
        app._send(app.screen, row("1,284 req/s"))
    (frame,) = app._driver.written  # type: ignore[union-attr]
    assert frame.startswith("\x1b[?2026h")
    assert frame.endswith("\x1b[?2026l")
    assert "1,284 req/s" in frame


def test_a_postponed_frame_does_not_count_as_shown(
    app: TputtuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TputtuiApp, "backlog", lambda _self: 9)
    app._send(app.screen, row("1,284 req/s"))
    assert app._driver.written == []  # type: ignore[union-attr]
    monkeypatch.setattr(TputtuiApp, "backlog", lambda _self: 0)
    app._send(app.screen, row("1,284 req/s"))
    assert "1,284 req/s" in app._driver.written[0]  # type: ignore[union-attr]


def test_a_frame_whose_write_fails_does_not_count_as_shown(
    app: TputtuiApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_data: str) -> None:
        raise OSError("the terminal is gone")

    with monkeypatch.context() as broken:
        broken.setattr(app._driver, "write", fails)
        with pytest.raises(OSError, match="gone"):
            app._send(app.screen, row("1,284 req/s"))
    app._send(app.screen, row("1,284 req/s"))
    assert "1,284 req/s" in app._driver.written[0]  # type: ignore[union-attr]

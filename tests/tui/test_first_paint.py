"""The first frame of the screen is complete, and nothing is drawn or collected before it."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from fake_source import FakeSource, create_app
from textual.app import App
from textual.screen import Screen

from tputtui.cli import screen_runner
from tputtui.settings import Settings
from tputtui.tui import run_app
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_first_frame_has_every_panel_before_any_scrape(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    drawn = TputtuiApp._display

    def display(self: TputtuiApp, front: Screen[Any], picture: Any) -> None:
        if picture is not None:
            strips = getattr(picture, "strips", None)
            happened.append(
                "".join(strip.text for line in strips for strip in line) if strips else "a part"
            )
        drawn(self, front, picture)

    class Source(FakeSource):
        def start(self) -> None:
            happened.append("collecting")

    monkeypatch.setattr(TputtuiApp, "_display", display)
    app = create_app(Source())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
    first = happened[0]
    for fragment in ("Throughput", "Latency", "Saturation", "web-01", "help"):
        assert fragment in first
    assert "collecting" in happened[1:]


async def test_the_styles_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bool] = []
    refresh = App.refresh_css

    def counted(self: App[Any], animate: bool = True) -> None:
        read.append(animate)
        refresh(self, animate)

    monkeypatch.setattr(App, "refresh_css", counted)
    app = create_app()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert read == []
        assert app.stylesheet._variables["background"] == app.current_theme.background
        assert app.has_class("-dark-mode")


def test_garbage_collection_is_enabled_again_once_the_screen_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def ended(*_: object) -> run_app.ScreenResult:
        assert not gc.isenabled()
        return run_app.ScreenResult(7)

    monkeypatch.setattr(run_app, "run", ended)
    assert screen_runner.show_screen(Settings(), Capabilities.of_live(FakeSource())) == 7
    assert gc.isenabled()

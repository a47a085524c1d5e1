"""Adding a panel takes its file and one entry of one list: screen, keys and help follow."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import added_panel
import pytest
import samples
from fake_source import create_app, wait_until_stable
from textual.pilot import Pilot

from tputtui.settings import schema
from tputtui.tui import keys
from tputtui.tui.app import TputtuiApp
from tputtui.views.live import layout, panels
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.shared.frame import Frame, ViewState

PACKAGE = Path(panels.__file__).parents[2]


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> PanelSpec:
    """Register the panel of `added_panel.py` in the list."""
    monkeypatch.setattr(panels, "PANELS", (*panels.PANELS, added_panel.PANEL))
    return added_panel.PANEL


def sample_frame(focus: str | None = None) -> Frame:
    return Frame(samples.snapshot(), samples.past(), ViewState(focus=focus))


async def tab_to(name: str, app: TputtuiApp, pilot: Pilot[Any]) -> None:
    for _ in panels.PANELS:
        await pilot.press("tab")
        if app.session.view_state.focus == name:
            return
    pytest.fail(f"Tab never reached {name}")


async def test_an_added_panel_is_drawn_and_reached_by_tab_and_zoomed_and_copied(
    added: PanelSpec,
) -> None:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await wait_until_stable(app, pilot)
        assert "Costs of tputtui" in screen
        assert "own cpu" in screen
        assert "Throughput" in screen

        await tab_to(added.name, app, pilot)
        assert "━ Costs of tputtui" in await wait_until_stable(app, pilot)

        await pilot.press("y")
        assert app.clipboard.splitlines()[0].startswith("━ Costs of tputtui")
        assert "own memory" in app.clipboard
        assert "copied added: 3 lines" in await wait_until_stable(app, pilot)

        await pilot.press("z")
        zoomed = await wait_until_stable(app, pilot)
        assert "own cpu" in zoomed
        assert "Throughput" not in zoomed


async def test_an_added_panel_fills_the_remaining_lines_of_a_small_screen_when_focused(
    added: PanelSpec,
) -> None:
    app = create_app()
    async with app.run_test(size=(80, 24)) as pilot:
        assert "own cpu" not in await wait_until_stable(app, pilot)
        await tab_to(added.name, app, pilot)
        screen = await wait_until_stable(app, pilot)
        assert "own cpu" in screen
        assert "Throughput" in screen


async def test_a_panel_after_the_ninth_has_no_number_and_the_ninth_keeps_its_own(
    added: PanelSpec,
) -> None:
    assert panels.PANELS.index(added) >= panels.MAX_NUMBERED
    ninth = panels.PANELS[panels.MAX_NUMBERED - 1]
    numbers = next(words for key, _, words in keys.help_rows("live", {}) if key == "1-9")
    assert added.name not in numbers
    assert f"9 {ninth.name}" in numbers
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("9")
        screen = await wait_until_stable(app, pilot)
        absence = ninth.absence(app.session.current_frame())
        assert absence in screen if absence else app.session.view_state.focus == ninth.name


@pytest.mark.parametrize("height", range(30, 61))
def test_panels_in_the_middle_leave_enough_lines_for_both_rows(
    monkeypatch: pytest.MonkeyPatch, height: int
) -> None:
    def tall(number: int) -> PanelSpec:
        return PanelSpec(
            f"tall{number}", added_panel.added_panel, height=lambda _frame, room: room.free // 2
        )

    monkeypatch.setattr(panels, "PANELS", (*panels.PANELS, tall(1), tall(2), tall(3)))
    heights = layout.plan_layout(sample_frame(), 120, height).heights
    assert heights["throughput"] >= 8
    assert heights["processes"] >= 4
    middle = sum(
        lines
        for name, lines in heights.items()
        if name not in ("throughput", "latency", "routes", "processes")
    )
    assert heights["throughput"] + middle + heights["processes"] == height - 3


def test_a_panel_is_one_file_that_ends_in_its_declaration_and_one_list_names_it() -> None:
    declaring: set[str] = set()
    naming: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text()
        if "PANEL = PanelSpec(" in source:
            last = ast.parse(source).body[-1]
            assert isinstance(last, ast.Assign), f"{path} does not end in its PANEL"
            declaring.add(path.stem)
        if ".PANEL," in source or "import PANEL" in source:
            naming.add(path.relative_to(PACKAGE).as_posix())
    assert naming == {"views/live/panels.py"}
    listed = {importlib.import_module(f"tputtui.views.live.{name}").PANEL for name in declaring}
    assert listed == set(panels.PANELS)


def test_names_of_panels_are_unique() -> None:
    names = [panel.name for panel in panels.PANELS]
    assert len(set(names)) == len(names)
    for panel in panels.PANELS:
        assert set(panel.replaces) <= set(names)


def test_the_config_can_choose_the_configurable_panels() -> None:
    chosen = tuple(panel.name for panel in panels.PANELS if panel.is_configurable)
    assert chosen == schema.PANELS

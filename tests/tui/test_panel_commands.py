"""Panels of the live screen, chosen by the config and the key v."""

from __future__ import annotations

import pytest
from fake_source import FakeSource, create_app, frame
from textual.pilot import Pilot

from tputtui.settings import Settings, ViewSettings
from tputtui.tui.app import TputtuiApp
from tputtui.views.live.panels import PANELS


def shown(app: TputtuiApp) -> list[str]:
    return [panel.name for panel in PANELS if app.screen.is_shown(panel.name)]  # type: ignore[attr-defined]


async def wait_until_stable(pilot: Pilot[int], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause(0.2)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (200, 60)])
@pytest.mark.parametrize(
    "panels",
    [
        ("throughput",),
        ("saturation",),
        ("processes",),
        ("throughput", "latency"),
        ("latency", "routes"),
        ("targets",),
    ],
)
async def test_only_the_configured_panels_are_shown_and_they_fill_the_screen(
    panels: tuple[str, ...], size: tuple[int, int]
) -> None:
    app = create_app(FakeSource(), panels=panels)
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(pilot)
        assert set(shown(app)) == set(panels)
        heights = {panel: app.screen.query_one(f"#{panel}").size.height for panel in panels}
        beside = size[0] >= 100 and set(panels) in (
            {"throughput", "latency"},
            {"routes", "processes"},
        )
        assert (max if beside else sum)(heights.values()) == size[1] - 3, (
            "header, event line and footer take the rest"
        )


async def test_a_hidden_panel_appears_with_its_number_and_leaves_with_the_focus() -> None:
    app = create_app(FakeSource(), panels=("throughput", "latency"))
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(pilot, "3")
        assert shown(app) == ["throughput", "latency", "saturation"]
        await wait_until_stable(pilot, "1")
        assert shown(app) == ["throughput", "latency"]


async def test_the_configured_chart_is_shown_from_the_start() -> None:
    source = FakeSource()
    app = create_app(source, chart="process_open_fds")
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(pilot)
        first = source.snapshot.services[0].targets[0]
        assert source.calls_of("chart_family") == [((first, "process_open_fds"),)]
        assert "metric" in shown(app)


async def test_a_configured_chart_of_an_unknown_target_is_reported() -> None:
    source = FakeSource()
    app = create_app(source, chart="api/process_open_fds")
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(pilot)
        assert not source.calls_of("chart_family")
        assert "api/process_open_fds is not charted: no target of that name" in frame(app)


async def test_v_cycles_through_the_views_and_back_to_the_default() -> None:
    source = FakeSource()
    views = {
        "load": ViewSettings(("throughput", "latency"), "up", 60.0),
        "machine": ViewSettings(("saturation",)),
    }
    app = create_app(source, views=views)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(pilot)
        usual = shown(app)
        await wait_until_stable(pilot, "v")
        assert shown(app) == ["throughput", "latency", "metric"]
        assert source.calls_of("window") == [60.0]
        assert "view load" in frame(app)
        await wait_until_stable(pilot, "v")
        assert shown(app) == ["saturation"]
        assert source.calls_of("chart_family")[-1] == (None,)
        await wait_until_stable(pilot, "v")
        assert shown(app) == usual
        assert source.calls_of("window")[-1] == Settings().window_s


async def test_v_without_views_says_where_to_define_them() -> None:
    app = create_app(FakeSource())
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(pilot, "v")
        assert "the config has no [views]" in frame(app)

"""The metric browser by its keys, on a fake source."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import nan
from typing import Any

import pytest
import samples
from fake_source import FakeSource, create_app, frame, wait_until_stable
from textual.app import App

from tputtui.engine.family_browser import Families
from tputtui.model import ChartedFamily
from tputtui.signals.rates.past import Past, PastRequest
from tputtui.signals.service.family_table import FamilyRow, FamilyValues

ROWS = (
    FamilyRow("db_pool_in_use", "gauge", "Connections in use.", series=1),
    FamilyRow(
        "http_requests_total",
        "counter",
        "Requests by route.",
        series=36,
        labels=("route",),
        is_counter=True,
    ),
    FamilyRow("jobs_total", "counter", "Jobs \x1b[31mdone[/red].", series=1, is_counter=True),
)


class Exposing(FakeSource):
    """Source whose targets have been read in full."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: dict[str, dict[str, object]] = {}
        self.read = True
        self.rows: tuple[FamilyRow, ...] = ROWS

    def families(self, target: str) -> Families | None:
        if not self.read:
            return None
        many = len(self.rows)
        figures = FamilyValues(
            self.rows, array("d", [18.0] * many), array("d", [nan, *[612.5] * (many - 1)])
        )
        return Families(
            target, 100.0, figures, 0, {}, self.chosen, ((target, f"http://{target}/metrics"),)
        )

    def past_of(self, request: PastRequest) -> Past:
        def level(figure: str) -> float:
            return 18.0 if figure.startswith("family/") else samples.SAMPLE_LEVELS.get(figure, 0.0)

        return samples.SamplePast(level, request, samples.heat)

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        return [1.0, 2.0, 3.0]

    def bind_signal(self, target: str, slot: str, family: str) -> None:
        self.calls.append(("bind", (target, slot, family)))
        self.chosen = {**self.chosen, slot: {"family": family}}


def copied(app: App[Any]) -> str:
    return app.clipboard


async def test_i_opens_the_browser_and_reads_the_target_in_full_until_q() -> None:
    source = Exposing()
    source.read = False
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i")
        await pilot.pause(0.2)
        assert "Metrics of web-01" in frame(app)
        assert "reading the whole answer" in frame(app)
        source.read = True
        source.tick()
        await pilot.pause(0.1)
        assert "http_requests_total" in frame(app)
        await pilot.press("q")
        await pilot.pause(0.1)
        assert "Throughput" in frame(app)
    assert source.calls_of("browse") == [("web-01",), (None,)]


async def test_the_search_works_while_it_is_typed_and_esc_clears_it() -> None:
    app = create_app(Exposing())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "slash", *"jbs")
        await pilot.pause(0.1)
        assert "jobs_total" in frame(app)
        assert "db_pool_in_use" not in frame(app)
        await pilot.press("enter", "escape")
        await pilot.pause(0.1)
        assert "db_pool_in_use" in frame(app)
        assert "Metrics of web-01" in frame(app)
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert "Throughput" in frame(app)


async def test_enter_binds_a_family_to_a_signal_and_y_copies_the_config_lines() -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "down", "down", "enter")
        await pilot.pause(0.1)
        assert "▸ chart" in frame(app)
        await pilot.press("down")
        await pilot.pause(0.1)
        assert "▸ traffic" in frame(app)
        assert "a counter measures no latency" in frame(app)
        await pilot.press("down", "enter")
        await pilot.pause(0.1)
        assert source.calls_of("bind") == [], "what cannot feed it is refused"
        await pilot.press("up", "enter")
        await pilot.pause(0.1)
        assert source.calls_of("bind") == [("web-01", "traffic", "jobs_total")]
        assert 'traffic = "jobs_total"' in frame(app)
        await pilot.press("y")
        assert copied(app).splitlines() == [
            "[[targets]]",
            'name = "web-01"',
            'url = "http://web-01/metrics"',
            "[targets.bindings]",
            'traffic = "jobs_total"',
        ]


async def test_esc_cancels_a_choice_and_binds_nothing() -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "enter", "escape")
        await pilot.pause(0.1)
        assert "▸ " not in frame(app)
        assert "Metrics of" in frame(app)
    assert source.calls_of("bind") == []


async def test_left_and_right_switch_targets() -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "right")
        await pilot.pause(0.1)
        assert "Metrics of web-02" in frame(app)
        await pilot.press("left", "left")
        await pilot.pause(0.1)
        assert "Metrics of web-03" in frame(app)
    assert [target for (target,) in source.calls_of("browse")] == [
        "web-01",
        "web-02",
        "web-01",
        "web-03",
        None,
    ]


async def test_foreign_text_is_drawn_without_effect() -> None:
    app = create_app(Exposing())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "end")
        await pilot.pause(0.1)
        assert "Jobs ␛[31mdone[/red]." in frame(app)


async def test_the_cursor_stays_on_its_family_when_others_arrive() -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "end")
        source.rows = (FamilyRow("a_new_one", "gauge", series=1), *ROWS)
        source.tick()
        await pilot.pause(0.1)
        assert "─ jobs_total ─" in frame(app)


async def test_twenty_thousand_families_scroll_to_their_end_and_back() -> None:
    source = Exposing()
    source.rows = tuple(
        FamilyRow(f"thing_{n:05d}_total", "counter", series=1, is_counter=True)
        for n in range(20_000)
    )
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("i", "end")
        await pilot.pause(0.1)
        assert "thing_19999_total" in frame(app)
        await pilot.press("home")
        await pilot.pause(0.1)
        assert "thing_00000_total" in frame(app)


CHARTED = ChartedFamily("web-01", "db_pool_in_use", "gauge", value=18.0)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (100, 30), (40, 12)])
async def test_enter_adds_a_metric_to_the_live_screen_and_a_key_removes_it(
    size: tuple[int, int],
) -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("i", "enter", "enter", "q")
        source.tick(charted=CHARTED)
        shown = await wait_until_stable(app, pilot)
        assert source.calls_of("chart_family") == [(("web-01", "db_pool_in_use"),)]
        assert [line for line in shown.splitlines() if line.startswith("─ db_pool_in_use")]
        assert "18" in shown.partition("─ db_pool_in_use")[2].splitlines()[1]
        assert "─ Throughput" in shown
        await pilot.press("X")
        shown = await wait_until_stable(app, pilot)
        assert "─ db_pool_in_use" not in shown
        assert "is charted no longer" in shown
    assert source.calls_of("chart_family")[-1] == (None,)


async def test_a_zoomed_metric_fills_the_screen_with_its_axes_until_it_is_removed() -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("i", "enter", "enter", "q", "8", "z")
        source.tick(charted=CHARTED)
        shown = await wait_until_stable(app, pilot)
        assert "Throughput" not in shown
        assert shown.splitlines()[1].startswith("━ db_pool_in_use")
        assert "now" in shown.splitlines()[-3]
        await pilot.press("X")
        assert "─ Throughput" in await wait_until_stable(app, pilot)


async def test_enter_on_the_charted_metric_removes_it_and_another_replaces_it() -> None:
    source = Exposing()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("i", "enter", "enter", "down", "enter", "enter")
        assert app.session.view_state.charted == ("web-01", "http_requests_total")
        await pilot.press("enter")
        assert "is on the live screen: Enter takes it away" in await wait_until_stable(app, pilot)
        await pilot.press("enter")
        assert app.session.view_state.charted is None
    assert [asked for (asked,) in source.calls_of("chart_family")] == [
        ("web-01", "db_pool_in_use"),
        ("web-01", "http_requests_total"),
        None,
    ]

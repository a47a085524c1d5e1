"""Key a: choose the treatment, compare it with the control, and end the split."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import samples
from fake_source import FakeSource, create_app, frame, wait_until_stable
from textual.pilot import Pilot

from tputtui.model import ServiceState, Snapshot, SplitState
from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
from tputtui.signals.rates.past import Past, PastRequest
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit, split_options
from tputtui.tui.app import TputtuiApp

WAYS = split_options("checkout", {"web-01": 640.0, "web-02": 644.0}, {}, {})


class TwoArms(FakeSource):
    """Source whose treatment is a quarter slower."""

    def __init__(self, options: tuple[SplitOption, ...] = WAYS) -> None:
        super().__init__(samples.snapshot())
        self._found = options
        self.split_by: TrafficSplit | None = None

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        self.calls.append(("ways", service))
        on_options(self._found)

    def set_split(self, split: TrafficSplit | None) -> None:
        self.calls.append(("split", split))
        self.split_by = split

    def tick(self, seconds: float = 1.0, **changes: Any) -> None:
        chosen = self.split_by
        split_state = (
            SplitState(self._arm(chosen.control.name, 0), self._arm(chosen.treatment.name, 1))
            if chosen
            else None
        )
        super().tick(seconds, split=split_state, **changes)

    @staticmethod
    def _arm(name: str, at: int) -> ServiceState:
        return samples.service(name, targets=(f"web-0{at + 1}",))

    def past_of(self, request: PastRequest) -> Past:
        return TwoArmsPast(request=request)


class TwoArmsPast(samples.SamplePast):
    """Rows that scatter by two per cent around a level for each arm."""

    def columns(self, figure: str, columns: int) -> Sequence[float | None]:
        if "(" not in figure:
            return super().columns(figure, columns)
        draw = random.Random(figure)
        level = 1.25 if "web-02" in figure and figure.startswith("latency") else 1.0
        scale = (
            640.0 if figure.startswith("traffic") else 0.01 if figure.startswith("errors") else 0.1
        )
        return [scale * level * draw.uniform(0.98, 1.02) for _ in range(columns)]

    def heatmap(self, _service: str, columns: int) -> LatencyHeatmap:
        return samples.heat(columns)


async def split(app: TputtuiApp, pilot: Pilot[int], source: TwoArms) -> str:
    await wait_until_stable(app, pilot)
    await pilot.press("a")
    await wait_until_stable(app, pilot)
    await pilot.press("down", "enter")
    source.tick()
    return await wait_until_stable(app, pilot)


async def test_key_a_lists_the_split_options_and_enter_shows_two_columns() -> None:
    source = TwoArms()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("a")
        shown = await wait_until_stable(app, pilot)
        assert "Split checkout: which is the treatment?" in shown
        assert "control: web-02" in shown
        await pilot.press("down", "enter")
        source.tick()
        shown = await wait_until_stable(app, pilot)
    assert source.calls_of("ways") == ["checkout"]
    assert source.calls_of("split") == [WAYS[1].split]
    assert "Control and treatment: checkout by target" in shown
    assert "control web-01" in shown
    assert "treatment web-02" in shown
    assert "too early to judge: first evaluation in 120 s" in shown


async def test_after_two_minutes_it_reports_what_is_worse_and_the_event_log_does_so_once() -> None:
    source = TwoArms()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await split(app, pilot, source)
        for _ in range(16):
            source.tick(10.0)
            await pilot.pause(0.02)
        shown = await wait_until_stable(app, pilot)
    assert "treatment is worse: p50 +2" in shown
    messages = [arguments[0].text for arguments in source.calls_of("log_event")]
    assert len(messages) == 3, "each quantile once"
    assert messages[0].startswith("web-02 is worse than control: p50 +2")


async def test_key_a_again_ends_the_split() -> None:
    source = TwoArms()
    app = create_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "Control and treatment" in await split(app, pilot, source)
        await pilot.press("a")
        shown = await wait_until_stable(app, pilot)
    assert source.calls_of("split")[-1] is None
    assert "Control and treatment" not in shown
    assert "Throughput" in shown


async def test_the_usual_panels_open_by_number_and_9_returns_to_the_split() -> None:
    source = TwoArms()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await split(app, pilot, source)
        await pilot.press("1")
        shown = await wait_until_stable(app, pilot)
        assert "Control and treatment" not in shown
        await pilot.press("9")
        assert "Control and treatment" in await wait_until_stable(app, pilot)
        await pilot.press("z")
        assert "Saturation" not in await wait_until_stable(app, pilot)


async def test_the_list_says_when_there_is_nothing_to_split_by() -> None:
    source = TwoArms(())
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("a")
        assert "nothing to split by" in await wait_until_stable(app, pilot)
        await pilot.press("enter", "escape")
        assert "nothing to split by" not in await wait_until_stable(app, pilot)
    assert source.calls_of("split") == []


async def test_a_treatment_that_loses_its_traffic_is_reported_after_ten_seconds() -> None:
    source = TwoArms()
    app = create_app(source)

    def silent(snapshot: Snapshot) -> SplitState | None:
        split_state = snapshot.split
        if (
            split_state is None
            or split_state.treatment is None
            or split_state.treatment.traffic is None
        ):
            return split_state
        return replace(
            split_state,
            treatment=replace(
                split_state.treatment, traffic=replace(split_state.treatment.traffic, rps=0.0)
            ),
        )

    async with app.run_test(size=(120, 40)) as pilot:
        await split(app, pilot, source)
        for _ in range(13):
            FakeSource.tick(source, 1.0, split=silent(source.snapshot))
            await pilot.pause(0.02)
        await wait_until_stable(app, pilot)
        assert "treatment has had no traffic for 12 s" in frame(app)

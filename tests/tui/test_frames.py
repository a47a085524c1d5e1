"""A frame is a value: it is enough to draw every panel, at any size, without an engine."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import samples
from draw_frame import draw_frame
from fake_source import FakeSource, create_app, wait_until_stable
from hypothesis import given
from hypothesis import strategies as st
from run_frames import NAMES, run_session
from test_live_screen import assert_same

from tputtui.model import (
    ChartedFamily,
    LatencyState,
    Snapshot,
    SplitState,
)
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames, PastRequest
from tputtui.signals.service.traffic_split import split_options
from tputtui.tui.live.charts import Charts
from tputtui.views.live import panels
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.profile.profile_header import strip_line, strip_past_names
from tputtui.views.shared.comparison_base import Baseline, BaselineFigure, snapshot_figures
from tputtui.views.shared.frame import ActiveSplit, Frame, PanelView, ViewState
from tputtui.views.shared.styled_text import LineBuilder, sparkline

SHARES = (0.4, 0.7, 1.0)
SMALL_AND_LARGE = ((80, 8), (120, 18))


def parts(value: object, path: str) -> Iterator[tuple[str, object]]:
    """Yield everything that a value contains, with the way to it."""
    yield path, value
    if is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from parts(getattr(value, each.name), f"{path}.{each.name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from parts(key, f"{path} key {key!r}")
            yield from parts(item, f"{path}[{key!r}]")
    elif isinstance(value, (tuple, list, set, frozenset)):
        for item in value:
            yield from parts(item, f"{path}[]")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_frame_can_be_called(name: str) -> None:
    run = run_session(name)
    run.go_to(1.0)
    frame = run.frame()
    assert [path for path, value in parts(frame, "frame") if callable(value)] == []
    assert frame.past.figures
    everything = dict(parts({"frames": (frame, print)}, "all"))
    assert [path for path, value in everything.items() if callable(value)] == ["all['frames'][]"]


@pytest.mark.parametrize("name", ["02-replicas", "04-host-only", "05-objectives"])
def test_a_frame_is_drawn_the_same_in_a_process_without_an_engine(name: str) -> None:
    run = run_session(name)
    run.go_to(0.8)
    frame = run.frame()
    sent = pickle.dumps(frame)
    expected = draw_frame(frame)
    assert draw_frame(pickle.loads(pickle.dumps(frame))) == expected, "also after it was drawn"  # noqa: S301
    drawn = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("draw_frame.py"))],
        input=sent,
        capture_output=True,
        check=True,
    )
    assert drawn.stdout.decode() == expected


@pytest.mark.parametrize("name", ["02-replicas", "04-host-only", "05-objectives"])
def test_the_frames_of_a_recorded_run_equal_the_kept_text(name: str) -> None:
    """The files were drawn by 1b332da, whose frames read the history while they were drawn."""
    run = run_session(name)
    shown = []
    for share in SHARES:
        run.go_to(share)
        shown.append(draw_frame(run.frame(), SMALL_AND_LARGE))
    run.session.timeline.step(-10)
    shown.append(draw_frame(run.frame(), SMALL_AND_LARGE))
    assert_same(f"run-{name}.txt", "\n".join(shown))


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_needs_one_read_and_its_drawing_none(name: str) -> None:
    run = run_session(name)
    for share in SHARES:
        run.go_to(share)
        run.frame()
        run.source.reads.clear()
        frame = run.frame()
        assert len(run.source.reads) == 1, "the rows of the comparison are known already"
        draw_frame(frame)
        assert len(run.source.reads) == 1


async def test_a_tick_reads_the_past_once_and_no_panel_asks_the_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = FakeSource()
    calls_while_drawing = []
    view = PanelSpec.view

    def watched_view(panel: PanelSpec, *arguments: Any) -> PanelView:
        before = len(source.calls)
        result = view(panel, *arguments)
        calls_while_drawing.append(len(source.calls) - before)
        return result

    monkeypatch.setattr(PanelSpec, "view", watched_view)
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        before = len(source.calls_of("past"))
        source.tick()
        app.session.on_snapshot(source.snapshot)
        app.session.show_frame()
        assert len(source.calls_of("past")) == before + 1
    assert set(calls_while_drawing) == {0}


# --------------------------------------------------------------------------- panels and their names


def split_state() -> tuple[ActiveSplit, SplitState]:
    options = split_options("checkout", {"web-01": 640.0, "web-02": 644.0}, {}, {})
    split = options[0].split
    arms = [
        samples.service(arm.name, targets=(f"web-0{number}",))
        for number, arm in enumerate((split.control, split.treatment), 1)
    ]
    return ActiveSplit(split, 4000.0), SplitState(arms[0], arms[1])


def without_quantiles() -> Snapshot:
    latency = LatencyState("x_seconds", "summary", "s", (), mean=0.02)
    return samples.snapshot(services=(samples.service(latency=latency),))


ACTIVE, ARMS = split_state()
CHARTED = ("web-01", "jobs_total")
SNAPSHOTS = {
    "usual": samples.snapshot(split=ARMS, charted=ChartedFamily(*CHARTED, "gauge", value=1.0)),
    "no quantiles": without_quantiles(),
    "no latency": samples.snapshot(services=(samples.service(latency=None),)),
    "no errors": samples.snapshot(services=(samples.service(errors=None),)),
    "host only": samples.snapshot(services=(), targets=()),
    "slow": samples.snapshot(interval_s=60.0, window_s=120.0),
}


def baseline(snapshot: Snapshot) -> Baseline:
    figures = {
        name: BaselineFigure(value / 2, 0.1, 0.1, unit)
        for name, (value, unit) in snapshot_figures(snapshot).items()
    }
    return Baseline("vs then", figures)


def state_frame(name: str, is_compared: bool, service: str | None, span_s: float) -> Frame:
    snapshot = SNAPSHOTS[name]
    view_state = ViewState(
        service=service,
        shown_span_s=span_s,
        charted=CHARTED,
        split=ACTIVE,
        baseline=baseline(snapshot) if is_compared else None,
        cursor=(5000.0, 4990.0) if span_s > 600 else None,
    )
    return Frame(snapshot, samples.past(), view_state, "web-01", replicas=samples.replicas())


def with_past(frame: Frame, names: PastNames) -> Frame:
    """The frame with the past of these names alone; one that is missing fails the test."""
    request = PastRequest(names, frame.view_state.shown_span_s)
    return replace(frame, past=samples.SamplePast(request=request, heatmap=samples.heat))


@given(
    st.sampled_from(sorted(SNAPSHOTS)),
    st.booleans(),
    st.sampled_from([None, "checkout", "node"]),
    st.sampled_from([60.0, 600.0, 86400.0]),
    st.integers(10, 240),
    st.integers(1, 70),
)
def test_each_panel_declares_what_it_draws_of_the_past(
    name: str, is_compared: bool, service: str | None, span_s: float, width: int, height: int
) -> None:
    frame = state_frame(name, is_compared, service, span_s)
    charts = Charts()
    for panel in panels.PANELS:
        own = with_past(frame, panel.past_names(frame))
        if panel.is_available(own):
            panel.view(own, width, height, partial(charts.draw, own))
    for own_service in (None, *frame.snapshot.services):
        names = strip_past_names(frame, own_service)
        strip_line(with_past(frame, names), width, own_service)


@pytest.mark.parametrize("name", sorted(SNAPSHOTS))
def test_what_differs_from_the_baseline_is_declared_too(name: str) -> None:
    frame = state_frame(name, True, None, 600.0)
    service = frame.service
    shown = panels.past_names(frame).figures
    route = "route/"  # single rows have no history
    compared = {
        figure
        for figure in snapshot_figures(frame.snapshot)
        if not figure.startswith(route)
        and (figure.split("/")[1] in ("", service.name if service is not None else ""))
    }
    assert compared <= shown
    assert compared


def test_a_panel_that_draws_what_it_did_not_declare_fails() -> None:
    def render(frame: Frame, width: int, height: int) -> PanelView:
        values = frame.past.columns(history_keys.traffic("checkout"), width)
        return PanelView((LineBuilder(width).at(0, sparkline(values)).line(),) * height)

    panel = PanelSpec("forgetful", render)
    frame = state_frame("usual", False, None, 600.0)
    with pytest.raises(AssertionError, match="traffic/checkout is drawn and not declared"):
        panel.view(with_past(frame, panel.past_names(frame)), 40, 3, lambda _name, _chart: ())

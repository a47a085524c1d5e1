"""Control and treatment: two columns that fill their area at every size, and one conclusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st
from pane_checks import assert_fills_area

from tputtui.experiments.sequential_test import EffectEstimate
from tputtui.model import (
    ErrorState,
    LatencyState,
    ServiceState,
    Snapshot,
    SplitState,
    TargetStatus,
    TrafficState,
)
from tputtui.signals.service.traffic_split import TrafficSplit, split_options
from tputtui.views.live import layout
from tputtui.views.live.split_options import split_options_view
from tputtui.views.live.split_view import split_panel
from tputtui.views.shared.frame import ActiveSplit, Frame, ViewState
from tputtui.views.shared.styled_text import line_text

CHOSEN = split_options(
    "checkout", {"web-01": 640.0, "web-02": 644.0}, {}, {"version": {"1.4": 1100.0, "1.5": 184.0}}
)
BY_TARGET, BY_LABEL = CHOSEN[1].split, CHOSEN[3].split

SURE = {
    "traffic": EffectEstimate(0.004, -0.008, 0.016, is_confirmed=False),
    "p50": EffectEstimate(0.012, -0.02, 0.044, is_confirmed=False),
    "p90": EffectEstimate(0.041, 0.011, 0.072, is_confirmed=True),
    "p99": EffectEstimate(0.241, 0.176, 0.309, is_confirmed=True),
    "errors": EffectEstimate(0.008, 0.006, 0.0101, is_confirmed=True),
}


def arm(
    name: str, target: str, rps: float | None = 640.0, p99: float = 0.088, errors: float = 0.0012
) -> ServiceState:
    return ServiceState(
        name,
        (target,),
        traffic=TrafficState("http_requests_total", rps),
        errors=ErrorState("http_requests_total", "status", ("500",), errors, 1.5, {}),
        latency=LatencyState(
            "http_request_duration_seconds", "histogram", "s", samples.quantiles(0.0082, 0.021, p99)
        ),
    )


def split_frame(
    chosen: TrafficSplit = BY_TARGET,
    estimates: Mapping[str, EffectEstimate | str] | str = "first evaluation in 72 s",
    state: SplitState | None = None,
    silent_s: float | None = None,
    **changes: object,
) -> Frame:
    snapshot: Snapshot = samples.snapshot(**changes)
    both = SplitState(
        arm(chosen.control.name, "web-01"),
        arm(chosen.treatment.name, "web-02", p99=0.109, errors=0.0092),
    )
    active_split = ActiveSplit(chosen, snapshot.at - 314.0, silent_s)

    shown = replace(snapshot, split=state or both)
    effects = dict.fromkeys(SURE, estimates) if isinstance(estimates, str) else estimates
    return Frame(shown, samples.past(), ViewState(split=active_split), effects=effects)


def panel_text(frame: Frame, width: int = 120, height: int = 14) -> str:
    return "\n".join(line_text(line).rstrip() for line in split_panel(frame, width, height).lines)


@given(
    st.integers(40, 220),
    st.integers(1, 60),
    st.sampled_from([BY_TARGET, BY_LABEL]),
    st.sampled_from([SURE, "first evaluation in 72 s", "needs 50 req/s an arm"]),
)
def test_the_panel_fills_its_area_at_every_size(
    width: int, height: int, chosen: TrafficSplit, estimates: dict[str, EffectEstimate | str]
) -> None:
    assert_fills_area(
        split_panel(split_frame(chosen, estimates), width, height).lines, width, height
    )


@given(st.integers(40, 120), st.integers(3, 30), st.integers(0, 3))
def test_the_list_of_split_options_fills_its_area(width: int, height: int, cursor: int) -> None:
    assert_fills_area(
        split_options_view("checkout", CHOSEN, "req/s", cursor, width, height).lines, width, height
    )


def test_a_confirmed_change_has_a_word_a_sign_and_its_interval() -> None:
    shown = panel_text(split_frame(estimates=SURE))
    assert "treatment is worse: p90 +4.1 %, p99 +24 %, errors +0.80 pp" in shown
    assert "+24 % [+18, +31] worse" in shown
    assert "+0.80 pp [+0.60, +1.0] worse" in shown
    assert "+1.2 % [-2.0, +4.4] unclear" in shown
    assert "control web-01" in shown
    assert "treatment web-02" in shown
    assert "for 5 min 14 s" in shown


def test_worse_and_better_together_are_called_a_trade_off() -> None:
    both = {**SURE, "traffic": EffectEstimate(0.06, 0.03, 0.09, is_confirmed=True)}
    assert (
        "a trade-off: worse in p90 +4.1 %, p99 +24 %, errors +0.80 pp; better in traffic +6.0 %"
        in panel_text(split_frame(estimates=both))
    )


def test_without_a_confirmed_change_it_shows_what_is_not_excluded() -> None:
    unclear = {
        name: replace(item, is_confirmed=False, low=-item.high) for name, item in SURE.items()
    }
    assert "no clear difference: p99 may differ by up to 31 %" in panel_text(
        split_frame(estimates=unclear)
    )


def test_a_change_seen_at_one_evaluation_only_is_not_confirmed_yet() -> None:
    once = {name: replace(item, is_confirmed=False) for name, item in SURE.items()}
    shown = panel_text(split_frame(estimates=once))
    assert (
        "p90 +4.1 %, p99 +24 %, errors +0.80 pp: sure if the next evaluation says so again" in shown
    )
    assert "+24 % [+18, +31] again?" in shown
    assert "worse" not in shown


def test_a_narrow_terminal_leaves_the_interval_out() -> None:
    shown = panel_text(split_frame(estimates=SURE), 60, 10)
    assert "+24 % worse" in shown
    assert "[" not in shown


def test_two_targets_of_one_host_are_named_by_their_ports() -> None:
    ports = split_options("127.0.0.1:8001", {}, {"127.0.0.1:8002": 3.0}, {})[0].split
    shown = panel_text(split_frame(ports, SURE), 80, 9)
    assert "Control and treatment: two services" in shown
    assert "control :8001" in shown
    assert "treatment :8002" in shown


def test_before_the_first_evaluation_the_difference_is_grey_and_the_time_is_named() -> None:
    shown = panel_text(split_frame())
    assert "too early to judge: first evaluation in 72 s" in shown
    assert "+24 % so far" in shown
    assert "worse" not in shown


def test_the_traffic_of_arms_by_label_is_not_judged() -> None:
    shown = panel_text(split_frame(BY_LABEL, {**SURE, "traffic": "each gets its share"}))
    assert "each gets its share" in shown
    assert "control version=1.4" in shown


def test_a_treatment_without_traffic_is_reported_and_a_target_that_is_down_gives_no_verdict() -> (
    None
):
    assert "treatment has had no traffic for 14 s, control has" in panel_text(
        split_frame(estimates=SURE, silent_s=14.0)
    )
    assert "no traffic" not in panel_text(split_frame(estimates=SURE, silent_s=6.0))
    targets = (
        TargetStatus("web-01", "http://web-01/metrics", "up"),
        TargetStatus("web-02", "http://x", "down"),
    )
    shown = panel_text(split_frame(estimates=SURE, silent_s=14.0, targets=targets))
    assert "treatment is not seen: its targets are down, which is no verdict" in shown


def test_an_arm_that_does_not_exist_is_reported() -> None:
    shown = panel_text(split_frame(state=SplitState(arm("x", "web-01"), None)))
    assert "treatment: nothing of it is there" in shown


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (200, 60)])
def test_it_replaces_throughput_and_latency_until_one_of_them_is_opened(
    width: int, height: int
) -> None:
    plan = layout.plan_layout(split_frame(), width, height)
    assert "split" in plan.heights
    assert "throughput" not in plan.heights
    assert "latency" not in plan.heights
    asked = split_frame()
    asked = replace(asked, view_state=replace(asked.view_state, focus="throughput"))
    assert "throughput" in layout.plan_layout(asked, width, height).heights
    assert "split" not in layout.plan_layout(asked, width, height).heights


def test_hostile_values_of_a_label_are_drawn_as_text() -> None:
    evil = split_options("checkout", {}, {}, {"version": {"\x1b[31m[bold]x\n": 1.0, "ok": 2.0}})
    shown = panel_text(split_frame(evil[1].split, SURE))
    assert "\x1b" not in shown
    assert_fills_area(split_options_view("checkout", evil, "req/s", 1, 72, 10).lines, 72, 10)

"""Display of a target with a late answer, at common sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import samples
from pane_checks import assert_fills_area

from tputtui.model import (
    ErrorState,
    Event,
    LastFigure,
    LatencyState,
    ObjectiveStatus,
    Quantile,
    ServiceState,
    Snapshot,
    TargetStatus,
    TrafficState,
)
from tputtui.views.live.event_log import event_line, events_panel
from tputtui.views.live.exit_summary import summary_lines
from tputtui.views.live.header import header_line
from tputtui.views.live.latency_panel import latency_panel
from tputtui.views.live.target_strip import targets_panel
from tputtui.views.live.throughput_panel import throughput_panel
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame, PanelView, ViewState
from tputtui.views.shared.styled_text import line_text

LATE = TargetStatus(
    "api", "http://api/metrics", "slow", scrape_s=0.01, age_s=23.0, waiting_s=22.4, was_up=True
)
AS_EVER = replace(
    LATE, waiting_s=1.3, scrape_s=1.4, warning="slow: use --interval 5s (1.4 s a scrape)"
)
UP = TargetStatus("web", "http://web/metrics", "up", scrape_s=0.01, series=5, size=100)


def service(*, overdue: bool) -> ServiceState:
    def last(value: float, q: float | None = None) -> LastFigure | None:
        return LastFigure(value, 23.0, q) if overdue else None

    p99 = Quantile(0.99, None if overdue else 0.0881)
    return ServiceState(
        "api",
        ("api",),
        TrafficState("http_requests_total", None if overdue else 66.9, last=last(66.9)),
        ErrorState(
            "http_requests_total", "code", (), None if overdue else 0.0012, None, last=last(0.0012)
        ),
        LatencyState(
            "x_seconds", "histogram", "s", (Quantile(0.5, None), p99), last=last(0.0881, 0.99)
        ),
        waiting_s=22.4,
        overdue=overdue,
        covered_s=None if overdue else 10.0,
    )


def sample_frame(*states: TargetStatus, overdue: bool = True, **more: object) -> Frame:
    snapshot: Snapshot = replace(
        samples.snapshot(),
        targets=states or (LATE,),
        services=(service(overdue=overdue),),
        **more,  # type: ignore[arg-type]
    )
    return Frame(snapshot, samples.past(), ViewState(), "web-01")


def panel_text(view: PanelView) -> str:
    return "\n".join(map(line_text, view.lines))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_beyond_a_window_the_big_figure_is_a_dash_with_the_last_figure_and_its_age(
    width: int,
) -> None:
    shown = panel_text(throughput_panel(sample_frame(), width, 6))
    assert "– " in shown
    assert "last 66.9 req/s, 23 s ago" in shown
    assert "slow: no answer for 22 s" in shown
    assert "last 0.12 %, 23 s ago" in shown
    assert "last 88.1 ms, 23 s ago" in panel_text(latency_panel(sample_frame(), width, 5))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_within_a_window_the_figure_is_kept_and_marked_as_late(width: int) -> None:
    shown = panel_text(throughput_panel(sample_frame(overdue=False), width, 6))
    assert "66.9 req/s  slow: no answer for 22 s" in shown
    assert "last" not in shown


@pytest.mark.parametrize("panel", [throughput_panel, latency_panel, targets_panel, events_panel])
@pytest.mark.parametrize("size", [(40, 4), (60, 9), (80, 24), (120, 40)])
def test_every_panel_fills_its_area(
    panel: Callable[[Frame, int, int], PanelView], size: tuple[int, int]
) -> None:
    assert_fills_area(panel(sample_frame(), *size).lines, *size)


def test_the_header_shows_the_duration_and_the_number_of_late_targets() -> None:
    assert "1 target, slow: no answer for 22 s" in line_text(header_line(sample_frame(), 80))
    assert "1 target, 1 slow" in line_text(header_line(sample_frame(), 60)), (
        "where room is short it is counted"
    )
    assert "2 targets, 1 slow" in line_text(header_line(sample_frame(LATE, UP), 120))
    down = replace(UP, name="x", state="down", error="connection refused")
    assert "3 targets, 1 down, 1 slow" in line_text(header_line(sample_frame(LATE, UP, down), 120))


def test_the_targets_panel_lists_late_targets_before_healthy_ones_with_the_duration() -> None:
    lines = [line_text(line) for line in targets_panel(sample_frame(UP, LATE), 100, 6).lines]
    assert "2 targets, 1 slow" in lines[0]
    late, up = (
        next(place for place, line in enumerate(lines) if name in line) for name in (" api", " web")
    )
    assert late < up
    assert "slow: no answer for 22 s" in lines[late]


def test_a_target_that_is_always_slow_keeps_its_place_and_names_the_remedy() -> None:
    shown = panel_text(targets_panel(sample_frame(UP, AS_EVER), 120, 6))
    assert "no answer" not in shown
    assert "slow: use --interval 5s (1.4 s a scrape)" in shown
    assert "slow" not in line_text(header_line(sample_frame(UP, AS_EVER), 120))


def test_the_event_line_names_late_targets_and_why_an_objective_has_no_data() -> None:
    goal = ObjectiveStatus("p99<=250ms", "no_data", None, 5.0, reason="slow")
    shown = line_text(event_line(sample_frame(objectives=(goal,)), 120))
    assert "! api slow: no answer for 22 s" in shown
    assert "p99<=250ms no data: slow" in shown


@pytest.mark.parametrize("left", [-0.21, 0.0, 0.74])
def test_without_data_no_budget_is_shown(left: float) -> None:
    goal = ObjectiveStatus("p99<=250ms", "no_data", None, 5.0, left, reason="slow")
    shown = panel_text(latency_panel(sample_frame(objectives=(goal,)), 120, 40))
    assert "p99<=250ms no data: slow" in shown
    assert "budget" not in shown


@pytest.mark.parametrize(
    ("left", "expected"), [(-3.4, "spent"), (0.0, "spent"), (0.0005, "0 %"), (0.74, "74 %")]
)
def test_a_budget_that_is_overdrawn_or_used_up_is_spent(left: float, expected: str) -> None:
    goal = ObjectiveStatus("p99<=250ms", "at_risk", 0.2, 5.0, left)
    shown = panel_text(latency_panel(sample_frame(objectives=(goal,)), 120, 40))
    assert f"budget {expected}" in shown
    assert "budget -" not in shown


HALF = replace(LATE, partial=1100)


@pytest.mark.parametrize("overdue", [True, False])
def test_an_answer_that_came_in_part_is_called_incomplete_wherever_it_is_late(
    *, overdue: bool
) -> None:
    frame = sample_frame(HALF, overdue=overdue)
    expected = "slow: answer incomplete, 1,100 bytes in 22 s"
    shown = [
        panel_text(throughput_panel(frame, 120, 8)),
        panel_text(targets_panel(frame, 120, 6)),
        line_text(header_line(frame, 120)),
        line_text(event_line(frame, 120)),
        target_state.sentence(HALF),
    ]
    for panel in shown:
        assert expected in panel.replace("api slow", "slow")
        assert "no answer" not in panel
    never = replace(samples.snapshot(), targets=(HALF,), services=(ServiceState("api", ("api",)),))
    assert f"api: {expected}" in summary_lines(never, 8.0)


def test_of_several_late_targets_the_least_late_represents_the_service() -> None:
    longer = replace(LATE, name="web", waiting_s=40.0)
    both = replace(service(overdue=False), targets=("api", "web"))
    assert (
        target_state.slow_service(both, (longer, HALF))
        == "slow: answer incomplete, 1,100 bytes in 22 s"
    )
    assert (
        target_state.slow_service(both, (replace(longer, partial=7), LATE))
        == "slow: no answer for 22 s"
    )
    log = panel_text(
        events_panel(
            sample_frame(events=(Event(1e9, "slow", "api: no answer for 10 s", "api"),)), 100, 5
        )
    )
    assert "slow: api: no answer for 10 s" in log


def _hanging_between_two_that_are_down() -> Frame:
    refused = TargetStatus("gone", "http://gone", "down", "connection refused", since_s=640.0)
    full = TargetStatus(
        "full", "http://full", "down", "unreachable: connect timed out after 2 s", since_s=641.0
    )
    goal = ObjectiveStatus("p99<=250ms", "no_data", None, 5.0, reason="slow")
    return sample_frame(refused, full, LATE, objectives=(goal,))


@pytest.mark.parametrize(("width", "more"), [(80, 2), (100, 1), (120, 1)])
def test_the_event_line_begins_with_the_shown_target_and_the_undecided_objective(
    width: int, more: int
) -> None:
    shown = line_text(event_line(_hanging_between_two_that_are_down(), width))
    assert shown.startswith(" ! api slow: no answer for 22 s   p99<=250ms no data: slow")
    assert shown.rstrip().endswith(f"+{more} more")
    assert ("! gone down: " in shown) is (more == 1), "of the others, the newest first"


def test_an_event_line_with_room_for_all_counts_none() -> None:
    shown = line_text(event_line(_hanging_between_two_that_are_down(), 200))
    assert (
        shown.index("no data: slow")
        < shown.index("! gone down")
        < shown.index("! full unreachable")
    )
    assert "more" not in shown


def test_targets_beyond_the_third_are_counted_and_a_met_objective_comes_last() -> None:
    down = [
        TargetStatus(f"t{n}", "http://t", "down", "refused", since_s=float(n))
        for n in range(9, 4, -1)
    ]
    goals = (
        ObjectiveStatus("rps>=1", "ok", 5.0, 5.0),
        ObjectiveStatus("p99<=250ms", "missed", 0.3, 5.0),
    )
    shown = line_text(event_line(sample_frame(*down, objectives=goals), 200))
    places = [
        shown.index(part)
        for part in ("p99<=250ms missed", "! t5", "! t6", "! t7", "rps>=1 ok", "+2 more")
    ]
    assert places == sorted(places)
    assert "! t8" not in shown


@pytest.mark.parametrize("width", [40, 80])
def test_the_event_line_of_one_target_is_cut_at_the_edge(width: int) -> None:
    long = replace(LATE, state="down", error="connection refused " * 9)
    shown = line_text(event_line(sample_frame(long), width))
    assert shown.startswith(" ! api down: connection refused")
    assert shown.rstrip().endswith("…")


def test_an_unreachable_target_is_called_unreachable_and_not_down() -> None:
    unreachable = TargetStatus(
        "api", "http://api", "down", "unreachable: connect timed out after 2 s", since_s=8.0
    )
    assert target_state.sentence(unreachable) == "api is unreachable: connect timed out after 2 s"
    assert "! api unreachable: connect timed out after 2 s, for 8 s" in line_text(
        event_line(sample_frame(unreachable), 120)
    )
    refused = replace(unreachable, error="connection refused")
    assert target_state.sentence(refused) == "api is down: connection refused"


def test_the_final_summary_says_that_it_never_answered() -> None:
    never = TargetStatus("api", "http://api", "slow", waiting_s=8.0)
    snapshot = replace(
        samples.snapshot(), targets=(never,), services=(ServiceState("api", ("api",)),)
    )
    assert "api: slow: no answer for 8 s" in summary_lines(snapshot, 8.0)

"""Every panel: exact size for any data, messages for missing data, harmless foreign text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import samples
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pane_checks import assert_fills_area

from tputtui import text
from tputtui.engine.availability import describe_several_processes
from tputtui.model import (
    BreakdownRow,
    ErrorState,
    FirstToSaturate,
    Headroom,
    LatencyState,
    ObjectiveStatus,
    Quantile,
    SaturationState,
    ServiceState,
    Snapshot,
    TargetStatus,
    TrafficState,
)
from tputtui.views.live import layout, panels
from tputtui.views.live.event_log import event_line, events_panel
from tputtui.views.live.exit_summary import summary_lines
from tputtui.views.live.header import footer_line, header_line
from tputtui.views.live.latency_panel import latency_panel
from tputtui.views.live.process_table import processes_panel
from tputtui.views.live.routes_table import routes_panel
from tputtui.views.live.saturation_panel import saturation_panel
from tputtui.views.live.target_strip import targets_panel
from tputtui.views.live.throughput_panel import throughput_panel
from tputtui.views.shared.frame import (
    Frame,
    ListState,
    ViewState,
    busiest_service,
    select_service,
)
from tputtui.views.shared.styled_text import bar, line_text, sparkline, sparkline_rows

PANELS = {panel.name: panel.render for panel in panels.PANELS}
EVIL = "\x1b]52;c;x\x07[/red][@click=app.quit]\u202e漢字" + "z" * 5000


def sample_frame(snapshot: Snapshot | None = None, **view_state: Any) -> Frame:
    return Frame(snapshot or samples.snapshot(), samples.past(), ViewState(**view_state), "web-01")


def panel_row(name: str) -> str:
    panel = panels.find_panel(name)
    assert panel is not None
    return panel.row


def evil() -> Snapshot:
    """Return a snapshot in which every foreign text is hostile."""
    service = samples.service(
        EVIL,
        traffic=TrafficState(EVIL, 5.0),
        errors=ErrorState(EVIL, EVIL, (), 0.5, 1.0, {EVIL: 1.0}),
        latency=LatencyState(
            EVIL, "histogram", None, (Quantile(0.99, 1.0, is_lower_bound=True),), note=EVIL
        ),
        breakdown_by=(EVIL, "method"),
        breakdown=(BreakdownRow(((EVIL, EVIL), ("method", EVIL)), 5.0),),
        reasons={"traffic": EVIL},
    )
    first = replace(samples.targets()[0], name=EVIL, warning=text.clean(EVIL))
    return samples.snapshot(services=(service,), targets=(first,))


def nothing() -> Snapshot:
    unknown = samples.service(
        traffic=TrafficState("http_requests_total", None),
        errors=ErrorState("http_requests_total", "status", (), None, None),
        latency=LatencyState(
            "x_seconds", "histogram", "s", (Quantile(0.5, None), Quantile(0.99, None))
        ),
        breakdown=(BreakdownRow((("method", "GET"), ("route", "/")), None),),
        covered_s=None,
    )
    return samples.snapshot(
        services=(unknown,),
        processes=None,
        host_saturation=(),
        first_to_saturate=None,
        busy_cores=None,
    )


@pytest.mark.parametrize("name", PANELS)
@settings(max_examples=40, deadline=None)
@given(width=st.integers(10, 200), height=st.integers(1, 60), which=st.integers(0, 3))
def test_a_panel_fills_its_area_exactly_without_control_characters(
    name: str, width: int, height: int, which: int
) -> None:
    snapshot = (samples.snapshot(), evil(), nothing(), samples.snapshot(services=(), targets=()))[
        which
    ]
    view = PANELS[name](sample_frame(snapshot, focus=name), width, height)
    assert_fills_area(view.lines, width, height)


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_header_events_and_footer_are_one_line(width: int) -> None:
    for snapshot in (samples.snapshot(), evil(), nothing()):
        assert text.width(line_text(header_line(sample_frame(snapshot), width))) == width
        assert text.width(line_text(event_line(sample_frame(snapshot), width))) == width
    assert (
        text.width(line_text(footer_line([("p", "profile"), ("q", "quit")] * 9, "", width)))
        == width
    )


def test_the_header_shows_live_frozen_or_past() -> None:
    assert "LIVE 14:13:20" in line_text(header_line(sample_frame(), 120))
    assert "FROZEN" in line_text(header_line(sample_frame(is_frozen=True), 120))
    assert "PAST -1 min 5 s" in line_text(header_line(sample_frame(behind_s=65.0), 120))
    assert "3 targets, 1 down" in line_text(header_line(sample_frame(), 120))


def test_throughput_shows_the_figure_and_then_its_references() -> None:
    lines = [line_text(line).rstrip() for line in throughput_panel(sample_frame(), 60, 6).lines]
    assert lines[1] == " 1,284 req/s   best 60 s 1,690   since start 950.0"
    assert lines[-1] == " errors 0.12 %  1.50/s   5xx 1.50/s   4xx 2.50/s   resets 0"


def test_an_unknown_rate_says_why() -> None:
    assert "rates begin with the second scrape" in line_text(
        throughput_panel(sample_frame(nothing()), 80, 5).lines[1]
    )
    down = samples.snapshot(
        services=(samples.service(targets=("web-03",), traffic=TrafficState("x", None)),)
    )
    assert "down: connection refused" in line_text(
        throughput_panel(sample_frame(down), 80, 5).lines[1]
    )


def test_a_target_that_answers_without_a_rate_says_why() -> None:
    service = samples.service(
        traffic=TrafficState("x", None),
        why_unknown="4 processes in turn, 3 answered only once so far",
    )
    shown = line_text(
        throughput_panel(sample_frame(samples.snapshot(services=(service,))), 59, 5).lines[1]
    )
    assert shown.rstrip() == " – req/s  4 processes in turn, 3 answered only once so far"


def test_several_processes_that_answer_in_turn_are_named_beside_the_number_and_in_the_list_of_targets() -> (
    None
):
    odd = replace(samples.targets()[0], processes=4, warning=describe_several_processes(4))
    frame = sample_frame(samples.snapshot(targets=(odd, *samples.targets()[1:])))
    assert line_text(throughput_panel(frame, 80, 5).lines[1]).startswith(
        " 1,284 req/s  4 processes in turn   best 60 s 1,690"
    )
    assert any(
        "4 processes answer in turn, each with its own counters" in line_text(line)
        for line in targets_panel(frame, 200, 8).lines
    )


def test_the_reason_for_missing_errors_is_cleaned() -> None:
    """A filter names a family without the label, and a quoted family name may hold anything."""
    service = samples.service(errors=None, reasons={"errors": f"{EVIL[:8]} has no label code"})
    shown = line_text(
        throughput_panel(sample_frame(samples.snapshot(services=(service,))), 60, 5).lines[-1]
    )
    assert shown.startswith(" errors ␛]52;c;x has no label code")


def test_latency_shows_now_its_line_and_its_base() -> None:
    lines = [line_text(line).rstrip() for line in latency_panel(sample_frame(), 70, 6).lines]
    assert lines[2].startswith(" p50       8.2 ms")
    assert lines[2].endswith("8.0 ms")
    assert "p99 88.1 ms, in 70.5–110 ms" in lines[-1]


def test_a_quantile_beyond_the_last_bucket_is_a_floor() -> None:
    state = LatencyState(
        "x_seconds", "histogram", "s", (Quantile(0.99, 2.5, 2.5, None, is_lower_bound=True),)
    )
    shown = "\n".join(
        map(
            line_text,
            latency_panel(
                sample_frame(samples.snapshot(services=(samples.service(latency=state),))), 70, 5
            ).lines,
        )
    )
    assert "≥2.5 s" in shown
    assert "p99 ≥2.5 s, above 2.5 s" in shown


def test_io_wait_has_a_row_even_where_others_are_closer_to_their_limit() -> None:
    shown = [line_text(line) for line in saturation_panel(sample_frame(), 80, 4).lines]
    assert any(line.startswith(" io wait") for line in shown)


def test_a_target_that_is_down_says_why_and_for_how_long() -> None:
    shown = "\n".join(map(line_text, targets_panel(sample_frame(), 120, 6).lines))
    assert "○ web-03" in shown
    assert "connection refused, for 31 s" in shown


def test_a_missed_objective_is_in_the_event_line() -> None:
    missed = ObjectiveStatus("p99<=250ms", "missed", 0.312, 12.0)
    met = ObjectiveStatus("errors<=1%", "ok", 0.0012, 60.0)
    shown = line_text(
        event_line(sample_frame(samples.snapshot(objectives=(missed, met), targets=())), 120)
    )
    assert "! p99<=250ms missed for 12 s, now 312 ms" in shown
    assert "errors<=1% ok 0.12 %, for 1 min" in shown


def test_an_objective_that_cannot_be_decided_says_so_wherever_it_is_shown() -> None:
    reason = "cannot be decided (100–500 ms)"
    undecided = ObjectiveStatus("checkout:p99<=250ms", "no_data", 0.4, 12.0, reason=reason)
    frame = sample_frame(samples.snapshot(objectives=(undecided,), targets=()))
    assert f"checkout:p99<=250ms {reason}" in line_text(event_line(frame, 120))
    shown = "\n".join(map(line_text, latency_panel(frame, 80, 12).lines))
    assert f"<=250ms {reason}" in shown
    assert "no data" not in shown


def test_a_level_that_is_a_bound_has_the_exact_share_beyond_it() -> None:
    state = LatencyState(
        "x_seconds",
        "histogram",
        "s",
        (Quantile(0.99, 0.3, 0.25, 0.5),),
        buckets=((0.25, 98.7), (0.5, 1.3)),
    )
    for level, is_exact in (("250ms", True), ("300ms", False)):
        snapshot = samples.snapshot(
            services=(samples.service(latency=state),),
            objectives=(ObjectiveStatus(f"p99<={level}", "missed", 0.3, 12.0),),
        )
        shown = "\n".join(map(line_text, latency_panel(sample_frame(snapshot), 80, 12).lines))
        assert (f"1.3 % slower than {level[:3]} ms" in shown) == is_exact


def test_without_a_first_to_saturate_the_highest_is_named() -> None:
    rows = (SaturationState("cpu", None, 0.9, 8.0, 0.12, None, "cores", "12 % of 8 cores"),)
    snapshot = samples.snapshot(
        services=(), targets=(), first_to_saturate=None, host_saturation=rows
    )
    shown = line_text(saturation_panel(sample_frame(snapshot), 100, 4).lines[0])
    assert "nothing near a limit (highest: cpu 12 %)" in shown


def test_rows_say_which_histogram_their_times_are_of() -> None:
    service = samples.service(breakdown_latency="http_request_duration_seconds")
    snapshot = samples.snapshot(services=(service,))
    for width in (60, 80, 120):
        shown = line_text(routes_panel(sample_frame(snapshot), width, 8).lines[0])
        assert "times of http_request" in shown


def test_no_requests_yet_offers_nothing_to_choose() -> None:
    reason = "no requests yet: gate_requests_total has no samples so far"
    service = samples.service(traffic=None, latency=None, reasons={"traffic": reason})
    snapshot = samples.snapshot(services=(service,))
    shown = "\n".join(map(line_text, throughput_panel(sample_frame(snapshot), 80, 6).lines))
    assert reason in shown
    assert "to choose" not in shown


def test_an_objective_is_beside_its_figure_with_duration_and_remaining_budget() -> None:
    frame = sample_frame(
        samples.snapshot(
            objectives=(
                ObjectiveStatus("p99<=50ms", "missed", 0.0881, 12.0, -3.4),
                ObjectiveStatus("checkout:errors<=1%", "at_risk", 0.0012, 3.0, 0.12),
                ObjectiveStatus("rps>=100", "ok", 1284.0, 60.0),
                ObjectiveStatus("/payment:p99<=200ms", "missed", 0.402, 9.0),
                ObjectiveStatus("other:p99<=1ms", "missed", 9.0, 9.0),
            )
        )
    )
    traffic = "\n".join(map(line_text, throughput_panel(frame, 80, 10).lines))
    assert ">=100 ok" in traffic
    assert "<=1% at risk 3 s, budget 12 %" in traffic
    tail = "\n".join(map(line_text, latency_panel(frame, 80, 12).lines))
    assert "! p99<=50ms missed 12 s, budget spent" in tail
    assert "<=1ms" not in tail
    assert [
        line.split()[-2]
        for line in map(line_text, routes_panel(frame, 80, 12).lines)
        if "!" in line
    ] == ["!402"]


def test_an_objective_of_another_service_is_not_beside_this_one_s_figure() -> None:
    """Without a service in front, its value is that of the worst service."""
    services = (samples.service(), samples.service("slow"))
    snapshot = samples.snapshot(
        services=services, objectives=(ObjectiveStatus("p99<=250ms", "missed", 1.5, 12.0),)
    )
    assert "missed" not in "\n".join(
        map(line_text, latency_panel(sample_frame(snapshot), 80, 12).lines)
    )


def test_with_more_quantiles_than_lines_the_tail_is_shown() -> None:
    shown = [line_text(line).split()[0] for line in latency_panel(sample_frame(), 80, 3).lines[1:]]
    assert shown == ["p90", "p99"]


def test_routes_that_are_not_shown_are_counted() -> None:
    assert (
        line_text(routes_panel(sample_frame(), 80, 12).lines[-1]).strip()
        == "and 214 more, 0.20 % of traffic"
    )


@pytest.mark.parametrize(
    ("column", "first"), [("cpu", 23990), ("pid", 1), ("rss", 23990), ("threads", 24601)]
)
def test_processes_are_sorted_by_the_chosen_column(column: str, first: int) -> None:
    view = processes_panel(
        sample_frame(list_states={"processes": ListState(sort_column=column)}), 80, 12
    )
    assert str(first) in line_text(view.lines[2]).split()


def test_a_filter_keeps_matching_rows_and_says_how_to_clear_it() -> None:
    view = processes_panel(
        sample_frame(list_states={"processes": ListState(filter_text="GUNI")}), 80, 12
    )
    assert len([key for key in view.row_keys if key is not None]) == 3
    none = processes_panel(
        sample_frame(list_states={"processes": ListState(filter_text="nobody")}), 80, 12
    )
    assert "Esc clears the filter" in "\n".join(map(line_text, none.lines))


def test_the_cursor_belongs_to_a_process_and_not_to_a_row() -> None:
    chosen = samples.PROCESSES[2].identity
    by_cpu = processes_panel(
        sample_frame(list_states={"processes": ListState(cursor=chosen, sort_column="cpu")}), 80, 12
    )
    by_pid = processes_panel(
        sample_frame(list_states={"processes": ListState(cursor=chosen, sort_column="pid")}), 80, 12
    )
    for view in (by_cpu, by_pid):
        assert view.cursor is not None
        assert "24220" in line_text(view.lines[view.cursor])
    assert by_cpu.cursor != by_pid.cursor
    gone = processes_panel(
        sample_frame(list_states={"processes": ListState(cursor=(999999, 1.0))}), 80, 12
    )
    assert gone.cursor is None


def test_a_followed_process_is_first_whatever_the_order() -> None:
    followed = samples.PROCESSES[4].identity
    for order in ("cpu", "pid", "rss"):
        view = processes_panel(
            sample_frame(
                followed=followed, list_states={"processes": ListState(sort_column=order)}
            ),
            80,
            12,
        )
        assert "24601" in line_text(view.lines[2])
        assert "following 24601" in line_text(view.lines[0])


def test_a_list_scrolls_no_further_than_its_cursor_demands() -> None:
    last = samples.PROCESSES[-1].identity
    view = processes_panel(sample_frame(list_states={"processes": ListState(cursor=last)}), 80, 7)
    assert view.cursor is not None
    assert view.list_state is not None
    assert view.list_state.top == len(samples.PROCESSES) - 4


# ------------------------------------------------------------------------------------------- charts


def test_a_gap_is_blank_and_a_zero_is_not() -> None:
    assert sparkline([0.0, None, 1.0]) == "▁ █"
    assert sparkline_rows([0.0, None, 1.0], 2) == ["  █", "▁ █"]


@example([5e-324, 2.2e-309], 1)  # eight times their inverse is infinite
@given(st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=50), st.integers(1, 6))
def test_sparklines_have_one_cell_a_value(values: list[float | None], height: int) -> None:
    rows = sparkline_rows(values, height)
    assert [len(row) for row in rows] == [len(values)] * max(1, height)


@given(st.one_of(st.none(), st.floats(-1, 2)), st.integers(1, 40))
def test_a_bar_and_its_background_fill_their_cells(ratio: float | None, cells: int) -> None:
    filled, ground = bar(ratio, cells)
    assert len(filled) + len(ground) == cells


# ------------------------------------------------------------------------------------------- layout


@given(
    st.integers(40, 250), st.integers(12, 90), st.integers(0, 3), st.sampled_from([None, *PANELS])
)
@settings(max_examples=300, deadline=None)
def test_the_layout_uses_the_whole_terminal(
    width: int, height: int, which: int, zoomed: Any
) -> None:
    snapshot = (samples.snapshot(), nothing(), samples.snapshot(services=(), targets=()), evil())[
        which
    ]
    plan = layout.plan_layout(sample_frame(snapshot), width, height, zoomed)
    assert all(rows >= 1 for rows in plan.heights.values())
    used = 0
    seen: set[str] = set()
    for panel, rows in plan.heights.items():
        row = panel_row(panel)
        beside = (
            [spec.name for spec in panels.PANELS if spec.row == row] if row != "middle" else [panel]
        )
        if plan.is_stacked or len(plan.heights) == 1 or not seen & set(beside):
            used += rows
        seen.add(panel)
    assert used == height - 3


def test_below_forty_by_twelve_there_is_a_message_instead_of_panels() -> None:
    assert layout.plan_layout(sample_frame(), 39, 24).is_too_small
    assert layout.plan_layout(sample_frame(), 80, 11).is_too_small
    assert "39x11 is too small" in line_text(layout.too_small_view(39, 11).lines[0])


# ----------------------------------------------------------------------------------------- defaults


def test_the_busiest_service_with_requests_is_shown_first() -> None:
    busy, quiet = samples.service("busy"), samples.service("quiet", traffic=TrafficState("x", 1.0))
    both = samples.snapshot(services=(quiet, busy))
    assert busiest_service(both) == "busy"
    assert busiest_service(nothing()) is None
    assert select_service(both, "quiet") is quiet
    assert select_service(both, None) is quiet


def test_the_summary_holds_duration_figures_and_saved_files() -> None:
    lines = summary_lines(samples.snapshot(), 751.0, ["x.svg"])
    assert lines[0] == "watched for 12 min 31 s"
    assert "checkout: best 60 s 1,690 req/s; at the end p99 88.1 ms, errors 0.12 %" in lines
    assert lines[-1] == "saved x.svg"


def test_the_summary_of_many_services_is_short_and_never_wraps() -> None:
    names = [f"{'service-with-a-very-long-name' * 3}-{number}" for number in range(7)]
    services = [
        samples.service(name, traffic=TrafficState("x", 10.0 * n, "req/s"))
        for n, name in enumerate(names)
    ]
    node = samples.service("node", traffic=TrafficState("y", 5e9, "By/s"))
    silent = samples.service("silent", traffic=None)
    first = FirstToSaturate("a pool of connections " * 5, "waiting work " * 5)
    snapshot = replace(
        samples.snapshot(), services=(silent, node, *services), first_to_saturate=first
    )
    lines = summary_lines(snapshot, 31.0, ["/var/lib/a/very/long/path/" + "x" * 80])
    assert len(lines) <= 7
    assert max(len("tputtui: " + line) for line in lines[:-1]) <= 80
    assert (
        "at the end 60.0 req/s" in lines[1]
    )  # the busiest first, and no "best" before there were 60 s
    assert not any("best" in line or "node" in line for line in lines)
    assert "and 6 more services" in lines
    assert lines[-1].endswith("x" * 80)


def test_a_summary_says_best_of_all_services_or_of_none() -> None:
    old = samples.service("old", traffic=TrafficState("x", 10.0, "req/s", best_60s=900.0))
    new = samples.service("new", traffic=TrafficState("x", 20.0, "req/s"))
    lines = summary_lines(replace(samples.snapshot(), services=(new, old)), 90.0)
    assert lines[1].startswith("old: best 60 s 900.0 req/s; at the end p99")
    assert lines[2].startswith("new: best 60 s – req/s; at the end p99")


LIMIT = Headroom("checkout", 1700.0, 1650.0, 1750.0, "limit", "p99<=250ms")


@pytest.mark.parametrize(
    ("service", "on_screen", "at_the_end"),
    [
        (LIMIT, "limit 1,700", "checkout: sustains 1,700 req/s (1,650 to 1,750) within p99<=250ms"),
        (
            replace(LIMIT, high=None, kind="at_least"),
            "no limit found up to 1,700",
            "checkout: sustains at least 1,700 req/s within p99<=250ms",
        ),
    ],
)
def test_the_sustainable_throughput_is_beside_the_current_one(
    service: Headroom, on_screen: str, at_the_end: str
) -> None:
    snapshot = samples.snapshot(headroom=(service,))
    assert on_screen in line_text(throughput_panel(sample_frame(snapshot), 80, 8).lines[1])
    assert at_the_end in summary_lines(snapshot, 60.0)


def test_an_unknown_limit_is_not_a_number() -> None:
    snapshot = samples.snapshot(
        headroom=(Headroom("checkout", None, None, None, None, "p99<=250ms", "too early"),)
    )
    assert "limit" not in line_text(throughput_panel(sample_frame(snapshot), 80, 8).lines[1])
    assert "its limit within p99<=250ms is not known: too early" in line_text(
        events_panel(sample_frame(snapshot), 80, 8).lines[1]
    )
    assert not [line for line in summary_lines(snapshot, 60.0) if "sustains" in line]


def test_a_service_that_never_answered_is_summed_up_by_its_reason() -> None:
    down = TargetStatus(
        "api", "http://api/metrics", "down", "connection refused: is the service running?"
    )
    lines = summary_lines(
        replace(samples.snapshot(), targets=(down,), services=(ServiceState("api", ("api",)),)), 3.0
    )
    assert lines[1] == "api: connection refused: is the service running?"

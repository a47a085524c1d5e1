"""Panels without data, figures that stand together, and charts that must not mislead."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import samples

from tputtui.model import (
    BreakdownRow,
    ErrorState,
    ExtraSignal,
    LatencyState,
    Quantile,
    SaturationState,
    Snapshot,
    TargetStatus,
    TrafficState,
)
from tputtui.signals.rates import history_keys
from tputtui.views.live.latency_charts import quantile_chart_rows
from tputtui.views.live.latency_panel import latency_panel
from tputtui.views.live.process_table import processes_panel
from tputtui.views.live.routes_table import routes_panel
from tputtui.views.live.saturation_panel import saturation_panel
from tputtui.views.live.status_classes import stack_column, status_class_lines
from tputtui.views.live.target_strip import targets_panel
from tputtui.views.live.throughput_panel import throughput_panel
from tputtui.views.shared.empty_state import missing_reasons, no_rate_reason
from tputtui.views.shared.frame import Frame, PanelView, ViewState
from tputtui.views.shared.styled_text import Line, line_text


def sample_frame(snapshot: Snapshot, **view_state: Any) -> Frame:
    return Frame(snapshot, samples.past(), ViewState(**view_state), "web-01")


def panel_lines(view: PanelView) -> list[str]:
    return [line_text(line).rstrip() for line in view.lines]


# ------------------------------------------------------------------------------------- missing data

DOWN = TargetStatus("web-01", "http://x/metrics", "down", "connection refused")
WAITING = TargetStatus("web-01", "http://x/metrics")
UP = TargetStatus("web-01", "http://x/metrics", "up")
NO_TRAFFIC = samples.service(targets=("web-01",), traffic=None, breakdown=(), breakdown_by=())
NO_RATE = samples.service(
    targets=("web-01",),
    traffic=TrafficState("http_requests_total", None),
    breakdown=(BreakdownRow((("route", "/"),), None),),
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"services": (), "targets": (), "is_ready": True},
            "no target: tputtui :PORT watches a port",
        ),
        ({"services": (), "targets": (), "is_ready": False}, "looking for targets"),
        ({"services": (), "targets": (WAITING,)}, "waiting for the first answer"),
        ({"services": (NO_TRAFFIC,), "targets": (DOWN,)}, "web-01 is down: connection refused"),
        ({"services": (NO_TRAFFIC,), "targets": (WAITING,)}, "waiting for the first answer"),
        (
            {
                "services": (replace(NO_TRAFFIC, reasons={"traffic": "it is a database"}),),
                "targets": (UP,),
            },
            "it is a database: i to choose one",
        ),
        ({"services": (NO_TRAFFIC,), "targets": (UP,)}, "no traffic metric found: i to choose one"),
    ],
)
def test_routes_and_throughput_give_the_same_reason_and_no_heading_is_empty(
    changes: dict[str, Any], expected: str
) -> None:
    what = sample_frame(samples.snapshot(**changes))
    assert panel_lines(throughput_panel(what, 60, 8))[1].strip().startswith(expected)
    below = panel_lines(routes_panel(what, 60, 8))
    assert below[1].strip() == expected
    assert not any("req/s" in line for line in below)
    assert below[2:] == [""] * 6


def test_without_a_rate_both_say_when_there_will_be_a_rate() -> None:
    what = sample_frame(samples.snapshot(services=(NO_RATE,), targets=(UP,)))
    assert no_rate_reason(what, NO_RATE) == "rates begin with the second scrape"
    assert "rates begin with the second scrape" in panel_lines(throughput_panel(what, 60, 8))[1]
    empty = sample_frame(
        samples.snapshot(services=(replace(NO_RATE, breakdown=()),), targets=(UP,))
    )
    assert (
        panel_lines(routes_panel(empty, 60, 8))[1].strip() == "rates begin with the second scrape"
    )
    down = sample_frame(samples.snapshot(services=(NO_RATE,), targets=(DOWN,)))
    assert "web-01 is down: connection refused" in panel_lines(throughput_panel(down, 60, 8))[1]


def test_a_sum_without_the_label_is_not_traffic_without_labels() -> None:
    state = samples.service(breakdown_by=("topic",), breakdown=())
    assert (
        "no topic: the service exposes a single total"
        in panel_lines(routes_panel(sample_frame(samples.snapshot(services=(state,))), 90, 6))[1]
    )


def test_a_long_reason_is_wrapped_with_the_remedy_at_its_end() -> None:
    reason = "no histogram, summary or mean of the time a request takes"
    state = samples.service(latency=None, reasons={"latency": reason})
    lines = panel_lines(latency_panel(sample_frame(samples.snapshot(services=(state,))), 50, 8))
    assert " ".join(line.strip() for line in lines[1:3]) == f"{reason}: i to choose one"
    assert missing_reasons(sample_frame(samples.snapshot(services=(state,))), state, "latency") == [
        f"{reason}: i to choose one"
    ]


@pytest.mark.parametrize("width", [40, 50, 59, 70])
def test_a_rate_by_class_is_complete_or_absent(width: int) -> None:
    errors = ErrorState(
        "x", "code", ("500",), 0.1, 1.5, {"2xx": 1.0, "4xx": 187_356_633.0, "5xx": 156_185.0}
    )
    state = samples.service(errors=errors)
    foot = panel_lines(
        throughput_panel(sample_frame(samples.snapshot(services=(state,))), width, 8)
    )[-1]
    assert [
        piece
        for piece in foot.split()
        if piece[0].isdigit() and "," in piece and not piece.endswith("/s")
    ] == []


# ---------------------------------------------------------------------------------- further signals

TOKENS = samples.service(
    signals=(
        ExtraSignal(
            "traffic", "generation", "x_total", traffic=TrafficState("x_total", 441.0, "tokens/s")
        ),
        ExtraSignal(
            "latency",
            "time to first token",
            "ttft_seconds",
            latency=LatencyState(
                "ttft_seconds",
                "histogram",
                "s",
                (Quantile(0.5, 0.375), Quantile(0.99, 2.5, is_lower_bound=True)),
            ),
        ),
    )
)


@pytest.mark.parametrize("height", [10, 13, 30])
def test_tokens_and_the_time_to_the_first_are_beside_requests_and_their_latency(
    height: int,
) -> None:
    what = sample_frame(samples.snapshot(services=(TOKENS,)))
    assert any(
        "also   generation 441.0 tokens/s" in line
        for line in panel_lines(throughput_panel(what, 60, height))
    )
    late = panel_lines(latency_panel(what, 60, height))
    assert any("time to first token   p50 375 ms   p99 ≥2.5 s" in line for line in late)
    assert len(late) == height
    assert any(line.startswith(" p99 ") for line in late)


def test_a_service_without_a_latency_still_shows_the_further_signals() -> None:
    state = replace(TOKENS, latency=None)
    assert any(
        "time to first token" in line
        for line in panel_lines(
            latency_panel(sample_frame(samples.snapshot(services=(state,))), 60, 6)
        )
    )


# ------------------------------------------------------------------------- processes and saturation


@pytest.mark.parametrize(
    ("busy", "expected"), [(7.28, "7.0 of 7.3"), (3.0, "3.0 of 3.0"), (0.0, "0.0 of 0.0")]
)
def test_the_shown_processes_never_use_more_cores_than_are_busy(busy: float, expected: str) -> None:
    foot = panel_lines(processes_panel(sample_frame(samples.snapshot(busy_cores=busy)), 76, 12))[-1]
    assert f"these use {expected} busy cores" in foot


NAMED = SaturationState("a pool with a very long name of its own", "pool_in_use", 1234567, None)


@pytest.mark.parametrize("width", [60, 80, 99, 100, 120, 159, 160, 200])
@pytest.mark.parametrize("value", [1.0, 1_234_567.0, 1.5e300])
def test_a_name_is_as_long_as_the_width_allows_and_never_touches_its_number(
    width: int, value: float
) -> None:
    state = samples.service(saturation=(replace(NAMED, value=value),))
    row = next(
        line
        for line in panel_lines(
            saturation_panel(sample_frame(samples.snapshot(services=(state,))), width, 12)
        )
        if "a pool" in line
    )
    name, cut, rest = row[1:].partition("…")
    assert name.startswith("a pool")
    assert cut
    assert rest.startswith(" ")
    assert rest[1:].strip()
    assert len(name) < (14 if width < 100 else 18 if width < 160 else 30)


def test_a_resource_of_the_service_is_not_mistaken_for_the_host_s_of_the_same_name() -> None:
    state = samples.service(
        saturation=(SaturationState("memory", "x_bytes", 1e8, 4e9, 0.025, unit="By"),)
    )
    rows = [
        line.split("  ")[0].strip()
        for line in panel_lines(
            saturation_panel(sample_frame(samples.snapshot(services=(state,))), 120, 12)
        )
    ]
    assert rows.count("memory") == 1
    assert rows.count("service memory") == 1


# ----------------------------------------------------------------------------------- rates by class


@pytest.mark.parametrize(
    ("rates", "cells", "rare"),
    [
        ((100.0, None, None), [0] * 9, None),
        ((50.0, 50.0, 0.0), [0, 0, 0, 0, 1, 1, 1, 1, 1], None),
        ((100.0, 0.1, None), [0] * 9, 1),  # too rare for a cell: a thin line on top
        ((None, None, None), [], None),  # a gap
        ((0.0, 0.0, 0.0), [], None),
    ],
)
def test_a_column_shows_the_share_of_each_class_with_rare_ones_on_top(
    rates: tuple[float | None, ...], cells: list[int], rare: int | None
) -> None:
    assert stack_column(rates, 10, sum(rate or 0.0 for rate in rates) or 1.0) == (cells, rare)


def test_without_a_maximum_there_is_no_chart() -> None:
    assert stack_column((1.0,), 10, 0.0) == ([], None)


def test_the_classes_are_stacked_with_a_gap_where_nothing_is_known() -> None:
    past = samples.past(lambda name: {"2xx": 60.0, "5xx": 40.0}.get(name[-3:], 0.0))
    errors = ErrorState("x", "code", ("500",), 0.4, 40.0, {"2xx": 60.0, "5xx": 40.0})
    for ascii_only, (good, bad) in ((False, "░█"), (True, ":#")):
        what = Frame(samples.snapshot(), past, ViewState(ascii_only=ascii_only), "web-01")
        drawn = [line_text(line) for line in status_class_lines(what, "checkout", errors, 69, 12)]
        assert len(drawn) == 12
        picture = [line[9:] for line in drawn[1:-1]]
        full = "".join(row[30] for row in picture).strip()
        assert full == bad * full.count(bad) + good * full.count(good), "the worst on top"
        assert full.count(bad)
        assert full.count(good) > full.count(bad)
        assert {row[20] for row in picture} == {" "}, "a failed scrape is a gap, not a zero"
        if ascii_only:
            assert all(char.isascii() for row in picture for char in row)


# --------------------------------------------------------------------------------- latency and axes


def lines_of(quantiles: tuple[Quantile, ...]) -> list[str]:
    state = samples.service(latency=LatencyState("x_seconds", "histogram", "s", quantiles))
    rows = quantile_chart_rows(len(quantiles), 80, 24)
    chart: tuple[Line, ...] = tuple(() for _ in range(rows))
    return panel_lines(
        latency_panel(sample_frame(samples.snapshot(services=(state,))), 80, 24, None, chart)
    )


def test_only_a_bucket_that_is_too_wide_is_reported() -> None:
    wide, narrow = Quantile(0.5, 0.3, 0.1, 1.0), Quantile(0.99, 0.3, 0.25, 0.5)
    by_name = {line.split()[0]: line for line in lines_of((wide, narrow)) if line.startswith(" p")}
    assert "~300 ms" in by_name["p50"]
    assert "100 ms–1 s   too wide to say more" in by_name["p50"]
    assert "too wide" not in by_name["p99"]
    assert "~" not in by_name["p99"]
    assert "250–500 ms" in by_name["p99"]


@pytest.mark.parametrize("rps", [1284.0, 5000.0, 3.0])
def test_the_maximum_of_the_scale_is_never_below_the_big_figure(rps: float) -> None:
    state = samples.service(traffic=TrafficState("x_total", rps))
    what = Frame(
        samples.snapshot(services=(state,)),
        samples.past(lambda name: 1.0 if name == history_keys.traffic("checkout") else 0.0),
        ViewState(),
        "web-01",
    )
    label = panel_lines(throughput_panel(what, 45, 8))[2].split()[0]
    factor = 1000.0 if label.endswith("k") else 1.0
    assert float(label.removesuffix("k")) * factor >= rps * 0.99


def test_targets_that_are_down_are_listed_first_and_the_others_are_counted() -> None:
    many = tuple(
        TargetStatus(f"web-{at:02d}", "http://x/metrics", "up", series=5) for at in range(12)
    )
    broken = replace(many[7], state="down", error="connection refused")
    shown = panel_lines(
        targets_panel(
            sample_frame(samples.snapshot(targets=(*many[:7], broken, *many[8:]))), 100, 6
        )
    )
    first = next(line for line in shown if "web-" in line)
    assert "web-07" in first
    assert "connection refused" in first
    assert any("more" in line for line in shown)

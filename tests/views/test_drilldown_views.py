"""Latency heat map, the mark at a moment, and figures of each replica."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st

from tputtui import text
from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.views.live.header import header_line
from tputtui.views.live.heatmap import heatmap_lines, merge_rows, shade_level
from tputtui.views.live.latency_charts import SCATTER_SIZE, has_scatter
from tputtui.views.live.latency_panel import latency_panel
from tputtui.views.live.target_strip import targets_panel
from tputtui.views.live.throughput_panel import throughput_panel
from tputtui.views.shared.frame import Frame, ViewState
from tputtui.views.shared.styled_text import TextSpan, blank_line, line_text, mark_cell

SHARES = st.lists(
    st.one_of(st.none(), st.lists(st.floats(0, 1), min_size=6, max_size=6).map(tuple)), min_size=1
)


def sample_frame(heat: LatencyHeatmap | None = None, **view_state: Any) -> Frame:
    return Frame(
        samples.snapshot(),
        samples.SamplePast(heatmap=lambda columns: heat or samples.heat(columns)),
        ViewState(**view_state),
        "web-01",
        replicas=samples.replicas(),
    )


# --------------------------------------------------------------------------------- latency heat map


def test_the_slowest_row_is_on_top_and_the_shade_is_the_share() -> None:
    heat = LatencyHeatmap((0.1, 0.5, math.inf), ((0.9, 0.1, 0.0), None, (0.3, 0.3, 0.4)))
    lines = [
        line_text(line)
        for line in heatmap_lines(sample_frame(heat), "checkout", "s", 12, 12, 60, 9)
    ]
    assert lines[0].split() == [
        "latency",
        "distribution",
        "share",
        "░",
        ">0",
        "▒",
        "5",
        "▓",
        "20",
        "█",
        "50",
        "%",
    ]
    assert [line[12:15] for line in lines[1:]] == ["  ▓", "▒ ▓", "█ ▓"]
    assert [line[:12].strip() for line in lines[1:]] == [">500 ms", "500 ms", "100 ms"]


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0), (1e-9, 1), (0.05, 2), (0.2, 3), (0.5, 4), (1.0, 4)]
)
def test_even_a_rare_request_is_visible(share: float, expected: int) -> None:
    assert shade_level(share) == expected


@given(SHARES, st.integers(1, 8))
def test_merging_rows_keeps_the_shares_and_the_open_end(
    columns: list[tuple[float, ...] | None], most: int
) -> None:
    heat = LatencyHeatmap((0.1, 0.2, 0.3, 0.4, 0.5, math.inf), tuple(columns))
    fewer = merge_rows(heat, most)
    assert len(fewer.bounds) == min(6, most)
    assert fewer.bounds[-1] == math.inf
    for before, after in zip(heat.columns, fewer.columns, strict=True):
        assert (before is None) == (after is None)
        if before is not None and after is not None:
            assert sum(after) == pytest.approx(sum(before))


def test_there_is_no_heat_map_without_room_or_buckets() -> None:
    assert heatmap_lines(sample_frame(), "checkout", "s", 19, 40, 80, 3) == []
    assert (
        heatmap_lines(replace(sample_frame(), past=samples.past()), "checkout", "s", 19, 40, 80, 9)
        == []
    )
    assert "latency distribution" not in "\n".join(
        map(line_text, latency_panel(sample_frame(), 80, 6).lines)
    )
    assert "latency distribution" in "\n".join(
        map(line_text, latency_panel(sample_frame(), 80, 12).lines)
    )


def test_in_ascii_shades_have_characters_of_their_own() -> None:
    shown = "\n".join(map(line_text, latency_panel(sample_frame(ascii_only=True), 80, 14).lines))
    assert not set("░▒▓") & set(shown)
    assert "####" in shown


@given(st.integers(10, 220), st.integers(1, 60), st.booleans(), st.booleans())
def test_latency_fills_its_area_with_all_its_parts(
    width: int, height: int, plain_text: bool, back: bool
) -> None:
    given = sample_frame(ascii_only=plain_text, cursor=(5000.0, 4970.0) if back else None)
    beside = (
        tuple(blank_line(SCATTER_SIZE[0]) for _ in range(height - 1))
        if has_scatter(width, height)
        else None
    )
    view = latency_panel(given, width, height, beside)
    assert [text.width(line_text(line)) for line in view.lines] == [width] * height


# --------------------------------------------------------------------------------------- the moment


def test_a_mark_is_in_the_accent_colour_and_an_empty_cell_becomes_a_line() -> None:
    line = (TextSpan("ab", "dim"), TextSpan("▃ ▅", "data"))
    assert mark_cell(line, 2) == (
        TextSpan("ab", "dim"),
        TextSpan("▃", "accent"),
        TextSpan(" ▅", "data"),
    )
    assert line_text(mark_cell(line, 3)) == "ab▃│▅"
    assert line_text(mark_cell(line, 0, "▲")) == "▲b▃ ▅"
    assert mark_cell(line, 99) == line
    assert mark_cell((TextSpan("漢字"),), 1) == (TextSpan("漢字"),), (
        "half a character cannot be marked"
    )


@given(st.floats(0, 600), st.integers(1, 200))
def test_the_marked_column_is_that_of_the_moment(back: float, columns: int) -> None:
    given = sample_frame(cursor=(6000.0, 6000.0 - back), shown_span_s=600.0)
    column = given.cursor_column(columns)
    if column is not None:
        width = 600.0 / columns
        assert abs((columns - 1 - column) * width - back) <= width + 1e-6
    else:
        assert back >= 600.0 - 600.0 / columns - 1e-6


def test_live_marks_nothing_and_its_axis_ends_now() -> None:
    assert sample_frame().cursor_column(60) is None
    assert sample_frame().axis_end_label == "now"
    assert sample_frame(cursor=(5060.0, 5000.0)).axis_end_label == "14:14:20"
    accents = [
        span
        for line in throughput_panel(sample_frame(), 80, 8).lines
        for span in line
        if span.role == "accent"
    ]
    assert accents == []
    marked = throughput_panel(sample_frame(cursor=(5000.0, 4980.0)), 80, 8).lines
    assert any(span.role == "accent" for line in marked for span in line)


# ----------------------------------------------------------------------------- replicas and filters


def test_a_replica_shows_its_own_figures_and_how_it_deviates() -> None:
    odd = {
        **samples.replicas(),
        "web-02": replace(
            samples.replicas()["web-02"], outlier_reason="errors 4.0 %, others 0.10 %"
        ),
    }
    lines = [
        line_text(line)
        for line in targets_panel(replace(sample_frame(), replicas=odd), 120, 6).lines
    ]
    assert "684.0 req/s" in next(line for line in lines if "web-01" in line)
    row = next(line for line in lines if "web-02" in line)
    assert "600.0 req/s" in row
    assert "outlier: errors 4.0 %, others 0.10 %" in row


def test_a_replica_without_figures_of_its_own_does_not_show_the_service_s() -> None:
    shown = "\n".join(
        map(line_text, targets_panel(replace(sample_frame(), replicas={}), 120, 6).lines)
    )
    assert "req/s" not in shown


def test_the_header_names_the_filtered_part() -> None:
    service_filter = ServiceFilter("checkout", (("route", "/x"),), "web-02")
    alone = samples.snapshot(services=(samples.service(), samples.service(service_filter.name)))
    shown = line_text(
        header_line(
            Frame(
                alone,
                samples.past(),
                ViewState(service=service_filter.name, service_filter=service_filter),
            ),
            120,
        )
    )
    assert "checkout web-02 route=/x Esc all" in shown
    assert "Esc all" not in line_text(
        header_line(Frame(alone, samples.past(), ViewState(service_filter=service_filter)), 120)
    )

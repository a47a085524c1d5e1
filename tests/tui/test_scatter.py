"""Throughput against latency: exact size, finite points only, the newest marked."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tputtui import text
from tputtui.tui.live.plot import draw_chart, draw_scatter, mark_time
from tputtui.views.shared.chart import ChartLine, LineChart, ScatterPlot
from tputtui.views.shared.styled_text import line_text

POINTS = tuple((100.0 + 10 * at, 0.01 + 0.002 * at) for at in range(20))


def shown(points: tuple[tuple[float, float], ...] = POINTS, **changes: object) -> list[str]:
    fields: dict[str, object] = {
        "unit": "req/s",
        "quantile_label": "p99",
        "latency_unit": "s",
        "width": 44,
        "height": 16,
        **changes,
    }
    return [line_text(line) for line in draw_scatter(ScatterPlot(points, **fields))]  # type: ignore[arg-type]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e4)), min_size=1, max_size=70),
    st.integers(14, 40),
    st.booleans(),
)
@example([(5e-324, 5e-324)], 16, False)
def test_a_scatter_plot_has_its_size_whatever_the_points(
    points: list[tuple[float, float]], height: int, plain_text: bool
) -> None:
    lines = shown(tuple(points), height=height, ascii_only=plain_text)
    assert [text.width(line) for line in lines] == [44] * height


def test_both_axes_have_units_and_the_newest_point_stands_out() -> None:
    lines = shown()
    assert lines[0].split() == ["p99", "over", "req/s", "●", "now"]
    assert any(line.startswith("50 ms┤") for line in lines)
    assert lines[-1].split() == ["0", "250", "500"]
    assert sum(line.count("●") for line in lines[1:]) == 1
    assert (
        sum(line.count("·") for line in lines[1:]) > sum(line.count("•") for line in lines[1:]) > 0
    )


def test_in_ascii_points_have_characters_of_their_own() -> None:
    lines = shown(ascii_only=True)
    assert not set("·•●") & set("".join(lines))
    assert sum(line.count("@") for line in lines[1:]) == 1


@pytest.mark.parametrize("fraction", [0.0, 0.25, 0.5, 1.0])
def test_a_chart_is_marked_at_the_shown_moment(fraction: float) -> None:
    lines = mark_time(
        draw_chart(
            LineChart(
                (ChartLine(tuple(float(at) for at in range(50))),),
                600.0,
                "req/s",
                60,
                12,
                end_label="14:03:22",
            )
        ),
        fraction,
    )
    rows = [line_text(line) for line in lines]
    at = rows[-2].index("▲")
    first = rows[0].index("┤") + 1
    assert (at - first) / (59 - first) == pytest.approx(fraction, abs=0.02)
    assert all(row[at] != " " for row in rows[:-2])
    assert rows[-1].rstrip().endswith("14:03:22")
    assert [text.width(row) for row in rows] == [60] * 12


@pytest.mark.parametrize("limit", [150.0, 290.0, 900.0])
def test_the_limit_is_a_line_at_its_throughput_also_beyond_the_points(limit: float) -> None:
    lines = shown(limit=limit, limit_label="limit")
    assert f"limit {limit:.0f}" in lines[0] or "limit 150.0" in lines[0]
    axis, last = lines[-2].index("└") + 1, len(lines[-2]) - 1
    top = {150.0: 500, 290.0: 500, 900.0: 1000}[limit]
    assert (lines[-2].index("┴") - axis) / (last - axis) == pytest.approx(limit / top, abs=0.04)
    assert [text.width(line) for line in lines] == [44] * 16

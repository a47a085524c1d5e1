"""Panel of a charted metric: its figure, the reason for a missing one, its place on the screen."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st

from tputtui import text
from tputtui.model import ChartedFamily, TargetStatus
from tputtui.signals.rates import history_keys
from tputtui.tui.live.charts import Charts
from tputtui.tui.live.plot import draw_chart
from tputtui.views.live import layout
from tputtui.views.live.metric_panel import PANEL, metric_panel
from tputtui.views.shared.chart import ChartLine, LineChart
from tputtui.views.shared.frame import Frame, ViewState
from tputtui.views.shared.styled_text import line_text

EVIL = "\x1b]52;c;x\x07[/red]" + "z" * 500
READ = ChartedFamily("web-01", "jobs_total", "counter", is_counter=True, value=96_000.0, rate=612.5)


def charted_frame(
    charted: ChartedFamily | None,
    chosen: tuple[str, str] = ("web-01", "jobs_total"),
    **changes: Any,
) -> Frame:
    past = samples.past(lambda name: 600.0 if name == history_keys.family(*chosen) else 0.0)
    return Frame(
        samples.snapshot(charted=charted, **changes), past, ViewState(charted=chosen), "web-01"
    )


def shown(what: Frame, width: int = 100, height: int = 5) -> str:
    return "\n".join(line_text(line).rstrip() for line in metric_panel(what, width, height).lines)


def test_a_counter_shows_its_rate_its_sum_and_its_target() -> None:
    panel_text = shown(charted_frame(READ))
    assert "─ jobs_total ─" in panel_text
    assert "612.5 /s   in all 96,000" in panel_text
    assert "counter, web-01" in panel_text
    assert "█" in panel_text


@pytest.mark.parametrize(
    ("charted", "changes", "why"),
    [
        (None, {}, "not read at this moment"),
        (replace(READ, rate=None), {}, "a rate begins with the second scrape"),
        (replace(READ, rate=None, value=None), {}, "the last answer did not have it"),
        (
            replace(READ, rate=None, value=None),
            {
                "targets": (
                    TargetStatus("web-01", "http://x/metrics", "down", "connection refused"),
                )
            },
            "web-01 is down: connection refused",
        ),
        (replace(READ, rate=None, value=None), {"targets": ()}, "web-01 is watched no longer"),
    ],
)
def test_an_unknown_figure_says_why(
    charted: ChartedFamily | None, changes: dict[str, Any], why: str
) -> None:
    assert why in shown(charted_frame(charted, **changes))


def test_a_metric_of_another_moment_is_not_shown_as_current() -> None:
    assert "612" not in shown(charted_frame(READ, ("web-01", "another_total"))).splitlines()[1]


@given(st.integers(10, 200), st.integers(1, 60), st.booleans())
def test_the_panel_fills_its_area_without_control_characters(
    width: int, height: int, evil: bool
) -> None:
    chosen = (EVIL, EVIL) if evil else ("web-01", "jobs_total")
    state = replace(READ, target=chosen[0], name=chosen[1], type=chosen[1], unit=chosen[1])
    what = charted_frame(state, chosen)
    view = PANEL.view(what, width, height, partial(Charts().draw, what))
    assert len(view.lines) == height
    for line in view.lines:
        assert text.width(line_text(line)) == width
        assert line_text(line).isprintable()


@given(st.integers(40, 250), st.integers(12, 90))
def test_the_metric_has_a_place_at_every_size_of_the_live_screen(width: int, height: int) -> None:
    plan = layout.plan_layout(charted_frame(READ), width, height)
    assert plan.heights["metric"] >= 3
    assert plan.heights["throughput"] >= 4
    rows = [
        rows
        for panel, rows in plan.heights.items()
        if plan.is_stacked or panel not in ("latency", "processes")
    ]
    assert sum(rows) == height - 3
    assert min(rows) >= 1


def test_a_level_below_zero_is_drawn_below_zero() -> None:
    rows = draw_chart(LineChart((ChartLine((-5.0, -3.0, 2.0, 4.0)),), 60.0, None, 60, 9))
    drawn = [line_text(row) for row in rows]
    assert drawn[-3].startswith("-10┤")
    assert any("0" in row.split("┤")[0] for row in drawn[1:-3])

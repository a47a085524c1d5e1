from __future__ import annotations

import pytest
import samples
from hypothesis import given
from hypothesis import strategies as st

from tputtui.tui.timeline import SPANS, Timeline


def lived(seconds: float) -> Timeline:
    timeline = Timeline(1.0)
    timeline.on_snapshot(samples.snapshot(at=1000.0, time=samples.NOON))
    timeline.on_snapshot(samples.snapshot(at=1000.0 + seconds, time=samples.NOON + seconds))
    return timeline


def test_a_frozen_screen_is_not_the_past() -> None:
    timeline = lived(100)
    timeline.toggle_freeze()
    assert (timeline.moment, timeline.is_frozen, timeline.behind_s) == (1100.0, True, 0.0)
    timeline.toggle_freeze()
    assert (timeline.moment, timeline.is_frozen) == (None, False)


@given(st.lists(st.sampled_from([-10.0, -1.0, 1.0, 10.0]), max_size=40))
def test_moving_in_time_stays_between_the_first_snapshot_and_now(steps: list[float]) -> None:
    timeline = lived(500)
    for step in steps:
        timeline.step(step)
        assert timeline.moment is None or 1000.0 <= timeline.moment < 1500.0
        assert 0 <= timeline.behind_s <= 500.0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("-90s", 1410.0),
        ("90", 1410.0),
        ("14:13:20", 1000.0),
        ("14:20", 1400.0),
        (" 14:21:40 ", 1500.0),
    ],
)
def test_times_are_parsed(text: str, moment: float) -> None:
    timeline = lived(500)  # 14:13:20 to 14:21:40
    assert timeline.jump(text, 0.0)
    assert timeline.moment == moment


@pytest.mark.parametrize("text", ["noon", "", "-2h", "09:00", "25:99:99x"])
def test_an_invalid_or_unreachable_time_moves_nothing(text: str) -> None:
    timeline = lived(500)
    assert not timeline.jump(text, 0.0)
    assert timeline.moment is None


@given(st.floats(0, 200_000), st.lists(st.booleans(), max_size=20))
def test_the_axis_is_one_of_the_spans_and_no_longer_than_chosen(
    seconds: float, zooms: list[bool]
) -> None:
    timeline = lived(seconds)
    for closer in zooms:
        timeline.zoom_in() if closer else timeline.zoom_out()
        assert timeline.shown_span() in SPANS
        assert timeline.shown_span() <= timeline.span_s

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle import counters

from tputtui.model import Exposition, Scrape, Series
from tputtui.signals.rates.exposed_times import START_TIME
from tputtui.signals.rates.target_window import MAX_ROWS, TargetWindow

A = Series("requests_total", (("route", "/a"),))
B = Series("requests_total", (("route", "/b"),))
START = Series(START_TIME)
DEPTH = Series("queue_depth")


def good(
    at: float,
    samples: Mapping[Series, float],
    *,
    step: float = 0.0,
    hidden: Mapping[str, int] | None = None,
) -> Scrape:
    exposition = Exposition(samples=samples, families={}, series=len(samples), hidden=hidden or {})
    return Scrape(
        "shop", at=at, time=1e9 + at + step, duration_s=0.01, exposition=exposition, size=1
    )


def failed(at: float) -> Scrape:
    return Scrape("shop", at=at, time=1e9 + at, duration_s=0.01, error="connection refused")


def create_window(window_s: float = 10.0, interval_s: float = 1.0) -> TargetWindow:
    return TargetWindow(window_s, interval_s, {"requests_total"}, {"queue_depth"})


def rate_of(window: TargetWindow, series: Series) -> float | None:
    rates = window.rates()
    return None if rates is None else rates[window.series.index(series)]


def gained(window: TargetWindow, series: Series) -> float:
    return window.gained[window.series.index(series)]


def test_the_first_scrape_gives_no_rate() -> None:
    window = create_window()
    window.add(good(0.0, {A: 1e6}))
    assert window.rates() is None
    assert window.covered_s == 0.0
    assert gained(window, A) == 0.0


def test_the_rate_is_over_the_time_between_the_scrapes() -> None:
    window = create_window()
    window.add(good(0.0, {A: 100.0}))
    window.add(good(1.25, {A: 150.0}))
    assert rate_of(window, A) == 40.0
    assert window.covered_s == 1.25


def test_old_scrapes_leave_the_window() -> None:
    window = create_window()
    for at in range(31):
        window.add(good(float(at), {A: 10.0 * min(at, 20)}))
    assert window.covered_s == 10.0
    assert rate_of(window, A) == 0.0
    assert gained(window, A) == 200.0


def test_a_reset_counts_from_zero_and_is_marked() -> None:
    window = create_window()
    for at, value in enumerate([1000.0, 1500.0, 20.0, 220.0]):
        window.add(good(float(at), {A: value}))
    assert gained(window, A) == 720.0
    assert (window.resets, window.reset_at) == (1, 2.0)


def test_a_new_process_is_a_reset_even_with_higher_values() -> None:
    window = create_window()
    window.add(good(0.0, {A: 10.0, START: 1e9 - 500.0}))
    window.add(good(1.0, {A: 15.0, START: 1e9 + 0.5}))
    assert gained(window, A) == 15.0
    assert window.resets == 1


def test_a_clock_step_is_not_a_reset() -> None:
    window = create_window()
    window.add(good(0.0, {A: 1e6, START: 500.0}))
    window.add(good(1.0, {A: 1e6 + 5, START: 800.0}, step=300.0))
    assert gained(window, A) == 5.0
    assert window.resets == 0


def test_after_a_suspend_rates_start_over_without_a_spike() -> None:
    window = create_window()
    for second in range(5):
        window.add(good(float(second), {A: 100.0 * second}))
    # Monotonic time stood still for an hour of the wall clock, in which the target counted on.
    window.add(good(5.0, {A: 360_500.0}, step=3600.0))
    assert rate_of(window, A) is None
    window.add(good(6.0, {A: 360_600.0}, step=3600.0))
    assert rate_of(window, A) == 100.0


@pytest.mark.parametrize("step", [-3600.0, -3.0, 3.0])
def test_a_clock_set_back_or_by_a_little_makes_no_gap_and_no_different_rate(
    step: float,
) -> None:
    window = create_window()
    for second in range(10):
        window.add(good(float(second), {A: 100.0 * second}, step=step if second > 5 else 0.0))
        assert second == 0 or rate_of(window, A) == 100.0


def test_a_rounded_start_time_is_not_a_reset() -> None:
    window = create_window()
    window.add(good(0.0, {A: 10.0, START: 500.0}))
    window.add(good(1.0, {A: 15.0, START: 501.0}))
    assert (gained(window, A), window.resets) == (5.0, 0)


def test_a_recreated_child_is_a_reset_of_that_child_only() -> None:
    created = Series("requests_created", A.labels)
    window = TargetWindow(10.0, 1.0, {"requests_total"}, {"requests_created"})
    window.add(good(0.0, {A: 10.0, B: 10.0, created: 1e9 - 500.0}))
    window.add(good(1.0, {A: 15.0, B: 15.0, created: 1e9 + 0.5}))
    assert (gained(window, A), gained(window, B)) == (15.0, 5.0)


def test_a_failed_scrape_is_a_gap_and_the_rates_start_over() -> None:
    window = create_window()
    window.add(good(0.0, {A: 0.0}))
    window.add(good(1.0, {A: 10.0}))
    window.add(failed(2.0))
    assert (window.is_up, window.rates()) == (False, None)
    window.add(good(3.0, {A: 1000.0}))
    assert window.rates() is None
    window.add(good(4.0, {A: 1007.0}))
    assert rate_of(window, A) == 7.0
    assert gained(window, A) == 1007.0  # the increase during the outage is in the total


def test_a_long_silence_is_a_gap() -> None:
    window = create_window()
    window.add(good(0.0, {A: 0.0}))
    window.add(good(1.0, {A: 10.0}))
    window.add(good(12.0, {A: 400.0}))
    assert window.rates() is None


def test_a_pause_of_tputtui_within_the_window_is_not_an_outage_of_the_target() -> None:
    window = create_window()
    window.add(good(0.0, {A: 0.0}))
    window.add(good(1.0, {A: 10.0}))
    window.add(
        good(7.0, {A: 70.0, B: 6.0})
    )  # nothing failed in between: tputtui was busy or stopped
    assert rate_of(window, A) == pytest.approx(10.0)
    assert gained(window, B) == 6.0


def test_one_missed_tick_is_not_a_gap() -> None:
    window = create_window()
    window.add(good(0.0, {A: 0.0}))
    window.add(good(2.1, {A: 21.0}))
    assert rate_of(window, A) == pytest.approx(10.0)


def test_a_new_label_set_counts_from_zero() -> None:
    window = create_window()
    window.add(good(0.0, {A: 100.0}))
    window.add(good(1.0, {A: 100.0, B: 3.0}))
    assert (rate_of(window, B), gained(window, B)) == (3.0, 3.0)


def test_after_a_gap_a_new_label_set_counts_nothing_yet() -> None:
    window = create_window()
    window.add(good(0.0, {A: 100.0}))
    window.add(failed(1.0))
    window.add(good(2.0, {A: 100.0, B: 1e6}))
    assert gained(window, B) == 0.0


def test_a_name_the_scanner_forgot_counts_nothing_on_its_return() -> None:
    window = create_window()
    window.add(good(0.0, {A: 100.0}))
    window.add(good(1.0, {A: 100.0, B: 1e6}), forgotten={"requests_total"})
    assert gained(window, B) == 0.0


def test_a_name_with_series_beyond_the_limit_counts_nothing_at_first() -> None:
    window = create_window()
    window.add(good(0.0, {A: 100.0}))
    window.add(good(1.0, {A: 100.0, B: 1e6}, hidden={"requests_total": 12}))
    assert gained(window, B) == 0.0


def test_a_newly_followed_name_counts_nothing_at_first() -> None:
    other = Series("jobs_total")
    window = create_window()
    window.add(good(0.0, {A: 0.0, other: 1e6}))
    window.follow({"requests_total", "jobs_total"})
    window.add(good(1.0, {A: 1.0, other: 1e6}))
    window.add(good(2.0, {A: 2.0, other: 1e6 + 4}))
    assert rate_of(window, other) == 2.0
    assert rate_of(window, A) == 1.0


def test_a_missing_series_disappears_at_once_and_returns_without_a_spike() -> None:
    window = create_window()
    window.add(good(0.0, {A: 100.0, B: 100.0}))
    layout = window.layout_version
    window.add(good(1.0, {A: 100.0}))
    assert list(window.gone) == [window.series.index(B)]
    assert window.layout_version != layout
    window.add(good(2.0, {A: 100.0, B: 5000.0}))
    assert gained(window, B) == 0.0
    window.add(good(3.0, {A: 100.0, B: 5009.0}))
    assert gained(window, B) == 9.0
    assert not window.gone


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_a_number_never_counts(odd: float) -> None:
    window = create_window()
    for at, value in enumerate([odd, 100.0, odd, 110.0]):
        window.add(good(float(at), {A: value}))
    assert gained(window, A) == 10.0
    assert window.resets == 0


def test_gauges_are_kept_as_they_are() -> None:
    window = create_window()
    window.add(good(0.0, {A: 1.0, DEPTH: 7.0}))
    window.add(good(1.0, {A: 1.0, DEPTH: 3.0}))
    assert window.gauges["queue_depth"] == [(DEPTH, 3.0)]
    assert window.resets == 0


def test_the_age_of_the_process() -> None:
    window = create_window()
    window.add(good(50.0, {START: 1e9 - 50}))
    assert window.age_s("hits_total") == 100.0


def test_an_unknown_start_has_no_age() -> None:
    window = create_window()
    window.add(good(50.0, {A: 1.0}))
    assert window.age_s("hits_total") is None


def test_a_thousand_new_series_a_scrape_reach_a_plateau() -> None:
    window = create_window()
    sizes = []
    for at in range(60):
        churn = {Series("requests_total", (("id", f"{at}-{n}"),)): 1.0 for n in range(100)}
        window.add(good(float(at), churn))
        sizes.append(len(window.series))
    assert max(sizes[20:]) == max(sizes[40:]) <= 1700
    assert all(len(numbers) == len(window.series) for numbers in (window.raw_values, window.gained))


def test_dropped_series_are_reported_with_their_gains() -> None:
    window = create_window(window_s=2.0)
    many = {Series("requests_total", (("id", str(n)),)): 0.0 for n in range(100)}
    window.add(good(0.0, {A: 0.0, **many}))
    window.add(good(1.0, {A: 5.0, **dict.fromkeys(many, 2.0)}))
    tally = window.track_dropped("requests_total", lambda series: series.label("id") != "7")
    other = window.track_dropped("errors_total", lambda _: True)
    for at in range(2, 8):
        window.add(good(float(at), {A: 5.0 * at}))
    assert (tally.gained, other.gained) == (198.0, 0.0)
    assert window.series == [A]
    assert rate_of(window, A) == 5.0


def test_a_long_window_at_a_short_interval_keeps_few_rows() -> None:
    window = create_window(window_s=600.0, interval_s=0.1)
    for tick in range(9000):
        window.add(good(tick * 0.1, {A: float(tick)}))
    assert len(window.processes.current_process.rows) <= MAX_ROWS + 2
    assert window.covered_s == pytest.approx(600.0, abs=3.0)
    assert rate_of(window, A) == pytest.approx(10.0)


def test_a_stopped_clock_gives_no_division_by_zero() -> None:
    window = create_window()
    window.add(good(1.0, {A: 1.0}))
    window.add(good(1.0, {A: 2.0}))
    assert window.rates() is None


@given(
    st.lists(st.floats(0, 1e6), min_size=1, max_size=5),
    st.lists(st.floats(0, 1e5), min_size=1, max_size=5),
    st.floats(0, 5.0),
)
def test_the_window_agrees_with_the_plain_rule_where_counters_begin_at_zero(
    one_life: list[float], next_life: list[float], first: float
) -> None:
    """Each process counts less than its predecessor, so values never return to the old line."""
    values = [*accumulate(one_life, initial=1e7), *accumulate(next_life, initial=first)]
    window = create_window()
    for at, value in enumerate(values):
        window.add(good(float(at), {A: value}))
    plain = counters.increase((float(at), value) for at, value in enumerate(values))
    assert gained(window, A) == pytest.approx(plain or 0.0)


def answered(at: float, samples: Mapping[Series, float], asked_at: float, **more: float) -> Scrape:
    exposition = Exposition(samples=samples, families={}, series=len(samples))
    return Scrape("shop", at, 1e9 + at, at - asked_at, exposition, 1, **more)  # type: ignore[arg-type]


def late(at: float) -> Scrape:
    return Scrape("shop", at, 1e9 + at, 10.0, error="no answer within 10 s", late=True)


@pytest.mark.parametrize("window_s", [2.0, 10.0, 60.0])
def test_a_wait_for_a_late_answer_is_not_a_gap_and_an_equally_long_silence_is(
    window_s: float,
) -> None:
    waited, silent = create_window(window_s), create_window(window_s)
    for window in (waited, silent):
        for second in range(5):
            window.add(good(float(second), {A: 100.0 * second}))
    waited.add(answered(104.0, {A: 10_400.0}, asked_at=5.0))
    assert rate_of(waited, A) == 100.0
    silent.add(answered(104.0, {A: 10_400.0}, asked_at=103.99))
    assert rate_of(silent, A) is None


def test_expired_deadlines_of_successive_requests_make_no_gap_and_a_pause_between_them_does() -> (
    None
):
    for pause, known in ((0.5, True), (30.0, False)):
        window = create_window()
        for second in range(5):
            window.add(good(float(second), {A: 100.0 * second}))
        window.add(late(15.0))
        window.add(late(25.0 + pause))
        window.add(answered(28.0 + pause, {A: 100.0 * (28 + pause)}, asked_at=25.5 + pause))
        assert (rate_of(window, A) is not None) == known


def test_a_request_made_while_tputtui_could_not_run_is_a_gap() -> None:
    window = create_window()
    for second in range(5):
        window.add(good(float(second), {A: 100.0 * second}))
    window.add(answered(64.0, {A: 500.0}, asked_at=4.9, delayed_s=59.0))
    assert rate_of(window, A) is None


def test_a_slow_body_has_the_time_of_its_first_byte() -> None:
    window = create_window()
    window.add(answered(1.0, {A: 100.0}, asked_at=0.9, first_byte_s=0.1))
    window.add(answered(2.0, {A: 200.0}, asked_at=1.9, first_byte_s=0.1))
    assert rate_of(window, A) == 100.0
    assert answered(2.0, {}, asked_at=1.9).ended_at == pytest.approx(2.0)
    slow = Scrape("shop", 2.0, 1e9, 8.1, first_byte_s=0.1)
    assert slow.asked_at == pytest.approx(1.9)
    assert slow.ended_at == pytest.approx(10.0)


def test_an_overdue_window_has_no_rates_until_the_answer_comes() -> None:
    window = create_window()
    for second in range(5):
        window.add(good(float(second), {A: 100.0 * second, DEPTH: 3.0}))
    window.is_overdue = True
    assert window.rates() is None
    assert not window.is_current
    window.add(answered(24.0, {A: 2400.0}, asked_at=5.0))
    assert rate_of(window, A) == 100.0


def held(at: float, value: float, delayed_s: float, took_s: float = 3.0) -> Scrape:
    """Create an answer that was read late: its counter is up to `delayed_s` older."""
    return replace(good(at, {A: value}), duration_s=took_s + delayed_s, delayed_s=delayed_s)


@pytest.mark.parametrize("stop_s", [0.8, 2.0, 5.0, 9.0, 13.0, 40.0])
@pytest.mark.parametrize("produced", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("window_s", [2.0, 10.0, 60.0])
def test_a_suspension_while_an_answer_is_under_way_never_skews_the_rate(
    stop_s: float, produced: float, window_s: float
) -> None:
    """Answers take 3 s at 50 req/s; a delayed one was produced at any time within these."""
    window, at, rates = create_window(window_s), 0.0, []
    for _ in range(30):
        window.add(held(at, 50.0 * at, 0.0))
        at += 4.0
    at += stop_s
    window.add(held(at, 50.0 * (at - stop_s + produced * stop_s), stop_s))
    rates.append(rate_of(window, A))
    for _ in range(30):
        at += 4.0
        window.add(held(at, 50.0 * at, 0.0))
        rates.append(rate_of(window, A))
    assert [rate for rate in rates if rate is not None] == pytest.approx(
        [50.0] * sum(rate is not None for rate in rates), rel=0.12
    )
    assert None not in rates[2:], "the stop is over"
    assert gained(window, A) == pytest.approx(50.0 * at), "nothing of what was counted is lost"


def test_on_an_overloaded_machine_there_is_a_rate_once_the_uncertainty_is_small() -> None:
    window, rates = create_window(), []
    for at in range(61):
        late_s = 0.3 if at % 2 else 0.0
        window.add(held(float(at), 50.0 * (at - late_s), 0.3, took_s=0.01))
        rates.append(rate_of(window, A))
    known = [rate for rate in rates if rate is not None]
    assert len(known) > 50
    assert known == pytest.approx([50.0] * len(known), rel=0.12)


def test_an_old_rate_is_withdrawn_where_no_time_is_certain() -> None:
    window = create_window()
    for at in range(11):
        window.add(good(float(at), {A: 50.0 * at}))
    for at in range(11, 30):
        window.add(held(float(at), 50.0 * at, 4.0, took_s=0.01))
    assert window.rates() is None
    window.add(good(30.0, {A: 1500.0}))
    assert rate_of(window, A) == pytest.approx(50.0)


def test_a_delayed_first_answer_is_not_a_base() -> None:
    window = create_window()
    window.add(held(4.0, 50.0, 3.0))
    window.add(good(5.0, {A: 250.0}))
    assert window.rates() is None
    window.add(good(6.0, {A: 300.0}))
    assert rate_of(window, A) == 50.0
    assert gained(window, A) == 250.0


def test_a_restart_detected_by_a_delayed_answer_starts_the_rate_over() -> None:
    window = create_window()
    for at in range(11):
        window.add(good(float(at), {A: 1e6 + 50.0 * at, START: 1e9 - 100.0}))
    window.add(
        replace(
            held(17.0, 0.0, 5.0), exposition=good(0.0, {A: 100.0, START: 1e9 + 11.0}).exposition
        )
    )
    for at in range(18, 40):
        window.add(good(float(at), {A: 50.0 * (at - 11), START: 1e9 + 11.0}))
        rate = rate_of(window, A)
        assert rate is None or rate == pytest.approx(50.0, rel=0.12)
    assert rate_of(window, A) == pytest.approx(50.0)

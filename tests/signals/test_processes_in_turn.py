"""Falls, moved start times and new series are classified by evidence."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tputtui.model import Exposition, Family, Scrape, Series
from tputtui.signals.rates.exposed_times import START_TIME
from tputtui.signals.rates.process_counters import ProcessCounters
from tputtui.signals.rates.processes_in_turn import (
    COUNTERS_FELL,
    FORGET_AFTER_WINDOWS,
    MAX_PROCESSES,
    turns_until_ended,
)
from tputtui.signals.rates.target_window import TargetWindow

A = Series("hits_total", (("route", "/a"),))
B = Series("hits_total", (("route", "/b"),))
ERROR = Series("hits_total", (("route", "/a"), ("status", "500")))
START = Series(START_TIME)
CREATED = Series("hits_created", A.labels)
EPOCH = 1e9


def good(
    at: float,
    samples: Mapping[Series, float],
    stamps: Mapping[Series, float] | None = None,
    families: Mapping[str, Family] | None = None,
) -> Scrape:
    exposition = Exposition(samples, families or {}, len(samples), timestamps=stamps or {})
    return Scrape("shop", at, EPOCH + at, 0.01, exposition, 1)


def create_window() -> TargetWindow:
    return TargetWindow(10.0, 1.0, {"hits_total"}, {"hits_created"})


def rate(window: TargetWindow, series: Series = A) -> float | None:
    rates = window.rates()
    return None if rates is None else rates[window.series.index(series)]


def warnings(window: TargetWindow) -> list[str]:
    return [sentence for kind, sentence in window.pop_notices() if kind == "warning"]


def test_a_step_back_by_one_counts_nothing_and_the_next_scrape_continues_from_before() -> None:
    window = create_window()
    for at, value in enumerate((0, 100, 200, 300, 400, 500, 499, 700, 800)):
        window.add(good(float(at), {A: 2e6 + value, START: EPOCH - 500}))
        assert at == 0 or rate(window) == pytest.approx(100.0)
    assert window.gained[0] == 800.0
    assert window.resets == 0
    assert warnings(window) == [COUNTERS_FELL]


def test_a_share_that_left_the_sum_gains_nothing_and_the_rate_goes_on() -> None:
    window = create_window()
    for at in range(40):
        window.add(
            good(
                float(at),
                {A: 400_000 + 40.0 * at - (100_000 if at > 15 else 0), START: EPOCH - 500},
            )
        )
        assert at == 0 or rate(window) == pytest.approx(40.0)
    assert window.resets == 0
    assert warnings(window) == [COUNTERS_FELL]
    assert window.gained[0] == pytest.approx(39 * 40.0 - 40.0)


def test_after_an_early_fall_there_are_no_rates_until_the_process_is_identified() -> None:
    window = create_window()
    shown = []
    for at in range(40):
        window.add(
            good(
                float(at), {A: 400_000 + 40.0 * at - (100_000 if at > 2 else 0), START: EPOCH - 500}
            )
        )
        shown.append(rate(window))
        assert (
            at == 0
            or shown[-1] is not None
            or window.why_no_rates == "another process, or a restart? Not known yet"
        )
    assert shown[-20:] == [pytest.approx(40.0)] * 20
    assert all(figure is None or figure == pytest.approx(40.0) for figure in shown)
    assert window.processes.process_count == 1
    assert warnings(window) == [COUNTERS_FELL]


def test_without_a_start_time_a_fall_to_a_low_value_is_a_reset_once_the_next_scrape_confirms_it() -> (
    None
):
    window = create_window()
    for at, value in enumerate((50_000.0, 50_100.0, 50_200.0, 50_300.0, 40.0)):
        window.add(good(float(at), {A: value}))
    assert window.resets == 0
    assert rate(window) == pytest.approx(85.0)
    window.add(good(5.0, {A: 140.0}))
    assert (window.resets, window.reset_at) == (1, 4.0)
    assert window.gained[0] == 440.0


def test_a_start_time_that_moved_forward_but_lies_long_ago_is_not_a_restart() -> None:
    window = create_window()
    window.add(good(0.0, {A: 1e6, START: EPOCH - 5000}))
    window.add(good(1.0, {A: 2e6, START: EPOCH - 4000}))
    assert (window.resets, window.gained[0], rate(window)) == (0, 0.0, None)
    assert window.why_no_rates


def test_a_start_time_in_the_future_still_distinguishes_processes() -> None:
    window = create_window()
    for at in range(12):
        worker = at % 2
        window.add(good(float(at), {A: 5e4 * worker + 10.0 * at, START: EPOCH + 1e7 + 3 * worker}))
    assert window.resets == 0
    assert rate(window) == pytest.approx(20.0)


def test_a_restart_behind_a_late_clock_is_recognised_by_its_values() -> None:
    window = create_window()
    for at in range(30):
        life = 50_000 + 40.0 * at if at < 20 else 40.0 * (at - 19.5)
        window.add(good(float(at), {A: life, START: EPOCH - (5000 if at < 20 else 3600 - 19.5)}))
    assert window.resets == 1
    assert window.processes.process_count == 1


def test_created_times_distinguish_forks_of_the_same_moment() -> None:
    window = create_window()
    for at in range(16):
        worker = (0, 1, 1, 0)[at % 4]
        page = {
            A: 10.0 * at + 7 * worker,
            START: EPOCH - 500,
            CREATED: EPOCH - 400 + 0.001 * worker,
        }
        window.add(good(float(at), page))
    assert window.processes.process_count == 2
    assert rate(window) == pytest.approx(20.0)


def test_start_times_recomputed_for_each_scrape_are_those_of_one_process() -> None:
    window = create_window()
    for at in range(30):
        window.add(
            good(float(at), {A: 1e5 + 500.0 * at, START: EPOCH - 500 + 0.9 * ((at * 0.37) % 1)})
        )
    assert rate(window) == pytest.approx(500.0)
    assert window.processes.process_count == 1


def test_a_restart_of_one_instance_on_a_federated_page_affects_only_that_instance() -> None:
    first, second = (("instance", "a"),), (("instance", "b"),)
    hits = [Series("hits_total", labels) for labels in (first, second)]
    starts = [Series(START_TIME, labels) for labels in (first, second)]
    window = create_window()
    for at in range(6):
        born = EPOCH + 3.5 if at > 3 else EPOCH - 900
        count = 1e6 + 10.0 * at if at <= 3 else 10.0 * (at - 3.5)
        window.add(
            good(
                float(at),
                {
                    hits[0]: count,
                    hits[1]: 2e6 + 10.0 * at,
                    starts[0]: born,
                    starts[1]: EPOCH - 1000,
                },
            )
        )
    assert window.resets == 1
    assert window.gained == [pytest.approx(30 + 5 + 10), 50.0]


def test_a_restart_of_an_exporter_is_not_a_restart_of_its_subject() -> None:
    window = TargetWindow(10.0, 1.0, {"pg_commits_total"})
    commits = Series("pg_commits_total")
    families = {"postgres_exporter_build_info": Family("postgres_exporter_build_info", "gauge")}
    for at in range(8):
        start = EPOCH - 500 if at < 4 else EPOCH + 3.5
        window.add(good(float(at), {commits: 1e6 + 10.0 * at, START: start}, families=families))
    assert (window.resets, window.gained[0]) == (0, 70.0)


# --------------------------------------------------------------------------------------- new series


def test_the_first_error_of_a_route_counts_and_an_old_series_does_not() -> None:
    window = create_window()
    window.add(good(0.0, {A: 1000.0}))
    window.add(good(1.0, {A: 1050.0, ERROR: 1.0, B: 5e6}))
    assert dict(zip(window.series, window.gained, strict=True)) == {A: 50.0, ERROR: 1.0, B: 0.0}
    window.add(good(2.0, {A: 1100.0, ERROR: 2.0, B: 5e6 + 50}))
    assert dict(zip(window.series, window.gained, strict=True)) == {A: 100.0, ERROR: 2.0, B: 50.0}


def test_a_new_series_counts_up_to_what_the_rest_of_its_family_gained_and_ten() -> None:
    window = create_window()
    window.add(good(0.0, {A: 0.0}))
    window.add(good(1.0, {A: 50.0, B: 60.0, ERROR: 61.0}))
    assert dict(zip(window.series, window.gained, strict=True)) == {A: 50.0, B: 60.0, ERROR: 0.0}


@pytest.mark.parametrize(("created", "counted"), [(EPOCH + 0.5, 500.0), (EPOCH - 900, 0.0)])
def test_a_created_time_decides_whether_a_new_series_counts(created: float, counted: float) -> None:
    window = TargetWindow(10.0, 1.0, {"hits_total"}, {"hits_created"})
    window.add(good(0.0, {A: 1.0}))
    window.add(good(1.0, {A: 1.0, B: 500.0, Series("hits_created", B.labels): created}))
    assert dict(zip(window.series, window.gained, strict=True))[B] == counted


def test_a_label_set_of_a_histogram_is_new_as_a_whole() -> None:
    def page(route: str, count: float, total: float) -> dict[Series, float]:
        bounds = {"0.1": 0.5 * count, "+Inf": count}
        labels = (("route", route),)
        buckets = {histogram(("le", bound), *labels): value for bound, value in bounds.items()}
        return {**buckets, counted(*labels): count, summed(*labels): total}

    interned: dict[object, Series] = {}

    def of(name: str, *labels: tuple[str, str]) -> Series:
        return interned.setdefault((name, labels), Series(name, tuple(sorted(labels))))

    def histogram(*labels: tuple[str, str]) -> Series:
        return of("took_seconds_bucket", *labels)

    def counted(*labels: tuple[str, str]) -> Series:
        return of("took_seconds_count", *labels)

    def summed(*labels: tuple[str, str]) -> Series:
        return of("took_seconds_sum", *labels)

    window = TargetWindow(
        10.0, 1.0, {"took_seconds_bucket", "took_seconds_count", "took_seconds_sum"}
    )
    window.add(good(0.0, page("/a", 100, 10)))
    window.add(
        good(1.0, {**page("/a", 140, 14), **page("/old", 9000, 3.0), **page("/new", 12, 900.0)})
    )
    gained = {
        (followed.name, followed.label("route"), followed.label("le")): window.gained[n]
        for n, followed in enumerate(window.series)
    }
    assert {gain for (_, route, _), gain in gained.items() if route == "/old"} == {0.0}
    assert gained["took_seconds_count", "/new", None] == 12.0
    assert gained["took_seconds_sum", "/new", None] == 900.0
    assert gained["took_seconds_bucket", "/new", "0.1"] == 6.0


def test_a_family_that_appears_with_a_burst_counts_once_the_next_scrape_goes_on_like_it() -> None:
    window = create_window()
    window.add(good(0.0, {START: EPOCH - 5}))
    for at in range(1, 5):
        window.add(good(float(at), {A: 80.0 * at, B: 7e4 + 80.0 * at, START: EPOCH - 5}))
        counted = dict(zip(window.series, window.gained, strict=True))
        assert counted == {A: 80.0 * at if at > 1 else 0.0, B: 80.0 * (at - 1)}


def test_a_gain_of_a_new_series_awaits_confirmation_by_the_next_scrape() -> None:
    window = create_window()
    window.add(good(0.0, {A: 0.0}))
    window.add(good(1.0, {A: 50.0, B: 40.0}))
    assert [count.unconfirmed for count in window.process_counts([0, 1])] == [40.0]
    window.add(good(2.0, {A: 100.0, B: 80.0}))
    assert [count.unconfirmed for count in window.process_counts([0, 1])] == [0.0]


# ------------------------------------------------------------------------------------------- bounds


def test_the_number_of_processes_is_bounded_and_more_are_reported() -> None:
    window = create_window()
    for at in range(3 * MAX_PROCESSES):
        window.add(good(float(at), {A: 1e4 * (at % 100), START: EPOCH - 1e6 - 5 * (at % 100)}))
        assert len(window.processes.known_processes) <= MAX_PROCESSES
    assert rate(window) is None
    assert window.why_no_rates == "more than 64 processes answer in turn"


def test_a_process_is_forgotten_after_ten_windows_and_what_it_gained_is_kept() -> None:
    window = create_window()
    for at in range(8):
        window.add(
            good(float(at), {A: 1e4 * (at % 2) + 10.0 * at, START: EPOCH - 500 - 50 * (at % 2)})
        )
    for at in range(8, 30 + 10 * FORGET_AFTER_WINDOWS):
        window.add(good(float(at), {A: 1e4 + 10.0 * at, START: EPOCH - 550}))
    assert len(window.processes.known_processes) == 1
    last = 29 + 10 * FORGET_AFTER_WINDOWS
    assert window.gained[0] == pytest.approx(60 + 10.0 * (last - 1))


def test_a_process_that_was_not_reached_by_chance_has_not_ended() -> None:
    assert turns_until_ended(4, 1e-5) > 3 * turns_until_ended(2, 1e-5) / 2 > 4
    assert turns_until_ended(1, 1e-5) == 1


def test_figures_continue_after_many_series_vanish_while_processes_answer_in_turn() -> None:
    window = create_window()
    routes = [Series("hits_total", (("id", str(number)),)) for number in range(100)]
    for at in range(60):
        worker = at % 2
        page = {A: 1e5 * worker + 10.0 * at, START: EPOCH - 500 - 50 * worker}
        window.add(good(float(at), page | (dict.fromkeys(routes, 1.0 * at) if at < 20 else {})))
    assert window.series == [A]
    assert rate(window) == pytest.approx(20.0)


def test_a_process_without_scrapes_has_no_rates() -> None:
    assert ProcessCounters(3).rates(3) is None


# ---------------------------------------------------------------------------- timestamps of samples


def dated(at: float, value: float, timestamp: float) -> Scrape:
    return good(at, {A: value}, {A: EPOCH + timestamp})


def test_a_sample_with_an_unchanged_timestamp_is_not_new() -> None:
    window = create_window()
    shown = []
    for at in range(60):
        timestamp = 15 * (at // 15)
        window.add(dated(float(at), 5e5 + 100.0 * timestamp, timestamp))
        shown.append(None if 0 in window.without_value else rate(window))
    assert shown == [None] * 15 + [pytest.approx(100.0)] * 45


def test_the_rate_of_a_sample_that_never_changes_again_ends() -> None:
    window = create_window()
    for at in range(80):
        timestamp = 15 * min(at // 15, 1)
        window.add(dated(float(at), 5e5 + 100.0 * timestamp, timestamp))
    assert 0 in window.without_value
    assert window.why_no_sample == "its samples are dated, and no new one has come yet"


def test_a_value_that_moved_without_its_timestamp_waits_for_it() -> None:
    window = create_window()
    for at, (value, timestamp) in enumerate([(0.0, 0.0), (100.0, 1.0), (900.0, 1.0), (200.0, 2.0)]):
        window.add(dated(float(at), value, timestamp))
    assert window.gained[0] == 200.0


@pytest.mark.parametrize("unit", [1e-3, 1e6])
def test_timestamps_that_are_not_in_milliseconds_do_not_change_the_rate(unit: float) -> None:
    window = create_window()
    for at in range(20):
        exposition = Exposition({A: 100.0 * at}, {}, 1, timestamps={A: (EPOCH + at) * unit})
        window.add(Scrape("shop", float(at), EPOCH + at, 0.01, exposition, 1))
    assert rate(window) == pytest.approx(100.0)

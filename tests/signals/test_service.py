from __future__ import annotations

import math

import pytest
from service_fixture import (
    ERRORS,
    LATENCY,
    TRAFFIC,
    Samples,
    ServiceFixture,
    durations,
    requests,
    series,
)

from tputtui.model import Binding, Bindings, Family, Match, Series
from tputtui.signals.rates.exposed_times import START_TIME
from tputtui.signals.service.service_tracker import names_to_read

# ------------------------------------------------------------------------------------------ traffic


def test_an_unbound_signal_is_none() -> None:
    fixture = ServiceFixture(Bindings(reasons={"traffic": "no counter found"}))
    fixture.add_scrape(0.0, {})
    state = fixture.state(0.0)
    assert (state.traffic, state.errors, state.latency) == (None, None, None)
    assert state.reasons["traffic"] == "no counter found"


def test_a_bound_signal_without_a_rate_yet_is_an_object_with_nulls() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, ERRORS, LATENCY))
    fixture.add_scrape(0.0, requests(100.0))
    state = fixture.state(0.0)
    assert state.traffic is not None
    assert state.errors is not None
    assert state.latency is not None
    assert (state.traffic.rps, state.traffic.total) == (None, None)
    assert (state.errors.rps, state.errors.ratio, dict(state.errors.by_class)) == (None, None, {})
    assert [quantile.value for quantile in state.latency.quantiles] == [None] * 3
    assert state.covered_s is None


def test_a_service_that_is_down_is_an_object_with_nulls() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, ERRORS))
    fixture.add_scrape(0.0, requests(100.0))
    fixture.add_scrape(1.0, requests(110.0))
    fixture.add_failure(2.0)
    state = fixture.state(2.0)
    assert state.traffic is not None
    assert state.errors is not None
    assert (state.traffic.rps, state.traffic.total, state.errors.ratio) == (None, None, None)


def test_throughput_adds_up_over_series_and_scale_applies() -> None:
    fixture = ServiceFixture(Bindings(Binding("traffic", "counter", "requests_total", scale=2.0)))
    fixture.add_scrape(0.0, {**requests(0.0, route="/a"), **requests(0.0, route="/b")})
    fixture.add_scrape(2.0, {**requests(10.0, route="/a"), **requests(30.0, route="/b")})
    traffic = fixture.state(2.0).traffic
    assert traffic is not None
    assert (traffic.rps, traffic.total) == (40.0, 80.0)


def test_no_traffic_is_zero_and_has_no_ratio() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, ERRORS, LATENCY))
    for at in (0.0, 1.0):
        fixture.add_scrape(at, {**requests(100.0), **durations((1, 2, 3, 4, 5, 6))})
    state = fixture.state(1.0)
    assert state.traffic is not None
    assert state.errors is not None
    assert state.latency is not None
    assert (state.traffic.rps, state.errors.rps, state.errors.ratio) == (0.0, 0.0, None)
    assert [quantile.value for quantile in state.latency.quantiles] == [None] * 3
    assert state.latency.mean is None


def test_a_family_that_is_declared_but_has_no_series_yet_is_a_measured_zero() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    for at in (0.0, 1.0):
        fixture.add_scrape(at, {}, families={"requests_total": Family("requests_total", "counter")})
    traffic = fixture.state(1.0).traffic
    assert traffic is not None
    assert traffic.rps == 0.0


def test_a_family_that_does_not_exist_is_unknown() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    for at in (0.0, 1.0):
        fixture.add_scrape(at, {})
    traffic = fixture.state(1.0).traffic
    assert traffic is not None
    assert traffic.rps is None


def test_conditions_keep_series_out() -> None:
    own = Match("route", "!~", "/metrics|/health")
    fixture = ServiceFixture(
        Bindings(Binding("traffic", "counter", "requests_total", match=(own,)))
    )
    fixture.add_scrape(
        0.0, {**requests(0.0, route="/a"), **requests(0.0, route="/metrics"), **requests(0.0)}
    )
    fixture.add_scrape(
        1.0, {**requests(5.0, route="/a"), **requests(9.0, route="/metrics"), **requests(1.0)}
    )
    traffic = fixture.state(1.0).traffic
    assert traffic is not None
    assert traffic.rps == 6.0


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [("=", "/a", 5.0), ("!=", "/a", 2.0), ("=~", "/[ab]", 7.0), ("!~", ".", 7.0)],
)
def test_every_condition_is_applied(op: str, value: str, expected: float) -> None:
    match = Match("route", op, value)  # type: ignore[arg-type]
    fixture = ServiceFixture(
        Bindings(Binding("traffic", "counter", "requests_total", match=(match,)))
    )
    fixture.add_scrape(0.0, {**requests(0.0, route="/a"), **requests(0.0, route="/b")})
    fixture.add_scrape(1.0, {**requests(5.0, route="/a"), **requests(2.0, route="/b")})
    traffic = fixture.state(1.0).traffic
    assert traffic is not None
    assert traffic.rps == expected


def test_since_start_is_the_mean_over_the_lifetime_in_the_first_scrape() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    start = {series(START_TIME): 1e9 - 100.0}
    fixture.add_scrape(0.0, {**requests(5000.0), **start})
    assert fixture.state(0.0).lifetime_s == 100.0
    fixture.add_scrape(1.0, {**requests(9000.0), **start})
    state = fixture.state(1.0)
    assert state.traffic is not None
    assert state.traffic.since_start == 50.0
    assert state.lifetime_s == 100.0  # as long as the lifetime of the mean


def test_without_a_start_time_there_is_no_lifetime_mean() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    fixture.add_scrape(0.0, requests(5000.0))
    state = fixture.state(0.0)
    assert state.traffic is not None
    assert (state.traffic.since_start, state.lifetime_s) == (None, None)


def test_best_60s_is_the_best_whole_minute() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    count, best = 0.0, []
    for at in range(200):
        count += 20.0 if 70 <= at < 130 else 10.0
        fixture.add_scrape(float(at), requests(count))
        traffic = fixture.state(float(at)).traffic
        assert traffic is not None
        best.append(traffic.best_60s)
    assert best[58] is None
    assert best[61] == pytest.approx(10.0)  # rates begin with the second scrape
    assert best[-1] == pytest.approx(20.0)


def test_total_goes_on_across_an_outage_and_is_kept_when_series_are_dropped() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC), window_s=2.0)
    many = {key: 0.0 for n in range(100) for key in requests(0.0, route=str(n))}
    fixture.add_scrape(0.0, {**many, **requests(0.0)})
    fixture.add_scrape(1.0, {**dict.fromkeys(many, 1.0), **requests(1.0)})
    fixture.state(1.0)
    fixture.add_failure(2.0)
    fixture.state(2.0)
    for at in range(3, 12):
        fixture.add_scrape(float(at), requests(float(at)))
        state = fixture.state(float(at))
    assert len(fixture.windows["shop"].series) == 1
    assert state.traffic is not None
    assert state.traffic.total == 100.0 + 11.0


def test_a_gauge_that_holds_a_rate_is_shown_as_it_is() -> None:
    fixture = ServiceFixture(Bindings(Binding("traffic", "gauge", "rate_in", unit="msg/s")))
    fixture.add_scrape(0.0, {series("rate_in", topic="a"): 4.0, series("rate_in", topic="b"): 6.0})
    traffic = fixture.state(0.0).traffic
    assert traffic is not None
    assert (traffic.rps, traffic.unit, traffic.total) == (10.0, "msg/s", None)


def test_a_vanished_series_disappears_at_once() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    for at in range(3):
        fixture.add_scrape(
            float(at), {**requests(10.0 * at, route="/a"), **requests(50.0 * at, route="/b")}
        )
    fixture.add_scrape(3.0, requests(30.0, route="/a"))
    state = fixture.state(3.0, ("route",))
    assert state.traffic is not None
    assert state.traffic.rps == 10.0
    assert [row.labels for row in state.breakdown] == [(("route", "/a"),)]


# ------------------------------------------------------------------------------------------- errors


def errors_of(
    binding: Binding, before: Samples, after: Samples
) -> tuple[float | None, float | None, dict[str, float]]:
    fixture = ServiceFixture(Bindings(TRAFFIC, binding))
    fixture.add_scrape(0.0, before)
    fixture.add_scrape(1.0, after)
    errors = fixture.state(1.0).errors
    assert errors is not None
    return errors.ratio, errors.rps, dict(errors.by_class)


def by_status(label: str, **rises: float) -> tuple[float | None, float | None, dict[str, float]]:
    samples = {
        series("requests_total", **{label: name.strip("_")}): rise for name, rise in rises.items()
    }
    binding = Binding("errors", "counter", "requests_total", label=label)
    return errors_of(binding, dict.fromkeys(samples, 0.0), samples)


def test_only_5xx_counts_and_4xx_is_in_a_class_of_its_own() -> None:
    ratio, rps, classes = by_status("status", _200=90.0, _404=6.0, _500=3.0, _503=1.0)
    assert (ratio, rps) == (0.04, 4.0)
    assert classes == {"2xx": 90.0, "4xx": 6.0, "5xx": 4.0}


def test_label_values_that_are_status_classes_are_read() -> None:
    assert by_status("status_class", _2xx=9.0, _5xx=1.0)[0] == 0.1
    assert by_status("envoy_response_code_class", _2=9.0, _5=1.0)[0] == 0.1


def test_server_side_grpc_codes_count_as_errors() -> None:
    assert by_status("grpc_code", OK=8.0, NotFound=1.0, Unavailable=1.0)[0] == 0.1
    assert by_status("grpc_code", _0=8.0, _5=1.0, _14=1.0)[0] == 0.1


def test_an_outcome_label_counts_as_errors() -> None:
    assert by_status("outcome", SUCCESS=7.0, CLIENT_ERROR=2.0, SERVER_ERROR=1.0)[0] == 0.1


def test_a_status_label_but_no_error_series_is_zero() -> None:
    assert by_status("status", _200=9.0)[:2] == (0.0, 0.0)


def test_values_listed_in_the_config_are_the_only_errors() -> None:
    after = {**requests(90.0), **requests(6.0, "429"), **requests(4.0, "500")}
    binding = Binding(
        "errors", "counter", "requests_total", label="status", values=("429",), origin="config"
    )
    assert errors_of(binding, dict.fromkeys(after, 0.0), after)[0] == 0.06


def test_a_counter_of_errors_is_taken_over_the_traffic() -> None:
    failures = series("failures_total")
    before, after = {**requests(0.0), failures: 0.0}, {**requests(50.0), failures: 5.0}
    assert errors_of(Binding("errors", "counter", "failures_total"), before, after) == (
        0.1,
        5.0,
        {},
    )
    other = {**after, series("tries_total"): 20.0}
    binding = Binding("errors", "counter", "failures_total", denominator="tries_total")
    assert errors_of(binding, {**before, series("tries_total"): 0.0}, other)[0] == 0.25


# ------------------------------------------------------------------------------ saturation, further


def test_saturation_is_ordered_by_waiting_then_ratio_then_unknown() -> None:
    gauge = [
        Binding("saturation", "gauge", "busy", name="busy"),
        Binding("saturation", "gauge", "used", name="pool", limit="size"),
        Binding("saturation", "gauge", "share", name="cache", unit="ratio"),
        Binding("saturation", "gauge", "queue", name="queue", waiting=True),
    ]
    fixture = ServiceFixture(Bindings(saturation=tuple(gauge)))
    values = {"busy": 3.0, "used": 4.0, "size": 8.0, "share": 0.9, "queue": 2.0}
    fixture.add_scrape(0.0, {series(name): value for name, value in values.items()})
    rows = [(s.name, s.value, s.limit, s.ratio, s.waiting) for s in fixture.state(0.0).saturation]
    assert rows == [
        ("queue", 2.0, None, None, 2.0),
        ("cache", 0.9, None, 0.9, None),
        ("pool", 4.0, 8.0, 0.5, None),
        ("busy", 3.0, None, None, None),
    ]


def test_amounts_are_summed_over_replicas_and_the_highest_share_counts() -> None:
    used = Binding("saturation", "gauge", "used", limit="size")
    share = Binding("saturation", "gauge", "share", unit="ratio")
    fixture = ServiceFixture(Bindings(saturation=(used, share)), targets=("a", "b"))
    fixture.add_scrape(0.0, {series("used"): 2.0, series("size"): 10.0, series("share"): 0.2}, "a")
    fixture.add_scrape(0.0, {series("used"): 8.0, series("size"): 10.0, series("share"): 0.4}, "b")
    rows = {s.family: (s.value, s.limit, s.ratio) for s in fixture.state(0.0).saturation}
    assert rows == {"used": (10.0, 20.0, 0.5), "share": (0.4, None, 0.4)}


def test_a_limit_of_minus_one_is_no_limit() -> None:
    fixture = ServiceFixture(
        Bindings(saturation=(Binding("saturation", "gauge", "used", limit="size"),))
    )
    fixture.add_scrape(0.0, {series("used"): 2.0, series("size"): -1.0})
    state = fixture.state(0.0).saturation[0]
    assert (state.value, state.limit, state.ratio) == (2.0, None, None)


def test_a_gauge_that_is_not_a_number_or_whose_target_is_down_is_unknown() -> None:
    fixture = ServiceFixture(Bindings(saturation=(Binding("saturation", "gauge", "used"),)))
    fixture.add_scrape(0.0, {series("used"): math.nan})
    assert fixture.state(0.0).saturation[0].value is None
    fixture.add_scrape(1.0, {series("used"): 5.0})
    assert fixture.state(1.0).saturation[0].value == 5.0
    fixture.add_failure(2.0)
    assert fixture.state(2.0).saturation[0].value is None


def test_the_pause_is_shown_as_a_mean() -> None:
    pause = Binding("saturation", "mean", "gc_seconds", unit="s", denominator="gc_seconds_count")
    fixture = ServiceFixture(Bindings(saturation=(pause,)))
    fixture.add_scrape(0.0, {series("gc_seconds_sum"): 1.0, series("gc_seconds_count"): 10.0})
    fixture.add_scrape(1.0, {series("gc_seconds_sum"): 1.5, series("gc_seconds_count"): 15.0})
    assert fixture.state(1.0).saturation[0].value == pytest.approx(0.1)


def test_further_signals_are_read_like_the_main_ones() -> None:
    first = Binding(
        "latency", "histogram", "request_duration_seconds", unit="s", name="time to first token"
    )
    tokens = Binding("traffic", "counter", "tokens_total", unit="tokens/s", name="tokens")
    fixture = ServiceFixture(Bindings(signals=(first, tokens)))
    fixture.add_scrape(0.0, {**durations((0,) * 6), series("tokens_total"): 0.0})
    fixture.add_scrape(1.0, {**durations((0, 10, 10, 10, 10, 10)), series("tokens_total"): 70.0})
    latency, traffic = fixture.state(1.0).signals
    assert (latency.name, traffic.name) == ("time to first token", "tokens")
    assert latency.latency is not None
    assert traffic.traffic is not None
    assert latency.latency.quantiles[0].value == pytest.approx(0.3)
    assert traffic.traffic.rps == 70.0


# ---------------------------------------------------------------------------------------- breakdown


def shop(at: float) -> Samples:
    samples: dict[Series, float] = {}
    for method, route, rps in (("GET", "/a", 30.0), ("POST", "/a", 10.0), ("GET", "/b", 60.0)):
        labels = {"method": method, "route": route}
        samples |= requests(rps * at * 0.9, **labels)
        samples |= requests(rps * at * 0.1, "500", **labels)
        samples |= durations((0.0, *(rps * at,) * 5), method=method, route=route)
    return samples


def test_rows_by_route_and_method_carry_traffic_errors_and_quantiles() -> None:
    fixture = ServiceFixture(
        Bindings(TRAFFIC, ERRORS, LATENCY, breakdown=("route", "method", "status"))
    )
    for at in range(3):
        fixture.add_scrape(float(at), shop(float(at)))
    state = fixture.state(2.0)
    assert state.breakdown_by == ("method", "route")
    assert [(dict(row.labels)["method"], dict(row.labels)["route"], round(row.rps or 0)) for row in state.breakdown] == [
        ("GET", "/b", 60), ("GET", "/a", 30), ("POST", "/a", 10),
    ]  # fmt: skip
    assert state.breakdown[0].error_ratio == pytest.approx(0.1)
    assert state.breakdown[0].quantiles[0].value == pytest.approx(0.3)
    assert state.breakdown_more is None


def test_rows_can_be_broken_down_by_another_label() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, ERRORS, LATENCY, breakdown=("route", "method")))
    for at in range(3):
        fixture.add_scrape(float(at), shop(float(at)))
    rows = fixture.state(2.0, ("method",)).breakdown
    assert [(row.labels, round(row.rps or 0)) for row in rows] == [
        ((("method", "GET"),), 90),
        ((("method", "POST"),), 10),
    ]


def test_beyond_twenty_rows_the_rest_is_one_line() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, breakdown=("route",)))
    for at in range(2):
        fixture.add_scrape(
            float(at),
            {k: v for n in range(50) for k, v in requests(float(at * n), route=f"/{n}").items()},
        )
    state = fixture.state(1.0)
    assert len(state.breakdown) == 20
    assert state.breakdown[0].labels == (("route", "/49"),)
    assert state.breakdown_more is not None
    assert state.breakdown_more[0] == 30
    assert state.breakdown_more[1] == pytest.approx(sum(range(30)))
    assert len(fixture.tracker.breakdown(("route",), 50)[0]) == 50


def test_traffic_without_the_label_leaves_the_counting_to_the_histogram() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, latency=LATENCY, breakdown=("route",)))
    for at in range(2):
        fixture.add_scrape(
            float(at),
            {series("requests_total"): 9.0 * at, **durations((0.0, *(at * 5.0,) * 5), route="/a")},
        )
    assert [(row.labels, row.rps) for row in fixture.state(1.0).breakdown] == [
        ((("route", "/a"),), 5.0)
    ]


def test_rows_add_up_to_the_total() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, breakdown=("route",)))
    for at in range(2):
        fixture.add_scrape(
            float(at),
            {k: v for n in range(50) for k, v in requests(float(at * n), route=f"/{n}").items()},
        )
    state = fixture.state(1.0)
    assert state.traffic is not None
    assert state.breakdown_more is not None
    assert sum(row.rps or 0.0 for row in state.breakdown) + state.breakdown_more[
        1
    ] == pytest.approx(state.traffic.rps)


# ------------------------------------------------------------------------------------- wanted names


def test_the_wanted_names_are_all_that_the_bindings_need() -> None:
    pool = Binding("saturation", "gauge", "used", limit="size")
    tried = Binding("errors", "counter", "failures_total", denominator="tries_total")
    names = names_to_read(Bindings(TRAFFIC, tried, LATENCY, saturation=(pool,)))
    assert names >= {
        "requests_total", "failures_total", "tries_total", "used", "size", START_TIME,
        "request_duration_seconds_bucket", "request_duration_seconds_sum", "request_duration_seconds_count",
    }  # fmt: skip


def test_a_series_that_comes_later_is_counted() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, ERRORS))
    fixture.add_scrape(0.0, requests(0.0))
    fixture.add_scrape(1.0, requests(10.0))
    fixture.state(1.0)
    fixture.add_scrape(2.0, {**requests(20.0), **requests(5.0, "500")})
    errors = fixture.state(2.0).errors
    assert errors is not None
    assert errors.ratio == pytest.approx(5 / 25)


def test_resets_are_counted() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC))
    for at, value in enumerate((50.0, 60.0, 5.0, 15.0)):
        fixture.add_scrape(float(at), requests(value))
    assert fixture.state(3.0).resets == 1


@pytest.mark.parametrize(
    ("sample", "page", "expected"),
    [
        (
            "node_network_receive_bytes_total",
            ("node_boot_time_seconds", "node_exporter_build_info"),
            5.0,
        ),
        (
            "redis_commands_processed_total",
            ("redis_start_time_seconds", "redis_exporter_build_info"),
            5.0,
        ),
        ("mysql_global_status_queries", ("mysqld_exporter_build_info",), None),
        (
            "redis_exporter_scrapes_total",
            ("redis_start_time_seconds", "redis_exporter_build_info"),
            500.0,
        ),
        (
            "promhttp_metric_handler_requests_total",
            ("node_boot_time_seconds", "node_exporter_build_info"),
            500.0,
        ),
        ("shop_requests_total", ("shop_build_info",), 500.0),
    ],
)
def test_the_subject_of_an_exporter_may_be_older_than_the_exporter(
    sample: str, page: tuple[str, ...], expected: float | None
) -> None:
    fixture = ServiceFixture(Bindings(Binding("traffic", "counter", sample)))
    samples = {series(START_TIME): 1e9 - 10.0, series(sample): 5000.0}
    samples |= {series(name): 1e9 - 1000.0 for name in page if name.endswith("_time_seconds")}
    fixture.add_scrape(0.0, samples, families={name: Family(name, "gauge") for name in page})
    traffic = fixture.state(0.0).traffic
    assert traffic is not None
    assert traffic.since_start == expected


def test_a_restarted_exporter_does_not_count_the_host_s_bytes_again() -> None:
    fixture = ServiceFixture(
        Bindings(Binding("traffic", "counter", "node_network_receive_bytes_total", unit="By/s"))
    )
    families = {"node_exporter_build_info": Family("node_exporter_build_info", "gauge")}
    for at, began in ((0.0, 50.0), (1.0, 50.0), (2.0, 1.5), (3.0, 1.5)):
        samples = {
            series(START_TIME): 1e9 + (began if began < 2 else -began),
            series("node_boot_time_seconds"): 1e9 - 1e6,
        }
        fixture.add_scrape(
            at,
            {**samples, series("node_network_receive_bytes_total"): 1e12 + 100.0 * at},
            families=families,
        )
    traffic = fixture.state(3.0).traffic
    assert traffic is not None
    assert (traffic.rps, traffic.total) == (100.0, 300.0)

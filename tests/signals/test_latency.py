from __future__ import annotations

import math

import pytest
from service_fixture import LATENCY, QUANTILES, TRAFFIC, ServiceFixture, durations, requests, series

from tputtui.model import Binding, Bindings
from tputtui.signals.rates import histograms


def test_quantiles_are_those_of_promql_over_the_rates() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY))
    fixture.add_scrape(0.0, durations((0,) * 6))
    counts = (10.0, 40.0, 80.0, 95.0, 99.0, 100.0)
    fixture.add_scrape(2.0, durations(counts, 62.0))
    latency = fixture.state(2.0).latency
    assert latency is not None
    buckets = list(zip((0.1, 0.5, 1.0, 2.5, 5.0, math.inf), counts, strict=True))
    for quantile in latency.quantiles:
        assert quantile.value == pytest.approx(histograms.histogram_quantile(quantile.q, buckets))
    assert (latency.quantiles[0].low, latency.quantiles[0].high) == (0.5, 1.0)
    assert latency.mean == pytest.approx(0.62)
    assert latency.buckets[0] == (0.1, 5.0)
    assert latency.buckets[-1] == (math.inf, 0.5)
    assert latency.note == ""


def test_since_start_covers_the_totals_of_the_first_scrape() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY))
    fixture.add_scrape(0.0, durations((0, 100, 100, 100, 100, 100)))
    fixture.add_scrape(1.0, durations((0, 100, 100, 100, 100, 900)))
    fixture.state(1.0)
    latency = ServiceFixture(Bindings(latency=LATENCY))
    latency.add_scrape(0.0, durations((0, 100, 100, 100, 100, 100)))
    latency.state(0.0)
    latency.add_scrape(1.0, durations((0, 100, 100, 100, 100, 900)))
    state = latency.state(1.0).latency
    assert state is not None
    assert state.since_start[0].value == pytest.approx(0.3)
    assert state.quantiles[0].is_lower_bound


def test_milliseconds_become_seconds() -> None:
    binding = Binding("latency", "histogram", "request_duration_seconds", unit="s", scale=1e-3)
    fixture = ServiceFixture(Bindings(latency=binding))
    bounds = ("100", "500", "1000", "2500", "5000", "+Inf")
    fixture.add_scrape(0.0, durations((0,) * 6, bounds=bounds))
    fixture.add_scrape(1.0, durations((0, 10, 10, 10, 10, 10), 3000.0, bounds=bounds))
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert latency.quantiles[0].value == pytest.approx(0.3)
    assert latency.mean == pytest.approx(0.3)


def test_replicas_are_added_before_a_quantile_is_taken() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC, latency=LATENCY), targets=("a", "b"))
    for target in ("a", "b"):
        fixture.add_scrape(0.0, {**requests(0.0), **durations((0,) * 6)}, target)
    fixture.add_scrape(1.0, {**requests(90.0), **durations((90, 90, 90, 90, 90, 90))}, "a")
    fixture.add_scrape(1.0, {**requests(10.0), **durations((0, 0, 0, 0, 10, 10))}, "b")
    state = fixture.state(1.0)
    assert state.traffic is not None
    assert state.latency is not None
    assert state.traffic.rps == 100.0
    together = [(0.1, 90.0), (0.5, 90.0), (1.0, 90.0), (2.5, 90.0), (5.0, 100.0), (math.inf, 100.0)]
    assert [q.value for q in state.latency.quantiles] == [
        histograms.histogram_quantile(q, together) for q in QUANTILES
    ]


def test_a_replica_that_is_down_does_not_hide_the_other() -> None:
    fixture = ServiceFixture(Bindings(TRAFFIC), targets=("a", "b"))
    for target in ("a", "b"):
        fixture.add_scrape(0.0, requests(0.0), target)
        fixture.add_scrape(1.0, requests(10.0), target)
    fixture.add_failure(2.0, "a")
    fixture.add_scrape(2.0, requests(20.0), "b")
    state = fixture.state(2.0)
    assert state.traffic is not None
    assert state.traffic.rps == 10.0


def test_replicas_with_other_buckets_share_the_common_ones() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY), targets=("a", "b"))
    first, second = ("0.1", "0.5", "+Inf"), ("0.1", "0.25", "+Inf")
    fixture.add_scrape(0.0, durations((0, 0, 0), bounds=first), "a")
    fixture.add_scrape(0.0, durations((0, 0, 0), bounds=second), "b")
    fixture.add_scrape(1.0, durations((5, 10, 10), bounds=first), "a")
    fixture.add_scrape(1.0, durations((5, 10, 10), bounds=second), "b")
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert latency.buckets == ((0.1, 10.0), (math.inf, 10.0))


def test_of_equal_bounds_of_one_series_the_first_wins() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY))
    bounds = ("0.5", "1", "1.0", "+Inf")
    fixture.add_scrape(0.0, durations((0, 0, 0, 0), bounds=bounds))
    fixture.add_scrape(1.0, durations((2, 4, 40, 10), bounds=bounds))
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert latency.buckets == ((0.5, 2.0), (1.0, 2.0), (math.inf, 6.0))


def test_without_an_inf_bucket_there_is_no_quantile_and_a_reason() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY))
    bounds = ("0.1", "0.5")
    fixture.add_scrape(0.0, durations((0, 0), bounds=bounds))
    fixture.add_scrape(1.0, durations((5, 10), 4.0, bounds=bounds))
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert [q.value for q in latency.quantiles] == [None] * 3
    assert "+Inf" in latency.note
    assert latency.mean == pytest.approx(0.4)


def test_three_buckets_are_reported_as_too_coarse() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY))
    bounds = ("0.1", "0.5", "1", "+Inf")
    for at in (0.0, 1.0):
        fixture.add_scrape(at, durations((at, at, at, at), bounds=bounds))
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert latency.note == "only 3 buckets: p99 says little"


def test_vmranges_give_quantiles() -> None:
    fixture = ServiceFixture(Bindings(latency=LATENCY))
    low = series("request_duration_seconds_bucket", vmrange="1.000e-03...2.000e-03")
    high = series("request_duration_seconds_bucket", vmrange="8.000e-03...9.000e-03")
    fixture.add_scrape(0.0, {low: 0.0, high: 0.0})
    fixture.add_scrape(1.0, {low: 40.0, high: 60.0})
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert latency.quantiles[1].value == pytest.approx(0.008 + 0.001 * 50 / 60)


def test_a_summary_shows_its_own_quantiles_and_its_mean() -> None:
    fixture = ServiceFixture(
        Bindings(latency=Binding("latency", "summary", "rpc_seconds", unit="s"))
    )
    own = {series("rpc_seconds", quantile="0.5"): 0.1, series("rpc_seconds", quantile="0.99"): 0.7}
    total, count = series("rpc_seconds_sum"), series("rpc_seconds_count")
    fixture.add_scrape(0.0, {**own, total: 0.0, count: 0.0})
    fixture.add_scrape(1.0, {**own, total: 3.0, count: 10.0})
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert [q.value for q in latency.quantiles] == [0.1, None, 0.7]
    assert latency.mean == pytest.approx(0.3)
    assert latency.note == ""


def test_summaries_are_never_averaged_over_replicas() -> None:
    fixture = ServiceFixture(
        Bindings(latency=Binding("latency", "summary", "rpc_seconds", unit="s")), targets=("a", "b")
    )
    fixture.add_scrape(0.0, {series("rpc_seconds", quantile="0.99"): 0.1}, "a")
    fixture.add_scrape(0.0, {series("rpc_seconds", quantile="0.99"): 0.9}, "b")
    latency = fixture.state(0.0).latency
    assert latency is not None
    assert latency.quantiles[-1].value == 0.9
    assert "highest of 2" in latency.note


def test_quantile_labels_in_percent_are_read() -> None:
    binding = Binding("latency", "summary", "rpc_us", unit="s", scale=1e-6)
    fixture = ServiceFixture(Bindings(latency=binding))
    fixture.add_scrape(
        0.0,
        {
            series("rpc_us", quantile="50"): 100.0,
            series("rpc_us", quantile="99.9"): 900.0,
            series("rpc_us", quantile="99"): 500.0,
        },
    )
    latency = fixture.state(0.0).latency
    assert latency is not None
    assert [q.value for q in latency.quantiles] == pytest.approx([1e-4, None, 5e-4])


def test_an_idle_summary_has_no_quantiles() -> None:
    fixture = ServiceFixture(
        Bindings(latency=Binding("latency", "summary", "rpc_seconds", unit="s"))
    )
    fixture.add_scrape(0.0, {series("rpc_seconds", quantile="0.5"): math.nan})
    latency = fixture.state(0.0).latency
    assert latency is not None
    assert latency.quantiles[0].value is None


def test_two_counters_give_a_mean() -> None:
    time, count = series("request_seconds_total"), series("requests_total")
    fixture = ServiceFixture(
        Bindings(
            latency=Binding(
                "latency", "mean", "request_seconds_total", unit="s", denominator="requests_total"
            )
        )
    )
    fixture.add_scrape(0.0, {time: 10.0, count: 100.0})
    fixture.add_scrape(1.0, {time: 12.0, count: 110.0})
    latency = fixture.state(1.0).latency
    assert latency is not None
    assert latency.mean == pytest.approx(0.2)
    assert latency.quantiles == ()


def test_a_gauge_of_latency_shows_the_highest() -> None:
    binding = Binding("latency", "gauge", "response_time", unit="s", scale=1e-3)
    fixture = ServiceFixture(Bindings(latency=binding))
    fixture.add_scrape(
        0.0, {series("response_time", backend="a"): 5.0, series("response_time", backend="b"): 8.0}
    )
    latency = fixture.state(0.0).latency
    assert latency is not None
    assert latency.mean == pytest.approx(0.008)
    assert latency.note == "the highest of 2 series"

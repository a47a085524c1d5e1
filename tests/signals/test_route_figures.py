"""Rows of routes: labels in either spelling, times of another histogram, scrapes left out."""

from __future__ import annotations

import corpus
import pytest
from service_fixture import QUANTILES, ServiceFixture, durations, requests, series

from tputtui.model import Binding, Bindings, Series
from tputtui.signals.classify import label_names, series_filter
from tputtui.signals.classify.classifier import classify
from tputtui.signals.service.breakdown import default_breakdown

ROUTED = """\
# TYPE visit_requests_total counter
visit_requests_total{handler="/a",method="GET",status="200"} 900
visit_requests_total{handler="/metrics",method="GET",status="200"} 60
# TYPE visit_request_duration_fine_seconds histogram
FINE_BUCKETS
visit_request_duration_fine_seconds_sum 9
visit_request_duration_fine_seconds_count 960
# TYPE visit_request_duration_seconds histogram
visit_request_duration_seconds_bucket{handler="/a",le="0.1"} 900
visit_request_duration_seconds_bucket{handler="/a",le="+Inf"} 900
visit_request_duration_seconds_sum{handler="/a"} 9
visit_request_duration_seconds_count{handler="/a"} 900
""".replace(
    "FINE_BUCKETS",
    "\n".join(
        f'visit_request_duration_fine_seconds_bucket{{le="{bound}"}} 960'
        for bound in (*(number / 100 for number in range(1, 16)), "+Inf")
    ),
)


def test_a_histogram_with_routes_gives_the_rows_their_times() -> None:
    bindings = classify(corpus.scan(ROUTED), use_exporters=False)
    assert bindings.latency is not None
    assert bindings.latency.family == "visit_request_duration_fine_seconds"
    assert bindings.route_latency is not None
    assert bindings.route_latency.family == "visit_request_duration_seconds"
    assert bindings.breakdown[:2] == ("handler", "method")


def test_the_histogram_of_other_requests_gives_no_times() -> None:
    text = ROUTED.replace("visit_request_duration_seconds", "store_query_duration_seconds")
    text = text.replace('_seconds_count{handler="/a"} 900', '_seconds_count{handler="/a"} 90000')
    assert classify(corpus.scan(text), use_exporters=False).route_latency is None


def routed_service() -> ServiceFixture:
    fine = Binding("latency", "histogram", "request_duration_fine_seconds", unit="s")
    coarse = Binding("latency", "histogram", "request_duration_seconds", unit="s")
    traffic = Binding("traffic", "counter", "requests_total", unit="req/s")
    return ServiceFixture(Bindings(traffic, None, fine, route_latency=coarse))


def fine_durations(count: float) -> dict[Series, float]:
    return {
        series("request_duration_fine_seconds_bucket", le=le): count for le in ("0.01", "+Inf")
    } | {series("request_duration_fine_seconds_count"): count}


def test_a_row_says_which_histogram_its_times_are_of() -> None:
    fixture = routed_service()
    for at, count in ((0.0, 0.0), (2.0, 40.0)):
        samples = {**requests(count, route="/a"), **fine_durations(count)}
        samples |= durations((count,) * 6, route="/a")
        fixture.add_scrape(at, samples)
    state = fixture.state(2.0, ("route",))
    assert state.breakdown_latency == "request_duration_seconds"
    (row,) = state.breakdown
    assert [quantile.value for quantile in row.quantiles] == pytest.approx([0.05, 0.09, 0.099])
    assert state.latency is not None
    assert [quantile.q for quantile in state.latency.quantiles] == list(QUANTILES)
    assert state.latency.quantiles[0].value == pytest.approx(0.005)


def test_a_row_that_only_fails_is_shown_where_the_traffic_counts_successes() -> None:
    traffic = Binding("traffic", "counter", "done_total", unit="req/s")
    errors = Binding("errors", "counter", "events_total", label="kind", values=("failed",))
    fixture = ServiceFixture(Bindings(traffic, errors))
    for at, count in ((0.0, 0.0), (2.0, 40.0)):
        fixture.add_scrape(
            at,
            {
                series("done_total", task="pack"): count,
                series("events_total", task="pack", kind="ok"): count,
                series("events_total", task="refund", kind="failed"): count,
                series("events_total", task="idle", kind="failed"): 7.0,
            },
        )
    rows = {dict(row.labels)["task"]: row for row in fixture.state(2.0, ("task",)).breakdown}
    assert set(rows) == {"pack", "refund"}
    assert (rows["refund"].rps, rows["refund"].error_ratio) == (0.0, 1.0)


def test_without_traffic_there_is_no_latency() -> None:
    traffic = Binding("traffic", "counter", "requests_total", unit="req/s")
    latency = Binding("latency", "histogram", "request_duration_seconds", unit="s")
    fixture = ServiceFixture(Bindings(traffic, None, latency))
    for at, scrapes in ((0.0, 0.0), (2.0, 2.0)):  # the scrapes are in the histogram alone
        fixture.add_scrape(at, {**requests(40.0), **durations((scrapes,) * 6)})
    state = fixture.state(2.0)
    assert state.traffic is not None
    assert state.latency is not None
    assert state.traffic.rps == 0.0
    assert [quantile.value for quantile in state.latency.quantiles] == [None] * 3
    assert state.latency.note == "no traffic"


# -------------------------------------------------------------------------------------- spelling


@pytest.mark.parametrize(("dot", "kind"), [("_", "plain"), (".", "utf8")])
def test_dots_and_underscores_are_one_name(dot: str, kind: str) -> None:
    labels = {
        f"http{dot}route": "/a",
        f"http{dot}request{dot}method": "GET",
        f"http{dot}response{dot}status_code": "500",
    }
    name = f"http{dot}server{dot}requests_total"
    pairs = ",".join(f'"{label}"="{value}"' for label, value in labels.items())
    sample = f'{{"{name}",{pairs}}} 900\n'
    if kind == "plain":
        sample = (
            f"{name}{{{pairs.replace(chr(34) + '=', '=').replace(',' + chr(34), ',')[1:]}}} 9\n"
        )
    bindings = classify(corpus.scan(sample), use_exporters=False)
    assert bindings.errors is not None
    assert bindings.errors.label == f"http{dot}response{dot}status_code"
    assert default_breakdown(bindings.breakdown) == (
        f"http{dot}request{dot}method",
        f"http{dot}route",
    )


def test_a_label_is_found_in_the_spelling_that_was_typed() -> None:
    assert label_names.resolve(("http_route", "x"), ("http.route",)) == ("http.route", "x")
    assert label_names.resolve(("http.route",), ("http_route",)) == ("http_route",)
    assert label_names.find_value((("service.name", "shop"),), "service_name") == "shop"
    assert label_names.find_value((("service", "shop"),), "service_name") is None


def test_each_label_is_offered_once_and_the_outcome_last() -> None:
    text = (
        'orders_total{task="a",type="failed",worker="w"} 9\n'
        'orders_total{task="b",type="succeeded",worker="v"} 90\n'
    )
    bindings = classify(corpus.scan("# TYPE orders_total counter\n" + text), use_exporters=False)
    assert sorted(bindings.breakdown) == sorted(set(bindings.breakdown))
    if bindings.errors is not None:
        assert bindings.breakdown[-1] == bindings.errors.label


# --------------------------------------------------------------------------------------- scrapes


@pytest.mark.parametrize("path", ["/internal/prom", "/internal/prom/"])
def test_the_path_that_is_scraped_is_no_traffic(path: str) -> None:
    text = (
        "# TYPE gate_requests_total counter\n"
        'gate_requests_total{path="/a",status="200"} 900\n'
        'gate_requests_total{path="/internal/prom",status="200"} 90\n'
    )
    bindings = classify(corpus.scan(text), own_path=path)
    assert bindings.traffic is not None
    assert bindings.traffic.reason.endswith("without /internal/prom")
    plain = classify(corpus.scan(text)).traffic
    assert plain is not None
    assert "without" not in plain.reason


def test_a_target_that_is_scraped_at_its_root_keeps_its_root() -> None:
    text = '# TYPE gate_requests_total counter\ngate_requests_total{path="/"} 900\n'
    traffic = classify(corpus.scan(text), own_path="/").traffic
    assert traffic is not None
    assert [match.value for match in traffic.match] == [series_filter.SCRAPE_PATHS]


def test_where_no_label_says_the_route_the_scrapes_are_said_to_be_included() -> None:
    text = '# TYPE gate_http_requests_total counter\ngate_http_requests_total{code="200"} 900\n'
    traffic = classify(corpus.scan(text)).traffic
    assert traffic is not None
    assert traffic.reason.endswith(", scrapes included: no label says the route")
    routed = classify(corpus.scan(text.replace("code=", 'path="/a",code='))).traffic
    assert routed is not None
    assert "scrapes included" not in routed.reason

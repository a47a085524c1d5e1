"""Units of bindings."""

from __future__ import annotations

import pytest

from tputtui.model import Bindings, Exposition, Family, Series
from tputtui.signals.classify.classifier import classify


def bindings_of(*counters: str, **labels: str) -> Bindings:
    samples = {Series(name, tuple(labels.items())): 1000.0 for name in counters}
    families = {name: Family(name, "counter") for name in counters}
    return classify(Exposition(samples, families, len(samples)))


def test_errors_with_a_traffic_in_bytes_are_not_bytes() -> None:
    bound = bindings_of(
        "node_network_receive_bytes_total", "node_network_receive_errs_total", device="eth0"
    )
    assert bound.traffic is not None
    assert bound.errors is not None
    assert (bound.traffic.unit, bound.errors.family) == ("By/s", "node_network_receive_errs_total")
    assert bound.errors.unit is None


@pytest.mark.parametrize(
    ("counter", "unit"),
    [
        ("shop_received_bytes_total", "By/s"),
        ("queue_messages_published_total", "msg/s"),
        ("http_requests_total", "req/s"),
    ],
)
def test_the_unit_of_a_counter_is_the_noun_in_its_name(counter: str, unit: str) -> None:
    traffic = bindings_of(counter).traffic
    assert traffic is not None
    assert traffic.unit == unit


def test_on_prometheus_own_page_samples_are_traffic_and_scrapes_of_it_are_not() -> None:
    requests, appended = (
        "prometheus_http_requests_total",
        "prometheus_tsdb_head_samples_appended_total",
    )
    paths = ("/api/v1/query", "/metrics")
    samples = {Series(requests, (("code", "200"), ("handler", path))): 1000.0 for path in paths} | {
        Series(appended): 1e6
    }
    families = {name: Family(name, "counter") for name in (requests, appended)}
    bound = classify(Exposition(samples, families, len(samples)))
    assert bound.traffic is not None
    assert bound.traffic.family == requests
    assert ", without /metrics" in bound.traffic.reason
    assert [(signal.family, signal.unit) for signal in bound.signals] == [(appended, "samples/s")]

from __future__ import annotations

import re

import corpus
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tputtui.model import Binding, Bindings, Exposition, Family, Match, Series
from tputtui.scrape.scanner import Scanner
from tputtui.signals.classify import series_filter, status_labels
from tputtui.signals.classify.classifier import apply_overrides, classify
from tputtui.signals.classify.overrides import parse_matches

SHOP = """\
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/x",status="200"} 100
http_requests_total{method="GET",route="/x",status="500"} 3
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{route="/x",le="0.1"} 50
http_request_duration_seconds_bucket{route="/x",le="+Inf"} 103
http_request_duration_seconds_sum{route="/x"} 10
http_request_duration_seconds_count{route="/x"} 103
# TYPE http_requests_in_flight gauge
http_requests_in_flight 3
# TYPE db_pool_in_use gauge
db_pool_in_use 8
# TYPE db_pool_size gauge
db_pool_size 8
# TYPE db_pool_waiting gauge
db_pool_waiting 3
# TYPE process_open_fds gauge
process_open_fds 10
# TYPE process_max_fds gauge
process_max_fds 1024
"""


def bound(text: str) -> Bindings:
    return classify(corpus.scan(text))


def test_all_signals_of_a_plain_web_service_are_bound() -> None:
    bindings = bound(SHOP)
    assert bindings.traffic is not None
    assert bindings.errors is not None
    assert bindings.latency is not None
    assert (bindings.traffic.family, bindings.traffic.unit) == ("http_requests_total", "req/s")
    assert (bindings.errors.family, bindings.errors.label, bindings.errors.values) == (
        "http_requests_total",
        "status",
        (),
    )
    assert (bindings.latency.family, bindings.latency.kind, bindings.latency.unit) == (
        "http_request_duration_seconds",
        "histogram",
        "s",
    )
    assert bindings.breakdown == ("route", "method", "status")
    assert bindings.reasons == {}


def test_pools_are_bound_with_their_limit_and_their_queue() -> None:
    by_name = {binding.name: binding for binding in bound(SHOP).saturation}
    assert by_name["in flight"].family == "http_requests_in_flight"
    assert (by_name["db pool"].family, by_name["db pool"].limit) == (
        "db_pool_in_use",
        "db_pool_size",
    )
    assert by_name["db pool waiting"].waiting
    assert by_name["file descriptors"].limit == "process_max_fds"


def test_an_unbound_signal_has_a_reason_and_saturation_is_still_shown() -> None:
    bindings = bound("# TYPE worker_queue_depth gauge\nworker_queue_depth 4\n")
    assert (bindings.traffic, bindings.errors, bindings.latency) == (None, None, None)
    assert set(bindings.reasons) == {"traffic", "errors", "latency"}
    assert [(binding.family, binding.waiting) for binding in bindings.saturation] == [
        ("worker_queue_depth", True)
    ]


def test_an_empty_exposition_binds_nothing() -> None:
    assert classify(Exposition({}, {}, 0)).all() == ()


def test_scrapes_are_not_traffic() -> None:
    text = """\
# TYPE promhttp_metric_handler_requests_total counter
promhttp_metric_handler_requests_total{code="200"} 90000
# TYPE orders_total counter
orders_total 5
"""
    traffic = bound(text).traffic
    assert traffic is None or traffic.family == "orders_total"


def test_scrapes_and_health_checks_are_left_out_of_traffic_by_a_condition() -> None:
    traffic = bound(SHOP).traffic
    assert traffic is not None
    assert [(binding.label, binding.op) for binding in traffic.match] == [("route", "!~")]


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/actuator/prometheus", "/healthz", "/health/live", "/-/ready", "/q/metrics"],
)
def test_paths_of_monitoring_are_known(path: str) -> None:
    assert re.fullmatch(series_filter.SCRAPE_PATHS, path)


@pytest.mark.parametrize(
    "path", ["/", "/live/stream", "/readings", "/metricsboard", "/healthy-recipes", "/orders"]
)
def test_paths_of_the_service_are_kept(path: str) -> None:
    assert re.fullmatch(series_filter.SCRAPE_PATHS, path) is None


def test_live_traffic_outranks_an_idle_counter() -> None:
    text = """\
# TYPE shop_orders_requests_total counter
shop_orders_requests_total {0}
# TYPE shop_legacy_requests_total counter
shop_legacy_requests_total 900000
"""
    scanner = Scanner()
    before = scanner.scan(text.format(100).encode())
    now = scanner.scan(text.format(1384).encode())
    live = classify(now, before, 1.0).traffic
    assert live is not None
    assert live.family == "shop_orders_requests_total"
    assert "1,284/s now" in live.reason


def test_a_counter_that_fell_counts_from_zero() -> None:
    text = "# TYPE a_requests_total counter\na_requests_total {0}\n"
    scanner = Scanner()
    before = scanner.scan(text.format(1000).encode())
    traffic = classify(scanner.scan(text.format(50).encode()), before, 1.0).traffic
    assert traffic is not None
    assert "50.0/s now" in traffic.reason


# --------------------------------------------------------------------- rows that are sums of others


def test_a_row_without_the_label_that_exceeds_its_parts_is_kept_alone() -> None:
    text = """\
# TYPE broker_messagesin_total counter
broker_messagesin_total{topic="a"} 12
broker_messagesin_total 15
"""
    traffic = bound(text).traffic
    assert traffic is not None
    assert traffic.match == (Match("topic", "=", ""),)


def test_rows_that_repeat_the_sum_of_their_parts_are_left_out() -> None:
    text = """\
# TYPE imap_commands_total counter
imap_commands_total{cmd="A"} 10
imap_commands_total{cmd="A",reply="OK"} 8
imap_commands_total{cmd="A",reply="NO"} 2
"""
    traffic = bound(text).traffic
    assert traffic is not None
    assert Match("reply", "!=", "") in traffic.match


def test_rows_without_a_label_that_only_failures_carry_are_not_a_sum() -> None:
    text = """\
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_count{http_response_status_code="200"} 90
http_server_request_duration_seconds_count{http_response_status_code="500",error_type="500"} 3
http_server_request_duration_seconds_bucket{http_response_status_code="200",le="+Inf"} 90
http_server_request_duration_seconds_bucket{http_response_status_code="500",error_type="500",le="+Inf"} 3
"""
    traffic = bound(text).traffic
    assert traffic is not None
    assert traffic.match == ()


def test_a_row_named_total_is_left_out_beside_its_parts() -> None:
    text = """\
# TYPE zone_requests_total counter
zone_requests_total{code="2xx"} 8
zone_requests_total{code="5xx"} 2
zone_requests_total{code="total"} 10
"""
    traffic = bound(text).traffic
    assert traffic is not None
    assert traffic.match == (Match("code", "!=", "total"),)


def test_a_mesh_counts_a_request_once() -> None:
    text = """\
# TYPE istio_requests_total counter
istio_requests_total{reporter="source",response_code="200"} 8
istio_requests_total{reporter="destination",response_code="200"} 8
"""
    traffic = bound(text).traffic
    assert traffic is not None
    assert Match("reporter", "=", "destination") in traffic.match


# ---------------------------------------------------------------------------------- types and units


def test_types_are_inferred_where_no_type_line_exists() -> None:
    text = """\
api_requests_total{code="200"} 5
api_request_duration_seconds_bucket{le="1"} 4
api_request_duration_seconds_bucket{le="+Inf"} 5
api_request_duration_seconds_sum 2
api_request_duration_seconds_count 5
"""
    bindings = bound(text)
    assert bindings.traffic is not None
    assert bindings.latency is not None
    assert bindings.traffic.family == "api_requests_total"
    assert (bindings.latency.family, bindings.latency.kind) == (
        "api_request_duration_seconds",
        "histogram",
    )


@pytest.mark.parametrize(
    ("name", "bounds", "scale"),
    [
        ("api_request_duration_seconds", (0.1, 1), 1.0),
        ("api_request_duration_milliseconds", (100, 1000), 1e-3),
        ("api_request_latency_us", (100, 1000), 1e-6),
        ("api_request_latency", (0.005, 0.1, 10), 1.0),
        ("api_request_latency", (0.5, 5, 1000, 3600000), 1e-3),
        ("api_request_latency", (100, 1e4, 1e7), 1e-6),
        ("api_request_latency", (1e5, 1e7, 1e10), 1e-9),
    ],
)
def test_units_come_from_the_name_or_the_size_of_the_bounds(
    name: str, bounds: tuple[float, ...], scale: float
) -> None:
    lines = [
        f"# TYPE {name} histogram",
        *(f'{name}_bucket{{le="{binding}"}} 1' for binding in bounds),
    ]
    latency = bound(
        "\n".join([*lines, f'{name}_bucket{{le="+Inf"}} 2', f"{name}_sum 1", f"{name}_count 2", ""])
    ).latency
    assert latency is not None
    assert (latency.unit, latency.scale) == ("s", scale)


def test_a_unit_without_evidence_stays_unknown() -> None:
    name = "api_request_latency"
    latency = bound(
        f'# TYPE {name} summary\n{name}{{quantile="0.9"}} 7\n{name}_sum 70\n{name}_count 10\n'
    ).latency
    assert latency is not None
    assert (latency.unit, latency.scale) == (None, 1.0)


def test_a_total_of_time_is_divided_by_the_counter_beside_it() -> None:
    text = """\
# TYPE store_commands_total counter
store_commands_total 10
# TYPE store_commands_duration_seconds_total counter
store_commands_duration_seconds_total 2
"""
    latency = bound(text).latency
    assert latency is not None
    assert (latency.kind, latency.family, latency.denominator) == (
        "mean",
        "store_commands_duration_seconds_total",
        "store_commands_total",
    )


def test_a_timestamp_typed_as_a_counter_is_not_traffic() -> None:
    assert (
        bound("# TYPE jobs_last_time_total counter\njobs_last_time_total 1795409915\n").traffic
        is None
    )


# ------------------------------------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("label", "value", "fault"),
    [
        ("status", "500", True),
        ("status", "5xx", True),
        ("envoy_response_code_class", "5", True),
        ("code", "404", False),
        ("status", "2xx", False),
        ("grpc_code", "Internal", True),
        ("grpc_code", "NotFound", False),
        ("grpc_status", "14", True),
        ("grpc_status", "5", False),
        ("outcome", "SERVER_ERROR", True),
        ("outcome", "CLIENT_ERROR", False),
        ("rcode", "SERVFAIL", True),
        ("rcode", "NXDOMAIN", False),
        ("error_type", "", False),
        ("error_type", "TimeoutError", True),
        ("error_type", "404", False),
        ("success", "false", True),
    ],
)
def test_server_errors_are_distinguished_from_client_errors(
    label: str, value: str, *, fault: bool
) -> None:
    assert status_labels.is_server_error(label, value) is fault


def test_a_country_code_is_not_a_status() -> None:
    text = '# TYPE api_requests_total counter\napi_requests_total{code="de"} 5\napi_requests_total{code="fr"} 5\n'
    assert bound(text).errors is None


# ---------------------------------------------------------------------------------------- overrides


def test_the_config_overrides_the_classification() -> None:
    bindings = apply_overrides(
        bound(SHOP),
        {
            "traffic": {"family": "orders_total", "unit": "msg/s", "match": 'kind!="test"'},
            "errors": {"values": ["500", "503"]},
            "latency": {"unit": "ms"},
            "saturation": {"family": "slots_busy", "limit": "slots", "name": "slots"},
        },
    )
    assert bindings.traffic is not None
    assert bindings.errors is not None
    assert bindings.latency is not None
    assert (bindings.traffic.family, bindings.traffic.unit, bindings.traffic.origin) == (
        "orders_total",
        "msg/s",
        "config",
    )
    assert bindings.traffic.match == (Match("kind", "!=", "test"),)
    assert (bindings.errors.label, bindings.errors.values) == ("status", ("500", "503"))
    assert bindings.latency.scale == 1e-3
    assert (bindings.saturation[0].name, bindings.saturation[0].limit) == ("slots", "slots")
    assert len(bindings.saturation) == len(bound(SHOP).saturation) + 1


def test_without_overrides_nothing_changes() -> None:
    bindings = bound(SHOP)
    assert apply_overrides(bindings, {}) is bindings


def test_a_named_family_keeps_its_own_type() -> None:
    exposition = corpus.scan('# TYPE t summary\nt{quantile="0.5"} 1\nt_sum 1\nt_count 1\n')
    latency = apply_overrides(Bindings(), {"latency": {"family": "t"}}, exposition).latency
    assert latency is not None
    assert latency.kind == "summary"


def test_an_override_without_a_family_reports_what_is_missing() -> None:
    with pytest.raises(ValueError, match="name the family"):
        apply_overrides(Bindings(), {"traffic": {"unit": "req/s"}})


@pytest.mark.parametrize("wrong", ["route", 'route=="x"', 'route=~"("', "route=/x"])
def test_a_match_that_cannot_be_parsed_is_an_error_in_one_sentence(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"label condition|regular expression"):
        parse_matches(wrong)


def test_a_selector_is_read_in_promql_notation() -> None:
    assert parse_matches('{a="x",b!~"y|z", c!="q\\"r"}') == (
        Match("a", "=", "x"),
        Match("b", "!~", "y|z"),
        Match("c", "!=", 'q"r'),
    )


# ----------------------------------------------------------------------------------- any exposition

_NAMES = st.from_regex(
    r"[a-z_:]{1,12}(_total|_count|_sum|_bucket|_seconds|_created|)", fullmatch=True
)
_VALUES = st.floats(allow_nan=True, allow_infinity=True)
_TYPES = st.sampled_from(("counter", "gauge", "histogram", "summary", "untyped", "info", "odd"))


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.tuples(
            _NAMES,
            st.dictionaries(
                st.sampled_from(("le", "code", "route", "quantile")),
                st.text(max_size=4),
                max_size=2,
            ).map(lambda d: tuple(sorted(d.items()))),
        ),
        _VALUES,
        max_size=12,
    ),
    st.dictionaries(_NAMES, _TYPES, max_size=8),
)
def test_no_exposition_breaks_it(
    samples: dict[tuple[str, tuple[tuple[str, str], ...]], float], types: dict[str, str]
) -> None:
    exposition = Exposition(
        {Series(name, labels): value for (name, labels), value in samples.items()},
        {name: Family(name, kind) for name, kind in types.items()},
        len(samples),
    )
    for binding in classify(exposition, exposition, 1.0).all():
        assert isinstance(binding, Binding)

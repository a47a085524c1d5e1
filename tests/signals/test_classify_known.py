"""Bindings of known exporters that are not among the labelled files."""

from __future__ import annotations

import corpus
import pytest

from tputtui.signals.classify import exporter_match
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.exporters import ExporterEntry, all_entries


def exposition(*families: str) -> str:
    """Write an exposition of families such as "counter name{labels}", with values above zero."""
    lines: list[str] = []
    declared: set[str] = set()
    for family in families:
        kind, _, series = family.partition(" ")
        name, _, labels = series.rstrip("}").partition("{")
        if name not in declared:
            lines.append(f"# TYPE {name} {kind}")
            declared.add(name)
        label_text = f"{{{labels}}}" if labels else ""
        if kind in ("histogram", "summary"):
            comma = f"{labels}," if labels else ""
            bounds = ("0.1", "1", "10", "+Inf") if kind == "histogram" else ()
            lines += [f'{name}_bucket{{{comma}le="{bound}"}} 40' for bound in bounds]
            lines += [f"{name}_sum{label_text} 7", f"{name}_count{label_text} 40"]
        else:
            lines.append(f"{name}{label_text} 40")
    return "\n".join([*lines, ""])


# name, families, traffic, latency (family, scale), errors (family, label)
CASES: tuple[
    tuple[
        str, tuple[str, ...], str | None, tuple[str, float] | None, tuple[str, str | None] | None
    ],
    ...,
] = (
    (
        "django",
        (
            'counter django_http_requests_total_by_method_total{method="GET"}',
            'histogram django_http_requests_latency_seconds_by_view_method{view="x",method="GET"}',
            'counter django_http_responses_total_by_status_total{status="200"}',
            "counter django_http_requests_body_total_bytes_count",
        ),
        "django_http_requests_total_by_method_total",
        ("django_http_requests_latency_seconds_by_view_method", 1.0),
        ("django_http_responses_total_by_status_total", "status"),
    ),
    (
        "litestar",
        (
            'counter litestar_requests_total{method="GET",path="/",status_code="200"}',
            'histogram litestar_request_duration_seconds{path="/",status_code="200"}',
            'gauge litestar_requests_in_progress{path="/"}',
        ),
        "litestar_requests_total",
        ("litestar_request_duration_seconds", 1.0),
        ("litestar_requests_total", "status_code"),
    ),
    (
        "OpenTelemetry JS, no unit in the name",
        (
            'histogram http_server_duration{http_method="GET",http_status_code="200",http_route="/"}',
        ),
        "http_server_duration_count",
        ("http_server_duration", 1e-3),
        ("http_server_duration_count", "http_status_code"),
    ),
    (
        "ASP.NET",
        (
            'histogram http_server_request_duration_seconds{http_response_status_code="200",http_route="/"}',
            'histogram http_client_request_duration_seconds{http_response_status_code="200"}',
            "gauge kestrel_queued_requests",
            "gauge http_server_active_requests",
        ),
        "http_server_request_duration_seconds_count",
        ("http_server_request_duration_seconds", 1.0),
        ("http_server_request_duration_seconds_count", "http_response_status_code"),
    ),
    (
        "Quarkus",
        (
            'summary http_server_requests_seconds{method="GET",outcome="SUCCESS",status="200",uri="/hello"}',
            "gauge worker_pool_queue_size",
            "gauge http_server_active_requests",
        ),
        "http_server_requests_seconds_count",
        ("http_server_requests_seconds", 1.0),
        ("http_server_requests_seconds_count", "status"),
    ),
    (
        "Caddy",
        (
            'counter caddy_http_requests_total{handler="static",server="srv0"}',
            'histogram caddy_http_request_duration_seconds{code="200",handler="static"}',
            'histogram caddy_http_response_duration_seconds{code="200",handler="static"}',
            'counter caddy_admin_http_requests_total{code="200",path="/metrics"}',
        ),
        "caddy_http_requests_total",
        ("caddy_http_request_duration_seconds", 1.0),
        ("caddy_http_request_duration_seconds_count", "code"),
    ),
    (
        "Istio",
        (
            'counter istio_requests_total{reporter="source",response_code="200"}',
            'counter istio_requests_total{reporter="destination",response_code="200"}',
            'histogram istio_request_duration_milliseconds{reporter="destination",response_code="200"}',
            "counter envoy_cluster_upstream_rq_total",
        ),
        "istio_requests_total",
        ("istio_request_duration_milliseconds", 1e-3),
        ("istio_requests_total", "response_code"),
    ),
    (
        "nginx-vts",
        (
            'counter nginx_vts_server_requests_total{host="a",code="2xx"}',
            'counter nginx_vts_server_requests_total{host="a",code="total"}',
            'counter nginx_vts_server_requests_total{host="*",code="2xx"}',
            'counter nginx_vts_server_request_seconds_total{host="a"}',
        ),
        "nginx_vts_server_requests_total",
        ("nginx_vts_server_request_seconds_total", 1.0),
        ("nginx_vts_server_requests_total", "code"),
    ),
    (
        "Triton",
        (
            'counter nv_inference_request_success{model="m"}',
            'counter nv_inference_request_failure{model="m"}',
            'counter nv_inference_request_duration_us{model="m"}',
            "gauge nv_gpu_utilization",
        ),
        "nv_inference_request_success",
        ("nv_inference_request_duration_us", 1e-6),
        ("nv_inference_request_failure", None),
    ),
    (
        "postgres_exporter",
        (
            'counter pg_stat_database_xact_commit{datname="a"}',
            'counter pg_stat_database_xact_rollback{datname="a"}',
            'gauge pg_stat_database_numbackends{datname="a"}',
            "gauge pg_settings_max_connections",
            "counter pg_stat_bgwriter_buffers_alloc_total",
        ),
        "pg_stat_database_xact_commit",
        None,
        ("pg_stat_database_xact_rollback", None),
    ),
    (
        "Cassandra",
        (
            'untyped org_apache_cassandra_metrics_clientrequest_count{name="Latency",scope="Read"}',
            'untyped org_apache_cassandra_metrics_clientrequest_count{name="Timeouts",scope="Read"}',
            'untyped org_apache_cassandra_metrics_clientrequest_99thpercentile{name="Latency",scope="Read"}',
        ),
        "org_apache_cassandra_metrics_clientrequest_count",
        ("org_apache_cassandra_metrics_clientrequest_99thpercentile", 1e-6),
        ("org_apache_cassandra_metrics_clientrequest_count", "name"),
    ),
    (
        "VictoriaMetrics",
        (
            'untyped vm_http_requests_total{path="/write"}',
            'untyped vm_http_request_errors_total{path="/write"}',
            'summary vm_request_duration_seconds{path="/query"}',
            'untyped vm_rows_inserted_total{type="influx"}',
        ),
        "vm_http_requests_total",
        ("vm_request_duration_seconds", 1.0),
        ("vm_http_request_errors_total", None),
    ),
    (
        "mysqld_exporter",
        (
            "untyped mysql_global_status_questions",
            "untyped mysql_global_status_queries",
            'counter mysql_global_status_connection_errors_total{error="max_connections"}',
            "untyped mysql_global_status_threads_connected",
            "gauge mysql_global_variables_max_connections",
        ),
        "mysql_global_status_questions",
        None,
        ("mysql_global_status_connection_errors_total", None),
    ),
    (
        "SGLang",
        (
            "counter sglang:num_requests_total",
            "counter sglang:generation_tokens_total",
            "histogram sglang:e2e_request_latency_seconds",
            "histogram sglang:time_to_first_token_seconds",
            "gauge sglang:num_queue_reqs",
        ),
        "sglang:num_requests_total",
        ("sglang:e2e_request_latency_seconds", 1.0),
        None,
    ),
    (
        "a controller",
        (
            'counter controller_runtime_reconcile_total{controller="a",result="success"}',
            'counter controller_runtime_reconcile_total{controller="a",result="error"}',
            'histogram controller_runtime_reconcile_time_seconds{controller="a"}',
            'counter rest_client_requests_total{code="200",method="GET"}',
            'gauge workqueue_depth{name="a"}',
        ),
        "controller_runtime_reconcile_total",
        ("controller_runtime_reconcile_time_seconds", 1.0),
        ("controller_runtime_reconcile_total", "result"),
    ),
    (
        "Rails",
        (
            'counter rails_requests_total{controller="a",status="200"}',
            'histogram rails_request_duration_seconds{controller="a",status="200"}',
            "gauge puma_backlog",
        ),
        "rails_requests_total",
        ("rails_request_duration_seconds", 1.0),
        ("rails_requests_total", "status"),
    ),
    (
        "Loki",
        (
            'histogram loki_request_duration_seconds{method="GET",route="api",status_code="200"}',
            "counter loki_distributor_lines_received_total",
        ),
        "loki_request_duration_seconds_count",
        ("loki_request_duration_seconds", 1.0),
        ("loki_request_duration_seconds_count", "status_code"),
    ),
    (
        "kube-state-metrics",
        ('gauge kube_pod_info{pod="a"}', 'counter kube_pod_restarts_total{pod="a"}'),
        None,
        None,
        None,
    ),
)


@pytest.mark.parametrize(
    ("name", "families", "traffic", "latency", "errors"), CASES, ids=[case[0] for case in CASES]
)
def test_known_exporters_are_bound_as_an_sre_would(
    name: str,
    families: tuple[str, ...],
    traffic: str | None,
    latency: tuple[str, float] | None,
    errors: tuple[str, str | None] | None,
) -> None:
    bindings = classify(corpus.scan(exposition(*families)))
    assert (bindings.traffic.family if bindings.traffic else None) == traffic
    assert (
        (bindings.latency.family, bindings.latency.scale) if bindings.latency else None
    ) == latency
    assert ((bindings.errors.family, bindings.errors.label) if bindings.errors else None) == errors


def test_a_gauge_that_holds_a_rate_stays_a_gauge() -> None:
    traffic = classify(
        corpus.scan(exposition('gauge pulsar_rate_in{topic="a"}', "gauge pulsar_msg_backlog"))
    ).traffic
    assert traffic is not None
    assert (traffic.kind, traffic.unit) == ("gauge", "msg/s")


def test_several_exporters_are_signals_of_one_target() -> None:
    bindings = classify(
        corpus.scan(
            exposition(
                'counter vllm:request_success_total{finished_reason="stop"}',
                "counter vllm:generation_tokens_total",
                "gauge vllm:num_requests_waiting",
                "histogram vllm:time_to_first_token_seconds",
                'counter shop_http_requests_total{route="/v1",status="200"}',
                "gauge db_pool_in_use",
                "gauge db_pool_size",
            )
        )
    )
    assert bindings.traffic is not None
    assert bindings.traffic.family == "vllm:request_success_total"
    assert {(binding.name, binding.unit) for binding in bindings.signals} == {
        ("time to first token", "s"),
        ("generation", "tokens/s"),
        ("own requests", "req/s"),
    }
    assert {"waiting requests", "db pool"} <= {binding.name for binding in bindings.saturation}


def test_an_applications_own_requests_outrank_the_store_beside_it() -> None:
    bindings = classify(
        corpus.scan(
            exposition(
                'counter shop_http_requests_total{route="/v1",method="GET",status="200"}',
                'histogram shop_http_request_duration_seconds{route="/v1"}',
                "counter redis_commands_processed_total",
            )
        )
    )
    assert bindings.traffic is not None
    assert bindings.latency is not None
    assert bindings.traffic.family == "shop_http_requests_total"
    assert bindings.latency.family == "shop_http_request_duration_seconds"
    assert [binding.family for binding in bindings.signals] == ["redis_commands_processed_total"]


def test_conditions_that_leave_nothing_are_dropped() -> None:
    bindings = classify(
        corpus.scan(exposition('counter container_network_receive_bytes_total{id="/pod"}'))
    )
    assert bindings.traffic is not None
    assert bindings.traffic.match == ()


@pytest.mark.parametrize("entry", all_entries(), ids=lambda item: item.name)
def test_every_line_of_every_entry_can_be_read(entry: ExporterEntry) -> None:
    assert entry.signature
    for line in (*entry.traffic, *entry.errors, *entry.latency, *entry.saturation, *entry.extra):
        assert exporter_match.parse_line(line).family
    assert all(exporter_match.parse_line(line).name for line in (*entry.saturation, *entry.extra))
    assert set(entry.missing_signals) <= {"traffic", "errors", "latency"}


def test_no_two_entries_have_the_same_name() -> None:
    names = [entry.name for entry in all_entries()]
    assert len(names) == len(set(names))

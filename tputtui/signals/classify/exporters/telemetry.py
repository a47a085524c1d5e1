"""Stores of metrics, logs and traces, and their clients."""

from __future__ import annotations

from tputtui.signals.classify.exporters import ExporterEntry

ENTRIES: tuple[ExporterEntry, ...] = (
    ExporterEntry(
        "Prometheus",
        ("prometheus_http_requests_total", "prometheus_tsdb_head_series"),
        traffic=(
            "prometheus_http_requests_total",
            "prometheus_http_request_duration_seconds_count",
        ),
        errors=("prometheus_http_requests_total by code",),
        latency=(
            "prometheus_http_request_duration_seconds",
            "prometheus_engine_query_duration_seconds",
        ),
        saturation=(
            "notification queue: prometheus_notifications_queue_length / prometheus_notifications_queue_capacity waiting",
            "remote write backlog: prometheus_remote_storage_samples_pending waiting",
            "queries: prometheus_engine_queries / prometheus_engine_queries_concurrent_max",
        ),
        extra=("samples appended: prometheus_tsdb_head_samples_appended_total",),
    ),
    ExporterEntry(
        "VictoriaMetrics",
        ("vm_http_requests_total", "vm_http_requests_all_total", "vm_rows_inserted_total"),
        traffic=("vm_http_requests_total", "vm_http_requests_all_total"),
        errors=("vm_http_request_errors_total",),
        latency=("vm_request_duration_seconds", "vm_http_request_duration_seconds"),
        saturation=(
            "pending rows: vm_pending_rows waiting",
            "selects: vm_concurrent_select_current / vm_concurrent_select_capacity",
            "inserts: vm_concurrent_insert_current / vm_concurrent_insert_capacity",
            "inserts: vm_concurrent_addrows_current / vm_concurrent_addrows_capacity",
        ),
        extra=("rows inserted: vm_rows_inserted_total",),
    ),
    ExporterEntry(
        "Thanos",
        (
            "thanos_build_info",
            "thanos_query_concurrent_gate_queries_max",
            "thanos_objstore_bucket_operations_total",
        ),
        traffic=("http_requests_total", "grpc_server_handled_total"),
        errors=("http_requests_total by code", "grpc_server_handled_total by grpc_code"),
        latency=("http_request_duration_seconds", "grpc_server_handling_seconds"),
        saturation=(
            "queries: thanos_query_concurrent_gate_queries_in_flight / thanos_query_concurrent_gate_queries_max",
            "in flight: http_inflight_requests",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Cortex, Mimir",
        ("cortex_request_duration_seconds",),
        traffic=("cortex_request_duration_seconds_count",),
        errors=("cortex_request_duration_seconds_count by status_code",),
        latency=("cortex_request_duration_seconds",),
        saturation=(
            "query queue: cortex_query_scheduler_queue_length waiting",
            "query queue: cortex_query_frontend_queue_length waiting",
            "in flight: cortex_inflight_requests",
        ),
        extra=("samples received: cortex_distributor_received_samples_total",),
        rank=3,
    ),
    ExporterEntry(
        "Loki",
        ("loki_request_duration_seconds",),
        traffic=("loki_request_duration_seconds_count",),
        errors=("loki_request_duration_seconds_count by status_code",),
        latency=("loki_request_duration_seconds",),
        saturation=(
            "query queue: loki_query_scheduler_queue_length waiting",
            "in flight: loki_inflight_requests",
        ),
        extra=(
            "log lines: loki_distributor_lines_received_total",
            "bytes received: loki_distributor_bytes_received_total [By/s]",
        ),
        rank=3,
    ),
    ExporterEntry(
        "Tempo",
        ("tempo_request_duration_seconds",),
        traffic=("tempo_request_duration_seconds_count",),
        errors=("tempo_request_duration_seconds_count by status_code",),
        latency=("tempo_request_duration_seconds",),
        saturation=(
            "query queue: tempo_query_frontend_queue_length waiting",
            "in flight: tempo_inflight_requests",
        ),
        extra=("spans received: tempo_distributor_spans_received_total",),
        rank=3,
    ),
    ExporterEntry(
        "InfluxDB",
        ("http_api_requests_total", "influxdb_httpd_req", "influxdb_httpd_query_req"),
        traffic=("http_api_requests_total", "influxdb_httpd_req"),
        errors=("http_api_requests_total by response_code", "influxdb_httpd_server_error"),
        latency=(
            "http_api_request_duration_seconds",
            "influxdb_httpd_req_duration_ns / influxdb_httpd_req",
        ),
        saturation=(
            "in flight: influxdb_httpd_req_active",
            "query queue: qc_queueing_active waiting",
        ),
        rank=3,
    ),
)

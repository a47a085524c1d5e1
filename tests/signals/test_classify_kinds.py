"""Kinds of names that no list has: what is traffic, latency and errors by evidence alone.

Each rule has a case of its kind, and a harmless twin that must stay as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

import corpus
import pytest

from tputtui.model import Bindings
from tputtui.signals.classify.classifier import classify

WORK = "# TYPE {name} counter\n{name} {value}\n"


def bound(text: str) -> Bindings:
    return classify(corpus.scan(text), use_exporters=False)


def counters(**values: float) -> str:
    return "".join(WORK.format(name=name, value=value) for name, value in values.items())


def by_label(name: str, label: str, counts: Mapping[str, float]) -> str:
    """Write a counter with one row for each value of a label."""
    rows = "".join(f'{name}{{{label}="{value}"}} {count}\n' for value, count in counts.items())
    return f"# TYPE {name} counter\n{rows}"


def histogram(name: str, count: int, *, labels: str = "", kind: str = "histogram") -> str:
    """Write a histogram in seconds; `kind` is what its TYPE line says."""
    comma = "," if labels else ""
    buckets = "".join(
        f'{name}_bucket{{{labels}{comma}le="{bound}"}} {count}\n' for bound in (0.1, 1, "+Inf")
    )
    braces = f"{{{labels}}}" if labels else ""
    return (
        f"# TYPE {name} {kind}\n{buckets}"
        f"{name}_sum{braces} {count / 10}\n{name}_count{braces} {count}\n"
    )


def families(text: str) -> tuple[str | None, str | None, str | None]:
    """Return the families of traffic, latency and errors."""
    bindings = bound(text)
    slots = (bindings.traffic, bindings.latency, bindings.errors)
    traffic, latency, errors = (slot.family if slot is not None else None for slot in slots)
    return traffic, latency, errors


# -------------------------------------------------------------------------------------- traffic


def test_a_distribution_that_is_the_latency_counts_the_traffic() -> None:
    traffic, latency, _ = families(histogram("ledger_settlement_duration_seconds", 900))
    assert traffic == "ledger_settlement_duration_seconds_count"
    assert latency == "ledger_settlement_duration_seconds"


@pytest.mark.parametrize(
    "name",
    [
        "metrics_render_duration_seconds",
        "local_registry_build_time_seconds",
        "agent_collector_duration_seconds",
        "exposition_write_seconds",
    ],
)
def test_the_time_to_write_the_page_is_neither_traffic_nor_latency(name: str) -> None:
    assert families(histogram(name, 900)) == (None, None, None)


def test_a_histogram_that_knows_only_the_scrape_is_no_latency() -> None:
    text = histogram("ward_http_request_duration_seconds", 90, labels='handler="/metrics"')
    text += histogram("ward_dispatch_latency_seconds", 4000)
    assert families(text)[1] == "ward_dispatch_latency_seconds"
    other = histogram("ward_http_request_duration_seconds", 90, labels='handler="/wards"')
    assert families(other)[1] == "ward_http_request_duration_seconds"


def test_events_that_are_timed_come_before_events_that_are_not() -> None:
    text = counters(mill_events_total=9000, mill_orders_processed_total=700)
    text += histogram("mill_order_processing_seconds", 700)
    assert families(text)[0] == "mill_orders_processed_total"


def test_processing_comes_before_queueing_and_fetching() -> None:
    text = "".join(
        histogram(f"acme_depot_prom_ex_worker_{part}_duration_milliseconds", count)
        for part, count in (("queue", 500), ("job_processing", 500), ("producer", 2000))
    )
    traffic, latency, _ = families(text)
    assert traffic == "acme_depot_prom_ex_worker_job_processing_duration_milliseconds_count"
    assert latency == "acme_depot_prom_ex_worker_job_processing_duration_milliseconds"


def test_the_time_in_the_queue_is_shown_where_nothing_else_is_timed() -> None:
    traffic, latency, _ = families(histogram("press_job_queue_duration_seconds", 15))
    assert traffic == "press_job_queue_duration_seconds_count"
    assert latency == "press_job_queue_duration_seconds"


def test_a_long_namespace_does_not_dilute_a_name() -> None:
    prefix = "corp_division_team_product_service"
    text = counters(**{
        f"{prefix}_requests_total": 500,
        f"{prefix}_config_reloads_total": 3,
        f"{prefix}_cache_evictions_total": 9,
    })  # fmt: skip
    assert families(text)[0] == f"{prefix}_requests_total"


@pytest.mark.parametrize("side", ["http_client", "rest_client", "http_acme_client", "client"])
def test_calls_to_others_are_not_what_is_served(side: str) -> None:
    text = f'# TYPE {side}_requests_total counter\n{side}_requests_total{{code="200"}} 9000\n'
    text += counters(barn_reconciles_total=120)
    assert families(text)[0] == "barn_reconciles_total"


def test_a_language_before_requests_is_the_application_s() -> None:
    text = '# TYPE ruby_http_requests_total counter\nruby_http_requests_total{status="200"} 900\n'
    text += histogram("ruby_http_request_duration_seconds", 900)
    text += histogram("ruby_http_request_sql_duration_seconds", 900)
    text += counters(ruby_gc_collections_total=90000)
    assert families(text)[:2] == ("ruby_http_requests_total", "ruby_http_request_duration_seconds")


def test_a_label_of_any_name_with_good_and_bad_values_is_an_outcome() -> None:
    text = by_label("fuse_calls_total", "kind", {"successful": 900, "failed": 9, "ignored": 3})
    errors = bound(text).errors
    assert errors is not None
    assert (errors.label, errors.values) == ("kind", ("failed",))
    assert bound(text.replace("failed", "late")).errors is None


def test_the_clients_of_a_proxy_are_those_that_it_serves() -> None:
    text = counters(lane_client_http_requests_total=700, lane_server_http_requests_total=650)
    assert families(text)[0] == "lane_client_http_requests_total"


def test_the_server_side_of_a_protocol_comes_before_its_client_side() -> None:
    text = counters(grpc_client_handled_total=700, grpc_server_handled_total=650)
    assert families(text)[0] == "grpc_server_handled_total"


@pytest.mark.parametrize("word", ["cost_total", "weight_total", "hdrbytes", "duration_seconds"])
def test_an_amount_is_no_count_of_requests(word: str) -> None:
    text = counters(**{f"bay_request_{word}": 90000.0, "bay_tasks_total": 40})
    assert families(text)[0] == "bay_tasks_total"


def test_a_counter_of_successes_with_its_failures_is_traffic() -> None:
    text = counters(vault_net_transfer_bytes_total=9e6, vault_put_success=700, vault_put_error=7)
    assert families(text)[::2] == ("vault_put_success", "vault_put_error")


def test_a_gauge_that_is_a_rate_is_traffic_where_nothing_is_counted() -> None:
    text = "# TYPE shard_instantaneous_ops_per_sec gauge\nshard_instantaneous_ops_per_sec 1200\n"
    text += "# TYPE shard_avg_latency gauge\nshard_avg_latency 0.0003\n"
    bindings = bound(text)
    assert bindings.traffic is not None
    assert (bindings.traffic.family, bindings.traffic.kind) == (
        "shard_instantaneous_ops_per_sec",
        "gauge",
    )
    assert bindings.latency is not None
    assert bindings.latency.family == "shard_avg_latency"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("oauth_token_requests_total", "req/s"),
        ("llm_generated_tokens_total", "tokens/s"),
        ("kiln_tasks_processed_total", "tasks/s"),
        ("kiln_jobs_completed_total", "jobs/s"),
        ("topic_messages_received_bytes_total", "By/s"),
        ("topic_messages_received_total", "msg/s"),
        ("gate_http_requests_total", "req/s"),
    ],
)
def test_the_last_noun_says_the_unit(name: str, unit: str) -> None:
    bindings = bound(counters(**{name: 9000.0}))
    assert bindings.traffic is not None
    assert (bindings.traffic.family, bindings.traffic.unit) == (name, unit)


def test_a_pool_counts_acquires() -> None:
    names = ("usage_millis", "acquired_nanos", "creation_millis")
    text = "".join(
        f'# TYPE poolx_connection_{name} summary\npoolx_connection_{name}{{quantile="0.5"}} 1\n'
        f"poolx_connection_{name}_sum 9\npoolx_connection_{name}_count 700\n"
        for name in names
    )
    text += "# TYPE poolx_connections gauge\npoolx_connections 8\n"
    text += "# TYPE poolx_idle_connections gauge\npoolx_idle_connections 8\n"
    text += counters(poolx_connection_timeout_total=3)
    bindings = bound(text)
    assert bindings.traffic is not None
    assert bindings.traffic.family == "poolx_connection_acquired_nanos_count"
    assert bindings.traffic.unit == "acquires/s"
    assert bindings.errors is not None
    assert bindings.errors.family == "poolx_connection_timeout_total"


# -------------------------------------------------------------------------------- first contact


@pytest.mark.parametrize(
    "declaration",
    [
        "# HELP gate_requests_total Requests\n# TYPE gate_requests_total counter\n",
        "# TYPE gate_request_duration_seconds histogram\n",
    ],
)
def test_a_declared_family_without_samples_has_no_requests_yet(declaration: str) -> None:
    text = (
        declaration + "# TYPE python_gc_collections_total counter\npython_gc_collections_total 3\n"
    )
    bindings = bound(text)
    assert bindings.traffic is None
    for signal in ("traffic", "errors", "latency"):
        assert bindings.reasons[signal].startswith("no requests yet: gate_request")


@pytest.mark.parametrize(
    "declaration",
    [
        "# TYPE gate_request_errors_total counter\n",
        "# TYPE gate_cache_requests_total counter\n",
        "# TYPE promhttp_metric_handler_requests_total counter\n",
        "# TYPE gate_requests gauge\n",
        "",
    ],
)
def test_what_counts_no_work_is_not_waited_for(declaration: str) -> None:
    reasons = bound(declaration + "# TYPE up gauge\nup 1\n").reasons
    assert "yet" not in reasons["traffic"]


def test_a_counter_at_zero_is_bound() -> None:
    traffic, _, _ = families(counters(gate_requests_total=0))
    assert traffic == "gate_requests_total"


# -------------------------------------------------------------------------------------- latency


@pytest.mark.parametrize("kind", ["gauge", "untyped", "counter", "histogram"])
def test_bounds_and_a_count_make_a_histogram_whatever_its_type_says(kind: str) -> None:
    name = "tank_latencies_read_ms"
    text = "".join(
        f"# TYPE {name}_{part} {kind}\n" for part in ("bucket", "count") if kind != "histogram"
    ) + histogram(name, 30).partition("\n")[2].replace(f"{name}_sum 3.0\n", "")
    bindings = bound(text if kind != "histogram" else histogram(name, 30))
    assert bindings.latency is not None
    assert (bindings.latency.family, bindings.latency.kind) == (name, "histogram")
    assert bindings.latency.scale == 1e-3


@pytest.mark.parametrize("part", ["", "_sum", "_count"])
def test_the_unit_is_read_from_the_help_of_any_part(part: str) -> None:
    name = "hall_query_duration"
    text = (
        f"# HELP {name}{part} Time of queries in milliseconds\n"
        f"# TYPE {name}_sum counter\n{name}_sum 5200\n# TYPE {name}_count counter\n"
        f"{name}_count 100\n"
    )
    bindings = bound(text)
    assert bindings.latency is not None
    assert (bindings.latency.kind, bindings.latency.scale) == ("mean", 1e-3)


def test_a_counter_of_time_that_names_no_work_is_divided_by_the_traffic() -> None:
    bindings = bound(counters(yard_accesses_total=329, yard_duration_ms_total=4600))
    assert bindings.latency is not None
    assert (bindings.latency.family, bindings.latency.denominator) == (
        "yard_duration_ms_total",
        "yard_accesses_total",
    )
    assert bound(counters(yard_accesses_total=329, yard_cpu_time_ms_total=4600)).latency is None


def test_times_of_something_else_are_not_the_latency() -> None:
    text = counters(keep_server_client_requests_total=90000)
    text += histogram("keep_store_hash_duration_seconds", 40)
    text += histogram("keep_store_defrag_duration_seconds", 40)
    assert families(text)[1] is None


@pytest.mark.parametrize("word", ["max", "oldest", "longest"])
def test_the_longest_time_is_not_the_latency(word: str) -> None:
    text = counters(well_transactions_total=90000)
    text += f"# TYPE well_{word}_transaction_duration gauge\nwell_{word}_transaction_duration 9\n"
    assert families(text)[1] is None


# --------------------------------------------------------------------------------------- errors


def test_a_distribution_of_failures_counts_errors() -> None:
    text = histogram("silo_job_processing_duration_seconds", 300, labels='state="success"')
    text += histogram("silo_job_exception_duration_seconds", 30, labels='state="failure"')
    assert families(text)[2] == "silo_job_exception_duration_seconds_count"


def test_values_that_are_all_successes_show_no_errors_where_a_counter_does() -> None:
    text = (
        "# TYPE port_orders_processed_total counter\n"
        'port_orders_processed_total{result="ok"} 90\n'
        'port_orders_processed_total{result="success"} 900\n'
    )
    assert families(text)[2] == "port_orders_processed_total"
    assert families(text + counters(port_order_errors_total=3))[2] == "port_order_errors_total"


def test_codes_come_before_a_counter_of_errors() -> None:
    text = '# TYPE port_requests_total counter\nport_requests_total{code="200"} 90\n'
    assert families(text + counters(port_request_errors_total=3))[2] == "port_requests_total"


@pytest.mark.parametrize(
    ("values", "is_status"),
    [
        ({"500": 99, "undefined": 1}, True),
        ({"500": 99, "weird": 1, "odd": 1, "strange": 1}, True),
        ({"de": 99, "fr": 50, "500": 1}, False),
        ({"requeue": 90, "requeue_after": 90, "success": 10, "error": 1}, True),
    ],
)
def test_most_events_decide_whether_a_label_is_a_status(
    values: dict[str, int], *, is_status: bool
) -> None:
    errors = bound(by_label("quay_requests_total", "code", values)).errors
    assert (errors is not None and errors.label == "code") == is_status


def test_a_label_that_ends_like_a_status_is_one() -> None:
    counts = {"OK": 900, "NO": 5, "BAD": 3}
    errors = bound(by_label("mast_commands_total", "tagged_reply_state", counts)).errors
    assert errors is not None
    assert errors.label == "tagged_reply_state"


@pytest.mark.parametrize(
    "name",
    [
        "dock_requests_dropped_bytes_total",
        "dock_error_log_writes_total",
        "dock_error_reports_total",
    ],
)
def test_bytes_and_reports_of_errors_are_no_errors(name: str) -> None:
    text = counters(**{"dock_requests_total": 9000, name: 40})
    assert families(text)[2] is None
    assert (
        families(text + counters(dock_requests_failed_total=3))[2] == "dock_requests_failed_total"
    )


def test_the_only_counter_of_errors_is_the_service_s() -> None:
    text = histogram("forge_runner_job_queue_duration_seconds", 15) + counters(ci_runner_errors=2)
    assert families(text)[2] == "ci_runner_errors"


@pytest.mark.parametrize("suffix", ["5xx", "500"])
def test_a_family_named_for_a_status_of_the_server_counts_errors(suffix: str) -> None:
    text = counters(**{"inlet_main_client_req": 9000, f"inlet_main_client_resp_{suffix}": 3})
    assert families(text)[2] == f"inlet_main_client_resp_{suffix}"


def test_rollbacks_are_the_errors_of_commits() -> None:
    text = counters(
        tome_stat_database_xact_commit=900,
        tome_stat_database_xact_rollback=9,
        tome_stat_archiver_failed_count=1,
    )
    assert families(text)[2] == "tome_stat_database_xact_rollback"

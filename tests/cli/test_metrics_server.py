"""`--listen`: the derived metrics, as prometheus-client reads them."""

from __future__ import annotations

import math
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from recorded_runs import record

from tputtui.cli.metrics_server import MetricsServer
from tputtui.cli.parser import UsageError
from tputtui.model import LatencyState, ObjectiveStatus, Quantile, SelfState, Snapshot


@pytest.fixture
def listening() -> Iterator[MetricsServer]:
    server = MetricsServer("127.0.0.1:0")
    yield server
    server.close()


def scraped(port: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_there_are_no_metrics_before_the_first_snapshot(listening: MetricsServer) -> None:
    assert scraped(listening.port) == {}


def test_the_names_and_values_are_those_of_the_contract(
    listening: MetricsServer, tmp_path: Path
) -> None:
    snapshot = record(tmp_path / "a", 60)[-1]
    quantiles = (Quantile(0.5, 0.02), Quantile(0.99, 0.15), Quantile(0.999, None))
    service = replace(snapshot.services[0], latency=LatencyState("d", "histogram", "s", quantiles))
    raw = replace(service, name="raw", latency=LatencyState("d", "histogram", None, quantiles))
    listening.update(
        replace(
            snapshot,
            services=(service, raw),
            objectives=(
                ObjectiveStatus("p99<=250ms", "ok", 0.15, 1.0),
                ObjectiveStatus("errors<=0.1%", "missed", 0.01, 1.0),
                ObjectiveStatus("rps>=1", "no_data", None, None),
            ),
            self_usage=replace(snapshot.self_usage, cpu_percent=1.5),
        )
    )
    samples = scraped(listening.port)
    assert samples["tputtui_service_traffic", (("service", "api"),)] == pytest.approx(101.0)
    assert samples["tputtui_service_error_ratio", (("service", "api"),)] == pytest.approx(1 / 101)
    assert (
        samples["tputtui_service_latency_seconds", (("quantile", "0.99"), ("service", "api"))]
        == 0.15
    )
    assert samples["tputtui_objective_ok", (("expression", "p99<=250ms"),)] == 1.0
    assert samples["tputtui_objective_ok", (("expression", "errors<=0.1%"),)] == 0.0
    assert samples["tputtui_self_cpu_ratio", ()] == 0.015
    assert not any("raw" in str(labels) for name, labels in samples if "latency" in name), (
        "its unit is not known"
    )
    assert not any("0.999" in str(labels) or "rps>=1" in str(labels) for _, labels in samples), (
        "unknown has no sample"
    )
    assert not any(math.isnan(value) for value in samples.values())


def test_an_unknown_value_has_no_sample(listening: MetricsServer, tmp_path: Path) -> None:
    first = record(tmp_path / "a", 1)[0]
    listening.update(replace(first, self_usage=SelfState(None, None, 0)))
    assert scraped(listening.port) == {}


def test_a_hostile_name_is_shown_with_its_escapes_made_visible(
    listening: MetricsServer, tmp_path: Path
) -> None:
    snapshot: Snapshot = record(tmp_path / "a", 30)[-1]
    name = 'x"\n\x1b[31m\\'
    listening.update(replace(snapshot, services=(replace(snapshot.services[0], name=name),)))
    assert ("tputtui_service_traffic", (("service", 'x"␊␛[31m\\'),)) in scraped(listening.port)


def test_the_port_is_closed_after_close(tmp_path: Path) -> None:
    server = MetricsServer(":0")
    server.close()
    with pytest.raises(urllib.error.URLError):
        scraped(server.port)


@pytest.mark.parametrize(
    "address",
    ["", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", "[::1]", "1.2.3.4:99"],
)
def test_an_impossible_address_is_a_one_line_error(address: str) -> None:
    with pytest.raises(UsageError, match="--listen"):
        MetricsServer(address)


def test_a_port_in_use_is_a_one_line_error() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(UsageError, match="in use"):
            MetricsServer(f"127.0.0.1:{listener.getsockname()[1]}")

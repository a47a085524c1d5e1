"""A series that stands in one answer twice."""

from __future__ import annotations

import pytest

from tputtui.model import Exposition, Series
from tputtui.scrape.scanner import Scanner

HEAD = "# TYPE gate_requests_total counter\n"


def scan(rows: str, content_type: str = "text/plain; version=0.0.4") -> Exposition:
    return Scanner().scan((HEAD + rows).encode(), content_type)


def test_the_first_value_counts_and_the_conflict_is_told() -> None:
    exposition = scan('gate_requests_total{code="200"} 10\ngate_requests_total{code="200"} 70\n')
    values = {series.key: value for series, value in exposition.samples.items()}
    assert values == {Series("gate_requests_total", (("code", "200"),)).key: 10.0}
    assert exposition.warning == (
        "1 series stands twice with another value; Prometheus keeps the first and logs an error: "
        'gate_requests_total{code="200"}'
    )


def test_the_order_of_labels_makes_no_other_series() -> None:
    rows = 'gate_requests_total{a="1",b="2"} 10\ngate_requests_total{b="2",a="1"} 70\n'
    assert "1 series stands twice" in (scan(rows).warning or "")


def test_several_are_counted_and_the_first_is_named() -> None:
    rows = "".join(
        f'gate_requests_total{{code="{code}"}} {value}\n'
        for value in (10, 70, 90)
        for code in (200, 404, 500)
    )
    warning = scan(rows).warning or ""
    assert warning.startswith("3 series stand twice with another value; ")
    assert warning.endswith('first of them: gate_requests_total{code="200"}')


@pytest.mark.parametrize(
    "rows",
    [
        "gate_requests_total 10\ngate_requests_total 10\n",
        "gate_requests_total 10\ngate_requests_total 1e1\n",
        "gate_requests_total 10 1000\ngate_requests_total 70 2000\n",
        'gate_requests_total{code="200"} 10\ngate_requests_total{code="404"} 70\n',
    ],
    ids=["same value", "same value in another spelling", "another time", "another series"],
)
def test_what_prometheus_takes_without_an_error_is_no_conflict(rows: str) -> None:
    assert scan(rows).warning is None


def test_a_conflict_is_told_at_every_scrape() -> None:
    scanner = Scanner()
    for value in (10, 20, 30):
        body = f"{HEAD}gate_requests_total {value}\ngate_requests_total {7 * value}\n".encode()
        exposition = scanner.scan(body, "text/plain")
        assert "stands twice" in (exposition.warning or "")
        assert list(exposition.samples.values()) == [float(value)]


def test_a_name_is_shown_without_control_characters() -> None:
    rows = 'gate_requests_total{a="\x1b[31m"} 10\ngate_requests_total{a="\x1b[31m"} 70\n'
    assert "\x1b" not in (scan(rows).warning or "")

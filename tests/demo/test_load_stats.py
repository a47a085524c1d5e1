from __future__ import annotations

import json

import pytest

from tputtui.demo.load_stats import LoadStats, LoadSummary


def test_quantiles_are_those_of_the_answers() -> None:
    tally = LoadStats()
    tally.sent = 1000
    for number in range(1, 1001):
        tally.add_answer(200, number / 1000)
    assert tally.quantile(0.5) == pytest.approx(0.5, rel=1e-3)
    assert tally.quantile(0.99) == pytest.approx(0.99, rel=1e-3)
    assert tally.quantile(1.0) == pytest.approx(1.0, rel=1e-3)


def test_errors_are_5xx_and_no_answer() -> None:
    tally = LoadStats()
    tally.sent = 10
    for status in (200, 404, 404, 500, 502, 503):
        tally.add_answer(status, 0.01)
    summary = tally.summary(3.0, 436.0)
    assert (summary.sent, summary.completed, summary.errors) == (10, 6, 3 + 4)


def test_without_an_answer_quantiles_are_unknown() -> None:
    assert LoadStats().summary(0.0, 1.0).quantiles_s == {"0.5": None, "0.99": None}


def test_the_summary_has_the_fields_of_the_contract_in_one_line() -> None:
    tally = LoadStats()
    tally.sent = 1
    tally.add_answer(200, 0.008)
    line = tally.summary(30.0, 1650.0).to_json()
    assert "\n" not in line
    assert list(json.loads(line)) == [
        "sent",
        "completed",
        "errors",
        "seconds",
        "quantiles_s",
        "sustained_max_rps",
    ]
    assert list(json.loads(line)["quantiles_s"]) == ["0.5", "0.99"]
    assert LoadSummary.from_json(line).to_json() == line


def test_memory_does_not_grow_with_the_answers() -> None:
    tally = LoadStats()
    for number in range(50_000):
        tally.add_answer(200, 0.001 + (number % 997) / 10_000)
    assert len(tally._latencies) < 5000

"""Rates from a server: shown unchanged, integrated over time, queried as the bindings need."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tputtui.model import (
    Binding,
    Bindings,
    Exposition,
    Match,
    Scrape,
    Series,
    ServerQuery,
    ServerTargetInfo,
)
from tputtui.signals.service.server_window import ServerWindow, build_queries

A, B, G = (
    Series("x_total", (("code", "200"),)),
    Series("x_total", (("code", "500"),)),
    Series("pool"),
)


def create_window() -> ServerWindow:
    return ServerWindow(10.0, 1.0, ["x_total"], ["pool"])


def answer(at: float, samples: Mapping[Series, float], rate_s: float | None = 60.0) -> Scrape:
    return Scrape(
        "t",
        at,
        1000 + at,
        0.0,
        Exposition(samples, {}, len(samples), served=ServerTargetInfo(rate_s)),
    )


def test_the_rates_of_a_server_are_shown_at_once() -> None:
    window = create_window()
    window.add(answer(1.0, {A: 5.0, G: 3.0}))
    assert window.rates() == [5.0]
    assert window.covered_s == 60.0
    assert [value for _, value in window.gauges["pool"]] == [3.0]


def test_the_increase_is_the_rate_times_the_time_between_answers() -> None:
    window = create_window()
    for at in (1.0, 2.0, 4.0):
        window.add(answer(at, {A: 5.0}))
    assert window.gained == pytest.approx([15.0])


def test_a_failure_is_a_gap_and_not_counted() -> None:
    window = create_window()
    window.add(answer(1.0, {A: 5.0}))
    window.add(Scrape("t", 2.0, 1002.0, 0.0, error="refused"))
    assert window.rates() is None
    window.add(answer(300.0, {A: 5.0}))
    assert window.rates() == [5.0]
    assert window.gained == [0.0]
    assert window.segment == 2


def test_a_missing_series_is_at_zero_until_it_returns() -> None:
    window = create_window()
    window.add(answer(1.0, {A: 5.0, B: 1.0}))
    window.add(answer(2.0, {A: 5.0}))
    assert window.rates() == [5.0, 0.0]
    assert list(window.gone) == [1]
    window.add(answer(3.0, {A: 5.0, B: 2.0}))
    assert window.rates() == [5.0, 2.0]
    assert not window.gone


def test_neither_nan_nor_an_answer_without_rates_is_a_rate() -> None:
    window = create_window()
    window.add(answer(1.0, {A: float("nan"), B: -1.0}))
    assert window.rates() == [0.0, 0.0]
    window.add(answer(2.0, {A: 1e9}, rate_s=None))
    assert window.rates() == [0.0, 0.0]


def test_each_name_is_queried_once_with_its_labels() -> None:
    bindings = Bindings(
        traffic=Binding(
            "traffic", "counter", "x_total", match=(Match("handler", "!=", "metrics"),)
        ),
        errors=Binding("errors", "counter", "x_total", label="code"),
        latency=Binding("latency", "histogram", "d_seconds"),
        saturation=(
            Binding("saturation", "gauge", "used", limit="most"),
            Binding("saturation", "gauge", "share", unit="ratio"),
        ),
        breakdown=("route",),
    )
    query_by_name = {query.name: query for query in build_queries(bindings, ("route",))}
    apart = {"le", "vmrange", "quantile"}
    assert query_by_name["x_total"] == ServerQuery(
        "x_total", "rate", frozenset({"handler", "code", "route", *apart})
    )
    assert query_by_name["d_seconds_bucket"].how == "rate"
    assert query_by_name["d_seconds_bucket"].labels >= {"le", "route"}
    assert (query_by_name["used"].how, query_by_name["most"].how, query_by_name["share"].how) == (
        "sum",
        "limit",
        "max",
    )
    assert set(query_by_name) == {
        "x_total",
        "d_seconds_bucket",
        "d_seconds_sum",
        "d_seconds_count",
        "used",
        "most",
        "share",
    }

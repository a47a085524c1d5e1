"""Rates that a server took: shown as they are, summed up over time, and asked for as the bindings need them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tputtui.model import Binding, Bindings, Exposition, Match, Question, Scrape, Series, Served
from tputtui.signals.classify.server_queries import build_queries
from tputtui.signals.rates.server_window import ServerWindow

A, B, G = (
    Series("x_total", (("code", "200"),)),
    Series("x_total", (("code", "500"),)),
    Series("pool"),
)


def window() -> ServerWindow:
    return ServerWindow(10.0, 1.0, ["x_total"], ["pool"])


def answer(at: float, samples: Mapping[Series, float], rate_s: float | None = 60.0) -> Scrape:
    return Scrape(
        "t", at, 1000 + at, 0.0, Exposition(samples, {}, len(samples), served=Served(rate_s))
    )


def test_the_server_s_rates_are_shown_as_they_are_at_once() -> None:
    seen = window()
    seen.add(answer(1.0, {A: 5.0, G: 3.0}))
    assert seen.rates() == [5.0]
    assert seen.covered_s == 60.0
    assert [value for _, value in seen.gauges["pool"]] == [3.0]


def test_what_was_counted_is_the_rates_over_the_time_between_answers() -> None:
    seen = window()
    for at in (1.0, 2.0, 4.0):
        seen.add(answer(at, {A: 5.0}))
    assert seen.gained == pytest.approx([15.0])


def test_a_failure_is_a_gap_and_not_counted() -> None:
    seen = window()
    seen.add(answer(1.0, {A: 5.0}))
    seen.add(Scrape("t", 2.0, 1002.0, 0.0, error="refused"))
    assert seen.rates() is None
    seen.add(answer(300.0, {A: 5.0}))
    assert seen.rates() == [5.0]
    assert seen.gained == [0.0]
    assert seen.segment == 2


def test_a_series_that_is_missing_is_at_zero_and_comes_back() -> None:
    seen = window()
    seen.add(answer(1.0, {A: 5.0, B: 1.0}))
    seen.add(answer(2.0, {A: 5.0}))
    assert seen.rates() == [5.0, 0.0]
    assert list(seen.gone) == [1]
    seen.add(answer(3.0, {A: 5.0, B: 2.0}))
    assert seen.rates() == [5.0, 2.0]
    assert not seen.gone


def test_nan_is_no_rate_and_a_look_is_none_either() -> None:
    seen = window()
    seen.add(answer(1.0, {A: float("nan"), B: -1.0}))
    assert seen.rates() == [0.0, 0.0]
    seen.add(answer(2.0, {A: 1e9}, rate_s=None))
    assert seen.rates() == [0.0, 0.0]


def test_each_name_is_asked_for_once_with_the_labels_it_is_read_by() -> None:
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
    found = {one.name: one for one in build_queries(bindings, ("route",))}
    apart = {"le", "vmrange", "quantile"}
    assert found["x_total"] == Question(
        "x_total", "rate", frozenset({"handler", "code", "route", *apart})
    )
    assert found["d_seconds_bucket"].how == "rate"
    assert found["d_seconds_bucket"].labels >= {"le", "route"}
    assert (found["used"].how, found["most"].how, found["share"].how) == ("sum", "limit", "max")
    assert set(found) == {
        "x_total",
        "d_seconds_bucket",
        "d_seconds_sum",
        "d_seconds_count",
        "used",
        "most",
        "share",
    }

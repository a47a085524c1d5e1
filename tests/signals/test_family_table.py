"""Table of families: all families are listed, counters have rates, unsuitable families a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import pytest

from tputtui.model import Bindings, Exposition, Family, Series
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.signals.service.family_table import (
    FamilyReader,
    FamilyRow,
    build_override,
    why_unsuitable,
)

_interned: dict[object, Series] = {}


def series(name: str, **labels: str) -> Series:
    created = Series(name, tuple(sorted(labels.items())))
    return _interned.setdefault(created.key, created)


def exposition(samples: Mapping[Series, float], **types: str) -> Exposition:
    families = {name: Family(name, kind, f"what {name} is") for name, kind in types.items()}
    return Exposition(samples, families, len(samples))


def histogram(name: str, count: float) -> dict[Series, float]:
    return {
        series(f"{name}_bucket", le="0.1", route="/a"): count / 2,
        series(f"{name}_bucket", le="+Inf", route="/a"): count,
        series(f"{name}_sum", route="/a"): count * 0.1,
        series(f"{name}_count", route="/a"): count,
    }


class FamilyFigure(NamedTuple):
    row: FamilyRow
    value: float | None
    now: float | None


def read(now: Exposition, before: Exposition | None = None) -> dict[str, FamilyFigure]:
    """Read two scrapes two seconds apart and return the second."""
    reader = FamilyReader()
    if before is not None:
        reader.read(before, 100.0)
    figures = reader.read(now, 102.0)
    return {
        row.name: FamilyFigure(row, figures.value(at), figures.charted_value(at))
        for at, row in enumerate(figures.rows)
    }


def test_a_counter_shows_its_rate_over_all_series_and_a_reset_counts_from_zero() -> None:
    a, b = series("jobs_total", kind="a"), series("jobs_total", kind="b")
    figure = read(
        exposition({a: 110.0, b: 6.0}, jobs_total="counter"), exposition({a: 100.0, b: 50.0})
    )["jobs_total"]
    assert (figure.row.series, figure.row.labels) == (2, ("kind",))
    assert (figure.value, figure.now) == (116.0, 8.0)


def test_a_series_that_was_not_read_before_is_not_an_increase() -> None:
    a, b = series("jobs_total", kind="a"), series("jobs_total", kind="b")
    figure = read(exposition({a: 110.0, b: 1e9}, jobs_total="counter"), exposition({a: 100.0}))[
        "jobs_total"
    ]
    assert figure.now == 5.0
    alone = read(exposition({a: 110.0}, jobs_total="counter"))["jobs_total"]
    assert alone.now is None


def test_a_histogram_is_one_row_that_counts_its_observations() -> None:
    now, before = (
        exposition(histogram("x_seconds", 30), x_seconds="histogram"),
        exposition(histogram("x_seconds", 10)),
    )
    rows = read(now, before)
    assert list(rows) == ["x_seconds"]
    row, value, rate = rows["x_seconds"]
    assert (row.type, row.series, row.labels) == ("histogram", 4, ("route",))
    assert (value, rate) == (30.0, 10.0)


@pytest.mark.parametrize(
    ("types", "kind"), [({}, "histogram"), ({"x_seconds": "untyped"}, "histogram")]
)
def test_a_histogram_without_a_type_line_is_recognised(types: dict[str, str], kind: str) -> None:
    rows = read(
        exposition(histogram("x_seconds", 30), **types), exposition(histogram("x_seconds", 10))
    )
    assert [(figure.row.name, figure.row.type, figure.now) for figure in rows.values()] == [
        ("x_seconds", kind, 10.0)
    ]


def test_every_family_has_a_row() -> None:
    samples = {
        series("build_info", version="1"): 1.0,
        series("up"): 1.0,
        series("a_created"): 1e9,
        series("a_total"): 3.0,
        series("odd"): float("nan"),
    }
    rows = read(exposition(samples, a="counter", build_info="gauge", never="gauge"))
    assert list(rows) == ["a", "build_info", "never", "odd", "up"]
    assert rows["a"].value == 3.0
    assert rows["odd"].value is None
    assert (rows["never"].row.series, rows["never"].value) == (0, None)


def test_a_value_that_is_not_a_number_is_left_out_of_a_sum() -> None:
    a, b = series("g", k="a"), series("g", k="b")
    assert read(exposition({a: float("nan"), b: 2.0}, g="gauge"))["g"].now == 2.0


def test_a_scrape_is_read_by_its_series_whatever_their_order() -> None:
    a, b = series("a_total"), series("b_total")
    rows = read(exposition({b: 4.0, a: 2.0}), exposition({a: 0.0, b: 0.0}))
    assert (rows["a_total"].now, rows["b_total"].now) == (1.0, 2.0)


def test_a_family_that_cannot_feed_a_signal_has_a_reason() -> None:
    gauge, histogram_ = (
        FamilyRow("g", "gauge", series=1),
        FamilyRow("h", "histogram", series=1, is_counter=True),
    )
    assert why_unsuitable("traffic", gauge) == "a gauge is a level: only what counts can be traffic"
    assert why_unsuitable("saturation", gauge) is None
    assert why_unsuitable("traffic", histogram_) is None
    assert why_unsuitable("latency", histogram_) is None
    assert why_unsuitable("saturation", histogram_) == "a histogram has no level that could run out"
    assert (
        why_unsuitable("latency", FamilyRow("c_total", "counter", series=1, is_counter=True))
        == "a counter measures no latency"
    )
    assert why_unsuitable("traffic", FamilyRow("never", "counter")) == "has no series yet"
    assert (
        why_unsuitable("saturation", FamilyRow("i", "info", series=1))
        == "describes, and measures nothing"
    )


def test_a_choice_is_expressed_as_config_lines() -> None:
    samples = {
        **histogram("call_milliseconds", 10),
        series("hits_total", status="200"): 5.0,
        series("sent_bytes_total"): 5.0,
    }
    now = exposition(
        samples, call_milliseconds="histogram", hits_total="counter", sent_bytes_total="counter"
    )
    assert build_override("latency", "call_milliseconds", now) == {
        "family": "call_milliseconds",
        "unit": "ms",
    }
    assert build_override("traffic", "call_milliseconds", now) == {
        "family": "call_milliseconds_count"
    }
    assert build_override("traffic", "sent_bytes_total", now) == {
        "family": "sent_bytes_total",
        "unit": "By/s",
    }
    assert build_override("errors", "hits_total", now) == {
        "family": "hits_total",
        "label": "status",
    }
    bound = apply_overrides(
        Bindings(), {"latency": build_override("latency", "call_milliseconds", now)}, now
    ).latency
    assert bound is not None
    assert (bound.kind, bound.unit, bound.scale) == ("histogram", "s", 1e-3)
    with pytest.raises(ValueError, match="no latency"):
        build_override("latency", "hits_total", now)
    with pytest.raises(ValueError, match="measures nothing"):
        build_override("traffic", "nowhere", now)


def test_a_latency_of_unknown_unit_is_shown_as_it_is() -> None:
    now = exposition({series("delay"): 3.0}, delay="gauge")
    bound = apply_overrides(
        Bindings(), {"latency": build_override("latency", "delay", now)}, now
    ).latency
    assert bound is not None
    assert (bound.unit, bound.scale) == (None, 1.0)

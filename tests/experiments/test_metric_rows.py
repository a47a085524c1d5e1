from __future__ import annotations

import math

import pytest

from tputtui.experiments.metric_rows import MetricRowsError, parse_csv


def test_columns_are_matched_by_name_in_any_order_and_unknown_ones_ignored() -> None:
    rows = parse_csv("p99,host,t,rps\n80,x,1,10\n90,x,2,20\n", "a")
    assert rows.t == (1.0, 2.0)
    assert rows.columns == {"rps": (10.0, 20.0), "p99": (80.0, 90.0)}
    assert rows.seconds == 2.0


def test_a_missing_value_is_never_zero() -> None:
    rows = parse_csv("t,rps,p99\n0,10,\n1,11,NaN\n2,12,80\n", "a")
    assert [math.isnan(value) for value in rows.columns["p99"]] == [True, True, False]


def test_rows_without_a_rate_resets_and_duplicates_are_dropped_and_counted() -> None:
    rows = parse_csv("t,rps\n0,10\n1,\n2,-5\n3,11\n3,99\n4,inf\n", "a")
    assert (rows.t, rows.columns["rps"], rows.dropped_rows) == ((0.0, 3.0), (10.0, 11.0), 4)


def test_rows_are_put_in_order_and_the_step_is_the_usual_distance() -> None:
    rows = parse_csv("t,rps\n30,3\n0,1\n10,2\n50,5\n40,4\n", "a")
    assert rows.columns["rps"] == (1.0, 2.0, 3.0, 4.0, 5.0)
    assert rows.step_s == 10.0


def test_values_that_a_column_cannot_have_are_missing() -> None:
    rows = parse_csv("t,rps,err_ratio,p99\n0,1,1.5,0\n1,1,0.5,80\n", "a")
    assert math.isnan(rows.columns["err_ratio"][0])
    assert math.isnan(rows.columns["p99"][0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the header needs rps"),
        ("t,rqs\n0,1\n", 'did you mean "rps"'),
        ("t,rps\n0,ten\n", "line 2: rps is no number: 'ten'"),
        ("t,rps\n0,1_000\n", "line 2: rps is no number"),
        ("t,rps\n,1\n", "line 2: t is missing"),
        ("t,rps\n", "no row has a rate"),
        ("t,rps\n0,\x1b[31m\n", "'␛[31m'"),
    ],
)
def test_an_invalid_value_is_reported_with_its_line(text: str, expected: str) -> None:
    with pytest.raises(MetricRowsError) as caught:
        parse_csv(text, "a")
    assert expected in str(caught.value)

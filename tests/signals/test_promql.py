"""The PromQL oracle against Prometheus' own test data.

promql_cases.json is from prometheus/prometheus, Apache-2.0.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from external_resources import shared
from oracle import counters, promql
from oracle.native import NativeBucket, exponential_buckets, native_quantile

from tputtui.signals.rates.histograms import histogram_quantile, parse_bound

Labels = tuple[tuple[str, str], ...]
Vector = dict[Labels, float]
Case = dict[str, Any]


@cache
def data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(shared("promql_cases.json").read_text())
    return loaded


# -------------------------------------------------------------------------------- a small evaluator
# The cases hold their expression as a tree. The test walks it; every formula is the oracle's.

OVER_RANGE: dict[str, Callable[[Sequence[promql.Point], float, float], float | None]] = {
    "rate": promql.rate,
    "increase": promql.increase,
    "delta": promql.delta,
}
OVER_POINTS: dict[str, Callable[[Sequence[promql.Point]], float | None]] = {
    "irate": promql.irate,
    "idelta": promql.idelta,
    "resets": promql.resets,
    "changes": promql.changes,
    "count_over_time": promql.count_over_time,
}


def evaluate(tree: dict[str, Any], case: Case) -> Vector:
    if tree["t"] == "sel":
        end = case["eval_time_s"] - tree["offset"]
        values = ((labels, promql.instant(points, end)) for labels, points in select(tree, case))
        return {labels: value for labels, value in values if value is not None}
    if tree["t"] == "fn":
        return over_range(tree, case)
    if tree["t"] == "agg":
        how, names = tree["g"]
        groups: defaultdict[Labels, list[float]] = defaultdict(list)
        for labels, value in evaluate(tree["e"], case).items():
            groups[group_key(labels, how, names)].append(value)
        return {
            labels: promql.AGGREGATIONS[tree["op"]](values) for labels, values in groups.items()
        }
    assert tree["t"] == "hq"
    histograms: defaultdict[Labels, list[tuple[float, float]]] = defaultdict(list)
    for labels, value in evaluate(tree["e"], case).items():
        bound = parse_bound(dict(labels).get("le"))
        if bound is not None:
            histograms[group_key(labels, "without", ["le"])].append((bound, value))
    return {
        labels: histogram_quantile(tree["q"], buckets) for labels, buckets in histograms.items()
    }


def over_range(tree: dict[str, Any], case: Case) -> Vector:
    selector = tree["e"]
    end = case["eval_time_s"] - selector["offset"]
    out: Vector = {}
    for labels, stored in select(selector, case):
        points = promql.window(stored, end, selector["range"])
        name = tree["f"]
        over = OVER_RANGE.get(name)
        value = over(points, end, selector["range"]) if over else OVER_POINTS[name](points)
        if value is not None:
            out[group_key(labels, "without", [])] = value
    return out


def select(tree: dict[str, Any], case: Case) -> Iterator[tuple[Labels, list[promql.StoredPoint]]]:
    for series in case["series"]:
        labels = series["labels"]
        if tree["name"] and labels.get("__name__") != tree["name"]:
            continue
        if all(meets(labels.get(label, ""), op, wanted) for label, op, wanted in tree["m"]):
            yield (
                tuple(sorted(labels.items())),
                [
                    (at, None if value == "stale" else number(value))
                    for at, value in series["samples"]
                ],
            )


def meets(value: str, op: str, wanted: str) -> bool:
    same = value == wanted if op in ("=", "!=") else re.fullmatch(wanted, value) is not None
    return same != op.startswith("!")


def group_key(labels: Labels, how: str, names: Sequence[str]) -> Labels:
    if how == "by":
        return tuple(pair for pair in labels if pair[0] in names)
    return tuple(pair for pair in labels if pair[0] not in (*names, "__name__"))


def number(value: float | str) -> float:
    return float(value)


def close(actual: float, expected: float) -> bool:
    """Compare with the tolerance of promqltest."""
    if math.isnan(expected) or math.isinf(expected):
        return str(actual) == str(expected)
    return math.isclose(actual, expected, rel_tol=1e-6, abs_tol=1e-12)


def holds(case: Case) -> bool:
    actual = evaluate(case["ast"], case)
    expected = {
        tuple(sorted(row["labels"].items())): number(row["value"]) for row in case["expected"]
    }
    return actual.keys() == expected.keys() and all(
        close(actual[labels], expected[labels]) for labels in expected
    )


def native_holds(case: Case) -> bool:
    histogram = case["histogram"]
    buckets = exponential_buckets(
        histogram["schema"],
        {int(i): count for i, count in histogram["positive"].items()},
        {int(i): count for i, count in histogram["negative"].items()},
        histogram["zero_threshold"],
        histogram["zero_count"],
    )
    return close(
        native_quantile(case["q"], buckets, histogram["count"], histogram["sum"]),
        number(case["expected"]),
    )


# -------------------------------------------------------------------------------------- conformance


def test_every_case_of_prometheus_own_tests_holds() -> None:
    total: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    failed: list[str] = []
    checks = [(case["meaning"]["kind"], holds, case) for case in data()["cases"]]
    checks += [
        ("native histogram_quantile", native_holds, case)
        for case in data()["native_quantile_cases"]
    ]
    for kind, check, case in checks:
        total[kind] += 1
        if check(case):
            passed[kind] += 1
        else:
            failed.append(case["id"])
    print(f"\n{'PromQL conformance':<36}{'pass':>6}{'of':>6}")
    for kind, of in sorted(total.items()):
        print(f"{kind:<36}{passed[kind]:>6}{of:>6}")
    print(f"{'all':<36}{passed.total():>6}{total.total():>6}")
    assert failed == []
    assert (len(data()["cases"]), len(data()["native_quantile_cases"])) == (207, 39)


# ---------------------------------------------------------------------------------- the differences

SCRAPES = [(0.0, 7.0), (15.0, 7.0), (30.0, 8.0), (45.0, 8.0), (60.0, 8.0)]


def test_an_integer_counter_rises_by_a_fraction_in_promql_and_by_one_live() -> None:
    within = promql.window(SCRAPES, 61.0, 62.0)
    assert promql.increase(within, 61.0, 62.0) == pytest.approx(1.0 * (60 + 1 + 1) / 60)
    assert counters.increase(within) == 1.0


def test_rate_divides_by_the_range_and_live_by_the_time_that_passed() -> None:
    points = [(0.0, 100.0), (10.0, 200.0)]
    assert promql.rate(points, 30.0, 40.0) == pytest.approx(100 * (10 + 10 + 5) / 10 / 40)
    assert counters.rate(points) == 10.0


def test_a_window_is_open_on_the_left() -> None:
    assert promql.window([(0.0, 1.0), (60.0, 2.0)], 60.0, 60.0) == [(60.0, 2.0)]


def test_one_sample_gives_no_rate() -> None:
    assert promql.rate([(1.0, 5.0)], 60.0, 60.0) is None


def test_a_stale_marker_ends_an_instant_value_and_is_left_out_of_a_window() -> None:
    points: list[promql.StoredPoint] = [(0.0, 1.0), (10.0, None)]
    assert promql.instant(points, 5.0) == 1.0
    assert promql.instant(points, 12.0) is None
    assert promql.window(points, 12.0, 60.0) == [(0.0, 1.0)]


def test_a_fall_adds_what_was_there_before_it() -> None:
    points = [(0.0, 1000.0), (15.0, 1500.0), (30.0, 20.0), (45.0, 220.0)]
    assert promql.increase(points, 45.0, 45.0) == pytest.approx(720.0)


def test_a_native_histogram_without_observations_has_no_quantile() -> None:
    assert math.isnan(native_quantile(0.5, [], 0.0))


def test_custom_bounds_interpolate_linearly() -> None:
    buckets = [NativeBucket(0.0, 5.0, 2.0), NativeBucket(5.0, 10.0, 2.0)]
    assert native_quantile(0.75, buckets, 4.0, 20.0, custom=True) == 7.5


def test_nan_observations_are_above_every_bucket() -> None:
    buckets = exponential_buckets(0, {1: 1.0}, {})
    assert math.isnan(native_quantile(0.9, buckets, 2.0, math.nan))
    assert native_quantile(0.5, buckets, 2.0, math.nan) == 2.0

"""Outlier replicas: beyond the median of the others, beyond chance, and not at the first tick."""

from __future__ import annotations

from tputtui.model import Quantile
from tputtui.signals.service.replicas import (
    MIN_TICKS,
    OutlierHysteresis,
    ReplicaFigures,
    outlier_reasons,
)

USUAL = {"rps": 200.0, "tail": 0.1, "errors": 0.001}


def replica(
    name: str, rps: float | None = 200.0, tail: float | None = 0.1, errors: float | None = 0.001
) -> ReplicaFigures:
    quantile = None if tail is None else Quantile(0.99, tail, tail * 0.8, tail * 1.2)
    return ReplicaFigures(name, rps, "req/s", quantile, "s", errors)


def outliers(*replicas: ReplicaFigures, window_s: float = 10.0) -> dict[str, str]:
    return outlier_reasons(replicas, window_s)


def test_similar_replicas_are_not_outliers() -> None:
    assert outliers(replica("a"), replica("b", 260.0, 0.15), replica("c", 150.0, 0.08)) == {}


def test_an_outlier_is_reported_with_both_figures() -> None:
    usual = (replica("a"), replica("b"))
    assert outliers(*usual, replica("c", tail=0.41)) == {"c": "p99 410 ms, others 100 ms"}
    assert outliers(*usual, replica("c", errors=0.04)) == {"c": "errors 4.0 %, others 0.10 %"}
    assert outliers(*usual, replica("c", rps=80.0)) == {"c": "80.0 req/s, others 200.0"}
    assert outliers(*usual, replica("c", rps=480.0)) == {"c": "480.0 req/s, others 200.0"}


def test_of_two_replicas_none_is_an_outlier() -> None:
    assert outliers(replica("a"), replica("b", rps=10.0, tail=3.0, errors=0.5)) == {}


def test_random_variation_is_not_an_outlier() -> None:
    assert outliers(replica("a", 1.0), replica("b", 1.0), replica("c", 2.0)) == {}, (
        "10 against 20 requests"
    )
    assert outliers(replica("a", 5.0), replica("b", 5.0), replica("c", 5.0, tail=9.0)) == {}, (
        "50 requests have no p99"
    )
    assert outliers(replica("a", 5.0), replica("b", 5.0), replica("c", 5.0, errors=0.06)) == {}, (
        "three errors"
    )


def test_a_quantile_whose_bucket_overlaps_the_others_is_not_an_outlier() -> None:
    coarse = ReplicaFigures("c", 200.0, "req/s", Quantile(0.99, 0.3, 0.05, 1.0), "s", 0.0)
    assert outliers(replica("a"), replica("b"), coarse) == {}


def test_an_unknown_figure_is_not_an_outlier() -> None:
    assert outliers(replica("a"), replica("b"), replica("c", None, None, None)) == {}


def test_an_outlier_is_reported_and_withdrawn_after_some_ticks() -> None:
    steady = OutlierHysteresis()
    usual, slow = [replica("a"), replica("b")], replica("c", tail=0.5)
    updates = [steady.update([*usual, slow], 10.0) for _ in range(MIN_TICKS + 1)]
    assert [bool(replicas[2].outlier_reason) for replicas, _ in updates] == [False] * (
        MIN_TICKS - 1
    ) + [True, True]
    assert [len(began) for _, began in updates] == [0] * (MIN_TICKS - 1) + [1, 0]
    back = [
        steady.update([*usual, replica("c")], 10.0)[0][2].outlier_reason for _ in range(MIN_TICKS)
    ]
    assert [bool(reason) for reason in back] == [True] * (MIN_TICKS - 1) + [False]

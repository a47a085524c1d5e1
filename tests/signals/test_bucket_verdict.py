"""A quantile says no more than its bucket, and an objective is judged by no more than that."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tputtui.model import LatencyState, Quantile, ServiceState
from tputtui.settings.expressions import parse_objective
from tputtui.signals.objectives import bucket_verdict
from tputtui.signals.objectives.bucket_verdict import decide
from tputtui.signals.objectives.objective_tracker import ObjectiveTracker
from tputtui.signals.rates import histograms
from tputtui.text import format_bucket
from tputtui.views.shared.quantile_text import format_quantile

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
QS = (0.5, 0.9, 0.99)


def quantile(value: float, low: float | None, high: float | None) -> Quantile:
    return Quantile(0.99, value, low, high, is_lower_bound=high is None and low is not None)


@pytest.mark.parametrize(
    ("low", "high", "is_coarse"),
    [
        (0.1, 0.2, False),
        (0.1, 0.25, True),
        (0.0, 0.001, True),
        (None, -1.0, True),
        (0.25, 0.5, False),
        (None, None, False),
        (2.5, None, False),
    ],
)
def test_a_bucket_is_coarse_if_it_is_the_first_or_wider_than_a_factor_of_two(
    low: float | None, high: float | None, *, is_coarse: bool
) -> None:
    assert Quantile(0.5, 0.15, low, high).is_coarse is is_coarse


@pytest.mark.parametrize(
    ("shown", "bucket"),
    [
        (quantile(0.143, 0.1, 0.5), ("~143", "ms", "100–500 ms")),
        (quantile(0.143, 0.1, 0.2), ("143", "ms", "100–200 ms")),
        (quantile(0.7, 0.5, 1.0), ("700", "ms", "500 ms–1 s")),
        (quantile(0.003, 0.0, 0.005), ("~3.0", "ms", "0–5 ms")),
        (quantile(10.0, 10.0, None), ("≥10.0", "s", "above 10 s")),
        (quantile(0.143, None, None), ("143", "ms", "")),
    ],
)
def test_a_quantile_is_shown_with_what_its_bucket_knows(
    shown: Quantile, bucket: tuple[str, str, str]
) -> None:
    assert (*format_quantile(shown, "s"), format_bucket(shown.low, shown.high, "s")) == bucket


@pytest.mark.parametrize(
    ("shown", "level", "verdict"),
    [
        (quantile(0.143, 0.1, 0.5), 0.25, "undecided"),
        (quantile(0.3, 0.1, 0.5), 0.25, "undecided"),
        (quantile(0.3, 0.1, 0.5), 0.5, "met"),
        (quantile(0.3, 0.1, 0.5), 0.1, "missed"),
        (quantile(0.3, 0.1, 0.5), 0.6, "met"),
        (quantile(0.3, 0.1, 0.5), 0.05, "missed"),
        (quantile(0.3, 0.25, 0.5), 0.4, "met"),
        (quantile(0.3, 0.25, 0.5), 0.28, "missed"),
        (quantile(0.003, 0.0, 0.005), 0.004, "undecided"),
        (quantile(2.5, 2.5, None), 2.5, "missed"),
        (quantile(2.5, 2.5, None), 1.0, "missed"),
        (quantile(2.5, 2.5, None), 5.0, "undecided"),
        (quantile(0.143, None, None), 0.1, "missed"),
        (Quantile(0.99, None), 0.1, None),
    ],
)
def test_a_level_within_a_coarse_bucket_is_not_decided(
    shown: Quantile, level: float, verdict: str | None
) -> None:
    assert decide(shown, level, "<=") == verdict


samples_of_a_window = st.lists(st.floats(0.0001, 5.0), min_size=1, max_size=60)


def cumulative(samples: list[float]) -> list[tuple[float, float]]:
    edges = (*BOUNDS, math.inf)
    return [(edge, float(sum(sample <= edge for sample in samples))) for edge in edges]


@given(samples_of_a_window, st.sampled_from(QS))
def test_the_quantile_of_the_samples_lies_in_the_named_bucket(
    samples: list[float], q: float
) -> None:
    shown = histograms.quantile(q, cumulative(samples))
    true = sorted(samples)[max(0, math.ceil(q * len(samples)) - 1)]
    assert (shown.low or 0.0) <= true <= (shown.high if shown.high is not None else math.inf)


@given(samples_of_a_window, st.sampled_from(QS), st.one_of(
    st.sampled_from(BOUNDS), st.floats(0.0002, 6.0)))  # fmt: skip
def test_a_verdict_in_a_coarse_bucket_is_never_against_the_samples(
    samples: list[float], q: float, level: float
) -> None:
    shown = histograms.quantile(q, cumulative(samples))
    at = bisect_left(BOUNDS, level)
    is_bound = at < len(BOUNDS) and BOUNDS[at] == level
    assume(shown.is_coarse or shown.is_lower_bound or is_bound)
    verdict = decide(shown, level, "<=")
    true = sorted(samples)[max(0, math.ceil(q * len(samples)) - 1)]
    if verdict != "undecided":
        assert verdict == ("missed" if true > level else "met")


@given(samples_of_a_window, st.sampled_from(BOUNDS))
def test_the_share_beyond_a_bound_is_that_of_the_samples(
    samples: list[float], level: float
) -> None:
    edges = (*BOUNDS, math.inf)
    counts = Counter(edges[bisect_left(edges, sample)] for sample in samples)
    buckets = [(edge, float(counts[edge])) for edge in edges]
    share = bucket_verdict.slow_share(buckets, level)
    assert share == pytest.approx(sum(sample > level for sample in samples) / len(samples))
    assert bucket_verdict.slow_share(buckets, level * 1.01) is None


def service(shown: Quantile) -> ServiceState:
    latency = LatencyState("x_seconds", "histogram", "s", (shown,), buckets=((0.5, 1.0),))
    return ServiceState("shop", ("shop",), latency=latency)


def test_an_objective_that_cannot_be_decided_is_neither_ok_nor_missed() -> None:
    tracker = ObjectiveTracker([parse_objective("p99<=250ms")])
    for tick in range(120):
        statuses, events = tracker.evaluate(tick, tick, [service(quantile(0.4, 0.1, 0.5))])
        (status,) = statuses
        assert (status.state, status.value) == ("no_data", 0.4)
        assert status.reason == "cannot be decided (100–500 ms)"
        assert events == []


def test_one_service_that_misses_it_decides_for_all() -> None:
    tracker = ObjectiveTracker([parse_objective("p99<=250ms")])
    both = [service(quantile(0.4, 0.1, 0.5)), service(quantile(0.9, 0.5, 1.0))]
    for tick in range(120):
        statuses, _ = tracker.evaluate(tick, tick, both)
    assert statuses[0].state == "missed"
    assert statuses[0].service == "shop"


def test_an_objective_at_a_bound_is_decided() -> None:
    tracker = ObjectiveTracker([parse_objective("p99<=500ms")])
    for tick in range(60):
        statuses, _ = tracker.evaluate(tick, tick, [service(quantile(0.4, 0.1, 0.5))])
    assert (statuses[0].state, statuses[0].reason) == ("ok", "")

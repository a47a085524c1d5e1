from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.signals.rates import histograms as h

SHOP = [(0.1, 50.0), (0.2, 70.0), (1.0, 110.0), (math.inf, 110.0)]
COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=12)


def cumulative(counts: list[int]) -> list[h.Bucket]:
    bounds = [0.1 * 2**n for n in range(len(counts) - 1)] + [math.inf]
    return [(bound, float(sum(counts[: n + 1]))) for n, bound in enumerate(bounds)]


def test_a_quantile_carries_its_bucket() -> None:
    quantile = h.quantile(0.5, SHOP)
    assert quantile.value == pytest.approx(0.125)
    assert (quantile.low, quantile.high, quantile.is_lower_bound) == (0.1, 0.2, False)


def test_a_quantile_in_the_inf_bucket_is_a_floor() -> None:
    quantile = h.quantile(0.99, [(0.1, 10.0), (0.5, 20.0), (math.inf, 30.0)])
    assert (quantile.value, quantile.low, quantile.high, quantile.is_lower_bound) == (
        0.5,
        0.5,
        None,
        True,
    )


def test_a_scale_leads_to_seconds() -> None:
    quantile = h.quantile(
        0.5, [(100.0, 50.0), (200.0, 70.0), (1000.0, 110.0), (math.inf, 110.0)], scale=1e-3
    )
    assert [quantile.value, quantile.low, quantile.high] == pytest.approx([0.125, 0.1, 0.2])


def test_nothing_observed_has_no_quantile() -> None:
    assert h.quantile(0.5, [(0.1, 0.0), (math.inf, 0.0)]).value is None


@pytest.mark.parametrize(
    ("buckets", "why"),
    [
        ([], "no buckets"),
        ([(0.1, 1.0), (0.2, 2.0)], "+Inf bucket is missing"),
        ([(math.inf, 2.0)], "only the +Inf bucket"),
    ],
)
def test_a_malformed_histogram_has_no_quantile_and_says_why(
    buckets: list[h.Bucket], why: str
) -> None:
    assert h.quantile(0.5, buckets).value is None
    assert why in (h.describe_fault(buckets) or "")


def test_a_sound_histogram_has_no_fault() -> None:
    assert h.describe_fault(SHOP) is None


def test_a_quantile_on_a_bound_is_the_bound() -> None:
    assert h.histogram_quantile(50 / 110, SHOP) == pytest.approx(0.1)


def test_a_lowest_bound_at_or_below_zero_is_returned_as_the_quantile() -> None:
    assert h.histogram_quantile(0.1, [(-0.2, 10.0), (0.0, 20.0), (math.inf, 20.0)]) == -0.2


def test_falling_counts_are_raised_to_monotone() -> None:
    lifted, forced = h.make_monotonic([(0.1, 2.0), (1.0, 1.0), (10.0, 5.0), (math.inf, 4.0)])
    assert (lifted, forced) == ([(0.1, 2.0), (1.0, 2.0), (10.0, 5.0), (math.inf, 5.0)], True)


def test_a_fall_by_rounding_is_not_a_fall() -> None:
    _, forced = h.make_monotonic([(0.1, 1.0), (1.0, 1.0 - 1e-15)])
    assert not forced


def test_equal_bounds_are_added_in_promql_and_the_first_wins_in_one_series() -> None:
    twice = [(1.0, 3.0), (1.0, 4.0)]
    assert h.sort_buckets(twice) == [(1.0, 7.0)]
    assert h.sort_buckets(twice, "first") == [(1.0, 3.0)]


@pytest.mark.parametrize(("q", "expected"), [(-0.1, -math.inf), (1.1, math.inf)])
def test_a_quantile_outside_of_zero_to_one_is_infinite(q: float, expected: float) -> None:
    assert h.histogram_quantile(q, SHOP) == expected


def test_the_quantile_nan_is_nan() -> None:
    assert math.isnan(h.histogram_quantile(math.nan, SHOP))


def test_q_zero_over_an_empty_lowest_bucket_is_unknown() -> None:
    assert h.quantile(0.0, [(0.1, 0.0), (0.2, 5.0), (math.inf, 5.0)]).value is None


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("+Inf", math.inf),
        ("Inf", math.inf),
        (".2", 0.2),
        ("1e3", 1000.0),
        ("1.0", 1.0),
        ("-0.5", -0.5),
    ],
)
def test_the_spellings_of_a_bound(text: str, bound: float) -> None:
    assert h.parse_bound(text) == bound


@pytest.mark.parametrize("text", ["", None, "Hello World", "1_000", " 1", "٣", "NaN", "0.1.2"])
def test_an_invalid_bound_is_refused(text: str | None) -> None:
    assert h.parse_bound(text) is None


# ---------------------------------------------------------------------------------------- fractions


def test_the_share_at_a_bound_needs_no_interpolation() -> None:
    assert h.histogram_fraction(0.0, 0.2, SHOP) == pytest.approx(70 / 110)


def test_the_share_within_a_bucket_is_linear() -> None:
    assert h.histogram_fraction(0.0, 0.15, SHOP) == pytest.approx(60 / 110)


def test_the_share_of_the_full_range_is_one_and_of_an_empty_range_zero() -> None:
    assert h.histogram_fraction(-math.inf, math.inf, SHOP) == 1.0
    assert h.histogram_fraction(0.2, 0.1, SHOP) == 0.0
    assert math.isnan(h.histogram_fraction(0.0, 1.0, []))


def test_observations_above_the_highest_bound_are_above_every_objective() -> None:
    assert h.histogram_fraction(0.0, 5.0, [(1.0, 8.0), (math.inf, 10.0)]) == 0.8


@given(COUNTS, st.floats(0, 1))
def test_fraction_undoes_quantile(counts: list[int], q: float) -> None:
    buckets = cumulative(counts)
    quantile = h.locate_quantile(q, buckets)
    if math.isfinite(quantile.value) and not quantile.is_lower_bound and quantile.low is not None:
        assert h.histogram_fraction(-math.inf, quantile.value, buckets) == pytest.approx(
            q, abs=1e-6
        )


# ----------------------------------------------------------------------------------------- replicas


@given(COUNTS)
def test_replicas_with_the_same_answers_have_the_same_quantiles(counts: list[int]) -> None:
    buckets = cumulative(counts)
    for q in (0.5, 0.9, 0.99):
        alone, merged = (
            h.quantile(q, buckets),
            h.quantile(q, h.merge_histograms([buckets, buckets, buckets])),
        )
        assert merged.value == (None if alone.value is None else pytest.approx(alone.value))


def test_only_bounds_that_all_replicas_have_are_added() -> None:
    merged = h.merge_histograms(
        [[(0.1, 1.0), (0.5, 2.0), (math.inf, 3.0)], [(0.1, 4.0), (1.0, 5.0), (math.inf, 6.0)]]
    )
    assert merged == [(0.1, 5.0), (math.inf, 9.0)]


def test_without_replicas_there_are_no_buckets() -> None:
    assert h.merge_histograms([]) == []


@given(COUNTS, st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_quantiles_never_fall_with_q(counts: list[int], qs: list[float]) -> None:
    quantile = [h.quantile(q, cumulative(counts)).value for q in sorted(qs)]
    known = [value for value in quantile if value is not None]
    assert all(a <= b + 1e-9 for a, b in pairwise(known))


# --------------------------------------------------------------------------- words, VictoriaMetrics


def test_three_buckets_are_reported_as_too_coarse() -> None:
    assert (
        h.coarse_note([(0.1, 1.0), (0.5, 1.0), (1.0, 1.0), (math.inf, 1.0)])
        == "only 3 buckets: p99 says little"
    )
    assert h.coarse_note(cumulative([1] * 12)) == ""


def test_vmranges_become_cumulative_buckets() -> None:
    ranges = {(0.001, 0.002): 4.0, (0.008, 0.009): 6.0}
    assert h.buckets_from_vmranges(ranges) == [
        (0.001, 0.0), (0.002, 4.0), (0.008, 4.0), (0.009, 10.0), (math.inf, 10.0),
    ]  # fmt: skip
    assert h.histogram_quantile(0.7, h.buckets_from_vmranges(ranges)) == pytest.approx(0.0085)


def test_the_spelling_of_a_vmrange() -> None:
    assert h.parse_vmrange("1.000e-03...1.136e-03") == (0.001, 0.001136)
    assert h.parse_vmrange("1.000e+18...+Inf") == (1e18, math.inf)
    assert h.parse_vmrange("0...1.000e-09") == (0.0, 1e-9)
    assert h.parse_vmrange("5") is None
    assert h.parse_vmrange("2...1") is None

from __future__ import annotations

import corpus
import pytest

from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.hygiene import MAX_FINDINGS, findings

HISTOGRAM = """\
# TYPE api_requests_total counter
api_requests_total{{code="200"}} 5
# TYPE api_request_duration_seconds histogram
{buckets}
api_request_duration_seconds_bucket{{le="+Inf"}} 5
api_request_duration_seconds_sum 1
api_request_duration_seconds_count 5
"""


def findings_of(text: str, objective_s: float | None = None) -> list[str]:
    exposition = corpus.scan(text)
    return findings(exposition, classify(exposition), objective_s)


def histogram(*bounds: float) -> str:
    buckets = "\n".join(
        f'api_request_duration_seconds_bucket{{le="{bound}"}} 3' for bound in bounds
    )
    return HISTOGRAM.format(buckets=buckets)


FINE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


def test_a_clean_exposition_has_no_findings() -> None:
    assert findings_of(histogram(*FINE), 0.25) == []


def test_requests_without_latency_are_reported() -> None:
    (sentence,) = findings_of(
        '# TYPE api_requests_total counter\napi_requests_total{code="200"} 5\n'
    )
    assert sentence == "no latency: api_requests_total counts work done and nothing times it"


def test_buckets_that_end_below_the_objective_are_reported() -> None:
    (sentence,) = findings_of(histogram(*FINE), 2.0)
    assert "below the objective of 2.0 s" in sentence


def test_a_bucket_too_coarse_around_the_objective_is_reported_with_its_bounds() -> None:
    (sentence,) = findings_of(histogram(0.1, 1, 10, 20, 30, 40), 0.25)
    assert "falls into the bucket of api_request_duration_seconds" in sentence
    assert "100 ms" in sentence


@pytest.mark.parametrize("objective", [0.1, None])
def test_few_buckets_are_reported(objective: float | None) -> None:
    assert any(
        "only 3 finite buckets" in sentence
        for sentence in findings_of(histogram(0.1, 0.5, 1), objective)
    )


def test_a_mean_is_reported_to_hide_slow_requests() -> None:
    text = "# TYPE api_requests_seconds summary\napi_requests_seconds_sum 3\napi_requests_seconds_count 9\n"
    assert any("only a mean" in sentence for sentence in findings_of(text))


def test_counters_without_total_are_reported_and_counted() -> None:
    text = "".join(
        f"# TYPE api_{sentence}_requests counter\napi_{sentence}_requests 5\n"
        for sentence in "abcde"
    )
    assert any("and 2 more: counters without _total" in sentence for sentence in findings_of(text))


def test_a_gauge_named_total_is_reported() -> None:
    assert any(
        "typed as a gauge" in sentence
        for sentence in findings_of("# TYPE handles_total gauge\nhandles_total 3\n")
    )


def test_a_latency_without_a_unit_is_reported() -> None:
    text = '# TYPE api_latency summary\napi_latency{quantile="0.9"} 7\napi_latency_sum 70\napi_latency_count 10\n'
    assert any("does not state its unit" in sentence for sentence in findings_of(text))


def test_at_most_a_handful_is_reported_of_any_exporter() -> None:
    for entry in corpus.labelled():
        exposition = corpus.scan(corpus.body(entry["file"]))
        sentences = findings(exposition, classify(exposition), 0.25)
        assert len(sentences) <= MAX_FINDINGS
        assert len(set(sentences)) == len(sentences)

"""Cross-check with prometheus-client: agreement, real differences, and its known defects."""

from __future__ import annotations

import pytest
from external_resources import shared
from prometheus_client.parser import text_string_to_metric_families

from tputtui.model import Exposition, Series
from tputtui.scrape.crosscheck import KNOWN_DEFECTS, CrosscheckResult, crosscheck_exposition
from tputtui.scrape.scanner import ScanLimits, Scanner
from tputtui.text import clean

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def verdict(
    body: str | bytes, content_type: str = "text/plain", wanted: frozenset[str] | None = None
) -> CrosscheckResult:
    raw = body.encode() if isinstance(body, str) else body
    return crosscheck_exposition(raw, content_type, Scanner().scan(raw, content_type, wanted))


def pretended(*samples: tuple[str, float]) -> Exposition:
    return Exposition({Series(name): value for name, value in samples}, {}, len(samples))


def test_it_agrees_silently_on_a_plain_body() -> None:
    result = verdict('# TYPE x_total counter\nx_total{a="1"} 1\nx_total{a="2"} NaN\n')
    assert result == CrosscheckResult(True, "prometheus-client agrees: 2 of 2 samples", 2, 2)


@pytest.mark.parametrize(
    ("ours", "sentence"),
    [
        (pretended(("x", 1), ("y", 3)), "prometheus-client differs: y is 2.0 there and 3 here"),
        (pretended(("x", 1), ("y", 2), ("z", 3)), "prometheus-client differs: z is missing there"),
        (pretended(("x", 1)), "prometheus-client differs: y is missing here"),
    ],
)
def test_the_first_real_difference_is_a_sentence(ours: Exposition, sentence: str) -> None:
    result = crosscheck_exposition(b"x 1\ny 2\n", "text/plain", ours)
    assert (result.is_agreement, result.sentence) == (False, sentence)
    assert result.agreed < result.total


def test_foreign_names_in_the_sentence_are_cleaned() -> None:
    result = crosscheck_exposition(b'{"a\x1b]0;b"} 1\n', "text/plain", pretended())
    assert "␛]0;b" in result.sentence
    assert clean(result.sentence) == result.sentence


def test_a_sample_that_only_we_read_is_not_allowed_for_as_a_bad_line() -> None:
    result = crosscheck_exposition(b"x 1\n1bad 2\n", "text/plain", pretended(("x", 1), ("1bad", 2)))
    assert not result.is_agreement


@pytest.mark.parametrize(
    ("defect", "body", "content_type"),
    [
        ("renames counters, loses types", "# TYPE x counter\nx 1\n", "text/plain"),
        (
            "renames counters, loses types",
            "# TYPE a counter\n# TYPE b gauge\na 1\nb 2\n# TYPE c speed\nc 1\n",
            "text/plain",
        ),
        ("takes a byte order mark for a name", b"\xef\xbb\xbfx 1\n", "text/plain"),
        ("wants a comma between labels", 'x{a="1"b="} 2",c="3"} 1\n', "text/plain"),
        ("takes what only Python calls a number", "x 1e400\ny 1\n", "text/plain"),
        ("takes what only Python calls a number", f"x {'9' * 400}\ny 1\n", "text/plain"),
        ("takes __name__ as a label", '{__name__="x"} 1\ny 1\n', "text/plain"),
        ("has no limit", f'x{{a="{"b" * 70_000}"}} 1\ny 1\n', "text/plain"),
        ("gives up at a bad line", "x 1\nmy-metric 2\ny 3\n", "text/plain"),
        ("is strict in OpenMetrics", "# TYPE x counter\nx_total 1\n", OPENMETRICS),
        (
            "reads an exemplar as a timestamp",
            '# TYPE x histogram\nx_bucket{le="+Inf"} 1 # {t="a\\"b"} 0.5\nx_count 1\nx_sum -1\n# EOF\n',
            OPENMETRICS,
        ),
    ],
)
def test_a_known_defect_is_allowed_for_and_named(
    defect: str, body: str | bytes, content_type: str
) -> None:
    result = verdict(body, content_type)
    assert result.is_agreement, result.sentence
    assert defect in result.allowed
    assert defect in result.sentence
    assert result.agreed == result.total > 0


def test_every_entry_of_the_table_is_met_above() -> None:
    mark = next(
        m
        for m in test_a_known_defect_is_allowed_for_and_named.pytestmark  # type: ignore[attr-defined]
        if m.name == "parametrize"
    )
    assert {case[0] for case in mark.args[1]} == {defect.name for defect in KNOWN_DEFECTS}


def test_an_exemplar_in_the_text_format_is_a_timestamp_to_the_client() -> None:
    """The defect itself: when the client is fixed, the entry is removed."""
    (family,) = text_string_to_metric_families('x{a="1"} 1 # {t="a"} 0.67\n')
    assert family.samples[0].timestamp == pytest.approx(0.00067)


def test_duplicates_count_once_and_empty_labels_not_at_all() -> None:
    assert (
        verdict('x{a="1"} 5\nx{a="1"} 7\nx{a="1",b=""} 9\n').sentence
        == "prometheus-client agrees: 1 of 1 samples"
    )


def test_unwanted_families_are_not_compared() -> None:
    assert (
        verdict("x 1\ny 2\n", wanted=frozenset({"y"})).sentence
        == "prometheus-client agrees: 1 of 1 samples"
    )


def test_series_beyond_the_limit_are_not_compared() -> None:
    body = b'x{i="1"} 1\nx{i="2"} 2\nx{i="3"} 3\ny 1\n'
    exposition = Scanner(ScanLimits(series=2)).scan(body)
    assert exposition.hidden
    assert crosscheck_exposition(body, "text/plain", exposition).sentence == (
        "prometheus-client agrees: 1 of 1 samples; 3 more are beyond the limit of series and were not compared"
    )


def test_cut_values_are_cut_on_both_sides() -> None:
    assert verdict(f'x{{a="{"b" * 5000}"}} 1\n').is_agreement


@pytest.mark.parametrize(
    "name", ["geth_bad_type.prom", "h06_label_values.prom", "h22_utf8_names.prom"]
)
def test_hostile_bodies_agree_line_by_line(name: str) -> None:
    assert verdict(shared(f"expositions/hostile/{name}").read_bytes()).is_agreement

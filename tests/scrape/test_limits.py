"""Every limit has the contract's default, a setting and its own message.

B-LIM of docs/reliability.md.
"""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tputtui.scrape import http_fetch
from tputtui.scrape.exposition_lines import ScanLimits
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.scanner import Scanner
from tputtui.settings import settings_values


def test_the_defaults_are_those_of_the_documentation_and_each_is_defined_once() -> None:
    assert asdict(settings_values.Limits()) == {
        "body_bytes": 16 << 20,
        "header_bytes": 64 << 10,
        "line_bytes": 64 << 10,
        "redirects": 5,
        "series_per_target": 50_000,
        "series_total": 200_000,
        "labels": 64,
        "name_bytes": 512,
        "value_bytes": 4096,
    }
    asked, read, settings = (
        EndpointSettings("t", "http://t/metrics"),
        ScanLimits(),
        settings_values.Limits(),
    )
    assert (asked.max_body_bytes, asked.max_header_bytes) == (
        settings.body_bytes,
        settings.header_bytes,
    )
    assert (asked.max_redirects, asked.max_series) == (
        settings.redirects,
        settings.series_per_target,
    )
    assert (read.series, read.line, read.labels) == (
        settings.series_per_target,
        settings.line_bytes,
        settings.labels,
    )
    assert settings.series_per_target == http_fetch.MAX_SERIES


@pytest.mark.parametrize("count", [65, 5000])
def test_labels_beyond_the_limit_are_reported_and_the_series_is_kept(count: int) -> None:
    pairs = ",".join(f'l{number}="{number}"' for number in range(count))
    exposition = Scanner().scan(f"# TYPE x gauge\nx{{{pairs}}} 1\n".encode(), "text/plain")
    if count == 65:
        (series,) = exposition.samples
        assert len(series.labels) <= 65
    else:
        assert exposition.skipped_lines in (
            0,
            1,
        )  # 5000 labels exceed the limit of a line, or become 64
        assert exposition.skipped_lines == 0 or "longer than 64 KiB" in str(exposition.warning)


def test_a_help_text_of_a_megabyte_and_a_value_of_100_kb_affect_only_themselves() -> None:
    body = b"# HELP x " + b"h" * (1 << 20) + b'\n# TYPE x gauge\nx{v="' + b"v" * 60_000 + b'"} 1\n'
    body += b'y{v="' + b"v" * 100_000 + b'"} 2\nz 3\n'
    exposition = Scanner().scan(body, "text/plain")
    kept = {series.name: series for series in exposition.samples}
    assert set(kept) == {"x", "z"}
    assert all(len(value) <= 4200 for _, value in kept["x"].labels)
    assert len(exposition.families["x"].help) < 5000
    assert exposition.skipped_lines == 1


def test_a_type_that_changes_with_every_scrape_keeps_the_series_and_the_last_type() -> None:
    scanner = Scanner()
    for kind in ("counter", "gauge", "histogram", "summary", "untyped", "counter"):
        exposition = scanner.scan(f"# TYPE x {kind}\nx 1\n".encode(), "text/plain")
        assert exposition.families["x"].type == kind
        assert list(exposition.samples.values()) == [1.0]


@pytest.mark.parametrize("stamp", ["0", "-1", "1700000000000", "253402300799000", "9" * 30])
def test_a_timestamp_of_any_year_changes_no_value(stamp: str) -> None:
    exposition = Scanner().scan(f"# TYPE x gauge\nx 1 {stamp}\ny 2\n".encode(), "text/plain")
    assert 2.0 in exposition.samples.values()
    assert exposition.skipped_lines + len(exposition.samples) == 2

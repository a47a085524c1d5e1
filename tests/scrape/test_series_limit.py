"""Bodies beyond the limit of series."""

from __future__ import annotations

import pytest

from tputtui.scrape import series_limit
from tputtui.scrape.exposition_lines import ScanLimits
from tputtui.scrape.scanner import Scanner


def test_a_body_of_countless_families_is_not_counted_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[bytes] = []

    def look(line: bytes) -> str:
        looked.append(line)
        return line.decode().split()[0]

    monkeypatch.setattr(series_limit, "MAX_NAMES", 100)
    monkeypatch.setattr(series_limit, "sample_name", look)
    body = b"".join(b"# TYPE f%d gauge\nf%d 1\n" % (number, number) for number in range(5000))
    exposition = Scanner(ScanLimits(series=1000)).scan(body)
    assert len(looked) == 100
    assert len(exposition.samples) == 100
    assert (exposition.series, sum(exposition.hidden.values())) == (5000, 4900)

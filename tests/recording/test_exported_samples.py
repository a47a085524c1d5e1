"""Samples that every export format of samples gets: good scrapes with target and labels."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded_runs import BEGAN, record, record_readings

from tputtui.model import Exposition, Family, Reading, Scrape, Series, ServerTargetInfo, Target
from tputtui.recording.export.exported_samples import (
    exported_scrapes,
    labels_with_target,
    sanitize_name,
)
from tputtui.recording.reader import Run


def test_every_sample_of_every_successful_scrape_comes_with_its_target(tmp_path: Path) -> None:
    record(tmp_path / "a", 50)
    with Run(tmp_path / "a") as run:
        scrapes = list(exported_scrapes(run))
        expected = [
            (scrape.time, tuple(scrape.exposition.samples.items()))
            for tick in run.ticks()
            for scrape in tick.reading.scrapes
            if scrape.exposition is not None
        ]
    assert [(scrape.time, scrape.samples) for scrape in scrapes] == expected
    assert len(scrapes) == 49  # one scrape failed
    targets = {scrape.target for scrape in scrapes}
    (target,) = targets
    assert target is not None
    assert target.name == "api"


@pytest.mark.parametrize(
    ("served", "names"),
    [
        (None, ["requests_total", "busy"]),
        (ServerTargetInfo(rate_s=30.0), ["requests_total:rate", "busy"]),
        (ServerTargetInfo(rate_s=None), []),
    ],
)
def test_a_rate_that_a_server_computed_is_no_counter_and_what_it_remembers_is_left_out(
    tmp_path: Path, served: ServerTargetInfo | None, names: list[str]
) -> None:
    samples = {Series("requests_total", ()): 4.0, Series("busy", ()): 2.0}
    families = {"busy": Family("busy", "gauge")}
    exposition = Exposition(samples, families, 2, served=served)
    reading = Reading(1000.0, BEGAN, (Scrape("api", 1000.0, BEGAN, 0.01, exposition),))
    record_readings(tmp_path / "a", [reading], ["api"])
    with Run(tmp_path / "a") as run:
        (scrape,) = exported_scrapes(run)
    assert [series.name for series, _ in scrape.samples] == names


def test_labels_of_the_target_come_first_and_those_of_the_sample_are_kept() -> None:
    target = Target("api", "http://user:word@127.0.0.1:8000/metrics", service="shop")
    assert labels_with_target((("job", "own"), ("a b", "c")), target) == {
        "job": "shop",
        "exported_job": "own",
        "instance": "127.0.0.1:8000",
        "a_b": "c",
    }
    assert labels_with_target((("job", "own"),), None) == {"job": "own"}


@pytest.mark.parametrize(
    ("name", "expected"), [("a:b_1", "a:b_1"), ("9x", "_9x"), ("", "_"), ("é b", "__b")]
)
def test_a_name_is_made_readable_for_every_reader(name: str, expected: str) -> None:
    assert sanitize_name(name) == expected

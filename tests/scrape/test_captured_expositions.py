"""Captured answers of real programs: read as by prometheus-client, described by their index."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tputtui.scrape.crosscheck import crosscheck_exposition
from tputtui.scrape.scanner import Scanner

FOLDER = Path(__file__).resolve().parents[1] / "data" / "expositions"
ENTRIES: list[dict[str, Any]] = json.loads((FOLDER / "index.json").read_text())["files"]
FILES = sorted(path.name for path in FOLDER.glob("*.gz"))
TEXT = "text/plain; version=0.0.4; charset=utf-8"
TRUTH = {
    "throughput",
    "throughput_secondary",
    "latency",
    "errors",
    "inflight",
    "saturation",
    "ttfb",
    "wrong",
    "route_label",
    "notes",
    "absent_in_body",
}


def body_of(name: str) -> bytes:
    return gzip.decompress((FOLDER / name).read_bytes())


def labelled_families(truth: dict[str, Any]) -> set[str]:
    plain = ("throughput", "throughput_secondary", "inflight", "saturation", "ttfb", "wrong")
    families = {family for key in plain for family in truth[key]}
    return families | {entry["metric"] for key in ("latency", "errors") for entry in truth[key]}


@pytest.mark.parametrize("name", FILES)
def test_every_sample_of_a_capture_is_prometheus_clients(name: str) -> None:
    body = body_of(name)
    exposition = Scanner().scan(body, TEXT)
    verdict = crosscheck_exposition(body, TEXT, exposition)
    assert verdict.is_agreement, verdict.sentence
    assert exposition.series == len(exposition.samples) > 0
    assert exposition.skipped_lines == 0


def test_index_and_files_agree() -> None:
    listed = [entry["file"] for entry in ENTRIES] + [entry["before"] for entry in ENTRIES]
    assert sorted(listed) == FILES
    assert len(ENTRIES) >= 25


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_the_index_describes_the_file(entry: dict[str, Any]) -> None:
    body = body_of(entry["file"])
    exposition = Scanner().scan(body, TEXT)
    assert entry["bytes"] == len(body)
    assert entry["series"] == exposition.series
    assert entry["sample_names"] == len({series.name for series in exposition.samples})
    assert entry["source"]["load"]
    assert all(entry["source"]["versions"].values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_labels_name_families_of_the_file(entry: dict[str, Any]) -> None:
    truth = entry["truth"]
    assert set(truth) == TRUTH
    exposition = Scanner().scan(body_of(entry["file"]), TEXT)
    names = {series.name for series in exposition.samples}
    present = names | {name.removesuffix("_count") for name in names}
    assert labelled_families(truth) - present == set(truth["absent_in_body"])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_labels_contradict_neither_themselves_nor_the_series(entry: dict[str, Any]) -> None:
    truth = entry["truth"]
    right = labelled_families(truth | {"wrong": []})
    assert right.isdisjoint(truth["wrong"])
    exposition = Scanner().scan(body_of(entry["file"]), TEXT)
    labels_of: dict[str, set[str]] = {}
    for series in exposition.samples:
        labels_of.setdefault(series.name, set()).update(dict(series.labels))
    for error in truth["errors"]:
        if error["label"] is not None and error["metric"] in labels_of:
            assert error["label"] in labels_of[error["metric"]], error
    if truth["route_label"] is not None:
        assert any(truth["route_label"] in labels for labels in labels_of.values())


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["file"])
def test_between_both_captures_something_moved(entry: dict[str, Any]) -> None:
    scanner = Scanner()
    before = scanner.scan(body_of(entry["before"]), TEXT).samples
    after = scanner.scan(body_of(entry["file"]), TEXT).samples
    assert any(after.get(series) != value for series, value in before.items())


@pytest.mark.parametrize("name", FILES)
def test_a_capture_has_no_path_and_no_address_of_the_machine_it_was_made_on(name: str) -> None:
    text = body_of(name).decode()
    assert not re.search(r'"/(?:root|home|tmp|work)\b', text)
    addresses = set(re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?![.-])", text))
    loopback_or_example = ("127.0.0.", "192.0.2.", "0.0.0.0")
    assert [address for address in addresses if not address.startswith(loopback_or_example)] == []


def test_the_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1.5 * 2**20

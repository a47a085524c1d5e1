"""The scanner agrees with prometheus-client on real answers; hostile ones lose only bad lines."""

from __future__ import annotations

import gzip
import json
import math
import random
from pathlib import Path

import pytest
from external_resources import SHARED_DATA, shared
from hypothesis import given, settings
from hypothesis import strategies as st

from tputtui.model import Exposition
from tputtui.scrape.crosscheck import crosscheck_exposition
from tputtui.scrape.scan_problems import NotAnExpositionError
from tputtui.scrape.scanner import Scanner

REAL = sorted(path.name for path in (SHARED_DATA / "expositions" / "real").glob("*")) or ["absent"]
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


def body_of(path: Path) -> bytes:
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


def attempt(body: bytes, content_type: str) -> Exposition | str:
    """Return the exposition, or the message of its refusal."""
    try:
        return Scanner().scan(body, content_type)
    except NotAnExpositionError as refused:
        return str(refused)


def type_of(path: Path) -> str:
    return OPENMETRICS if path.suffix == ".om" else TEXT


@pytest.mark.parametrize("name", REAL)
@pytest.mark.slow
def test_every_sample_of_a_real_answer_agrees_with_prometheus_client(name: str) -> None:
    path = shared(f"expositions/real/{name}")
    body = body_of(path)
    exposition = Scanner().scan(body, type_of(path))
    verdict = crosscheck_exposition(body, type_of(path), exposition)
    assert verdict.is_agreement, verdict.sentence
    assert exposition.series == len(exposition.samples) > 0


@pytest.mark.parametrize("name", REAL)
def test_the_second_scan_of_an_answer_reads_the_same_from_its_tables(name: str) -> None:
    path = shared(f"expositions/real/{name}")
    body = body_of(path)
    scanner = Scanner()
    first, second = scanner.scan(body, type_of(path)), scanner.scan(body, type_of(path))
    assert list(first.samples) == list(second.samples)
    assert [repr(value) for value in first.samples.values()] == [
        repr(value) for value in second.samples.values()
    ]


@pytest.mark.parametrize("name", REAL)
def test_wanted_families_are_a_subset_and_all_series_are_counted(name: str) -> None:
    path = shared(f"expositions/real/{name}")
    body = body_of(path)
    full = Scanner().scan(body, type_of(path))
    names = sorted({series.name for series in full.samples})
    wanted = frozenset(random.Random(7).sample(names, max(1, len(names) // 10)))
    part = Scanner().scan(body, type_of(path), wanted)
    # A duplicate series is only recognised where it is read.
    assert full.series <= part.series <= full.series + full.duplicates
    expected = {
        series.key: value for series, value in full.samples.items() if series.name in wanted
    }
    values = {series.key: value for series, value in part.samples.items()}
    assert values.keys() == expected.keys()
    assert all(repr(values[key]) == repr(expected[key]) for key in expected)


# ----------------------------------------------------------------------------------- generated text

names = st.from_regex(r"[a-z_:][a-z0-9_:]{0,12}", fullmatch=True).filter(
    lambda name: not name.endswith(("_total", "_created", "_bucket", "_sum", "_count", "_info"))
)
values = st.one_of(
    st.integers(-(10**12), 10**15).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=64).map(repr),
    st.sampled_from(["NaN", "+Inf", "-Inf", "0", "1e3"]),
)
label_text = st.text(
    alphabet=st.characters(
        exclude_categories=["Cs"], exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
    ),
    max_size=12,
)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


@st.composite
def expositions(draw: st.DrawFn) -> str:
    lines: list[str] = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        kind = draw(st.sampled_from(["gauge", "untyped"]))
        lines.append(f"# HELP {name} some words")
        lines.append(f"# TYPE {name} {kind}")
        # Not with "__": reserved by Prometheus, and refused by the client.
        labels = draw(
            st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True), max_size=3, unique=True)
        )
        seen: set[tuple[str, ...]] = set()
        for _ in range(draw(st.integers(1, 4))):
            contents = tuple(draw(label_text) for _ in labels)
            # Excluded: an empty label is a label for prometheus-client only.
            if contents in seen or "" in contents:
                continue
            seen.add(contents)
            inner = ",".join(
                f'{label}="{escaped(text)}"' for label, text in zip(labels, contents, strict=True)
            )
            lines.append(f"{name}{{{inner}}} {draw(values)}" if inner else f"{name} {draw(values)}")
    return "\n".join(lines) + "\n"


@settings(max_examples=200, deadline=None)
@given(text=expositions())
def test_generated_text_reads_as_prometheus_client_reads_it(text: str) -> None:
    body = text.encode()
    exposition = Scanner().scan(body, TEXT)
    verdict = crosscheck_exposition(body, TEXT, exposition)
    assert verdict.is_agreement, verdict.sentence
    assert exposition.skipped_lines == 0


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400))
def test_no_bytes_raise_anything_but_not_an_exposition(data: bytes) -> None:
    read = attempt(data, TEXT)
    if isinstance(read, Exposition):
        assert read.warning is None or read.warning.isprintable()
    else:
        assert read.isprintable()


# ----------------------------------------------------------------------------------- hostile bodies

INDEX = SHARED_DATA / "expositions" / "hostile_index.json"
HOSTILE = (
    [entry for entry in json.loads(INDEX.read_text())["files"] if not entry["generated"]]
    if INDEX.exists()
    else [{}]
)


@pytest.mark.parametrize("entry", HOSTILE, ids=lambda entry: entry.get("name", "absent"))
def test_a_hostile_body_is_read_as_far_as_it_is_valid(entry: dict[str, object]) -> None:
    """A body that Prometheus accepts has as many samples; others are salvaged or refused."""
    body = shared(f"expositions/{entry.get('file', 'absent')}").read_bytes()
    content_type = str(entry.get("content_type") or "")
    measured = str(entry["prometheus"])
    exposition = attempt(body, content_type)
    if not isinstance(exposition, Exposition):
        assert "up=0" in measured, f"Prometheus takes it: {measured}"
        assert exposition.isprintable()
        return
    assert all(isinstance(value, float) for value in exposition.samples.values())
    on_the_wire = bool(entry.get("headers"))  # decided by the fetch, not by the body
    if "2.42 measured: up=0" in measured and "3.x: accepted" not in measured and not on_the_wire:
        assert exposition.warning, f"Prometheus rejects it ({measured}) and we say nothing"
        assert exposition.warning.startswith("Prometheus")
    assert (
        exposition.skipped_lines + len(exposition.samples) > 0 or not body.strip() or b"#" in body
    )
    assert not any(
        math.isnan(value) and series.name == "" for series, value in exposition.samples.items()
    )

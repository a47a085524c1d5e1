"""Scores: traffic, latency and errors each right on 95 % of the labelled files.

The generic ranking alone is right on 85 %.
"""

from __future__ import annotations

from typing import Any

import corpus
import pytest
from external_resources import shared

from tputtui.model import Bindings
from tputtui.signals.classify.classifier import classify

SLOTS = ("traffic", "latency", "errors")


def right(bindings: Bindings, truth: dict[str, Any]) -> dict[str, bool]:
    """Return which signals are right: a listed name, or none where nothing is listed."""
    traffic, latency, errors = bindings.traffic, bindings.latency, bindings.errors
    return {
        "traffic": traffic.family in truth["throughput"] if traffic else not truth["throughput"],
        "latency": latency.family in [entry["metric"] for entry in truth["latency"]]
        if latency
        else not truth["latency"],
        "errors": any(
            errors.family == entry["metric"] and entry.get("label") in (None, errors.label)
            for entry in truth["errors"]
        )
        if errors
        else not truth["errors"],
    }


@pytest.mark.parametrize("use_exporters", [True, False], ids=["with exporters", "generic"])
@pytest.mark.parametrize("name", ["dev", "dev2", "own"])
def test_each_signal_is_right_on_most_labelled_files(name: str, *, use_exporters: bool) -> None:
    bar = 0.95 if use_exporters else 0.85
    index = {
        "dev": lambda: shared("expositions/index.json"),
        "dev2": lambda: shared("expositions/index_dev2.json"),
        "own": lambda: corpus.CAPTURES / "index.json",
    }[name]()
    rows = []
    for entry in corpus.labelled(index):
        text = corpus.scan(corpus.body(entry["file"], index.parent))
        bindings = classify(text, use_exporters=use_exporters)
        rows.append((entry["file"], right(bindings, entry["truth"]), bindings))
    print(f"\n{'file':45} {'  '.join(SLOTS)}   (exporters: {use_exporters})")
    for file, marks, bindings in rows:
        named = [getattr(bindings, slot) for slot in SLOTS]
        marked = "  ".join(f"{'yes' if marks[slot] else 'NO':{len(slot)}}" for slot in SLOTS)
        print(
            f"{file:45} {marked}   {' · '.join(binding.family if binding else '–' for binding in named)}"
        )
    shares = {slot: sum(marks[slot] for _, marks, _ in rows) / len(rows) for slot in SLOTS}
    print(
        f"{'in all, of ' + str(len(rows)):45} " + "  ".join(f"{shares[slot]:.2f}" for slot in SLOTS)
    )
    assert {slot: share for slot, share in shares.items() if share < bar} == {}


def test_times_to_a_first_token_are_signals_of_their_own() -> None:
    for entry in corpus.labelled():
        bindings = classify(corpus.scan(corpus.body(entry["file"])))
        firsts = {signal.family for signal in bindings.signals if signal.signal == "latency"}
        assert firsts == set(entry["truth"]["ttfb"])


def test_the_same_samples_give_the_same_bindings() -> None:
    for entry in corpus.labelled():
        text = corpus.body(entry["file"])
        assert classify(corpus.scan(text)) == classify(corpus.scan(text))


def test_only_names_that_exist_are_bound() -> None:
    for entry in corpus.labelled():
        exposition = corpus.scan(corpus.body(entry["file"]))
        names = {series.name for series in exposition.samples}
        for binding in classify(exposition).all():
            wanted = {binding.family, f"{binding.family}_count", f"{binding.family}_bucket"} & names
            assert wanted, binding
            assert binding.limit is None or binding.limit in names
            assert binding.denominator is None or binding.denominator in names
            assert binding.reason

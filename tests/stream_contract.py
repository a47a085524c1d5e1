"""Keys of the JSON objects of `stream`, read from docs/contract.md, and a check of their shape."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).resolve().parents[1] / "docs" / "contract.md"
Json = dict[str, Any]

_ROW = re.compile(r"^\| (`[^|]*`) \| (.*) \|$", re.MULTILINE)


def _section(document: str, title: str) -> str:
    """Return the text below a heading, up to the next one."""
    return document.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _keys(text: str) -> frozenset[str]:
    """Return the names that the first sentence lists as code, without those in parentheses."""
    before = ""
    while before != text:
        before, text = text, re.sub(r"\([^()]*\)", "", text)
    return frozenset(re.findall(r"`(\w+)`", text.partition(". ")[0]))


def _paragraph(text: str, start: str) -> str:
    """Return the rest of the paragraph that begins with a text."""
    return text.partition(f"\n{start}")[2].partition("\n\n")[0]


def _rows(text: str) -> list[tuple[str, str]]:
    return _ROW.findall(text)


_STREAM = _section(CONTRACT.read_text("utf-8"), "`stream`")
_TOP_TEXT, _, _REST = _STREAM.partition("\n`targets[]`:")
_TARGET_TEXT, _, _SERVICE_TEXT = _REST.partition("\n`services[]`:")
_SERVICE_TEXT, _, _HOST_TEXT = _SERVICE_TEXT.partition("\n`host`;")
_PARTS = {name.strip("`"): text for name, text in _rows(_SERVICE_TEXT)}
_HOST_ROWS = {name.strip("`"): text for name, text in _rows(_HOST_TEXT)}
_TOP_ROWS = {name.strip("`"): text for name, text in _rows(_TOP_TEXT)}

TOP = frozenset[str]().union(*(_keys(name) for name, _ in _rows(_TOP_TEXT)))
TARGET = frozenset[str]().union(*(_keys(name) for name, _ in _rows(_TARGET_TEXT)))
SERVICE = _keys(_SERVICE_TEXT)
SIGNALS = {name: _keys(_PARTS[name]) for name in ("traffic", "errors", "latency")}
SATURATION = _keys(_PARTS["saturation[]"])
BREAKDOWN = _keys(_PARTS["breakdown[]"])
BREAKDOWN_REST = frozenset(re.findall(r'"(\w+)":', _PARTS["breakdown[]"]))
OBJECTIVE = _keys(_paragraph(_STREAM, "`objectives[]`:"))
HOST = frozenset(name.removesuffix("[]") for name in _HOST_ROWS)
HOST_PARTS = {name: keys for name, text in _HOST_ROWS.items() if (keys := _keys(text))}
SELF = _keys(_TOP_ROWS["self"])
FIRST_TO_SATURATE = frozenset(re.findall(r"\w+", _TOP_ROWS["first_to_saturate"].split("`")[1]))


def _demo_summary_keys() -> frozenset[str]:
    demo = _section(CONTRACT.read_text("utf-8"), "`demo`")
    return _keys(demo.partition("stderr is one object:")[2])


DEMO_SUMMARY = _demo_summary_keys()


def assert_shape(document: Json) -> None:
    """Assert that an object of `stream` has all keys of the contract, and no other."""
    assert set(document) == TOP
    assert document["schema"] == 1
    for target in document["targets"]:
        assert set(target) == TARGET
    for service in document["services"]:
        assert set(service) == SERVICE
        for name, keys in SIGNALS.items():
            assert service[name] is None or set(service[name]) == keys
        assert all(set(row) == SATURATION for row in service["saturation"])
        assert {frozenset(row) for row in service["breakdown"]} <= {BREAKDOWN, BREAKDOWN_REST}
    assert all(set(objective) == OBJECTIVE for objective in document["objectives"])
    assert_host_shape(document["host"])
    first = document["first_to_saturate"]
    assert first is None or set(first) == FIRST_TO_SATURATE
    assert set(document["self"]) == SELF


def assert_host_shape(host: Json) -> None:
    """Assert that the object of the host has all keys of the contract, and no other."""
    assert set(host) == HOST
    for name, keys in HOST_PARTS.items():
        value = host[name.removesuffix("[]")]
        parts = value if name.endswith("[]") else [value]
        assert all(part is None or set(part) == keys for part in parts), name

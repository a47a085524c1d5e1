"""The labelled bodies, read: what the scoring tests and the benchmark share."""

from __future__ import annotations

import gzip
import json
from typing import Any

from outside import SHARED_DATA, shared

from tputtui.model import Exposition
from tputtui.scrape.scanner import Scanner

ROOT = SHARED_DATA / "expositions"


def labelled() -> list[dict[str, Any]]:
    """The files that have a truth; skips where the data is not there, fails in CI."""
    index = shared("expositions/index.json")
    files: list[dict[str, Any]] = json.loads(index.read_text())["files"]
    return [entry for entry in files if entry.get("truth") is not None]


def body(name: str) -> bytes:
    """The text of one file, unpacked."""
    raw = (ROOT / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def scan(text: bytes | str) -> Exposition:
    """One exposition, read alone."""
    return Scanner().scan(text.encode() if isinstance(text, str) else text)

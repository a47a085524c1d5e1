"""The labelled bodies, read: what the scoring tests and the benchmark share."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tputtui.model import Exposition
from tputtui.scrape.scanner import Scanner

ROOT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "expositions"


def labelled() -> list[dict[str, Any]]:
    """The files that have a truth; skips where the data is not there, fails in CI."""
    if not (ROOT / "index.json").is_file():
        if os.environ.get("CI") == "true":
            pytest.fail("the labelled expositions are missing")
        pytest.skip("the labelled expositions are not beside this checkout")
    files: list[dict[str, Any]] = json.loads((ROOT / "index.json").read_text())["files"]
    return [entry for entry in files if entry.get("truth") is not None]


def body(name: str) -> bytes:
    """The text of one file, unpacked."""
    raw = (ROOT / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def scan(text: bytes | str) -> Exposition:
    """One exposition, read alone."""
    return Scanner().scan(text.encode() if isinstance(text, str) else text)

"""Labelled expositions, shared by the scoring tests and the benchmark."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from external_resources import SHARED_DATA, shared

from tputtui.model import Exposition
from tputtui.scrape.scanner import Scanner

ROOT = SHARED_DATA / "expositions"
CAPTURES = Path(__file__).resolve().parents[1] / "data" / "expositions"


def labelled(index: Path | None = None) -> list[dict[str, Any]]:
    """Return the labelled files of an index; skip where shared data is missing, fail in CI."""
    index = index or shared("expositions/index.json")
    files: list[dict[str, Any]] = json.loads(index.read_text())["files"]
    return [entry for entry in files if entry.get("truth") is not None]


def body(name: str, folder: Path = ROOT) -> bytes:
    """Return the uncompressed body of one file."""
    raw = (folder / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def scan(text: bytes | str) -> Exposition:
    """Parse one exposition with a scanner of its own."""
    return Scanner().scan(text.encode() if isinstance(text, str) else text)

"""The labelled bodies, read: what the scoring tests and the benchmark share."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tputtui.model import Exposition, Family, Series

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


_LINE = re.compile(rb'([^{\s#][^{\s]*)(\{(?:[^"}]|"(?:\\.|[^"\\])*")*\})?\s+(\S+)')
_LABEL = re.compile(r'([^\s,={]+)\s*=\s*"((?:\\.|[^"\\])*)"')


def scan(body: bytes) -> Exposition:
    samples: dict[Series, float] = {}
    said: dict[str, dict[str, str]] = {}
    for line in body.split(b"\n"):
        if line.startswith(b"# "):
            parts = line.decode(errors="replace").split(" ", 3)
            if len(parts) >= 3 and parts[1] in ("TYPE", "HELP", "UNIT"):
                said.setdefault(parts[2], {})[parts[1]] = parts[3] if len(parts) > 3 else ""
        elif found := _LINE.match(line):
            labels = tuple(sorted(_LABEL.findall((found[2] or b"").decode(errors="replace"))))
            samples[Series(found[1].decode(), labels)] = float(found[3])
    families = {
        name: Family(name, said_of.get("TYPE", "untyped").strip(), said_of.get("HELP", ""), said_of.get("UNIT", ""))
        for name, said_of in said.items()
    }
    return Exposition(samples, families, len(samples))

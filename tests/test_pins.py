"""The pins: hashes for all, addresses for none, one version a package, whichever file one installs from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "constraints"
FILES = sorted(FOLDER.glob("*.txt"))
_PIN = re.compile(r"^([a-z0-9.-]+)==([^ ]+)((?: ; [^\\]+)?)", re.MULTILINE)


def pins(path: Path) -> dict[tuple[str, str], str]:
    """(package, environment marker) -> version."""
    return {(name, marker.strip()): version for name, version, marker in _PIN.findall(path.read_text())}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_pin_has_its_hashes_and_no_address(path: Path) -> None:
    blocks = re.split(r"\n(?=\S)", path.read_text().strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in path.read_text()


def test_both_files_agree() -> None:
    run, dev = pins(FOLDER / "run.txt"), pins(FOLDER / "dev.txt")
    assert run.keys() <= dev.keys()
    assert {name: dev[name] for name in run} == run

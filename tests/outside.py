"""What tests take from outside the checkout: servers that are installed, and the shared data. No conftest: of those there
are several, and one pytest call knows only the first by that name.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


def needs(program: str) -> str:
    """The path of a program that a test talks to: skipped without it, a failure where servers are required (CI)."""
    found = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        sentence = f"{program} is not installed"
        if os.environ.get("TPUTTUI_REQUIRE_SERVERS"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return found


def shared(name: str) -> Path:
    """A file of the data beside the checkout: skipped without it, a failure in CI."""
    path = SHARED_DATA / name
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing")
        pytest.skip(f"the shared data is not beside this checkout: {name}")
    return path


def command_line(pid: int) -> str:
    """A process's command line; empty where it has gone."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""

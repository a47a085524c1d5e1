"""Resources outside the checkout: installed servers and the shared data.

Not a conftest, because one pytest call imports only the first module of that name.
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
    """Return the path of a program that a test talks to.

    Skips without it; fails where servers are required (CI).
    """
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        sentence = f"{program} is not installed"
        if os.environ.get("TPUTTUI_REQUIRE_SERVERS"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


def shared(name: str) -> Path:
    """Return a file of the data beside the checkout; skip without it, fail in CI."""
    path = SHARED_DATA / name
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing")
        pytest.skip(f"the shared data is not beside this checkout: {name}")
    return path


def command_line(pid: int) -> str:
    """Return a process's command line; empty where it has gone."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""

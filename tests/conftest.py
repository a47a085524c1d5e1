"""What all tests share: where the outside data lies, and which servers are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes on a busy machine is not what a test is about.
settings.register_profile("tputtui", deadline=None)
settings.load_profile("tputtui")

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# A test run is like any other: no colour switch or theme of the developer's shell may change a picture.
for name in ("NO_COLOR", "COLUMNS", "LINES", "TEXTUAL_THEME", "TPUTTUI_CONFIG"):
    os.environ.pop(name, None)


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


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests neither read the developer's config nor write into his state folder."""
    home = tmp_path_factory.getbasetemp() / "home"
    for variable, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")):
        (home / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(variable, str(home / folder))


@pytest.fixture(scope="session")
def attaching() -> None:
    """py-spy may attach to a process of our own here: skipped where it may not, a failure in CI."""
    from tputtui.profiling import preflight

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as process:
        time.sleep(0.3)  # it must have become Python
        verdict = preflight.check(process.pid)
        process.kill()
    if not verdict.ok:
        if os.environ.get("CI") == "true":
            pytest.fail(f"py-spy may not attach here: {verdict.sentence}")
        pytest.skip(f"py-spy may not attach here: {verdict.sentence}")

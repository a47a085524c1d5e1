"""What all tests share: an environment without the developer's switches, and what py-spy may do here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import settings

# How long an example takes on a busy machine is not what a test is about.
settings.register_profile("tputtui", deadline=None)
settings.load_profile("tputtui")

# A test run is like any other: no colour switch or theme of the developer's shell may change a picture.
for name in ("NO_COLOR", "COLUMNS", "LINES", "TEXTUAL_THEME", "TPUTTUI_CONFIG"):
    os.environ.pop(name, None)

# Behind `nohup … &` SIGINT is ignored, in children too, and they respect that: tests that send it would wait for ever.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    from tputtui.model import ProcessReference
    from tputtui.profiling.capture import preflight

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as process:
        time.sleep(0.3)  # it must have become Python
        verdict = preflight.check(ProcessReference(process.pid))
        process.kill()
    if not verdict.can_attach:
        if os.environ.get("CI") == "true":
            pytest.fail(f"py-spy may not attach here: {verdict.message}")
        pytest.skip(f"py-spy may not attach here: {verdict.message}")

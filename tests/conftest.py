"""Settings for all tests: a clean environment, and a check whether py-spy may attach."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import settings

# No deadline: the duration of an example depends on the load of the machine. In CI the examples are
# the same each time, so that a failure there is of the change; new ones are tried everywhere else.
settings.register_profile("tputtui", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tputtui")

# No colour switch or theme of the developer's shell may change a frame.
for name in ("NO_COLOR", "COLUMNS", "LINES", "TEXTUAL_THEME", "TPUTTUI_CONFIG"):
    os.environ.pop(name, None)

# `nohup … &` makes children ignore SIGINT too: tests that send it would never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_folders(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep tests from reading the developer's config and writing to the state folder."""
    home = tmp_path_factory.getbasetemp() / "home"
    for variable, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")):
        (home / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(variable, str(home / folder))


@pytest.fixture(scope="session")
def attaching() -> None:
    """Skip where py-spy may not attach to a process of the same user; fail in CI."""
    from tputtui.model import ProcessReference
    from tputtui.profiling.capture import preflight

    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as process:
        time.sleep(0.3)  # it must have exec'd Python
        verdict = preflight.check(ProcessReference(process.pid))
        process.kill()
    if not verdict.can_attach:
        if os.environ.get("CI") == "true":
            pytest.fail(f"py-spy may not attach here: {verdict.message}")
        pytest.skip(f"py-spy may not attach here: {verdict.message}")

"""Rules of import (ARCHITECTURE.md): imports point down, and expensive modules load on first use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded once `code` has run in a fresh interpreter."""
    program = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def test_imports_point_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_cache=True) == 0


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        (
            "import tputtui.cli",
            {"textual", "rich", "httpx", "psutil", "prometheus_client", "plotext", "asyncio"},
        ),
        (
            "import tputtui.engine",
            {"textual", "rich", "plotext", "httpx", "prometheus_client", "numpy", "scipy"},
        ),
        (
            "import tputtui.cli.snapshot_json, tputtui.cli.verbs.stream",
            {"textual", "rich", "plotext"},
        ),
        (
            "import tputtui.cli.verbs.record, tputtui.cli.verbs.replay, tputtui.cli.verbs.runs, tputtui.cli.verbs.export",
            {"textual", "rich", "plotext", "prometheus_client", "numpy", "scipy"},
        ),
        (
            "import tputtui.recording.reader, tputtui.recording.recorder",
            {"textual", "rich", "httpx", "asyncio", "numpy"},
        ),
        (
            "import tputtui.views.profile.profile_pane, tputtui.views.live.routes_table",
            {"textual", "rich", "plotext", "psutil", "httpx"},
        ),
        (
            "import tputtui.views.live.panels",
            {"textual", "rich", "plotext", "tputtui.views.live.split_view"},
        ),
        (
            "import tputtui.tui.keys as k, tputtui.tui.theme_files as t\nk.check_remapped({'quit': 'x'})\nt.check_theme('dark')",
            {"textual", "rich"},
        ),
        (
            "import tputtui.profiling.capture.capture",
            {"textual", "rich", "psutil", "httpx", "asyncio"},
        ),
        (
            "import tputtui.report.text_report, tputtui.cli.verbs.compare",
            {"numpy", "scipy", "textual", "rich"},
        ),
        ("import tputtui.tui.run_app", {"plotext", "httpx", "prometheus_client", "numpy", "scipy"}),
    ],
)
def test_what_is_dear_is_loaded_by_whoever_needs_it(code: str, absent: set[str]) -> None:
    assert not absent & loaded_by(code)


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_load_no_screen(flag: str) -> None:
    code = (
        f"import tputtui.cli\ntry:\n    tputtui.cli.main(['{flag}'])\nexcept SystemExit:\n    pass"
    )
    assert not {"textual", "httpx", "psutil"} & loaded_by(code)

"""Import rules (ARCHITECTURE.md): imports point down; expensive modules load on first use."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tputtui.cli.verbs import LIVE, VERBS

ROOT = Path(__file__).resolve().parents[1]


def loaded_by(code: str) -> set[str]:
    """Return the modules that are loaded once `code` has run in a fresh interpreter."""
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
            "import tputtui.cli.recording_monitor, tputtui.cli.runs_table, tputtui.recording.export",
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
            "import tputtui.report, tputtui.cli.comparison_setup",
            {"numpy", "scipy", "textual", "rich"},
        ),
        ("import tputtui.tui.run_app", {"plotext", "httpx", "prometheus_client", "numpy", "scipy"}),
    ],
)
def test_heavy_modules_are_imported_only_where_needed(code: str, absent: set[str]) -> None:
    assert not absent & loaded_by(code)


@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_version_and_help_load_no_screen(flag: str) -> None:
    code = (
        f"import tputtui.cli\ntry:\n    tputtui.cli.main(['{flag}'])\nexcept SystemExit:\n    pass"
    )
    assert not {"textual", "httpx", "psutil"} & loaded_by(code)


LIGHT_ROOMS = {"cli", "frozen", "model", "settings", "text"}


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_the_file_of_a_verb_imports_nothing_heavy_because_help_loads_it(verb: str) -> None:
    loaded = loaded_by(f"import {VERBS.get(verb, LIVE).module}")
    rooms = {name.split(".")[1] for name in loaded if name.startswith("tputtui.")}
    assert rooms <= LIGHT_ROOMS
    assert not {"asyncio", "subprocess", "socket", "psutil", "httpx", "textual"} & loaded


def test_the_list_of_verbs_loads_none_of_them_and_a_verb_no_other() -> None:
    def verbs_in(code: str) -> set[str]:
        modules = {entry.module for entry in VERBS.values()} | {LIVE.module}
        return modules & loaded_by(code)

    assert verbs_in("import tputtui.cli") == set()
    code = (
        "from tputtui.cli.parser import parse_arguments\nparse_arguments(['cut', 'a', '-o', 'b'])"
    )
    assert verbs_in(code) == {"tputtui.cli.verbs.cut"}


def private_names(body: list[ast.stmt]) -> Iterator[str]:
    """Return the private names that a class body defines."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if name.startswith("_") and not name.endswith("__"))


def private_names_of_textual(path: Path) -> list[str]:
    """Return a module's imports of private modules of Textual, and private names it overrides."""
    tree = ast.parse(path.read_text("utf-8"))
    names = [
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and "textual._" in node.module
    ]
    module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = getattr(module, node.name).__mro__[1:]
            theirs = [base for base in bases if base.__module__.startswith("textual.")]
            names += [
                f"{node.name}.{name}"
                for name in private_names(node.body)
                if any(name in vars(base) for base in theirs)
            ]
    return names


def test_private_names_of_textual_are_in_the_terminal_folder_only() -> None:
    """Ruff (SLF001) finds private names that are read; this finds imported or overridden ones."""
    folder = ROOT / "tputtui" / "tui"
    terminal = folder / "terminal"
    users = {
        path.relative_to(folder): names
        for path in sorted(folder.rglob("*.py"))
        if path.name != "__init__.py" and (names := private_names_of_textual(path))
    }
    assert [path for path in users if not (folder / path).is_relative_to(terminal)] == []
    assert "TerminalApp._fatal_error" in users[Path("terminal/terminal_app.py")]


def test_nothing_but_the_command_line_knows_the_app() -> None:
    users = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tputtui").rglob("*.py")
        if "tputtui.tui.app" in path.read_text("utf-8")
    }
    assert {user for user in users if not user.startswith("tputtui/cli/")} == {
        "tputtui/tui/run_app.py"
    }


def modules() -> list[tuple[Path, ast.Module]]:
    """Every module of the package, parsed."""
    paths = sorted((ROOT / "tputtui").rglob("*.py"))
    return [(path.relative_to(ROOT), ast.parse(path.read_text("utf-8"))) for path in paths]


def test_no_conditional_expression_is_nested_in_another() -> None:
    nested = [
        f"{path}:{inner.lineno}"
        for path, tree in modules()
        for outer in ast.walk(tree)
        if isinstance(outer, ast.IfExp)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.IfExp) and inner is not outer
    ]
    assert nested == []


def test_no_file_has_more_than_400_lines() -> None:
    lengths = {path: len((ROOT / path).read_text("utf-8").splitlines()) for path, _ in modules()}
    assert {str(path): length for path, length in lengths.items() if length > 400} == {}


def test_no_two_files_and_no_two_public_classes_share_a_name() -> None:
    stems = Counter(path.stem for path, _ in modules() if path.stem != "__init__")
    classes = Counter(
        node.name
        for _, tree in modules()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, count in (stems + classes).items() if count > 1] == []


def test_exceptions_are_named_errors() -> None:
    """Ruff (N818) holds it for classes that derive from Exception by name; none is excused."""
    texts = ((path, (ROOT / path).read_text("utf-8")) for path, _ in modules())
    assert [str(path) for path, text in texts if "noqa: N818" in text] == []

"""The documents agree with the code: paths exist, the contract names every verb, flag and key."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import samples

from tputtui import report
from tputtui.cli import main
from tputtui.cli.snapshot_json import to_json
from tputtui.cli.verbs import VERBS
from tputtui.recording import export

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "tputtui"
CONTRACT = ROOT / "docs" / "contract.md"
MAPS = ("ARCHITECTURE.md", "CONTRIBUTING.md")

FOLDERS = "tputtui|tests|docs|bench|themes|screenshots|constraints|[.]ci"
NAMED_PATH = re.compile(rf"(?<![\w./-])(?:{FOLDERS})/(?:[\w./*-]*\w/?)?")
ROOT_FILE = re.compile(r"`(Makefile|pyproject[.]toml|[A-Z]+[.]md)`")
NAMED_TEST = re.compile(r"`(tests/[\w/]+[.]py)::(test_\w+)`")
FENCED = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDER = "NAME"

LISTED_KEYS = ("buckets", "quantiles", "labels", "by_class")
"""Objects of the stream whose keys are data: quantiles, label names, status classes."""

JSON_MODULES = (
    "cli/snapshot_json.py",
    "cli/rollback_evidence.py",
    "cli/runs_table.py",
    "report/json_report.py",
    "report/power_report.py",
)
"""Modules that build the JSON objects of the contract."""

REFERENCES_OUTSIDE = (
    r"(?<![\w./-])(?:shared|research|prototypes|mock)/[\w*.]",
    r'"[.][.]" / "',
    r"\b(?:DESIGN|CONTRACT|STYLE)(?:[.]md| section|'s)",
    r"\bof DESIGN\b",
    r"\bresearch (?:row|page|section)",
    r"[(]research\b",
    r"\b(?:of|by) research\b",
)
"""References to a page or a file that is not part of the project."""

OUTSIDE = re.compile("|".join(REFERENCES_OUTSIDE))
TEXTS = (".py", ".md", ".toml", ".tcss", ".in", "")


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def code_of(document: str) -> str:
    """Return the code of a document: its fenced blocks and its spans."""
    blocks = FENCED.findall(document)
    spans = re.findall(r"`([^`\n]+)`", FENCED.sub("", document))
    return "\n".join([*blocks, *spans])


def words_of(document: str) -> frozenset[str]:
    """Return every complete word that a document shows as code; a flag keeps its dashes."""
    return frozenset(re.findall(r"(?<![\w-])-{0,2}\w[\w-]*", code_of(document)))


def is_there(path: str) -> bool:
    """Return whether a path exists, up to a placeholder in it; a pattern needs a match."""
    parts = path.rstrip("/").split("/")
    known = [part for part in parts if PLACEHOLDER not in part]
    if len(known) < len(parts):
        parts = parts[: next(at for at, part in enumerate(parts) if PLACEHOLDER in part)]
    if "*" in path:
        return any(ROOT.glob("/".join(parts)))
    return (ROOT / "/".join(parts)).exists()


@pytest.mark.parametrize("name", MAPS)
def test_every_path_that_the_map_and_the_recipes_name_exists(name: str) -> None:
    document = text_of(name)
    paths = {*NAMED_PATH.findall(document), *ROOT_FILE.findall(document)}
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", document)
    assert len(paths) > 30
    assert sorted(path for path in {*paths, *links} if not is_there(path)) == []


@pytest.mark.parametrize("name", MAPS)
def test_every_test_that_the_map_and_the_recipes_name_exists(name: str) -> None:
    for file, test in NAMED_TEST.findall(text_of(name)):
        definition = rf"^(?:async )?def {test}\("
        assert re.search(definition, text_of(file), re.MULTILINE), f"{file}::{test}"


def test_a_path_that_does_not_exist_is_detected() -> None:
    paths = NAMED_PATH.findall("`tputtui/no/such.py` and `tests/NAME/x.py`, tputtui/cli/verbs/*.py")
    assert paths == ["tputtui/no/such.py", "tests/NAME/x.py", "tputtui/cli/verbs/*.py"]
    assert [is_there(path) for path in paths] == [False, True, True]


def test_every_folder_of_the_package_is_in_the_map() -> None:
    tree = FENCED.findall(text_of("ARCHITECTURE.md"))[0]
    rooms = dict(re.findall(r"^tputtui/(\w+)/(.*(?:\n +.*)*)", tree, re.MULTILINE))
    folders = [path.parent.relative_to(PACKAGE).parts for path in PACKAGE.rglob("*/__init__.py")]
    expected: dict[str, set[str]] = {parts[0]: set() for parts in folders}
    for room, *inner in folders:
        expected[room].update(inner[-1:])
    named = {room: set(re.findall(r"(?<![\w/])(\w+)/", names)) for room, names in rooms.items()}
    assert named == expected


def help_of(verb: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit):
        main([verb, "--help"] if verb else ["--help"])
    return capsys.readouterr().out


def flags_in(help_text: str) -> frozenset[str]:
    """Return the flags of a help text, from the lines that describe one each."""
    lines = re.findall(r"^  (-[^\n]*?)(?:  |$)", help_text, re.MULTILINE)
    return frozenset(flag for line in lines for flag in re.findall(r"(?<!\S)--?\w[\w-]*", line))


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_flag_of_every_verb_is_in_the_contract(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    flags = flags_in(help_of(verb, capsys))
    assert {"--help", "--config", "--version"} <= flags
    assert sorted(flags - words_of(CONTRACT.read_text("utf-8"))) == []


def test_every_common_flag_and_verb_is_found_in_the_help(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = help_of("", capsys)
    assert {"--timeout", "--no-mouse", "--by"} <= flags_in(shown)
    assert {"-n", "--load"} <= flags_in(help_of("demo", capsys))
    assert all(re.search(rf"^  {verb} ", shown, re.MULTILINE) for verb in VERBS)


@pytest.mark.parametrize("name", sorted({*export.FORMATS, *report.FORMATS}))
def test_every_format_of_export_and_compare_is_in_the_contract(name: str) -> None:
    assert name in words_of(CONTRACT.read_text("utf-8"))


def test_the_contract_names_every_verb_and_no_other() -> None:
    named = re.findall(r"(?<!\S)tputtui ([a-z]+)", code_of(CONTRACT.read_text("utf-8")))
    assert sorted(set(named)) == sorted(VERBS)


def keys_of(value: object) -> Iterator[str]:
    """Yield every key of a JSON value that the program defines."""
    if isinstance(value, list):
        for item in value:
            yield from keys_of(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            is_data = key in LISTED_KEYS or (key == "since_start" and isinstance(inner, dict))
            if not is_data:
                yield from keys_of(inner)


def test_every_key_of_a_stream_object_is_in_the_contract() -> None:
    sample: dict[str, Any] = to_json(samples.snapshot())
    named = words_of(CONTRACT.read_text("utf-8"))
    keys = set(keys_of(sample))
    assert {"schema", "targets", "by_class", "cpu_some_10", "missed_ticks", "at_least"} <= keys
    assert sorted(keys - named) == []


def names_in(keys: list[ast.expr | None]) -> Iterator[str]:
    for key in keys:
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


@pytest.mark.parametrize("module", JSON_MODULES)
def test_every_key_that_is_written_to_json_is_in_the_contract(module: str) -> None:
    tree = ast.parse((PACKAGE / module).read_text("utf-8"))
    literals = [node for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    keys = {name for node in literals for name in names_in(node.keys)}
    assert len(keys) > 5
    missing = sorted(keys - words_of(CONTRACT.read_text("utf-8")))
    assert missing == []


def project_texts() -> Iterator[Path]:
    """Yield the texts of the project that must not refer to anything outside of it."""
    folders = ("tputtui", "tests", "docs", "bench", "screenshots", "themes", "constraints", ".ci")
    inner = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    exceptions = {Path(__file__), ROOT / "tests" / "external_resources.py", ROOT / "CHANGELOG.md"}
    for path in (*inner, *ROOT.glob("*.md"), ROOT / "pyproject.toml", ROOT / "Makefile"):
        if path.suffix in TEXTS and path.is_file() and path not in exceptions:
            yield path


def test_no_file_refers_to_a_page_outside_of_the_checkout() -> None:
    references = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in project_texts()
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if OUTSIDE.search(line)
    ]
    assert references == []


@pytest.mark.parametrize(
    "line",
    [
        "(DESIGN section 4)",
        "the house of DESIGN: imports point down",
        "CONTRACT.md, `demo`",
        "shared/data/x.json",
        "(research rows EX-01 to EX-05)",
        "see research/prometheus.md",
        'ROOT.parents[2] / ".." / "shared" / "data"',
    ],
)
def test_a_reference_to_a_page_outside_of_the_checkout_is_detected(line: str) -> None:
    assert OUTSIDE.search(line)


@pytest.mark.parametrize(
    "line",
    [
        "tputtui/views/shared/frame.py",
        'document.get("shared")',
        "DESIGNS: Final = ()",
        "the design, and the contract",
        "WHETHER IN AN ACTION OF CONTRACT, TORT",
        "docs/contract.md",
    ],
)
def test_references_within_the_project_are_not_reported(line: str) -> None:
    assert not OUTSIDE.search(line)

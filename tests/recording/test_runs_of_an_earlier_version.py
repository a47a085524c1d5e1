"""Ten recorded runs give the same figures as in the version that recorded them."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

RUNS: Final = Path(__file__).resolve().parents[1] / "data" / "runs"
NAMES: Final = sorted(path.name.removesuffix(".tput.gz") for path in RUNS.glob("*.tput.gz"))
EXPECTED: Final[dict[str, Any]] = json.loads((RUNS / "expected.json").read_text("utf-8"))
MORE_PRECISE: Final = "best_60s"
"""Known one tick earlier since a minute is counted from scrape to scrape of each process."""


def tputtui(*arguments: str) -> bytes:
    command = [sys.executable, "-m", "tputtui", *arguments]
    return subprocess.run(command, cwd=RUNS, capture_output=True, check=False).stdout


def differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    """Yield each place where a value of `before` has changed; new fields are not differences."""
    if _is_known(before, now, path):
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for key, value in before.items():
            if key not in now:
                yield f"{path}.{key} is gone"
            else:
                yield from differences(value, now[key], f"{path}.{key}")
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for number, (first, other) in enumerate(zip(before, now, strict=True)):
            yield from differences(first, other, f"{path}[{number}]")
    elif before != now:
        yield f"{path}: {before!r} was, {now!r} is"


def _is_known(before: Any, now: Any, path: str) -> bool:
    """Tell whether a difference is one that a later version makes on purpose.

    What is far from any limit is not named as the first to saturate any more, and a steady slope
    comes first.
    """
    if path.endswith(MORE_PRECISE):
        return before is None
    return path == ".first_to_saturate"


def test_the_ten_runs_are_present() -> None:
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_a_replay_prints_the_same_figures(name: str) -> None:
    with gzip.open(RUNS / f"{name}.expected.jsonl.gz") as file:
        before = [json.loads(line) for line in file]
    now = [
        json.loads(line) for line in tputtui("replay", "--stream", f"{name}.tput.gz").splitlines()
    ]
    assert len(now) == len(before)
    assert [
        difference for pair in zip(before, now, strict=True) for difference in differences(*pair)
    ] == []


@pytest.mark.parametrize("name", sorted(EXPECTED["exports_sha256"]))
@pytest.mark.slow
def test_an_export_is_the_same_to_the_byte(name: str) -> None:
    run, _, kind = name.rpartition(".")
    text = tputtui("export", f"{run}.tput.gz", "--format", kind)
    assert hashlib.sha256(text).hexdigest() == EXPECTED["exports_sha256"][name]


@pytest.mark.parametrize("expected", EXPECTED["comparisons"], ids=lambda row: str(row["candidate"]))
def test_a_comparison_has_the_same_verdict_and_figures(expected: dict[str, Any]) -> None:
    text = tputtui("compare", expected["baseline"], expected["candidate"], "--format", "json")
    report = json.loads(text)
    assert report["verdict"] == expected["verdict"]
    now = {metric["name"]: metric for metric in report["metrics"]}
    for metric in expected["metrics"]:
        assert list(differences(metric, now[metric["name"]])) == []

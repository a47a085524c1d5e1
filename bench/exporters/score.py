"""Print what the classifier binds in each labelled exposition, and what of it is right.

Run `python bench/exporters/score.py [--detail]`. The sets: dev and dev2 (shared data, where it is
beside the checkout), own (tests/data/expositions). "Generic" is the ranking alone, without the
exporter tables.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "signals")]

from test_classify_scores import SLOTS, right  # noqa: E402

from tputtui.scrape.scanner import Scanner  # noqa: E402
from tputtui.signals.classify.classifier import classify  # noqa: E402

SHARED = ROOT.parent / "shared" / "data" / "expositions"
SETS = {
    "dev": SHARED / "index.json",
    "dev2": SHARED / "index_dev2.json",
    "own": ROOT / "tests" / "data" / "expositions" / "index.json",
}


def entries(index: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the labelled files of an index with their bodies."""
    for entry in json.loads(index.read_text())["files"]:
        if entry.get("truth") is not None:
            raw = (index.parent / entry["file"]).read_bytes()
            yield entry, gzip.decompress(raw) if entry["file"].endswith(".gz") else raw


def score(index: Path, *, use_exporters: bool, is_detailed: bool) -> dict[str, tuple[int, int]]:
    """Count the right files of each signal, and those with something to find, out of all."""
    marks: list[dict[str, bool]] = []
    for entry, body in entries(index):
        bindings = classify(Scanner().scan(body), use_exporters=use_exporters)
        marks.append(right(bindings, entry["truth"]))
        wrong = entry["truth"].get("wrong", [])
        for slot in SLOTS:
            binding = getattr(bindings, slot)
            family = binding.family if binding else "–"
            if is_detailed and (not marks[-1][slot] or family in wrong):
                note = " (labelled as wrong)" if family in wrong else ""
                print(f"  {entry['file']:40} {slot:8} {family}{note}")
    return {slot: (sum(mark[slot] for mark in marks), len(marks)) for slot in SLOTS}


def main() -> None:
    """Print one row for each set and for each way to classify."""
    is_detailed = "--detail" in sys.argv[1:]
    rows = []
    for name, index in SETS.items():
        if not index.exists():
            print(f"{name}: {index} is not there")
            continue
        for use_exporters in (False, True):
            title = f"| {name} | {'with tables' if use_exporters else 'generic'} |"
            if is_detailed:
                print(title)
            counts = score(index, use_exporters=use_exporters, is_detailed=is_detailed)
            figures = (f"{hits}/{total}" for hits, total in (counts[slot] for slot in SLOTS))
            rows.append(f"{title} {' | '.join(figures)} |")
    print("| set | ranking | traffic | latency | errors |\n|---|---|---|---|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()

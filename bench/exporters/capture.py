"""Capture /metrics answers of real programs under load into tests/data/expositions.

Run `make exporters`, or `python bench/exporters/capture.py --install NAME...` for some of them.
Needs root on Debian for what comes from apt, and a network for all three package managers. Each
program runs on free ports of the loopback in a folder of its own, is loaded with a few requests a
second, is asked twice some 15 s apart, and is ended. The labels in index.json ("truth") are written
by hand and kept.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import gzip
import json
import re
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import debian_exporters
import debian_servers
import installation
import language_services
import traffic
from program import Program
from sandbox import Sandbox
from scrub import scrub

EXPOSITIONS = Path(__file__).resolve().parents[2] / "tests" / "data" / "expositions"
WARM_UP_S = 6.0
BETWEEN_CAPTURES_S = 15.0
PROGRAMS = [*debian_servers.PROGRAMS, *debian_exporters.PROGRAMS, *language_services.PROGRAMS]
ACCEPT = "text/plain;version=0.0.4"
NO_TRUTH: dict[str, Any] = {
    "throughput": [],
    "throughput_secondary": [],
    "latency": [],
    "errors": [],
    "inflight": [],
    "saturation": [],
    "ttfb": [],
    "wrong": [],
    "route_label": None,
    "notes": "not labelled yet",
    "absent_in_body": [],
}


def capture(program: Program, folder: Path, tools: installation.Tools) -> tuple[str, str]:
    """Start, load and ask one program; return both answers, scrubbed."""
    sandbox = Sandbox(folder / program.name, tools.python, tools.node_modules)
    ended = threading.Event()
    try:
        running = program.start(sandbox)
        sandbox.wait_for_page(running.metrics_url)

        def load() -> None:
            while not ended.is_set():
                with contextlib.suppress(OSError, ValueError):
                    running.load_round()
                ended.wait(0.2)

        loader = threading.Thread(target=load, daemon=True)
        loader.start()
        time.sleep(WARM_UP_S)
        before = traffic.request(running.metrics_url, Accept=ACCEPT)
        time.sleep(BETWEEN_CAPTURES_S)
        after = traffic.request(running.metrics_url, Accept=ACCEPT)
        ended.set()
        loader.join(20)
    finally:
        ended.set()
        sandbox.stop()
    return scrub(before.decode(), sandbox.folder), scrub(after.decode(), sandbox.folder)


def describe(text: str) -> dict[str, Any]:
    """Count what an exposition holds, under the keys of the labelled files elsewhere."""
    types = re.findall(r"^# TYPE \S+ (\S+)", text, re.MULTILINE)
    samples = [line for line in text.splitlines() if line and not line.startswith("#")]
    names = {re.split(r"[{ ]", line, maxsplit=1)[0] for line in samples}
    timed = [line for line in samples if re.search(r"(?:\}|^\S+) \S+ -?\d+$", line)]
    return {
        "format": "text-0.0.4",
        "gz": True,
        "bytes": len(text.encode()),
        "families": len(types) or len(names),
        "has_type_lines": bool(types),
        "sample_names": len(names),
        "series": len(samples),
        "timestamps": len(timed),
        "exemplars": 0,
        "types": dict(Counter(types)),
    }


def store(program: Program, before: str, after: str, versions: dict[str, str]) -> None:
    """Write both captures and the program's entry of the index; keep its labels."""
    for suffix, text in (("before.", before), ("", after)):
        packed = gzip.compress(text.encode(), 9, mtime=0)
        (EXPOSITIONS / f"{program.name}.{suffix}prom.gz").write_bytes(packed)
    index = EXPOSITIONS / "index.json"
    content = json.loads(index.read_text())
    entries = {entry["file"]: entry for entry in content["files"]}
    file = f"{program.name}.prom.gz"
    entries[file] = {
        "file": file,
        "before": f"{program.name}.before.prom.gz",
        "split": "own",
        "kind": program.kind,
        **describe(after),
        "source": {"versions": versions, "load": program.load, "license": "own output"},
        "truth": entries.get(file, {}).get("truth", NO_TRUTH),
    }
    content["files"] = [entries[name] for name in sorted(entries)]
    index.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("programs", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--install", action="store_true", help="install what is missing first")
    parser.add_argument("--tools", type=Path, help="folder of the Python and Node packages, kept")
    return parser.parse_args()


def main() -> int:
    """Capture the programs, two at a time; return 1 where one failed."""
    arguments = parse_arguments()
    wanted = [p for p in PROGRAMS if not arguments.programs or p.name in arguments.programs]
    folder = Path(tempfile.mkdtemp(prefix="expositions-"))
    folder.chmod(0o755)
    failed = []
    try:
        tools = installation.prepare(wanted, arguments.tools or folder, install=arguments.install)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            waiting = {pool.submit(capture, program, folder, tools): program for program in wanted}
            for done in concurrent.futures.as_completed(waiting):
                program = waiting[done]
                try:
                    before, after = done.result()
                except Exception:  # A program that fails costs its own capture only.
                    failed.append(program.name)
                    print(f"{program.name}: not captured\n{traceback.format_exc(limit=-2)}")
                    continue
                store(program, before, after, installation.versions(program, tools))
                print(f"{program.name}: {len(after.splitlines())} lines", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{len(wanted) - len(failed)} captured; failed: {', '.join(failed) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Every hostile answer, as a target of one run: up or down as Prometheus has it, with a warning, and JSON that is JSON."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from outside import shared

ROUNDS = 3


@pytest.fixture
def entries() -> dict[str, dict[str, Any]]:
    found = json.loads(shared("expositions/hostile_index.json").read_text())["files"]
    return {entry["name"]: entry for entry in found if not entry["generated"]}


@pytest.fixture
def port(entries: dict[str, dict[str, Any]]) -> Iterator[int]:
    class Answers(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            entry = entries[self.path.strip("/")]
            body = shared(f"expositions/{entry['file']}").read_bytes()
            self.send_response(200)
            headers = {"Content-Type": entry.get("content_type"), **(entry.get("headers") or {})}
            for name, value in headers.items():
                if value and name.lower() != "content-length":
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_all_hostile_answers_in_one_run_are_what_prometheus_makes_of_them(
    entries: dict[str, dict[str, Any]], port: int
) -> None:
    urls = [f"http://127.0.0.1:{port}/{name}" for name in entries]
    command = [sys.executable, "-m", "tputtui", "stream", "--no-discover", "-n", str(ROUNDS), *urls]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert not [char for char in ran.stdout if not char.isprintable() and char != "\n"]
    lines = ran.stdout.splitlines()
    assert len(lines) == ROUNDS
    targets = {
        target["url"].rpartition("/")[2]: target
        for line in lines
        for target in json.loads(line)["targets"]
        if target["state"] != "slow"  # a busy machine reads some of them late
    }
    assert set(targets) == set(entries)
    wrong = {}
    for name, entry in entries.items():
        measured, target = str(entry["prometheus"]), targets[name]
        rejected = "up=0" in measured and "3.x: accepted" not in measured
        if rejected and target["up"] and not target["warning"]:
            wrong[name] = "Prometheus rejects it, and we say nothing"
        if not target["up"] and "up=0" not in measured:
            wrong[name] = f"Prometheus takes it, and we do not: {target['error']}"
    assert wrong == {}

"""Every hostile answer, as a target of one run.

Up or down as in Prometheus, with a warning, and valid JSON.
"""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from external_resources import shared

MOST_ROUNDS = 60
"""Ticks that a busy machine may take until every answer has been read once."""


@pytest.fixture
def entries() -> dict[str, dict[str, Any]]:
    files = json.loads(shared("expositions/hostile_index.json").read_text())["files"]
    return {entry["name"]: entry for entry in files if not entry["generated"]}


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


def answered_targets(urls: list[str]) -> dict[str, dict[str, Any]]:
    """Stream until every target has answered; return each target's last state by its entry."""
    command = [sys.executable, "-m", "tputtui", "stream", "--no-discover"]
    command += ["-n", str(MOST_ROUNDS), *urls]
    targets: dict[str, dict[str, Any]] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        for line in program.stdout:
            assert line.rstrip("\n").isprintable()
            for target in json.loads(line)["targets"]:
                if target["state"] != "slow":
                    targets[target["url"].rpartition("/")[2]] = target
            if len(targets) == len(urls):
                break
        program.terminate()
    return targets


@pytest.mark.slow
def test_all_hostile_answers_in_one_run_are_read_as_prometheus_reads_them(
    entries: dict[str, dict[str, Any]], port: int
) -> None:
    urls = [f"http://127.0.0.1:{port}/{name}" for name in entries]
    targets = answered_targets(urls)
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

"""`tputtui profile`: choice of processes, targets to poll, and exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tputtui import cli
from tputtui.cli.verbs.profile import _served_targets
from tputtui.settings import Settings, TargetSettings

_SERVER = """
import http.server, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"# TYPE requests_total counter\\nrequests_total 1\\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        time.sleep(60)
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.fixture
def server() -> Iterator[tuple[int, int]]:
    """Start a Python process that serves metrics; yield (pid, port)."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.kill()


@pytest.fixture
def another() -> Iterator[list[str]]:
    """Yield the requests to a listener of our own that is not a target."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
            """Silence the log of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield asked
        listener.shutdown()


@pytest.fixture(autouse=True)
def no_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUTTUI_CONFIG", os.devnull)


def threads_of(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert cli.main(["profile", *argv]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--rate", "0"], "--rate 0: 1 to 1000 samples a second"),
        (["--rate", "1001"], "1 to 1000"),
        (["--for", "2h"], "--for 7200s: 0.5 s to 3600 s"),
        (["--for", "0"], "not a time above 0"),
        (["--for", "0.1s"], "--for 0.1s: 0.5 s to 3600 s"),
        (["--force"], "belongs to -o"),
    ],
)
def test_a_value_out_of_range_is_refused_and_never_replaced_by_the_default(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, flags: list[str], expected: str
) -> None:
    output = [] if flags == ["--force"] else ["-o", str(tmp_path / "p.json")]
    assert expected in refused(capsys, str(os.getpid()), *flags, *output)


@pytest.mark.parametrize("with_output", [True, False])
def test_a_process_that_is_not_python_is_unusable_input(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    with_output: bool,
) -> None:
    monkeypatch.setattr("tputtui.cli.screen_runner.no_screen_reason", lambda _: "")
    with subprocess.Popen(["sleep", "60"]) as process:
        output = refused(
            capsys, str(process.pid), *(["-o", str(tmp_path / "p.json")] if with_output else [])
        )
        process.kill()
    assert "is not Python; choose a Python process" in output
    assert list(tmp_path.iterdir()) == []


def test_only_the_config_s_targets_that_the_process_serves_are_polled(
    server: tuple[int, int],
) -> None:
    pid, port = server
    configured = (
        TargetSettings(name="api", url=f"localhost:{port}/m"),
        TargetSettings(name="db", url="10.0.0.1:9"),
    )
    assert _served_targets(Settings(targets=configured), pid) == configured[:1]


def test_the_screen_runs_no_discovery_and_never_connects_to_the_process(
    server: tuple[int, int], another: list[str], attaching: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[Settings] = []

    def show(settings: Settings, *_: object, **__: object) -> int:
        shown.append(settings)
        return 0

    monkeypatch.setattr("tputtui.cli.screen_runner.no_screen_reason", lambda _: "")
    monkeypatch.setattr("tputtui.cli.verbs.profile.show_screen", show)
    before = threads_of(server[0])
    assert cli.main(["profile", str(server[0])]) == 0
    assert [(settings.targets, settings.discover) for settings in shown] == [((), False)]
    assert threads_of(server[0]) == before, "it answered somebody, in a thread that stays"
    assert another == []


def test_a_process_that_listens_nowhere_has_no_targets() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert (
            _served_targets(Settings(targets=(TargetSettings(name="db", url=":9"),)), process.pid)
            == ()
        )
        process.kill()

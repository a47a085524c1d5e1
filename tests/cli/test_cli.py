"""The program as a process: exit codes, streams and unusual environments."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tputtui import __version__
from tputtui.demo import shop_routes

PROGRAM = [sys.executable, "-m", "tputtui"]
CLOSED_PORT = ":1"


def environment(**more: str) -> dict[str, str]:
    names = ("PATH", "HOME", "LANG", "XDG_CONFIG_HOME", "XDG_STATE_HOME")
    return {name: os.environ[name] for name in names if name in os.environ} | more


def run(
    *argv: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
        env=environment() if env is None else env,
    )


class _Metrics(BaseHTTPRequestHandler):
    """Handler that answers with a counter that grows with every scrape."""

    protocol_version = "HTTP/1.1"
    scrapes = 0

    def do_GET(self) -> None:
        type(self).scrapes += 1
        body = (
            "# TYPE http_requests_total counter\n"
            f'http_requests_total{{code="200",route="/a"}} {100 * self.scrapes}\n'
            f'http_requests_total{{code="500",route="/\x1b[31mb"}} {self.scrapes}\n'
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Silence the log of requests."""


@pytest.fixture(scope="module")
def target() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Metrics) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f":{server.server_port}"
        server.shutdown()
        thread.join()


def test_version_and_help_work_without_targets_or_config() -> None:
    for env in (environment(), {"PATH": os.environ["PATH"]}):
        assert run("--version", env=env).stdout == f"tputtui {__version__}\n"
        assert "examples:" in run("--help", env=env).stdout


def test_a_deleted_current_folder_does_no_harm(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    script = (
        f"cd {folder} && rmdir {folder} && exec {Path(sys.executable).parent}/tputtui config path"
    )
    done = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, check=False, env=environment()
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("/tputtui/config.toml\n")


def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, target: str) -> None:
    for name in ("httpx", "psutil", "json", "tomllib"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('taken')")
    done = run("stream", "-n", "1", target, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--strem"], "unknown flag --strem"),
        (["strem"], '"strem" is no verb and no target'),
        (["stream", "file:///etc/passwd"], "only http and https"),
        (["stream", "--config", "/nowhere.toml"], "there is no such file"),
        (["stream", "--objective", "p99<1s"], "an objective reads"),
        (["stream", "--interval", "0"], "--interval: "),
        (["demo", "-n", "3"], "belongs to --stream"),
        (["profile", "999999999"], "no process 999999999"),
        (["check", "--theme", "nope"], '--theme: "nope" is no theme; there are auto, dark'),
        (["stream", "-n", "-3"], "'-3' is not a whole number of at least 1"),
    ],
)
def test_unusable_input_is_one_line_and_exit_code_2(argv: list[str], expected: str) -> None:
    done = run(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert expected in done.stderr


def test_all_errors_of_a_config_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("interval = 0\nwindw = 3\n")
    done = run("stream", "--config", str(path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 2
    assert "c.toml:1: interval" in done.stderr
    assert 'c.toml:2: windw: unknown key, did you mean "window"?' in done.stderr


@pytest.mark.parametrize("argv", [[], [CLOSED_PORT], ["demo"]])
def test_without_a_terminal_one_line_points_to_the_stream(argv: list[str]) -> None:
    done = run(*argv)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "stream" in done.stderr
    assert "\x1b" not in done.stderr


def test_the_stream_gives_n_objects_and_the_first_has_a_rate(target: str) -> None:
    done = run("stream", "-n", "2", target)  # an interval that a busy machine can keep
    assert (done.returncode, done.stderr) == (0, "")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(objects) == 2
    assert objects[0]["schema"] == 1
    assert objects[0]["services"][0]["traffic"]["rps"] > 0
    assert done.stdout.isascii()


def test_a_target_that_is_down_is_an_object_and_exit_code_0() -> None:
    done = run("stream", "-n", "1", CLOSED_PORT)
    assert done.returncode == 0
    (status,) = json.loads(done.stdout)["targets"]
    assert (status["up"], status["error"]) == (False, "connection refused")


def test_a_duplicate_target_is_reported_on_stderr(target: str) -> None:
    done = run("stream", "-n", "1", target, f"127.0.0.1{target}/metrics")
    assert len(json.loads(done.stdout)["targets"]) == 1
    assert "counts once" in done.stderr


def test_a_reader_that_closes_the_pipe_ends_the_stream_with_exit_code_0(target: str) -> None:
    with subprocess.Popen(
        [*PROGRAM, "stream", "--interval", "0.1", target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"{")
        process.stdout.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_stream_quietly(target: str, number: signal.Signals, code: int) -> None:
    with subprocess.Popen(
        [*PROGRAM, "stream", "--interval", "0.1", target],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"{")
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (code, b"")


def test_a_full_disk_is_one_line_and_exit_code_1(target: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, "stream", "-n", "1", target],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=environment(),
        )
    assert done.returncode == 1
    assert done.stderr == "tputtui: stdout cannot be written: no space left on device\n"


def test_a_closed_stdout_is_one_line_and_exit_code_2(target: str) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {sys.executable} -m tputtui stream -n 1 {target} >&-"],
        stderr=subprocess.PIPE, text=True, check=False, env=environment(),
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_the_demo_streams_and_its_last_line_holds_the_load_s_counts() -> None:
    done = run("demo", "--stream", "-n", "3", "--load", "100", "--seed", "1")
    assert done.returncode == 0
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    summary = json.loads(done.stderr.splitlines()[-1])
    assert len(objects) == 3
    assert objects[-1]["services"][0]["name"] == "demo"
    assert 0 < objects[-1]["services"][0]["traffic"]["total"] <= summary["completed"]


@pytest.mark.slow
def test_a_partial_outage_of_the_demo_shows_in_the_stream() -> None:
    done = run("demo", "--stream", "--load", "80", "--seconds", "4", "--stop-replica", "1", "--add-latency", "0.5:300",
               "--slowdown", "2", "--seed", "2", "--interval", "0.5")  # fmt: skip
    assert done.returncode == 0
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [target["up"] for target in objects[-1]["targets"]] == [True, False]
    (service,) = objects[-1]["services"]
    assert (service["name"], len(service["targets"])) == ("demo", 2)
    assert service["latency"]["quantiles"]["0.5"] > 0.2
    summary = json.loads(done.stderr.splitlines()[-1])
    assert set(summary) == {
        "sent",
        "completed",
        "errors",
        "seconds",
        "quantiles_s",
        "sustained_max_rps",
    }
    assert summary["sustained_max_rps"] == pytest.approx(
        shop_routes.sustained_max_rps(2, 2.0), abs=0.1
    )


@pytest.mark.slow
def test_the_same_seed_sends_the_same_requests_again() -> None:
    sent = set()
    for _ in range(2):
        done = run("demo", "--stream", "--load", "80", "--seconds", "1.5", "--seed", "9")
        sent.add(json.loads(done.stderr.splitlines()[-1])["sent"])
    assert len(sent) == 1


def test_check_reports_the_bindings_with_their_reasons(target: str) -> None:
    done = run("check", target, "--objective", "p99<=250ms")
    assert done.returncode == 0
    assert "http_requests_total" in done.stdout
    assert "prometheus-client agrees: 2 of 2 samples" in done.stdout
    assert "py-spy" in done.stdout
    assert "every process" not in done.stdout
    assert "score" not in done.stdout
    assert "\x1b" not in done.stdout


def test_check_fails_where_a_target_is_down(target: str) -> None:
    done = run("check", target, CLOSED_PORT)
    assert done.returncode == 1
    assert "connection refused" in done.stdout


def test_check_in_ascii_where_the_locale_is_not_utf8() -> None:
    done = run("check", CLOSED_PORT, env=environment(LANG="C", LC_ALL="C"))
    assert done.stdout.isascii()
    assert "LC_ALL=C" in done.stdout


def test_config_show_names_the_origin_of_each_value(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text('window = "20s"\n[[targets]]\nurl = "http://me:geheim@h:1"\n')
    path.chmod(0o600)
    done = run("config", "show", "--config", str(path), "--interval", "2s")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["window", '"20s"', f"{path}:1"] in lines
    assert ["interval", '"2s"', "flag", "--interval"] in lines
    assert ["theme", '"auto"', "default"] in lines
    assert "geheim" not in done.stdout + done.stderr


def test_config_init_prints_a_file_that_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text(run("config", "init").stdout)
    path.chmod(0o600)
    assert run("config", "show", "--config", str(path)).returncode == 0


def test_an_internal_error_is_one_line_and_a_private_file(tmp_path: Path) -> None:
    code = "import dataclasses, tputtui.cli.verbs.discover as d, tputtui.cli as c, sys\ndef bad(a): raise KeyError('x\\x1b')\nd.VERB = dataclasses.replace(d.VERB, run=bad)\nsys.exit(c.main(['discover']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env=environment(XDG_STATE_HOME=str(tmp_path)),
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr
    (log,) = (tmp_path / "tputtui").iterdir()
    assert log.stat().st_mode & 0o777 == 0o600
    assert "KeyError" in log.read_text()

"""The wheel as a user installs it: built, put into an empty environment, run from elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tputtui import __version__

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "constraints" / "run.txt"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("wheel"),  # one environment for all of them
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def program(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command in an environment of the wheel and its pinned dependencies only."""
    folder = tmp_path_factory.mktemp("empty")
    completed = subprocess.run(
        [sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False
    )
    if completed.returncode == 0:
        pip = [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]
        pins = [*pip, "--require-hashes", "-r", str(PINS)]
        completed = subprocess.run(pins, capture_output=True, text=True, check=False, timeout=300)
    if completed.returncode != 0:
        sentence = (
            f"no environment could be made: {(completed.stderr or completed.stdout).strip()[-300:]}"
        )
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    subprocess.run([*pip, "--no-deps", str(wheel)], check=True, capture_output=True, timeout=120)
    subprocess.run(
        [*pip[:3], "check"], check=True, capture_output=True, timeout=60
    )  # nothing declared is missing
    return folder / "bin" / "tputtui"


class _Metrics(BaseHTTPRequestHandler):
    scrapes = 0

    def do_GET(self) -> None:
        type(self).scrapes += 1
        body = f'# TYPE http_requests_total counter\nhttp_requests_total{{code="200"}} {100 * self.scrapes}\n'.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the library
        """Silence the log of requests."""


@pytest.fixture
def target() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Metrics) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/metrics"
        server.shutdown()
        thread.join()


def run(program: Path, *argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(program), *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=cwd,
    )


def test_it_holds_the_package_the_themes_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    folders = {name.partition("/")[0] for name in names}
    assert folders == {"tputtui", f"tputtui-{__version__}.dist-info"}
    themes = {Path(name).name for name in names if name.startswith("tputtui/themes/")}
    assert themes == {path.name for path in (ROOT / "themes").iterdir()}
    assert {"tputtui/py.typed", "tputtui/report/report.css"} <= set(names)
    assert f"tputtui-{__version__}.dist-info/licenses/LICENSE" in names


def test_it_prints_its_version(program: Path, tmp_path: Path) -> None:
    assert run(program, "--version", cwd=tmp_path).stdout == f"tputtui {__version__}\n"


def test_it_streams_a_target(program: Path, target: str, tmp_path: Path) -> None:
    done = run(program, "stream", "-n", "2", "--interval", "0.2", target, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [document["services"][0]["traffic"]["rps"] > 0 for document in objects] == [True, True]


def test_its_demo_runs(program: Path, tmp_path: Path) -> None:
    done = run(program, "demo", "--stream", "-n", "2", "--load", "50", cwd=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stderr.splitlines()[-1])["sent"] > 0


def test_it_contains_the_style_sheet_of_its_reports(program: Path, tmp_path: Path) -> None:
    code = "from tputtui.report.html_report import read_style; print(read_style(), end='')"
    done = subprocess.run(
        [str(program.parent / "python"), "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.stdout == (ROOT / "tputtui" / "report" / "report.css").read_text("utf-8")


def test_it_contains_its_themes(program: Path, tmp_path: Path) -> None:
    code = "from tputtui.tui import theme_files; print(*theme_files.theme_names(theme_files.theme_folders()))"
    done = subprocess.run(
        [str(program.parent / "python"), "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert set(done.stdout.split()) >= {path.stem for path in (ROOT / "themes").iterdir()}, (
        done.stderr
    )

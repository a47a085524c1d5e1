"""Few descriptors: an operation without one is an error of its target, and the program goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from terminal_session import TPUTTUI, Session

from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedTick

pytestmark = pytest.mark.slow

SENTENCE = "too many open files here: raise the limit (ulimit -n)"
COMMENT = b"# " + b"x" * 9_997 + b"\n"
LARGE = 15_000 * len(COMMENT)  # 150 MB
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: %d\r\n\r\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    count = 0
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while head := await reader.readuntil(b"\r\n\r\n"):
            count += 1
            body = f"# TYPE http_requests_total counter\nhttp_requests_total {count}\n"
            padding = LARGE if head.startswith(b"GET /large ") else 0
            writer.write((HEAD % (len(body) + padding) + body).encode())
            for _ in range(padding // len(COMMENT)):
                writer.write(COMMENT)
                await writer.drain()
            await writer.drain()
    writer.close()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Serve all targets, told apart by path; yield the port."""
    ready: list[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = []
    started = threading.Event()

    async def serve() -> None:
        ended = asyncio.Event()
        server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=2000)
        ready.append((asyncio.get_running_loop(), ended, server.sockets[0].getsockname()[1]))
        started.set()
        await ended.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    started.wait()
    loop, ended, handler = ready[0]
    yield handler
    loop.call_soon_threadsafe(ended.set)
    thread.join(5)


def targets(folder: Path, port: int, count: int) -> str:
    path = folder / "targets.json"
    groups = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"__metrics_path__": f"/{number}"}}
        for number in range(count)
    ]
    path.write_text(json.dumps(groups))
    return str(path)


def limited(limit: str, *arguments: str) -> list[str]:
    """Return a command under a limit on descriptors: "64", or "-S 64" for the soft limit alone."""
    kind, _, number = limit.rpartition(" ")
    return ["sh", "-c", f'ulimit {kind} -n {number}; exec "$@"', "sh", *arguments]


def streamed(limit: str, file: str) -> dict[str, Any]:
    argv = limited(
        limit, sys.executable, "-m", "tputtui", "stream", "-n", "2", "--targets-from", file
    )
    done = subprocess.run(argv, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    document: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return document


@pytest.mark.parametrize(("limit", "count"), [(64, 100), (256, 300)])
def test_targets_beyond_the_descriptor_limit_fail_and_nothing_else_does(
    port: int, tmp_path: Path, limit: int, count: int
) -> None:
    document = streamed(str(limit), targets(tmp_path, port, count))
    errors = [target["error"] for target in document["targets"]]
    assert len(errors) == count
    assert set(errors) == {None, SENTENCE}
    assert errors.count(None) >= limit // 4, "most of what the limit allows is used"
    assert document["host"]["cpu"]["cores"] is not None
    assert document["self"]["rss_bytes"] is not None


def test_no_target_fails_where_the_soft_limit_may_be_raised(port: int, tmp_path: Path) -> None:
    document = streamed("-S 64", targets(tmp_path, port, 100))
    assert [target["error"] for target in document["targets"]] == [None] * 100


def test_a_recording_goes_on_where_descriptors_have_run_out(port: int, tmp_path: Path) -> None:
    run = tmp_path / "few.tput.gz"
    file = targets(tmp_path, port, 100)
    arguments = ["record", "-o", str(run), "--for", "2s", "--targets-from", file]
    done = subprocess.run(
        limited("64", sys.executable, "-m", "tputtui", *arguments),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    with Run(run) as opened:
        scrapes = [
            scrape
            for item in opened.items()
            if isinstance(item, RecordedTick)
            for scrape in item.reading.scrapes
        ]
    assert {scrape.error for scrape in scrapes} == {None, SENTENCE}


def test_an_output_that_finds_no_descriptor_says_so(tmp_path: Path) -> None:
    """The file itself fails here: no descriptor is left when it is opened."""
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from tputtui.recording.writer import CannotRecordError, RunWriter\n"
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0) + 1,) * 2)\n"
        "try: RunWriter(Path(sys.argv[1]))\n"
        "except CannotRecordError as error: print(error)\n"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "a.tput.gz")]
    done = subprocess.run(argv, capture_output=True, check=True, timeout=30, text=True)
    assert done.stdout.strip() == f"{tmp_path / 'a.tput.gz'}: {SENTENCE}"


@pytest.mark.pty
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_the_screen_works_with_more_targets_than_descriptors(
    port: int, tmp_path: Path, size: tuple[int, int]
) -> None:
    environ = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    argv = limited("64", TPUTTUI, "--targets-from", targets(tmp_path, port, 100))
    with Session(argv, size, environ) as session:
        session.wait_for("too many open files", 30)
        session.send("?")  # a screen whose modules are loaded only now
        session.wait_for("(?i)help", 15)
        session.send("?")
        session.read(0.5)
        session.send("R")
        session.read(2.5)
        session.send("R")
        session.read(1.0)
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()
    assert [path for path in (tmp_path / "state").rglob("*.tput.gz") if path.stat().st_size > 1000]


def test_a_child_process_gets_the_original_limit() -> None:
    code = (
        "import resource, sys\n"
        "from tputtui import descriptors\n"
        "from tputtui.profiling.capture import launcher\n"
        "show = [sys.executable, '-c', 'import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))']\n"
        "print(launcher.run(show, 20).stdout.strip())\n"
        "descriptors.make_room(300)\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
        "print(launcher.run(show, 20).stdout.strip())\n"
    )
    hard = 2000
    argv = limited("-S 100", *limited(f"-H {hard}", sys.executable, "-c", code))
    done = subprocess.run(argv, capture_output=True, check=True, timeout=60, text=True)
    assert done.stdout.split("\n")[:3] == [f"100 {hard}", "512", f"100 {hard}"], done.stderr


def test_py_spy_without_a_free_descriptor_is_a_sentence(attaching: None) -> None:
    code = (
        "import os, resource, sys, time\n"
        "from tputtui.model import ProcessReference\n"
        "from tputtui.profiling.capture import preflight\n"
        "preflight.find_py_spy()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (os.dup(0) + 3,) * 2)\n"
        "print(preflight.check(ProcessReference(int(sys.argv[1]))).message)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(60)"], stdout=-1
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        done = subprocess.run(
            [sys.executable, "-c", code, str(other.pid)],
            capture_output=True,
            check=False,
            timeout=60,
            text=True,
        )
        os.kill(other.pid, signal.SIGKILL)
    assert done.stdout.strip() == f"py-spy does not start: {SENTENCE}", done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to ulimit -v")
def test_a_body_beyond_the_available_memory_fails_its_target_and_nothing_else(
    port: int, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    ask = "".join(
        f'[[targets]]\nname = "{name}"\nurl = ":{port}/{name}"\n' for name in ("small", "large")
    )
    config.write_text(f'interval = "5s"\nlimits.body = "1GiB"\n{ask}')
    config.chmod(0o600)
    arguments = [sys.executable, "-m", "tputtui", "stream", "-n", "1", "--config", str(config)]
    argv = ["sh", "-c", 'ulimit -v 600000; exec "$@"', "sh", *arguments]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, b"")
    small, large = json.loads(done.stdout)["targets"]
    assert (small["up"], small["error"]) == (True, None)
    assert large["error"] == "not enough memory here: free some, or raise the limit (ulimit -v)"

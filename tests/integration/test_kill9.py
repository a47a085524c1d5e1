"""After kill -9 no service, no load, no py-spy and no stopped process is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from external_resources import command_line

from tputtui.model import ProcessReference
from tputtui.profiling.capture import preflight, process_facts

pytestmark = [pytest.mark.integration, pytest.mark.alone]

TPUTTUI = str(Path(sys.executable).with_name("tputtui"))
PATIENCE_S = 15.0
BUSY = "import time\nend = time.time() + 120\nprint(1, flush=True)\nwhile time.time() < end: sum(range(1000))"


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def gone(process: psutil.Process) -> bool:
    """Return whether the process has ended; an unreaped zombie counts as ended."""
    try:
        return not process.is_running() or process.status() in (
            psutil.STATUS_ZOMBIE,
            psutil.STATUS_DEAD,
        )
    except psutil.NoSuchProcess:
        return True


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def still(processes: list[psutil.Process]) -> list[str]:
    return [
        f"{process.pid} {command_line(process.pid)}" for process in processes if not gone(process)
    ]


def end(processes: list[psutil.Process]) -> None:
    """End the processes of a failed test."""
    for process in processes:
        if not gone(process):
            process.kill()


def test_the_demo_s_service_and_load_end_with_the_demo() -> None:
    argv = [TPUTTUI, "demo", "--stream", "--load", "50"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as demo:
        assert demo.stdout is not None
        assert demo.stdout.readline()
        children = below(demo.pid)
        commands = " ".join(command_line(child.pid) for child in children)
        assert "tputtui.demo.service" in commands
        assert "tputtui.demo.load" in commands
        demo.send_signal(signal.SIGKILL)
        demo.wait(PATIENCE_S)
        ended = until(lambda: all(map(gone, children)))
        left = still(children)
        end(children)
        assert ended, left


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    """Start a computing Python process that py-spy may attach to."""
    with subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        verdict = preflight.check(ProcessReference(process.pid))
        if not verdict.can_attach:
            process.kill()
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
                f"no py-spy here: {verdict.message}"
            )
        yield process
        process.kill()


def test_py_spy_ends_with_tputtui_and_the_profiled_process_runs_on(
    busy: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    argv = [TPUTTUI, "profile", str(busy.pid), "--for", "10s", "-o", str(tmp_path / "taken.json")]

    def spies(pid: int) -> list[psutil.Process]:
        return [child for child in below(pid) if "py-spy" in command_line(child.pid)]

    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as capture:
        assert capture.stderr is not None
        assert "sampling" in capture.stderr.readline()
        assert until(lambda: bool(spies(capture.pid)))
        children = below(capture.pid)
        capture.send_signal(signal.SIGKILL)
        capture.wait(PATIENCE_S)
        ended = until(lambda: all(map(gone, children)))
        left = still(children)
        end(children)
        assert ended, left

    def runs_on() -> bool:
        facts = process_facts.read_facts(busy.pid)
        assert facts is not None
        return facts.state in "RS" and facts.tracer_pid == 0

    assert until(runs_on), process_facts.read_facts(busy.pid)
    before = psutil.Process(busy.pid).cpu_times().user
    assert until(lambda: psutil.Process(busy.pid).cpu_times().user > before)
    assert not (tmp_path / "taken.json").exists()

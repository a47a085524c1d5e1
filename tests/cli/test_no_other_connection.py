"""Only the targets are contacted.

No update check, no telemetry, no lookup of a name that the user did not type (CC-11 of
docs/reliability.md).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from exporter import Exporter

HOOKED = """
import sys
def hook(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        where = args[1] if event in ("socket.connect", "socket.sendto") else args[:2]
        print("asked", event, where, file=sys.stderr, flush=True)
sys.addaudithook(hook)
from tputtui.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as server:
        yield server


@pytest.mark.parametrize(
    "arguments",
    [["stream", "-n", "3"], ["check"], ["record", "--for", "2s", "-o", "a.tput.gz"]],
    ids=lambda arguments: arguments[0],
)
@pytest.mark.slow
def test_every_connection_goes_to_the_target(
    exporter: Exporter, tmp_path: Path, arguments: list[str]
) -> None:
    argv = [sys.executable, "-c", HOOKED, *arguments, f"127.0.0.1:{exporter.port}"]
    env = dict(os.environ, HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path))
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    asked = {
        line.partition("asked ")[2]
        for line in done.stderr.splitlines()
        if line.startswith("asked ")
    }
    assert asked == {f"socket.connect ('127.0.0.1', {exporter.port})"}


def test_without_a_target_only_this_machine_is_contacted(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", HOOKED, "stream", "-n", "2"]
    env = dict(os.environ, HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path))
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path, env=env
    )
    assert done.returncode == 0, done.stderr
    asked = [line for line in done.stderr.splitlines() if line.startswith("asked ")]
    assert all("('127.0.0.1'," in line or "('::1'," in line for line in asked), asked

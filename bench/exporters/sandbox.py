"""Throw-away surroundings of one program: a folder, free ports, processes that end with it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

SERVICES = Path(__file__).resolve().parent / "services"
READY_WITHIN_S = 60.0


class NotReadyError(Exception):
    """A program did not listen in time, or ended before it did."""


class Sandbox:
    """Folder, ports and processes of one program. `stop` ends the processes, newest first."""

    def __init__(self, folder: Path, python: Path, node_modules: Path) -> None:
        self.folder = folder
        self.python = str(python)
        self.node_modules = str(node_modules)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports: set[int] = set()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)  # Some servers give up root before they write.

    def port(self) -> int:
        """Return a port of the loopback that is free now and was not returned before."""
        while True:
            with socket.socket() as listener:
                listener.bind(("127.0.0.1", 0))
                number: int = listener.getsockname()[1]
            if number not in self._ports:
                self._ports.add(number)
                return number

    def write(self, name: str, text: str) -> str:
        """Write a file into the folder and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
        return str(path)

    def directory(self, name: str, owner: str | None = None) -> str:
        """Make a directory in the folder, owned by a user of the system where one is named."""
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        if owner is not None:
            shutil.chown(path, owner, owner)
        return str(path)

    def start(self, *command: str, port: int | None = None, **environment: str) -> None:
        """Start a program in a process group of its own; wait until it listens on the port."""
        log = self.folder / f"{Path(command[0]).name}-{len(self._processes)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["nice", *command],
                cwd=self.folder,
                env=os.environ | {"HOME": str(self.folder)} | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._processes.append(process)
        if port is not None:
            self._wait_for_port(port, process, log)

    def start_python(self, service: str, *arguments: str, port: int | None, **env: str) -> None:
        """Start one of our services, `services/NAME.py`, in the virtual environment."""
        self.start(self.python, str(SERVICES / service), *arguments, port=port, **env)

    def start_node(self, service: str, *arguments: str, port: int, **env: str) -> None:
        """Start one of our services, `services/NAME.js`, with the installed modules."""
        script = str(SERVICES / service)
        self.start("node", script, *arguments, port=port, NODE_PATH=self.node_modules, **env)

    def run(self, *command: str, user_input: str = "", **environment: str) -> str:
        """Run a command to its end and return its standard output. Raises: CalledProcessError."""
        done = subprocess.run(
            ["nice", *command],
            cwd=self.folder,
            env=os.environ | {"HOME": str(self.folder)} | environment,
            input=user_input,
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout

    def wait_for_page(self, url: str) -> None:
        """Wait until the page is there. Raises: NotReadyError."""
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(url, timeout=5) as answer,
            ):
                if answer.status == 200:
                    return
            time.sleep(0.3)
        raise NotReadyError(f"no answer from {url} in {READY_WITHIN_S:.0f} s")

    def stop(self) -> None:
        """End the started processes, each with its group, newest first."""
        for process in reversed(self._processes):
            _signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def _wait_for_port(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            # A server that went into the background has an exit code of 0.
            if process.poll() not in (None, 0):
                break
            time.sleep(0.2)
        tail = log.read_bytes()[-800:].decode(errors="replace")
        raise NotReadyError(f"{log.stem} does not listen on {port}:\n{tail}")


def _signal_group(leader: int, number: int) -> None:
    """Signal the group of a process that this sandbox started as its leader."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)

"""Launcher of py-spy: child processes with limited lifetime, output and run time.

All children are spawned by one thread that lives as long as the process, because PR_SET_PDEATHSIG
follows the thread that spawned. A small program sets it on itself, restores the limit on open files
that we were started with, and then executes py-spy (preexec_fn is unsafe with threads). Output goes
to pipes; its beginning is kept and the rest is discarded. A child is ended by SIGINT, then SIGTERM,
then SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import queue
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from tputtui.descriptors import inherited_limit
from tputtui.frozen import frozen
from tputtui.host.self_usage import track_child

MAX_OUTPUT_BYTES = 64 * 1024  # of stdout and of stderr each

_EXEC_SCRIPT = """
import ctypes, os, resource, sys

try: ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
except (AttributeError, OSError): pass
if os.getppid() != int(sys.argv[1]): os._exit(1)
if sys.argv[2] != "-":
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[2]), hard))
os.execv(sys.argv[3], sys.argv[3:])
"""

_SpawnRequest = tuple[list[str], "Future[subprocess.Popen[bytes]]"]
_spawn_requests: queue.SimpleQueue[_SpawnRequest] = queue.SimpleQueue()
_spawner_lock = threading.Lock()
_spawner: threading.Thread | None = None


def child_environment() -> dict[str, str]:
    """Our environment, with settings that keep py-spy's messages plain and short."""
    return os.environ | {
        "RUST_BACKTRACE": "0",
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
        "RUST_LOG": "off",
    }


def _open_files_argument() -> str:
    """Soft limit on open files to restore in a child; "-" if ours was not raised."""
    limit = inherited_limit()
    return "-" if limit is None else str(limit)


def _spawn_loop() -> None:
    while True:
        argv, answer = _spawn_requests.get()
        try:
            answer.set_result(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-I",
                        "-S",
                        "-c",
                        _EXEC_SCRIPT,
                        str(os.getpid()),
                        _open_files_argument(),
                        *argv,
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=child_environment(),
                    start_new_session=True,
                    bufsize=0,
                )
            )
        except BaseException as error:
            answer.set_exception(error)


def _spawn(argv: Sequence[str]) -> subprocess.Popen[bytes]:
    global _spawner
    with _spawner_lock:
        if _spawner is None or not _spawner.is_alive():
            _spawner = threading.Thread(target=_spawn_loop, name="py-spy spawner", daemon=True)
            _spawner.start()
    answer: Future[subprocess.Popen[bytes]] = Future()
    _spawn_requests.put((list(argv), answer))
    return answer.result()


class ChildProcess:
    """A running program; argv[0] is its absolute path. For use by one thread.

    Raises OSError if the program cannot be started.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self._process = _spawn(argv)
        track_child(self._process.pid)
        self._output = {"stdout": bytearray(), "stderr": bytearray()}
        try:
            self._selector = selectors.DefaultSelector()
        except OSError:  # no file descriptor was left for it
            self._process.kill()
            self._process.communicate()
            raise
        for name, pipe in (("stdout", self._process.stdout), ("stderr", self._process.stderr)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                self._selector.register(pipe, selectors.EVENT_READ, name)

    @property
    def pid(self) -> int:
        """Process id of the child."""
        return self._process.pid

    @property
    def stdout(self) -> str:
        """Beginning of its output so far."""
        return self._output["stdout"].decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        """Beginning of its error output so far."""
        return self._output["stderr"].decode("utf-8", "replace")

    def poll(self, timeout_s: float = 0.0) -> int | None:
        """Read available output for at most about `timeout_s` seconds.

        Returns the exit status once the child has ended.
        """
        if self._selector.get_map():
            for key, _ in self._selector.select(timeout_s):
                self._drain(key)
        elif self._process.poll() is None and timeout_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout_s)
        return self._process.poll()

    def _drain(self, key: selectors.SelectorKey) -> None:
        kept = self._output[key.data]
        # bounded, so that a flood of output cannot delay the check of the clock
        for _ in range(16):
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._selector.unregister(key.fileobj)
                return
            kept += data[: max(0, MAX_OUTPUT_BYTES - len(kept))]

    def send_signal(self, number: int) -> bool:
        """Send a signal; False if not permitted (a child that runs as root by sudo)."""
        try:
            self._process.send_signal(number)
        except PermissionError:
            return False
        return True

    def wait(self, timeout_s: float) -> int | None:
        """Wait up to `timeout_s` seconds for the exit status; None while it runs."""
        end = time.monotonic() + timeout_s
        while True:
            status = self.poll(min(0.05, max(0.0, end - time.monotonic())))
            if status is not None or time.monotonic() >= end:
                return status

    def stop(self) -> int | None:
        """Stop the child: SIGINT and 2 s, SIGTERM and 1 s, SIGKILL and 1 s.

        Returns None if even SIGKILL has no effect (state D).
        """
        for number, patience in (
            (signal.SIGINT, 2.0),
            (signal.SIGTERM, 1.0),
            (signal.SIGKILL, 1.0),
        ):
            if self.poll() is not None:
                break
            self.send_signal(number)
            if self.wait(patience) is not None:
                break
        return self.close()

    def kill(self) -> int | None:
        """Kill the child at once."""
        if self.poll() is None:
            self.send_signal(signal.SIGKILL)
            self.wait(1.0)
        return self.close()

    def close(self) -> int | None:
        """Close the pipes after a last read. Returns the exit status."""
        status = self.poll()
        self._selector.close()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        return status


@frozen
class FinishedProcess:
    """Result of a program; `status` None: it did not end in time and was killed."""

    status: int | None
    stdout: str
    stderr: str


def run(argv: Sequence[str], timeout_s: float) -> FinishedProcess:
    """Run a program for at most `timeout_s` seconds. Raises OSError if it cannot be started."""
    child = ChildProcess(argv)
    status = child.wait(timeout_s)
    child.kill()
    return FinishedProcess(status, child.stdout, child.stderr)


def is_executable(path: Path) -> bool:
    """Whether the path is a program that we may execute."""
    return path.is_file() and os.access(path, os.X_OK)

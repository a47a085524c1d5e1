"""A program in a real pseudo-terminal.

Sends keys, reads the screen, and checks that the terminal is restored.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import pyte
from terminals import XTERM, Conversation, Terminal

TPUTTUI = str(Path(sys.executable).with_name("tputtui"))


class Session:
    """One run of a program in a terminal.

    As a context manager it leaves nothing running.
    """

    def __init__(
        self,
        argv: Sequence[str],
        size: tuple[int, int] = (120, 40),
        environ: Mapping[str, str] | None = None,
        terminal: Terminal = XTERM,
    ) -> None:
        self.columns, self.rows = size
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self._conversation = Conversation(terminal)
        self.raw = bytearray()
        self.status: int | None = None
        env = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("TEXTUAL", "COLORTERM"))
        }
        env |= {"TERM": terminal.term, "LANG": "C.UTF-8", **(environ or {})}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            with contextlib.suppress(OSError):
                os.execvpe(argv[0], list(argv), env)  # noqa: S606  # no shell is the point
            os._exit(127)
        if terminal.sized:
            self.resize(*size)
        self.termios_before = termios.tcgetattr(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)

    def resize_window(self, columns: int, rows: int) -> None:
        """Set the size that the kernel and the terminal report, not that of the test's screen."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._conversation.report_size(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        self.resize_window(columns, rows)
        if columns and rows:
            self.columns, self.rows = columns, rows
            self.screen.resize(rows, columns)

    def send(self, keys: str | bytes) -> None:
        os.write(self.fd, keys.encode() if isinstance(keys, str) else keys)

    def press(self, *keys: str) -> None:
        """Send keys in the keyboard protocol that the program requested and the terminal knows."""
        for key in keys:
            self.send(self._conversation.encoded(key))

    def read(self, seconds: float) -> None:
        """Read the program's output for some seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and self._read_once(left):
            pass

    def _read_once(self, patience: float) -> bool:
        """Read one piece of output; return False where there will be no more."""
        answers = self._conversation.due()
        if answers:
            with contextlib.suppress(OSError):  # the program has just ended
                self.send(answers)
        if not select.select([self.fd], [], [], min(patience, self._conversation.patience()))[0]:
            return self.alive()
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b""
        if not data:
            return False
        self.raw += data
        self._stream.feed(self._conversation.read(data))
        return True

    def alive(self) -> bool:
        """Return whether the program still runs; keep its status when it ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is None

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen.display)

    def wait_for(self, pattern: str, seconds: float = 15.0) -> re.Match[str]:
        """Read until the screen shows a pattern. Fails with the screen."""
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern, self.text())
            if match:
                return match
            if time.monotonic() > end or not self._read_once(end - time.monotonic()):
                match = re.search(pattern, self.text())
                assert match, (
                    f"{pattern!r} did not appear in {seconds:g} s; status {self.status}\n{self.text()}"
                )
                return match

    def wait_end(self, seconds: float = 10.0) -> int:
        """Read until the program has ended; return its exit status (negative: the signal)."""
        end = time.monotonic() + seconds
        while self.alive() and time.monotonic() < end:
            self._read_once(0.1)
        assert self.status is not None, f"it still runs after {seconds:g} s\n{self.text()}"
        while self._read_once(0.0) and select.select([self.fd], [], [], 0)[0]:
            pass
        return self.status

    def modes_left_on(self) -> set[str]:
        """Return the modes that differ from the start: private ones, and the keyboard protocol."""
        return self._conversation.changed()

    def assert_restored(self) -> None:
        """Assert that modes, cursor, keyboard protocol and line discipline are restored."""
        assert not self.modes_left_on()
        after = termios.tcgetattr(self.fd)
        assert after[:4] == self.termios_before[:4], (
            "echo, canonical mode or line ends are not as before"
        )

"""Terminals to test in: the reply of each to a program's queries, and its delay."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

_QUERY = re.compile(
    rb"\x1b\[\??(?P<mode>\d+)\$p"  # DECRQM
    rb"|\x1b\[(?P<attributes>c)"  # DA1
    rb"|\x1b\[(?P<kitty>\?u)"  # the keyboard protocol's flags
    rb"|\x1b\](?P<colour>1[01]);\?(?:\x07|\x1b\\)"
    rb"|\x1b\[>(?P<push>\d+)u"
    rb"|\x1b\[<(?P<pop>\d*)u"
    rb"|\x1b\[\?(?P<switched>[\d;]+)(?P<state>[hl])"
)
# The start of a sequence whose rest comes with the next read.
_CUT = re.compile(rb"\x1b(?:\[[\d;:<=>?$ ]*|[\]P_^X](?:[^\x07\x1b]|\x1b(?!\\))*\x1b?)?\Z")
# Sequences that pyte would draw as text, or read as the restoring of a cursor.
_NOT_FOR_PYTE = re.compile(rb"\x1b\[[<=>?]\d*u")
_ON_AT_FIRST = frozenset({"7", "25"})  # line wrap, cursor
_KITTY_DISAMBIGUATE, _KITTY_ALL_KEYS = 1, 8


@dataclass(frozen=True)
class Terminal:
    """Kind of terminal.

    `modes` are its answers to DECRQM: 0 unknown, 1 set, 2 reset, 4 permanently reset.
    """

    name: str
    term: str = "xterm-256color"
    attributes: bytes | None = None  # the answer to DA1
    modes: Mapping[int, int] = field(default_factory=dict)
    colour: bytes | None = None  # the answer to OSC 11
    kitty: bool = False
    late_s: float = 0.0
    sized: bool = True  # False: the size of its window is never set
    in_band: bool = True  # False: its reports of the size say 0x0, whatever the kernel says


XTERM = Terminal("xterm", attributes=b"\x1b[?62;22c", colour=b"rgb:1111/1111/1111")
PLAIN = Terminal("plain")
_MODERN = {2026: 2, 2048: 2, 1016: 2, 2004: 2, 1004: 2, 2027: 2}
_COLOUR = b"rgb:1a1a/1b1b/2626"
MODERN = Terminal("modern", "xterm-kitty", b"\x1b[?62;4;22c", _MODERN, _COLOUR, kitty=True)
MODERN_LATE = Terminal(
    "modern-late", "xterm-kitty", b"\x1b[?62;4;22c", _MODERN, _COLOUR, kitty=True, late_s=0.7
)
LINUX = Terminal("linux", "linux", attributes=b"\x1b[?6c")
UNSIZED = Terminal("0x0", sized=False)
TERMINALS = (PLAIN, MODERN, MODERN_LATE, LINUX, UNSIZED)


class Conversation:
    """Terminal's side of a session: reads the output, keeps the modes, and schedules replies."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.queries: list[bytes] = []
        self.switched = set(_ON_AT_FIRST)  # private modes that are on
        self._keyboard: list[int] = []  # flags that were pushed
        self._size = (0, 0)
        self._cut = b""
        self._due: list[tuple[float, bytes]] = []

    def read(self, data: bytes) -> bytes:
        """Process a piece of output; return the part that is to be drawn."""
        data = self._cut + data
        cut = _CUT.search(data)
        self._cut = cut[0] if cut else b""
        data = data[: len(data) - len(self._cut)]
        for query in _QUERY.finditer(data):
            self.queries.append(query[0])
            self._answer(query)
        return _NOT_FOR_PYTE.sub(b"", data)

    def _answer(self, query: re.Match[bytes]) -> None:
        terminal = self.terminal
        if query["mode"] and terminal.modes:
            mode = int(query["mode"])
            state = 1 if str(mode) in self.switched else terminal.modes.get(mode, 0)
            self._say(b"\x1b[?%d;%d$y" % (mode, state))
        elif query["attributes"] and terminal.attributes:
            self._say(terminal.attributes)
        elif query["kitty"] and terminal.kitty:
            self._say(b"\x1b[?%du" % self._flags())
        elif query["colour"] and terminal.colour:
            self._say(b"\x1b]%s;%s\x1b\\" % (query["colour"], terminal.colour))
        elif query["push"]:
            self._keyboard.append(int(query["push"]))
        elif query["pop"] is not None:
            del self._keyboard[-int(query["pop"] or 1) :]
        elif query["switched"]:
            names = set(query["switched"].decode().split(";"))
            self.switched = (
                self.switched | names if query["state"] == b"h" else self.switched - names
            )
            if "2048" in names & self.switched:
                self.report_size(*self._size)

    def _say(self, answer: bytes) -> None:
        self._due.append((time.monotonic() + self.terminal.late_s, answer))

    def report_size(self, columns: int, rows: int) -> None:
        """Report a changed size, or the size after its reports were enabled."""
        self._size = (columns, rows) if self.terminal.in_band else (0, 0)
        if "2048" in self.switched and self.terminal.modes.get(2048):
            columns, rows = self._size
            self._say(b"\x1b[48;%d;%d;%d;%dt" % (rows, columns, rows * 20, columns * 10))

    def due(self) -> bytes:
        """Return the replies whose time has come."""
        now = time.monotonic()
        ready = [answer for at, answer in self._due if at <= now]
        self._due = [(at, answer) for at, answer in self._due if at > now]
        return b"".join(ready)

    def patience(self) -> float:
        """Return the seconds until the next reply is due; at most 0.2."""
        now = time.monotonic()
        return max(0.0, min([0.2, *(at - now for at, _ in self._due)]))

    def encoded(self, key: str) -> bytes:
        """Return a key as this terminal sends it now."""
        flags = self._flags() if self.terminal.kitty else 0
        if len(key) == 1 and flags & _KITTY_ALL_KEYS and key.isprintable():
            return b"\x1b[%d;;%du" % (ord(key), ord(key))
        if len(key) == 1 and flags & _KITTY_DISAMBIGUATE and key < " " and key not in "\r\t":
            if key == "\x1b":
                return b"\x1b[27u"
            return b"\x1b[%d;5u" % (ord(key) + 96)
        return key.encode()

    def _flags(self) -> int:
        return self._keyboard[-1] if self._keyboard else 0

    def changed(self) -> set[str]:
        """Return the modes that differ from the start."""
        changed = {f"{mode} on" for mode in self.switched - _ON_AT_FIRST}
        changed |= {f"{mode} off" for mode in _ON_AT_FIRST - self.switched}
        return changed | ({"keyboard protocol"} if self._keyboard else set())

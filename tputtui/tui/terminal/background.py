"""Is the terminal light or dark? Asked once, before the screen takes over; silence means dark."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import time
import tty

ANSWER_TIMEOUT_S = 0.2
_COLOR_REPLY = re.compile(
    rb"\x1b\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})"
)
_ATTRIBUTES_REPLY = re.compile(rb"\x1b\[\?[0-9;]*c")
_MAX_BYTES = 4096


def is_light() -> bool:
    """Ask the terminal by OSC 11, within 200 ms; else read COLORFGBG, else assume dark.

    Every terminal answers the request for device attributes that is sent behind it.
    """
    answer = _query_terminal()
    found = _COLOR_REPLY.search(answer)
    if found is not None:
        red, green, blue = (int(part, 16) / (16 ** len(part) - 1) for part in found.groups())
        return bool(0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.5)
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return ground in ("7", "15")


def _query_terminal() -> bytes:
    """Send OSC 11 and a request for device attributes; read until the latter is answered."""
    try:
        source, sink = sys.stdin.fileno(), sys.stderr.fileno()
        before = termios.tcgetattr(source)
    except (OSError, ValueError, termios.error):
        return b""
    answer = b""
    try:
        tty.setcbreak(source, termios.TCSANOW)
        os.write(sink, b"\x1b]11;?\x1b\\\x1b[c")
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        while len(answer) < _MAX_BYTES and not _ATTRIBUTES_REPLY.search(answer):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                break
            read = os.read(source, 256)
            if not read:
                break
            answer += read
    except OSError:
        pass
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(source, termios.TCSANOW, before)
    return answer

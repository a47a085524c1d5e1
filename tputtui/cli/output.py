"""Output streams: whether a screen is possible, and whether it can show more than ASCII."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping

from tputtui.text import clean, to_ascii
from tputtui.text.redaction import redact_text


def no_screen_reason(environ: Mapping[str, str]) -> str:
    """Explain why no screen can be drawn; "" if one can.

    stdout may be redirected, because the screen is drawn on stderr.
    """
    for name, stream in (("stdin", sys.__stdin__), ("stderr", sys.__stderr__)):
        try:
            is_terminal = stream is not None and stream.isatty()
        except ValueError:  # closed stream
            is_terminal = False
        if not is_terminal:
            return f"{name} is not a terminal"
    return "TERM is dumb" if environ.get("TERM", "dumb") in ("dumb", "") else ""


def ascii_reason(environ: Mapping[str, str], utf8_mode: int) -> str:
    """Name the locale variable that says that the terminal is not UTF-8; "" if none does.

    In the C locale Python sets LC_CTYPE=C.UTF-8 by itself (PEP 538, then `utf8_mode` is on), which
    says nothing about the terminal. Without any variable UTF-8 is assumed, the default of terminals
    for twenty years.
    """
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        value = environ.get(name, "")
        if not value or (name == "LC_CTYPE" and value == "C.UTF-8" and utf8_mode):
            continue
        is_utf8 = "utf8" in value.lower().replace("-", "")
        return "" if is_utf8 else f"locale {name}={clean(value, 40)}"
    return ""


def print_stderr(text: str) -> None:
    """Print one line on stderr; ignored if stderr is closed."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(f"tputtui: {redact_text(text)}", file=sys.stderr, flush=True)


def print_where_visible(text: str) -> None:
    """Print one line on stderr; also on stdout if only that is a terminal: `tputtui
    2>/dev/null`.
    """
    print_stderr(text)
    if (
        sys.stdout is not None
        and not (sys.stderr is not None and sys.stderr.isatty())
        and sys.stdout.isatty()
    ):
        print_stdout(f"tputtui: {redact_text(text)}")


class OutputError(Exception):
    """stdout cannot be written; the text has the reason. A closed reader is a BrokenPipeError
    instead.
    """


def print_stdout(text: str, as_ascii: bool = False) -> None:
    """Print the requested output on stdout with a final newline.

    `as_ascii`: in ASCII. Raises OutputError, BrokenPipeError.
    """
    if sys.stdout is None:
        return
    try:
        print(to_ascii(text) if as_ascii else text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"stdout cannot be written: {(error.strerror or str(error)).lower()}"
        ) from None

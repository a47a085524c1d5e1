"""Output streams: their abilities (a screen, Unicode), text tables, the report of a crash."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence

from tputtui.text import align_left, clean, to_ascii, truncate, width
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


def format_columns(rows: Sequence[Sequence[str]], gap: int = 2, max_width: int = 60) -> list[str]:
    """Format rows with left-aligned columns; a cell other than the last is cut at `max_width`
    cells.
    """
    if not rows:
        return []
    count = max(len(row) for row in rows)
    widths = [
        max((min(width(row[at]), max_width) for row in rows if len(row) > at), default=0)
        for at in range(count)
    ]
    lines: list[str] = []
    for row in rows:
        cells = [
            align_left(truncate(cell, max_width), widths[at]) for at, cell in enumerate(row[:-1])
        ]
        lines.append((" " * gap).join((*cells, row[-1])).rstrip())
    return lines


def write_crash_report(error: BaseException, environ: Mapping[str, str] = os.environ) -> str:
    """Describe an internal error in one sentence and write its traceback to a private file.

    The traceback contains no values of variables. If the machine or a limit is exhausted, it is not
    an internal error, and the sentence names the remedy.
    """
    import tempfile  # imported lazily, like all that only a crash needs
    import time
    import traceback

    from tputtui.descriptors import shortage
    from tputtui.settings.state_paths import state_folder

    if short := shortage(error):
        return short
    description = clean(redact_text(f"{type(error).__name__}: {error}"), 200)
    text = redact_text("".join(traceback.format_exception(error)))
    for folder in (state_folder(environ), tempfile.gettempdir()):
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            prefix = time.strftime("tputtui-error-%Y%m%d-%H%M%S-")
            descriptor, path = tempfile.mkstemp(".log", prefix, folder)  # mode 0600
            with open(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            return f"an error of tputtui itself: {description}; the traceback is in {clean(path)}"
    return f"an error of tputtui itself: {description}; no file could be written for the traceback"

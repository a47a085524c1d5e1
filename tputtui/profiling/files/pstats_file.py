"""Instrumented profiles: the .pstats files of cProfile and profile, as functions and callers.

They are marshal data, and a forged file can crash the interpreter that reads it, so a child process
with resource limits reads them.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tputtui.frozen import frozen
from tputtui.profiling.files.profile_format import ProfileFormat
from tputtui.profiling.profile_model import Function, UnreadableProfileError
from tputtui.text import clean

MAX_FUNCTIONS = 20_000
MAX_FILE_BYTES = 64 << 20
TIMEOUT_S = 10.0

# Prints one line of JSON per function to the file named last: [file, line, name, primitive calls,
# calls, self, total, callers].
_READER_SCRIPT = """
import json, marshal, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (8, 8))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
with open(sys.argv[1], "rb") as source, open(sys.argv[2], "w") as out:
    for (file, line, name), (primitive, calls, own, total, callers) in marshal.load(source).items():
        above = []
        for (caller_file, caller_line, caller_name), figures in callers.items():
            if not isinstance(figures, tuple):
                figures = (figures, 0, 0, 0.0)
            above.append([caller_file, caller_line, caller_name, figures[0], figures[3]])
        print(json.dumps([file, line, name, primitive, calls, own, total, above]), file=out)
"""


@frozen
class ProfiledCaller:
    """Caller of a function, with the number of calls and the seconds spent in it for them."""

    func: Function
    line: int
    calls: int
    total_s: float


@frozen
class ProfiledFunction:
    """Figures of one function: exact calls, seconds in itself and in all calls below it."""

    func: Function
    line: int
    calls: int
    primitive_calls: int  # without recursive calls
    self_s: float
    total_s: float
    callers: tuple[ProfiledCaller, ...]


@frozen
class PstatsProfile:
    """Functions counted by cProfile, sorted by their self time."""

    label: str
    functions: tuple[ProfiledFunction, ...]
    hidden_count: int  # functions beyond the limit, those with the least time

    @property
    def total_s(self) -> float:
        """Sum of the self times: all seconds measured."""
        return sum(called.self_s for called in self.functions)


def load(path: Path) -> PstatsProfile:
    """Read a .pstats file. Raises UnreadableProfileError."""
    import tempfile

    from tputtui.profiling.capture import launcher

    shown = clean(str(path), 200)
    try:
        if not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            raise UnreadableProfileError(
                f"{shown}: not a file, or larger than {MAX_FILE_BYTES >> 20} MiB"
            )
        with tempfile.TemporaryDirectory(prefix="tputtui-pstats-") as folder:
            out = Path(folder) / "functions"
            answer = launcher.run(
                [sys.executable, "-I", "-S", "-c", _READER_SCRIPT, str(path.absolute()), str(out)],
                TIMEOUT_S,
            )
            if answer.status != 0:
                raise UnreadableProfileError(
                    f"{shown}: not a pstats file of this Python "
                    f"({sys.version_info[0]}.{sys.version_info[1]}), or damaged"
                )
            functions = sorted(
                _read_functions(out),
                key=lambda called: (-called.self_s, -called.total_s, called.func.name),
            )
    except OSError as error:
        raise UnreadableProfileError(
            f"{shown}: {clean(error.strerror or str(error), 100)}"
        ) from None
    except (ValueError, TypeError, IndexError):
        raise UnreadableProfileError(
            f"{shown}: its functions are not as cProfile writes them"
        ) from None
    if not functions:
        raise UnreadableProfileError(f"{shown}: the profile is empty")
    return PstatsProfile(
        clean(path.name, 200),
        tuple(functions[:MAX_FUNCTIONS]),
        max(0, len(functions) - MAX_FUNCTIONS),
    )


def _read_functions(path: Path) -> Iterator[ProfiledFunction]:
    with path.open("rb") as lines:
        for line in lines:
            file, number, name, primitive, calls, own, total, above = json.loads(line)
            callers = tuple(
                ProfiledCaller(
                    _parse_function(entry[2], entry[0]),
                    int(entry[1]),
                    int(entry[3]),
                    _parse_seconds(entry[4]),
                )
                for entry in above
            )
            ranked = tuple(
                sorted(
                    callers, key=lambda caller: (-caller.total_s, -caller.calls, caller.func.name)
                )
            )
            yield ProfiledFunction(
                _parse_function(name, file),
                int(number),
                int(calls),
                int(primitive),
                _parse_seconds(own),
                _parse_seconds(total),
                ranked,
            )


def _parse_function(name: Any, file: Any) -> Function:
    shown = "" if file == "~" else clean(str(file), 512)  # "~": a built-in
    return Function(clean(str(name), 512), shown)


def _parse_seconds(value: Any) -> float:
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError("not a time")
    return seconds


FORMAT = ProfileFormat(name="pstats", suffixes=(".pstats", ".prof"), read_calls=load)

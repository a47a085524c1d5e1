"""Derive the display name of a process and its version of Python.

From its command line, its executable and its memory maps.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from tputtui.text import clean, truncate

MAX_NAME_LENGTH = 64

_PYTHON = re.compile(r"python(\d+(?:\.\d+)?)?t?")
_LIBPYTHON = re.compile(rb"/libpython(\d+\.\d+)t?\.so|/libpython3\.so")
# Written by setproctitle and postgres over the arguments
_TITLE = re.compile(r"([\w.@-]+): *(.*)", re.DOTALL)
_TITLE_END = re.compile(r" [\[(/]| \d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\(")
_SCRIPT_RUNTIMES = frozenset(
    ("node", "nodejs", "ruby", "perl", "php", "bash", "sh", "dash", "zsh", "deno", "bun")
)
_SECRET_PATTERN = re.compile(r"://|[@=]")
_OPTIONS_WITH_VALUE = "cmWX"  # of python's own options


def readable_name(comm: str, arguments: Sequence[str]) -> str:
    """Derive a short cleaned name: "gunicorn: worker", "app.py", "uvicorn app:app", "node
    server.js".

    Otherwise the name of the program. `comm` is the kernel's name (15 characters), `arguments` the
    command line, which is empty for a kernel thread or a zombie.
    """
    name = comm
    if arguments:
        name = _parse_title(arguments) or _script_name(arguments) or _program_name(comm, arguments)
    return truncate(clean(name, 256).strip() or "?", MAX_NAME_LENGTH)


def _parse_title(arguments: Sequence[str]) -> str | None:
    """Parse a title such as "nginx: worker process".

    Parts that change are left out: addresses, states in brackets, paths.
    """
    if len(arguments) > 1:
        return None
    title = _TITLE.match(arguments[0])
    if title is None or arguments[0].startswith("/"):
        return None
    program, role = title.groups()
    role = " " + role.strip()
    end = _TITLE_END.search(role)
    role = (role[: end.start()] if end else role).strip()
    if program == "postgres" and end is not None:
        # "checkout shop 10.0.0.7(4711) idle": the user distinguishes back ends, the rest changes
        role = role.split(" ")[0]
    return f"{program}: {role}" if role else program


def _script_name(arguments: Sequence[str]) -> str | None:
    """Return the script or module that an interpreter runs."""
    program = posixpath.basename(arguments[0]).lstrip("-")
    rest = list(arguments[1:])
    if _PYTHON.fullmatch(program):
        return _python_script_name(program, rest)
    if program == "java":
        if "-jar" not in rest[:-1]:
            return None
        return f"java {posixpath.basename(rest[rest.index('-jar') + 1])}"
    if program in _SCRIPT_RUNTIMES and rest and not rest[0].startswith(("-", "/dev/", "/proc/")):
        return f"{program} {posixpath.basename(rest[0])}"
    return None


def _python_script_name(program: str, rest: list[str]) -> str | None:
    """Parse the command line as Python does.

    Short options may be joined with each other and with their value ("-um app").
    """
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option.startswith("--"):
            if option == "--check-hash-based-pycs" and rest:
                rest.pop(0)
            continue
        for position, letter in enumerate(option[1:], start=2):
            if letter not in _OPTIONS_WITH_VALUE:
                continue
            value = option[position:] or (rest.pop(0) if rest else "")
            if letter == "c":
                return f"{program} -c"
            if letter == "m":
                return _append_argument(value, rest)
            break
    if not rest or rest[0] == "-":
        return None
    script = posixpath.basename(rest[0])
    if script.endswith((".py", ".pyz")) and script != "manage.py":
        return script
    # Without a suffix it is a console script (uvicorn, celery): its argument names the application.
    return _append_argument(script, rest[1:])


def _append_argument(name: str, rest: list[str]) -> str:
    """Append the first argument, which says what the program runs.

    Not an address or an assignment, which may contain a password: names are recorded.
    """
    subject = rest[0] if rest else "-"
    if subject.startswith("-") or _SECRET_PATTERN.search(subject):
        return name
    return f"{name} {subject}"


def _program_name(comm: str, arguments: Sequence[str]) -> str:
    """Return the kernel's name, completed from the program's path if the kernel truncated it."""
    # Some programs write all their arguments over the first
    program = posixpath.basename(arguments[0].partition(" ")[0])
    return program if len(comm) == 15 and program.startswith(comm) else comm


def executable_python_version(executable: str) -> str | None:
    """Return the version in an executable's name: 3.12 of /usr/bin/python3.12.

    "" for Python without a version in its name, None for other programs.
    """
    name = _PYTHON.fullmatch(posixpath.basename(executable.removesuffix(" (deleted)")))
    if name is None:
        return None
    version = name.group(1) or ""
    return version if "." in version else ""


def mapped_python_version(maps: bytes) -> str | None:
    """Return the version of the libpython that a process has mapped; None without one.

    That is Python embedded in uwsgi, in a frozen program or in a debugger.
    """
    library = _LIBPYTHON.search(maps)
    return None if library is None else (library.group(1) or b"").decode()

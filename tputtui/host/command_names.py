"""What a process is called to a person, and which Python it runs: read from its command line, its executable, its maps."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from tputtui.text import clean, truncate

MAX_NAME_LENGTH = 64

_PYTHON = re.compile(r"python(\d+(?:\.\d+)?)?t?")
_LIBPYTHON = re.compile(rb"/libpython(\d+\.\d+)t?\.so|/libpython3\.so")
_TITLE = re.compile(
    r"([\w.@-]+): *(.*)", re.DOTALL
)  # what setproctitle and postgres write over their arguments
_TITLE_END = re.compile(r" [\[(/]| \d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\(")
_SCRIPT_RUNTIMES = frozenset(
    ("node", "nodejs", "ruby", "perl", "php", "bash", "sh", "dash", "zsh", "deno", "bun")
)
_SECRET_PATTERN = re.compile(r"://|[@=]")
_OPTIONS_WITH_VALUE = "cmWX"  # of python's own options


def readable_name(comm: str, arguments: Sequence[str]) -> str:
    """A short cleaned name: "gunicorn: worker", "app.py", "uvicorn app:app", "node server.js", else the program's own.

    `comm` is the kernel's name (15 characters), `arguments` the command line, empty for a kernel thread or a zombie.
    """
    name = (
        (_parse_title(arguments) or _script_name(arguments) or _program_name(comm, arguments))
        if arguments
        else comm
    )
    return truncate(clean(name, 256).strip() or "?", MAX_NAME_LENGTH)


def _parse_title(arguments: Sequence[str]) -> str | None:
    """A title such as "nginx: worker process", without what changes in it (addresses, states in brackets, paths)."""
    if len(arguments) > 1:
        return None
    found = _TITLE.match(arguments[0])
    if found is None or arguments[0].startswith("/"):
        return None
    who, what = found.groups()
    what = " " + what.strip()
    end = _TITLE_END.search(what)
    what = (what[: end.start()] if end else what).strip()
    if who == "postgres" and end is not None:
        what = what.split(" ")[
            0
        ]  # "checkout shop 10.0.0.7(4711) idle": the user tells back ends apart, the rest moves
    return f"{who}: {what}" if what else who


def _script_name(arguments: Sequence[str]) -> str | None:
    """The script or module that an interpreter runs."""
    program = posixpath.basename(arguments[0]).lstrip("-")
    rest = list(arguments[1:])
    if _PYTHON.fullmatch(program):
        return _python_script_name(program, rest)
    if program == "java":
        return (
            f"java {posixpath.basename(rest[rest.index('-jar') + 1])}"
            if "-jar" in rest[:-1]
            else None
        )
    if program in _SCRIPT_RUNTIMES and rest and not rest[0].startswith(("-", "/dev/", "/proc/")):
        return f"{program} {posixpath.basename(rest[0])}"
    return None


def _python_script_name(program: str, rest: list[str]) -> str | None:
    """Python's command line as Python reads it: short options may be glued together and to their value ("-um app")."""
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
    # A script without a suffix is a console script (uvicorn, celery): what it is told to run says more than its name.
    return (
        script
        if script.endswith((".py", ".pyz")) and script != "manage.py"
        else _append_argument(script, rest[1:])
    )


def _append_argument(name: str, rest: list[str]) -> str:
    """With what it is told to run; never with an address or an assignment, which may carry a password: names are recorded."""
    subject = rest[0] if rest else "-"
    return (
        name if subject.startswith("-") or _SECRET_PATTERN.search(subject) else f"{name} {subject}"
    )


def _program_name(comm: str, arguments: Sequence[str]) -> str:
    """The kernel's name, completed from the path of the program where the kernel cut it off."""
    program = posixpath.basename(
        arguments[0].partition(" ")[0]
    )  # some write all their arguments over the first
    return program if len(comm) == 15 and program.startswith(comm) else comm


def executable_python_version(executable: str) -> str | None:
    """The version in an executable's name: 3.12 of /usr/bin/python3.12, "" where it has none, None of other programs."""
    found = _PYTHON.fullmatch(posixpath.basename(executable.removesuffix(" (deleted)")))
    if found is None:
        return None
    version = found.group(1) or ""
    return version if "." in version else ""


def mapped_python_version(maps: bytes) -> str | None:
    """The version of the libpython that is mapped into a process: Python in uwsgi, in a frozen program, in a debugger."""
    found = _LIBPYTHON.search(maps)
    return None if found is None else (found.group(1) or b"").decode()

"""Entry point of a Python process, read from its command line: the packages that it runs. Pure.

Only names of packages and modules are returned, never the command line: it may contain a password.
"""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable, Iterator, Sequence

from tputtui.frozen import frozen
from tputtui.profiling.analysis.code_origin import script_name, top_level_package
from tputtui.profiling.analysis.module_table import MODULE_CATEGORIES

MAX_NAMES = 16

LAUNCHERS = frozenset(
    (
        "_pytest", "airflow", "arq", "asgiref", "billiard", "bottle", "celery", "cheroot", "cherrypy", "coverage",
        "daphne", "ddtrace", "debugpy", "django", "dramatiq", "eventlet", "fastapi", "fastapi_cli", "flask", "gevent",
        "granian", "gunicorn", "honcho", "huey", "hypercorn", "ipykernel", "ipykernel_launcher", "jupyter", "kombu",
        "litestar", "locust", "memray", "newrelic", "opentelemetry", "pdb", "pip", "pyinstrument", "pytest", "rq",
        "sanic", "scalene", "setuptools", "streamlit", "taskiq", "tornado", "twisted", "uv", "uvicorn", "uwsgi",
        "viztracer", "waitress", "watchdog", "watchfiles", "werkzeug",
    )
)  # fmt: skip
"""Packages that run other code: the code that they are given is the user's own, they are not."""

_COMMAND_FRAMEWORKS = frozenset(("absl", "click", "cyclopts", "fire", "rich_click", "typer"))
"""Packages that stand between a console script and the function that it starts."""

_PACKAGE_BY_PROGRAM = {
    "ddtrace-run": "ddtrace",
    "django-admin": "django",
    "huey_consumer": "huey",
    "newrelic-admin": "newrelic",
    "opentelemetry-instrument": "opentelemetry",
    "py.test": "pytest",
    "twist": "twisted",
    "twistd": "twisted",
    "waitress-serve": "waitress",
}
"""Packages of programs whose name differs from the package's."""

_MODULE_OPTIONS: dict[str, tuple[str, ...]] = {
    "celery": ("-A", "--app"),
    "django": ("--settings",),
    "faust": ("-A", "--app"),
    "flask": ("-A", "--app"),
    "litestar": ("--app",),
    "uwsgi": ("-w", "--module", "--wsgi", "--mount"),
    "waitress": ("--app",),
}
"""Options whose value names a module, by launcher."""

_BARE_MODULE_LAUNCHERS = frozenset(("arq", "dramatiq", "gunicorn", "huey", "sanic", "taskiq"))
"""Launchers that also accept a module without an attribute: ``gunicorn shop.wsgi``."""

_WRAPPERS = frozenset(
    (
        "coverage", "cProfile", "ddtrace", "debugpy", "memray", "newrelic", "opentelemetry", "pdb", "profile",
        "pyinstrument", "scalene", "trace", "viztracer",
    )
)  # fmt: skip
"""Launchers whose arguments end in a command line of Python or of another launcher."""

_PYTHON = re.compile(r"(?:python|pypy)\d*(?:\.\d+)?t?")
_OPTIONS_WITH_VALUE = "cmWX"  # Python's own options that take a value
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.ASCII)
_MODULE_AND_ATTRIBUTE = re.compile(
    r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):[A-Za-z_][\w.]*(?:\(.*\))?", re.ASCII
)
_GUNICORN_TITLE = re.compile(r"gunicorn: [\w -]+\[([\w.:]+)\]", re.ASCII)
_CELERY_TITLE = re.compile(r"\[celery\w*:.*?(?:-A|--app)[ =]([\w.]+)", re.ASCII)
_CONSOLE_SCRIPT = re.compile(r"^\s*from\s+([A-Za-z_]\w*)[\w.]*\s+import\s", re.ASCII | re.MULTILINE)
_PKG_RESOURCES_SCRIPT = re.compile(r"""load_entry_point\(\s*['"]([\w.-]{1,64})""", re.ASCII)
_SCRIPT_NAME = re.compile(r"[\w.-]{1,64}", re.ASCII)
_NOT_OWN_PACKAGES = (
    LAUNCHERS
    | frozenset(name.partition(".")[0] for name in MODULE_CATEGORIES)
    | sys.stdlib_module_names
)


@frozen
class EntryPoint:
    """Entry point parsed from a command line.

    `script` is a console script, whose text names its package; with `is_child`, the parent's
    command line is needed.
    """

    packages: tuple[str, ...] = ()
    script_path: str = ""
    is_child: bool = False  # started by multiprocessing: the command line does not name the program


def parse_command_line(arguments: Sequence[str]) -> EntryPoint:
    """Parse the command line of a process, one string per argument as the kernel stores it."""
    if not arguments:
        return EntryPoint()
    title = " ".join(arguments)
    for pattern in (_GUNICORN_TITLE, _CELERY_TITLE):
        if match := pattern.match(title):
            return EntryPoint(own_packages([match[1].partition(":")[0]]))
    program = posixpath.basename(arguments[0]).lstrip("-")
    if _PYTHON.fullmatch(program):
        return _parse_python_arguments(list(arguments[1:]))
    name = launcher_package(program)
    if name:
        return EntryPoint(own_packages(_launched_modules(name, arguments[1:])))
    return EntryPoint(is_child=program.startswith(("[celery", "gunicorn:")))


def packages_from_label(name: str) -> tuple[str, ...]:
    """Return the packages in the short name of a process: "uvicorn shop:app"."""
    # "gunicorn: worker" is a title, not a command line
    arguments = name.split() if ": " not in name else []
    launcher = launcher_package(arguments[0]) if arguments else ""
    return own_packages(_launched_modules(launcher, arguments[1:])) if launcher else ()


def packages_from_script(text: str, name: str) -> tuple[str, ...]:
    """Return the package that a console script imports.

    For a script that is a program of its own, its name is returned.
    """
    modules = [
        module for module in _CONSOLE_SCRIPT.findall(text) if module not in sys.stdlib_module_names
    ]
    if not modules and (match := _PKG_RESOURCES_SCRIPT.search(text)):
        modules = [match[1].replace("-", "_")]
    modules = [module for module in modules if module != "pkg_resources"]
    if modules:
        return own_packages(modules[:1])
    return (name,) if _SCRIPT_NAME.fullmatch(name) else ()


def packages_from_frames(files: Iterable[str]) -> tuple[str, ...]:
    """Return the first package in the files of a stack's outermost frames.

    Command line frameworks are skipped.
    """
    for file in files:
        package = top_level_package(file)
        if package and package not in _COMMAND_FRAMEWORKS:
            return own_packages([package])
    return ()


def own_packages(modules: Iterable[str]) -> tuple[str, ...]:
    """Return the top-level packages of modules.

    Launchers, known libraries and the standard library are left out.
    """
    tops = (name.partition(".")[0] for name in modules if _MODULE.fullmatch(name))
    return tuple(
        dict.fromkeys(top for top in tops if top not in _NOT_OWN_PACKAGES and len(top) <= 64)
    )[:MAX_NAMES]


def is_package_name(name: object) -> bool:
    """Whether a value from a file is the name of a package, a module or a script."""
    return isinstance(name, str) and _SCRIPT_NAME.fullmatch(name) is not None


def _parse_python_arguments(remaining: list[str]) -> EntryPoint:
    """Parse the arguments of Python as Python does.

    Short options may be joined to each other and to their value.
    """
    while remaining and remaining[0].startswith("-") and remaining[0] != "-":
        option = remaining.pop(0)
        if option.startswith("--"):
            if option == "--check-hash-based-pycs" and remaining:
                remaining.pop(0)
            continue
        letter, value = _option_with_value(option, remaining)
        if letter == "c":
            return EntryPoint(is_child="multiprocessing" in value)
        if letter == "m":
            return EntryPoint(own_packages(_modules_run_by_name(value, remaining)))
    if not remaining or remaining[0] == "-":
        return EntryPoint()
    path, arguments = remaining[0], remaining[1:]
    script = script_name(path) or (
        "" if "." in posixpath.basename(path) else posixpath.basename(path)
    )
    if not script:
        return EntryPoint(own_packages([top_level_package(path)]))
    launcher = launcher_package(script)
    if launcher:
        return EntryPoint(own_packages(_launched_modules(launcher, arguments)))
    return EntryPoint(
        own_packages(_modules_with_attribute(arguments)), path if script_name(path) else ""
    )


def _option_with_value(option: str, remaining: list[str]) -> tuple[str, str]:
    """Return letter and value of a short option with a value; two empty strings for others."""
    for position, letter in enumerate(option[1:], start=2):
        if letter in _OPTIONS_WITH_VALUE:
            return letter, option[position:] or (remaining.pop(0) if remaining else "")
    return "", ""


def _modules_run_by_name(name: str, arguments: Sequence[str]) -> list[str]:
    top = name.partition(".")[0]
    return _launched_modules(top, arguments) if top in LAUNCHERS or top in _WRAPPERS else [name]


def launcher_package(program: str) -> str:
    """Return the package of a known launcher; empty for any other program."""
    stem = re.sub(r"[-\d.]+$", "", program.removesuffix(".py"))
    name = _PACKAGE_BY_PROGRAM.get(program) or _PACKAGE_BY_PROGRAM.get(stem) or stem
    return name if name in LAUNCHERS or name in _MODULE_OPTIONS else ""


def _launched_modules(launcher: str, arguments: Sequence[str]) -> list[str]:
    """Return the modules that a launcher's arguments name."""
    if launcher in _WRAPPERS:
        return list(_wrapped_modules(arguments))
    options = _MODULE_OPTIONS.get(launcher, ())
    named = [value.partition(":")[0] for value in _option_values(arguments, options)]
    if launcher in ("celery", "django", "faust"):
        return named
    modules = named or _modules_with_attribute(arguments)
    if not modules and launcher in _BARE_MODULE_LAUNCHERS:
        modules = [
            argument
            for argument, free in _positional_arguments(arguments)
            if free and _MODULE.fullmatch(argument)
        ][:1]
        last = arguments[-1] if arguments else ""
        modules = modules or ([last] if _MODULE.fullmatch(last) else [])
    return modules


def _wrapped_modules(arguments: Sequence[str]) -> Iterator[str]:
    """Find the command line that a wrapper ends in: after -m or from a program or script."""
    for index, argument in enumerate(arguments):
        if argument == "-m" and index + 1 < len(arguments):
            yield from _modules_run_by_name(arguments[index + 1], arguments[index + 2 :])
            return
        launcher = launcher_package(posixpath.basename(argument))
        if launcher and launcher not in _WRAPPERS:
            yield from _launched_modules(launcher, arguments[index + 1 :])
            return
        if argument.endswith(".py"):
            yield top_level_package(argument)
            return


def _modules_with_attribute(arguments: Sequence[str]) -> list[str]:
    """Return the module of "shop.wsgi:app".

    The first such argument that does not follow an option is taken; otherwise the last one, which
    may be an option's value.
    """
    free: list[str] = []
    after_option: list[str] = []
    for argument, is_free in _positional_arguments(arguments):
        if match := _MODULE_AND_ATTRIBUTE.fullmatch(argument):
            (free if is_free else after_option).append(match[1])
    return free[:1] or after_option[-1:]


def _positional_arguments(arguments: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield each argument that is no option, and whether the previous argument is none either."""
    free = True
    for argument in arguments:
        if argument.startswith("-"):
            free = "=" in argument
            continue
        yield argument, free
        free = True


def _option_values(arguments: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """Yield the values of options: written apart, after "=" or joined to a short option."""
    for index, argument in enumerate(arguments):
        for option in options:
            if argument == option and index + 1 < len(arguments):
                yield arguments[index + 1]
            elif argument.startswith(f"{option}="):
                yield argument.removeprefix(f"{option}=")
            elif (
                not option.startswith("--")
                and argument.startswith(option)
                and len(argument) > len(option)
            ):
                yield argument.removeprefix(option)

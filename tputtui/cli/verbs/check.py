"""`tputtui check`: check each target and the environment.

Reports whether the target can be reached, what was found and why, misleading metrics, and whether
py-spy may attach.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.options import add_target_arguments
from tputtui.cli.output import format_columns, no_screen_reason, print_stderr, print_stdout
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb
from tputtui.model import ProcessReference
from tputtui.settings import Settings, TargetSettings
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.cli.check_report import CheckReport


def run(arguments: Arguments) -> int:
    """Check every target and the environment.

    Returns 1 if a target cannot be reached.
    """
    import asyncio

    from tputtui.cli.check_report import scrape_targets, target_report

    settings = effective_settings(arguments).settings
    for note in settings.notes:
        print_stderr(note)
    if not settings.targets and not settings.servers and settings.discover:
        settings, sentence = asyncio.run(_discover_targets(settings))
        print_stdout(f"no target was named: {sentence}\n", settings.ascii)
    failures = []
    for scraped in asyncio.run(scrape_targets(settings)):
        failures += _print_report(target_report(scraped, settings), settings.ascii)
    if settings.servers:
        for report in asyncio.run(_check_servers(settings)):
            failures += _print_report(report, settings.ascii)
    print_stdout("\n".join(format_columns(_environment_rows(settings))), settings.ascii)
    if not failures:
        return 0
    more = f", and {len(failures) - 1} more" if len(failures) > 1 else ""
    sys.stderr.write(f"tputtui: check: {failures[0]}{more}; tputtui stream goes on without it\n")
    return 1


def _print_report(report: CheckReport, as_ascii: bool) -> list[str]:
    """Print a report, and return the failure in it, if any."""
    rows = [f"  {line}" for line in format_columns(report.rows)]
    print_stdout("\n".join((report.title, *rows, "")), as_ascii)
    return [report.failure] if report.failure else []


async def _check_servers(settings: Settings) -> list[CheckReport]:
    import asyncio

    from tputtui.cli.check_report import check_server

    checks = [check_server(server, settings) for server in settings.servers]
    return [report for reports in await asyncio.gather(*checks) for report in reports]


async def _discover_targets(settings: Settings) -> tuple[Settings, str]:
    from tputtui.discovery.discoverer import discover

    discovery = await discover()
    targets = tuple(
        TargetSettings(name=f"127.0.0.1:{target.port}", url=target.url)
        for target in discovery.targets
    )
    return replace(settings, targets=targets), discovery.sentence


# -------------------------------------------------------------------------------------- environment


def _environment_rows(settings: Settings) -> list[tuple[str, str]]:
    """Return rows about the program's requirements: py-spy, terminal, locale, tools of a
    checkout.
    """
    no_screen = no_screen_reason(os.environ)
    screen = f"not here: {no_screen}; tputtui stream works" if no_screen else _describe_terminal()
    text = "UTF-8"
    if settings.ascii:
        text = f"ASCII only, because of {settings.origins['ascii']}; a UTF-8 locale shows more"
    rows = [
        ("py-spy", _describe_py_spy()),
        ("screen", screen),
        ("text", text),
        ("colour", _describe_color(settings)),
    ]
    missing = [tool for tool in ("make",) if shutil.which(tool) is None]
    missing += [] if _has_venv() else ["python3-venv"]
    if missing:
        rows.append(("tools", f"only for a checkout: apt install {' '.join(missing)}"))
    return rows


def _describe_py_spy() -> str:
    from tputtui.profiling.capture import preflight, process_facts

    try:
        path = preflight.find_py_spy()
    except preflight.PySpyNotFoundError as error:
        return str(error)
    if process_facts.has_ptrace_capability():
        verdict = preflight.check(ProcessReference(os.getpid()), py_spy=path)
        if verdict.can_attach:
            return f"{path}: may attach to Python processes (tried on this one)"
        return f"{path}: {verdict.message}"
    scope = process_facts.ptrace_scope()
    if os.geteuid() == 0:
        return f"{path}: root, but without CAP_SYS_PTRACE: a container needs --cap-add SYS_PTRACE"
    if scope == 0:
        return f"{path}: may attach to your own Python processes; those of others need sudo"
    command = f"{preflight.sudo_command(0)[:-1]}PID"
    return f"{path}: kernel.yama.ptrace_scope is {scope}, so each capture needs {command}"


def _describe_terminal() -> str:
    columns, lines = shutil.get_terminal_size()
    small = "; the screen needs 40x12" if columns < 40 or lines < 12 else ""
    return f"{columns}x{lines}, TERM={clean(os.environ.get('TERM', ''), 40)}{small}"


def _describe_color(settings: Settings) -> str:
    if not settings.color:
        return f"off ({settings.origins['color']})"
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "24 bit"
    return (
        "256"
        if "256" in os.environ.get("TERM", "")
        else "16; COLORTERM=truecolor says that the terminal has more"
    )


def _has_venv() -> bool:
    """Return whether this Python can create environments; Debian packages venv separately."""
    from importlib.util import find_spec

    return find_spec("venv") is not None and (
        find_spec("ensurepip") is not None or sys.prefix != sys.base_prefix
    )


VERB = Verb(
    add_target_arguments,
    run,
    (
        options.INTERVAL,
        options.TIMEOUT,
        options.OBJECTIVE,
        options.NO_DISCOVER,
        options.ASCII,
    ),
)

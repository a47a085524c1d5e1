"""`tputtui check`: check each target and the environment.

Reports whether the target can be reached, what was found and why, misleading metrics, and whether
py-spy may attach.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli.output import no_screen_reason, print_stderr, print_stdout
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.text_table import format_columns
from tputtui.frozen import frozen
from tputtui.model import Binding, Bindings, Exposition, Scrape
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.endpoint_settings import endpoint_settings
from tputtui.scrape.scanner import Scanner
from tputtui.settings import Settings, TargetSettings
from tputtui.text import UNKNOWN, clean, format_duration, format_size

if TYPE_CHECKING:
    from tputtui.cli.check_servers import ServerReport

_SCRAPE_GAP_S = 1.0
"""Pause between two scrapes: a counter that rises within it is active."""

_MAX_CONCURRENT = 8
_MAX_SATURATION_ROWS = 8


def run(arguments: Arguments) -> int:
    """Check every target and the environment.

    Returns 1 if a target cannot be reached.
    """
    settings = effective_settings(arguments).settings
    for note in settings.notes:
        print_stderr(note)
    if not settings.targets and not settings.servers and settings.discover:
        settings, sentence = asyncio.run(_discover_targets(settings))
        print_stdout(f"no target was named: {sentence}\n", settings.ascii)
    looks = asyncio.run(_check_targets(settings))
    for look in looks:
        print_stdout("\n".join((*_report_lines(look, settings), "")), settings.ascii)
    servers = asyncio.run(_check_servers(settings)) if settings.servers else []
    for served in servers:
        print_stdout("\n".join((served.title, *_indented(served.rows), "")), settings.ascii)
    print_stdout("\n".join(format_columns(_environment_rows(settings))), settings.ascii)
    down = [f"{clean(look.name, 80)}: {look.error}" for look in looks if look.error]
    down += [clean(served.title, 80) for served in servers if served.error]
    if not down:
        return 0
    more = f", and {len(down) - 1} more" if len(down) > 1 else ""
    sys.stderr.write(f"tputtui: check: {down[0]}{more}; tputtui stream goes on without it\n")
    return 1


async def _check_servers(settings: Settings) -> list[ServerReport]:
    from tputtui.cli.check_servers import check_server

    found = await asyncio.gather(
        *(check_server(server, settings, _binding_rows) for server in settings.servers)
    )
    return [look for looks in found for look in looks]


async def _discover_targets(settings: Settings) -> tuple[Settings, str]:
    from tputtui.discovery.discoverer import discover

    discovery = await discover()
    targets = tuple(
        TargetSettings(name=f"127.0.0.1:{found.port}", url=found.url) for found in discovery.targets
    )
    return replace(settings, targets=targets), discovery.sentence


# --------------------------------------------------------------------------------------- one target


@frozen
class _TargetCheck:
    """Two scrapes of a target, with the body of the second."""

    name: str
    url: str
    target: TargetSettings
    first: Scrape
    second: Scrape
    body: bytes = b""
    content_type: str = ""

    @property
    def error(self) -> str | None:
        return self.second.error


class _BodyKeepingScanner:
    """Scanner that keeps the body, for the cross-check with prometheus-client."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self.body, self.content_type = b"", ""

    def scan(
        self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None
    ) -> Exposition:
        self.body, self.content_type = body, content_type or ""
        return self._scanner.scan(body, content_type, wanted)


async def _check_targets(settings: Settings) -> list[_TargetCheck]:
    gate = asyncio.Semaphore(_MAX_CONCURRENT)

    async def one(target: TargetSettings) -> _TargetCheck:
        async with gate:
            return await _check_target(target, settings)

    return await asyncio.gather(*(one(target) for target in settings.targets))


async def _check_target(target: TargetSettings, settings: Settings) -> _TargetCheck:
    from tputtui.engine.live_feed import scan_limits

    made = endpoint_settings(target, settings)
    keeper = _BodyKeepingScanner(Scanner(scan_limits(settings.limits, made.max_series)))
    endpoint = Endpoint(made, keeper)
    try:
        first = second = await endpoint.scrape(endpoint.timeout_s)
        if first.error is None:
            await asyncio.sleep(_SCRAPE_GAP_S)
            second = await endpoint.scrape(endpoint.timeout_s)
    finally:
        await endpoint.aclose()
    return _TargetCheck(
        endpoint.name, endpoint.target.url, target, first, second, keeper.body, keeper.content_type
    )


def _slow(duration_s: float, interval_s: float) -> str:
    """Describe a scrape that takes longer than the interval.

    "slower than the interval of 1 s: use --interval 5s (1.6 s a scrape)."
    """
    from tputtui.engine.target_warnings import suggest_interval

    better = suggest_interval(duration_s, interval_s)
    remedy = f": use --interval {better}s" if better is not None else ""
    took = format_duration(round(duration_s, 1))
    return f"slower than the interval of {format_duration(interval_s)}{remedy} ({took} a scrape)"


def _report_lines(check: _TargetCheck, settings: Settings) -> list[str]:
    from tputtui.engine.target_warnings import describe_exposition_warning
    from tputtui.scrape.crosscheck import crosscheck_exposition
    from tputtui.settings.expressions import parse_objective
    from tputtui.signals.classify.classifier import classify
    from tputtui.signals.classify.hygiene import findings
    from tputtui.signals.classify.overrides import apply_overrides

    head = f"{clean(check.name, 80)}  {clean(check.url, 200)}"
    now, before = check.second.exposition, check.first.exposition
    if check.error is not None or now is None or before is None:
        return [head, *_indented([_unread(check.second)])]
    amount, unit = format_size(check.second.size)
    rows = [("up", f"{amount} {unit}, {now.series:,} series in {_took(check.second.duration_s)}")]
    if check.second.duration_s > settings.interval_s:
        rows.append(("slow", _slow(check.second.duration_s, settings.interval_s)))
    bindings = classify(now, before, check.second.at - check.first.at)
    try:
        bindings = apply_overrides(bindings, check.target.bindings, now)
    except ValueError as error:
        rows.append(("config", clean(str(error), 200)))
    rows += _binding_rows(bindings)
    rows.append(("judge", crosscheck_exposition(check.body, check.content_type, now).sentence))
    if warning := describe_exposition_warning(now):
        rows.insert(1, ("warning", warning))
    if check.target.insecure:
        rows.append(
            ("insecure", "its certificate is not checked; ca_file trusts a self-signed one instead")
        )
    if _is_unchanged(now, before):
        rows.append(
            (
                "still",
                f"no sample moved in {_SCRAPE_GAP_S:g} s: if it refreshes slower than the window, raise --window",
            )
        )
    objectives = map(parse_objective, settings.objectives)
    level_s = next(
        (objective.value for objective in objectives if objective.measure == "latency"), None
    )
    rows += [("misleads", sentence) for sentence in findings(now, bindings, level_s)]
    return [head, *_indented(rows)]


def _unread(scrape: Scrape) -> tuple[str, str]:
    """Describe why a target could not be read: down, or past the deadline."""
    error = scrape.error or "no answer"
    if scrape.late:
        return "slow", f"{error}: the connection stands; --timeout 1m waits longer"
    if error.startswith("unreachable: "):
        return "unreachable", error.removeprefix("unreachable: ")
    return "down", error


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _is_unchanged(now: Exposition, before: Exposition) -> bool:
    return bool(now.samples) and all(
        before.samples.get(series) == value for series, value in now.samples.items()
    )


def _binding_rows(bindings: Bindings) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for signal, binding in (
        ("traffic", bindings.traffic),
        ("errors", bindings.errors),
        ("latency", bindings.latency),
    ):
        why = bindings.reasons.get(signal, "nothing found")
        rows.append(
            (
                signal,
                f"{UNKNOWN}  {clean(why, 200)}" if binding is None else _describe_binding(binding),
            )
        )
    rows += [
        ("saturation", _describe_binding(binding))
        for binding in bindings.saturation[:_MAX_SATURATION_ROWS]
    ]
    if more := len(bindings.saturation) - _MAX_SATURATION_ROWS:
        rows += [("saturation", f"and {more} more")] if more > 0 else []
    rows += [("further", _describe_binding(binding)) for binding in bindings.signals]
    if bindings.breakdown:
        rows.append(("breakdown", clean(", ".join(bindings.breakdown), 200)))
    return rows


def _describe_binding(binding: Binding) -> str:
    """Describe a binding: `http_requests_total  req/s  labelled by status (code); set in the
    config`.
    """
    what = [clean(binding.family, 100), binding.kind]
    if binding.unit:
        what.append(clean(binding.unit, 20))
    if binding.label:
        what.append(f"by {clean(binding.label, 40)}")
    return f"{'  '.join(what)}  {clean(binding.reason, 200)}".rstrip()


def _indented(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {line}" for line in format_columns(rows)]


# -------------------------------------------------------------------------------------- environment


def _environment_rows(settings: Settings) -> list[tuple[str, str]]:
    """Return rows about the program's requirements: py-spy, terminal, locale, tools of a
    checkout.
    """
    environ = os.environ
    no_screen = no_screen_reason(environ)
    locale = settings.origins["ascii"] if settings.ascii else "UTF-8"
    rows = [
        ("py-spy", _describe_py_spy()),
        (
            "screen",
            f"not here: {no_screen}; tputtui stream works" if no_screen else _describe_terminal(),
        ),
        (
            "text",
            f"ASCII only, because of {locale}; a UTF-8 locale shows more"
            if settings.ascii
            else "UTF-8",
        ),
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
        tried = preflight.check(os.getpid(), py_spy=path)
        return f"{path}: {'may attach to Python processes (tried on this one)' if tried.can_attach else tried.message}"
    scope = process_facts.ptrace_scope()
    if os.geteuid() == 0:
        return f"{path}: root, but without CAP_SYS_PTRACE: a container needs --cap-add SYS_PTRACE"
    if scope == 0:
        return f"{path}: may attach to your own Python processes; those of others need sudo"
    return f"{path}: kernel.yama.ptrace_scope is {scope}, so each capture needs {preflight.sudo_command(0)[:-1]}PID"


def _describe_terminal() -> str:
    columns_, lines = shutil.get_terminal_size()
    small = "; the screen needs 40x12" if columns_ < 40 or lines < 12 else ""
    return f"{columns_}x{lines}, TERM={clean(os.environ.get('TERM', ''), 40)}{small}"


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

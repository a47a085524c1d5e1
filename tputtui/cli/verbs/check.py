"""`tputtui check`: can each target be reached, what was found on it and why, what will mislead, may py-spy attach."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tputtui.cli.output import say, tell, why_no_screen
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective
from tputtui.cli.text_table import columns
from tputtui.frozen import frozen
from tputtui.model import Binding, Bindings, Exposition, Scrape
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.endpoint_settings import endpoint_settings
from tputtui.scrape.scanner import Scanner
from tputtui.settings import Settings, TargetSettings
from tputtui.text import UNKNOWN, clean, size, span

if TYPE_CHECKING:
    from tputtui.cli.check_servers import ServerReport

_APART_S = 1.0
"""Between two scrapes: what rises in it is alive."""

_AT_ONCE = 8
_SATURATION_SHOWN = 8


def run(arguments: Arguments) -> int:
    """Look at every target, and at what we run on. 1 if a target cannot be reached."""
    settings = effective(arguments).settings
    for note in settings.notes:
        say(note)
    if not settings.targets and not settings.servers and settings.discover:
        settings, sentence = asyncio.run(_discovered(settings))
        tell(f"no target was named: {sentence}\n", settings.ascii)
    looks = asyncio.run(_look_at_all(settings))
    for look in looks:
        tell("\n".join((*_report(look, settings), "")), settings.ascii)
    servers = asyncio.run(_look_at_servers(settings)) if settings.servers else []
    for served in servers:
        tell("\n".join((served.head, *_indented(served.rows), "")), settings.ascii)
    tell("\n".join(columns(_surroundings(settings))), settings.ascii)
    down = [f"{clean(look.name, 80)}: {look.error}" for look in looks if look.error]
    down += [clean(served.head, 80) for served in servers if served.error]
    if not down:
        return 0
    more = f", and {len(down) - 1} more" if len(down) > 1 else ""
    sys.stderr.write(f"tputtui: check: {down[0]}{more}; tputtui stream goes on without it\n")
    return 1


async def _look_at_servers(settings: Settings) -> list[ServerReport]:
    from tputtui.cli.check_servers import look_at_server

    found = await asyncio.gather(*(look_at_server(server, settings, _bindings) for server in settings.servers))
    return [look for looks in found for look in looks]


async def _discovered(settings: Settings) -> tuple[Settings, str]:
    from tputtui.discovery.discoverer import discover

    discovery = await discover()
    targets = tuple(TargetSettings(name=f"127.0.0.1:{found.port}", url=found.url) for found in discovery.found)
    return replace(settings, targets=targets), discovery.sentence


# ------------------------------------------------------------------------------------------------ one target


@frozen
class _Look:
    """Two scrapes of a target, and the body of the second."""

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


class _Keeper:
    """A scanner that keeps the body it was given, for the second opinion."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self.body, self.content_type = b"", ""

    def scan(self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None) -> Exposition:
        self.body, self.content_type = body, content_type or ""
        return self._scanner.scan(body, content_type, wanted)


async def _look_at_all(settings: Settings) -> list[_Look]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(target: TargetSettings) -> _Look:
        async with gate:
            return await _look(target, settings)

    return await asyncio.gather(*(one(target) for target in settings.targets))


async def _look(target: TargetSettings, settings: Settings) -> _Look:
    from tputtui.engine.live_feed import scan_limits

    made = endpoint_settings(target, settings)
    keeper = _Keeper(Scanner(scan_limits(settings.limits, made.max_series)))
    endpoint = Endpoint(made, keeper)
    try:
        first = second = await endpoint.scrape(endpoint.timeout_s)
        if first.error is None:
            await asyncio.sleep(_APART_S)
            second = await endpoint.scrape(endpoint.timeout_s)
    finally:
        await endpoint.aclose()
    return _Look(endpoint.name, endpoint.target.url, target, first, second, keeper.body, keeper.content_type)


def _slow(duration_s: float, interval_s: float) -> str:
    """slower than the interval of 1 s: use --interval 5s (1.6 s a scrape)."""
    from tputtui.engine.target_tracker import suiting_interval

    better = suiting_interval(duration_s, interval_s)
    remedy = f": use --interval {better}s" if better is not None else ""
    took = span(round(duration_s, 1))
    return f"slower than the interval of {span(interval_s)}{remedy} ({took} a scrape)"


def _report(look: _Look, settings: Settings) -> list[str]:
    from tputtui.engine.target_tracker import warning_of
    from tputtui.scrape.crosscheck import judge
    from tputtui.settings.expressions import parse_objective
    from tputtui.signals.classify.classifier import classify
    from tputtui.signals.classify.hygiene import findings
    from tputtui.signals.classify.overrides import apply_overrides

    head = f"{clean(look.name, 80)}  {clean(look.url, 200)}"
    now, before = look.second.exposition, look.first.exposition
    if look.error is not None or now is None or before is None:
        return [head, *_indented([_unread(look.second)])]
    amount, unit = size(look.second.size)
    rows = [("up", f"{amount} {unit}, {now.series:,} series in {_took(look.second.duration_s)}")]
    if look.second.duration_s > settings.interval_s:
        rows.append(("slow", _slow(look.second.duration_s, settings.interval_s)))
    bindings = classify(now, before, look.second.at - look.first.at)
    try:
        bindings = apply_overrides(bindings, look.target.bindings, now)
    except ValueError as error:
        rows.append(("config", clean(str(error), 200)))
    rows += _bindings(bindings)
    rows.append(("judge", judge(look.body, look.content_type, now).sentence))
    if warning := warning_of(now):
        rows.insert(1, ("warning", warning))
    if look.target.insecure:
        rows.append(("insecure", "its certificate is not checked; ca_file trusts a self-signed one instead"))
    if _stands_still(now, before):
        rows.append(
            ("still", f"no sample moved in {_APART_S:g} s: if it refreshes slower than the window, raise --window")
        )
    objectives = map(parse_objective, settings.objectives)
    level_s = next((objective.value for objective in objectives if objective.measure == "latency"), None)
    rows += [("misleads", sentence) for sentence in findings(now, bindings, level_s)]
    return [head, *_indented(rows)]


def _unread(scrape: Scrape) -> tuple[str, str]:
    """What kept a target from being read: it is down, or so slow that the deadline passed."""
    error = scrape.error or "no answer"
    if scrape.late:
        return "slow", f"{error}: the connection stands; --timeout 1m waits longer"
    if error.startswith("unreachable: "):
        return "unreachable", error.removeprefix("unreachable: ")
    return "down", error


def _took(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _stands_still(now: Exposition, before: Exposition) -> bool:
    return bool(now.samples) and all(before.samples.get(series) == value for series, value in now.samples.items())


def _bindings(bindings: Bindings) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for signal, binding in (
        ("traffic", bindings.traffic),
        ("errors", bindings.errors),
        ("latency", bindings.latency),
    ):
        why = bindings.reasons.get(signal, "nothing found")
        rows.append((signal, f"{UNKNOWN}  {clean(why, 200)}" if binding is None else _binding(binding)))
    rows += [("saturation", _binding(binding)) for binding in bindings.saturation[:_SATURATION_SHOWN]]
    if more := len(bindings.saturation) - _SATURATION_SHOWN:
        rows += [("saturation", f"and {more} more")] if more > 0 else []
    rows += [("further", _binding(binding)) for binding in bindings.signals]
    if bindings.breakdown:
        rows.append(("breakdown", clean(", ".join(bindings.breakdown), 200)))
    return rows


def _binding(binding: Binding) -> str:
    """`http_requests_total  req/s  labelled by status (code); set in the config`."""
    what = [clean(binding.family, 100), binding.kind]
    if binding.unit:
        what.append(clean(binding.unit, 20))
    if binding.label:
        what.append(f"by {clean(binding.label, 40)}")
    return f"{'  '.join(what)}  {clean(binding.reason, 200)}".rstrip()


def _indented(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"  {line}" for line in columns(rows)]


# ------------------------------------------------------------------------------------------------ what we run on


def _surroundings(settings: Settings) -> list[tuple[str, str]]:
    """The program's own needs: py-spy, the terminal, the locale, the tools of a checkout."""
    environ = os.environ
    no_screen = why_no_screen(environ)
    locale = settings.origins["ascii"] if settings.ascii else "UTF-8"
    rows = [
        ("py-spy", _py_spy()),
        ("screen", f"not here: {no_screen}; tputtui stream works" if no_screen else _terminal()),
        ("text", f"ASCII only, because of {locale}; a UTF-8 locale shows more" if settings.ascii else "UTF-8"),
        ("colour", _colour(settings)),
    ]
    missing = [tool for tool in ("make",) if shutil.which(tool) is None]
    missing += [] if _has_venv() else ["python3-venv"]
    if missing:
        rows.append(("tools", f"only for a checkout: apt install {' '.join(missing)}"))
    return rows


def _py_spy() -> str:
    from tputtui.profiling.capture import preflight, process_facts

    try:
        path = preflight.find_py_spy()
    except preflight.PySpyNotFoundError as error:
        return str(error)
    if process_facts.may_trace_all():
        tried = preflight.check(os.getpid(), py_spy=path)
        return f"{path}: {'may attach to Python processes (tried on this one)' if tried.ok else tried.sentence}"
    scope = process_facts.ptrace_scope()
    if os.geteuid() == 0:
        return f"{path}: root, but without CAP_SYS_PTRACE: a container needs --cap-add SYS_PTRACE"
    if scope == 0:
        return f"{path}: may attach to your own Python processes; those of others need sudo"
    return f"{path}: kernel.yama.ptrace_scope is {scope}, so each capture needs {preflight.sudo_command(0)[:-1]}PID"


def _terminal() -> str:
    columns_, lines = shutil.get_terminal_size()
    small = "; the screen needs 40x12" if columns_ < 40 or lines < 12 else ""
    return f"{columns_}x{lines}, TERM={clean(os.environ.get('TERM', ''), 40)}{small}"


def _colour(settings: Settings) -> str:
    if not settings.color:
        return f"off ({settings.origins['color']})"
    if os.environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "24 bit"
    return "256" if "256" in os.environ.get("TERM", "") else "16; COLORTERM=truecolor says that the terminal has more"


def _has_venv() -> bool:
    """Whether this Python can make environments: Debian keeps that in a package of its own."""
    from importlib.util import find_spec

    return find_spec("venv") is not None and (find_spec("ensurepip") is not None or sys.prefix != sys.base_prefix)

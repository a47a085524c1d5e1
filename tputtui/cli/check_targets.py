"""Check of each target for `tputtui check`: two scrapes, their contents, and what misleads."""

from __future__ import annotations

import asyncio

from tputtui.cli.check_report import CheckReport, Rows, binding_rows
from tputtui.engine.availability import describe_exposition_warning, suggest_interval
from tputtui.engine.live_feed import scan_limits
from tputtui.frozen import frozen
from tputtui.model import Exposition, Scrape
from tputtui.scrape.crosscheck import crosscheck_exposition
from tputtui.scrape.endpoint import Endpoint
from tputtui.scrape.endpoint_settings import endpoint_settings
from tputtui.scrape.scanner import Scanner
from tputtui.settings import Settings, TargetSettings
from tputtui.settings.expressions import parse_objective
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.hygiene import findings
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.text import clean, format_duration, format_size

_SCRAPE_GAP_S = 1.0
"""Pause between two scrapes: a counter that rises within it is active."""

_MAX_CONCURRENT = 8


@frozen
class ScrapedTarget:
    """Two scrapes of a target, with the body of the second."""

    name: str
    url: str
    target: TargetSettings
    first: Scrape
    second: Scrape
    body: bytes = b""
    content_type: str = ""


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


async def scrape_targets(settings: Settings) -> list[ScrapedTarget]:
    """Scrape every target twice, a few at a time."""
    limit = asyncio.Semaphore(_MAX_CONCURRENT)

    async def scrape_one(target: TargetSettings) -> ScrapedTarget:
        async with limit:
            return await _scrape_target(target, settings)

    return await asyncio.gather(*(scrape_one(target) for target in settings.targets))


async def _scrape_target(target: TargetSettings, settings: Settings) -> ScrapedTarget:
    effective = endpoint_settings(target, settings)
    scanner = _BodyKeepingScanner(Scanner(scan_limits(settings.limits, effective.max_series)))
    endpoint = Endpoint(effective, scanner)
    try:
        first = second = await endpoint.scrape(endpoint.timeout_s)
        if first.error is None:
            await asyncio.sleep(_SCRAPE_GAP_S)
            second = await endpoint.scrape(endpoint.timeout_s)
    finally:
        await endpoint.aclose()
    return ScrapedTarget(
        endpoint.name,
        endpoint.target.url,
        target,
        first,
        second,
        scanner.body,
        scanner.content_type,
    )


def target_report(scraped: ScrapedTarget, settings: Settings) -> CheckReport:
    """Report what a target is taken for, and why; or why it could not be read."""
    name, error = clean(scraped.name, 80), scraped.second.error
    title = f"{name}  {clean(scraped.url, 200)}"
    failure = f"{name}: {error}" if error else ""
    now, before = scraped.second.exposition, scraped.first.exposition
    if error is not None or now is None or before is None:
        return CheckReport(title, [_failed_row(scraped.second)], failure)
    rows = _answer_rows(scraped.second, now, settings)
    bindings = classify(now, before, scraped.second.at - scraped.first.at)
    try:
        bindings = apply_overrides(bindings, scraped.target.bindings, now)
    except ValueError as problem:
        rows.append(("config", clean(str(problem), 200)))
    rows += binding_rows(bindings)
    crosscheck = crosscheck_exposition(scraped.body, scraped.content_type, now)
    rows.append(("judge", crosscheck.sentence))
    if scraped.target.insecure:
        rows.append(
            ("insecure", "its certificate is not checked; ca_file trusts a self-signed one instead")
        )
    if _is_unchanged(now, before):
        remedy = "if it refreshes slower than the window, raise --window"
        rows.append(("still", f"no sample moved in {_SCRAPE_GAP_S:g} s: {remedy}"))
    level_s = _latency_objective_s(settings)
    rows += [("misleads", sentence) for sentence in findings(now, bindings, level_s)]
    return CheckReport(title, rows, failure)


def _answer_rows(scrape: Scrape, exposition: Exposition, settings: Settings) -> Rows:
    """Return the rows about the answer: size, duration, and whether it is as it should be."""
    amount, unit = format_size(scrape.size)
    duration = _format_duration(scrape.duration_s)
    rows = [("up", f"{amount} {unit}, {exposition.series:,} series in {duration}")]
    if warning := describe_exposition_warning(exposition):
        rows.append(("warning", warning))
    if scrape.duration_s > settings.interval_s:
        rows.append(("slow", _describe_slow(scrape.duration_s, settings.interval_s)))
    return rows


def _latency_objective_s(settings: Settings) -> float | None:
    """Return the level of the first latency objective, in seconds."""
    for expression in settings.objectives:
        objective = parse_objective(expression)
        if objective.measure == "latency":
            return objective.value
    return None


def _describe_slow(duration_s: float, interval_s: float) -> str:
    """Describe a scrape that takes longer than the interval.

    "slower than the interval of 1 s: use --interval 5s (1.6 s a scrape)."
    """
    better = suggest_interval(duration_s, interval_s)
    remedy = f": use --interval {better}s" if better is not None else ""
    duration = format_duration(round(duration_s, 1))
    interval = format_duration(interval_s)
    return f"slower than the interval of {interval}{remedy} ({duration} a scrape)"


def _failed_row(scrape: Scrape) -> tuple[str, str]:
    """Describe why a target could not be read: down, or past the deadline."""
    error = scrape.error or "no answer"
    if scrape.late:
        return "slow", f"{error}: the connection stands; --timeout 1m waits longer"
    if error.startswith("unreachable: "):
        return "unreachable", error.removeprefix("unreachable: ")
    return "down", error


def _format_duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _is_unchanged(now: Exposition, before: Exposition) -> bool:
    return bool(now.samples) and all(
        before.samples.get(series) == value for series, value in now.samples.items()
    )

"""Reports of `tputtui check` on targets, a server and its jobs: a title and rows below it.

A target is scraped twice; its report shows the contents and what misleads. That of a
Prometheus-compatible server shows its reachability, jobs and findings.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace

from tputtui.engine.availability import describe_exposition_warning, suggest_interval
from tputtui.engine.live_feed import scan_limits
from tputtui.frozen import frozen
from tputtui.model import Binding, Bindings, Exposition, Scrape, Target
from tputtui.scrape.address import url_path
from tputtui.scrape.crosscheck import crosscheck_exposition
from tputtui.scrape.endpoint import Endpoint, endpoint_settings
from tputtui.scrape.prometheus.api import ServerApi, ServerError, base_url
from tputtui.scrape.prometheus.job_discovery import MAX_JOBS, ServerJob, list_jobs, read_raw_series
from tputtui.scrape.prometheus.job_targets import NO_ANSWER, JobTarget, build_expressions
from tputtui.scrape.prometheus.queries import join_queries
from tputtui.scrape.scanner import Scanner
from tputtui.settings import Settings, TargetSettings
from tputtui.settings.expressions import parse_objective
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.hygiene import findings
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.server_window import build_queries
from tputtui.text import UNKNOWN, clean, format_duration, format_size

_MAX_SATURATION_ROWS = 8

Rows = list[tuple[str, str]]


@frozen
class CheckReport:
    """Report on one target, server or job."""

    title: str
    rows: Rows
    failure: str = ""  # its clause in the last line, if it could not be read


def _binding_rows(bindings: Bindings) -> Rows:
    """Return a row for each signal: its binding, or why there is none."""
    rows: Rows = []
    for signal, binding in (
        ("traffic", bindings.traffic),
        ("errors", bindings.errors),
        ("latency", bindings.latency),
    ):
        if binding is not None:
            rows.append((signal, _describe_binding(binding)))
        else:
            reason = bindings.reasons.get(signal, "nothing found")
            rows.append((signal, f"{UNKNOWN}  {clean(reason, 200)}"))
    shown = bindings.saturation[:_MAX_SATURATION_ROWS]
    rows += [("saturation", _describe_binding(binding)) for binding in shown]
    if len(bindings.saturation) > len(shown):
        rows.append(("saturation", f"and {len(bindings.saturation) - len(shown)} more"))
    rows += [("further", _describe_binding(binding)) for binding in bindings.signals]
    if bindings.breakdown:
        rows.append(("breakdown", clean(", ".join(bindings.breakdown), 200)))
    return rows


def _describe_binding(binding: Binding) -> str:
    """Describe a binding: `http_requests_total  req/s  labelled by status (code); set in the
    config`.
    """
    parts = [clean(binding.family, 100), binding.kind]
    if binding.unit:
        parts.append(clean(binding.unit, 20))
    if binding.label:
        parts.append(f"by {clean(binding.label, 40)}")
    return f"{'  '.join(parts)}  {clean(binding.reason, 200)}".rstrip()


_DEADLINE_S = 20.0


async def check_server(server: TargetSettings, settings: Settings) -> list[CheckReport]:
    """Check the server itself, and each of its jobs."""
    effective = endpoint_settings(server, settings)
    effective = replace(effective, url=base_url(effective.url))
    title = f"{clean(effective.name, 80)}  {clean(effective.target.url, 200)}"
    api = ServerApi(effective)
    started = time.monotonic()
    try:
        jobs = await list_jobs(api, server.match, _DEADLINE_S)
        duration_ms = (time.monotonic() - started) * 1000
        if not jobs:
            return [_down_report(title, "the server has no such series")]
        metadata = await api.metadata(_DEADLINE_S)
        rows = _server_rows(jobs, duration_ms, has_metadata=bool(metadata))
        reports = [CheckReport(title, rows)]
        reports += [
            await _check_job(api, job, server, metadata, settings) for job in jobs[:MAX_JOBS]
        ]
    except ServerError as error:
        return [_down_report(title, str(error))]
    finally:
        await api.aclose()
    return reports


def _down_report(title: str, error: str, rows: Rows | None = None) -> CheckReport:
    return CheckReport(title, [("down", error), *(rows or [])], clean(title, 80))


def _server_rows(jobs: Sequence[ServerJob], duration_ms: float, *, has_metadata: bool) -> Rows:
    series = sum(job.series_count for job in jobs)
    rows = [("up", f"{len(jobs)} jobs with {series:,} series, listed in {duration_ms:.0f} ms")]
    if not has_metadata:
        rows.append(("types", "it keeps no metadata: counters are recognized by their names"))
    if len(jobs) > MAX_JOBS:
        rows.append(("hidden", f"{len(jobs) - MAX_JOBS} jobs are not watched: --match chooses"))
    return rows


async def _check_job(
    api: ServerApi,
    job: ServerJob,
    server: TargetSettings,
    metadata: dict[str, object],
    settings: Settings,
) -> CheckReport:
    title = f"job {clean(job.name, 80)}" if job.name else "series without a job"
    try:
        exposition = await read_raw_series(api, job, server.match, metadata, _DEADLINE_S)
    except ServerError as error:
        return _down_report(title, str(error))
    served = exposition.served
    bindings = classify(
        exposition, served.before if served else None, served.before_s if served else None
    )
    size = f"{job.series_count:,} series, {len(job.sources)} instances"
    rows = [("up", f"{size}, scraped every {job.scrape_s:g} s")]
    try:
        bindings = apply_overrides(bindings, server.bindings, exposition)
    except ValueError as error:
        rows.append(("config", clean(str(error), 200)))
    if hidden := sum(exposition.hidden.values()):
        rows.append(("hidden", f"{hidden:,} series of its largest families were not read"))
    try:
        rows += await _answers(api, job, server, bindings, settings)
    except ServerError as error:
        return _down_report(title, str(error), _binding_rows(bindings))
    return CheckReport(title, rows + _binding_rows(bindings))


async def _answers(
    api: ServerApi, job: ServerJob, server: TargetSettings, bindings: Bindings, settings: Settings
) -> Rows:
    """Check the answers to the queries of a tick and return the problems.

    Raises ServerError if they are refused.
    """
    part = JobTarget(
        Target(job.name, ""),
        job,
        questions=build_queries(bindings, default_breakdown(bindings.breakdown)),
    )
    warnings: dict[str, None] = {}
    sample_count = 0
    for query in join_queries(build_expressions([part], server.match, settings.window_s)):
        vector, result = await api.vector(query, server.timeout_s or settings.timeout_s)
        sample_count += len(vector)
        warnings |= dict.fromkeys(result.warnings)
    rows = [("warning", warning) for warning in warnings]
    return rows if sample_count or not part.questions else [*rows, ("empty", NO_ANSWER)]


_SCRAPE_GAP_S = 1.0
"""Pause between two scrapes: a counter that rises within it is active."""

_MAX_CONCURRENT = 8


@frozen
class _ScrapedTarget:
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


async def scrape_targets(settings: Settings) -> list[_ScrapedTarget]:
    """Scrape every target twice, a few at a time."""
    limit = asyncio.Semaphore(_MAX_CONCURRENT)

    async def scrape_one(target: TargetSettings) -> _ScrapedTarget:
        async with limit:
            return await _scrape_target(target, settings)

    return await asyncio.gather(*(scrape_one(target) for target in settings.targets))


async def _scrape_target(target: TargetSettings, settings: Settings) -> _ScrapedTarget:
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
    return _ScrapedTarget(
        endpoint.name,
        endpoint.target.url,
        target,
        first,
        second,
        scanner.body,
        scanner.content_type,
    )


def target_report(scraped: _ScrapedTarget, settings: Settings) -> CheckReport:
    """Report what a target is taken for, and why; or why it could not be read."""
    name, error = clean(scraped.name, 80), scraped.second.error
    title = f"{name}  {clean(scraped.url, 200)}"
    failure = f"{name}: {error}" if error else ""
    now, before = scraped.second.exposition, scraped.first.exposition
    if error is not None or now is None or before is None:
        return CheckReport(title, [_failed_row(scraped.second)], failure)
    rows = _answer_rows(scraped.second, now, settings)
    elapsed_s = scraped.second.at - scraped.first.at
    bindings = classify(now, before, elapsed_s, own_path=url_path(scraped.url))
    try:
        bindings = apply_overrides(bindings, scraped.target.bindings, now)
    except ValueError as problem:
        rows.append(("config", clean(str(problem), 200)))
    rows += _binding_rows(bindings)
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

"""Check of a Prometheus-compatible server for `tputtui check`: its reachability, jobs and
findings.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from tputtui.cli.check_report import CheckReport, Rows, binding_rows
from tputtui.model import Bindings, Target
from tputtui.scrape.endpoint_settings import endpoint_settings
from tputtui.scrape.prometheus.api import ServerApi, ServerError, base_url
from tputtui.scrape.prometheus.job_discovery import MAX_JOBS, ServerJob, list_jobs, read_raw_series
from tputtui.scrape.prometheus.job_targets import NO_ANSWER, JobTarget, build_expressions
from tputtui.scrape.prometheus.queries import join_queries
from tputtui.settings import Settings, TargetSettings
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.server_window import build_queries
from tputtui.text import clean

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
        rows.append(("hidden", f"{hidden:,} series of its largest families were not looked at"))
    try:
        rows += await _answers(api, job, server, bindings, settings)
    except ServerError as error:
        return _down_report(title, str(error), binding_rows(bindings))
    return CheckReport(title, rows + binding_rows(bindings))


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

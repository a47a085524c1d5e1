"""Jobs of a server as targets: their joint queries, the answers of each, and their past."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tputtui.model import (
    Exposition,
    Labels,
    Match,
    Scrape,
    Series,
    ServerQuery,
    ServerTargetInfo,
    Target,
)
from tputtui.scrape.address import host_and_port
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.prometheus.api import ServerApi, Vector
from tputtui.scrape.prometheus.job_discovery import ServerJob
from tputtui.scrape.prometheus.queries import (
    FAMILY_LABEL,
    JOB_LABEL,
    PlannedQuery,
    expression,
    join_queries,
    label_family,
    selector,
)
from tputtui.text import clean

_MIN_RANGE_SCRAPES = 4
"""Scrapes of the server over which rates are taken at least: two are needed, one may be missing."""

NO_ANSWER = "the server answers nothing for this job"

_MAX_CACHED_SERIES = 20_000  # series kept of one job's answers
UP, ALL = ":up", ":all"  # our own questions: sources of a job that are up, and all


@dataclass(slots=True)
class JobTarget:
    """One job as a target."""

    target: Target
    job: ServerJob
    read_at: float = -1e9
    questions: tuple[ServerQuery, ...] = ()
    series: dict[tuple[str, Labels], Series] = field(default_factory=dict)

    def range_s(self, window_s: float) -> float:
        """Return the span of its rates in seconds."""
        return max(window_s, _MIN_RANGE_SCRAPES * self.job.scrape_s)

    def exposition(
        self, samples: Mapping[Series, float], range_s: float, warning: str | None
    ) -> Exposition:
        """Make the exposition of the answers to its questions."""
        families = self.job.exposition.families if self.job.exposition is not None else {}
        hidden = self.job.exposition.hidden if self.job.exposition is not None else {}
        served = ServerTargetInfo(rate_s=range_s)
        return Exposition(
            samples, families, self.job.series_count, warning=warning, hidden=hidden, served=served
        )


def create_target(settings: EndpointSettings, job: ServerJob, *, is_only_job: bool) -> Target:
    """Create the target of a job.

    It is named by the job, by the configured name of the server, or by both if the server has
    several jobs.
    """
    own = settings.service or settings.name
    name = clean(job.name, 60)
    if own != host_and_port(settings.url):
        name = own if is_only_job or not name else f"{own} {name}"
    return Target(name or own, settings.target.url)


def build_expressions(
    job_targets: Iterable[JobTarget], matches: Sequence[Match], window_s: float
) -> list[str]:
    """Build one expression for each family and span, for all jobs with the same question.

    The first two are the numbers of sources that are up, and of all.
    """
    of_all = selector(matches, "up")
    planned: dict[tuple[str, str, float], PlannedQuery] = {}
    for job_target in job_targets:
        job = job_target.job
        range_s = job_target.range_s(window_s)
        for question in map(job.translate_question, job_target.questions):
            key = (question.name, question.how, range_s)
            query = planned.get(key)
            if query is None:
                planned[key] = PlannedQuery(question, (job.name,), range_s)
            else:
                planned[key] = query.add_job(question, job.name)
    return [
        label_family(f"sum by ({JOB_LABEL}) ({of_all})", UP),
        label_family(f"count by ({JOB_LABEL}) ({of_all})", ALL),
        *(expression(query, matches) for query in planned.values()),
    ]


_JobAnswer = tuple[dict[Series, float], float | None, float | None]
"""Samples of a job, and how many of its sources are up, of how many."""


def group_by_job(job_targets: Mapping[str, JobTarget], vector: Vector) -> dict[str, _JobAnswer]:
    """Group the answers by job."""
    samples: dict[str, dict[Series, float]] = {name: {} for name in job_targets}
    up: dict[str, float] = {}
    count: dict[str, float] = {}
    for labels, value in vector:
        job, family = labels.get(JOB_LABEL, ""), labels.get(FAMILY_LABEL, "")
        job_target = job_targets.get(job)
        if job_target is None:
            continue
        if family in (UP, ALL):
            (up if family == UP else count)[job] = value
            continue
        own_labels = [pair for pair in labels.items() if pair[0] not in (FAMILY_LABEL, JOB_LABEL)]
        key = (family, tuple(sorted(own_labels)))
        series = job_target.series.get(key)
        if series is None:
            if len(job_target.series) >= _MAX_CACHED_SERIES:
                job_target.series.clear()
            series = job_target.series[key] = Series(*key)
        samples[job][series] = value
    return {name: (own, up.get(name), count.get(name)) for name, own in samples.items()}


_SPAN_S = 900.0
"""Seconds by which the time axis reaches back: the ten minutes of a screen, and some more."""

_STEP_S = 10.0
MAX_VALUES = 200_000
"""Values of all series at all times; beyond it the past is shorter."""

DEADLINE_S = 20.0


async def read_backfill(
    api: ServerApi,
    job_targets: Mapping[str, JobTarget],
    matches: Sequence[Match],
    window_s: float,
    series_count: int,
) -> list[Scrape]:
    """Read the rates of the last quarter of an hour, the oldest first; `duration_s` is the step.

    The times are multiples of the step, which servers cache. Raises ServerError.

    Args: `series_count`: series in the answer for one time.
    """
    step = max([_STEP_S, *(part.job.scrape_s for part in job_targets.values())])
    steps = int(min(_SPAN_S / step, MAX_VALUES / max(1, series_count)))
    if steps < 2:
        return []
    window_s = max(window_s, step)
    end = time.time() // step * step
    by_time: dict[float, Vector] = {}
    for query in join_queries(build_expressions(job_targets.values(), matches, window_s)):
        matrix, _ = await api.matrix(query, DEADLINE_S, (end - steps * step, end, step))
        for labels, values in matrix:
            for at, value in values:
                by_time.setdefault(at, []).append((labels, value))
    offset = time.monotonic() - time.time()
    past: list[Scrape] = []
    for at, vector in sorted(by_time.items()):
        for job, (own, _, _) in group_by_job(job_targets, vector).items():
            part = job_targets[job]
            if own:
                exposition = part.exposition(own, part.range_s(window_s), None)
                past.append(Scrape(part.target.name, at + offset, at, step, exposition))
    return past

"""The jobs of a server as targets: which questions they have together, and which answers are whose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tputtui.model import Exposition, Labels, Match, Question, Series, Served, Target
from tputtui.scrape.prometheus.api import Vector
from tputtui.scrape.prometheus.job_discovery import ServerJob
from tputtui.scrape.prometheus.queries import (
    FAMILY_LABEL,
    JOB_LABEL,
    PlannedQuery,
    expression,
    label_family,
    selector,
)

MIN_RANGE_SCRAPES = 4
"""Rates need two samples, and one may be missing: they are taken over at least so many scrapes of the server."""

NO_ANSWER = "the server answers nothing for this job"

MAX_CACHED_SERIES = 20_000  # of one job's answers, that are remembered by name
UP, ALL = ":up", ":all"  # our own questions: sources of a job that are up, and all


@dataclass(slots=True)
class JobTarget:
    """One job as a target."""

    target: Target
    job: ServerJob
    read_at: float = -1e9
    questions: tuple[Question, ...] = ()
    series: dict[tuple[str, Labels], Series] = field(default_factory=dict)

    def range_s(self, window_s: float) -> float:
        """The span of its rates."""
        return max(window_s, MIN_RANGE_SCRAPES * self.job.scrape_s)

    def exposition(
        self, samples: Mapping[Series, float], range_s: float, warning: str | None
    ) -> Exposition:
        """The answer to its questions."""
        families = self.job.exposition.families if self.job.exposition is not None else {}
        hidden = self.job.exposition.hidden if self.job.exposition is not None else {}
        served = Served(rate_s=range_s)
        return Exposition(
            samples, families, self.job.series_count, warning=warning, hidden=hidden, served=served
        )


def build_expressions(
    job_targets: Iterable[JobTarget], matches: Sequence[Match], window_s: float
) -> list[str]:
    """One expression a family and span, for all jobs that ask for it alike; before them, who is up, and of how many."""
    of_all = selector(matches, "up")
    asked: dict[tuple[str, str, float], PlannedQuery] = {}
    for part in job_targets:
        for question in map(part.job.translate_question, part.questions):
            key = (question.name, question.how, part.range_s(window_s))
            before, job = asked.get(key), part.job.name
            asked[key] = (
                PlannedQuery(question, (job,), key[2])
                if before is None
                else before.add_job(question, job)
            )
    return [
        label_family(f"sum by ({JOB_LABEL}) ({of_all})", UP),
        label_family(f"count by ({JOB_LABEL}) ({of_all})", ALL),
        *(expression(one, matches) for one in asked.values()),
    ]


JobAnswer = tuple[dict[Series, float], float | None, float | None]
"""The samples of a job, and how many of its sources are up, of how many."""


def group_by_job(job_targets: Mapping[str, JobTarget], vector: Vector) -> dict[str, JobAnswer]:
    """The answers by job."""
    samples: dict[str, dict[Series, float]] = {name: {} for name in job_targets}
    up: dict[str, float] = {}
    count: dict[str, float] = {}
    for labels, value in vector:
        job, family = labels.get(JOB_LABEL, ""), labels.get(FAMILY_LABEL, "")
        part = job_targets.get(job)
        if part is None:
            continue
        if family in (UP, ALL):
            (up if family == UP else count)[job] = value
            continue
        key = (
            family,
            tuple(
                sorted(pair for pair in labels.items() if pair[0] not in (FAMILY_LABEL, JOB_LABEL))
            ),
        )
        series = part.series.get(key)
        if series is None:
            if len(part.series) >= MAX_CACHED_SERIES:
                part.series.clear()
            series = part.series[key] = Series(*key)
        samples[job][series] = value
    return {name: (own, up.get(name), count.get(name)) for name, own in samples.items()}

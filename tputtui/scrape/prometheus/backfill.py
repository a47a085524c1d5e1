"""Read the past from a server: the same queries, for several times at once."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from tputtui.model import Match, Scrape
from tputtui.scrape.prometheus.api import ServerApi, Vector
from tputtui.scrape.prometheus.job_targets import JobTarget, build_expressions, group_by_job
from tputtui.scrape.prometheus.queries import join_queries

SPAN_S = 900.0
"""Seconds by which the time axis reaches back: the ten minutes of a screen, and some more."""

STEP_S = 10.0
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
    step = max([STEP_S, *(part.job.scrape_s for part in job_targets.values())])
    steps = int(min(SPAN_S / step, MAX_VALUES / max(1, series_count)))
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

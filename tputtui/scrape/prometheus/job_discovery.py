"""Find a server's jobs, and the raw series of each, as a target of that job would expose them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tputtui.model import Exposition, Family, Labels, Match, Series, ServerQuery, ServerTargetInfo
from tputtui.scrape.prometheus.api import ServerApi, ServerError, Vector
from tputtui.scrape.prometheus.queries import JOB_LABEL, match_any, match_jobs, selector
from tputtui.text import clean

MAX_JOBS = 40
"""Jobs that are watched; a warning gives the number of the others. `--match` selects."""

MAX_SERIES = 10_000
"""Series of a job that are read whole. Of a larger job one instance is read, as they are alike."""

EARLIER_S = 60.0
"""Age in seconds of the earlier values, which show which series are alive."""

DEFAULT_SCRAPE_S = 15.0
"""Scrape interval of a job if its samples do not show it."""

_SAMPLE_SPAN_S = 300  # span of samples from which a scrape interval is measured
_PARTS = ("_bucket", "_count", "_sum")
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "_info")
_DEFAULT_SOURCES = frozenset(("instance",))
_TYPES = frozenset(
    ("counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram")
)


@dataclass(slots=True)
class ServerJob:
    """One job of a server."""

    name: str
    series_counts: Mapping[str, int]  # series by sample name
    sources: tuple[dict[str, str], ...] = ()  # the labels of its `up` series
    measured_scrape_s: float | None = None  # its scrape interval, if its samples show it
    example_labels: Mapping[str, str] | None = None  # the labels of one of its series
    exposition: Exposition | None = None  # newest raw series
    interned: dict[tuple[str, Labels], Series] = field(default_factory=dict)

    @property
    def scrape_s(self) -> float:
        """Seconds from one scrape of the server to the next."""
        return self.measured_scrape_s if self.measured_scrape_s is not None else DEFAULT_SCRAPE_S

    def translate_question(self, question: ServerQuery) -> ServerQuery:
        """Translate a question to the names of the server.

        A native histogram's buckets, count and sum are one series.
        """
        if question.name in self.series_counts:
            return question
        for suffix in _PARTS:
            base = question.name.removesuffix(suffix)
            if base != question.name:
                break
        if base == question.name or base not in self.series_counts:
            return question
        return ServerQuery(base, "rate", question.labels - {"le", "vmrange"})

    @property
    def series_count(self) -> int:
        """Number of its series."""
        return sum(self.series_counts.values())

    @property
    def source_labels(self) -> frozenset[str]:
        """Labels of the source of a series, which are not part of what it exposes."""
        labels = frozenset(label for source in self.sources for label in source)
        return labels - {"__name__", JOB_LABEL} or _DEFAULT_SOURCES


async def list_jobs(api: ServerApi, matches: Sequence[Match], deadline_s: float) -> list[ServerJob]:
    """List the jobs whose series meet the conditions, by name. Raises ServerError."""
    conditions = tuple(matches)
    counted, _ = await api.vector(
        f"count by ({JOB_LABEL},__name__) ({selector(conditions)})", deadline_s
    )
    by_job: dict[str, dict[str, int]] = {}
    for labels, count in counted:
        by_job.setdefault(labels.get(JOB_LABEL, ""), {})[labels.get("__name__", "")] = int(count)
    try:
        up, _ = await api.vector(selector(conditions, "up"), deadline_s)
    except ServerError:
        up = []
    sources: dict[str, list[dict[str, str]]] = {}
    for labels, _value in up:
        sources.setdefault(labels.get(JOB_LABEL, ""), []).append(labels)
    return [
        ServerJob(name, counts, tuple(sources.get(name, ())))
        for name, counts in sorted(by_job.items())
    ]


async def read_raw_families(
    api: ServerApi,
    job: ServerJob,
    names: frozenset[str],
    matches: Sequence[Match],
    deadline_s: float,
) -> Exposition:
    """Read the raw series of a few names, summed over sources. Raises ServerError."""
    kept = sorted({job.translate_question(ServerQuery(name, "rate")).name for name in names})
    conditions = [*matches, match_jobs([job.name]), match_any("__name__", kept)]
    if sum(job.series_counts.get(name, 0) for name in kept) > MAX_SERIES:
        instance = await _find_largest_instance(api, conditions, deadline_s)
        conditions += [Match("instance", "=", instance)] if instance is not None else []
    now, _ = await api.vector(selector(conditions), deadline_s)
    samples = _sum_sources(now, job.source_labels | {JOB_LABEL}, job.interned, {})
    families = job.exposition.families if job.exposition is not None else {}
    return Exposition(
        samples,
        families,
        max(job.series_count, len(samples) + 1),
        served=ServerTargetInfo(rate_s=None),
    )


async def read_raw_series(
    api: ServerApi,
    job: ServerJob,
    matches: Sequence[Match],
    metadata: Mapping[str, Any],
    deadline_s: float,
) -> Exposition:
    """Read a job's raw series, summed over sources, now and a minute ago. Raises ServerError."""
    conditions = [*matches, match_jobs([job.name])]
    hidden: dict[str, int] = {}
    if job.series_count > MAX_SERIES:
        instance = await _find_largest_instance(api, conditions, deadline_s)
        if instance is not None:
            conditions.append(Match("instance", "=", instance))
        else:
            hidden = _families_over_limit(job.series_counts)
            conditions += [Match("__name__", "!=", name) for name in hidden]
    chosen = selector(conditions)
    now, _ = await api.vector(chosen, deadline_s)
    if len(now) > 2 * MAX_SERIES:  # it grew since it was counted, or one instance is that large
        hidden = _families_over_limit(Counter(labels.get("__name__", "") for labels, _ in now))
        now = [sample for sample in now if sample[0].get("__name__", "") not in hidden]
    try:
        before, _ = await api.vector(f"{chosen} offset {round(EARLIER_S)}s", deadline_s)
    except ServerError:
        before = []
    families = _parse_families(job.series_counts, metadata)
    excluded_labels = job.source_labels | {JOB_LABEL}
    kept: dict[tuple[str, Labels], Series] = {}
    samples = _sum_sources(now, excluded_labels, job.interned, kept)
    earlier = _sum_sources(before, excluded_labels, job.interned, kept)
    job.interned = kept
    job.example_labels = next(iter(job.sources), None) or next((labels for labels, _ in now), None)
    await measure_scrape_interval(api, job, matches, deadline_s)
    served = ServerTargetInfo(
        rate_s=None,
        source_labels=_distinguishing_labels(job, now),
        before=Exposition(earlier, families, len(earlier)) if earlier else None,
        before_s=EARLIER_S if earlier else None,
    )
    job.exposition = Exposition(
        samples, families, len(samples) + sum(hidden.values()), hidden=hidden, served=served
    )
    return job.exposition


async def _find_largest_instance(
    api: ServerApi, conditions: Sequence[Match], deadline_s: float
) -> str | None:
    vector, _ = await api.vector(
        f"topk(1, count by (instance) ({selector(conditions)}))", deadline_s
    )
    return next((labels["instance"] for labels, _ in vector if "instance" in labels), None)


def _families_over_limit(counts: Mapping[str, int]) -> dict[str, int]:
    """Select the largest families to hide, so that the others are within the limit."""
    left = sum(counts.values())
    hidden: dict[str, int] = {}
    for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if left <= MAX_SERIES:
            break
        hidden[name] = count
        left -= count
    return hidden


def _sum_sources(
    vector: Vector,
    excluded_labels: frozenset[str],
    interned: Mapping[tuple[str, Labels], Series],
    kept: dict[tuple[str, Labels], Series],
) -> dict[Series, float]:
    """Sum the samples over the labels of their sources."""
    samples: dict[Series, float] = {}
    excluded = excluded_labels | {"__name__"}
    for labels, value in vector:
        own_labels = [pair for pair in labels.items() if pair[0] not in excluded]
        key = (labels.get("__name__", ""), tuple(sorted(own_labels)))
        series = kept.get(key)
        if series is None:
            series = kept[key] = interned.get(key) or Series(*key)
        before = samples.get(series)
        samples[series] = value if before is None or math.isnan(before) else before + value
    return samples


def _parse_families(names: Iterable[str], metadata: Mapping[str, Any]) -> dict[str, Family]:
    """Parse the server's TYPE, HELP and UNIT; if targets disagree, the first counts."""
    families: dict[str, Family] = {}
    for name in names:
        bases = [name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)]
        for base in (name, *bases):
            entries = metadata.get(base)
            if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
                continue
            kind, about, unit = (str(entries[0].get(key, "")) for key in ("type", "help", "unit"))
            families[base] = Family(
                base, kind if kind in _TYPES else "untyped", clean(about, 512), clean(unit, 64)
            )
            break  # the nearest name: one job may have "x_total" where another has "x"
    return families


def _distinguishing_labels(job: ServerJob, now: Vector) -> tuple[str, ...]:
    """List the source labels that differ between sources, `instance` first."""
    sources: Iterable[Mapping[str, str]] = job.sources or [labels for labels, _ in now]
    values: dict[str, set[str]] = {}
    for labels in sources:
        for label in job.source_labels:
            values.setdefault(label, set()).add(labels.get(label, ""))
    differing = [label for label, distinct in values.items() if len(distinct) > 1]
    return tuple(sorted(differing, key=lambda label: (label != "instance", label)))


async def measure_scrape_interval(
    api: ServerApi, job: ServerJob, matches: Sequence[Match], deadline_s: float
) -> None:
    """Measure the scrape interval of a job from the samples of one series.

    A young job has too few samples yet.
    """
    if job.example_labels is None:
        return
    labels = dict(job.example_labels)
    name = labels.pop("__name__", "up")
    conditions = [*matches, *(Match(label, "=", value) for label, value in labels.items())]
    series = selector(conditions, name)
    try:
        matrix, _ = await api.matrix(f"{series}[{_SAMPLE_SPAN_S}s]", deadline_s)
    except ServerError:
        return
    samples = matrix[0][1] if matrix else []
    gaps = sorted(after - before for (before, _), (after, _) in pairwise(samples))
    if gaps and gaps[len(gaps) // 2] > 0:
        job.measured_scrape_s = gaps[len(gaps) // 2]

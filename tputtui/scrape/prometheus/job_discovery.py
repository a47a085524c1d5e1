"""What a server knows: its jobs, and of each the raw series, as a target of that job would expose them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tputtui.model import Exposition, Family, Labels, Match, Question, Series, Served
from tputtui.scrape.prometheus.api import ServerApi, ServerError, Vector
from tputtui.scrape.prometheus.queries import JOB_LABEL, match_any, match_jobs, selector
from tputtui.text import clean

MAX_JOBS = 40
"""Jobs that are watched; the others are named in a warning. `--match` chooses."""

MAX_SERIES = 10_000
"""Series of a job that are looked at whole. Of a job with more, one instance is: it exposes what the others do."""

EARLIER_S = 60.0
"""What the series were so long ago tells which of them are alive."""

DEFAULT_SCRAPE_S = 15.0
"""A job's scrape interval where its samples do not tell it."""

_SAMPLE_SPAN_S = 300  # span of samples that a scrape interval is told by
_PARTS = ("_bucket", "_count", "_sum")
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "_info")
_DEFAULT_SOURCES = frozenset(("instance",))
_TYPES = frozenset(
    ("counter", "gauge", "histogram", "summary", "info", "stateset", "gaugehistogram")
)


@dataclass(slots=True)
class ServerJob:
    """One job as a server knows it."""

    name: str
    series_counts: Mapping[str, int]  # series by sample name
    sources: tuple[dict[str, str], ...] = ()  # the labels of its `up` series
    measured_scrape_s: float | None = None  # its scrape interval, as far as its samples tell
    example_labels: Mapping[str, str] | None = None  # the labels of one of its series
    exposition: Exposition | None = None  # of the newest look
    interned: dict[tuple[str, Labels], Series] = field(default_factory=dict)

    @property
    def scrape_s(self) -> float:
        """Seconds from one scrape of the server to the next."""
        return self.measured_scrape_s if self.measured_scrape_s is not None else DEFAULT_SCRAPE_S

    def translate_question(self, question: Question) -> Question:
        """A question in the names that the server has: a native histogram's buckets, count and sum are one series."""
        base = next(
            (question.name.removesuffix(end) for end in _PARTS if question.name.endswith(end)), ""
        )
        is_native = base in self.series_counts and question.name not in self.series_counts
        return (
            Question(base, "rate", question.labels - {"le", "vmrange"}) if is_native else question
        )

    @property
    def series_count(self) -> int:
        """How many series it has."""
        return sum(self.series_counts.values())

    @property
    def source_labels(self) -> frozenset[str]:
        """Labels that belong to the source of a series and not to what it exposes."""
        found = frozenset(label for source in self.sources for label in source) - {
            "__name__",
            JOB_LABEL,
        }
        return found or _DEFAULT_SOURCES


async def list_jobs(api: ServerApi, matches: Sequence[Match], deadline_s: float) -> list[ServerJob]:
    """The jobs whose series meet the conditions, by name. Raises ServerError."""
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
    """The raw series of a few names, its sources added up: not the whole of a job. Raises ServerError."""
    kept = sorted({job.translate_question(Question(name, "rate")).name for name in names})
    conditions = [*matches, match_jobs([job.name]), match_any("__name__", kept)]
    if sum(job.series_counts.get(name, 0) for name in kept) > MAX_SERIES:
        instance = await _find_largest_instance(api, conditions, deadline_s)
        conditions += [Match("instance", "=", instance)] if instance is not None else []
    now, _ = await api.vector(selector(conditions), deadline_s)
    samples = _sum_sources(now, job.source_labels | {JOB_LABEL}, job.interned, {})
    families = job.exposition.families if job.exposition is not None else {}
    return Exposition(
        samples, families, max(job.series_count, len(samples) + 1), served=Served(rate_s=None)
    )


async def read_raw_series(
    api: ServerApi,
    job: ServerJob,
    matches: Sequence[Match],
    metadata: Mapping[str, Any],
    deadline_s: float,
) -> Exposition:
    """The raw series of a job, its sources added up, now and a minute ago. Raises ServerError."""
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
    if len(now) > 2 * MAX_SERIES:  # it grew while we asked, or one instance alone is that large
        hidden = _families_over_limit(Counter(labels.get("__name__", "") for labels, _ in now))
        now = [one for one in now if one[0].get("__name__", "") not in hidden]
    try:
        before, _ = await api.vector(f"{chosen} offset {round(EARLIER_S)}s", deadline_s)
    except ServerError:
        before = []
    families = _parse_families(job.series_counts, metadata)
    leave_out = job.source_labels | {JOB_LABEL}
    kept: dict[tuple[str, Labels], Series] = {}
    samples = _sum_sources(now, leave_out, job.interned, kept)
    earlier = _sum_sources(before, leave_out, job.interned, kept)
    job.interned = kept
    job.example_labels = next(iter(job.sources), None) or next((labels for labels, _ in now), None)
    await measure_scrape_interval(api, job, matches, deadline_s)
    served = Served(
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
    found, _ = await api.vector(
        f"topk(1, count by (instance) ({selector(conditions)}))", deadline_s
    )
    return next((labels["instance"] for labels, _ in found if "instance" in labels), None)


def _families_over_limit(counts: Mapping[str, int]) -> dict[str, int]:
    """The largest families, so that the others are within the limit."""
    left = sum(counts.values())
    hidden: dict[str, int] = {}
    for name, count in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
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
    """The samples without the labels of their sources, which are added up."""
    samples: dict[Series, float] = {}
    for labels, value in vector:
        name = labels.get("__name__", "")
        key = (
            name,
            tuple(
                sorted(
                    pair
                    for pair in labels.items()
                    if pair[0] not in excluded_labels and pair[0] != "__name__"
                )
            ),
        )
        series = kept.get(key)
        if series is None:
            series = kept[key] = interned.get(key) or Series(*key)
        before = samples.get(series)
        samples[series] = value if before is None or math.isnan(before) else before + value
    return samples


def _parse_families(names: Iterable[str], metadata: Mapping[str, Any]) -> dict[str, Family]:
    """What the server keeps of TYPE, HELP and UNIT lines; where targets disagree, the first."""
    families: dict[str, Family] = {}
    for name in names:
        for base in (
            name,
            *(name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)),
        ):
            told = metadata.get(base)
            if not isinstance(told, list) or not told or not isinstance(told[0], dict):
                continue
            kind, words, unit = (str(told[0].get(key, "")) for key in ("type", "help", "unit"))
            families[base] = Family(
                base, kind if kind in _TYPES else "untyped", clean(words, 512), clean(unit, 64)
            )
            break  # the nearest: one job may say "x_total" where another says "x"
    return families


def _distinguishing_labels(job: ServerJob, now: Vector) -> tuple[str, ...]:
    """The source labels that differ between sources, `instance` first: what they can be told apart by."""
    sources: Iterable[Mapping[str, str]] = job.sources or [labels for labels, _ in now]
    values: dict[str, set[str]] = {}
    for labels in sources:
        for label in job.source_labels:
            values.setdefault(label, set()).add(labels.get(label, ""))
    differing = [label for label, found in values.items() if len(found) > 1]
    return tuple(sorted(differing, key=lambda label: (label != "instance", label)))


async def measure_scrape_interval(
    api: ServerApi, job: ServerJob, matches: Sequence[Match], deadline_s: float
) -> None:
    """Find out how often samples come, from those of one series: whoever put them there. A young job does not tell yet."""
    if job.example_labels is None:
        return
    conditions = [
        *matches,
        *(
            Match(label, "=", value)
            for label, value in job.example_labels.items()
            if label != "__name__"
        ),
    ]
    try:
        found, _ = await api.matrix(
            f"{selector(conditions, job.example_labels.get('__name__', 'up'))}[{_SAMPLE_SPAN_S}s]",
            deadline_s,
        )
    except ServerError:
        return
    times = found[0][1] if found else []
    gaps = sorted(after - before for (before, _), (after, _) in pairwise(times))
    if gaps and gaps[len(gaps) // 2] > 0:
        job.measured_scrape_s = gaps[len(gaps) // 2]

"""Saturation found by name.

Gauges of requests in flight, of queues, of pools and their limits, of lag and pauses.
"""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.model import Binding, Match
from tputtui.signals.classify import units, vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog

MAX_BINDINGS = 8
"""Maximum number of saturation rows for one target: a longer list is not readable."""


@frozen
class _Candidate:
    rank: float
    binding: Binding


def find_bindings(
    catalog: MetricCatalog, traffic_metric: CatalogMetric | None, *, is_exporter_known: bool = False
) -> list[Binding]:
    """Find the saturation bindings that metric names suggest, best first.

    At most `MAX_BINDINGS`. With `is_exporter_known`, only those that have a limit or come from the
    runtime: a queue without an entry would outrank the known resources.
    """
    uses = [
        use
        for metric in catalog
        if (use := _find_candidate(metric, catalog, traffic_metric)) is not None
    ]
    if is_exporter_known:
        uses = [use for use in uses if use.binding.limit is not None and not use.binding.waiting]
    uses.extend([] if catalog.is_exporter else _runtime_candidates(catalog))
    uses.sort(key=lambda use: (-use.rank, use.binding.family))
    kept: dict[str, Binding] = {}
    for use in uses:
        kept.setdefault(use.binding.name, use.binding)
    return list(kept.values())[:MAX_BINDINGS]


def _find_candidate(
    metric: CatalogMetric, catalog: MetricCatalog, traffic_metric: CatalogMetric | None
) -> _Candidate | None:
    if (
        metric.kind != "gauge"
        or not metric.is_typed
        or metric.name.startswith(
            ("go_", "process_", "promhttp_", "node_", "jvm_", "nodejs_active")
        )
    ):
        return None
    name = set(metric.name_words)
    near = (
        2.0
        if traffic_metric is not None and metric.name_words[0] == traffic_metric.name_words[0]
        else 0.0
    )
    near += 1.0 if name & vocabulary.REQUEST_WORDS else 0.0
    if _is_lag(name):
        return _Candidate(
            7.5, _create_binding(metric, "event loop lag", "gauge, time the event loop comes late")
        )
    if name & vocabulary.NOT_LOAD:
        return None
    if _is_in_flight(metric.name_words) and not name & (vocabulary.WAITING | vocabulary.QUEUE):
        word = "in flight" if "grpc" not in name else "grpc in flight"
        return _Candidate(
            8.0 + near,
            _create_binding(
                metric, word, "gauge of requests being worked on", _find_limit(metric, catalog)
            ),
        )
    if "seconds" in name or "bytes" in name:
        return _memory_candidate(metric, catalog)
    if (
        name & vocabulary.WAITING
        and name
        & (
            vocabulary.LIMITED_RESOURCES
            | vocabulary.QUEUE
            | vocabulary.REQUEST_WORDS
            | {"tasks", "jobs", "acquire", "compactions"}
        )
    ) or (name & vocabulary.QUEUE and name & vocabulary.DEPTH):
        limit = _find_limit(metric, catalog) if not name & vocabulary.WAITING else None
        why = "gauge of waiting work"
        return _Candidate(
            7.0 + near,
            _create_binding(
                metric,
                _display_name(metric.name_words, vocabulary.FILLER_WORDS - {"connections"}),
                why,
                limit,
                waiting=True,
            ),
        )
    if name & vocabulary.LIMITED_RESOURCES and name & vocabulary.USED:
        limit = _find_limit(metric, catalog)
        why = "gauge of what is in use" + (f", of {limit}" if limit else "")
        return _Candidate(
            (6.5 if limit else 3.5) + near,
            _create_binding(metric, _display_name(metric.name_words, vocabulary.USED), why, limit),
        )
    return None


def _is_lag(words: set[str]) -> bool:
    loop = {"eventloop", "loop"} & words
    return bool(
        loop
        and {"lag", "delay"} & words
        and not {"min", "max", "mean", "stddev", "p50", "p90"} & words
    )


def _is_in_flight(words: tuple[str, ...]) -> bool:
    """Tell whether words name requests in progress; "in progress" alone may as well be a backup."""
    joined, told = "_".join(words), set(words)
    named = any(sign in joined for sign in ("in_flight", "inflight", "in_progress", "inprogress"))
    if named and (
        told & (vocabulary.REQUEST_WORDS | {"queries", "calls", "commands"}) or len(words) <= 3
    ):
        return True
    work = {"requests", "request", "reqs", "rq", "queries"} & told
    return bool(work and {"running", "active", "executing", "current"} & told)


def _memory_candidate(metric: CatalogMetric, catalog: MetricCatalog) -> _Candidate | None:
    name = set(metric.name_words)
    if "bytes" not in name or not name & {"used", "usage", "memory"}:
        return None
    limit = _find_limit(metric, catalog)
    if limit is None:
        return None
    return _Candidate(
        4.5,
        _create_binding(
            metric,
            _display_name(metric.name_words, vocabulary.USED | {"bytes"}),
            f"gauge of bytes in use, of {limit}",
            limit,
        ),
    )


def _find_limit(metric: CatalogMetric, catalog: MetricCatalog) -> str | None:
    """Find the gauge that holds the limit of this one.

    Its name has the same words except for those of use and of limit.
    """
    core = _core_words(metric) - {"requests", "queued", "depth", "length"}
    best: CatalogMetric | None = None
    for other in catalog:
        words = set(other.name_words)
        if (
            other is metric
            or other.kind != "gauge"
            or not words & vocabulary.LIMIT
            or words & vocabulary.NO_LIMIT
        ):
            continue
        same = other.name_words[:1] == metric.name_words[:1] and _core_words(other) == core
        if same and (best is None or _limit_score(other) > _limit_score(best)):
            best = other
    return best.name if best is not None else None


def _core_words(metric: CatalogMetric) -> set[str]:
    """Return the words that name the resource, without those of use and of limit."""
    return set(metric.name_words) - vocabulary.USED - vocabulary.LIMIT


def _limit_score(metric: CatalogMetric) -> int:
    name = set(metric.name_words)
    return (
        3 * bool(name & {"max", "maximum", "limit"})
        + 2 * bool(name & {"capacity", "size"})
        - len(name)
    )


def _runtime_candidates(catalog: MetricCatalog) -> list[_Candidate]:
    """Return candidates that every runtime's client library exposes under the same names."""
    uses = []
    files, limit = catalog.get("process_open_fds"), catalog.get("process_max_fds")
    if files is not None and limit is not None:
        uses.append(
            _Candidate(
                2.0,
                _create_binding(
                    files, "file descriptors", "open files, of the process's limit", limit.name
                ),
            )
        )
    heap = catalog.get("jvm_memory_used_bytes")
    if heap is not None and catalog.get("jvm_memory_max_bytes") is not None:
        uses.append(
            _Candidate(
                4.0,
                _create_binding(
                    heap,
                    "jvm heap",
                    "bytes of heap in use, of its limit",
                    "jvm_memory_max_bytes",
                    match=(Match("area", "=", "heap"),),
                ),
            )
        )
    for name in (
        "jvm_gc_pause_seconds",
        "jvm_gc_collection_seconds",
        "go_gc_duration_seconds",
        "nodejs_gc_duration_seconds",
    ):
        pause = catalog.get(name)
        if pause is not None and pause.count_sample is not None:
            binding = Binding(
                "saturation",
                "mean",
                pause.name,
                unit="s",
                name="gc pause",
                denominator=pause.count_sample,
                reason="mean pause of the collector",
                score=3.0,
            )
            uses.append(_Candidate(3.0 if name.startswith(("jvm", "nodejs")) else 1.0, binding))
    routines = catalog.get("go_goroutines")
    if routines is not None:
        uses.append(
            _Candidate(0.5, _create_binding(routines, "goroutines", "gauge of the Go runtime"))
        )
    return uses


def _create_binding(
    metric: CatalogMetric,
    name: str,
    reason: str,
    limit: str | None = None,
    *,
    waiting: bool = False,
    match: tuple[Match, ...] = (),
) -> Binding:
    return Binding(
        "saturation",
        "gauge",
        metric.sample_name,
        unit=units.gauge_unit(metric),
        name=name,
        match=match,
        limit=limit,
        waiting=waiting,
        reason=reason,
    )


def _display_name(words: tuple[str, ...], excluded: frozenset[str]) -> str:
    """Return a metric's name for display, without its units and the words for "in use"."""
    kept = [
        word for word in words if word not in excluded and word not in ("bytes", "ratio", "current")
    ]
    return " ".join(kept or words)

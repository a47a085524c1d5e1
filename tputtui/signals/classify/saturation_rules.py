"""Saturation found by name: gauges of requests in flight, queues, pools, limits, lag and pauses."""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.model import Binding, Match
from tputtui.signals.classify import units, vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog

MAX_BINDINGS = 8
"""Maximum number of saturation rows for one target: a longer list is not readable."""


_NOT_THE_SERVICE = ("go_", "process_", "promhttp_", "node_", "jvm_", "nodejs_active")
"""Prefixes of gauges of the runtime and of the host."""

_WAITING_SUBJECTS = (
    vocabulary.LIMITED_RESOURCES
    | vocabulary.QUEUE
    | vocabulary.REQUEST_WORDS
    | {"tasks", "jobs", "acquire", "compactions"}
)
"""Words beside which a word for waiting counts the work that waits."""


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
    candidates = [
        candidate
        for metric in catalog
        if (candidate := _find_candidate(metric, catalog, traffic_metric)) is not None
    ]
    if is_exporter_known:
        candidates = [
            candidate
            for candidate in candidates
            if candidate.binding.limit is not None and not candidate.binding.waiting
        ]
    candidates.extend([] if catalog.is_exporter else _runtime_candidates(catalog))
    candidates.sort(key=lambda candidate: (-candidate.rank, candidate.binding.family))
    binding_by_name: dict[str, Binding] = {}
    for candidate in candidates:
        binding_by_name.setdefault(candidate.binding.name, candidate.binding)
    return list(binding_by_name.values())[:MAX_BINDINGS]


def _find_candidate(
    metric: CatalogMetric, catalog: MetricCatalog, traffic_metric: CatalogMetric | None
) -> _Candidate | None:
    if metric.kind != "gauge" or not metric.is_typed or metric.name.startswith(_NOT_THE_SERVICE):
        return None
    name_words = set(metric.name_words)
    bonus = 1.0 if name_words & vocabulary.REQUEST_WORDS else 0.0
    if traffic_metric is not None and metric.name_words[0] == traffic_metric.name_words[0]:
        bonus += 2.0
    if _is_lag(name_words):
        return _Candidate(
            7.5, _create_binding(metric, "event loop lag", "gauge, time the event loop comes late")
        )
    if name_words & vocabulary.NOT_LOAD:
        return None
    is_queue = bool(name_words & (vocabulary.WAITING | vocabulary.QUEUE))
    if _is_in_flight(metric.name_words) and not is_queue:
        name = "in flight" if "grpc" not in name_words else "grpc in flight"
        reason, limit = "gauge of requests being worked on", _find_limit(metric, catalog)
        return _Candidate(8.0 + bonus, _create_binding(metric, name, reason, limit))
    if "seconds" in name_words or "bytes" in name_words:
        return _memory_candidate(metric, catalog)
    if _is_waiting_work(name_words):
        name = _display_name(metric.name_words, vocabulary.FILLER_WORDS - {"connections"})
        limit = _find_limit(metric, catalog) if not name_words & vocabulary.WAITING else None
        binding = _create_binding(metric, name, "gauge of waiting work", limit, waiting=True)
        return _Candidate(7.0 + bonus, binding)
    if name_words & vocabulary.LIMITED_RESOURCES and name_words & vocabulary.USED:
        name = _display_name(metric.name_words, vocabulary.USED)
        limit = _find_limit(metric, catalog)
        reason = "gauge of what is in use" + (f", of {limit}" if limit else "")
        rank = (6.5 if limit else 3.5) + bonus
        return _Candidate(rank, _create_binding(metric, name, reason, limit))
    return None


def _is_waiting_work(name_words: set[str]) -> bool:
    """Tell whether a name is that of waiting work, or of the length of a queue."""
    if name_words & vocabulary.WAITING and name_words & _WAITING_SUBJECTS:
        return True
    return bool(name_words & vocabulary.QUEUE and name_words & vocabulary.DEPTH)


def _is_lag(words: set[str]) -> bool:
    loop = {"eventloop", "loop"} & words
    return bool(
        loop
        and {"lag", "delay"} & words
        and not {"min", "max", "mean", "stddev", "p50", "p90"} & words
    )


def _is_in_flight(words: tuple[str, ...]) -> bool:
    """Tell whether words name requests in progress; "in progress" alone may as well be a backup."""
    joined, word_set = "_".join(words), set(words)
    is_named = any(
        phrase in joined for phrase in ("in_flight", "inflight", "in_progress", "inprogress")
    )
    if is_named and (
        word_set & (vocabulary.REQUEST_WORDS | {"queries", "calls", "commands"}) or len(words) <= 3
    ):
        return True
    work = {"requests", "request", "reqs", "rq", "queries"} & word_set
    return bool(work and {"running", "active", "executing", "current"} & word_set)


def _memory_candidate(metric: CatalogMetric, catalog: MetricCatalog) -> _Candidate | None:
    name_words = set(metric.name_words)
    if "bytes" not in name_words or not name_words & {"used", "usage", "memory"}:
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
    resource_words = _core_words(metric) - {"requests", "queued", "depth", "length"}
    best: CatalogMetric | None = None
    for other in catalog:
        other_words = set(other.name_words)
        if (
            other is metric
            or other.kind != "gauge"
            or not other_words & vocabulary.LIMIT
            or other_words & vocabulary.NO_LIMIT
        ):
            continue
        is_same_resource = (
            other.name_words[:1] == metric.name_words[:1] and _core_words(other) == resource_words
        )
        if is_same_resource and (best is None or _limit_score(other) > _limit_score(best)):
            best = other
    return best.name if best is not None else None


def _core_words(metric: CatalogMetric) -> set[str]:
    """Return the words that name the resource, without those of use and of limit."""
    return set(metric.name_words) - vocabulary.USED - vocabulary.LIMIT


def _limit_score(metric: CatalogMetric) -> int:
    name_words = set(metric.name_words)
    return (
        3 * bool(name_words & {"max", "maximum", "limit"})
        + 2 * bool(name_words & {"capacity", "size"})
        - len(name_words)
    )


def _runtime_candidates(catalog: MetricCatalog) -> list[_Candidate]:
    """Return candidates that every runtime's client library exposes under the same names."""
    candidates = []
    open_files, limit = catalog.get("process_open_fds"), catalog.get("process_max_fds")
    if open_files is not None and limit is not None:
        candidates.append(
            _Candidate(
                2.0,
                _create_binding(
                    open_files, "file descriptors", "open files, of the process's limit", limit.name
                ),
            )
        )
    heap = catalog.get("jvm_memory_used_bytes")
    if heap is not None and catalog.get("jvm_memory_max_bytes") is not None:
        candidates.append(
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
            candidates.append(
                _Candidate(3.0 if name.startswith(("jvm", "nodejs")) else 1.0, binding)
            )
    goroutines = catalog.get("go_goroutines")
    if goroutines is not None:
        candidates.append(
            _Candidate(0.5, _create_binding(goroutines, "goroutines", "gauge of the Go runtime"))
        )
    return candidates


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
    shown_words = [
        word for word in words if word not in excluded and word not in ("bytes", "ratio", "current")
    ]
    return " ".join(shown_words or words)

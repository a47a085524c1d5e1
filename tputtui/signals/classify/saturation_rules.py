"""Saturation found by name: gauges of work in flight, of queues, of pools and their limits, of lag and pauses."""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.model import Binding, Match
from tputtui.signals.classify import units, vocabulary
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog

MOST = 8
"""Rows of saturation found on one target: more would be a list, not an answer."""


@frozen
class _Use:
    rank: float
    binding: Binding


def find(found: MetricCatalog, busy: CatalogMetric | None, *, only_sure: bool = False) -> list[Binding]:
    """The saturation bindings a target's names suggest, best first, at most `MOST`.

    With `only_sure`, where the exporter is known, those that have a limit or come from the runtime: a queue that
    nobody has an entry for would outrank all that is known.
    """
    uses = [use for metric in found if (use := _use(metric, found, busy)) is not None]
    if only_sure:
        uses = [use for use in uses if use.binding.limit is not None and not use.binding.waiting]
    uses.extend([] if found.exporter else _runtime(found))
    uses.sort(key=lambda use: (-use.rank, use.binding.family))
    kept: dict[str, Binding] = {}
    for use in uses:
        kept.setdefault(use.binding.name, use.binding)
    return list(kept.values())[:MOST]


def _use(metric: CatalogMetric, found: MetricCatalog, busy: CatalogMetric | None) -> _Use | None:
    if (
        metric.kind != "gauge"
        or not metric.typed
        or metric.name.startswith(("go_", "process_", "promhttp_", "node_", "jvm_", "nodejs_active"))
    ):
        return None
    name = set(metric.words)
    near = 2.0 if busy is not None and metric.words[0] == busy.words[0] else 0.0
    near += 1.0 if name & vocabulary.OURS else 0.0
    if _is_lag(name):
        return _Use(7.5, _binding(metric, "event loop lag", "gauge, time the event loop comes late"))
    if name & vocabulary.NOT_LOAD:
        return None
    if _in_flight(metric.words) and not name & (vocabulary.WAITING | vocabulary.QUEUE):
        word = "in flight" if "grpc" not in name else "grpc in flight"
        return _Use(8.0 + near, _binding(metric, word, "gauge of requests being worked on", _limit(metric, found)))
    if "seconds" in name or "bytes" in name:
        return _memory(metric, found)
    if (
        name & vocabulary.WAITING
        and name
        & (vocabulary.THINGS | vocabulary.QUEUE | vocabulary.OURS | {"tasks", "jobs", "acquire", "compactions"})
    ) or (name & vocabulary.QUEUE and name & vocabulary.DEPTH):
        limit = _limit(metric, found) if not name & vocabulary.WAITING else None
        why = "gauge of waiting work"
        return _Use(
            7.0 + near,
            _binding(metric, _plain(metric.words, vocabulary.NEUTRAL - {"connections"}), why, limit, waiting=True),
        )
    if name & vocabulary.THINGS and name & vocabulary.USED:
        limit = _limit(metric, found)
        why = "gauge of what is in use" + (f", of {limit}" if limit else "")
        return _Use((6.5 if limit else 3.5) + near, _binding(metric, _plain(metric.words, vocabulary.USED), why, limit))
    return None


def _is_lag(name: set[str]) -> bool:
    loop = {"eventloop", "loop"} & name
    return bool(loop and {"lag", "delay"} & name and not {"min", "max", "mean", "stddev", "p50", "p90"} & name)


def _in_flight(name: tuple[str, ...]) -> bool:
    """Requests being worked on; "in progress" alone may as well be a backup."""
    joined, told = "_".join(name), set(name)
    named = any(sign in joined for sign in ("in_flight", "inflight", "in_progress", "inprogress"))
    if named and (told & (vocabulary.OURS | {"queries", "calls", "commands"}) or len(name) <= 3):
        return True
    work = {"requests", "request", "reqs", "rq", "queries"} & told
    return bool(work and {"running", "active", "executing", "current"} & told)


def _memory(metric: CatalogMetric, found: MetricCatalog) -> _Use | None:
    name = set(metric.words)
    if "bytes" not in name or not name & {"used", "usage", "memory"}:
        return None
    limit = _limit(metric, found)
    if limit is None:
        return None
    return _Use(
        4.5,
        _binding(
            metric, _plain(metric.words, vocabulary.USED | {"bytes"}), f"gauge of bytes in use, of {limit}", limit
        ),
    )


def _limit(metric: CatalogMetric, found: MetricCatalog) -> str | None:
    """The gauge that names the limit of this one: the same words but for those of use and of limit."""
    core = _core(metric) - {"requests", "queued", "depth", "length"}
    best: CatalogMetric | None = None
    for other in found:
        words = set(other.words)
        if other is metric or other.kind != "gauge" or not words & vocabulary.LIMIT or words & vocabulary.NO_LIMIT:
            continue
        same = other.words[:1] == metric.words[:1] and _core(other) == core
        if same and (best is None or _sureness(other) > _sureness(best)):
            best = other
    return best.name if best is not None else None


def _core(metric: CatalogMetric) -> set[str]:
    """The words that say what it is, without those of use and of limit."""
    return set(metric.words) - vocabulary.USED - vocabulary.LIMIT


def _sureness(metric: CatalogMetric) -> int:
    name = set(metric.words)
    return 3 * bool(name & {"max", "maximum", "limit"}) + 2 * bool(name & {"capacity", "size"}) - len(name)


def _runtime(found: MetricCatalog) -> list[_Use]:
    """What every runtime's client library exposes under the same names."""
    uses = []
    files, limit = found.get("process_open_fds"), found.get("process_max_fds")
    if files is not None and limit is not None:
        uses.append(_Use(2.0, _binding(files, "file descriptors", "open files, of the process's limit", limit.name)))
    heap = found.get("jvm_memory_used_bytes")
    if heap is not None and found.get("jvm_memory_max_bytes") is not None:
        uses.append(
            _Use(
                4.0,
                _binding(
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
        pause = found.get(name)
        if pause is not None and pause.counts is not None:
            binding = Binding(
                "saturation",
                "mean",
                pause.name,
                unit="s",
                name="gc pause",
                denominator=pause.counts,
                reason="mean pause of the collector",
                score=3.0,
            )
            uses.append(_Use(3.0 if name.startswith(("jvm", "nodejs")) else 1.0, binding))
    routines = found.get("go_goroutines")
    if routines is not None:
        uses.append(_Use(0.5, _binding(routines, "goroutines", "gauge of the Go runtime")))
    return uses


def _binding(
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
        metric.sample,
        unit=units.gauge_unit(metric),
        name=name,
        match=match,
        limit=limit,
        waiting=waiting,
        reason=reason,
    )


def _plain(name: tuple[str, ...], without: frozenset[str]) -> str:
    """A metric's name as a person would say it: without its units and without the words that say that it is in use."""
    kept = [word for word in name if word not in without and word not in ("bytes", "ratio", "current")]
    return " ".join(kept or name)

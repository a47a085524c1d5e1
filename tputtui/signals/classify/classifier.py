"""What an exposition measures: its traffic, its errors, its latency and what could saturate, each with the reason.

Known exporters are recognised by the signature of their families (`ecosystems`); everything else is ranked by names,
labels and life (`ranking`). What is not sure enough stays empty and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tputtui import text
from tputtui.model import Binding, Bindings, Exposition
from tputtui.signals.classify import binding_rules, exporter_match, ranking, saturation_rules, series_filter
from tputtui.signals.classify.exporter_match import EntryMatch
from tputtui.signals.classify.exporters import ExporterEntry
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog, catalog
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.signals.classify.ranking import RankedMetric

__all__ = ["apply_overrides", "classify"]

OWN_APP_SCORE = 13.0
"""Points from which a counter nobody has an entry for is surely an application's own traffic: requests with a status."""
_OWN_APP_RANK = 2.5  # it outranks stores, brokers and background work, not what is known to serve users
_TOLD = 2  # lines of known saturation from which names alone add no queues
_FURTHER = 6  # further signals named beside the main ones


@dataclass(slots=True)
class _Main:
    """What the target is mainly: a known ecosystem, or none; and everything else that is known of it."""

    found: MetricCatalog
    ranked: Sequence[RankedMetric]  # the generic ranking of traffic
    known: Sequence[ExporterEntry]
    ecosystem: ExporterEntry | None
    traffic: Binding | None = None
    busy: CatalogMetric | None = None  # what traffic is counted by
    reasons: dict[str, str] = field(default_factory=dict)

    def lines(self, signal: str) -> tuple[str, ...]:
        """What the main ecosystem says of a signal."""
        return getattr(self.ecosystem, signal, ())

    def says_nothing_of(self, signal: str) -> bool:
        """Whether the signal is known not to exist here."""
        return self.ecosystem is not None and signal in self.ecosystem.silent


def classify(
    now: Exposition,
    before: Exposition | None = None,
    dt_s: float | None = None,
    *,
    use_ecosystems: bool = True,
) -> Bindings:
    """The bindings of one target, from one scrape or, better, from two that are `dt_s` seconds apart.

    Deterministic: the same samples give the same bindings. Without `use_ecosystems` only the generic ranking speaks.
    """
    found = catalog(now, before, dt_s)
    known = exporter_match.on(found) if use_ecosystems else []
    ranked = ranking.traffic(found)
    main = _Main(found, ranked, known, _main_ecosystem(known, ranked, found))
    _bind_traffic(main)
    errors, latency = _errors(main), _latency(main)
    return Bindings(
        main.traffic,
        errors,
        latency,
        _saturation(main),
        tuple(_further(main)),
        series_filter.dimensions(main.busy) if main.busy is not None else (),
        main.reasons,
    )


# ------------------------------------------------------------------------------------------ which one is the main one


def _main_ecosystem(
    known: Sequence[ExporterEntry], ranked: Sequence[RankedMetric], found: MetricCatalog
) -> ExporterEntry | None:
    """The ecosystem that serves users, where several share a target; None where the application's own metrics do."""
    points = {one.metric.sample: one.score for one in ranked}
    best: tuple[tuple[float, float], ExporterEntry] | None = None
    for one in known:
        line = exporter_match.first(one.traffic, found)
        if line is None and "traffic" not in one.silent:
            continue
        lively = line is not None and (not line.metric.is_counted() or line.metric.value > 0)
        order = (one.rank - (0.0 if lively else 0.4), points.get(line.metric.sample, 0.0) if line is not None else -1.0)
        if best is None or order > best[0]:
            best = (order, one)
    own = _own_app(ranked, known)
    if best is None or (own is not None and best[0][0] < _OWN_APP_RANK):
        return None
    return best[1]


def _own_app(ranked: Sequence[RankedMetric], known: Sequence[ExporterEntry]) -> RankedMetric | None:
    """The best counter that no entry speaks of, where it is surely an application's traffic."""
    if not ranked or ranked[0].score < OWN_APP_SCORE:
        return None
    spoken = {
        exporter_match.read(line).family
        for one in known
        for line in (*one.traffic, *one.errors, *one.latency, *one.further)
    }
    starts = {name.split("_", 1)[0].split(":", 1)[0] for name in spoken}
    for one in ranked:
        if one.score < OWN_APP_SCORE:
            return None
        if one.metric.sample not in spoken and one.metric.name not in spoken and one.metric.words[0] not in starts:
            return one
    return None


# ------------------------------------------------------------------------------------------ the three slots


def _bind_traffic(main: _Main) -> None:
    if main.ecosystem is not None:
        line = exporter_match.first(main.lines("traffic"), main.found)
        if line is not None:
            why = binding_rules.known_reason(main.ecosystem.name, line.metric)
            main.busy = line.metric
            main.traffic = binding_rules.traffic(line.metric, binding_rules.KNOWN_SCORE, why, line)
            return
    if main.says_nothing_of("traffic") and main.ecosystem is not None:
        main.reasons["traffic"] = f"{main.ecosystem.name} counts no work done"
        return
    best = main.ranked[0] if main.ranked else None
    if best is not None and best.score >= ranking.TRAFFIC_FLOOR:
        main.busy = best.metric
        main.traffic = binding_rules.traffic(best.metric, best.score, best.reason)
        return
    volume = ranking.volume(main.found)
    if volume is not None:
        main.busy = volume.metric
        main.traffic = binding_rules.traffic(volume.metric, volume.score, volume.reason)
        return
    nearest = f"; the nearest is {text.clean(best.metric.sample, 80)}" if best is not None and best.score > 0 else ""
    main.reasons["traffic"] = f"no counter is clearly requests, queries, messages or bytes{nearest}"


def _errors(main: _Main) -> Binding | None:
    lines = [line for line in exporter_match.present(main.lines("errors"), main.found) if _has_label(line)]
    for line in lines[:1]:
        why = binding_rules.known_reason(main.ecosystem.name, line.metric) if main.ecosystem is not None else ""
        if line.pick.label is not None:
            return binding_rules.status_errors(line.metric, line.pick.label, why, line)
        return binding_rules.counted_errors(line.metric, main.busy, binding_rules.KNOWN_SCORE, why, line)
    bound = None
    if main.busy is not None and not main.says_nothing_of("errors"):
        bound = _generic_errors(main.busy, main.found)
    if bound is None:
        main.reasons["errors"] = (
            "no status label and no counter of errors beside the traffic"
            if main.busy
            else "no traffic to count errors of"
        )
    return bound


def _has_label(line: EntryMatch) -> bool:
    return line.pick.label is None or line.pick.label in line.metric.labels


def _generic_errors(busy: CatalogMetric, found: MetricCatalog) -> Binding | None:
    """By the status label of the traffic, of its latency histogram, or of its responses; else a counter of errors."""
    label = ranking.status_label(busy)
    if label is not None:
        return binding_rules.status_errors(busy, label, f"status label of the traffic: {text.clean(label, 60)}")
    for metric, other in ranking.siblings(busy, found):
        return binding_rules.status_errors(metric, other, f"status label beside the traffic: {text.clean(other, 60)}")
    dedicated = ranking.errors(found, busy)
    if dedicated and dedicated[0].score >= ranking.ERRORS_FLOOR:
        best = dedicated[0]
        return binding_rules.counted_errors(best.metric, busy, best.score, best.reason)
    return None


def _latency(main: _Main) -> Binding | None:
    line = exporter_match.first(main.lines("latency"), main.found, _measures_time)
    if line is not None and main.ecosystem is not None:
        return binding_rules.latency(
            line.metric, binding_rules.KNOWN_SCORE, binding_rules.known_reason(main.ecosystem.name, line.metric), line
        )
    if main.says_nothing_of("latency") and main.ecosystem is not None:
        main.reasons["latency"] = f"{main.ecosystem.name} exposes no latency"
        return None
    for one in ranking.latency(main.found, main.busy):
        if ranking.is_first(one.metric):
            continue
        if one.score < ranking.LATENCY_FLOOR:
            break
        return binding_rules.latency(one.metric, one.score, one.reason)
    main.reasons["latency"] = "no histogram, summary or mean of the time a request takes"
    return None


def _measures_time(line: EntryMatch) -> bool:
    return line.over is not None or (line.metric.kind != "counter" and line.pick.over is None)


# ------------------------------------------------------------------------------------------ saturation and the rest


def _saturation(main: _Main) -> tuple[Binding, ...]:
    """What the entries know, the main one's first, then what names suggest; a thing once, at most `saturation.MOST`."""
    bound: list[Binding] = []
    ordered = sorted(main.known, key=lambda one: one is not main.ecosystem)
    for one in ordered:
        bound.extend(
            binding_rules.saturation(line, one.name) for line in exporter_match.present(one.saturation, main.found)
        )
    bound.extend(saturation_rules.find(main.found, main.busy, only_sure=len(bound) >= _TOLD))
    names: set[str] = set()
    families: set[str] = set()
    kept = []
    for binding in bound:
        if binding.name not in names and (binding.family not in families or binding.match):
            kept.append(binding)
            names.add(binding.name)
            families.add(binding.family)
    return tuple(kept[: saturation_rules.MOST])


def _further(main: _Main) -> list[Binding]:
    """Signals of other ecosystems on the target, second throughputs, and times to a first byte or token."""
    signals = [_time_to_first(metric) for metric in main.found if ranking.is_first(metric) and metric.bounds]
    taken = {main.traffic.family if main.traffic is not None else ""}
    for one in sorted(main.known, key=lambda one: one is not main.ecosystem):
        lines = exporter_match.present(one.further, main.found)
        if one is not main.ecosystem and one.rank > 0:
            line = exporter_match.first(one.traffic, main.found)
            lines = [*([line] if line is not None else []), *lines]
        for line in lines:
            if line.metric.sample not in taken and line.metric.value > 0:
                taken.add(line.metric.sample)
                name = line.pick.words or one.name
                why = binding_rules.known_reason(one.name, line.metric)
                signals.append(binding_rules.traffic(line.metric, binding_rules.KNOWN_SCORE, why, line, name))
    own = _own_app(main.ranked, main.known) if main.ecosystem is not None else None
    if own is not None and own.metric.sample not in taken:
        signals.append(binding_rules.traffic(own.metric, own.score, own.reason, name="own requests"))
    return signals[:_FURTHER]


def _time_to_first(metric: CatalogMetric) -> Binding:
    of_tokens = bool({"token", "ttft"} & set(metric.words))
    named = binding_rules.latency(metric, binding_rules.KNOWN_SCORE / 2, "named for the first of the answer")
    return replace(named, name="time to first token" if of_tokens else "time to first byte")

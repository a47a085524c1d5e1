"""Classification of an exposition: its traffic, errors, latency and saturation, with reasons.

Known exporters are recognised by the signature of their families (`exporter_match`). Everything
else is ranked by names, labels and activity (`ranking`). A signal without sufficient evidence stays
unbound, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tputtui import text
from tputtui.model import Binding, Bindings, Exposition
from tputtui.signals.classify import (
    binding_rules,
    exporter_match,
    ranking,
    saturation_rules,
    series_filter,
)
from tputtui.signals.classify.exporter_match import EntryMatch
from tputtui.signals.classify.exporters import ExporterEntry
from tputtui.signals.classify.metric_catalog import CatalogMetric, MetricCatalog, build_catalog
from tputtui.signals.classify.overrides import apply_overrides
from tputtui.signals.classify.ranking import RankedMetric

__all__ = ["apply_overrides", "classify"]

MIN_OWN_APP_SCORE = 13.0
"""Score from which a counter without an entry is certainly an application's own traffic.

It stands for requests with a status.
"""
# above stores, brokers and background work; below exporters known to serve users
_OWN_APP_RANK = 2.5
# number of known saturation bindings from which no queues are added by name alone
_ENOUGH_SATURATION = 2
_MAX_EXTRA_SIGNALS = 6  # further signals listed beside the main ones


@dataclass(slots=True)
class _Classification:
    """The main exporter of a target, if one is known, and all other findings."""

    catalog: MetricCatalog
    ranked: Sequence[RankedMetric]  # generic ranking of traffic
    exporters: Sequence[ExporterEntry]
    main_exporter: ExporterEntry | None
    traffic: Binding | None = None
    traffic_metric: CatalogMetric | None = None  # metric that counts the traffic
    reasons: dict[str, str] = field(default_factory=dict)

    def lines(self, signal: str) -> tuple[str, ...]:
        """Return the main exporter's lines for a signal."""
        return getattr(self.main_exporter, signal, ())

    def is_missing(self, signal: str) -> bool:
        """Tell whether the signal is known not to exist here."""
        return self.main_exporter is not None and signal in self.main_exporter.missing_signals


def classify(
    exposition: Exposition,
    previous: Exposition | None = None,
    elapsed_s: float | None = None,
    *,
    use_exporters: bool = True,
) -> Bindings:
    """Find the bindings of one target from one scrape or, better, from two.

    `elapsed_s` is the time between the scrapes in seconds. The result is deterministic: the same
    samples give the same bindings. With `use_exporters=False` only the generic ranking is used.
    """
    found = build_catalog(exposition, previous, elapsed_s)
    known = exporter_match.find_exporters(found) if use_exporters else []
    ranked = ranking.rank_traffic(found)
    main = _Classification(found, ranked, known, _find_main_exporter(known, ranked, found))
    _bind_traffic(main)
    errors, latency = _bind_errors(main), _bind_latency(main)
    return Bindings(
        main.traffic,
        errors,
        latency,
        _bind_saturation(main),
        tuple(_bind_extra_signals(main)),
        series_filter.breakdown_labels(main.traffic_metric)
        if main.traffic_metric is not None
        else (),
        main.reasons,
    )


# ------------------------------------------------------------------------------------ main exporter


def _find_main_exporter(
    exporters: Sequence[ExporterEntry], ranked: Sequence[RankedMetric], catalog: MetricCatalog
) -> ExporterEntry | None:
    """Find the exporter that serves users, where several share a target.

    None if the application's own metrics do.
    """
    points = {one.metric.sample_name: one.score for one in ranked}
    best: tuple[tuple[float, float], ExporterEntry] | None = None
    for one in exporters:
        line = exporter_match.first_match(one.traffic, catalog)
        if line is None and "traffic" not in one.missing_signals:
            continue
        lively = line is not None and (not line.metric.is_counted() or line.metric.value > 0)
        order = (
            one.rank - (0.0 if lively else 0.4),
            points.get(line.metric.sample_name, 0.0) if line is not None else -1.0,
        )
        if best is None or order > best[0]:
            best = (order, one)
    own = _find_own_traffic(ranked, exporters)
    if best is None or (own is not None and best[0][0] < _OWN_APP_RANK):
        return None
    return best[1]


def _find_own_traffic(
    ranked: Sequence[RankedMetric], exporters: Sequence[ExporterEntry]
) -> RankedMetric | None:
    """Find the best counter without an entry that is certainly an application's traffic."""
    if not ranked or ranked[0].score < MIN_OWN_APP_SCORE:
        return None
    spoken = {
        exporter_match.parse_line(line).family
        for one in exporters
        for line in (*one.traffic, *one.errors, *one.latency, *one.extra)
    }
    starts = {name.split("_", 1)[0].split(":", 1)[0] for name in spoken}
    for one in ranked:
        if one.score < MIN_OWN_APP_SCORE:
            return None
        if (
            one.metric.sample_name not in spoken
            and one.metric.name not in spoken
            and one.metric.name_words[0] not in starts
        ):
            return one
    return None


# ---------------------------------------------------------------------- traffic, errors and latency


def _bind_traffic(main: _Classification) -> None:
    if main.main_exporter is not None:
        line = exporter_match.first_match(main.lines("traffic"), main.catalog)
        if line is not None:
            why = binding_rules.exporter_reason(main.main_exporter.name, line.metric)
            main.traffic_metric = line.metric
            main.traffic = binding_rules.traffic_binding(
                line.metric, binding_rules.KNOWN_SCORE, why, line
            )
            return
    if main.is_missing("traffic") and main.main_exporter is not None:
        main.reasons["traffic"] = f"{main.main_exporter.name} counts no work done"
        return
    best = main.ranked[0] if main.ranked else None
    if best is not None and best.score >= ranking.MIN_TRAFFIC_SCORE:
        main.traffic_metric = best.metric
        main.traffic = binding_rules.traffic_binding(best.metric, best.score, best.reason)
        return
    volume = ranking.find_byte_counter(main.catalog)
    if volume is not None:
        main.traffic_metric = volume.metric
        main.traffic = binding_rules.traffic_binding(volume.metric, volume.score, volume.reason)
        return
    nearest = (
        f"; the nearest is {text.clean(best.metric.sample_name, 80)}"
        if best is not None and best.score > 0
        else ""
    )
    main.reasons["traffic"] = f"no counter is clearly requests, queries, messages or bytes{nearest}"


def _bind_errors(main: _Classification) -> Binding | None:
    lines = [
        line
        for line in exporter_match.all_matches(main.lines("errors"), main.catalog)
        if _has_label(line)
    ]
    for line in lines[:1]:
        why = (
            binding_rules.exporter_reason(main.main_exporter.name, line.metric)
            if main.main_exporter is not None
            else ""
        )
        if line.line.label is not None:
            return binding_rules.status_error_binding(line.metric, line.line.label, why, line)
        return binding_rules.error_counter_binding(
            line.metric, main.traffic_metric, binding_rules.KNOWN_SCORE, why, line
        )
    bound = None
    if main.traffic_metric is not None and not main.is_missing("errors"):
        bound = _find_generic_errors(main.traffic_metric, main.catalog)
    if bound is None:
        main.reasons["errors"] = (
            "no status label and no counter of errors beside the traffic"
            if main.traffic_metric
            else "no traffic to count errors of"
        )
    return bound


def _has_label(entry_match: EntryMatch) -> bool:
    return entry_match.line.label is None or entry_match.line.label in entry_match.metric.labels


def _find_generic_errors(traffic_metric: CatalogMetric, catalog: MetricCatalog) -> Binding | None:
    """Find the errors by status label or by a counter of errors.

    The status label is that of the traffic, of its latency histogram or of its responses, in this
    order.
    """
    label = ranking.find_status_label(traffic_metric)
    if label is not None:
        return binding_rules.status_error_binding(
            traffic_metric, label, f"status label of the traffic: {text.clean(label, 60)}"
        )
    for metric, other in ranking.status_siblings(traffic_metric, catalog):
        return binding_rules.status_error_binding(
            metric, other, f"status label beside the traffic: {text.clean(other, 60)}"
        )
    dedicated = ranking.rank_errors(catalog, traffic_metric)
    if dedicated and dedicated[0].score >= ranking.MIN_ERRORS_SCORE:
        best = dedicated[0]
        return binding_rules.error_counter_binding(
            best.metric, traffic_metric, best.score, best.reason
        )
    return None


def _bind_latency(main: _Classification) -> Binding | None:
    line = exporter_match.first_match(main.lines("latency"), main.catalog, _measures_time)
    if line is not None and main.main_exporter is not None:
        return binding_rules.latency_binding(
            line.metric,
            binding_rules.KNOWN_SCORE,
            binding_rules.exporter_reason(main.main_exporter.name, line.metric),
            line,
        )
    if main.is_missing("latency") and main.main_exporter is not None:
        main.reasons["latency"] = f"{main.main_exporter.name} exposes no latency"
        return None
    for one in ranking.rank_latency(main.catalog, main.traffic_metric):
        if ranking.is_time_to_first(one.metric):
            continue
        if one.score < ranking.MIN_LATENCY_SCORE:
            break
        return binding_rules.latency_binding(one.metric, one.score, one.reason)
    main.reasons["latency"] = "no histogram, summary or mean of the time a request takes"
    return None


def _measures_time(entry_match: EntryMatch) -> bool:
    return entry_match.divisor is not None or (
        entry_match.metric.kind != "counter" and entry_match.line.divisor is None
    )


# --------------------------------------------------------------------- saturation and extra signals


def _bind_saturation(main: _Classification) -> tuple[Binding, ...]:
    """Bind the saturation: entries first, the main exporter's before others, then names.

    Each resource is bound once; at most `saturation_rules.MAX_BINDINGS`.
    """
    bound: list[Binding] = []
    ordered = sorted(main.exporters, key=lambda one: one is not main.main_exporter)
    for one in ordered:
        bound.extend(
            binding_rules.saturation_binding(line, one.name)
            for line in exporter_match.all_matches(one.saturation, main.catalog)
        )
    bound.extend(
        saturation_rules.find_bindings(
            main.catalog, main.traffic_metric, is_exporter_known=len(bound) >= _ENOUGH_SATURATION
        )
    )
    names: set[str] = set()
    families: set[str] = set()
    kept = []
    for binding in bound:
        if binding.name not in names and (binding.family not in families or binding.match):
            kept.append(binding)
            names.add(binding.name)
            families.add(binding.family)
    return tuple(kept[: saturation_rules.MAX_BINDINGS])


def _bind_extra_signals(main: _Classification) -> list[Binding]:
    """Bind signals of other exporters, second throughputs and times to a first byte or token."""
    signals = [
        _bind_time_to_first(metric)
        for metric in main.catalog
        if ranking.is_time_to_first(metric) and metric.bounds
    ]
    taken = {main.traffic.family if main.traffic is not None else ""}
    for one in sorted(main.exporters, key=lambda one: one is not main.main_exporter):
        lines = exporter_match.all_matches(one.extra, main.catalog)
        if one is not main.main_exporter and one.rank > 0:
            line = exporter_match.first_match(one.traffic, main.catalog)
            lines = [*([line] if line is not None else []), *lines]
        for line in lines:
            if line.metric.sample_name not in taken and line.metric.value > 0:
                taken.add(line.metric.sample_name)
                name = line.line.name or one.name
                why = binding_rules.exporter_reason(one.name, line.metric)
                signals.append(
                    binding_rules.traffic_binding(
                        line.metric, binding_rules.KNOWN_SCORE, why, line, name
                    )
                )
    own = _find_own_traffic(main.ranked, main.exporters) if main.main_exporter is not None else None
    if own is not None and own.metric.sample_name not in taken:
        signals.append(
            binding_rules.traffic_binding(own.metric, own.score, own.reason, name="own requests")
        )
    return signals[:_MAX_EXTRA_SIGNALS]


def _bind_time_to_first(metric: CatalogMetric) -> Binding:
    of_tokens = bool({"token", "ttft"} & set(metric.name_words))
    named = binding_rules.latency_binding(
        metric, binding_rules.KNOWN_SCORE / 2, "named for the first of the answer"
    )
    return replace(named, name="time to first token" if of_tokens else "time to first byte")

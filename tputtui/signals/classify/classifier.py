"""Classification of an exposition: its traffic, errors, latency and saturation, with reasons.

Known exporters are recognised by the signature of their families (`exporter_match`). Everything
else is ranked by names, labels and activity (`ranking`). A signal without sufficient evidence stays
unbound, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tputtui import text
from tputtui.model import NO_REQUESTS_YET, Binding, Bindings, Exposition
from tputtui.signals.classify import (
    binding_rules,
    error_ranking,
    exporter_match,
    label_names,
    latency_ranking,
    ranking,
    saturation_rules,
    series_filter,
    status_labels,
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
    """Classification in progress: the main exporter of a target, if known, and all findings."""

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
    own_path: str = "",
) -> Bindings:
    """Find the bindings of one target from one scrape or, better, from two.

    `elapsed_s` is the time between the scrapes in seconds. The result is deterministic: the same
    samples give the same bindings. `own_path` is the path under which the target is scraped: its
    requests are no traffic. With `use_exporters=False` only the generic ranking is used.
    """
    catalog = build_catalog(exposition, previous, elapsed_s, own_path)
    exporters = exporter_match.find_exporters(catalog) if use_exporters else []
    ranked = ranking.rank_traffic(catalog)
    classification = _Classification(
        catalog, ranked, exporters, _find_main_exporter(exporters, ranked, catalog)
    )
    _bind_traffic(classification)
    errors, latency = _bind_errors(classification), _bind_latency(classification)
    if classification.traffic is None and not classification.is_missing("traffic"):
        declared = ranking.find_declared_work(exposition)
        if declared is not None:
            reason = f"{NO_REQUESTS_YET}: {text.clean(declared, 60)} has no samples so far"
            classification.reasons.update(dict.fromkeys(("traffic", "errors"), reason))
            if latency is None:
                classification.reasons["latency"] = reason
    route_latency = _bind_route_latency(classification, latency)
    return Bindings(
        classification.traffic,
        errors,
        latency,
        _bind_saturation(classification),
        tuple(_bind_extra_signals(classification)),
        _breakdown_labels(classification, errors, latency, route_latency),
        route_latency,
        classification.reasons,
    )


def _bind_route_latency(main: _Classification, latency: Binding | None) -> Binding | None:
    """Bind the histogram of the same requests that has a route label, if `latency` has none."""
    if latency is None or main.traffic_metric is None:
        return None
    bound = main.catalog.get(latency.family)
    if bound is None or label_names.find_first(bound.labels, series_filter.ROUTE_LABELS):
        return None
    candidate = latency_ranking.find_by_route(main.catalog, main.traffic_metric, bound)
    if candidate is None:
        return None
    return binding_rules.latency_binding(
        candidate.metric, candidate.score, f"{candidate.reason}, with a route label"
    )


def _breakdown_labels(main: _Classification, *bindings: Binding | None) -> tuple[str, ...]:
    """Return the labels of everything that is shown by row."""
    metrics = [] if main.traffic_metric is None else [main.traffic_metric]
    outcome: str | None = None
    for binding in bindings:
        metric = main.catalog.get(binding.family) if binding is not None else None
        if metric is not None and metric not in metrics and main.traffic_metric is not None:
            metrics.append(metric)
        if binding is not None and binding.signal == "errors":
            outcome = binding.label
    return series_filter.breakdown_labels(metrics, outcome)


# ------------------------------------------------------------------------------------ main exporter


def _find_main_exporter(
    exporters: Sequence[ExporterEntry], ranked: Sequence[RankedMetric], catalog: MetricCatalog
) -> ExporterEntry | None:
    """Find the exporter that serves users, where several share a target.

    None if the application's own metrics do.
    """
    scores = {candidate.metric.sample_name: candidate.score for candidate in ranked}
    best: tuple[tuple[float, float], ExporterEntry] | None = None
    for exporter in exporters:
        entry_match = exporter_match.first_match(exporter.traffic, catalog)
        if entry_match is None and "traffic" not in exporter.missing_signals:
            continue
        has_counted, score = False, -1.0
        if entry_match is not None:
            metric = entry_match.metric
            has_counted = not metric.is_counted() or metric.value > 0
            score = scores.get(metric.sample_name, 0.0)
        priority = (exporter.rank - (0.0 if has_counted else 0.4), score)
        if best is None or priority > best[0]:
            best = (priority, exporter)
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
    known_families = {
        exporter_match.parse_line(line).family
        for exporter in exporters
        for line in (*exporter.traffic, *exporter.errors, *exporter.latency, *exporter.extra)
    }
    known_prefixes = {name.split("_", 1)[0].split(":", 1)[0] for name in known_families}
    for candidate in ranked:
        if candidate.score < MIN_OWN_APP_SCORE:
            return None
        if (
            candidate.metric.sample_name not in known_families
            and candidate.metric.name not in known_families
            and candidate.metric.name_words[0] not in known_prefixes
        ):
            return candidate
    return None


# ---------------------------------------------------------------------- traffic, errors and latency


def _bind_traffic(main: _Classification) -> None:
    if main.main_exporter is not None:
        entry_match = exporter_match.first_match(main.lines("traffic"), main.catalog)
        if entry_match is not None:
            reason = binding_rules.exporter_reason(main.main_exporter.name, entry_match.metric)
            main.traffic_metric = entry_match.metric
            main.traffic = binding_rules.traffic_binding(
                entry_match.metric, binding_rules.KNOWN_SCORE, reason, entry_match
            )
            return
    if main.is_missing("traffic") and main.main_exporter is not None:
        main.reasons["traffic"] = f"{main.main_exporter.name} counts no work done"
        return
    best = main.ranked[0] if main.ranked else None
    if best is not None and best.is_traffic:
        main.traffic_metric = best.metric
        main.traffic = binding_rules.traffic_binding(best.metric, best.score, best.reason)
        return
    for find in (
        latency_ranking.find_timed_work,
        ranking.find_ready_rate,
        ranking.find_byte_counter,
    ):
        candidate = find(main.catalog)
        if candidate is not None:
            main.traffic_metric = candidate.metric
            main.traffic = binding_rules.traffic_binding(
                candidate.metric, candidate.score, candidate.reason
            )
            return
    nearest = ""
    if best is not None and best.score > 0:
        nearest = f"; the nearest is {text.clean(best.metric.sample_name, 80)}"
    main.reasons["traffic"] = f"no counter is clearly requests, queries, messages or bytes{nearest}"


def _bind_errors(main: _Classification) -> Binding | None:
    entry_matches = [
        entry_match
        for entry_match in exporter_match.all_matches(main.lines("errors"), main.catalog)
        if _has_label(entry_match)
    ]
    for entry_match in entry_matches[:1]:
        reason = ""
        if main.main_exporter is not None:
            reason = binding_rules.exporter_reason(main.main_exporter.name, entry_match.metric)
        if entry_match.line.label is not None:
            return binding_rules.status_error_binding(
                entry_match.metric, entry_match.line.label, reason, entry_match
            )
        return binding_rules.error_counter_binding(
            entry_match.metric, main.traffic_metric, binding_rules.KNOWN_SCORE, reason, entry_match
        )
    if main.traffic_metric is None:
        main.reasons["errors"] = "no traffic to count errors of"
        return None
    binding = None
    if not main.is_missing("errors"):
        binding = _find_generic_errors(main.traffic_metric, main.catalog)
    if binding is None:
        main.reasons["errors"] = "no status label and no counter of errors beside the traffic"
    return binding


def _has_label(entry_match: EntryMatch) -> bool:
    return entry_match.line.label is None or entry_match.line.label in entry_match.metric.labels


def _find_generic_errors(traffic_metric: CatalogMetric, catalog: MetricCatalog) -> Binding | None:
    """Find the errors by status label or by a counter of errors.

    The status label is that of the traffic, of its latency histogram or of its responses, in this
    order.
    """
    candidates = [(traffic_metric, ranking.find_status_label(traffic_metric))]
    candidates.extend(error_ranking.status_siblings(traffic_metric, catalog))
    unclear: Binding | None = None
    for metric, label in candidates:
        if label is None:
            continue
        place = "of" if metric is traffic_metric else "beside"
        reason = f"status label {place} the traffic: {text.clean(label, 60)}"
        binding = binding_rules.status_error_binding(metric, label, reason)
        if status_labels.has_errors_or_codes(label, metric.labels[label]):
            return binding
        unclear = unclear or binding
    error_counters = error_ranking.rank_errors(catalog, traffic_metric)
    if error_counters and error_counters[0].score >= error_ranking.MIN_ERRORS_SCORE:
        best = error_counters[0]
        return binding_rules.error_counter_binding(
            best.metric, traffic_metric, best.score, best.reason
        )
    return unclear


def _bind_latency(main: _Classification) -> Binding | None:
    def is_suitable(entry_match: EntryMatch) -> bool:
        return exporter_match.measures_time(entry_match, main.traffic_metric)

    entry_match = exporter_match.first_match(main.lines("latency"), main.catalog, is_suitable)
    if entry_match is not None and main.main_exporter is not None:
        return binding_rules.latency_binding(
            entry_match.metric,
            binding_rules.KNOWN_SCORE,
            binding_rules.exporter_reason(main.main_exporter.name, entry_match.metric),
            entry_match,
        )
    if main.is_missing("latency") and main.main_exporter is not None:
        main.reasons["latency"] = f"{main.main_exporter.name} exposes no latency"
        return None
    for candidate in latency_ranking.rank_latency(main.catalog, main.traffic_metric):
        if latency_ranking.is_time_to_first(candidate.metric):
            continue
        if candidate.score < latency_ranking.MIN_LATENCY_SCORE:
            break
        return binding_rules.latency_binding(candidate.metric, candidate.score, candidate.reason)
    main.reasons["latency"] = "no histogram, summary or mean of the time a request takes"
    return None


# --------------------------------------------------------------------- saturation and extra signals


def _bind_saturation(main: _Classification) -> tuple[Binding, ...]:
    """Bind the saturation: entries first, the main exporter's before others, then names.

    Each resource is bound once; at most `saturation_rules.MAX_BINDINGS`.
    """
    candidates: list[Binding] = []
    ordered = sorted(main.exporters, key=lambda exporter: exporter is not main.main_exporter)
    for exporter in ordered:
        candidates.extend(
            binding_rules.saturation_binding(entry_match, exporter.name)
            for entry_match in exporter_match.all_matches(exporter.saturation, main.catalog)
        )
    candidates.extend(
        saturation_rules.find_bindings(
            main.catalog,
            main.traffic_metric,
            is_exporter_known=len(candidates) >= _ENOUGH_SATURATION,
        )
    )
    names: set[str] = set()
    families: set[str] = set()
    unique = []
    for binding in candidates:
        if binding.name not in names and (binding.family not in families or binding.match):
            unique.append(binding)
            names.add(binding.name)
            families.add(binding.family)
    return tuple(unique[: saturation_rules.MAX_BINDINGS])


def _bind_extra_signals(main: _Classification) -> list[Binding]:
    """Bind signals of other exporters, second throughputs and times to a first byte or token."""
    signals = [
        _bind_time_to_first(metric)
        for metric in main.catalog
        if latency_ranking.is_time_to_first(metric) and metric.bounds
    ]
    bound_families = {main.traffic.family if main.traffic is not None else ""}
    for exporter in sorted(main.exporters, key=lambda exporter: exporter is not main.main_exporter):
        entry_matches = exporter_match.all_matches(exporter.extra, main.catalog)
        if exporter is not main.main_exporter and exporter.rank > 0:
            entry_match = exporter_match.first_match(exporter.traffic, main.catalog)
            entry_matches = [*([entry_match] if entry_match is not None else []), *entry_matches]
        for entry_match in entry_matches:
            if (
                entry_match.metric.sample_name not in bound_families
                and entry_match.metric.value > 0
            ):
                bound_families.add(entry_match.metric.sample_name)
                name = entry_match.line.name or exporter.name
                reason = binding_rules.exporter_reason(exporter.name, entry_match.metric)
                signals.append(
                    binding_rules.traffic_binding(
                        entry_match.metric, binding_rules.KNOWN_SCORE, reason, entry_match, name
                    )
                )
    own = _find_own_traffic(main.ranked, main.exporters) if main.main_exporter is not None else None
    if own is not None and own.metric.sample_name not in bound_families:
        signals.append(
            binding_rules.traffic_binding(own.metric, own.score, own.reason, name="own requests")
        )
    return signals[:_MAX_EXTRA_SIGNALS]


def _bind_time_to_first(metric: CatalogMetric) -> Binding:
    of_tokens = bool({"token", "ttft"} & set(metric.name_words))
    binding = binding_rules.latency_binding(
        metric, binding_rules.KNOWN_SCORE / 2, "named for the first of the answer"
    )
    return replace(binding, name="time to first token" if of_tokens else "time to first byte")

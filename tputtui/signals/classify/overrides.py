"""Bindings from the config file, applied over the classification."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tputtui import text
from tputtui.model import Binding, Bindings, Exposition, Match, MetricKind, SignalKind
from tputtui.signals.classify import series_filter, units
from tputtui.signals.classify.metric_catalog import MetricCatalog, build_catalog

_MATCHER = re.compile(r'\s*([A-Za-z_][\w.]*)\s*(=~|!~|!=|=)\s*"((?:\\.|[^"\\])*)"\s*(?:,|$)')
_SIGNALS: tuple[SignalKind, ...] = ("traffic", "errors", "latency", "saturation")


def apply_overrides(
    bindings: Bindings,
    overrides: Mapping[str, Mapping[str, object]],
    exposition: Exposition | None = None,
) -> Bindings:
    """Return the bindings with the config's overrides applied, marked with origin "config".

    `overrides` has the keys traffic, errors, latency and saturation, each with any of family,
    label, values, match (`route!="/health"`, or a list of such), unit, limit and name. With
    `exposition` the kind of a newly named latency family is looked up; without it, a histogram is
    assumed. Raises ValueError for a match that cannot be parsed.
    """
    if not overrides:
        return bindings
    catalog = build_catalog(exposition) if exposition is not None else None
    reasons = {
        signal: reason for signal, reason in bindings.reasons.items() if signal not in overrides
    }
    result = replace(bindings, reasons=reasons)
    for signal in _SIGNALS:
        override = overrides.get(signal)
        if not override:
            continue
        if signal == "saturation":
            family = override.get("family")
            others = [binding for binding in bindings.saturation if binding.family != family]
            level = _override_binding(None, signal, override, catalog)
            result = replace(result, saturation=(level, *others))
        elif signal == "traffic":
            traffic = _override_binding(bindings.traffic, signal, override, catalog)
            result = replace(result, traffic=traffic)
            counted = catalog.get(traffic.family) if catalog is not None else None
            if counted is not None:
                result = replace(result, breakdown=series_filter.breakdown_labels([counted]))
        elif signal == "errors":
            errors = _override_binding(bindings.errors, signal, override, catalog)
            result = replace(result, errors=errors)
        else:
            latency = _override_binding(bindings.latency, signal, override, catalog)
            result = replace(result, latency=latency)
    return result


def _override_binding(
    previous: Binding | None,
    signal: SignalKind,
    override: Mapping[str, object],
    catalog: MetricCatalog | None,
) -> Binding:
    family = str(override.get("family") or (previous.family if previous is not None else ""))
    if not family:
        raise ValueError(f"{signal} has nothing to change: name the family it shall be read from")
    if previous is None or previous.family != family:
        previous = _create_binding(signal, family, catalog)
    changed = replace(previous, origin="config", reason="set in the config")
    if "label" in override:
        changed = replace(changed, label=str(override["label"]))
    if "values" in override:
        changed = replace(changed, values=tuple(_string_list(override["values"])))
    if "match" in override:
        matches: list[Match] = []
        for selector in _string_list(override["match"]):
            matches += parse_matches(selector)
        changed = replace(changed, match=tuple(matches))
    if "limit" in override:
        changed = replace(changed, limit=str(override["limit"]))
    if "name" in override:
        changed = replace(changed, name=str(override["name"]))
    unit = override.get("unit")
    if unit is None:
        return changed
    if signal == "latency":
        scale = units.SECONDS.get(str(unit))
        return replace(changed, unit="s" if scale else None, scale=scale or 1.0)
    return replace(changed, unit=str(unit))


def _create_binding(signal: SignalKind, family: str, catalog: MetricCatalog | None) -> Binding:
    metric = catalog.get(family) if catalog is not None else None
    if signal == "latency":
        kind: MetricKind = metric.kind if metric is not None else "histogram"
        if metric is None:
            return Binding(signal, kind, family, unit="s")
        scale, _ = units.seconds_scale(metric)
        return Binding(
            signal,
            kind,
            metric.name,
            unit=None if scale is None else "s",
            scale=1.0 if scale is None else scale,
            denominator=metric.denominator if kind == "mean" else None,
        )
    if signal == "saturation":
        return Binding(signal, metric.kind if metric is not None else "gauge", family, name=family)
    return Binding(signal, "counter", family, unit="req/s")


def _string_list(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, (list, tuple)):
        return tuple(str(item) for item in value)
    return (str(value),)


def parse_matches(selector: str) -> tuple[Match, ...]:
    """Parse a PromQL selector: `route!="/health",method="GET"`, with or without braces.

    Raises ValueError if a condition cannot be parsed or its regular expression is invalid.
    """
    conditions = selector.strip().removeprefix("{").removesuffix("}").strip().rstrip(",")
    matches: list[Match] = []
    position = 0
    while position < len(conditions):
        condition = _MATCHER.match(conditions, position)
        if condition is None:
            raise ValueError(
                f"{text.clean(selector, 80)!r} is no label condition: "
                'write route!="/health" or code=~"5.."'
            )
        label, operator, quoted = condition.groups()
        value = re.sub(r"\\(.)", lambda escape: "\n" if escape[1] == "n" else escape[1], quoted)
        _check_regex(operator, value, selector)
        # The pattern has no other operators than those of Match.
        matches.append(Match(label, operator, value))  # type: ignore[arg-type]
        position = condition.end()
    return tuple(matches)


def _check_regex(operator: str, value: str, selector: str) -> None:
    if operator.endswith("~"):
        try:
            re.compile(value)
        except re.error as error:
            reason = text.clean(str(error), 80)
            raise ValueError(
                f"{text.clean(selector, 80)!r}: not a regular expression: {reason}"
            ) from None

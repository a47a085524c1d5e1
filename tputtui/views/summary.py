"""What stays in the scrollback when the screen has gone: a few lines."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import ServiceState, Snapshot
from tputtui.views.latency import figure, quantile_name
from tputtui.views.scene import traffic_figure


def summary(latest: Snapshot | None, lived_s: float, saved: Sequence[str] = (), lens: str | None = None) -> list[str]:
    """Duration, best 60 s, p99, errors, what saturated first, files saved. The part that was looked at through a `lens`
    is no service of its own: it is left out.
    """
    lines = [f"watched for {text.span(lived_s)}"]
    if latest is not None:
        lines += [_service(service) for service in latest.services if service.name != lens]
        if latest.first is not None:
            lines.append(f"first to saturate: {text.clean(latest.first.name)}, {text.clean(latest.first.reason)}")
    lines += [f"saved {path}" for path in saved]
    return lines


def _service(service: ServiceState) -> str:
    parts = []
    traffic = service.traffic
    if traffic is not None:
        best = traffic.best_60s
        digits, unit = traffic_figure(best if best is not None else traffic.rps, traffic.unit)
        parts.append(f"{'best 60 s' if best is not None else 'last'} {digits} {unit}")
    if service.latency is not None and service.latency.quantiles:
        tail = service.latency.quantiles[-1]
        digits, unit = figure(tail, service.latency.unit)
        parts.append(f"{quantile_name(tail.q)} {digits} {unit}".rstrip())
    if service.errors is not None:
        ratio = service.errors.ratio
        parts.append(f"errors {text.percent(None if ratio is None else ratio * 100)} %")
    name = text.clean(service.name, 40)
    return f"{name}: {', '.join(parts)}" if parts else f"{name}: no traffic metric"

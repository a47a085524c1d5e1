"""What stays in the scrollback when the screen has gone: a few lines, none wider than a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import Headroom, ServiceState, Snapshot
from tputtui.views.live.latency_panel import figure, quantile_name
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import traffic_figure

_SERVICES = 3
_LONGEST_NAME = 32


def summary(
    latest: Snapshot | None, lived_s: float, saved: Sequence[str] = (), lens: str | None = None, width: int = 71
) -> list[str]:
    """Duration, best 60 s, p99, errors, what saturated first, files saved; a line is cut at `width` cells.

    The busiest services come first and the others are counted; the part that was looked at through a `lens` is no
    service of its own. A path is never cut: somebody wants to copy it.
    """
    lines = [f"watched for {text.span(lived_s)}"]
    if latest is not None:
        lines += _services(latest, [service for service in latest.services if service.name != lens], width)
        lines += [sustained(one) for one in latest.headroom if one.value is not None]
        if latest.first is not None:
            lines.append(f"first to saturate: {text.clean(latest.first.name)}, {text.clean(latest.first.reason)}")
    return [text.cut(line, width) for line in lines] + [f"saved {path}" for path in saved]


def sustained(headroom: Headroom) -> str:
    """`checkout: sustains 187 req/s within p99<=250ms (bracket 180 to 195)`; with "at least" where it had no limit."""
    digits = text.rate(headroom.value)
    within = f"{text.cut(text.clean(headroom.service), _LONGEST_NAME)}: sustains"
    if headroom.kind != "limit":
        return f"{within} at least {digits} req/s within {text.clean(headroom.objective)}"
    bracket = f"{text.rate(headroom.low)} to {text.rate(headroom.high)}"
    return f"{within} {digits} req/s ({bracket}) within {text.clean(headroom.objective)}"


def _services(latest: Snapshot, services: Sequence[ServiceState], width: int) -> list[str]:
    busy = sorted((each for each in services if each.traffic is not None), key=_traffic, reverse=True)
    shown = busy[:_SERVICES] or services[:1]
    with_best = any(each.traffic is not None and each.traffic.best_60s is not None for each in shown)
    lines = [_service(each, _nothing(latest, each), with_best, width) for each in shown]
    if more := len(services) - len(shown):
        lines.append(f"and {more:,} more service{'s' if more > 1 else ''}")
    return lines


def _traffic(service: ServiceState) -> tuple[bool, float]:
    """Requests before bytes, then the most."""
    traffic = service.traffic
    if traffic is None:
        return (False, 0.0)
    rate = traffic.best_60s if traffic.best_60s is not None else traffic.rps
    return (traffic.unit != "By/s", rate or 0.0)


def _nothing(latest: Snapshot, service: ServiceState) -> str:
    """Why there are no figures of a service."""
    mine = [one for one in latest.targets if one.name in service.targets and one.series is None]
    errors = [target_state.slow(one) if one.state == "slow" else one.error for one in mine]
    never = len(errors) == len(service.targets) and next((error for error in errors if error), None)
    return text.clean(never, 100) if never and service.lifetime_s is None else "no traffic metric"


def _service(service: ServiceState, nothing: str, with_best: bool, width: int) -> str:
    """`checkout: best 60 s 1,690 req/s; at the end p99 88.1 ms, errors 0.12 %`; without figures, why: `nothing`."""
    best, end = "", []
    traffic = service.traffic
    if traffic is not None:
        digits, unit = traffic_figure(traffic.best_60s if with_best else traffic.rps, traffic.unit)
        if with_best:
            best = f"best 60 s {digits} {unit}"
        else:
            end.append(f"{digits} {unit}")
    if service.latency is not None and service.latency.quantiles:
        tail = service.latency.quantiles[-1]
        digits, unit = figure(tail, service.latency.unit)
        end.append(f"{quantile_name(tail.q)} {digits} {unit}".rstrip())
    if service.errors is not None:
        ratio = service.errors.ratio
        end.append(f"errors {text.percent(None if ratio is None else ratio * 100)} %")
    parts = [part for part in (best, f"at the end {', '.join(end)}" if end else "") if part]
    figures = "; ".join(parts) or nothing
    room = min(_LONGEST_NAME, max(8, width - text.width(figures) - 2))
    return f"{text.cut_left(text.clean(service.name), room)}: {figures}"

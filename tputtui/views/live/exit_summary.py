"""Summary in the scrollback after the screen has closed: few lines, at most 80 columns wide."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import Headroom, ServiceState, Snapshot
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import format_traffic
from tputtui.views.shared.quantile_text import format_quantile, quantile_name

_MAX_SERVICES = 3
_MAX_NAME_WIDTH = 32


def summary_lines(
    latest: Snapshot | None,
    duration_s: float,
    saved_paths: Sequence[str] = (),
    filter_name: str | None = None,
    width: int = 71,
) -> list[str]:
    """Summarize duration, best 60 s, p99, errors, first resource to saturate and saved files.

    A line is cut at `width` cells; the path of a saved file is never cut, because users copy it.
    The busiest services come first, the others are counted. A filtered view (`filter_name`) is not
    a service of its own.
    """
    lines = [f"watched for {text.format_duration(duration_s)}"]
    if latest is not None:
        lines += _service_lines(
            latest, [service for service in latest.services if service.name != filter_name], width
        )
        lines += [
            describe_headroom(headroom)
            for headroom in latest.headroom
            if headroom.value is not None
        ]
        if latest.first_to_saturate is not None:
            first = latest.first_to_saturate
            lines.append(f"first to saturate: {text.clean(first.name)}, {text.clean(first.reason)}")
        elif latest.saturation_note:
            lines.append(text.clean(latest.saturation_note))
    return [text.truncate(line, width) for line in lines] + [
        f"saved {path}" for path in saved_paths
    ]


def describe_headroom(headroom: Headroom) -> str:
    """Format a headroom: `checkout: sustains 187 req/s (180 to 195) within p99<=250ms`.

    With "at least" and without the bracket where no limit was found.
    """
    digits = text.format_rate(headroom.value)
    within = f"{text.truncate(text.clean(headroom.service), _MAX_NAME_WIDTH)}: sustains"
    if headroom.kind != "limit":
        return f"{within} at least {digits} req/s within {text.clean(headroom.objective)}"
    bracket = f"{text.format_rate(headroom.low)} to {text.format_rate(headroom.high)}"
    return f"{within} {digits} req/s ({bracket}) within {text.clean(headroom.objective)}"


def _service_lines(latest: Snapshot, services: Sequence[ServiceState], width: int) -> list[str]:
    busy = sorted(
        (each for each in services if each.traffic is not None), key=_traffic_rank, reverse=True
    )
    shown = busy[:_MAX_SERVICES] or services[:1]
    with_best = any(
        each.traffic is not None and each.traffic.best_60s is not None for each in shown
    )
    lines = [_service_line(each, _missing_reason(latest, each), with_best, width) for each in shown]
    if more := len(services) - len(shown):
        lines.append(f"and {more:,} more service{'s' if more > 1 else ''}")
    return lines


def _traffic_rank(service: ServiceState) -> tuple[bool, float]:
    """Sort key of a service: requests before bytes, then by amount."""
    traffic = service.traffic
    if traffic is None:
        return (False, 0.0)
    rate = traffic.best_60s if traffic.best_60s is not None else traffic.rps
    return (traffic.unit != "By/s", rate or 0.0)


def _missing_reason(latest: Snapshot, service: ServiceState) -> str:
    """Reason why a service has no figures."""
    errors = [
        target_state.slow(target) if target.state == "slow" else target.error
        for target in latest.targets
        if target.name in service.targets and target.series is None
    ]
    first_error = next(filter(None, errors), None)
    has_no_answer = len(errors) == len(service.targets) and service.lifetime_s is None
    if first_error is None or not has_no_answer:
        return "no traffic metric"
    return text.clean(first_error, 100)


def _service_line(service: ServiceState, missing_reason: str, has_best: bool, width: int) -> str:
    """Format a service: `checkout: best 60 s 1,690 req/s; at the end p99 88.1 ms, errors 0.12 %`.

    Without figures, it gives the reason (`missing_reason`).
    """
    best, end = "", []
    traffic = service.traffic
    if traffic is not None:
        digits, unit = format_traffic(traffic.best_60s if has_best else traffic.rps, traffic.unit)
        if has_best:
            best = f"best 60 s {digits} {unit}"
        else:
            end.append(f"{digits} {unit}")
    if service.latency is not None and service.latency.quantiles:
        tail = service.latency.quantiles[-1]
        digits, unit = format_quantile(tail, service.latency.unit)
        end.append(f"{quantile_name(tail.q)} {digits} {unit}".rstrip())
    if service.errors is not None:
        ratio = service.errors.ratio
        end.append(f"errors {text.format_percent(None if ratio is None else ratio * 100)} %")
    parts = [part for part in (best, f"at the end {', '.join(end)}" if end else "") if part]
    figures = "; ".join(parts) or missing_reason
    room = min(_MAX_NAME_WIDTH, max(8, width - text.width(figures) - 2))
    return f"{text.truncate_left(text.clean(service.name), room)}: {figures}"

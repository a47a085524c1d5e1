"""Extra signals of a service.

Examples are time to first token beside the latency, tokens or bytes beside the requests.
"""

from __future__ import annotations

from tputtui import text
from tputtui.model import ExtraSignal, LatencyState, ServiceState
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import Line, LineBuilder

_MAX_LATENCIES = 3  # lines of latencies


def extra_traffic_lines(service: ServiceState, width: int) -> list[Line]:
    """Render one line with as many rates of extra traffic as fit; empty without extra traffic."""
    row = LineBuilder(width).at(1, "also")
    for signal in service.signals:
        if signal.traffic is None:
            continue
        name = text.clean(signal.name, 24)
        digits, unit = text.format_amount(signal.traffic.rps, signal.traffic.unit)
        if row.end + text.width(name) + len(digits) + len(unit) + 5 <= width:
            row.then(f"   {name} ", "dim").then(digits).then(f" {unit}", "dim")
    return [row.line()] if row.end > len(" also") else []


def extra_latency_lines(service: ServiceState, width: int) -> list[Line]:
    """Render a line for each extra latency: name, first and last quantile, or mean."""
    timed = [signal for signal in service.signals if signal.latency is not None]
    return [
        _latency_line(signal, signal.latency, width)
        for signal in timed[:_MAX_LATENCIES]
        if signal.latency is not None
    ]


def _latency_line(signal: ExtraSignal, latency: LatencyState, width: int) -> Line:
    row = LineBuilder(width).at(1, text.clean(signal.name, 30))
    ends = dict.fromkeys([*latency.quantiles[:1], *latency.quantiles[-1:]])
    for quantile in ends:
        digits, unit = format_quantile(quantile, latency.unit)
        row.then(f"   {quantile_name(quantile.q)} ", "dim")
        row.then(digits, "strong").then(f" {unit}", "dim")
    if not ends:
        digits, unit = text.format_amount(latency.mean, latency.unit)
        row.then("   mean ", "dim").then(digits, "strong").then(f" {unit}", "dim")
    return row.line()

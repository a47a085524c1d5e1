"""Saturation panel: resources by distance to their limit, each with a bar, a trend and evidence."""

from __future__ import annotations

from collections.abc import Callable

from tputtui import text
from tputtui.model import HostState, SaturationState
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames
from tputtui.signals.service.bottleneck import (
    describe_highest,
    first_to_saturate,
    sort_by_urgency,
)
from tputtui.views.live.panel_spec import PanelSpec, Room, is_host_only
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    Role,
    TextSpan,
    bar,
    pad_lines,
    rule_line,
    sparkline,
)

WARNING_RATIO = 0.8
BAD_RATIO = 0.95
IO_WAIT = "io wait"
LOW_PRIORITY = frozenset(("file descriptors", "open files", "swap", "event loop lag", "gc pause"))
LOW_PRIORITY_BELOW = 0.5
_TREND_CELLS = 16


def saturation_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render as many rows as fit, those closest to their limit first."""
    rows = resource_rows(frame)
    context = _context(frame, rows)
    lines = [rule_line("Saturation", context, width, frame.view_state.focus == "saturation")]
    if not rows:
        lines.append(
            LineBuilder(width).at(1, "the first figures come with the second reading", "dim").line()
        )
    lines += [
        _resource_line(frame, owner, resource, width)
        for owner, resource in visible_rows(rows, height - 1)
    ]
    return PanelView(tuple(pad_lines(lines, width, height)))


def _context(frame: Frame, rows: list[tuple[str, SaturationState]]) -> str:
    """First to saturate of the shown service and its host, or that nothing is near a limit."""
    first = frame.snapshot.first_to_saturate
    shown = frame.service.name if frame.service is not None else ""
    if first is not None and first.owner not in ("", shown):
        first = first_to_saturate(row for _, row in rows)
    if first is None:
        return text.clean(describe_highest(row for _, row in rows))
    return f"first to saturate: {text.clean(first.name)}, {text.clean(first.reason)}"


def visible_rows(
    rows: list[tuple[str, SaturationState]], height: int
) -> list[tuple[str, SaturationState]]:
    """Select the rows that fit.

    I/O wait is always included; resources that seldom matter (open files, swap) only near their
    limit or with room left.
    """
    quiet = [
        row
        for row in rows
        if row[1].name in LOW_PRIORITY and (row[1].ratio or 0.0) < LOW_PRIORITY_BELOW
    ]
    loud = [row for row in rows if row not in quiet]
    kept = (loud + quiet)[:height]
    always = next((row for row in rows if row[1].name == IO_WAIT and not row[0]), None)
    if always is not None and always not in kept and kept:
        kept[-1] = always
    return kept


def resource_rows(frame: Frame) -> list[tuple[str, SaturationState]]:
    """List (owner, resource) of the service and of the host in one order.

    Resources with waiting tasks come first, then by ratio; unknown ratios are last.
    """
    service = frame.service
    own = (
        [(service.name, resource) for resource in service.saturation] if service is not None else []
    )
    host = [("", resource) for resource in frame.snapshot.host_saturation]
    return sort_by_urgency(own + host, frame.snapshot.first_to_saturate)


def resource_role(resource: SaturationState) -> Role:
    """Colour of a resource, which depends on its state only."""
    ratio = resource.ratio or 0.0
    if ratio >= BAD_RATIO:
        return "bad"
    return "warning" if ratio >= WARNING_RATIO or (resource.waiting or 0) > 0 else "data"


def _resource_line(frame: Frame, owner: str, resource: SaturationState, width: int) -> Line:
    role = resource_role(resource)
    bar_cells = 14 if width >= 100 else 10
    name_cells = _name_cells(width)
    # End of the number: five cells and a blank; a longer number shortens the name.
    ends = name_cells + 7
    digits, unit = _format_usage(resource)
    name = text.clean(_shown_name(frame, owner, resource))
    row = LineBuilder(width)
    row.at(1, text.truncate(name, min(name_cells, ends - 2 - text.width(digits))))
    row.figure(ends, digits, unit, _number_role(resource, role))
    if resource.ratio is not None:
        filled, ground = bar(resource.ratio, bar_cells)
        row.at(ends + 3, filled, role).then(ground, "faint")
    x = ends + 5 + bar_cells
    figure = history_keys.saturation(owner, resource.name)
    if width >= 100:
        values = frame.past.columns(figure, _TREND_CELLS)
        top = 1.0 if resource.ratio is not None else None
        trend_role: Role = "faint" if role == "data" else role
        trend = (TextSpan(sparkline(values, top), trend_role),)
        row.spans(frame.overlay_marks(trend, 0, _TREND_CELLS), x)
        x += _TREND_CELLS + 2
    row.at(x, "")
    difference = frame.baseline_difference(figure, resource.ratio, -1)
    cells = sum(text.width(span.text) for span in difference)
    # The difference has priority over the evidence.
    room = width - cells - 2 if difference and width >= 100 else width
    _put_details(row, frame, owner, resource, room)
    if difference and row.end + cells + 2 <= width:
        row.spans(difference, width - cells - 1)
    return row.line()


def _name_cells(width: int) -> int:
    if width < 100:
        return 14
    return 18 if width < 160 else 30


def _format_usage(resource: SaturationState) -> tuple[str, str]:
    """Format the usage as (number, unit): a percentage of the limit, where there is one."""
    if resource.ratio is not None:
        return text.format_percent(resource.ratio * 100), "%"
    if resource.value is not None:
        return text.format_amount(resource.value, resource.unit)
    return text.UNKNOWN, "n/a"


def _number_role(resource: SaturationState, role: Role) -> Role:
    if resource.value is None:
        return "dim"
    return "strong" if role == "data" else role


def _shown_name(frame: Frame, owner: str, resource: SaturationState) -> str:
    """Name of the resource; of a service's, one that the host does not have, too."""
    host_names = (other.name for other in frame.snapshot.host_saturation)
    return f"service {resource.name}" if owner and resource.name in host_names else resource.name


def _put_details(
    row: LineBuilder, frame: Frame, owner: str, resource: SaturationState, room: int
) -> None:
    """Add the details of a host's resource that fit, else the evidence."""
    list_details = _HOST_DETAILS.get(resource.name) if not owner else None
    details = list_details(frame.snapshot.host) if list_details is not None else []
    for label, value, unit in details:
        # A value is shown in full or not at all.
        if row.end + len(label) + len(value) + len(unit) + 2 > room:
            continue
        row.then(f"{label} ").then(value, "strong")
        row.then(f" {unit}" if unit else "", "dim").then("  ")
    if not details:
        row.spans(_evidence_spans(resource))


def _evidence_spans(resource: SaturationState) -> list[TextSpan]:
    spans: list[TextSpan] = []
    if resource.waiting:
        of_time = resource.unit == "ratio"  # a share of the time, not a number of waiting tasks
        digits = (
            text.format_percent(100 * resource.waiting)
            if of_time
            else text.format_number(resource.waiting)
        )
        label = "tasks waited " if of_time else "waiting "
        spans += [
            TextSpan(label),
            TextSpan(digits, "warning"),
            TextSpan(" % of the time" if of_time else "  "),
        ]
        if of_time:
            return spans  # the reason has the same content
    if resource.limit is not None and resource.value is not None:
        used, unit = text.format_amount(resource.value, resource.unit)
        limit, limit_unit = text.format_amount(resource.limit, resource.unit)
        spans += [
            TextSpan("in use "),
            TextSpan(used, "strong"),
            TextSpan(f" {unit}".rstrip() + f" of {limit} {limit_unit}".rstrip()),
        ]
    elif resource.reason:
        spans.append(TextSpan(text.clean(resource.reason), "dim"))
    return spans


Detail = tuple[str, str, str]


def _cpu_details(host: HostState) -> list[Detail]:
    out: list[Detail] = []
    cpu = host.cpu
    if cpu is None:
        return out
    run_queue = host.metrics.get("run_queue")
    if run_queue is not None:
        out.append(
            (
                "run queue",
                f"{run_queue:.0f}",
                f"on {cpu.cores} core{'s' if cpu.cores != 1 else ''}",
            )
        )
    out += [
        ("user", text.format_percent(cpu.user), "%"),
        ("sys", text.format_percent(cpu.system), "%"),
        ("steal", text.format_percent(cpu.steal), "%"),
    ]
    pressure = host.pressure.get("cpu")
    if pressure is not None and pressure.some_10 is not None:
        out.append(("psi", text.format_percent(pressure.some_10), "%"))
    elif "pressure" in dict(host.missing):
        out.append(("psi", "n/a", ""))  # the event log shows the reason
    if host.cgroup is not None and host.cgroup.throttled_percent is not None:
        out.append(("throttled", text.format_percent(host.cgroup.throttled_percent), "%"))
    return out


def _io_details(host: HostState) -> list[Detail]:
    out: list[Detail] = []
    pressure = host.pressure.get("io")
    if pressure is not None and pressure.full_10 is not None:
        out.append(("psi full", text.format_percent(pressure.full_10), "%"))
    return out + _disk_details(host)


def _disk_details(host: HostState) -> list[Detail]:
    busiest = max(host.disks, key=lambda disk: (disk.util_percent or 0, disk.iops), default=None)
    if busiest is None:
        return []
    read, read_unit = text.format_size(busiest.read_bytes_s)
    write, write_unit = text.format_size(busiest.write_bytes_s)
    out: list[Detail] = []
    if busiest.util_percent is not None:
        out.append(
            (f"{text.clean(busiest.name, 16)} util", text.format_percent(busiest.util_percent), "%")
        )
    out += [("read", read, f"{read_unit}/s"), ("write", write, f"{write_unit}/s")]
    if busiest.await_ms is not None:
        out.append(("await", *text.format_seconds(busiest.await_ms / 1000)))
    return out


def _memory_details(host: HostState) -> list[Detail]:
    memory = host.memory
    if memory is None:
        return []
    used, used_unit = text.format_size(memory.used_bytes)
    total, total_unit = text.format_size(memory.total_bytes)
    out: list[Detail] = [("used", used, f"{used_unit} of {total} {total_unit}")]
    if memory.swap_used_bytes is not None:
        out.append(("swap", *text.format_size(memory.swap_used_bytes)))
    pressure = host.pressure.get("memory")
    if pressure is not None and pressure.some_10 is not None:
        out.append(("psi", text.format_percent(pressure.some_10), "%"))
    limit = host.cgroup.memory_limit_bytes if host.cgroup is not None else None
    out.append(("limit", *(text.format_size(limit) if limit is not None else ("none", ""))))
    return out


def _network_details(host: HostState) -> list[Detail]:
    busiest = max(host.networks, key=lambda net: net.rx_bytes_s + net.tx_bytes_s, default=None)
    out: list[Detail] = []
    if busiest is not None:
        received, received_unit = text.format_size(busiest.rx_bytes_s)
        sent, sent_unit = text.format_size(busiest.tx_bytes_s)
        out += [
            (f"{text.clean(busiest.name, 16)} in", received, f"{received_unit}/s"),
            ("out", sent, f"{sent_unit}/s"),
            ("drops", text.format_rate(busiest.drops_s), "/s"),
        ]
    if host.tcp is not None and host.tcp.retransmit_percent is not None:
        out.append(("retransmits", text.format_percent(host.tcp.retransmit_percent), "%"))
    listen_drops = host.metrics.get("listen_drops")
    if listen_drops is not None:
        out.append(("listen drops", text.format_rate(listen_drops), "/s"))
    return out


_HOST_DETAILS: dict[str, Callable[[HostState], list[Detail]]] = {
    "cpu": _cpu_details,
    "io wait": _io_details,
    "disk": _disk_details,
    "memory": _memory_details,
    "network": _network_details,
}


def _height(frame: Frame | None, room: Room) -> int:
    return _fitting_height(frame, 10 if room.screen_height >= 50 else 7)


def _past_names(frame: Frame) -> PastNames:
    service = frame.service
    figures = [history_keys.saturation("", row.name) for row in frame.snapshot.host_saturation]
    if service is not None:
        figures += [history_keys.saturation(service.name, row.name) for row in service.saturation]
    return PastNames(frozenset(figures))


def _stacked_height(frame: Frame | None, screen_height: int) -> int:
    if not is_host_only(frame):
        return 4
    return max(3, min(_fitting_height(frame, 9), screen_height - 9))


def _fitting_height(frame: Frame | None, max_height: int) -> int:
    """Lines for all resources: at least three of them, at most `max_height` lines."""
    resources = len(resource_rows(frame)) if frame is not None else max_height
    return 1 + max(3, min(max_height - 1, resources))


PANEL = PanelSpec(
    "saturation",
    saturation_panel,
    row="middle",
    rank=3,
    height=_height,
    stacked_height=_stacked_height,
    is_configurable=True,
    past_names=_past_names,
)

"""Routes table: the service's traffic by label values."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import BreakdownRow, Labels, ObjectiveStatus, ServiceState
from tputtui.settings.expressions import Measure
from tputtui.signals.rates import history_keys
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.live.throughput_panel import error_role
from tputtui.views.shared import objective_status
from tputtui.views.shared.empty_state import missing_reasons, no_rate_reason
from tputtui.views.shared.frame import Frame, ListState, PanelView, format_traffic
from tputtui.views.shared.list_table import ListTable, TableColumn, table_view
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import Line, LineBuilder, rule_line


def routes_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the panel in `height` lines."""
    service = frame.service
    state = frame.view_state.list_state("routes")
    by = service.breakdown_by if service is not None else ()
    rows = service.breakdown if service is not None else ()
    context = f"by {', '.join(map(text.clean, by))}  d" if by else ""
    if service is not None and service.breakdown_latency is not None:
        family = text.truncate(text.clean(service.breakdown_latency), max(12, width - 45))
        context = f"times of {family}  {context}"
    if state.filter_text:
        context = f"filter “{text.clean(state.filter_text, 20)}”  {context}"
    top = rule_line("Routes", context, width, frame.view_state.focus == "routes")
    return table_view(
        ListTable(rows, lambda row: row.labels, _filter_text),
        route_columns(service, by, rows, frame),
        state,
        top,
        width,
        height,
        footer_line=lambda hidden: _more_line(service, state, hidden, width),
        empty_message=_empty_reason(frame, service),
        default_sort="rps",
    )


def _empty_reason(frame: Frame, service: ServiceState | None) -> str:
    """Reason why the table is empty.

    It is the throughput panel's reason; with traffic, that the traffic has no breakdown.
    """
    if service is None or service.traffic is None:
        return missing_reasons(frame, service, "traffic")[0].rstrip(",")
    if service.traffic.rps is None:
        return no_rate_reason(frame, service)
    if service.breakdown_by:
        label = text.clean(service.breakdown_by[-1], 30)
        return f"no {label}: the service exposes a single total"
    return "no labels to break the traffic down by"


def _filter_text(row: BreakdownRow) -> str:
    return " ".join(value for _, value in row.labels)


def _has_baseline(frame: Frame) -> bool:
    """Return whether rows have a baseline; it has no figures of a filtered part."""
    return frame.view_state.baseline is not None and frame.active_filter is None


def _label_value(labels: Labels, name: str) -> str:
    return next((text.clean(value, 200) for label, value in labels if label == name), "")


def route_columns(
    service: ServiceState | None,
    labels: Sequence[str],
    rows: Sequence[BreakdownRow],
    frame: Frame | None = None,
) -> list[TableColumn[BreakdownRow]]:
    """Columns of the table.

    Labels come first, the last of them flexible; then traffic, errors, and the first and last
    quantile.
    """
    columns: list[TableColumn[BreakdownRow]] = []
    order = sorted(labels, key=lambda name: name not in ("method", "verb"))
    for index, name in enumerate(order):
        flexible = index == len(order) - 1
        widest = max((text.width(_label_value(row.labels, name)) for row in rows), default=0)
        columns.append(_label_column(name, 0 if flexible else min(16, max(len(name), widest))))
    unit = service.traffic.unit if service is not None and service.traffic is not None else "req/s"
    columns.append(_traffic_column(unit, frame))
    if service is not None and frame is not None and _has_baseline(frame):
        columns.append(_baseline_column(frame, service.name, unit))
    if service is not None and service.errors is not None:
        columns.append(_error_column(frame))
    if service is not None and service.latency is not None:
        known = [quantile.q for quantile in service.latency.quantiles]
        ends = dict.fromkeys([*known[:1], *known[-1:]])
        columns += [_quantile_column(q, service.latency.unit, frame) for q in ends]
    return columns


def _label_column(name: str, cells: int) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        row.at(x, text.truncate(_label_value(item.labels, name) or "-", cells))

    return TableColumn(
        name,
        text.clean(name, 16),
        cells,
        lambda item: _label_value(item.labels, name),
        draw,
        is_right_aligned=False,
    )


def _row_objective(
    frame: Frame | None, row: BreakdownRow, measure: Measure, q: float | None = None
) -> ObjectiveStatus | None:
    return objective_status.route_objective(frame, row, measure, q) if frame is not None else None


def _traffic_column(unit: str, frame: Frame | None) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        digits, shown_unit = format_traffic(item.rps, unit)
        if unit == "By/s":
            digits = f"{digits} {shown_unit}"
        objective = _row_objective(frame, item, "rps")
        sign, role = (
            objective_status.status_sign(objective),
            objective_status.status_role(objective),
        )
        row.ending_at(x + cells, f"{sign}{digits}", role)

    return TableColumn("rps", unit, 10 if unit == "By/s" else 8, lambda item: item.rps or 0.0, draw)


def _baseline_column(frame: Frame, service: str, unit: str) -> TableColumn[BreakdownRow]:
    """Column of the difference of a row's traffic to the baseline.

    It is dimmed: single rows have no history, so the difference cannot be tested for chance.
    """

    def change(item: BreakdownRow) -> float:
        figure = frame.baseline_figure(history_keys.route(service, item.labels))
        if figure is None or figure.value <= 0:
            return 0.0
        return (item.rps or 0.0) / figure.value

    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        figure = history_keys.route(service, item.labels)
        difference = frame.baseline_difference(figure, item.rps, 0, unit)
        shown = "".join(span.text for span in difference) or "new"
        row.ending_at(x + cells, text.truncate(shown, cells), "dim")

    return TableColumn("baseline", "vs", 9, change, draw)


def _error_column(frame: Frame | None) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        ratio = None if item.error_ratio is None else item.error_ratio * 100
        role = error_role(item.error_ratio)
        if role == "strong":
            role = "dim"
        objective = _row_objective(frame, item, "errors")
        digits = f"{objective_status.status_sign(objective)}{text.format_percent(ratio, 2)}"
        row.ending_at(x + cells, digits, objective_status.status_role(objective, role))

    return TableColumn("errors", "err %", 6, lambda item: item.error_ratio or 0.0, draw)


def _quantile_column(q: float, unit: str | None, frame: Frame | None) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        quantile = next((quantile for quantile in item.quantiles if quantile.q == q), None)
        if quantile is None:
            row.ending_at(x + cells, text.UNKNOWN, "dim")
            return
        digits, shown_unit = format_quantile(quantile, unit)
        objective = _row_objective(frame, item, "latency", q)
        digits = objective_status.status_sign(objective) + digits
        row.ending_at(x + cells - 3, digits, objective_status.status_role(objective, "plain"))
        row.then(f" {shown_unit}", "dim")

    def sort(item: BreakdownRow) -> float:
        return next((quantile.value or 0.0 for quantile in item.quantiles if quantile.q == q), 0.0)

    return TableColumn(f"q{q:g}", quantile_name(q), 9, sort, draw)


def _more_line(
    service: ServiceState | None, state: ListState, hidden_count: int, width: int
) -> Line | None:
    """Describe the hidden rows: those below the edge, and those beyond the rows that are kept."""
    if service is None or not service.breakdown:
        return None
    count, rps = service.breakdown_more or (0, 0.0)
    # A line that stands in place of a single row saves nothing.
    if state.filter_text or (count == 0 and hidden_count <= 1):
        hidden_count = 0
    below = service.breakdown[len(service.breakdown) - hidden_count :]
    count, rps = count + hidden_count, rps + sum(row.rps or 0.0 for row in below)
    if count == 0:
        return None
    total = (service.traffic.rps if service.traffic else None) or 0.0
    by_traffic = (state.sort_column or "rps") == "rps" and not state.is_inverted
    share = ""
    if total > 0 and (by_traffic or not hidden_count):
        share = f", {_format_share(rps / total)} % of traffic"
    return LineBuilder(width).at(1, f"and {count:,} more{share}", "dim").line()


def _format_share(ratio: float) -> str:
    """Format a percentage, with 100 only for a share of exactly one."""
    digits = text.format_percent(100 * ratio)
    return ">99" if digits == "100" and ratio < 1 else digits


def _fill_rank(frame: Frame | None) -> int:
    """First where there are routes, else last."""
    service = frame.service if frame is not None else None
    return 0 if service is not None and service.breakdown else 3


PANEL = PanelSpec(
    "routes",
    routes_panel,
    row="bottom",
    rank=5,
    fill_rank=_fill_rank,
    is_list=True,
    is_configurable=True,
)

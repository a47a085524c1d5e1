"""The routes table: the service's traffic by the values of its labels."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import BreakdownRow, Labels, ObjectiveStatus, ServiceState
from tputtui.settings.expressions import Measure
from tputtui.signals.rates import history_keys
from tputtui.views.live.latency_panel import figure, quantile_name
from tputtui.views.live.throughput_panel import error_role
from tputtui.views.shared import objective_status
from tputtui.views.shared.empty_state import why_no_rate, why_nothing
from tputtui.views.shared.frame import Frame, ListState, PanelView, traffic_figure
from tputtui.views.shared.list_table import ListTable, TableColumn, table
from tputtui.views.shared.styled_text import Line, LineBuilder, rule


def routes(scene: Frame, width: int, height: int) -> PanelView:
    """The panel, `height` lines."""
    service = scene.service
    state = scene.viewpoint.list("routes")
    by = service.breakdown_by if service is not None else ()
    rows = service.breakdown if service is not None else ()
    context = f"by {', '.join(map(text.clean, by))}  d" if by else ""
    if state.filter:
        context = f"filter “{text.clean(state.filter, 20)}”  {context}"
    top = rule("Routes", context, width, scene.viewpoint.focus == "routes")
    return table(
        ListTable(rows, lambda row: row.labels, _words),
        route_columns(service, by, rows, scene),
        state,
        top,
        width,
        height,
        foot=lambda hidden: _more(service, state, hidden, width),
        empty=_why_empty(scene, service),
        order="rps",
    )


def _why_empty(scene: Frame, service: ServiceState | None) -> str:
    """What the throughput says, too; with traffic, that it cannot be broken down."""
    if service is None or service.traffic is None:
        return why_nothing(scene, service, "traffic")[0].rstrip(",")
    if service.traffic.rps is None:
        return why_no_rate(scene, service)
    if service.breakdown_by:
        return f"no {text.clean(service.breakdown_by[-1], 30)}: the service tells its traffic as one sum"
    return "no labels to break the traffic down by"


def _words(row: BreakdownRow) -> str:
    return " ".join(value for _, value in row.labels)


def _value(labels: Labels, name: str) -> str:
    return next((text.clean(value, 200) for label, value in labels if label == name), "")


def route_columns(
    service: ServiceState | None, by: Sequence[str], rows: Sequence[BreakdownRow], scene: Frame | None = None
) -> list[TableColumn[BreakdownRow]]:
    """Label columns first, the last of them flexible; then traffic, errors, and the first and last quantile."""
    columns: list[TableColumn[BreakdownRow]] = []
    order = sorted(by, key=lambda name: name not in ("method", "verb"))
    for index, name in enumerate(order):
        flexible = index == len(order) - 1
        widest = max((text.width(_value(row.labels, name)) for row in rows), default=0)
        columns.append(_label_column(name, 0 if flexible else min(16, max(len(name), widest))))
    unit = service.traffic.unit if service is not None and service.traffic is not None else "req/s"
    columns.append(_traffic_column(unit, scene))
    whole = scene is not None and scene.looks_through is None  # of a part nothing is in a baseline
    if service is not None and scene is not None and whole and scene.viewpoint.baseline is not None:
        columns.append(_base_column(scene, service.name, unit))
    if service is not None and service.errors is not None:
        columns.append(_error_column(scene))
    if service is not None and service.latency is not None:
        known = [quantile.q for quantile in service.latency.quantiles]
        ends = dict.fromkeys([*known[:1], *known[-1:]])
        columns += [_quantile_column(q, service.latency.unit, scene) for q in ends]
    return columns


def _label_column(name: str, cells: int) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        row.at(x, text.cut(_value(item.labels, name) or "-", cells))

    return TableColumn(name, text.clean(name, 16), cells, lambda item: _value(item.labels, name), draw, right=False)


def _asked(scene: Frame | None, row: BreakdownRow, measure: Measure, q: float | None = None) -> ObjectiveStatus | None:
    return objective_status.of_route(scene, row, measure, q) if scene is not None else None


def _traffic_column(unit: str, scene: Frame | None) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        digits, shown = traffic_figure(item.rps, unit)
        asked = _asked(scene, item, "rps")
        words = objective_status.sign(asked) + (digits if unit != "By/s" else f"{digits} {shown}")
        row.ending_at(x + cells, words, objective_status.role(asked))

    return TableColumn("rps", unit, 10 if unit == "By/s" else 8, lambda item: item.rps or 0.0, draw)


def _base_column(scene: Frame, service: str, unit: str) -> TableColumn[BreakdownRow]:
    """What a row's traffic differs by: dimmed, as no past is kept of single rows that could tell chance."""

    def change(item: BreakdownRow) -> float:
        found = scene.base(history_keys.route(service, item.labels))
        return (item.rps or 0.0) / found.value if found is not None and found.value > 0 else 0.0

    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        differs = scene.against(history_keys.route(service, item.labels), item.rps, 0, unit)
        words = "".join(span.text for span in differs) or "new"
        row.ending_at(x + cells, text.cut(words, cells), "dim")

    return TableColumn("baseline", "vs", 9, change, draw)


def _error_column(scene: Frame | None) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        ratio = None if item.error_ratio is None else item.error_ratio * 100
        role, asked = error_role(item.error_ratio), _asked(scene, item, "errors")
        words = f"{objective_status.sign(asked)}{text.percent(ratio, 2)}"
        row.ending_at(x + cells, words, objective_status.role(asked, "dim" if role == "strong" else role))

    return TableColumn("errors", "err %", 6, lambda item: item.error_ratio or 0.0, draw)


def _quantile_column(q: float, unit: str | None, scene: Frame | None) -> TableColumn[BreakdownRow]:
    def draw(row: LineBuilder, x: int, cells: int, item: BreakdownRow) -> None:
        quantile = next((quantile for quantile in item.quantiles if quantile.q == q), None)
        if quantile is None:
            row.ending_at(x + cells, text.UNKNOWN, "dim")
            return
        digits, shown = figure(quantile, unit)
        asked = _asked(scene, item, "latency", q)
        row.ending_at(x + cells - 3, objective_status.sign(asked) + digits, objective_status.role(asked, "plain"))
        row.then(f" {shown}", "dim")

    def sort(item: BreakdownRow) -> float:
        return next((quantile.value or 0.0 for quantile in item.quantiles if quantile.q == q), 0.0)

    return TableColumn(f"q{q:g}", quantile_name(q), 9, sort, draw)


def _more(service: ServiceState | None, state: ListState, hidden: int, width: int) -> Line | None:
    """What is not on screen: the rows below its edge, and those beyond the rows that are kept."""
    if service is None or not service.breakdown:
        return None
    count, rps = service.breakdown_more or (0, 0.0)
    if state.filter or (count == 0 and hidden <= 1):  # one that only this line would hide
        hidden = 0
    below = service.breakdown[len(service.breakdown) - hidden :]
    count, rps = count + hidden, rps + sum(row.rps or 0.0 for row in below)
    if count == 0:
        return None
    total = (service.traffic.rps if service.traffic else None) or 0.0
    by_traffic = (state.sort or "rps") == "rps" and not state.inverted
    share = f", {_share(rps / total)} % of traffic" if total > 0 and (by_traffic or not hidden) else ""
    return LineBuilder(width).at(1, f"and {count:,} more{share}", "dim").line()


def _share(ratio: float) -> str:
    """A percentage that is 100 only where it is all."""
    digits = text.percent(100 * ratio)
    return ">99" if digits == "100" and ratio < 1 else digits

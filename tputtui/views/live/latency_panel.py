"""Latency: one row a quantile (now, its line over time, its base), with the bucket's honesty."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import LatencyState, Quantile, ServiceState
from tputtui.signals.rates import history_keys
from tputtui.views.live.heatmap import where_requests_fall
from tputtui.views.shared import objective_status, target_state
from tputtui.views.shared.empty_state import reasons
from tputtui.views.shared.extra_signals import further_latency
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import (
    Line,
    LineBuilder,
    TextSpan,
    before_level,
    blank,
    fill,
    level_row,
    rule,
    sparks,
)

FURTHER = 10  # from this many lines on further latencies have a line each
SCATTER = (44, 14)
"""Cells and lines that the scatter takes, and the least it is worth."""


def has_scatter(width: int, height: int) -> bool:
    """Whether a panel of that size has room for the scatter beside the rest."""
    return width >= SCATTER[0] + 52 and height > SCATTER[1]


def lines_rows(quantiles: int, width: int, height: int) -> int:
    """Rows that a chart of the quantiles may take; 0 where each has its line in its own row instead."""
    if width < 50 or height < 20:
        return 0
    return max(6, (height - quantiles - 3) * 3 // 5)


def latency(
    scene: Frame,
    width: int,
    height: int,
    scatter: tuple[Line, ...] | None = None,
    chart: tuple[Line, ...] | None = None,
) -> PanelView:
    """The panel, `height` lines. Drawn elsewhere are `scatter`: lines of `SCATTER[0]` cells for the right side, and
    `chart`: the quantiles' lines, `lines_rows` of them; with it, each quantile stands with its bucket.
    """
    if scatter is None:
        return _latency(scene, width, height, chart)
    left = _latency(scene, width - SCATTER[0] - 1, height, chart).lines
    top = _rule(scene, width)
    beside = [*scatter[: height - 1], *(blank(SCATTER[0]) for _ in range(height - 1 - len(scatter)))]
    return PanelView((top, *((*line, TextSpan(" "), *other) for line, other in zip(left[1:], beside, strict=True))))


def _rule(scene: Frame, width: int) -> Line:
    state = scene.service.latency if scene.service is not None else None
    return rule("Latency", text.clean(state.family) if state else "", width, scene.viewpoint.focus == "latency")


def _latency(scene: Frame, width: int, height: int, chart: tuple[Line, ...] | None) -> PanelView:
    service = scene.service
    state = service.latency if service is not None else None
    lines = [_rule(scene, width)]
    if service is None or state is None:
        lines += reasons(scene, service, "latency", width)
        if service is not None:
            lines += further_latency(service, width)
        return PanelView(tuple(fill(lines, width, height)))
    also = further_latency(service, width) if height >= FURTHER else []
    height -= len(also)
    quantiles = state.quantiles[-max(1, height - 1) :]  # the tail first of all
    if not quantiles:
        lines.append(_mean_line(scene, service, state, width))
        if state.note and height > 2:
            lines.append(_foot(state, width))
    elif chart is not None:
        lines += [
            _bucket_head(scene, width),
            *(_bucket_row(scene, service, state, quantile, width) for quantile in quantiles),
        ]
        lines += chart
        _, starts, cells = _columns(scene, width)
        lines += where_requests_fall(scene, service.name, state.unit, starts, cells, width, height - len(lines) - 1)
        lines = [*fill(lines, width, height - 1), _foot(state, width, buckets=False)]
    else:
        with_head = height >= len(quantiles) + 3
        if with_head:
            lines.append(_head(scene, state, width))
        room = height - len(lines) - (1 if state.note or height > 8 or quantiles[-1].at_least else 0)
        _, starts, cells = _columns(scene, width)
        fallen = where_requests_fall(scene, service.name, state.unit, starts, cells, width, room - len(quantiles))
        each = max(1, min(4, (room - len(fallen)) // len(quantiles)))
        for quantile in quantiles:
            lines += _quantile_rows(scene, service, state, quantile, width, each)
        lines += fallen
        if len(lines) < height:
            lines.append(_objectives(scene, state, width) or _foot(state, width))
    return PanelView((*fill(lines, width, height), *also))


def _columns(scene: Frame, width: int) -> tuple[int, int, int]:
    """(where the number ends, where the line starts, its cells)."""
    base = 0 if width < 50 else 14 if scene.viewpoint.baseline is None else 24
    return _NOW_ENDS, 19, max(0, width - 19 - base)


def _head(scene: Frame, state: LatencyState, width: int) -> Line:
    ends, starts, cells = _columns(scene, width)
    row = LineBuilder(width).ending_at(ends, "now", "dim")
    row.at(starts, text.cut(text.brief_span(scene.viewpoint.shown_span_s), cells), "dim")
    if width >= 50 and scene.viewpoint.baseline is not None:
        row.ending_at(width - 1, text.cut(text.clean(scene.viewpoint.baseline.label), 24), "dim")
    elif width >= 50 and state.since_start:
        row.ending_at(width - 1, "since start", "dim")
    return row.line()


def figure(quantile: Quantile, unit: str | None) -> tuple[str, str]:
    """A quantile as (number, unit), with ≥ where it is only a floor."""
    digits, shown_unit = text.amount(quantile.value, unit)
    return (f"≥{digits}" if quantile.at_least else digits, shown_unit)


def quantile_name(q: float) -> str:
    """0.999 -> p99.9."""
    return f"p{round(q * 100, 4):g}"


def _quantile_rows(
    scene: Frame, service: ServiceState, state: LatencyState, quantile: Quantile, width: int, height: int
) -> list[Line]:
    ends, starts, cells = _columns(scene, width)
    values = scene.past(history_keys.latency(service.name, quantile.q), cells) if cells > 3 else []
    known = scene.base(history_keys.latency(service.name, quantile.q))
    top = max((value for value in (*values, known.value if known else None) if value is not None), default=0.0) or None
    pictures = sparks(values, height - 1 if height > 2 else height, top)  # a blank row keeps tall lines apart
    behind = level_row(known.value, top, len(pictures)) if known and top else None
    above = height - len(pictures)
    pictures = [""] * above + pictures
    if _is_last(state, quantile) and cells > 3:
        pictures[-1], behind = text.cut(_last(state), cells), None
    lines = []
    for index, picture in enumerate(pictures):
        row = LineBuilder(width)
        if index == height - 1:
            row.at(1, quantile_name(quantile.q))
            digits, unit = figure(quantile, state.unit)
            asked = objective_status.of_service(scene, "latency", quantile.q)
            row.figure(ends, digits, unit, objective_status.role(asked))
            row.ending_at(starts - 1, objective_status.sign(asked), objective_status.role(asked))
        row.spans(before_level(picture, drawn=behind is not None and index - above == behind), starts)
        if index == height - 1 and width >= 50:
            _end_at(row, width - 1, _base(scene, service, state, quantile))
        lines.append(scene.strike(row.line(), starts, cells) if picture else row.line())
    return lines


def _base(scene: Frame, service: ServiceState, state: LatencyState, quantile: Quantile) -> Sequence[TextSpan]:
    """What a quantile is held against: the difference to the baseline; without one, its figure since start."""
    if scene.viewpoint.baseline is not None:
        figure_name = history_keys.latency(service.name, quantile.q)
        if scene.base(figure_name) is None:
            return (TextSpan("not in it", "dim"),)
        return scene.against(figure_name, None if quantile.at_least else quantile.value, -1, state.unit)
    base = next((other for other in state.since_start if other.q == quantile.q), None)
    if base is None:
        return ()
    digits, unit = figure(base, state.unit)
    return (TextSpan(f"{digits} {unit}".rstrip(), "dim"),)


def _end_at(row: LineBuilder, x: int, spans: Sequence[TextSpan]) -> None:
    row.spans(spans, max(row.end, x - sum(text.width(span.text) for span in spans)))


_WIDE_BUCKET = 4.0  # a bucket whose ends are further apart than this factor says little
_NOW_ENDS, _BASE_ENDS, _BUCKET_AT = 14, 30, 34


def _bucket_head(scene: Frame, width: int) -> Line:
    baseline = scene.viewpoint.baseline
    row = LineBuilder(width).ending_at(_NOW_ENDS, "now", "dim")
    row.ending_at(
        _BASE_ENDS, text.cut(text.clean(baseline.label), 16) if baseline is not None else "since start", "dim"
    )
    return row.at(_BUCKET_AT, "lies in the bucket", "dim").line()


def _bucket_row(scene: Frame, service: ServiceState, state: LatencyState, quantile: Quantile, width: int) -> Line:
    """p99   88.1 ms   71.0 ms   50 ms to 100 ms."""
    row = LineBuilder(width).at(1, quantile_name(quantile.q))
    asked = objective_status.of_service(scene, "latency", quantile.q)
    row.figure(_NOW_ENDS, *figure(quantile, state.unit), objective_status.role(asked))
    _end_at(row, _BASE_ENDS, _base(scene, service, state, quantile))
    row.at(_BUCKET_AT, "")
    if _is_last(state, quantile):
        return row.then(_last(state)).line()
    if quantile.value is None:
        return row.then("nothing was observed in the window", "dim").line()
    if quantile.at_least:
        return row.then("above the last bound: nobody knows by how much", "warning").line()
    if quantile.low is None or quantile.high is None:
        return row.then("no buckets: the service computed it itself", "dim").line()
    row.then(f"{_bound(quantile.low, state.unit)} to {_bound(quantile.high, state.unit)}")
    if asked is not None:
        row.then("   ").spans(objective_status.words(asked))
    if quantile.low > 0 and quantile.high / quantile.low > _WIDE_BUCKET:
        row.then("   too wide to say more", "warning")
    return row.line()


def _bound(value: float, unit: str | None) -> str:
    digits, shown = text.amount(value, unit)
    return f"{digits.removesuffix('.0')} {shown}".rstrip()


def _objectives(scene: Frame, state: LatencyState, width: int) -> Line | None:
    """The objectives on this latency, in words; None where there is none."""
    row = LineBuilder(width)
    row.at(1, "")
    asked = [objective_status.of_service(scene, "latency", quantile.q) for quantile in state.quantiles[::-1]]
    for status in sorted(filter(None, asked), key=objective_status.urgency):
        row.spans(objective_status.words(status, named=True)).then("   ")
    return row.line() if any(asked) else None


def _foot(state: LatencyState, width: int, *, buckets: bool = True) -> Line:
    row = LineBuilder(width)
    row.at(1, "")
    if state.mean is not None:
        digits, unit = text.amount(state.mean, state.unit)
        row.at(1, "mean ", "dim").then(digits).then(f" {unit}" if unit else "", "dim")
    if state.note:
        row.then("   " if row.end > 1 else "").then(text.clean(state.note), "warning")
    elif state.unit is None:
        row.then("   unit not known: shown as exposed", "dim")
    elif state.quantiles and buckets:
        tail = state.quantiles[-1]
        if tail.low is not None and tail.high is not None and tail.value is not None:
            low, high = _bound(tail.low, state.unit), _bound(tail.high, state.unit)
            row.then(f"   {quantile_name(tail.q)} lies in the bucket {low} to {high}", "dim")
        elif tail.at_least:
            row.then(f"   {quantile_name(tail.q)} is above the last bucket", "warning")
    return row.line()


def _is_last(state: LatencyState, quantile: Quantile) -> bool:
    """Whether the last known figure is of this quantile."""
    return state.last is not None and state.last.q == quantile.q


def _last(state: LatencyState) -> str:
    """last 88.1 ms, 23 s ago."""
    last = state.last
    return target_state.last(last, *text.amount(last.value, state.unit)) if last is not None else ""


def _mean_line(scene: Frame, service: ServiceState, state: LatencyState, width: int) -> Line:
    ends, starts, cells = _columns(scene, width)
    row = LineBuilder(width).at(1, "mean")
    digits, unit = text.amount(state.mean, state.unit)
    row.figure(ends, digits, unit)
    picture = sparks(scene.past(history_keys.latency(service.name, None), cells), 1)[0] if cells > 3 else ""
    if state.last is not None:
        return row.at(starts, text.cut(_last(state), cells)).line()
    return row.at(starts, picture, "data").line()

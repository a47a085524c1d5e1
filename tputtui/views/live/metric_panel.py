"""A metric that was put on the live screen: its figure, and its line over time."""

from __future__ import annotations

from tputtui import text
from tputtui.model import ChartedFamily
from tputtui.signals.rates import history_keys
from tputtui.views.shared import target_state
from tputtui.views.shared.family_units import figure, unit_of
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import Line, LineBuilder, fill, rule
from tputtui.views.shared.trend_line import trend


def metric(scene: Frame, width: int, height: int, chart: tuple[Line, ...] | None = None) -> PanelView:
    """The panel, `height` lines. `chart`: lines drawn elsewhere for the rows below the number."""
    charted = scene.viewpoint.charted
    if charted is None:
        row = LineBuilder(width).at(1, "no metric is charted: i, then Enter on one", "dim")
        return PanelView(tuple(fill([rule("Metric", "", width), row.line()], width, height)))
    target, name = charted
    focused = scene.viewpoint.focus == "metric"
    title = text.cut(text.clean(name), max(8, width - 4))
    way_out = "X takes it away" if text.width(title) + 24 <= width else ""
    lines = [rule(title, way_out, width, focused)]
    state = state_of(scene)
    lines.append(_figures(scene, state, width))
    if chart is not None:
        lines += chart[: height - 2]
    elif height > 2:
        lines += trend(scene, history_keys.family(target, name), state.now, unit_of(state), width, height - 2)
    return PanelView(tuple(fill(lines, width, height)))


def state_of(scene: Frame) -> ChartedFamily:
    """What is known of the charted family at the moment that is shown; all unknown where the snapshot has it not."""
    state = scene.snapshot.charted
    charted = scene.viewpoint.charted
    if charted is None:
        return ChartedFamily("", "")
    return state if state is not None and (state.target, state.name) == charted else ChartedFamily(*charted)


def _figures(scene: Frame, state: ChartedFamily, width: int) -> Line:
    digits, unit = figure(state, state.now)
    row = LineBuilder(width).at(1, digits, "strong").then(f" {unit}" if unit else "", "dim")
    if state.now is None:
        row.then("  ").then(_why_unknown(scene, state), "dim")
    elif state.counts and state.value is not None:
        row.then("   in all ", "dim").then(text.number(state.value))
    words = ", ".join(part for part in (text.clean(state.type, 16), text.clean(state.target, 40)) if part)
    if row.end + text.width(words) + 3 <= width:
        row.ending_at(width - 1, words, "dim")
    return row.line()


def _why_unknown(scene: Frame, state: ChartedFamily) -> str:
    target = next((target for target in scene.snapshot.targets if target.name == state.target), None)
    if target is None:
        return f"{text.clean(state.target, 60)} is watched no longer"
    if target_state.is_in_trouble(target):
        return target_state.sentence(target)
    if state.value is not None:
        return "a rate begins with the second scrape"
    return "not read at this moment" if scene.snapshot.charted is None else "the last answer did not have it"

"""Control and treatment: two columns, between them how far they are apart, and above them what that comes to.

Judged is what was seen since the split was made, row by row (`experiments.concurrent`). Colour comes only with what is
sure, and only for what is better or worse: latency, errors, and throughput where the arms are whole targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tputtui import text
from tputtui.experiments.effect_estimate import TOO_EARLY, EffectEstimate
from tputtui.frozen import frozen
from tputtui.model import ServiceState
from tputtui.signals.rates import history_keys
from tputtui.signals.service.traffic_split import SERVICE, SplitOption, TrafficSplit
from tputtui.views.live.latency_panel import figure, quantile_name
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame, PanelView, scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, fill, rule, sparks

DEAD_S = 10.0
"""So long without traffic, while control has some, is no pause."""

_PICTURE = 21  # cells of an interval, where there is room
_WORDS = 31
_LABEL = 9
_NUMBER = 8  # cells up to where a figure's digits end; its unit follows
_UNIT = 7


@frozen
class SplitFigure:
    """What is judged: `of` an arm's name is the figure's name on the time axis. `better`: 1 where more is better, -1 less, 0 neither."""

    label: str
    of: Callable[[str], str]
    value: Callable[[ServiceState], tuple[float | None, str, str]]  # its value, and its digits and unit for a person
    better: int
    q: float | None = None  # of a quantile
    points: bool = False


def figures(split: TrafficSplit, arms: Sequence[ServiceState | None]) -> tuple[SplitFigure, ...]:
    """What both arms of a split have, in the order of the rows."""
    there = [arm for arm in arms if arm is not None]
    if not there:
        return ()
    found = []
    if all(arm.traffic is not None for arm in there):
        found.append(SplitFigure("traffic", history_keys.traffic, _traffic, 1 if split.is_allocated else 0))
    latencies = [arm.latency for arm in there]
    if all(latencies):
        first = latencies[0]
        for quantile in first.quantiles if first is not None else ():
            q = quantile.q
            found.append(SplitFigure(quantile_name(q), _latency_name(q), _latency(q), -1, q))
        if first is not None and not first.quantiles:
            found.append(SplitFigure("mean", _latency_name(None), _mean, -1))
    if all(arm.errors is not None for arm in there):
        found.append(SplitFigure("errors", history_keys.errors, _errors, -1, points=True))
    return tuple(found)


def _latency_name(q: float | None) -> Callable[[str], str]:
    return lambda arm: history_keys.latency(arm, q)


def _traffic(arm: ServiceState) -> tuple[float | None, str, str]:
    value, unit = (arm.traffic.rps, arm.traffic.unit) if arm.traffic is not None else (None, "")
    return (value, *text.amount(value, unit))


def _latency(q: float) -> Callable[[ServiceState], tuple[float | None, str, str]]:
    def value(arm: ServiceState) -> tuple[float | None, str, str]:
        found = next((one for one in arm.latency.quantiles if one.q == q), None) if arm.latency is not None else None
        if found is None or arm.latency is None:
            return (None, text.UNKNOWN, "")
        return (None if found.at_least else found.value, *figure(found, arm.latency.unit))

    return value


def _mean(arm: ServiceState) -> tuple[float | None, str, str]:
    value, unit = (arm.latency.mean, arm.latency.unit) if arm.latency is not None else (None, None)
    return (value, *text.amount(value, unit))


def _errors(arm: ServiceState) -> tuple[float | None, str, str]:
    value = arm.errors.ratio if arm.errors is not None else None
    return (value, *text.amount(value, "ratio"))


# ------------------------------------------------------------------------------------------ the panel


def split(scene: Frame, width: int, height: int) -> PanelView:
    """The panel, `height` lines."""
    look = scene.viewpoint.split
    focused = scene.viewpoint.focus == "split"
    if look is None:
        top = rule("Control and treatment", "", width, focused)
        words = LineBuilder(width).at(1, "the service is not split: a splits it", "dim").line()
        return PanelView(tuple(fill([top, words], width, height)))
    chosen = look.split
    told = scene.snapshot.split
    arms = (told.control, told.treatment) if told is not None else (None, None)
    watched = text.span(round(max(0.0, scene.snapshot.at - look.since)))
    by = f"{text.clean(chosen.control.service, 30)} by {text.clean(chosen.by, 30)}"
    title = "two services" if chosen.by == SERVICE else by
    lines = [rule(f"Control and treatment: {title}", f"for {watched}, a ends it", width, focused)]
    rows = figures(chosen, arms)
    judged = {one.label: scene.apart(one) for one in rows}
    columns = _columns(width)
    if height > len(rows) + 2:
        lines.append(LineBuilder(width).spans(verdict(scene, rows, judged, arms), 1).line())
    lines.append(_heads(scene, arms, columns, width))
    each = max(1, min(4, (height - len(lines)) // max(1, len(rows))))
    ratios = [found for one in rows if isinstance(found := judged[one.label], EffectEstimate) and not one.points]
    scale = max(map(_reach, ratios), default=0.0)  # of all ratios; points have their own
    for one in rows:
        lines += _rows(scene, one, judged[one.label], arms, columns, width, each, scale)
    return PanelView(tuple(fill(lines, width, height)))


@frozen
class _Columns:
    """Where things stand: the arms' first cells, the cells of their lines, the picture and the words between them."""

    control: int
    treatment: int
    lines: int
    between: int
    picture: int
    words: int


def _columns(width: int) -> _Columns:
    picture = _PICTURE if width >= 110 else 0
    words = _WORDS if width >= 76 else 13
    label = _LABEL if width >= 60 else 8
    side = (width - label - picture - words - (2 if picture else 1)) // 2
    lines = max(0, side - _NUMBER - _UNIT - 1)
    return _Columns(label, width - side, lines if lines >= 5 else 0, label + side, picture, words)


def _heads(scene: Frame, arms: Sequence[ServiceState | None], at: _Columns, width: int) -> Line:
    """control demo-1 …                       difference                      treatment demo-2."""
    look = scene.viewpoint.split
    row = LineBuilder(width)
    if look is None:
        return row.line()
    for called, state, name, start in zip(
        apart_names(look.split),
        arms,
        ("control", "treatment"),
        (at.control, at.treatment),
        strict=True,
    ):
        room = (at.between if name == "control" else width) - start - 1
        row.at(start, text.cut(f"{name} {called}{_up(scene, state)}", room), "strong")
        if name == "control":
            title = "treatment - control" if at.words == _WORDS else "difference"
            row.at(at.between + (at.picture + 1 if at.picture else 0), title, "dim")
    return row.line()


def apart_names(chosen: TrafficSplit) -> tuple[str, str]:
    """What control and treatment are called; of two ports on one host the ports."""
    control, treatment = (text.clean(name, 60) for name in (chosen.control.called, chosen.treatment.called))
    hosts = [name.rpartition(":")[0] for name in (control, treatment)]
    if hosts[0] and hosts[0] == hosts[1]:
        return control.removeprefix(hosts[0]), treatment.removeprefix(hosts[0])
    return control, treatment


def _up(scene: Frame, state: ServiceState | None) -> str:
    """, 1 of 2 targets up."""
    if state is None:
        return ""
    up = sum(bool(one.up) and not one.is_overdue for one in scene.snapshot.targets if one.name in state.targets)
    if up < len(state.targets):
        return f", {up} of {len(state.targets)} targets up"
    return f", {up} targets" if up > 1 else ""


def _rows(
    scene: Frame,
    one: SplitFigure,
    judged: EffectEstimate | str,
    arms: Sequence[ServiceState | None],
    at: _Columns,
    width: int,
    height: int,
    scale: float,
) -> list[Line]:
    look = scene.viewpoint.split
    if look is None:
        return []
    cells = at.lines
    pasts = [scene.past(one.of(arm.name), cells) if cells else [] for arm in (look.split.control, look.split.treatment)]
    top = max((value for past in pasts for value in past if value is not None), default=0.0) or None
    pictures = [sparks(past, height - 1 if height > 2 else height, top) if cells else [] for past in pasts]
    pictures = [[*([""] * (height - len(picture))), *picture] for picture in pictures]
    lines = []
    for index in range(height):
        last = index == height - 1
        row = LineBuilder(width)
        if last:
            row.at(1, one.label)
        for state, picture, start in zip(arms, pictures, (at.control, at.treatment), strict=True):
            if last:
                _, digits, unit = one.value(state) if state is not None else (None, text.UNKNOWN, "")
                row.figure(start + _NUMBER, digits, unit)
            if cells:
                row.at(start + _NUMBER + _UNIT, picture[index], "data")
            if last and start == at.control:
                if at.picture:
                    row.spans(_interval(judged, one, scale, at.picture), at.between)
                row.spans(_difference(one, judged, arms, at.words), at.between + (at.picture + 1 if at.picture else 0))
        lines.append(row.line())
    return lines


def _reach(judged: EffectEstimate) -> float:
    return max(abs(judged.low), abs(judged.high))


def _interval(judged: EffectEstimate | str, one: SplitFigure, scale: float, cells: int) -> list[TextSpan]:
    """├──●──┤ about a stroke that is no difference; blank where there is none yet."""
    if isinstance(judged, str):
        return [TextSpan(" " * cells)]
    scale = (_reach(judged) if one.points else scale) or 1.0
    middle = cells // 2

    def cell(value: float) -> int:
        return max(0, min(cells - 1, middle + round(value / scale * middle)))

    low, high, point = cell(judged.low), cell(judged.high), cell(judged.effect)
    drawn = [" "] * cells
    drawn[middle] = "│"
    for place in range(low, high + 1):
        drawn[place] = "─"
    drawn[low], drawn[high] = "├", "┤"
    drawn[point] = "●"
    return [TextSpan("".join(drawn), _role(judged, one) if judged.sure else "dim")]


def _role(judged: EffectEstimate, one: SplitFigure) -> Role:
    if not judged.sure or not one.better:
        return "plain" if judged.sure else "dim"
    return "ok" if judged.effect * one.better > 0 else "bad"


def _difference(
    one: SplitFigure, judged: EffectEstimate | str, arms: Sequence[ServiceState | None], room: int
) -> list[TextSpan]:
    """+24.1 % [+17.6, +30.9] worse; where there is no `room`, without the interval."""
    unit = "pp" if one.points else "%"
    if isinstance(judged, str):
        now = _now(one, arms)
        plain = [f"{_signed(now)} {unit}"] if now is not None else []
        why = "so far" if judged.startswith(TOO_EARLY) else judged
        return [TextSpan(", ".join([*plain, why]) if why != "so far" else " ".join([*plain, why]), "dim")]
    role = _role(judged, one)
    word = {"ok": "better", "bad": "worse", "dim": "again?" if judged.unconfirmed else "unclear"}.get(role, "")
    interval = f" [{_signed(judged.low)}, {_signed(judged.high)}]" if room == _WORDS else ""
    return [TextSpan(f"{_signed(judged.effect)} {unit}{interval} {word}".rstrip(), role)]


def _now(one: SplitFigure, arms: Sequence[ServiceState | None]) -> float | None:
    """The plain difference in the window."""
    control, treatment = (one.value(arm)[0] if arm is not None else None for arm in arms)
    if control is None or treatment is None:
        return None
    if one.points:
        return treatment - control
    return treatment / control - 1 if control > 0 else None


def _signed(ratio: float) -> str:
    shown = text.percent(abs(100 * ratio))
    return shown if float(shown) == 0 else f"{'-' if ratio < 0 else '+'}{shown}"


# ------------------------------------------------------------------------------------------ what it comes to


def verdict(
    scene: Frame,
    rows: Sequence[SplitFigure],
    judged: dict[str, EffectEstimate | str],
    arms: Sequence[ServiceState | None],
) -> list[TextSpan]:
    """One sentence: what is wrong with the arms, else what is sure, else how much is not excluded yet."""
    look = scene.viewpoint.split
    if look is None:
        return []
    amiss = _amiss(scene, arms, look.silent_s)
    if amiss:
        return amiss
    found = [(one, told) for one in rows if isinstance(told := judged[one.label], EffectEstimate)]
    worse = [words(one, told) for one, told in found if _role(told, one) == "bad"]
    better = [words(one, told) for one, told in found if _role(told, one) == "ok"]
    if worse and better:
        return [TextSpan(f"a trade-off: worse in {', '.join(worse)}; better in {', '.join(better)}", "warning")]
    if worse:
        return [TextSpan(f"treatment is worse: {', '.join(worse)}", "bad")]
    if better:
        return [TextSpan(f"treatment is better: {', '.join(better)}", "ok")]
    unconfirmed = [words(one, told) for one, told in found if told.unconfirmed and one.better]
    if unconfirmed:
        return [TextSpan(f"{', '.join(unconfirmed)}: sure if the next look says so again", "plain")]
    if not found:
        waits = next((told for told in judged.values() if isinstance(told, str) and told.startswith(TOO_EARLY)), "")
        return [TextSpan(f"too early to judge: {waits}" if waits else "nothing can be judged yet", "dim")]
    last = [(one, told) for one, told in found if one.better and not one.points]
    bound = ""
    if last:
        one, told = last[-1]
        bound = f": {one.label} may differ by up to {text.percent(100 * max(abs(told.low), abs(told.high)))} %"
    return [TextSpan(f"no clear difference{bound}", "plain")]


def words(one: SplitFigure, told: EffectEstimate) -> str:
    """p99 +24.1 %."""
    return f"{one.label} {_signed(told.effect)} {'pp' if one.points else '%'}"


def _amiss(scene: Frame, arms: Sequence[ServiceState | None], silent_s: float | None) -> list[TextSpan]:
    """What keeps the arms from being compared: missing data is no verdict, an arm without traffic is one."""
    states = {one.name: one for one in scene.snapshot.targets}
    for name, arm in zip(("control", "treatment"), arms, strict=True):
        if arm is None:
            return [TextSpan(f"{name}: nothing of it is there", "warning")]
        mine = [states[target] for target in arm.targets if target in states]
        if mine and all(target.state == "down" for target in mine):
            return [TextSpan(f"{name} is not seen: its targets are down, which is no verdict", "warning")]
        if mine and all(map(target_state.is_in_trouble, mine)):
            late = [target for target in mine if target.waiting_s is not None]
            shortest = min(late, key=lambda target: target.waiting_s or 0.0)
            return [TextSpan(f"{name} is {target_state.slow(shortest)}, which is no verdict", "warning")]
    if silent_s is not None and silent_s >= DEAD_S:
        return [TextSpan(f"treatment has had no traffic for {text.span(silent_s)}, control has", "bad")]
    return []


# ------------------------------------------------------------------------------------------ the ways to split


def way_list(
    service: str, found: Sequence[SplitOption] | None, unit: str, cursor: int, width: int, height: int
) -> PanelView:
    """The list to choose the treatment from; None: not known yet."""
    title = f"Split {text.clean(service, 30)}: which is the treatment?"
    lines = [rule(title, "Enter splits  Esc back", width, focused=True)]
    if not found:
        told = (
            "looking at its labels"
            if found is None
            else "one target, and no label with two values: nothing to split by"
        )
        lines.append(LineBuilder(width).at(1, told, "dim").line())
        return PanelView(tuple(fill(lines, width, height)))
    room = height - 2
    first = scrolled(max(0, cursor - room + 1), cursor, len(found), room)
    before = ""
    for way in found[first : first + room]:
        by = text.clean(way.split.by, 16)
        row = LineBuilder(width).at(1, by if by != before else "", "dim")
        row.at(18, text.cut(text.clean(way.value) or "(empty)", max(8, width - 36)))
        if way.rps is not None:
            digits, shown = text.amount(way.rps, unit)
            row.figure(max(row.end + 1, width - 10), digits, shown)
        before = by
        lines.append(row.line())
    while len(lines) < height - 1:
        lines.append(LineBuilder(width).line())
    lines.append(
        LineBuilder(width).at(1, f"control: {text.clean(found[cursor].split.control.called, 60)}", "dim").line()
    )
    return PanelView(tuple(fill(lines, width, height)), 1 + cursor - first)

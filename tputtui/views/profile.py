"""The profile pane: a strip that stays live above, then the rows of a call tree."""

from __future__ import annotations

from dataclasses import dataclass

from tputtui import text
from tputtui.profiling.profile import Profile
from tputtui.profiling.treeview import Row as TreeRow
from tputtui.profiling.treeview import TreeView
from tputtui.signals import names
from tputtui.views.latency import figure, quantile_name
from tputtui.views.lines import Line, Role, Row, bar, blank, rule, spark
from tputtui.views.scene import PanelView, Scene, scrolled, traffic_figure
from tputtui.views.throughput import error_role

BAR_CELLS = 12
TABS: tuple[tuple[str, str], ...] = (("tree", "Call tree"), ("callers", "Callers"))
"""In the order of the keys 1, 2, …"""

_MARKERS = {"open": "▾", "closed": "▸", "leaf": " "}


@dataclass(frozen=True, slots=True)
class Sampling:
    """A capture under way, or how it ended."""

    pid: int
    name: str
    elapsed_s: float
    duration_s: float
    samples: int
    attached: bool = False
    problem: str = ""  # a sentence: why there is nothing, or why it ended early
    done: bool = False


@dataclass(frozen=True, slots=True)
class ProfilePane:
    """All that the pane shows."""

    sampling: Sampling
    profile: Profile | None = None
    view: TreeView | None = None
    tab: str = "tree"
    cursor: int = 0
    top: int = 0
    found: str = ""  # what a search said of itself


def strip(scene: Scene, width: int) -> Line:
    """req/s, p99, errors and what saturates first, each with its line: the load goes on above the profile."""
    service = scene.service
    row = Row(width).at(1, "")
    if service is not None and service.traffic is not None:
        digits, unit = traffic_figure(service.traffic.rps, service.traffic.unit)
        row.then(digits, "strong").then(f" {unit} ", "dim")
        if width >= 100:
            row.then(spark(scene.past(names.traffic(service.name), 18)), "data")
        row.then("   ")
    if service is not None and service.latency is not None and service.latency.quantiles:
        tail = service.latency.quantiles[-1]
        digits, unit = figure(tail, service.latency.unit)
        row.then(f"{quantile_name(tail.q)} ").then(digits, "strong").then(f" {unit} ", "dim")
        if width >= 100:
            row.then(spark(scene.past(names.latency(service.name, tail.q), 18)), "data")
        row.then("   ")
    if service is not None and service.errors is not None:
        ratio = service.errors.ratio
        row.then("errors ").then(text.percent(None if ratio is None else ratio * 100), error_role(ratio))
        row.then(" %   ", "dim")
    first = scene.snapshot.first
    if first is not None:
        row.then("first: ").then(f"{text.clean(first.name)}, {text.clean(first.reason)}", "strong")
    return row.line()


def pane(shown: ProfilePane, width: int, height: int) -> PanelView:
    """The pane's `height` lines; `cursor` of the answer is the line of the row under the cursor."""
    lines = [rule("Profile", _about(shown), width, focused=True), _tabs(shown, width)]
    if shown.view is None or len(shown.view) == 0:
        lines += [Row(width).at(1, words, role).line() for words, role in _nothing(shown)]
        return PanelView(tuple((lines + [blank(width)] * height)[:height]))
    lines.append(_head(shown, width))
    room = max(0, height - len(lines))
    top = scrolled(shown.top, shown.cursor, len(shown.view), room)
    keys: list[int | None] = [None] * len(lines)
    at_line: int | None = None
    for at, tree_row in enumerate(shown.view.rows(top, room), top):
        if at == shown.cursor:
            at_line = len(lines)
        lines.append(_row(tree_row, width, _has_gil(shown)))
        keys.append(at)
    lines += [blank(width)] * (height - len(lines))
    return PanelView(tuple(lines[:height]), at_line, tuple(keys))


def _about(shown: ProfilePane) -> str:
    sampling = shown.sampling
    parts = [f"{sampling.pid} {sampling.name}"]
    profile = shown.profile
    if profile is not None:
        about = profile.about
        if about.python:
            parts.append(f"python {about.python}")
        hertz = profile.achieved_hz
        asked = f" of {about.rate_hz:g}" if about.rate_hz else ""
        rate = f", {hertz:.0f}{asked} Hz" if hertz is not None else ""
        parts.append(f"{profile.duration_s:.1f} s{rate}")
        threads = len(profile.threads)
        parts.append(f"{threads} thread{'s' if threads != 1 else ''}")
        parts.append("blocking" if about.blocking else "nonblocking")
    return "  ".join(parts)


def _tabs(shown: ProfilePane, width: int) -> Line:
    row = Row(width)
    for number, (tab, title) in enumerate(TABS, 1):
        row.then(" " if number == 1 else "  ").then(f"{number} ", "accent").then(
            title, "strong" if tab == shown.tab else "plain"
        )
    words, role = _progress(shown)
    row.then("    ").then(words, role)
    if shown.found:
        row.ending_at(width - 1, shown.found, "dim")
    return row.line()


def _progress(shown: ProfilePane) -> tuple[str, Role]:
    sampling = shown.sampling
    if sampling.done:
        return (sampling.problem, "warning") if sampling.problem else ("", "dim")
    if not sampling.attached:
        return (f"attaching to {sampling.pid}   Esc stops", "warning")
    done, ground = bar(min(1.0, sampling.elapsed_s / sampling.duration_s), 10)
    left = max(0.0, sampling.duration_s - sampling.elapsed_s)
    words = f"sampling {done}{ground} {sampling.elapsed_s:.0f} of {sampling.duration_s:.0f} s, {left:.0f} left, "
    return (f"{words}{sampling.samples:,} samples   Esc stops", "warning")


def _nothing(shown: ProfilePane) -> list[tuple[str, Role]]:
    sampling = shown.sampling
    if sampling.problem:
        return [
            ("", "plain"),
            *((line, "warning" if at == 0 else "plain") for at, line in enumerate(_sentences(sampling.problem))),
        ]
    if sampling.done:
        return [("", "plain"), ("no samples: nothing ran while it was sampled", "dim")]
    return [("", "plain"), ("the tree grows from the first second on", "dim")]


def _sentences(problem: str) -> list[str]:
    return [part.strip() for part in problem.split("\n") if part.strip()]


def _has_gil(shown: ProfilePane) -> bool:
    return shown.profile is not None and shown.profile.ticks("gil") > 0


def _head(shown: ProfilePane, width: int) -> Line:
    row = Row(width).ending_at(8, "total", "dim")
    row.ending_at(10 + BAR_CELLS + 7, "self", "dim")
    x = 10 + BAR_CELLS + 9
    if _has_gil(shown):
        row.ending_at(x + 5, "gil", "dim")
        x += 7
    row.at(x, "function" if shown.tab == "tree" else "function, then who called it", "dim")
    if width >= 80:
        row.ending_at(width - 1, "file:line", "dim")
    return row.line()


def _row(item: TreeRow, width: int, has_gil: bool) -> Line:
    row = Row(width)
    small = item.total < 0.01
    row.ending_at(6, text.percent(item.total * 100, 1), "plain" if small else "strong").then(" %", "dim")
    waiting = "waiting" in item.notes
    filled, _ = bar(item.total, BAR_CELLS)
    row.at(10, filled, "faint" if waiting else "data")
    row.ending_at(10 + BAR_CELLS + 7, text.percent(item.self_ * 100, 1), "plain" if item.self_ < 0.1 else "strong")
    x = 10 + BAR_CELLS + 9
    if has_gil:
        row.ending_at(x + 5, text.UNKNOWN if item.gil is None else text.percent(item.gil * 100, 1), "plain")
        x += 7
    room = width - x
    indent = min(item.depth * 2, max(0, room // 2))  # deep chains stay on the screen
    row.at(x + indent, f"{_MARKERS[item.marker]} ", "accent")
    place = f"{item.file}:{item.line}" if item.line else item.file
    place_cells = min(text.width(place), max(0, width // 3)) if width >= 80 else 0
    name_room = width - row.end - place_cells - 2
    notes = "  ".join(item.notes)
    row.then(text.cut(item.name, max(8, name_room)), "plain" if waiting else "strong" if item.node >= 0 else "dim")
    if notes:
        row.then(text.cut(f"  {notes}", max(0, width - row.end - place_cells - 2)), "dim")
    if place_cells and item.file:
        row.ending_at(width - 1, text.cut_left(place, place_cells), "dim")
    return row.line()

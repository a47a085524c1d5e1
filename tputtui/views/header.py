"""The first line (who, where, how well the data flows, what we cost) and the last one (keys, or a passing sentence)."""

from __future__ import annotations

from collections.abc import Sequence

from tputtui import text
from tputtui.model import TargetState
from tputtui.views.lines import Line, Role, Row, Span, plain
from tputtui.views.scene import Scene

STATE_SIGNS: dict[TargetState, tuple[str, Role]] = {
    "up": ("●", "ok"),
    "waiting": ("◐", "warning"),
    "down": ("○", "bad"),
}
_MOST_SIGNS = 12


def header(scene: Scene, width: int) -> Line:
    """tputtui  checkout  web-01  ●●○ 3 targets, 1 down  window 10 s      LIVE 14:03:22  self 0.9 %  56 MiB."""
    snapshot, viewpoint = scene.snapshot, scene.viewpoint
    right = _right(scene, roomy=width >= 100)
    room = width - text.width(plain(right)) - 1
    row = Row(max(0, room))
    if width >= 60:
        row.then(" tputtui ", "badge").then(" ")
    service = scene.service
    if service is not None:
        lens = scene.looks_through
        name = lens.service if lens is not None else service.name
        row.then(" ").then(text.cut(text.clean(name), max(8, room // 4)), "strong")
        if lens is not None:
            row.then(" ").then(text.cut(text.clean(lens.what), max(12, room // 3)), "accent").then(" Esc all", "dim")
    if width >= 90 and scene.host_name:
        row.then("  ").then(text.cut(scene.host_name, 24))
    row.spans(_targets(scene))
    if row.end + 14 < room:
        row.then(f"  window {text.span(snapshot.window_s)}", "dim")
        covered = service.covered_s if service else None
        if service is not None and covered is not None and covered < snapshot.window_s * 0.85 and row.end + 12 < room:
            row.then(f", {text.span(round(covered, 1))} so far", "dim")
    if viewpoint.read_only and row.end + 12 < room:
        row.then("  read-only", "dim")
    return Row(width).spans(row.line()).spans(right, width - text.width(plain(right))).line()


def _targets(scene: Scene) -> list[Span]:
    targets = scene.snapshot.targets
    if not targets:
        return [Span("  "), Span("no targets", "dim")]
    spans = [Span("  ")]
    for target in targets[:_MOST_SIGNS]:
        sign, role = STATE_SIGNS[target.state]
        spans.append(Span(sign, role))
    down = sum(1 for target in targets if target.state == "down")
    spans.append(Span(f" {len(targets)} target{'s' if len(targets) != 1 else ''}"))
    if down:
        spans.append(Span(f", {down} down", "bad"))
    return spans


def _right(scene: Scene, roomy: bool) -> Line:
    snapshot, viewpoint = scene.snapshot, scene.viewpoint
    if viewpoint.behind_s > 0:
        state = Span(f"PAST -{text.span(viewpoint.behind_s)} ", "warning")
    elif viewpoint.frozen:
        state = Span("FROZEN ", "warning")
    else:
        state = Span("LIVE ", "ok")
    spans = [state, Span(scene.clock(snapshot.time), "strong")]
    if viewpoint.recording is not None:
        spans += [Span("  "), Span("● ", "bad"), Span(viewpoint.recording)]
    if snapshot.self_.missed_ticks:
        spans += [Span("  "), Span(f"{snapshot.self_.missed_ticks} missed", "warning")]
    if roomy and snapshot.self_.cpu_percent is not None:
        digits, unit = text.size(snapshot.self_.rss_bytes)
        spans.append(Span(f"  self {text.percent(snapshot.self_.cpu_percent, 1)} %  {digits} {unit}", "dim"))
    spans.append(Span(" "))
    return tuple(spans)


def footer(hints: Sequence[tuple[str, str]], status: str, width: int) -> Line:
    """The keys that serve now, or a sentence that has something to say."""
    row = Row(width)
    row.then(" ")
    if status:
        return row.then(status, "strong").line()
    for key, label in hints:
        if row.end + text.width(key) + text.width(label) + 2 > width:
            break
        row.then(key, "accent").then(f" {label}  ", "dim")
    return row.line()

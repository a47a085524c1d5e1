"""Header line (service, host, target states, self usage) and footer line (keys or a message)."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from tputtui import text
from tputtui.model import TargetState
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame, ReplayStatus
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, line_text

STATE_SIGNS: dict[TargetState, tuple[str, Role]] = {
    "up": ("●", "ok"),
    "waiting": ("◐", "warning"),
    "slow": ("◐", "warning"),
    "down": ("○", "bad"),
}
_MAX_SIGNS = 12
_ROOM_FOR_A_WAIT = 56  # cells of the left side from which the only target's wait is shown in full


def header_line(frame: Frame, width: int) -> Line:
    """Render the header.

    Example: tputtui  checkout  web-01  ●●○ 3 targets, 1 down  window 10 s      LIVE 14:03:22  self
    0.9 %  56 MiB. Parts without room are left out, the least important first; only names are cut.
    """
    right = _status_line(frame, is_wide=width >= 100)
    room = width - text.width(line_text(right)) - 1
    parts = (  # in display order, each with its rank: a lower rank stays longer
        (5, [TextSpan(" tputtui ", "badge"), TextSpan(" ")]),
        (0, _name_spans(frame, room)),
        (
            7,
            [TextSpan("  "), TextSpan(text.truncate(frame.host_name, 24))]
            if frame.host_name
            else [],
        ),
        (4, _state_signs(frame)),
        (1, _target_count(frame, roomy=room >= _ROOM_FOR_A_WAIT)),
        (6, _window_spans(frame)),
        (2, _baseline_spans(frame)),
        (3, [TextSpan("  read-only", "dim")] if frame.view_state.is_read_only else []),
    )
    free = room
    kept = set()
    for rank, part in sorted(parts, key=lambda part: part[0]):
        if _cells(part) <= free:
            kept.add(rank)
            free -= _cells(part)
    row = LineBuilder(max(0, room))
    for rank, part in parts:
        if rank in kept:
            row.spans(part)
    return (
        LineBuilder(width)
        .spans(row.line())
        .spans(right, width - text.width(line_text(right)))
        .line()
    )


def _cells(spans: Sequence[TextSpan]) -> int:
    return sum(text.width(span.text) for span in spans)


def _name_spans(frame: Frame, room: int) -> list[TextSpan]:
    service = frame.service
    if service is None:
        return []
    service_filter = frame.active_filter
    name = service_filter.service if service_filter is not None else service.name
    spans = [TextSpan(" "), TextSpan(text.truncate(text.clean(name), max(8, room // 3)), "strong")]
    if service_filter is not None:
        description = text.truncate(text.clean(service_filter.description), max(10, room // 3))
        spans += [TextSpan(" "), TextSpan(description, "accent"), TextSpan(" Esc all", "dim")]
    return spans


def _state_signs(frame: Frame) -> list[TextSpan]:
    targets = frame.snapshot.targets[:_MAX_SIGNS]
    signs = [TextSpan(*STATE_SIGNS[target.state]) for target in targets]
    return [TextSpan("  "), *signs] if signs else []


def _target_count(frame: Frame, *, roomy: bool) -> list[TextSpan]:
    targets = frame.snapshot.targets
    if not targets:
        return [TextSpan("  "), TextSpan("no targets", "dim")]
    down = sum(1 for target in targets if target.state == "down")
    late = [target for target in targets if target.is_overdue]
    spans = [TextSpan(f" {len(targets)} target{'s' if len(targets) != 1 else ''}")]
    if down:
        spans.append(TextSpan(f", {down} down", "bad"))
    if late:
        has_detail = roomy and len(targets) == 1
        slow = target_state.slow(late[0]) if has_detail else f"{len(late)} slow"
        spans.append(TextSpan(f", {slow}", "warning"))
    return spans


def _baseline_spans(frame: Frame) -> list[TextSpan]:
    baseline = frame.view_state.baseline
    return (
        [TextSpan("  "), TextSpan(text.truncate(text.clean(baseline.label), 24), "accent")]
        if baseline is not None
        else []
    )


def _window_spans(frame: Frame) -> list[TextSpan]:
    window = frame.snapshot.window_s
    covered = frame.service.covered_s if frame.service is not None else None
    so_far = (
        f", {text.format_duration(round(covered, 1))} so far"
        if covered is not None and covered < window * 0.85
        else ""
    )
    return [TextSpan(f"  window {text.format_duration(window)}{so_far}", "dim")]


def _status_line(frame: Frame, is_wide: bool) -> Line:
    snapshot, view_state = frame.snapshot, frame.view_state
    if view_state.replay is not None:
        return _replay_line(frame, view_state.replay)
    if view_state.behind_s > 0:
        state = TextSpan(f"PAST -{text.format_duration(view_state.behind_s)} ", "warning")
    elif view_state.is_frozen:
        state = TextSpan("FROZEN ", "warning")
    else:
        state = TextSpan("LIVE ", "ok")
    spans = [state, TextSpan(frame.format_clock(snapshot.time), "strong")]
    if view_state.recording_status is not None:
        spans += [TextSpan("  "), TextSpan("● ", "bad"), TextSpan(view_state.recording_status)]
    if (missed := snapshot.self_usage.recent_missed_ticks) > 0:
        spans += [
            TextSpan("  "),
            TextSpan(f"{missed} tick{'s' if missed > 1 else ''} missed", "warning"),
        ]
    if is_wide and snapshot.self_usage.cpu_percent is not None:
        cpu = text.format_percent(snapshot.self_usage.cpu_percent, 1)
        digits, unit = text.format_size(snapshot.self_usage.rss_bytes)
        spans.append(TextSpan(f"  self {cpu} %  {digits} {unit}", "dim"))
    spans.append(TextSpan(" "))
    return tuple(spans)


def _replay_line(frame: Frame, replay: ReplayStatus) -> Line:
    """Render the state of a replay: REPLAY 1 min 3 s of 5 min 10x  14:03:22."""
    ended = replay.seconds >= replay.length_s
    state = f"{replay.speed:g}x"
    if ended:
        state = "ended"
    elif replay.is_paused:
        state = "paused"
    spans = [
        TextSpan("REPLAY ", "warning"),
        TextSpan(text.format_duration(floor(replay.seconds)), "strong"),
        TextSpan(f" of {text.format_duration(round(replay.length_s))} ", "dim"),
        TextSpan(state, "warning" if replay.is_paused or ended else "ok"),
    ]
    if replay.read_ratio < 1.0:
        spans.append(TextSpan(f"  read {floor(100 * replay.read_ratio)} %", "dim"))
    return (
        *spans,
        TextSpan("  "),
        TextSpan(frame.format_clock(frame.snapshot.time), "strong"),
        TextSpan(" "),
    )


def footer_line(hints: Sequence[tuple[str, str]], status: str, width: int) -> Line:
    """Render the keys that apply now, or a message.

    The last two hints lead to all other keys and to the exit: where room is short, earlier hints
    are dropped first.
    """
    row = LineBuilder(width)
    row.then(" ")
    if status:
        return row.then(status, "strong").line()
    room = width - 1 - sum(_hint_cells(hint) for hint in hints[-2:])
    for hint in hints[:-2]:
        room -= _hint_cells(hint)
        if room < 0:
            break
        row.then(hint[0], "accent").then(f" {hint[1]}  ", "dim")
    for key, label in hints[-2:]:
        row.then(key, "accent").then(f" {label}  ", "dim")
    return row.line()


def _hint_cells(hint: tuple[str, str]) -> int:
    return text.width(hint[0]) + text.width(hint[1]) + 3

"""Reasons and remedies for a panel without data; the same in all panels of one service."""

from __future__ import annotations

from textwrap import wrap

from tputtui import text
from tputtui.model import NO_REQUESTS_YET, ServiceState, TargetStatus
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import Line, LineBuilder


def missing_reasons(frame: Frame, service: ServiceState | None, signal: str) -> list[str]:
    """Reasons why a signal does not exist."""
    if service is None:
        if frame.snapshot.targets:
            return ["waiting for the first answer"]
        if not frame.snapshot.is_ready:
            return ["looking for targets"]
        return ["no target: tputtui :PORT watches a port,", "tputtui demo shows an example"]
    unanswered = _no_answer_reason(frame, service)
    if unanswered is not None:
        return [unanswered]
    reason = service.reasons.get(signal) or f"no {signal} metric found"
    is_early = reason.startswith(NO_REQUESTS_YET)  # the counter is known: nothing to choose
    if frame.active_filter is not None or is_early:
        return [text.clean(reason)]
    return [f"{text.clean(reason)}: i to choose one"]


def missing_reason_lines(
    frame: Frame, service: ServiceState | None, signal: str, width: int
) -> list[Line]:
    """Render the reasons why a signal does not exist; long ones continue on the next line."""
    pieces: list[str] = []
    for reason in missing_reasons(frame, service, signal):
        pieces += wrap(reason, max(12, width - 2))
    return [LineBuilder(width).at(1, piece, "dim").line() for piece in pieces]


def no_rate_reason(frame: Frame, service: ServiceState) -> str:
    """Reason why an existing signal has no rate."""
    return _no_answer_reason(frame, service) or text.clean(
        service.why_unknown or "rates begin with the second scrape"
    )


def _no_answer_reason(frame: Frame, service: ServiceState) -> str | None:
    """Message while none of a service's targets answers; None if one does."""
    own = [target for target in frame.snapshot.targets if target.name in service.targets]
    if not own or any(map(_answers, own)):
        return None
    troubled = next(filter(target_state.is_in_trouble, own), None)
    if troubled is None:
        return "waiting for the first answer"
    return target_state.sentence(troubled)


def _answers(target: TargetStatus) -> bool:
    return target.state == "up" or bool(target.up and not target.is_overdue)

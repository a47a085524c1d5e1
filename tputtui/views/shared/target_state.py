"""State of a target as text: down, unreachable or slow, the reason, and the duration.

All panels use these functions, so that they agree.
"""

from __future__ import annotations

from collections.abc import Iterable

from tputtui import text
from tputtui.model import LastFigure, ServiceState, TargetStatus
from tputtui.views.shared.styled_text import Role

_UNREACHABLE = "unreachable: "


def is_in_trouble(target: TargetStatus) -> bool:
    """Return whether the target is down, or its answer is later than usual."""
    return target.state == "down" or target.is_overdue


def role(target: TargetStatus) -> Role:
    """Colour of the target's trouble."""
    return "bad" if target.state == "down" else "warning"


def slow(target: TargetStatus) -> str:
    """Format a slow target: no answer for 23 s, or answer incomplete, 100 bytes in 23 s."""
    return f"slow: {text.describe_late_answer(target.waiting_s, target.partial)}"


def slow_service(service: ServiceState, targets: Iterable[TargetStatus]) -> str:
    """Format a service as slow, by its target that is late for the shortest time."""
    own = (target for target in targets if target.name in service.targets)
    late_targets = (target for target in own if target.waiting_s is not None)
    late = min(late_targets, key=lambda target: target.waiting_s or 0.0, default=None)
    return f"slow: {text.describe_late_answer(service.waiting_s, late.partial if late is not None else None)}"


def word(target: TargetStatus) -> str:
    """State as one word: down, unreachable or slow."""
    is_unreachable = target.state == "down" and (target.error or "").startswith(_UNREACHABLE)
    return "unreachable" if is_unreachable else target.state


def why(target: TargetStatus) -> str:
    """Reason and duration: connection refused, for 31 s; or, late, slow: no answer for 23 s."""
    if target.state == "slow":
        return slow(target)
    lasting = f", for {text.format_duration(target.since_s)}" if target.since_s is not None else ""
    return f"{target.error or 'no answer'}{lasting}"


def sentence(target: TargetStatus) -> str:
    """Format target and reason as a sentence: api is down: connection refused."""
    name = text.clean(target.name, 60)
    if target.state == "slow":
        return f"{name} is {slow(target)}"
    return f"{name} is {word(target)}: {(target.error or 'no answer').removeprefix(_UNREACHABLE)}"


def last(figure: LastFigure | None, digits: str, unit: str) -> str:
    """Format the last known value: last 66.9 req/s, 23 s ago."""
    if figure is None:
        return ""
    return f"last {digits} {unit}".rstrip() + f", {text.format_duration(round(figure.age_s))} ago"

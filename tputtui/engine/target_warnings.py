"""Warnings about a target's answers, with the remedy."""

from __future__ import annotations

from typing import Final

from tputtui import text
from tputtui.model import Exposition

_SUGGESTED_INTERVALS: Final = (1, 2, 5, 10, 15, 30, 60)


def describe_answer_warnings(
    exposition: Exposition, duration_s: float, interval_s: float, processes: int
) -> str | None:
    """Warnings about an answer and about the processes that sent it; None without any."""
    warnings: list[str | None] = []
    if processes > 1:
        warnings.append(describe_several_processes(processes))
    warnings.append(
        describe_exposition_warning(exposition) or describe_slow_scrapes(duration_s, interval_s)
    )
    return "; ".join(warning for warning in warnings if warning) or None


def describe_several_processes(processes: int) -> str:
    """Warning that several processes answer in turn, with the remedy."""
    return (
        f"{processes} processes answer in turn, each with its own counters: rates are added up. "
        "Multi-process mode is missing (replicas: name each as a target)"
    )


def describe_exposition_warning(exposition: Exposition) -> str | None:
    """Warning about a parsed exposition: it breaks the format, is empty, or is too large."""
    if exposition.warning is not None:
        return exposition.warning
    if hidden := sum(exposition.hidden.values()):
        return f"{hidden:,} series beyond the limit are not read: raise limits.series_per_target"
    return "the answer is empty: it holds no metric" if exposition.series == 0 else None


def describe_slow_scrapes(duration_s: float, interval_s: float) -> str | None:
    """Advice for a target that takes longer than an interval: scrape it half as often as it could
    answer.

    The remedy comes first, because a panel cuts the end.
    """
    if duration_s <= interval_s:
        return None
    took = f"{text.format_duration(round(duration_s, 1))} a scrape"
    better = suggest_interval(duration_s, interval_s)
    return f"slow: use --interval {better}s ({took})" if better is not None else f"slow: {took}"


def suggest_interval(duration_s: float, interval_s: float) -> int | None:
    """Interval in s at which scrapes of that duration finish in time.

    None: no longer one is, up to a minute.
    """
    for suggested in _SUGGESTED_INTERVALS:
        if suggested >= 2 * duration_s and suggested > interval_s:
            return suggested
    return None

"""Compare the load of two runs: its level, burstiness, and mix of routes."""

from __future__ import annotations

from tputtui.recording.run_header import ServiceSummary
from tputtui.text import clean, format_percent

MAX_RATE_CHANGE = 0.05
"""Relative difference from which on the rates count as different loads, as benchmarking guides
recommend.
"""

MAX_MIX_CHANGE = 0.05
"""Share of the requests that would have to move to another route."""

MAX_BURSTINESS_FACTOR = 2.0
"""Ratio of the variance over mean of the traffic: below it, two spans of one Poisson load differ as
much.
"""


def describe_load_differences(before: ServiceSummary, after: ServiceSummary) -> list[str]:
    """Describe differences in the load, a sentence each; empty where the loads match."""
    differences = []
    if before.mean and after.mean is not None:
        change = after.mean / before.mean - 1
        if abs(change) > MAX_RATE_CHANGE:
            differences.append(
                f"the rate was {format_percent(abs(change) * 100)} % "
                f"{'higher' if change > 0 else 'lower'}"
            )
    elif (before.mean is None) != (after.mean is None):
        differences.append("one of them had no traffic")
    if before.routes and after.routes:
        names = {*before.routes, *after.routes}
        moved = (
            sum(abs(before.routes.get(name, 0.0) - after.routes.get(name, 0.0)) for name in names)
            / 2
        )
        if moved > MAX_MIX_CHANGE:
            most = max(
                names,
                key=lambda name: abs(before.routes.get(name, 0.0) - after.routes.get(name, 0.0)),
            )
            was, now = (
                format_percent(100 * summary.routes.get(most, 0.0)) for summary in (before, after)
            )
            differences.append(
                f"the mix of routes differs, most for {clean(most, 60)}: {was} % became {now} %"
            )
    if before.burstiness and after.burstiness:
        ratio = after.burstiness / before.burstiness
        if not 1 / MAX_BURSTINESS_FACTOR <= ratio <= MAX_BURSTINESS_FACTOR:
            differences.append(
                f"it was {'more' if ratio > 1 else 'less'} bursty "
                f"({before.burstiness:.2g} became {after.burstiness:.2g})"
            )
    return differences

"""Convert native histograms of a server's API to series of a family whose buckets are ranges.

A native histogram is one series without buckets of its own. In place of a number the API has an
object with "count", "sum" and "buckets", a list of [rule, "low", "high", "count"]. As
VictoriaMetrics' `vmrange` buckets it is read like any other histogram. Within a bucket the
interpolation is then linear, where Prometheus' is exponential: at the usual growth of 9 % a bucket
the difference is below 0.2 %.
"""

from __future__ import annotations

from typing import Any

Labels = dict[str, str]


def expand_histogram(labels: Labels, histogram: Any, name_label: str) -> list[tuple[Labels, float]]:
    """Make `NAME_bucket{vmrange="low...high"}`, `NAME_count` and `NAME_sum`.

    NAME is the value of `name_label`. Raises KeyError, TypeError, ValueError or IndexError if it is
    no histogram.
    """
    name = labels.get(name_label, "")
    series = [
        ({**labels, name_label: f"{name}_{part}"}, float(histogram[part]))
        for part in ("count", "sum")
    ]
    for _rule, low, high, count in histogram.get("buckets", ()):
        start, end = max(0.0, float(low)), float(high)
        if start < end:  # a bucket below zero is no duration
            vmrange = f"{start!r}...{end!r}"
            bucket = {**labels, name_label: f"{name}_bucket", "vmrange": vmrange}
            series.append((bucket, float(count)))
    return series

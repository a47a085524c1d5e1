"""When a resource that grows steadily reaches its limit.

The slope is the median of the slopes between all pairs of points (Theil and Sen), which single
peaks do not move. It is said only of growth that most pairs agree on (the sign test of Mann and
Kendall) and that is more than noise: a load that comes and goes has no trend.
"""

from __future__ import annotations

from collections import deque
from statistics import median

from tputtui.frozen import frozen

SPACING_S = 5.0  # distance of the points that are kept
MAX_POINTS = 60  # five minutes
MIN_POINTS = 25  # two minutes
HORIZON_S = 1800.0
"""Seconds to the limit up to which a forecast is made."""
_MIN_AGREEMENT = 0.85  # ratio of the pairs that rise
_MIN_RISE = 0.03  # ratio of the limit by which the resource must have risen


@frozen
class LimitForecast:
    """`reaches_s`: seconds until the resource reaches its limit at its present slope."""

    reaches_s: float


class RatioTrend:
    """Recent ratios of one resource to its limit."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, float]] = deque(maxlen=MAX_POINTS)
        self.forecast: LimitForecast | None = None

    def add(self, at: float, ratio: float | None) -> None:
        """Add the ratio as of `at` (monotonic seconds); a gap starts over."""
        if ratio is None:
            self._points.clear()
            self.forecast = None
            return
        if self._points and at - self._points[-1][0] < SPACING_S:
            return
        self._points.append((at, ratio))
        self.forecast = _forecast(list(self._points))


def _forecast(points: list[tuple[float, float]]) -> LimitForecast | None:
    if len(points) < MIN_POINTS:
        return None
    ratios = [ratio for _, ratio in points]
    if max(ratios) - min(ratios) < _MIN_RISE:  # most resources: the pairs cost a thousand times it
        return None
    slopes = [
        (later_ratio - ratio) / (later - at)
        for index, (at, ratio) in enumerate(points)
        for later, later_ratio in points[index + 1 :]
    ]
    rising = sum(slope > 0 for slope in slopes)
    slope = median(slopes)
    rise = slope * (points[-1][0] - points[0][0])
    if rising < _MIN_AGREEMENT * len(slopes) or rise < _MIN_RISE:
        return None
    # The level now, without the noise of the last point.
    level = median(ratio + slope * (points[-1][0] - at) for at, ratio in points)
    reaches_s = (1.0 - level) / slope
    return LimitForecast(reaches_s) if 0 < reaches_s <= HORIZON_S else None

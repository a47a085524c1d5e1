"""How long to measure: for a verdict at the margin, and before an experiment (`compare --power`)."""

from __future__ import annotations

from typing import Final

import numpy as np

from tputtui.experiments.statistics.longrun import Estimate

DETECTED: Final = 2.8016
"""t.975 + t.80 of the normal: an effect of so many standard errors is found four times out of five."""


def seconds_needed(found: Estimate | None, margin: float, absolute: bool, seconds: float) -> float | None:
    """Seconds per arm after which an effect as large as the margin is found in four cases of five.

    None where that is unknown, or where no length would do: the part of the error that lies between runs stays.
    """
    if found is None or found.within <= 0:
        return None
    allowed = ((margin if absolute else float(np.log1p(margin))) / DETECTED) ** 2 - (found.se**2 - found.within)
    return seconds * found.within / allowed if allowed > 0 else None

"""Delay between failed requests to a server, which grows with each failure."""

from __future__ import annotations

import random

SHORTEST_RETRY_S = 1.0
LONGEST_RETRY_S = 10.0
BUSY_RETRY_S = 30.0  # after 429 and 503


class Backoff:
    """Delay that doubles with each failure, with jitter.

    Jitter, because other clients wait for the same server.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._failures = 0

    def add_failure(self) -> None:
        """Count a failure."""
        self._failures += 1

    def reset(self) -> None:
        """Start over after a success."""
        self._failures = 0

    def wait_s(self, *, is_busy: bool = False) -> float:
        """Return the seconds until the next attempt; `is_busy`: the server is overloaded."""
        longest = BUSY_RETRY_S if is_busy else LONGEST_RETRY_S
        shortest = max(SHORTEST_RETRY_S, self._interval_s)
        wait = min(longest, shortest * 2.0 ** min(self._failures - 1, 10))
        return wait * random.uniform(0.8, 1.0)  # noqa: S311  # no secret

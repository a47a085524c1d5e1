"""Counters of the load generator, and the summary at its end (docs/contract.md, `demo`)."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

from tputtui.frozen import frozen

QUANTILES = (0.5, 0.99)
_STEPS = 1000
"""Resolution of the kept latencies, one part in a thousand, which bounds memory however long the
demo runs.
"""


@frozen
class LoadSummary:
    """Counts of requests and answers. `quantiles_s` is None without answers."""

    sent: int
    completed: int  # answered, whatever the status
    errors: int  # 5xx and no answer, within `sent`
    seconds: float  # duration of sending, without the drain
    quantiles_s: Mapping[str, float | None]
    sustained_max_rps: float  # by Erlang C: `shop_routes.sustained_max_rps`

    def to_json(self) -> str:
        """Encode as one line, as the contract defines."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> LoadSummary:
        """Decode a line of `to_json`. Raises ValueError, TypeError or KeyError if it is invalid."""
        return cls(**json.loads(line))


class LoadStats:
    """Counters updated with each answer.

    Latencies are in seconds, from the moment a request was due.
    """

    def __init__(self) -> None:
        self.sent = 0
        self.completed = 0
        self.failed = 0  # 5xx
        self._latencies: Counter[int] = Counter()

    def add_answer(self, status: int, latency_s: float) -> None:
        """Count one answer."""
        self.completed += 1
        self.failed += status >= 500
        self._latencies[round(math.log(max(latency_s, 1e-6)) * _STEPS)] += 1

    def quantile(self, q: float) -> float | None:
        """Return the latency that the share `q` of the answers did not exceed (nearest rank)."""
        rank = math.ceil(q * self.completed)
        for step in sorted(self._latencies):
            rank -= self._latencies[step]
            if rank <= 0:
                return math.exp(step / _STEPS)
        return None

    def summary(self, seconds: float, sustained_max_rps: float) -> LoadSummary:
        """Return the summary; requests without an answer by now count as errors."""
        quantiles = {f"{q:g}": self.quantile(q) for q in QUANTILES}
        return LoadSummary(
            sent=self.sent,
            completed=self.completed,
            errors=self.failed + self.sent - self.completed,
            seconds=round(seconds, 3),
            quantiles_s={
                q: None if value is None else float(f"{value:.4g}")
                for q, value in quantiles.items()
            },
            sustained_max_rps=round(sustained_max_rps, 1),
        )

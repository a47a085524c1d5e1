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
"""Latencies are kept to one part in a thousand: memory stays bounded however long the demo runs."""


@frozen
class LoadSummary:
    """What was sent and what came back. `quantiles_s` is None where nothing came back."""

    sent: int
    completed: int  # answered, whatever the status
    errors: int  # 5xx and no answer, within `sent`
    seconds: float  # how long requests were sent; the drain is not in it
    quantiles_s: Mapping[str, float | None]
    sustained_max_rps: float  # by Erlang C: `routes.sustained_max_rps`

    def to_json(self) -> str:
        """One line, as the contract has it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> LoadSummary:
        """The reverse of `json`. Raises ValueError, TypeError or KeyError where it is none."""
        return cls(**json.loads(line))


class LoadStats:
    """Counts as the answers come. Latencies are in seconds, from the moment a request was due."""

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
        """The latency that the share `q` of the answers did not exceed (nearest rank)."""
        rank = math.ceil(q * self.completed)
        for step in sorted(self._latencies):
            rank -= self._latencies[step]
            if rank <= 0:
                return math.exp(step / _STEPS)
        return None

    def summary(self, seconds: float, sustained_max_rps: float) -> LoadSummary:
        """All of it; what has no answer by now counts as an error."""
        quantiles = {f"{q:g}": self.quantile(q) for q in QUANTILES}
        return LoadSummary(
            sent=self.sent,
            completed=self.completed,
            errors=self.failed + self.sent - self.completed,
            seconds=round(seconds, 3),
            quantiles_s={q: None if value is None else float(f"{value:.4g}") for q, value in quantiles.items()},
            sustained_max_rps=round(sustained_max_rps, 1),
        )

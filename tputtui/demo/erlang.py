"""Sustained rate of a connection pool: the M/M/c queue (Poisson arrivals, exponential holding
times, c connections).

Source: A. K. Erlang, 1917; here as in Gross, Shortle, Thompson and Harris, "Fundamentals of
Queueing Theory", the section on M/M/c. With the offered load ``a = rate × hold`` (connections busy
on average) and ``r = a / c``:

- Erlang B by its recursion, which never overflows: ``B(0) = 1``, ``B(k) = a·B(k-1) / (k +
  a·B(k-1))``;
- Erlang C, the probability that an arrival has to wait: ``C = B(c) / (1 - r·(1 - B(c)))``;
- the waiting time: ``P(W > t) = C · exp(-(c / hold - rate) · t)``.
"""

from __future__ import annotations

import math


def erlang_c(connections: int, offered: float) -> float:
    """Return the probability (0 to 1) that an arrival finds all `connections` in use.

    `offered` is rate × mean holding time.
    """
    if offered >= connections:
        return 1.0
    blocked = 1.0
    for k in range(1, connections + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked / (1 - offered / connections * (1 - blocked))


def waiting_quantile(q: float, rate: float, connections: int, hold_s: float) -> float:
    """Return the seconds within which the share `q` of arrivals gets a connection.

    `rate` is arrivals per second; the result is infinite when overloaded.
    """
    spare = connections / hold_s - rate
    if spare <= 0:
        return math.inf
    waits = erlang_c(connections, rate * hold_s)
    return max(0.0, math.log(waits / (1 - q)) / spare) if waits > 0 else 0.0


def sustained_max(connections: int, hold_s: float, *, q: float = 0.99, limit_s: float) -> float:
    """Return the highest rate at which the share `q` of arrivals gets a connection within `limit_s`
    seconds.

    Per second; the definition of "sustained" in the demo's summary. The waiting time grows with the
    rate, so bisection finds it; the answer is below the capacity ``connections / hold_s``, where
    the queue grows without limit.
    """
    low, high = 0.0, connections / hold_s
    for _ in range(60):
        middle = (low + high) / 2
        if waiting_quantile(q, middle, connections, hold_s) <= limit_s:
            low = middle
        else:
            high = middle
    return low

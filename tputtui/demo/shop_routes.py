"""Routes of the demo's shop: their share of the requests, and the distribution of their own time.

The service and the load both read this table, so the share of requests that need a connection is
known, and with it how many requests per second the pool sustains: an M/M/c queue (Poisson arrivals,
exponential holding times, c connections).

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
import random

from tputtui.frozen import frozen


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


@frozen
class ShopRoute:
    """One route. Its own time is lognormal; the time it holds a connection comes on top."""

    method: str
    template: str
    share: float  # of all requests, 0 to 1
    median_s: float = 0.0  # of its own time
    sigma: float = 0.0  # of the logarithm of its own time: 0.4 is steady, 1 has a long tail
    pool_probability: float = 1.0  # probability that it needs a connection
    error_probability: float = 0.0  # probability that the route itself returns a 5xx

    def own_time(self, rng: random.Random) -> float:
        """Draw the route's own time in seconds, at most 2."""
        return (
            min(2.0, self.median_s * rng.lognormvariate(0.0, self.sigma)) if self.median_s else 0.0
        )


ITEM = ShopRoute("GET", "/items/{id}", 0.46, median_s=0.004, sigma=0.5)
SEARCH = ShopRoute(
    "GET", "/search", 0.20, median_s=0.012, sigma=0.4, pool_probability=0.3
)  # 70 % come from the cache
CART = ShopRoute("GET", "/cart", 0.14, median_s=0.003, sigma=0.4)
CHECKOUT = ShopRoute("POST", "/checkout", 0.10, median_s=0.020, sigma=0.9)
PAYMENT = ShopRoute("POST", "/payment", 0.06, median_s=0.050, sigma=0.4, error_probability=0.02)
REPORT = ShopRoute("GET", "/report", 0.025, pool_probability=0.0)  # computes, in a thread
# For health checks, which are not load
HEALTH = ShopRoute("GET", "/healthz", 0.0, pool_probability=0.0)
# Not served: an occasional 404
STRAY = ShopRoute("GET", "/favicon.ico", 0.015, pool_probability=0.0)

ROUTES = (ITEM, SEARCH, CART, CHECKOUT, PAYMENT, REPORT, HEALTH, STRAY)

CACHE_HIT_S = 0.0015  # time of a cached search
MISSING_ITEM_SHARE = 0.01  # share of requested items that do not exist

POOL_SIZE = 8
MEAN_HOLD_S = 0.020
"""Mean time that a request holds its connection, exponential: an M/M/c queue of 8 × 50 = 400
connections a second.
"""
MAX_WAIT_S = 0.2
"""Limit that defines the pool's sustained rate: with the 99 % quantile of the wait there, the p99
of all requests is about 250 ms.
"""
ACQUIRE_TIMEOUT_S = 1.0
"""A request that waits longer for a connection is answered 503, as in real pools; far beyond the
sustained range.
"""


def pooled_share() -> float:
    """Return the share of all requests that need a connection, 0 to 1."""
    return sum(route.share * route.pool_probability for route in ROUTES)


def sustained_max_rps(replicas: int = 1, slowdown: float = 1.0) -> float:
    """Return the rate of the whole mix at which 99 % of waits for a connection stay within
    `MAX_WAIT_S`.

    In requests per second. By Erlang C (`sustained_max`) from the pool of each replica; the
    load is spread at random, so each replica's arrivals are Poisson again. 461 a second for one
    replica at its normal pace, of a capacity of 488.
    """
    return (
        replicas
        * sustained_max(POOL_SIZE, MEAN_HOLD_S * slowdown, limit_s=MAX_WAIT_S)
        / pooled_share()
    )

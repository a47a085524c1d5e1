"""Work of the example service: what each route does, the same in every framework.

Half of the captures are of this service; what differs is the framework and its instrumentation.
"""

from __future__ import annotations

import random
import time


class UnknownItemError(Exception):
    """No item has this number: the answer is 404."""


class BackendError(Exception):
    """The imagined backend failed: the answer is 500."""


def delay_s(route: str) -> float:
    """Draw the time that a route takes: a few milliseconds, and some 300 ms for /slow."""
    if route == "/slow":
        return random.uniform(0.2, 0.4)
    return random.lognormvariate(-5.0, 0.6)


def answer(route: str, item: int = 1) -> dict[str, object]:
    """Return what the route answers. Raises: UnknownItemError, BackendError."""
    if route == "/fail":
        raise BackendError("the backend does not answer")
    if item == 0:
        raise UnknownItemError("no item 0")
    return {"route": route, "item": item}


def work(route: str, item: int = 1) -> dict[str, object]:
    """Sleep as long as the route takes, then answer."""
    time.sleep(delay_s(route))
    return answer(route, item)

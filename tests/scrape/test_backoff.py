"""Delay between failed requests: it doubles up to a limit, and a success resets it."""

from __future__ import annotations

import random

import pytest

from tputtui.scrape.prometheus.api import (
    BUSY_RETRY_S,
    LONGEST_RETRY_S,
    SHORTEST_RETRY_S,
    Backoff,
)


@pytest.fixture(autouse=True)
def without_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda _, high: high)


def failed(times: int, interval_s: float = 0.5) -> Backoff:
    backoff = Backoff(interval_s)
    for _ in range(times):
        backoff.add_failure()
    return backoff


def test_it_doubles_with_each_failure_up_to_a_limit() -> None:
    waits = [failed(times).wait_s() for times in (1, 2, 3, 20, 2000)]
    assert waits == [1.0, 2.0, 4.0, LONGEST_RETRY_S, LONGEST_RETRY_S]


def test_a_busy_server_gets_a_longer_pause() -> None:
    assert failed(20).wait_s(is_busy=True) == BUSY_RETRY_S


def test_it_begins_with_the_interval_where_that_is_longer() -> None:
    assert failed(1, interval_s=3.0).wait_s() == 3.0


def test_a_success_resets_it() -> None:
    backoff = failed(5)
    backoff.reset()
    backoff.add_failure()
    assert backoff.wait_s() == SHORTEST_RETRY_S

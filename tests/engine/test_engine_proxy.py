"""The proxy keeps requests until the engine is loaded, and sends none after its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from tputtui.engine import engine as engine_module
from tputtui.engine.engine_proxy import EngineProxy
from tputtui.settings import Settings
from tputtui.signals.rates.past import PastNames, PastRequest


class LateEngine:
    """Engine that takes until `may_load` to be loaded, and records its calls."""

    may_load = threading.Event()
    calls: list[tuple[str, Sequence[Any]]] = []  # noqa: RUF012  # made anew for each test

    def __init__(self, _settings: Settings) -> None:
        self.failure = None
        self.may_load.wait(10)

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, arguments))


@pytest.fixture(autouse=True)
def late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LateEngine, "may_load", threading.Event())
    monkeypatch.setattr(LateEngine, "calls", [])
    monkeypatch.setattr(engine_module, "Engine", LateEngine)


def load(proxy: EngineProxy) -> None:
    LateEngine.may_load.set()
    for thread in threading.enumerate():
        if thread.name == "engine loader":
            thread.join(10)
    assert proxy.failure is None


def test_requests_made_before_the_engine_exists_reach_it_in_order_before_its_start() -> None:
    proxy = EngineProxy(Settings())
    proxy.start()
    proxy.set_window(30.0)
    proxy.browse("web-01")
    load(proxy)
    proxy.next_breakdown("checkout")
    assert LateEngine.calls == [
        ("set_window", (30.0,)),
        ("browse", ("web-01",)),
        ("start", ()),
        ("next_breakdown", ("checkout",)),
    ]


def test_queries_made_before_the_engine_exists_return_empty_values() -> None:
    proxy = EngineProxy(Settings())
    names = PastNames(frozenset(("traffic/a",)), frozenset(("a",)))
    past = proxy.read_past(PastRequest(names, 60.0))
    assert past.columns("traffic/a", 4) == (None, None, None, None)
    assert past.heatmap("a", 4) is None
    assert proxy.replicas() == {}
    assert proxy.snapshot_at(1.0) is None
    assert proxy.families("web-01") is None


def test_a_proxy_that_is_stopped_while_the_engine_loads_never_starts_it() -> None:
    proxy = EngineProxy(Settings())
    proxy.start()
    proxy.set_window(30.0)
    proxy.stop()
    load(proxy)
    assert LateEngine.calls == []

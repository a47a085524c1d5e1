"""Browsing families through the engine's thread: full scrapes, a new binding, release."""

from __future__ import annotations

import time
from collections.abc import Callable

from test_engine import PATIENCE_S, honest

from tputtui.engine.engine import Engine
from tputtui.settings import Settings, TargetSettings
from tputtui.signals.rates.past import PastNames, PastRequest
from tputtui.signals.service.service_filter import ServiceFilter

__all__ = ["honest"]  # the fixture


def until(condition: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.02)


def test_families_arrive_while_the_browser_is_open_and_show_a_choice(
    honest: TargetSettings,
) -> None:
    engine = Engine(Settings(targets=(honest,), interval_s=0.1, discover=False))
    engine.start()
    try:
        assert engine.families("honest") is None
        engine.browse("honest")
        until(lambda: engine.families("honest") is not None)
        families = engine.families("honest")
        assert families is not None
        assert [row.name for row in families.family_values.rows] == ["jobs_total"]
        assert engine.families("another") is None
        engine.bind_signal("honest", "traffic", "jobs_total")
        until(lambda: bool((table := engine.families("honest")) and table.overrides))
        until(lambda: any(value is not None for value in engine.family_history("jobs_total", 10)))
        engine.set_filter(ServiceFilter("honest"))
        names = PastNames(heatmaps=frozenset(("honest",)))
        assert engine.read_past(PastRequest(names, 60.0)).heatmap("honest", 10) is None
        assert engine.replicas() == {}
        engine.browse(None)
        until(lambda: engine.families("honest") is None)
    finally:
        engine.stop()
    assert engine.failure is None

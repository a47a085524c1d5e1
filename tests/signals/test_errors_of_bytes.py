"""Errors beside traffic in bytes: a rate without a ratio."""

from __future__ import annotations

import pytest

from tputtui.model import Binding, Exposition, Scrape, Series, SignalKind
from tputtui.signals.rates.series_index import build_layout, build_service_window
from tputtui.signals.rates.target_window import TargetWindow
from tputtui.signals.service.error_ratio import ErrorReader
from tputtui.signals.service.traffic import TrafficReader

COUNTED, FAILED = "node_network_receive_bytes_total", "node_network_receive_errs_total"


def binding(signal: SignalKind, family: str, unit: str | None) -> Binding:
    return Binding(signal, "counter", family, unit=unit)


@pytest.mark.parametrize(("unit", "ratio"), [("By/s", None), ("req/s", 0.002)])
def test_errors_are_not_divided_by_bytes(unit: str, ratio: float | None) -> None:
    window = TargetWindow(10.0, 1.0, (COUNTED, FAILED))
    received, failed = Series(COUNTED), Series(FAILED)
    for at in (0.0, 1.0):
        samples = {received: 1000.0 * at, failed: 2.0 * at}
        window.add(Scrape("host", at, at, 0.01, Exposition(samples, {}, 2), 100))
    layout = build_layout((window,))
    traffic = TrafficReader(binding("traffic", COUNTED, unit))
    errors = ErrorReader(binding("errors", FAILED, None), traffic)
    traffic.set_layout(layout)
    errors.set_layout(layout)
    state = errors.state(build_service_window(layout))
    assert state.rps == 2.0
    assert state.ratio == ratio

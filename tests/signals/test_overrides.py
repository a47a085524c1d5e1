"""Bindings from the config."""

from __future__ import annotations

from tputtui.model import Bindings, Exposition, Family, Series
from tputtui.signals.classify.overrides import apply_overrides


def test_a_chosen_latency_is_read_in_the_unit_of_its_name() -> None:
    base = "call_duration_milliseconds"
    bounds = {Series(f"{base}_bucket", (("le", le),)): 5.0 for le in ("5", "50", "500", "+Inf")}
    samples = {**bounds, Series(f"{base}_sum"): 40.0, Series(f"{base}_count"): 5.0}
    page = Exposition(samples, {base: Family(base, "histogram")}, len(samples))
    latency = apply_overrides(Bindings(), {"latency": {"family": base}}, page).latency
    assert latency is not None
    assert (latency.kind, latency.unit, latency.scale) == ("histogram", "s", 0.001)


def test_a_latency_of_unknown_unit_stays_raw() -> None:
    samples = {Series("call_sum"): 40.0, Series("call_count"): 5.0}
    page = Exposition(samples, {"call": Family("call", "summary")}, len(samples))
    latency = apply_overrides(Bindings(), {"latency": {"family": "call"}}, page).latency
    assert latency is not None
    assert latency.unit is None

"""Figures that could mislead: non-numeric counters, labels that a histogram lacks, hidden rows."""

from __future__ import annotations

import json
import math

from test_pipeline import FAMILIES, REQUESTS, PipelineFixture, of, series

from tputtui.cli.snapshot_json import to_json
from tputtui.model import Exposition, Family, Reading, Scrape

LATENCY = "http_request_duration_seconds"


def test_counters_that_are_not_numbers_have_no_rate_and_no_total() -> None:
    fixture = PipelineFixture("shop")
    ok, bad = series(REQUESTS, route="/a", status="200"), series(REQUESTS, route="/a", status="500")
    for at in range(4):
        samples = {ok: 10.0 * at if at < 2 else math.nan, bad: 1.0 * at if at < 2 else math.inf}
        scrape = Scrape("shop", float(at), 1e9 + at, 0.01, Exposition(samples, FAMILIES, 2), 100)
        snapshot = fixture.monitor.derive_snapshot(Reading(float(at), 1e9 + at, (scrape,)))
    shop = of(snapshot, "shop")
    assert shop.traffic is not None
    assert shop.errors is not None
    assert (shop.traffic.rps, shop.errors.rps, shop.errors.ratio) == (None, None, None)


def test_a_route_has_its_quantiles_though_the_histogram_has_no_method_label() -> None:
    fixture = PipelineFixture("shop")
    families = {**FAMILIES, LATENCY: Family(LATENCY, "histogram")}
    for at in range(4):
        samples = {
            series(REQUESTS, method="GET", route="/a", status="200"): 10.0 * at,
            series(REQUESTS, method="GET", route="/b", status="200"): 10.0 * at,
            series(REQUESTS, method="PUT", route="/b", status="200"): 10.0 * at,
        }
        for route in ("/a", "/b"):
            for le in ("0.1", "+Inf"):
                samples[series(f"{LATENCY}_bucket", route=route, le=le)] = 10.0 * at
            samples[series(f"{LATENCY}_count", route=route)] = 10.0 * at
            samples[series(f"{LATENCY}_sum", route=route)] = 0.5 * at
        scrape = Scrape(
            "shop", float(at), 1e9 + at, 0.01, Exposition(samples, families, len(samples)), 100
        )
        snapshot = fixture.monitor.derive_snapshot(Reading(float(at), 1e9 + at, (scrape,)))
    rows = {
        tuple(value for _, value in row.labels): row.quantiles
        for row in of(snapshot, "shop").breakdown
    }
    assert len(rows["GET", "/a"]) == 3
    assert (
        rows["GET", "/b"] == rows["PUT", "/b"] == ()
    )  # two methods share that histogram: it cannot be attributed
    document = json.loads(json.dumps(to_json(snapshot)))["services"][0]
    assert document["latency"]["since_start"].keys() == document["latency"]["quantiles"].keys()
    assert all(
        row["quantiles"].keys() == document["latency"]["quantiles"].keys()
        for row in document["breakdown"]
    )

"""Charted family: read in addition to the bound families until it is removed."""

from __future__ import annotations

import pytest
from columns import column_values

from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Reading, Scrape, Snapshot, Target
from tputtui.scrape.scanner import Scanner
from tputtui.signals.rates import history_keys

BODY = """\
# TYPE http_requests_total counter
http_requests_total{{route="/a",code="200"}} {a}
http_requests_total{{route="/b",code="200"}} {b}
# TYPE room_celsius gauge
room_celsius {room}
# TYPE http_request_duration_seconds histogram
http_request_duration_seconds_bucket{{le="1"}} {a}
http_request_duration_seconds_bucket{{le="+Inf"}} {a}
http_request_duration_seconds_sum {a}
http_request_duration_seconds_count {a}
"""


class Watched:
    """Pipeline with one target and a scrape a second."""

    def __init__(self) -> None:
        self.monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5, 0.99))
        self.monitor.add_target(Target("shop", "http://127.0.0.1:1/metrics"))
        self.scanner = Scanner()
        self.at = 0

    def tick(self, body: str | None = "") -> Snapshot:
        self.at += 1
        at = float(self.at)
        body = (
            BODY.format(a=10 * self.at, b=5 * self.at, room=-20 + self.at) if body == "" else body
        )
        error = "connection refused" if body is None else None
        read = (
            self.scanner.scan(body.encode(), wanted=self.monitor.wanted_names("shop"))
            if body is not None
            else None
        )
        return self.monitor.derive_snapshot(
            Reading(at, at, (Scrape("shop", at, at, 0.01, read, 100, error),))
        )

    def chart(self, family: str) -> None:
        self.monitor.selection.browse("shop")
        self.tick()
        self.monitor.selection.chart_family(("shop", family))
        self.monitor.selection.browse(None)


@pytest.mark.parametrize(
    ("family", "kind", "now"),
    [
        ("http_requests_total", "counter", 15.0),
        ("room_celsius", "gauge", -15.0),
        ("http_request_duration_seconds", "histogram", 10.0),
    ],
)
def test_a_counter_is_its_rate_a_gauge_its_value_a_histogram_its_observations(
    family: str, kind: str, now: float
) -> None:
    watched = Watched()
    watched.chart(family)
    for _ in range(4):
        charted = watched.tick().charted
    assert charted is not None
    assert (charted.type, charted.charted_value) == (kind, now)


@pytest.mark.parametrize(
    "family", ["http_requests_total", "room_celsius", "http_request_duration_seconds"]
)
def test_a_family_that_was_not_read_before_gives_the_same_chart(family: str) -> None:
    looked_at, asked_for = Watched(), Watched()
    looked_at.chart(family)
    asked_for.tick()
    asked_for.monitor.selection.chart_family(("shop", family))
    for _ in range(14):  # the last scrape reads the bound families and the charted one
        assert looked_at.tick().charted == asked_for.tick().charted or looked_at.at < 4
    assert asked_for.monitor.wanted_names("shop") is not None


def test_the_charted_family_is_read_in_addition_to_the_bound_families() -> None:
    watched = Watched()
    for _ in range(12):
        watched.tick()
    assert watched.monitor.wanted_names("shop") is not None
    assert "room_celsius" not in (watched.monitor.wanted_names("shop") or ())
    watched.chart("room_celsius")
    assert "room_celsius" in (watched.monitor.wanted_names("shop") or ())
    charted = watched.tick().charted
    assert charted is not None
    assert charted.value == -6.0
    watched.monitor.selection.chart_family(None)
    assert "room_celsius" not in (watched.monitor.wanted_names("shop") or ())
    assert watched.tick().charted is None


def test_its_history_has_a_gap_where_the_target_was_down() -> None:
    watched = Watched()
    watched.chart("room_celsius")
    for body in ("", "", None, "", ""):
        snapshot = watched.tick(body)
    values = column_values(
        watched.monitor.history, history_keys.family("shop", "room_celsius"), snapshot.at, 5.0, 5
    )
    assert values == [-18.0, -17.0, None, -15.0, -14.0]


def test_a_vanished_family_is_unknown_and_a_reset_never_gives_a_negative_rate() -> None:
    watched = Watched()
    watched.chart("http_requests_total")
    watched.tick()
    after = watched.tick(
        '# TYPE http_requests_total counter\nhttp_requests_total{route="/a",code="200"} 1\n'
    ).charted
    assert after is not None
    assert (after.rate or 0.0) >= 0.0
    gone = watched.tick("# TYPE other gauge\nother 1\n").charted
    assert gone is not None
    assert gone.charted_value is None
    assert gone.value is None

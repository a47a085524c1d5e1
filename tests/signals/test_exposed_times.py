"""Start of a counter's counting: the start of its process, or the boot of its host."""

from __future__ import annotations

import pytest

from tputtui.model import Exposition, Scrape, Series
from tputtui.signals.rates.exposed_times import BOOT_TIME, START_TIME
from tputtui.signals.rates.target_window import TargetWindow


@pytest.mark.parametrize(
    ("family", "seconds"),
    [
        ("http_requests_total", 100.0),
        ("node_network_receive_bytes_total", 5000.0),
        ("container_cpu_usage_seconds_total", None),
    ],
)
def test_a_host_s_counters_run_since_boot_whatever_the_age_of_their_exporter(
    family: str, seconds: float | None
) -> None:
    window = TargetWindow(10.0, 1.0, (family,))
    samples = {Series(START_TIME): 9900.0, Series(BOOT_TIME): 5000.0, Series(family): 1.0}
    window.add(Scrape("host", 1.0, 10_000.0, 0.01, Exposition(samples, {}, 3), 100))
    assert window.age_s(family) == seconds


def test_a_host_without_a_boot_time_has_no_lifetime() -> None:
    window = TargetWindow(10.0, 1.0, ("node_cpu_seconds_total",))
    window.add(
        Scrape("host", 1.0, 10_000.0, 0.01, Exposition({Series(START_TIME): 9900.0}, {}, 1), 100)
    )
    assert window.age_s("node_cpu_seconds_total") is None

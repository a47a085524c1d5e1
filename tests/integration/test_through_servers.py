"""One service seen three ways at once: directly, through Prometheus and through VictoriaMetrics.
They must agree.

Tolerances. The three windows of 10 s end at moments up to 2 s apart (a scrape a second, an answer a
second), so 2 s of arrivals at each end may differ. At 200 requests a second that is the difference
of two Poisson counts of 400 each: a deviation of 28 in 2,000, 1.4 %. The median of a dozen readings
that share most of their window has about half of that: 4 % are five deviations. Quantiles
interpolate within the same buckets; the same shift moves 40 % of the observations of a window at
most, and the p99 of 2,000 rests on 20 of them: 10 %, the others 5 %.
"""

from __future__ import annotations

import json
import statistics
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from external_resources import needs
from test_prometheus_agrees import free_port, prometheus, running

from tputtui.demo.launch import Demo
from tputtui.engine.engine import Engine
from tputtui.model import ServiceState, Snapshot
from tputtui.settings import Settings, TargetSettings

pytestmark = [pytest.mark.integration, pytest.mark.alone]

LOAD = 200.0
WARM_UP_S = 14.0
READINGS_S = 14.0
PATIENCE_S = 25.0


@contextmanager
def victoria(folder: Path, *targets: str) -> Iterator[str]:
    """Start Debian's VictoriaMetrics, scraping `targets` every second; yield its address."""
    port = free_port()
    config = folder / "vm.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                "scrape_configs": [
                    {"job_name": "watched", "static_configs": [{"targets": list(targets)}]}
                ],
            }
        )
    )
    argv = [
        needs("victoria-metrics"),
        f"-promscrape.config={config}",
        f"-storageDataPath={folder / 'vm'}",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-loggerLevel=ERROR",
    ]
    with running(argv, f"http://127.0.0.1:{port}/health"):
        yield f"http://127.0.0.1:{port}"


def until(condition: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@pytest.fixture(scope="module")
def readings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Snapshot]]:
    folder = tmp_path_factory.mktemp("servers")
    with Demo(load=LOAD, seed=21) as demo:
        (url,) = demo.start()
        host = urllib.parse.urlsplit(url).netloc
        with prometheus(folder, host) as prom, victoria(folder, host) as vm:
            demo.start_load()
            time.sleep(4.0)
            servers = (
                TargetSettings(name="prom", prometheus=prom),
                TargetSettings(name="vm", prometheus=vm),
            )
            settings = Settings(
                targets=(TargetSettings(name="direct", url=url),),
                servers=servers,
                window_s=10.0,
                discover=False,
            )
            snapshots: list[Snapshot] = []
            engine = Engine(settings)
            engine.subscribe(snapshots.append)
            engine.start()
            try:
                until(lambda: bool(snapshots) and snapshots[-1].is_ready, "never ready")
                time.sleep(WARM_UP_S)
                first = len(snapshots)
                time.sleep(READINGS_S)
            finally:
                engine.stop()
            assert engine.failure is None
            yield snapshots[first:]


def three(snapshot: Snapshot) -> tuple[ServiceState, ServiceState, ServiceState]:
    """Return the service directly and by each server, in the order of the targets."""
    by_name = {service.name: service for service in snapshot.services}
    assert set(by_name) == {"direct", "prom", "vm"}
    return by_name["direct"], by_name["prom"], by_name["vm"]


def median_ratio(
    readings: list[Snapshot], figure: Callable[[ServiceState], float | None], which: int
) -> float:
    ratios = []
    for snapshot in readings:
        services = three(snapshot)
        ours, theirs = figure(services[0]), figure(services[which])
        assert ours
        assert theirs
        ratios.append(theirs / ours)
    assert len(ratios) >= 8
    return statistics.median(ratios)


@pytest.mark.parametrize("which", [1, 2], ids=["prometheus", "victoria-metrics"])
def test_throughput_agrees_within_four_percent(readings: list[Snapshot], which: int) -> None:
    ratio = median_ratio(
        readings, lambda service: service.traffic.rps if service.traffic else None, which
    )
    assert ratio == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize("which", [1, 2], ids=["prometheus", "victoria-metrics"])
@pytest.mark.parametrize(
    ("place", "tolerance"), [(0, 0.05), (1, 0.05), (2, 0.10)], ids=["p50", "p90", "p99"]
)
def test_quantiles_agree(
    readings: list[Snapshot], which: int, place: int, tolerance: float
) -> None:
    ratio = median_ratio(
        readings,
        lambda service: service.latency.quantiles[place].value if service.latency else None,
        which,
    )
    assert ratio == pytest.approx(1.0, abs=tolerance)


@pytest.mark.parametrize("which", [1, 2], ids=["prometheus", "victoria-metrics"])
def test_the_same_families_and_rows_are_shown(readings: list[Snapshot], which: int) -> None:
    services = three(readings[-1])
    ours, theirs = services[0], services[which]
    assert ours.traffic is not None
    assert theirs.traffic is not None
    assert ours.latency is not None
    assert theirs.latency is not None
    assert ours.errors is not None
    assert theirs.errors is not None
    assert (
        theirs.traffic.family,
        theirs.errors.family,
        theirs.errors.label,
        theirs.latency.family,
    ) == (*(ours.traffic.family, ours.errors.family, ours.errors.label, ours.latency.family),)
    assert {row.labels for row in theirs.breakdown} == {row.labels for row in ours.breakdown}


def test_scraping_and_querying_together_count_nothing_twice(readings: list[Snapshot]) -> None:
    for snapshot in readings:
        assert [service.targets for service in snapshot.services] == [
            ("direct",),
            ("prom",),
            ("vm",),
        ]
        assert all(target.state == "up" for target in snapshot.targets)


def test_a_restarted_server_is_a_gap_recovers_by_itself_and_disturbs_no_target(
    tmp_path: Path,
) -> None:
    port, snapshots = free_port(), list[Snapshot]()
    with Demo(load=50.0, seed=3) as demo:
        (url,) = demo.start()
        host = urllib.parse.urlsplit(url).netloc
        demo.start_load()
        servers = (TargetSettings(name="prom", prometheus=f"http://127.0.0.1:{port}"),)
        settings = Settings(
            targets=(TargetSettings(name="direct", url=url),), servers=servers, discover=False
        )
        engine = Engine(settings)
        engine.subscribe(snapshots.append)

        def served() -> float | None:
            newest = (
                {service.name: service for service in snapshots[-1].services} if snapshots else {}
            )
            traffic = newest["prom"].traffic if "prom" in newest else None
            return traffic.rps if traffic is not None else None

        def state() -> str:
            return next(
                (target.state for target in snapshots[-1].targets if target.name == "prom"), ""
            )

        try:
            with prometheus(tmp_path, host, port=port):
                engine.start()
                until(lambda: bool(served()), "the server tells no rate")
            until(lambda: state() == "down", "a server that is gone is not down")
            until(lambda: served() is None, "what nobody tells any more is still shown")
            gone = len(snapshots)
            time.sleep(3.0)
            assert all(
                target.state != "down"
                for shot in snapshots
                for target in shot.targets
                if target.name == "direct"
            )
            assert len(snapshots) >= gone + 2, "ticks go on"
            with prometheus(tmp_path, host, port=port):
                until(lambda: state() == "up" and bool(served()), "it does not come back by itself")
        finally:
            engine.stop()
        assert engine.failure is None
    rates = [
        service.traffic.rps
        for shot in snapshots
        for service in shot.services
        if service.name == "prom" and service.traffic
    ]
    assert 0.0 not in rates, "a gap is no zero"

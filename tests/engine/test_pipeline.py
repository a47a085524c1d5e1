"""The pipeline, fed readings by hand: from scrape to snapshot. No clock, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest
from columns import column_values

from tputtui.cli.snapshot_json import to_json
from tputtui.descriptors import NO_MEMORY
from tputtui.engine.pipeline import MAX_EVENTS, MAX_EVENTS_SHOWN, SnapshotPipeline
from tputtui.engine.target_tracker import MAX_SEARCH_SCRAPES
from tputtui.model import (
    CpuTimes,
    Event,
    Exposition,
    Family,
    HostReading,
    ProcessReading,
    Reading,
    Scrape,
    Series,
    ServiceState,
    Snapshot,
    Target,
)
from tputtui.scrape.scanner import Scanner
from tputtui.settings.expressions import parse_objective
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.target_window import TargetWindow

REQUESTS, DURATION = "http_requests_total", "http_request_duration_seconds"
FAMILIES = {
    REQUESTS: Family(REQUESTS, "counter"),
    DURATION: Family(DURATION, "histogram"),
    "db_pool_in_use": Family("db_pool_in_use", "gauge"),
    "db_pool_size": Family("db_pool_size", "gauge"),
}
Samples = Mapping[Series, float]
_interned: dict[tuple[object, ...], Series] = {}


def series(name: str, **labels: str) -> Series:
    """Create a series, interned as the scanner's are."""
    created = Series(name, tuple(sorted(labels.items())))
    return _interned.setdefault(created.key, created)


def requests(count: float, status: str = "200") -> Samples:
    """Create a request counter with durations: nine of ten below 100 ms, the rest below 500 ms."""
    buckets = {"0.1": 0.9 * count, "0.5": count, "+Inf": count}
    return {
        series(REQUESTS, route="/a", status=status): count,
        **{series(f"{DURATION}_bucket", le=le, route="/a"): value for le, value in buckets.items()},
        series(f"{DURATION}_count", route="/a"): count,
        series(f"{DURATION}_sum", route="/a"): 0.05 * count,
    }


def pool(used: float) -> Samples:
    return {series("db_pool_in_use"): used, series("db_pool_size"): 8.0}


class PipelineFixture:
    """Pipeline and its targets, fed tick by tick. A tick's `at` is that of its scrapes."""

    def __init__(
        self,
        *targets: str | Target,
        window_s: float = 10.0,
        objectives: Iterable[str] = (),
        interval_s: float = 1.0,
    ) -> None:
        self.monitor = SnapshotPipeline(
            interval_s=interval_s,
            window_s=window_s,
            quantiles=(0.5, 0.9, 0.99),
            objectives=tuple(parse_objective(expression) for expression in objectives),
        )
        for target in targets:
            self.add(target)

    def add(self, target: str | Target) -> None:
        created = Target(target, f"http://{target}/metrics") if isinstance(target, str) else target
        self.monitor.add_target(created)

    def tick(self, at: float, **answers: Samples | str | None) -> Snapshot:
        """Derive a snapshot from the samples of each target, or its error.

        None: no scrape of it ended in this tick.
        """
        scrapes = [
            scrape(target, at, answer) for target, answer in answers.items() if answer is not None
        ]
        return self.monitor.derive_snapshot(Reading(at, 1e9 + at, tuple(scrapes)))


def scrape(target: str, at: float, answer: Samples | str) -> Scrape:
    if isinstance(answer, str):
        return Scrape(target, at, 1e9 + at, 0.01, error=answer)
    return Scrape(target, at, 1e9 + at, 0.01, Exposition(answer, FAMILIES, len(answer)), 1000)


def rps(snapshot: Snapshot, service: str = "shop") -> float | None:
    traffic = of(snapshot, service).traffic
    assert traffic is not None
    return traffic.rps


def of(snapshot: Snapshot, service: str) -> ServiceState:
    return next(state for state in snapshot.services if state.name == service)


def event_texts(snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(event.kind, event.text) for event in snapshot.events]


# ----------------------------------------------------------------------------- rates begin and stop


def test_one_scrape_gives_no_rate_and_the_second_gives_one() -> None:
    fixture = PipelineFixture("shop")
    first = fixture.tick(0.0, shop=requests(500.0))
    assert rps(first) is None
    latency = of(first, "shop").latency
    assert latency is not None
    assert [quantile.value for quantile in latency.quantiles] == [None, None, None]
    second = fixture.tick(1.0, shop=requests(520.0))
    state = of(second, "shop")
    assert state.traffic is not None
    assert (state.traffic.family, state.traffic.rps, state.traffic.total) == (REQUESTS, 20.0, 20.0)
    assert state.latency is not None
    assert (state.latency.family, state.latency.unit) == (DURATION, "s")
    assert state.latency.quantiles[1].value == pytest.approx(0.1)
    assert state.errors is not None
    assert state.errors.ratio == 0.0


def test_a_target_that_was_not_scraped_yet_is_waiting_and_its_service_is_listed() -> None:
    snapshot = PipelineFixture("shop").tick(0.0)
    assert snapshot.targets[0].state == "waiting"
    assert [(state.name, state.traffic) for state in snapshot.services] == [("shop", None)]


def test_a_failed_scrape_is_a_gap_and_rates_start_over_after_it() -> None:
    fixture = PipelineFixture("shop")
    for at in range(5):
        fixture.tick(float(at), shop=requests(10.0 * at))
    down = fixture.tick(5.0, shop="connection refused")
    assert rps(down) is None
    assert (down.targets[0].state, down.targets[0].error, down.targets[0].age_s) == (
        "down",
        "connection refused",
        1.0,
    )
    assert event_texts(down) == [("down", "shop: connection refused")]
    fixture.tick(6.0, shop="connection refused")
    back = fixture.tick(7.0, shop=requests(1000.0))
    assert rps(back) is None
    assert event_texts(back)[1:] == [("up", "shop, after 2 s")]
    assert rps(fixture.tick(8.0, shop=requests(1007.0))) == 7.0  # not 960 of the outage


def test_a_tick_without_a_scrape_repeats_the_last_figures_with_their_age() -> None:
    fixture = PipelineFixture("shop")
    fixture.tick(0.0, shop=requests(0.0))
    fixture.tick(1.0, shop=requests(10.0))
    later = fixture.tick(1.75, shop=None)
    assert rps(later) == 10.0
    assert later.targets[0].age_s == 0.75
    assert later.time == 1e9 + 1.0  # the time of the underlying scrape, not of the tick


def test_the_time_of_a_snapshot_is_that_of_its_newest_good_scrape() -> None:
    monitor = PipelineFixture("shop", "till").monitor
    scrapes = (scrape("shop", 0.2, requests(0.0)), scrape("till", 0.4, "timed out"))
    assert monitor.derive_snapshot(Reading(0.5, 1e9 + 0.5, scrapes)).time == 1e9 + 0.2


def test_while_all_targets_are_down_the_time_follows_their_failures() -> None:
    fixture = PipelineFixture("shop", "till")
    times = [
        fixture.tick(0.0, shop=requests(0.0), till="timed out").time,
        fixture.tick(1.0, shop="connection refused", till=None).time,
        fixture.tick(2.0, shop="connection refused", till="timed out").time,
        fixture.tick(3.0, shop=None, till=None).time,
        fixture.tick(4.0, shop=requests(1.0), till="timed out").time,
    ]
    assert times == [1e9, 1e9 + 1, 1e9 + 2, 1e9 + 2, 1e9 + 4]


def test_without_a_target_the_time_is_that_of_the_tick() -> None:
    assert PipelineFixture().tick(5.0).time == 1e9 + 5.0


def test_a_scrape_of_an_unknown_target_is_ignored() -> None:
    snapshot = PipelineFixture("shop").tick(0.0, stranger=requests(5.0))
    assert [target.name for target in snapshot.targets] == ["shop"]


def test_metrics_that_appear_with_the_first_request_count_from_zero() -> None:
    fixture = PipelineFixture("shop")
    for at in range(8):
        assert of(fixture.tick(float(at), shop=pool(1.0)), "shop").traffic is None
    snapshot = fixture.tick(8.0, shop={**pool(1.0), **requests(7.0)})
    traffic = of(snapshot, "shop").traffic
    assert traffic is not None
    assert (traffic.total, traffic.rps) == (7.0, 7.0)


def test_the_first_error_of_a_route_is_an_increase_of_one() -> None:
    fixture = PipelineFixture("shop")
    fixture.tick(0.0, shop=requests(0.0))
    fixture.tick(1.0, shop=requests(9.0))
    snapshot = fixture.tick(
        2.0, shop={**requests(9.0), series(REQUESTS, route="/a", status="500"): 1.0}
    )
    errors = of(snapshot, "shop").errors
    assert errors is not None
    assert errors.ratio == pytest.approx(0.1)


def test_a_counter_that_fell_counts_from_zero_and_is_reported_once() -> None:
    fixture = PipelineFixture("shop")
    for at, count in enumerate((100.0, 110.0, 4.0, 14.0)):
        snapshot = fixture.tick(float(at), shop=requests(count))
        rate = rps(snapshot)
        assert rate is None or rate >= 0
    assert rps(snapshot) == 8.0  # (10 + 4 + 10) / 3
    assert of(snapshot, "shop").resets == 1
    assert event_texts(snapshot) == [("reset", "shop counters restarted: they fell to near zero")]


def test_a_new_window_takes_effect_and_is_never_below_two_intervals() -> None:
    fixture = PipelineFixture("shop")
    for at in range(9):
        fixture.tick(float(at), shop=requests(10.0 * at))
    fixture.monitor.set_window(0.1)
    snapshot = fixture.tick(9.0, shop=requests(180.0))
    assert snapshot.window_s == 2.0
    assert rps(snapshot) == pytest.approx((180.0 - 70.0) / 2)


# ---------------------------------------------------------------------------- services and replicas


def test_replicas_are_one_service_whose_counters_and_buckets_add_up() -> None:
    fixture = PipelineFixture(
        Target("web1", "http://a/metrics", "web"), Target("web2", "http://b/metrics", "web")
    )
    for at in range(3):
        snapshot = fixture.tick(float(at), web1=requests(10.0 * at), web2=requests(30.0 * at))
    assert [(state.name, state.targets) for state in snapshot.services] == [
        ("web", ("web1", "web2"))
    ]
    assert rps(snapshot, "web") == 40.0
    half = fixture.tick(3.0, web1="timed out", web2=requests(90.0))
    assert rps(half, "web") == 30.0  # the remaining replica, not a mean with an outage


def test_a_replica_that_exposes_something_else_stays_a_service_of_its_own() -> None:
    fixture = PipelineFixture(
        Target("web1", "http://a/metrics", "web"), Target("web2", "http://b/metrics", "web")
    )
    for at in range(3):
        snapshot = fixture.tick(float(at), web1=requests(10.0 * at), web2=pool(2.0))
    assert [(state.name, state.targets) for state in snapshot.services] == [
        ("web", ("web1",)),
        ("web2", ("web2",)),
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_a_service_called_like_another_target_leaves_both_on_the_list(count: int) -> None:
    replicas = [Target(f"till-{n}", f"http://{n}/metrics", "shop") for n in range(count)]
    fixture = PipelineFixture(*replicas, "shop")
    for at in range(3):
        answers = {replica.name: requests(10.0 * at) for replica in replicas}
        snapshot = fixture.tick(float(at), shop=requests(100.0 * at), **answers)
    shown = [state.targets for state in snapshot.services]
    assert shown == [tuple(replica.name for replica in replicas), ("shop",)]
    assert len({state.name for state in snapshot.services}) == 2


def test_a_duplicate_target_counts_once() -> None:
    fixture = PipelineFixture("shop", "shop")
    assert [target.name for target in fixture.tick(0.0, shop=requests(0.0)).targets] == ["shop"]


def test_the_best_minute_outlives_a_target_that_comes_later() -> None:
    fixture = PipelineFixture("shop")
    for at in range(65):
        fixture.tick(float(at), shop=requests(10.0 * at))
    fixture.add("till")
    for at in range(65, 70):
        snapshot = fixture.tick(float(at), shop=requests(10.0 * at), till=requests(float(at)))
    traffic = of(snapshot, "shop").traffic
    assert traffic is not None
    assert traffic.total == 690.0
    assert traffic.best_60s == pytest.approx(10.0)


def test_the_breakdown_cycles_through_all_labels() -> None:
    fixture = PipelineFixture("shop")
    fixture.tick(0.0, shop=requests(0.0))
    begin = of(fixture.tick(1.0, shop=requests(10.0)), "shop").breakdown_by
    bindings = fixture.monitor._trackers["shop"].bindings
    assert bindings is not None
    labels_shown = []
    for at in range(2, 3 + len(bindings.breakdown)):
        fixture.monitor.services.next_breakdown("shop")
        labels_shown.append(
            of(fixture.tick(float(at), shop=requests(10.0 * at)), "shop").breakdown_by
        )
    assert set(labels_shown[: len(bindings.breakdown)]) | {begin} >= {
        (label,) for label in bindings.breakdown
    }
    assert begin in labels_shown


# ------------------------------------------------------------------------------------ ready, wanted


def test_ready_needs_two_scrapes_or_a_failure_of_every_target() -> None:
    fixture = PipelineFixture("shop", "till")
    assert not fixture.tick(0.0, shop=requests(0.0)).is_ready
    assert not fixture.tick(0.5, shop=requests(1.0)).is_ready
    assert fixture.tick(1.0, till="connection refused").is_ready


def test_nothing_is_ready_while_discovery_runs() -> None:
    assert (
        not PipelineFixture()
        .monitor.derive_snapshot(Reading(0.0, 1e9), is_discovering=True)
        .is_ready
    )
    assert PipelineFixture().tick(0.0).is_ready


def test_all_families_are_read_until_the_bindings_are_known_and_then_only_the_bound_ones() -> None:
    fixture = PipelineFixture("shop")
    assert fixture.monitor.wanted_names("shop") is None
    fixture.tick(0.0, shop={**requests(0.0), **pool(1.0)})
    assert fixture.monitor.wanted_names("shop") is None
    fixture.tick(1.0, shop={**requests(1.0), **pool(1.0)})
    wanted = fixture.monitor.wanted_names("shop")
    assert wanted is not None
    assert wanted >= {
        REQUESTS,
        f"{DURATION}_bucket",
        f"{DURATION}_count",
        f"{DURATION}_sum",
        "db_pool_in_use",
    }
    assert fixture.monitor.wanted_names("nobody") is None


def test_a_target_that_lacks_a_signal_is_read_in_full_for_a_while_only() -> None:
    fixture = PipelineFixture("shop", interval_s=1.0)
    for at in range(MAX_SEARCH_SCRAPES + 1):
        assert fixture.monitor.wanted_names("shop") is None
        fixture.tick(float(at), shop={series(REQUESTS, route="/a"): float(at)})
    wanted = fixture.monitor.wanted_names("shop")
    assert wanted is not None
    assert REQUESTS in wanted


# ----------------------------------------------------------------------------- self usage, the host


def test_self_usage_is_a_rate_between_ticks_and_includes_missed_ticks() -> None:
    monitor = PipelineFixture().monitor
    first = monitor.derive_snapshot(Reading(10.0, 1e9, self_cpu_s=5.0, self_rss_bytes=60_000_000))
    assert (
        first.self_usage.cpu_percent,
        first.self_usage.rss_bytes,
        first.self_usage.missed_ticks,
    ) == (
        None,
        60_000_000,
        0,
    )
    second = monitor.derive_snapshot(
        Reading(12.0, 1e9, missed_ticks=1, self_cpu_s=5.03, self_rss_bytes=61_000_000)
    )
    assert second.self_usage.cpu_percent == pytest.approx(1.5)
    assert second.self_usage.missed_ticks == 1
    assert (
        monitor.derive_snapshot(Reading(13.0, 1e9, missed_ticks=1)).self_usage.cpu_percent is None
    )
    assert second.self_usage.recent_missed_ticks == 1
    assert (
        monitor.derive_snapshot(Reading(71.0, 1e9, missed_ticks=3)).self_usage.recent_missed_ticks
        == 3
    )
    assert (
        monitor.derive_snapshot(Reading(73.0, 1e9, missed_ticks=3)).self_usage.recent_missed_ticks
        == 2
    ), "the first is more than a minute ago"


def test_the_host_s_cpu_needs_two_readings_and_is_kept_where_a_tick_has_none() -> None:
    monitor = PipelineFixture().monitor

    def read(at: float, user: float, idle: float) -> Snapshot:
        return monitor.derive_snapshot(
            Reading(at, 1e9, host=HostReading(at, 1e9, CpuTimes(user=user, idle=idle)))
        )

    assert read(0.0, 0.0, 0.0).host.cpu is None
    host = read(1.0, 0.75, 0.25).host
    assert host.cpu is not None
    assert host.cpu.percent == pytest.approx(75.0)
    assert monitor.derive_snapshot(Reading(2.0, 1e9)).host.cpu == host.cpu


def test_processes_are_sorted_by_cpu_and_kept_over_ticks_without_a_process_table() -> None:
    def read(busy: float, idle: float) -> tuple[ProcessReading, ...]:
        return tuple(
            ProcessReading(pid, 1e9, f"p{pid}", None, cpu, 1, 1, "S")
            for pid, cpu in ((7, idle), (8, busy))
        )

    monitor = PipelineFixture().monitor
    monitor.derive_snapshot(Reading(0.0, 1e9, processes=read(0.0, 0.0)))
    monitor.derive_snapshot(Reading(1.0, 1e9))
    shown = monitor.derive_snapshot(Reading(2.0, 1e9, processes=read(1.0, 0.1))).processes
    assert shown is not None
    assert [snapshot.pid for snapshot in shown] == [8, 7]
    assert [snapshot.cpu_percent for snapshot in shown] == pytest.approx([50.0, 5.0])
    assert monitor.derive_snapshot(Reading(3.0, 1e9)).processes == shown


# ---------------------------------------------------------------------- objectives, events, history


def test_an_objective_is_without_data_then_met_then_missed_and_says_for_how_long() -> None:
    fixture = PipelineFixture("shop", window_s=2.0, objectives=("rps>=5", "p99<=300ms"))
    states = []
    for at, count in enumerate((0.0, 10.0, 20.0, 30.0, *(30.0 for _ in range(9)))):
        snapshot = fixture.tick(float(at), shop=requests(count))
        states.append((snapshot.objectives[0].state, snapshot.objectives[0].for_s))
    assert states == [
        ("no_data", 0.0),
        ("ok", 0.0),
        ("ok", 1.0),
        ("ok", 2.0),
        ("ok", 3.0),
        *(
            ("at_risk", float(second)) for second in range(7)
        ),  # two thirds of the observed time, and it is missed
        ("missed", 0.0),
    ]
    assert snapshot.objectives[0].value == 0.0
    assert snapshot.objectives[1].state == "no_data"  # no traffic: no quantile
    assert ("objective", "rps>=5 missed") in event_texts(snapshot)
    for second in range(13, 100):
        snapshot = fixture.tick(float(second), shop=requests(30.0 + 10 * (second - 12)))
    assert event_texts(snapshot).count(("objective", "rps>=5 met again")) == 1


def test_an_objective_on_a_quantile_that_is_not_configured_is_judged() -> None:
    fixture = PipelineFixture("shop", objectives=("p95<=300ms", "p99<=300ms"))
    for second in range(4):
        snapshot = fixture.tick(float(second), shop=requests(100.0 * second))
    p95, p99 = snapshot.objectives
    assert p95.value == pytest.approx(0.3)
    assert p99.value == pytest.approx(0.46)
    latency = of(snapshot, "shop").latency
    assert latency is not None
    assert [quantile.q for quantile in latency.quantiles] == [0.5, 0.9, 0.95, 0.99]


def test_an_objective_on_an_unknown_service_is_reported_once_all_services_are_known() -> None:
    fixture = PipelineFixture("shop", "till", objectives=("shpo:rps>=1", "shop:rps>=1", "rps>=1"))
    first = fixture.tick(0.0, shop=requests(100.0), till="connection refused")
    assert not any(kind == "warning" for kind, _ in event_texts(first))
    for second in range(1, 4):
        snapshot = fixture.tick(
            float(second), shop=requests(100.0 * second), till=requests(100.0 * second)
        )
    warnings = [text for kind, text in event_texts(snapshot) if kind == "warning"]
    assert warnings == ['shpo:rps>=1 is about no service that is here, did you mean "shop"?']


def test_an_objective_on_a_route_is_judged_whatever_the_traffic_is_broken_down_by() -> None:
    """The route is the least busy of thirty; then the breakdown uses another label."""
    fixture = PipelineFixture("shop", objectives=("/29:rps>=1", "shop/29:errors<=1%"))
    shown = []
    for second in range(6):
        if second == 3:
            fixture.monitor.services.next_breakdown("shop")
        answers = {
            series(REQUESTS, method="GET", route=f"/{number}", status="200"): (40.0 - number)
            * second
            for number in range(30)
        }
        snapshot = fixture.tick(float(second), shop=answers)
        shown.append(of(snapshot, "shop").breakdown_by)
        if second:
            assert [(objective.state, objective.value) for objective in snapshot.objectives] == [
                ("ok", 11.0),
                ("ok", 0.0),
            ]
            assert not any(
                history_keys.find_route(row.labels) == "/29"
                for row in of(snapshot, "shop").breakdown
            )
    assert shown[2] != shown[3]


def test_the_event_log_keeps_the_newest_only() -> None:
    fixture = PipelineFixture("shop")
    for at in range(MAX_EVENTS + 100):
        snapshot = fixture.tick(float(at), shop="timed out" if at % 2 else requests(float(at)))
    assert len(snapshot.events) == MAX_EVENTS_SHOWN
    assert len(fixture.monitor._events) == MAX_EVENTS
    assert snapshot.events[-1].text == "shop: timed out"
    assert [event.time for event in snapshot.events] == sorted(
        event.time for event in snapshot.events
    )


def test_foreign_text_in_a_name_is_cleaned_in_the_event_log() -> None:
    fixture = PipelineFixture("\x1b[31mshop")
    snapshot = fixture.tick(0.0, **{"\x1b[31mshop": "timed out"})
    assert "\x1b" not in snapshot.events[0].text


def test_a_late_event_stands_where_its_time_is() -> None:
    fixture = PipelineFixture("shop")
    fixture.tick(100.0, shop=requests(0.0))
    for time, text in ((30.0, "third"), (10.0, "first"), (20.0, "second")):
        fixture.monitor.log_event(Event(time, "note", text))
    notes = [event.text for event in fixture.tick(101.0).events if event.kind == "note"]
    assert notes == ["first", "second", "third"]


def test_every_figure_of_a_service_is_in_the_history_with_its_gaps() -> None:
    fixture = PipelineFixture("shop")
    fixture.tick(100.0, shop={**requests(0.0), **pool(2.0)})
    fixture.tick(101.0, shop={**requests(10.0), **pool(4.0)})
    fixture.tick(102.0, shop="timed out")
    history = fixture.monitor.history
    saturation = history_keys.saturation("shop", of(fixture.tick(103.0), "shop").saturation[0].name)
    assert set(history.names()) == {
        history_keys.traffic("shop"),
        history_keys.errors("shop"),
        history_keys.status_class("shop", "2xx"),
        *(history_keys.latency("shop", q) for q in (0.5, 0.9, 0.99)),
        saturation,
    }
    assert column_values(history, history_keys.traffic("shop"), 102.0, 3.0, 3) == [None, 10.0, None]
    assert column_values(history, saturation, 102.0, 3.0, 3) == [0.25, 0.5, None]


def test_a_latency_that_is_only_a_mean_is_in_the_history_as_one() -> None:
    fixture = PipelineFixture("shop")
    for at in range(3):
        samples = {
            series(REQUESTS, route="/a"): 10.0 * at,
            series("http_request_duration_seconds_sum", route="/a"): 0.5 * at,
            series("http_request_duration_seconds_count", route="/a"): 10.0 * at,
        }
        exposition = Exposition(samples, {DURATION: Family(DURATION, "summary")}, 3)
        snapshot = fixture.monitor.derive_snapshot(
            Reading(
                float(at), 1e9 + at, (Scrape("shop", float(at), 1e9 + at, 0.01, exposition, 1),)
            )
        )
    latency = of(snapshot, "shop").latency
    assert latency is not None
    assert latency.mean == pytest.approx(0.05)
    assert column_values(
        fixture.monitor.history, history_keys.latency("shop", None), 2.0, 1.0, 1
    ) == [pytest.approx(0.05)]


# ----------------------------------------------------------------------------- warnings of a target


def build(job: str | None, version: str = "1.2") -> Samples:
    labels = {"version": version} | ({"job": job} if job is not None else {})
    return {series("shop_build_info", **labels): 1.0}


@pytest.mark.parametrize(
    ("samples", "other", "services"),
    [
        (build("shop"), build("shop"), 1),
        (build("shop"), build("jobs"), 2),  # the same program with another job
        (build("shop"), build("shop", "1.3"), 2),
        (build(None), build(None), 2),  # two exporters of one version are not replicas
    ],
)
def test_targets_with_the_same_build_info_and_job_are_replicas(
    samples: Samples, other: Samples, services: int
) -> None:
    fixture = PipelineFixture("a", "b")
    for at in range(3):
        snapshot = fixture.tick(
            float(at), a={**requests(at), **samples}, b={**requests(at), **other}
        )
    assert len(snapshot.services) == services


def test_replicas_are_recognised_though_each_target_has_its_own_scanner() -> None:
    fixture = PipelineFixture("a", "b")
    scanners = {name: Scanner() for name in ("a", "b")}
    for at in range(3):
        body = (
            '# TYPE shop_build_info gauge\nshop_build_info{job="shop",version="1.2"} 1\n'
            f'# TYPE http_requests_total counter\nhttp_requests_total{{route="/a",status="200"}} {10 * at}\n'
        ).encode()
        scrapes = tuple(
            Scrape(name, float(at), 1e9 + at, 0.01, scanner.scan(body), len(body))
            for name, scanner in scanners.items()
        )
        snapshot = fixture.monitor.derive_snapshot(Reading(float(at), 1e9 + at, scrapes))
    assert [service.targets for service in snapshot.services] == [("a", "b")]


def test_series_beyond_the_limit_and_an_empty_answer_are_reported() -> None:
    fixture = PipelineFixture("shop", "empty")
    full = Exposition({}, {}, 500, hidden={"requests_total": 400, "": 30})
    scrapes = (
        Scrape("shop", 1.0, 1e9, 0.01, full, 1000),
        Scrape("empty", 1.0, 1e9, 0.01, Exposition({}, {}, 0), 0),
    )
    shop, empty = fixture.monitor.derive_snapshot(Reading(1.0, 1e9, scrapes)).targets
    assert (
        shop.warning == "430 series beyond the limit are not read: raise limits.series_per_target"
    )
    assert empty.warning == "the answer is empty: it holds no metric"
    status = to_json(fixture.monitor.derive_snapshot(Reading(2.0, 1e9)))["targets"][0]
    assert (status["hidden_series"], status["warning"]) == (430, shop.warning)


def test_an_answer_too_large_for_memory_fails_its_target_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fixture = PipelineFixture("shop", "till")
    for at in range(3):
        fixture.tick(float(at), shop=requests(10.0 * at), till=requests(5.0 * at))

    def add(window: TargetWindow, scrape: Scrape, *rest: object) -> None:
        if scrape.target == "shop" and scrape.exposition is not None:
            raise MemoryError
        added(window, scrape, *rest)  # type: ignore[arg-type]

    added = TargetWindow.add
    with monkeypatch.context() as patch:
        patch.setattr(TargetWindow, "add", add)
        short = fixture.tick(3.0, shop=requests(30.0), till=requests(15.0))
    assert [(target.state, target.error) for target in short.targets] == [
        ("down", NO_MEMORY),
        ("up", None),
    ]
    assert (rps(short), rps(short, "till")) == (None, 5.0)
    fixture.tick(4.0, shop=requests(40.0), till=requests(20.0))
    assert rps(fixture.tick(5.0, shop=requests(50.0), till=requests(25.0))) == 10.0

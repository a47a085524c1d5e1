"""Drill-down of the pipeline: families, other bindings, filters, replicas, latency heat map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from columns import column_values
from test_pipeline import DURATION, FAMILIES, REQUESTS, PipelineFixture, requests, scrape, series

from tputtui.engine.drilldown import MAX_HEATMAPS, ServiceHeatmaps
from tputtui.model import Exposition, Family, Reading, Series, ServiceState, Snapshot, Target
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.history import CopyRange
from tputtui.signals.rates.past import PastNames, PastRequest
from tputtui.signals.service.replicas import MIN_TICKS
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.traffic_split import SplitArm, TrafficSplit

JOBS = "jobs_total"
FAMILIES[JOBS] = Family(JOBS, "counter", "Jobs done.")

LAST_MINUTE = CopyRange(102.0, 60.0, 4)


def jobs(count: float) -> Mapping[Series, float]:
    return {series(JOBS): count}


def two_routes(a: float, b: float) -> Mapping[Series, float]:
    """Return requests on /a and /b; on /b one in ten fails, and all are slow."""
    return {
        series(REQUESTS, route="/a", status="200"): a,
        series(REQUESTS, route="/b", status="200"): 0.9 * b,
        series(REQUESTS, route="/b", status="500"): 0.1 * b,
        **{series(f"{DURATION}_bucket", le=le, route="/a"): a for le in ("0.1", "0.5", "+Inf")},
        series(f"{DURATION}_bucket", le="0.1", route="/b"): 0.0,
        **{series(f"{DURATION}_bucket", le=le, route="/b"): b for le in ("0.5", "+Inf")},
        series(f"{DURATION}_count", route="/a"): a,
        series(f"{DURATION}_count", route="/b"): b,
        series(f"{DURATION}_sum", route="/a"): 0.05 * a,
        series(f"{DURATION}_sum", route="/b"): 0.3 * b,
    }


# ----------------------------------------------------------------------------- browsing and binding


def settled(fixture: PipelineFixture, target: str = "shop") -> None:
    for at in range(4):
        fixture.tick(100.0 + at, **{target: {**requests(10.0 * at), **jobs(1000.0 + 3 * at)}})


def test_a_browsed_target_is_read_in_full_and_no_longer_afterwards() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    bound_only = fixture.monitor.wanted_names("shop")
    assert bound_only is not None
    fixture.monitor.selection.browse("shop")
    assert fixture.monitor.wanted_names("shop") is None
    assert fixture.monitor.selection.families() is None, "nothing was read whole yet"
    fixture.monitor.selection.browse(None)
    assert fixture.monitor.wanted_names("shop") == bound_only


def test_families_show_their_bindings_and_their_last_figures() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    fixture.monitor.selection.browse("shop")
    for at in range(4, 8):
        fixture.tick(100.0 + at, shop={**requests(10.0 * at), **jobs(1000.0 + 3 * at)})
    families = fixture.monitor.selection.families()
    assert families is not None
    figures = families.family_values
    now = {row.name: figures.charted_value(place) for place, row in enumerate(figures.rows)}
    assert (now[JOBS], now[REQUESTS], now[DURATION]) == (3.0, 10.0, 10.0)
    assert families.signals_by_family[REQUESTS] == ("traffic", "errors")
    assert families.signals_by_family[DURATION] == ("latency",)
    assert fixture.monitor.selection.family_history(JOBS, 5) == [None, None, 3.0, 3.0, 3.0]
    assert fixture.monitor.selection.family_history("nowhere", 2) == [None, None]


def test_a_scrape_of_bound_families_only_is_not_shown_as_all_families() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    fixture.monitor.selection.browse("shop")
    part = requests(40.0)
    answer = Exposition(part, FAMILIES, len(part) + 1)
    fixture.monitor.derive_snapshot(replace_scrape(104.0, answer))
    assert fixture.monitor.selection.families() is None


def replace_scrape(at: float, answer: Exposition) -> Reading:
    return Reading(at, 1e9 + at, (replace(scrape("shop", at, {}), exposition=answer),))


def test_a_choice_is_bound_at_once_and_its_counter_does_not_count_from_zero() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    fixture.monitor.selection.browse("shop")
    fixture.tick(104.0, shop={**requests(40.0), **jobs(1012.0)})
    fixture.monitor.bind_signal("shop", "traffic", JOBS, 1e9)
    families = fixture.monitor.selection.families()
    assert families is not None
    assert families.signals_by_family[JOBS] == ("traffic",)
    assert families.overrides == {"traffic": {"family": JOBS, "unit": "jobs/s"}}
    assert families.replica_targets == (("shop", "http://shop/metrics"),)
    rates = []
    for at in range(5, 9):
        snapshot = fixture.tick(100.0 + at, shop={**requests(10.0 * at), **jobs(1000.0 + 3 * at)})
        traffic = snapshot.services[0].traffic
        assert traffic is not None
        assert traffic.family == JOBS
        rates.append(traffic.rps)
    assert rates == [3.0] * 4
    assert any(
        "traffic of shop is read from jobs_total now" in event.text for event in snapshot.events
    )
    wanted = fixture.monitor.wanted_names("shop")
    assert wanted is None, "still looked at"
    fixture.monitor.selection.browse(None)
    wanted = fixture.monitor.wanted_names("shop")
    assert wanted is not None
    assert JOBS in wanted


def test_a_scrape_under_way_during_a_choice_makes_no_spike() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    fixture.monitor.selection.browse("shop")
    fixture.tick(104.0, shop={**requests(40.0), **jobs(1012.0)})
    fixture.monitor.bind_signal("shop", "traffic", JOBS, 1e9)
    fixture.tick(105.0, shop=requests(50.0))  # requested before the choice
    for at in range(6, 9):
        snapshot = fixture.tick(100.0 + at, shop={**requests(10.0 * at), **jobs(1000.0 + 3 * at)})
        traffic = snapshot.services[0].traffic
        assert traffic is not None
        assert (traffic.rps or 0.0) <= 3.0


def test_a_family_that_cannot_be_bound_changes_nothing_and_says_so() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    fixture.monitor.selection.browse("shop")
    fixture.tick(104.0, shop={**requests(40.0), **jobs(1012.0)})
    fixture.monitor.bind_signal("shop", "latency", JOBS, 1e9)
    snapshot = fixture.tick(105.0, shop={**requests(50.0), **jobs(1015.0)})
    latency = snapshot.services[0].latency
    assert latency is not None
    assert latency.family == DURATION
    assert any("stays as it is" in event.text for event in snapshot.events)


def test_a_choice_is_for_all_replicas() -> None:
    fixture = PipelineFixture(
        Target("a", "http://a/metrics", "shop"), Target("b", "http://b/metrics", "shop")
    )
    answers = {"a": {**requests(0.0), **jobs(0.0)}, "b": {**requests(0.0), **jobs(0.0)}}
    for at in range(5):
        answers = {name: {**requests(10.0 * at), **jobs(500.0 + 2 * at)} for name in ("a", "b")}
        fixture.monitor.selection.browse("a")
        fixture.tick(100.0 + at, **answers)
    fixture.monitor.bind_signal("a", "traffic", JOBS, 1e9)
    for at in range(5, 9):
        snapshot = fixture.tick(
            100.0 + at,
            **{name: {**requests(10.0 * at), **jobs(500.0 + 2 * at)} for name in ("a", "b")},
        )
    assert [service.name for service in snapshot.services] == ["shop"]
    assert snapshot.services[0].traffic is not None
    assert snapshot.services[0].traffic.rps == pytest.approx(4.0)
    families = fixture.monitor.selection.families()
    assert families is not None
    assert [name for name, _ in families.replica_targets] == ["a", "b"]


# ----------------------------------------------------------------------------------- filtered views


def with_filter(
    service_filter: ServiceFilter, *targets: str | Target, ticks: int = 6
) -> tuple[PipelineFixture, Snapshot]:
    fixture = PipelineFixture(*(targets or ("shop",)))
    names = [target if isinstance(target, str) else target.name for target in targets or ("shop",)]
    fixture.monitor.services.set_filter(service_filter)
    snapshot = fixture.tick(99.0)
    for at in range(ticks):
        snapshot = fixture.tick(
            100.0 + at, **{name: two_routes(10.0 * at, 2.0 * at) for name in names}
        )
    return fixture, snapshot


def test_a_filtered_route_is_a_further_service_and_the_total_stays() -> None:
    service_filter = ServiceFilter("shop", (("route", "/b"),))
    _, snapshot = with_filter(service_filter)
    assert [service.name for service in snapshot.services] == ["shop", "shop route=/b"]
    total, alone = snapshot.services
    assert total.traffic is not None
    assert alone.traffic is not None
    assert total.traffic.rps == pytest.approx(12.0)
    assert alone.traffic.rps == pytest.approx(2.0)
    assert total.errors is not None
    assert alone.errors is not None
    assert alone.errors.ratio == pytest.approx(0.1)
    assert alone.latency is not None
    assert (alone.latency.quantiles[0].value or 0) > 0.1
    assert total.latency is not None
    assert (total.latency.quantiles[0].value or 1) < 0.1


def test_a_removed_filter_leaves_nothing() -> None:
    fixture, _ = with_filter(ServiceFilter("shop", (("route", "/b"),)))
    fixture.monitor.services.set_filter(None)
    snapshot = fixture.tick(106.0, shop=two_routes(60.0, 12.0))
    assert [service.name for service in snapshot.services] == ["shop"]


def test_objectives_judge_the_whole_service_and_not_the_filtered_part() -> None:
    fixture = PipelineFixture("shop", objectives=["errors<=5%"])
    fixture.monitor.services.set_filter(ServiceFilter("shop", (("route", "/b"),)))
    for at in range(6):
        snapshot = fixture.tick(100.0 + at, shop=two_routes(10.0 * at, 2.0 * at))
    assert [objective.state for objective in snapshot.objectives] == ["ok"]
    assert snapshot.objectives[0].value == pytest.approx(0.2 / 12)


def test_a_signal_without_the_label_is_empty_with_the_reason() -> None:
    _, snapshot = with_filter(ServiceFilter("shop", (("status", "500"),)))
    alone = snapshot.services[-1]
    assert alone.latency is None
    assert alone.reasons["latency"] == f"{DURATION} has no label status"
    assert alone.traffic is not None
    assert alone.traffic.rps == pytest.approx(0.2)


def test_a_filter_on_an_unknown_service_shows_nothing() -> None:
    _, snapshot = with_filter(ServiceFilter("elsewhere", (("route", "/b"),)))
    assert [service.name for service in snapshot.services] == ["shop"]


REPLICAS = tuple(Target(name, f"http://{name}/metrics", "shop") for name in ("a", "b", "c"))


def test_a_filtered_replica_is_a_further_service() -> None:
    _, snapshot = with_filter(ServiceFilter("shop", target="b"), *REPLICAS)
    assert [(service.name, service.targets) for service in snapshot.services] == [
        ("shop", ("a", "b", "c")),
        ("shop b", ("b",)),
    ]
    total, alone = (service.traffic for service in snapshot.services)
    assert total is not None
    assert alone is not None
    assert total.rps == pytest.approx(36.0)
    assert alone.rps == pytest.approx(12.0)


def test_the_breakdown_goes_through_the_labels_and_comes_back() -> None:
    fixture = PipelineFixture("shop")
    result = []
    for at in range(8):
        snapshot = fixture.tick(100.0 + at, shop=two_routes(10.0 * at, 2.0 * at))
        if at >= 2:
            result.append(snapshot.services[0].breakdown_by)
            fixture.monitor.services.next_breakdown("shop")
    default, labels = result[0], [by for by in result if by != result[0]]
    assert default == ("route",)
    assert ("status",) in labels
    assert result[1:].count(default) >= 1
    assert len(set(result)) == 2


# ----------------------------------------------------------------------------------------- replicas


def test_each_replica_has_its_own_figures_and_an_outlier_is_reported() -> None:
    fixture = PipelineFixture(*REPLICAS)
    for at in range(4 + MIN_TICKS):
        snapshot = fixture.tick(
            100.0 + at, a=requests(100.0 * at), b=requests(100.0 * at), c=requests(20.0 * at)
        )
    assert {name: replica.rps for name, replica in fixture.monitor.services.replicas.items()} == {
        "a": 100.0,
        "b": 100.0,
        "c": 20.0,
    }
    assert [
        name
        for name, replica in fixture.monitor.services.replicas.items()
        if replica.outlier_reason
    ] == ["c"]
    warnings = [event.text for event in snapshot.events if event.kind == "warning"]
    assert warnings == ["c is unlike the other replicas: 20.0 req/s, others 100.0"]


def test_a_target_that_is_not_a_replica_has_no_figures_of_its_own() -> None:
    fixture = PipelineFixture("shop", "other")
    for at in range(4):
        fixture.tick(100.0 + at, shop=requests(10.0 * at), other=requests(10.0 * at))
    assert fixture.monitor.services.replicas == {}


# --------------------------------------------------------------------------------- latency heat map


def test_the_heat_map_follows_the_buckets_and_a_filter_has_its_own() -> None:
    fixture, _ = with_filter(ServiceFilter("shop", (("route", "/b"),)), ticks=12)
    services = ("shop", "shop route=/b", "nowhere")
    request = PastRequest(PastNames(heatmaps=frozenset(services)), 10.0)
    total, alone, nowhere = (
        fixture.monitor.read_past(request, 111.0).heatmap(service, 2) for service in services
    )
    assert total is not None
    assert alone is not None
    assert total.bounds[0] == 0.1
    assert total.columns[-1] == pytest.approx((10 / 12, 2 / 12, 0.0))
    assert alone.columns[-1] == pytest.approx((1.0, 0.0))
    assert nowhere is None


def test_the_heat_map_is_unchanged_until_its_axis_advances() -> None:
    fixture, _ = with_filter(ServiceFilter("shop"), ticks=12)
    request = PastRequest(PastNames(heatmaps=frozenset(("shop",))), 60.0)
    before = fixture.monitor.read_past(request, 111.0)
    first = before.heatmap("shop", 10)
    assert first is not None
    for end_at, is_same in ((113.0, True), (114.0, False)):
        past = fixture.monitor.read_past(request, end_at).reuse(before.made)
        assert (past.heatmap("shop", 10) is first) == is_same


def test_the_number_of_heat_maps_is_bounded_and_a_removed_service_frees_its_slot() -> None:
    _, snapshot = with_filter(ServiceFilter("shop"), ticks=4)
    state = snapshot.services[0]
    many = tuple(replace(state, name=f"s{number}") for number in range(MAX_HEATMAPS + 5))
    maps = ServiceHeatmaps(1.0)
    maps.add_tick(100.0, many)
    assert (
        sum(maps.copy_cells(service.name, LAST_MINUTE) is not None for service in many)
        == MAX_HEATMAPS
    )
    maps.add_tick(101.0, many[5:])
    maps.add_tick(102.0, many[5:])
    assert maps.copy_cells("s0", LAST_MINUTE) is None
    assert maps.copy_cells(many[-1].name, LAST_MINUTE) is not None


# ------------------------------------------------------------------------------------- split in two


def way(fixture: PipelineFixture, by: str, value: str) -> TrafficSplit:
    return next(
        option.split
        for option in fixture.monitor.services.find_split_options("shop")
        if (option.split.by, option.value) == (by, value)
    )


def arms_of(snapshot: Snapshot) -> tuple[ServiceState, ServiceState]:
    assert snapshot.split is not None
    assert snapshot.split.control is not None
    assert snapshot.split.treatment is not None
    return snapshot.split.control, snapshot.split.treatment


def test_a_service_is_split_by_a_label_and_the_total_is_unchanged() -> None:
    fixture = PipelineFixture("shop")
    for at in range(4):
        fixture.tick(100.0 + at, shop=two_routes(10.0 * at, 2.0 * at))
    fixture.monitor.services.set_split(way(fixture, "route", "/b"))
    for at in range(4, 8):
        snapshot = fixture.tick(100.0 + at, shop=two_routes(10.0 * at, 2.0 * at))
    assert [service.name for service in snapshot.services] == ["shop"]
    control, treatment = arms_of(snapshot)
    assert rps_of(control) == pytest.approx(10.0)
    assert rps_of(treatment) == pytest.approx(2.0)
    assert treatment.errors is not None
    assert treatment.errors.ratio == pytest.approx(0.1)
    assert control.errors is not None
    assert control.errors.ratio == 0.0
    assert treatment.latency is not None
    assert treatment.latency.quantiles[0].value == pytest.approx(0.3)
    assert column_values(
        fixture.monitor.history, history_keys.traffic(treatment.name), 107.9, 1.0, 1
    ) == [pytest.approx(2.0)]
    fixture.monitor.services.set_split(None)
    assert fixture.tick(108.0, shop=two_routes(80.0, 16.0)).split is None


def test_replicas_are_split_and_a_replica_that_is_down_is_a_gap_and_not_zero() -> None:
    fixture = PipelineFixture(
        *(Target(name, f"http://{name}/metrics", "shop") for name in ("a", "b", "c"))
    )
    for at in range(4):
        fixture.tick(
            100.0 + at, **{name: two_routes(10.0 * at, 2.0 * at) for name in ("a", "b", "c")}
        )
    assert {
        option.value
        for option in fixture.monitor.services.find_split_options("shop")
        if option.split.by == "target"
    } == {
        "a",
        "b",
        "c",
    }
    fixture.monitor.services.set_split(way(fixture, "target", "c"))
    snapshot = fixture.tick(104.0, **{name: two_routes(40.0, 8.0) for name in ("a", "b", "c")})
    control, treatment = arms_of(snapshot)
    assert rps_of(control) == pytest.approx(24.0)
    assert rps_of(treatment) == pytest.approx(12.0)
    assert treatment.targets == ("c",)
    down = fixture.tick(
        105.0, a=two_routes(50.0, 10.0), b=two_routes(50.0, 10.0), c="connection refused"
    )
    assert rps_of(arms_of(down)[1]) is None


def test_two_services_are_compared_with_each_other() -> None:
    fixture = PipelineFixture("shop", "next")
    for at in range(4):
        fixture.tick(100.0 + at, shop=two_routes(10.0 * at, 0.0), next=two_routes(3.0 * at, 0.0))
    fixture.monitor.services.set_split(way(fixture, "service", "next"))
    snapshot = fixture.tick(104.0, shop=two_routes(40.0, 0.0), next=two_routes(12.0, 0.0))
    control, treatment = arms_of(snapshot)
    assert (control.targets, treatment.targets) == (("shop",), ("next",))
    assert rps_of(control) == pytest.approx(10.0)
    assert rps_of(treatment) == pytest.approx(3.0)


def test_an_arm_that_does_not_exist_is_none() -> None:
    fixture = PipelineFixture("shop")
    settled(fixture)
    gone = TrafficSplit(
        "target", SplitArm("shop", "all of it"), SplitArm("shop", "x", frozenset("x"))
    )
    fixture.monitor.services.set_split(gone)
    snapshot = fixture.tick(104.0, shop={**requests(40.0), **jobs(1012.0)})
    assert snapshot.split is not None
    assert snapshot.split.treatment is None
    assert fixture.monitor.services.find_split_options("nobody") == ()


def rps_of(state: ServiceState) -> float | None:
    return state.traffic.rps if state.traffic is not None else None

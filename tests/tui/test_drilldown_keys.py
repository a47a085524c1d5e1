"""Drill-down by keys: one route, one replica, a past moment."""

from __future__ import annotations

from dataclasses import replace

import samples
from fake_source import FakeSource, create_app, frame

from tputtui.model import ServiceState, TrafficState
from tputtui.signals.service.service_filter import ServiceFilter


def filtered_services(service_filter: ServiceFilter, rps: float) -> tuple[ServiceState, ...]:
    """Return the services of the sample, and the filtered one."""
    alone = samples.service(service_filter.name, traffic=TrafficState("http_requests_total", rps))
    return (*samples.snapshot().services, alone)


async def test_enter_on_a_route_shows_it_alone_and_esc_shows_all() -> None:
    source = FakeSource()
    app = create_app(source)
    service_filter = ServiceFilter("checkout", (("method", "POST"), ("route", "/checkout")))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("5", "down", "down", "enter")
        await pilot.pause(0.1)
        assert source.calls_of("set_filter") == [(service_filter,)]
        assert "1,284 req/s" in frame(app), "the whole, until there is a snapshot of the part"
        source.tick(services=filtered_services(service_filter, 301.5))
        await pilot.pause(0.1)
        shown = frame(app)
        assert "checkout method=POST route=/checkout Esc all" in shown
        assert "301.5 req/s" in shown
        await pilot.press("escape")
        await pilot.pause(0.1)
        assert source.calls_of("set_filter")[-1] == (None,)
        assert "Esc all" not in frame(app)
        assert "1,284 req/s" in frame(app)


async def test_esc_clears_the_search_before_the_route_filter() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("5", "down", "enter", "slash", *"cart", "enter", "escape")
        await pilot.pause(0.1)
        assert app.session.view_state.service_filter is not None
        await pilot.press("escape")
        assert app.session.view_state.service_filter is None


async def test_enter_on_a_replica_shows_it_alone() -> None:
    source = FakeSource()
    app = create_app(source)
    service_filter = ServiceFilter("checkout", target="web-02")
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("4", "down", "down", "down", "enter")
        source.tick(services=filtered_services(service_filter, 600.5))
        await pilot.pause(0.1)
        assert source.calls_of("set_filter") == [(service_filter,)]
        assert "checkout web-02 Esc all" in frame(app)
        assert "600.5 req/s" in frame(app)


async def test_enter_on_a_target_without_replicas_says_so() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("4", "down", "enter")
        await pilot.pause(0.1)
        assert source.calls_of("set_filter") == []
        assert "web-03 is no replica of another" in frame(app)


async def test_switching_the_service_removes_the_filter() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        await pilot.press("5", "down", "enter", "4", "down")
        await pilot.pause(0.1)
        assert app.session.view_state.service_filter is None
        assert source.calls_of("set_filter")[-1] == (None,)
        assert app.session.view_state.service == "node"


async def test_moving_back_in_time_keeps_the_axis_and_marks_the_moment_in_every_chart() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        source.tick(60.0)
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        source.tick(5.0)
        await pilot.pause(0.1)
        lines = frame(app).splitlines()
        assert app.session.timeline.cursor == (5060.0, 5040.0)
        assert source.calls_of("past")[-1][1] == 5060.0
        caret = next(line for line in lines if "└" in line)
        at = caret.index("▲")
        assert all(line[at] in "│⠤⠒⠉⣀" or line[at] > "⠀" for line in lines[3:9])
        heat = [line[60:] for line in lines if "1.0 s  " in line]
        assert all("│" in line for line in heat)
        assert "14:14:20" in frame(app), "the axis ends where it ended"
        await pilot.press("0")
        await pilot.pause(0.1)
        assert "▲" not in frame(app)


async def test_the_outlying_replica_is_named_with_the_reason() -> None:
    source = FakeSource()
    odd = replace(samples.replicas()["web-02"], outlier_reason="p99 410 ms, others 88.1 ms")
    source.replicas = lambda: {**samples.replicas(), "web-02": odd}  # type: ignore[method-assign]
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause(0.2)
        assert "outlier: p99 410 ms, others 88.1 ms" in frame(app)

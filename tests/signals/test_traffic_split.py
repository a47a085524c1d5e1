"""Options to split a service, and the part of it that each arm is."""

from __future__ import annotations

from tputtui.model import Match
from tputtui.signals.service.traffic_split import (
    MAX_VALUES,
    SplitOption,
    rates_by_label,
    split_options,
)


def offered(options: tuple[SplitOption, ...]) -> list[tuple[str, str]]:
    return [(way.split.by, way.value) for way in options]


def test_targets_come_first_then_other_services_then_release_labels() -> None:
    options = split_options(
        "api",
        {"web-01": 10.0, "web-02": 11.0},
        {"api-next": 9.0},
        {
            "route": {"/a": 5.0, "/b": 6.0},
            "pod": {"p1": 1.0, "p2": 2.0},
            "version": {"1.4": 20.0, "1.5": 1.0},
        },
    )
    assert offered(options) == [
        ("target", "web-01"),
        ("target", "web-02"),
        ("service", "api-next"),
        ("version", "1.4"),
        ("version", "1.5"),
        ("pod", "p2"),
        ("pod", "p1"),
        ("route", "/b"),
        ("route", "/a"),
    ]


def test_the_control_of_two_values_is_the_other_and_of_more_all_others() -> None:
    two = split_options("api", {}, {}, {"version": {"1.4": 20.0, "1.5": 1.0}})
    assert [(way.split.control.description, way.split.treatment.description) for way in two] == [
        ("version=1.5", "version=1.4"),
        ("version=1.4", "version=1.5"),
    ]
    three = split_options(
        "api", {"a": None, "b": None, "c": None}, {}, {"version": {"1": 1.0, "2": 1.0, "3": 1.0}}
    )
    assert three[0].split.control.description == "2 others"
    assert three[0].split.control.targets == frozenset(("b", "c"))
    assert three[0].split.treatment.targets == frozenset("a")
    assert three[3].split.control.matches == (Match("version", "!=", "1"),)
    assert three[3].split.treatment.matches == (Match("version", "=", "1"),)


def test_labels_that_do_not_distinguish_two_arms_are_not_offered() -> None:
    assert (
        split_options(
            "api",
            {"web-01": 1.0},
            {},
            {"version": {"1.4": 20.0}, "status": {"200": 9.0, "500": 1.0}},
        )
        == ()
    )


def test_a_label_with_very_many_values_offers_the_busiest() -> None:
    values = {f"pod-{number}": float(number) for number in range(3 * MAX_VALUES)}
    options = split_options("api", {}, {}, {"pod": values})
    assert len(options) == MAX_VALUES
    assert options[0].value == f"pod-{3 * MAX_VALUES - 1}"


def test_rates_are_summed_by_label_and_value() -> None:
    rates = [
        ((("pod", "a"), ("route", "/x")), 1.0),
        ((("pod", "a"), ("route", "/y")), 2.0),
        ((("route", "/x"),), 4.0),
    ]
    assert rates_by_label(rates) == {"pod": {"a": 3.0}, "route": {"/x": 5.0, "/y": 2.0}}

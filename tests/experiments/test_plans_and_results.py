"""The experiment's file: the plan, the deviations from it, and the appended results."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import pytest

from tputtui.experiments.plan import (
    ExecutedPlan,
    ExperimentPlan,
    PlanError,
    describe_deviations,
    parse_plan,
    plan_from_header,
    render_template,
)
from tputtui.experiments.result import Comparison, Stratum
from tputtui.experiments.result_log import format_entry, is_repeated, parse_results

WRITTEN = """
title = "Pool"
hypothesis = "A bigger pool changes p99 by at least 10%"
primary = "p99"
margins = ["p99=10%", "error_ratio=0.2pp"]
levels = ["load 30", "load 50"]
outages = ["replica stopped"]
duration = "5m"
pairs = 3
"""
WHEN = datetime(2026, 11, 25, 22, 0, tzinfo=UTC)


def comparison(verdict: str = "improved", **changes: object) -> Comparison:
    return Comparison(verdict, "sequential", "p99", **changes)  # type: ignore[arg-type]


def noted(comparison: Comparison, when: datetime = WHEN, name: str = "b.tput.gz") -> str:
    identities = {"baselines": ["run:1"], "candidates": ["run:2", "run:3"]}
    sides = {"baseline": "a.tput.gz", "candidate": name}
    return format_entry(
        comparison,
        when,
        "p99 -20.0 % [-25.0, -15.0]",
        sides,
        identities,
        ["p99: ..."],
        [],
        ["It ran 3 min."],
    )


def test_a_plan_is_the_same_from_its_file_and_from_a_runs_header() -> None:
    plan = parse_plan(WRITTEN)
    assert (plan.duration_s, plan.pairs, plan.levels) == (300.0, 3, ("load 30", "load 50"))
    header = {
        "title": "Pool",
        "hypothesis": "A bigger pool changes p99 by at least 10%",
        "primary": "p99",
        "margins": "p99=10%, error_ratio=0.2pp",
        "levels": "load 30, load 50",
        "outages": "replica stopped",
        "duration": "5m",
        "pairs": "3",
        "team": "ours",
    }
    assert plan_from_header(header) == plan
    assert plan.changed_fields(plan_from_header({**header, "primary": "p90", "levels": ""})) == [
        "primary",
        "levels",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('duration = "five minutes"', "duration: 'five minutes' is not a duration"),
        ("pairs = 0", "pairs: a whole number from 1 to 1000"),
        ('levels = ["a, b"]', "levels: names without commas"),
    ],
)
def test_a_contradictory_plan_is_refused(text: str, expected: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_plan(text)
    assert expected in str(caught.value)


def test_the_template_holds_the_length_that_a_pilot_gives() -> None:
    filled = render_template("one pair: 8 min\nfive pairs: 20 min", "2m", 5, "p99")
    plan = parse_plan(filled)
    assert (plan.duration_s, plan.pairs, plan.primary) == (120.0, 5, "p99")
    assert "# five pairs: 20 min\n" in filled


def test_every_deviation_from_the_plan_is_a_sentence() -> None:
    plan = parse_plan(WRITTEN)
    recorded = parse_plan(WRITTEN.replace('primary = "p99"', 'primary = "p90"'))
    strata = (Stratum("load 30", 300.0, None, None, None, kind="level"),)
    done = ExecutedPlan(
        [("the baseline", 300.0), ("the candidate", 180.0)], 2, {"p99": 0.2, "p50": 0.1}, recorded
    )
    deviations = describe_deviations(
        plan, done, Comparison("improved", "sequential", "throughput", strata=strata)
    )
    assert deviations == (
        "Each arm was to run 5 min: the candidate ran 3 min.",
        "3 pairs were planned: 2 are here.",
        "p99 was to decide: throughput did.",
        "The margin of p99 was to be 10 %: it was 20 %.",
        "Planned and not given: load 50, replica stopped.",
        "Changed in the plan since the runs were recorded: primary.",
    )


def test_a_comparison_as_planned_or_without_a_plan_has_no_deviations() -> None:
    plan = ExperimentPlan({"primary": "p99"}, duration_s=300.0)
    assert (
        describe_deviations(plan, ExecutedPlan([("the baseline", 292.0)]), comparison()) == ()
    )  # the first scrapes have no rate yet
    assert (
        describe_deviations(ExperimentPlan(), ExecutedPlan([("the baseline", 3.0)]), comparison())
        == ()
    )


def test_a_result_is_appended_and_read_back() -> None:
    hostile = 'b"]\n[[results]]\nverdict = "regressed"\x1b[31m.tput.gz'
    grown = (
        WRITTEN
        + noted(comparison(flags=("verified",)))
        + noted(comparison("inconclusive"), name=hostile)
    )
    assert parse_plan(grown) == parse_plan(WRITTEN)
    first, second = parse_results(grown)
    assert (first.verdict_text, first.date, first.candidates) == (
        "improved, verified",
        WHEN,
        ("run:2", "run:3"),
    )
    assert second.verdict_text == "inconclusive"
    assert tomllib.loads(grown)["results"][0]["deviations"] == ["It ran 3 min."]


def test_only_a_new_result_adds_a_line() -> None:
    grown = WRITTEN + noted(comparison())
    later = datetime(2026, 11, 26, tzinfo=UTC)
    assert is_repeated(grown, noted(comparison(), later))
    assert not is_repeated(grown, noted(comparison("equivalent"), later))
    assert not is_repeated(WRITTEN, noted(comparison()))


@pytest.mark.parametrize(
    "text",
    [
        "results = 3",
        "[[results]]\nverdict = 'improved'",
        "[[results]]\nverdict = 'better'\ndate = 2026-11-25T00:00:00Z",
        "[[results]]\nverdict = 'improved'\ndate = 2026-11-25",
        "no toml",
    ],
)
def test_foreign_results_are_left_out(text: str) -> None:
    assert parse_results(text) == []

"""A verdict is that of one of its rows, which the JSON, the headlines and the reasons name."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from simulated_runs import Service, burst, failing, routed, run, scattered

from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import Comparison, Interval, MetricResult, RouteResult
from tputtui.experiments.statistics.comparison import compare
from tputtui.experiments.statistics.pairs import RunPair, compare_pairs
from tputtui.experiments.statistics.strata import verify_uplift
from tputtui.report.html_report import render_html
from tputtui.report.json_report import build_json
from tputtui.report.markdown_report import render_markdown
from tputtui.report.report_input import ComparisonReport, ReportInput
from tputtui.report.text_report import render_text

Rng = np.random.Generator

RECORD = ReportInput({"baseline": "a.csv", "candidate": "b.csv"})
ROUTES = ("GET /", "GET /items/{id}", "POST /cart", "GET /search")


def to_document(answer: Comparison) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        json.dumps(build_json(ComparisonReport(answer, RECORD, 0)), allow_nan=False)
    )
    return document


def assert_it_does_not_contradict_its_rows(answer: Comparison) -> None:
    document = to_document(answer)
    row = document["decided_by"]
    if document["verdict"] in ("inconclusive", "not_comparable"):
        assert row is None
        return
    assert row is not None, document["reasons"]
    where = document
    if row["stratum"] is not None:
        (where,) = [stratum for stratum in document["strata"] if stratum["name"] == row["stratum"]]
    listed = where["metrics"]
    if row["route"] is not None:
        (route,) = [route for route in where["routes"] if route["name"] == row["route"]]
        assert route["verdict"] == document["verdict"]
        listed = route["metrics"]
    (metric,) = [entry for entry in listed if entry["name"] == row["metric"]]
    assert metric["verdict"] == document["verdict"]
    assert metric["guards"]
    if metric["effect_percent"] is not None or metric["effect_pp"] is not None:
        assert f": {row['row']} " in render_text(ComparisonReport(answer, RECORD, 10)).replace(
            "\n  ", " "
        )


# ---------------------------------------------------------------------------------------- simulated


def service(rng: Rng, seconds: int, scale: float, *, by_route: bool) -> MetricRows:
    """Simulate a run with any mixture of bursts, errors, speed, incident, drift and route mix."""
    mood = rng.choice(["same", "errors", "bursts", "slow", "fast", "incident", "drift", "mix"])
    calm = Service(rate=60.0, phi=0.3, cv=0.04, errors=0.0005)
    routes = {}
    other = str(rng.choice(ROUTES))
    for name in ROUTES:
        changed = mood in ("errors", "bursts", "slow", "mix") and name == other
        effect = {"fast": 0.1, "mix": 1.5 if changed else 0.0}.get(str(mood), 0.0) * scale
        base = run(
            rng, seconds, calm, effect=effect, p99_effect=scale * (mood == "slow" and changed)
        )
        counts = scattered(rng, seconds, 3.0)
        if changed and mood == "errors":
            counts += scattered(rng, seconds, 70.0 * scale)
        if changed and mood == "bursts":
            counts += burst(rng, seconds, 60, min(seconds, 8))
        routes[name] = failing(base, counts)
    total = routed(routes) if by_route else replace(routed(routes), routes={})
    rps = np.array(total.columns["rps"])
    if mood == "incident":
        rps[seconds // 3 : seconds // 3 + 20] *= 0.2
    if mood == "drift":
        rps *= np.linspace(0.8, 1.2, seconds)
    return replace(total, columns={**total.columns, "rps": tuple(rps.tolist())})


def context(rng: Rng) -> ComparisonContext:
    env = {"cpus": 8 if rng.random() < 0.9 else 4}
    return ComparisonContext(
        design="concurrent" if rng.random() < 0.7 else "sequential",
        baseline_env={"cpus": 8},
        candidate_env=env,
        aa_history_rps=(240.0, 241.0, 239.0, 240.5) if rng.random() < 0.7 else (),
        is_load_limited=True if rng.random() < 0.3 else None,
        primary=str(rng.choice(["p99", "error_ratio"])) if rng.random() < 0.4 else None,
        margins={"p50": 0.1} if rng.random() < 0.3 else {},
    )


def test_no_verdict_contradicts_its_rows() -> None:
    verdicts: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for seed in range(200):
        rng = np.random.default_rng([20, seed])
        seconds = int(rng.choice([30, 90, 300]))
        sides = [
            service(rng, seconds, float(rng.choice([0.3, 1.0])), by_route=bool(seed % 2))
            for _ in range(2)
        ]
        if seed % 40 == 0:
            sides[1] = replace(sides[1], columns={**sides[1].columns, "rps": (0.0,) * seconds})
        answer = compare(sides[0], sides[1], context(rng))
        assert_it_does_not_contradict_its_rows(answer)
        verdicts[answer.verdict] += 1
        row = answer.decided_by
        rows["none" if row is None else "route" if row.route else "total"] += 1
    print(dict(verdicts), dict(rows))
    assert (
        min(verdicts[word] for word in ("improved", "regressed", "inconclusive", "not_comparable"))
        >= 5
    )
    assert rows["route"] >= 5


def test_no_verdict_of_pairs_or_strata_contradicts_its_rows() -> None:
    verdicts: Counter[str] = Counter()
    for seed in range(24):
        rng = np.random.default_rng([21, seed])
        given = context(rng)
        pairs = [
            RunPair(
                service(rng, 90, 1.0, by_route=True), service(rng, 90, 1.0, by_route=True), given
            )
            for _ in range(3)
        ]
        several = compare_pairs(pairs)
        each = [compare(pair.baseline, pair.candidate, given) for pair in pairs]
        strata = verify_uplift(each[0], [("load 30", each[1]), ("outage", each[2])])
        for answer in (several, strata):
            assert_it_does_not_contradict_its_rows(answer)
            verdicts[answer.verdict] += 1
    print(dict(verdicts))
    assert verdicts["regressed"] >= 3


# ----------------------------------------------------------------------------------------- examples


def shop(rng: Rng, worse: str = "", errors: float = 0.0) -> MetricRows:
    calm = Service(rate=60.0, phi=0.3, cv=0.04, errors=0.0)
    return routed(
        {
            name: failing(
                run(rng, 300, calm), scattered(rng, 300, errors if name == worse else 0.0)
            )
            for name in ROUTES
        }
    )


@pytest.fixture(scope="module")
def failing_route() -> Comparison:
    """Let one of four routes fail once in two hundred requests: below the total's margin."""
    rng = np.random.default_rng(12)
    return compare(
        shop(rng), shop(rng, "GET /items/{id}", 60.0), ComparisonContext(design="concurrent")
    )


def test_a_route_that_decided_is_named_in_the_json(failing_route: Comparison) -> None:
    document = to_document(failing_route)
    assert document["verdict"] == "regressed"
    assert all(metric["verdict"] != "regressed" for metric in document["metrics"])
    assert document["decided_by"] == {
        "row": "errors of GET /items/{id}",
        "metric": "error_ratio",
        "route": "GET /items/{id}",
        "stratum": None,
    }


def test_a_route_that_decided_is_in_the_headline_of_every_format(failing_route: Comparison) -> None:
    assert render_text(ComparisonReport(failing_route, RECORD, 10)).startswith(
        "regressed: errors of GET /items/{id} +0."
    )
    heading = (
        render_markdown(ComparisonReport(failing_route, RECORD, 10))
        .splitlines()[0]
        .replace("\\", "")
    )
    assert heading.startswith("## regressed: errors of GET /items/{id} +0.")
    written = render_html(ComparisonReport(failing_route, RECORD, 10))
    assert "<title>regressed: errors of GET /items/{id} +0." in written
    assert "<h1" in written
    assert "errors of GET /items/{id} +0." in written.split("<h1")[1].split("</h1>")[0]


def test_the_reasons_carry_the_figures_of_the_row_that_decided(failing_route: Comparison) -> None:
    (reason,) = [
        reason for reason in failing_route.reasons if reason.startswith("GET /items/{id} regressed")
    ]
    for fragment in (
        "errors +0.",
        " pp [+0.",
        "p = ",
        "25 % of requests",
        "whatever the total says",
    ):
        assert fragment in reason, fragment


def test_the_primary_is_named_where_it_decided() -> None:
    rng = np.random.default_rng(13)
    calm = Service(phi=0.3, cv=0.04)
    baseline = run(rng, 900, calm)
    better = compare(
        baseline, run(rng, 900, calm, effect=0.1), ComparisonContext(design="concurrent")
    )
    same = compare(baseline, run(rng, 900, calm), ComparisonContext(design="concurrent"))
    assert to_document(better)["decided_by"] == {
        "row": "throughput",
        "metric": "throughput",
        "route": None,
        "stratum": None,
    }
    assert any(reason.startswith("throughput improved: ") for reason in better.reasons)
    assert same.verdict == "equivalent"
    assert to_document(same)["decided_by"]["metric"] == "throughput"


def test_an_undecided_comparison_names_no_row() -> None:
    rng = np.random.default_rng(14)
    calm = Service(phi=0.3, cv=0.04)
    short = compare(
        run(rng, 30, calm), run(rng, 30, calm, effect=0.3), ComparisonContext(design="concurrent")
    )
    assert (short.verdict, to_document(short)["decided_by"]) == ("inconclusive", None)
    barred = compare(
        run(rng, 90, calm),
        run(rng, 90, calm),
        ComparisonContext(baseline_env={"cpus": 1}, candidate_env={"cpus": 2}),
    )
    assert (barred.verdict, to_document(barred)["decided_by"]) == ("not_comparable", None)


def test_of_several_the_worst_by_its_margin_decides_and_the_total_before_a_route() -> None:
    def row(name: str, effect: float, margin: float) -> MetricResult:
        return MetricResult(
            name,
            1.0,
            1 + effect,
            effect,
            Interval(effect, effect),
            0.001,
            50.0,
            margin,
            "regressed",
        )

    routes = (
        RouteResult("/a", 0.5, 0.5, (row("p99", 0.3, 0.1),), "regressed"),
        RouteResult(
            "/b", 0.5, 0.5, (row("p99", 0.2, 0.1), row("error_ratio", 0.01, 0.001)), "regressed"
        ),
    )
    answer = Comparison("regressed", "concurrent", "throughput", metrics=(), routes=routes)
    assert answer.decided_by is not None
    assert (answer.decided_by.route, answer.decided_by.metric.name) == ("/b", "error_ratio")
    answer = replace(answer, metrics=(row("throughput", -0.03, 0.02), row("p99", 0.5, 0.1)))
    assert answer.decided_by is not None
    assert (answer.decided_by.route, answer.decided_by.metric.name) == ("", "p99")
    assert answer.decided_by == replace(answer, primary="p99").decided_by


def test_a_total_of_another_mix_decides_nothing_even_where_its_rows_moved() -> None:
    moved = MetricResult("p99", 1.0, 2.0, 1.0, Interval(0.9, 1.1), 0.001, 50.0, 0.1, "regressed")
    route = RouteResult("/a", 0.2, 0.8, (replace(moved, effect=0.2),), "regressed")
    answer = Comparison(
        "regressed", "concurrent", "p99", metrics=(moved,), routes=(route,), has_traffic_shift=True
    )
    assert answer.decided_by is not None
    assert answer.decided_by.route == "/a"


def test_a_stratum_that_regressed_is_named_with_its_row() -> None:
    rng = np.random.default_rng(15)
    calm = Service(phi=0.3, cv=0.04)
    first = compare(
        run(rng, 300, calm), run(rng, 300, calm, effect=0.1), ComparisonContext(design="concurrent")
    )
    other = compare(
        run(rng, 300, calm),
        run(rng, 300, calm, p99_effect=0.5),
        ComparisonContext(design="concurrent"),
    )
    answer = verify_uplift(first, [("load 70", other)])
    assert answer.verdict == "regressed"
    assert to_document(answer)["decided_by"] == {
        "row": "p99 at load 70", "metric": "p99", "route": None, "stratum": "load 70",
    }  # fmt: skip
    assert render_text(ComparisonReport(answer, RECORD, 10)).startswith(
        "regressed: p99 at load 70 +"
    )
    assert any(reason.startswith("It regressed in: load 70 (p99 +") for reason in answer.reasons)


def test_a_regressed_route_is_reported_as_not_deciding_where_no_verdict_is_allowed() -> None:
    rng = np.random.default_rng(16)
    baseline, candidate = shop(rng), shop(rng, "POST /cart", 90.0)
    rps = np.array(candidate.columns["rps"])
    rps[100:130] *= 0.2
    candidate = replace(candidate, columns={**candidate.columns, "rps": tuple(rps.tolist())})
    answer = compare(baseline, candidate, ComparisonContext(design="concurrent"))
    assert answer.verdict == "inconclusive"
    assert answer.decided_by is None
    (reason,) = [reason for reason in answer.reasons if reason.startswith("POST /cart regressed")]
    assert reason.endswith("by itself, which is no verdict here.")
    assert "whatever the total says" not in reason

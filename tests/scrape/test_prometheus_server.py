"""PromQL queries and the assignment of their answers.

Real servers are in tests/integration.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tputtui.discovery import discovery_reference
from tputtui.model import Match, ServerQuery, Target
from tputtui.scrape.prometheus.api import base_url
from tputtui.scrape.prometheus.job_discovery import ServerJob
from tputtui.scrape.prometheus.job_targets import JobTarget, build_expressions, group_by_job
from tputtui.scrape.prometheus.queries import (
    MAX_QUESTIONS_PER_QUERY,
    PlannedQuery,
    expression,
    join_queries,
    match_jobs,
    quote_string,
    selector,
)

DISCOVERY = Path(__file__).resolve().parents[2] / "docs" / "discovery.md"


@pytest.mark.parametrize(
    "typed",
    [
        *(
            "http://h:9090",
            "http://h:9090/",
            "http://h:9090/metrics",
            "http://h:9090/graph?g0.expr=up",
        ),
        *("http://h:9090/api/v1", "http://h:9090/api/v1/query", "http://h:9090/query?x=1"),
    ],
)
def test_an_address_copied_from_a_browser_is_reduced_to_the_server(typed: str) -> None:
    assert base_url(typed) == "http://h:9090"
    assert base_url("http://h/select/0/prometheus/") == "http://h/select/0/prometheus"


def test_a_value_cannot_break_out_of_its_string() -> None:
    assert quote_string('a"} or vector(1) #\\\n') == '"a\\"} or vector(1) #\\\\\\n"'


def test_a_selector_always_has_a_condition() -> None:
    assert selector(()) == '{__name__!=""}'
    assert selector([Match("job", "=", "a")], "up") == 'up{job="a"}'
    assert selector([], "my.metric") == '{__name__="my.metric"}'


def test_jobs_are_taken_literally() -> None:
    assert match_jobs(["a.b"]) == Match("job", "=", "a.b")
    assert match_jobs(["a.b", "c|d(e)"]) == Match("job", "=~", "a\\.b|c\\|d\\(e\\)")


def asked(how: str, *labels: str) -> str:
    question = ServerQuery("x_total", how, frozenset(labels))  # type: ignore[arg-type]
    return expression(PlannedQuery(question, ("a",), 12.5), [Match("env", "=", "prod")])


def test_the_server_adds_up() -> None:
    labels_end = ',"tputtui_family","x_total","","")'
    selector = 'x_total{env="prod",job="a"}[12500ms]'
    assert (
        asked("rate", "le", "job")
        == f"label_replace(sum by (job,le) (rate({selector})){labels_end}"
    )
    assert asked("sum") == f"label_replace(sum by (job) (last_over_time({selector})){labels_end}"
    assert (
        asked("max", "quantile")
        == f"label_replace(max by (job,quantile) (last_over_time({selector})){labels_end}"
    )
    assert (
        asked("limit")
        == f"label_replace(sum by (job) ((last_over_time({selector}) > 0) < Inf){labels_end}"
    )
    assert "bad label" not in asked("rate", "bad label")


def part(job: str, *questions: ServerQuery, scrape_s: float = 1.0) -> JobTarget:
    return JobTarget(
        Target(job, ""), ServerJob(job, {}, measured_scrape_s=scrape_s), questions=questions
    )


def test_jobs_with_the_same_queries_share_an_expression() -> None:
    question = ServerQuery("x_total", "rate", frozenset(("code",)))
    other = ServerQuery("x_total", "rate", frozenset(("route",)))
    expressions = build_expressions(
        [part("a", question), part("b", other), part("c", question, scrape_s=30)], (), 10.0
    )[2:]
    assert len(expressions) == 2  # the slow one needs another span
    assert 'sum by (job,code,route) (rate(x_total{job=~"a|b"}[10000ms]))' in expressions[0]
    assert 'sum by (job,code) (rate(x_total{job="c"}[120000ms]))' in expressions[1]


def test_many_expressions_are_few_queries() -> None:
    expressions = join_queries(["e"] * (2 * MAX_QUESTIONS_PER_QUERY + 1))
    assert [query.count("e") for query in expressions] == [
        MAX_QUESTIONS_PER_QUERY,
        MAX_QUESTIONS_PER_QUERY,
        1,
    ]


def test_answers_go_to_their_job_and_series_stay_the_same_object() -> None:
    parts = {"a": part("a"), "": part("")}
    answer = [
        ({"job": "a", "tputtui_family": "x_total", "code": "200"}, 3.0),
        ({"tputtui_family": "x_total"}, 4.0),
        ({"job": "unknown", "tputtui_family": "x_total"}, 5.0),
        ({"job": "a", "tputtui_family": ":up"}, 1.0),
        ({"job": "a", "tputtui_family": ":all"}, 2.0),
    ]
    first, again = group_by_job(parts, answer), group_by_job(parts, answer)
    assert {series.key: value for series, value in first["a"][0].items()} == {
        ("x_total", (("code", "200"),)): 3.0
    }
    assert first["a"][1:] == (1.0, 2.0)
    assert list(first[""][0].values()) == [4.0]
    assert list(first["a"][0]) == list(again["a"][0])


def test_the_page_on_discovery_is_the_one_that_make_docs_writes() -> None:
    assert DISCOVERY.read_text(encoding="utf-8") == discovery_reference.page()

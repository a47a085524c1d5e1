"""The same comparison in every format; foreign text stays text in each."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pytest
from simulated import Service, run

from tputtui.experiments.context import Context
from tputtui.experiments.outcome import Comparison
from tputtui.experiments.plan import Experiment
from tputtui.experiments.report.document import document
from tputtui.experiments.report.html import html
from tputtui.experiments.report.markdown import markdown
from tputtui.experiments.report.record import Record
from tputtui.experiments.report.text import text
from tputtui.experiments.rows import Rows
from tputtui.experiments.statistics.compare import compare

HOSTILE = "<script>alert(1)</script>|*x*"


@pytest.fixture(scope="module")
def case() -> tuple[Comparison, Record]:
    rng = np.random.default_rng(6)
    service = Service(phi=0.3, cv=0.04)
    a, b = run(rng, 300, service), run(rng, 300, service, effect=0.1, p99_effect=0.5)
    context = Context(design="concurrent", env_a={HOSTILE: "1"}, env_b={HOSTILE: HOSTILE})
    plan = Experiment({"hypothesis": f"It is faster {HOSTILE}", "decision": "revert", "decided_by": "us"})
    record = Record({"baseline": HOSTILE, "candidate": "b.csv"}, plan, (a, b), (context.env_a, context.env_b))
    return compare(a, b, context), record


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "line", "rect", "polyline", "circle", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_one_closed_file_without_scripts_links_or_foreign_markup(case: tuple[Comparison, Record]) -> None:
    answer, record = case
    written = html(answer, record, document(answer, 10, record))
    page = _Page()
    page.feed(written)
    assert page.open == []
    assert page.links == []
    assert "script" not in page.tags
    assert {"svg", "table", "details"} <= page.tags
    assert "prefers-color-scheme" in written
    assert "@media print" in written
    assert "http" not in written
    assert written.count("<polyline") >= 6  # three charts of two arms


@pytest.mark.parametrize("write", [text, markdown])
def test_text_and_markdown_hold_verdict_effect_interval_and_reason(
    case: tuple[Comparison, Record], write: object
) -> None:
    written = (text if write is text else markdown)(*case)
    first = written.splitlines()[0]
    assert "regressed: p99 +" in first
    for words in ("It is faster", "trade-off", "throughput", "95 % interval", "revert, by us"):
        assert words in written


def test_markdown_escapes_what_would_be_markup(case: tuple[Comparison, Record]) -> None:
    written = markdown(*case)
    prose = [line for line in written.splitlines() if "`" not in line]
    assert not any("<script>" in line for line in prose)
    tables = [line for line in written.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {8}


def test_text_fits_the_width_of_a_terminal(case: tuple[Comparison, Record]) -> None:
    assert max(map(len, text(*case).splitlines())) <= 120


def test_json_never_holds_what_json_has_not(case: tuple[Comparison, Record]) -> None:
    answer, record = case
    json.loads(json.dumps(document(answer, 10, record), allow_nan=False))


def test_a_gap_is_a_break_in_the_line_and_an_empty_column_no_chart() -> None:
    from tputtui.experiments.report.charts import over_time

    t = (*range(50), *range(100, 150))
    rows = Rows("a", tuple(map(float, t)), {"rps": tuple(float(10 + at % 3) for at in t)})
    assert over_time((rows, rows), "rps", "Throughput", "req/s").count("<polyline") == 4
    assert over_time((rows, rows), "p99", "p99", "ms") == ""

"""One comparison in every format; foreign text stays text in each."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from simulated_runs import Service, run

from tputtui.cli import main
from tputtui.experiments.comparison_context import ComparisonContext
from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.plan import ExperimentPlan
from tputtui.experiments.result import Interval, MetricResult, RouteResult, Stratum
from tputtui.experiments.result_log import LoggedResult
from tputtui.experiments.statistics.comparison import compare
from tputtui.report import FORMATS, ReportFormat
from tputtui.report.comparison_document import build_document
from tputtui.report.document import Medium
from tputtui.report.html_report import read_style, render_html
from tputtui.report.json_report import build_json
from tputtui.report.markdown_report import render_markdown
from tputtui.report.report_input import (
    ComparisonReport,
    ReportInput,
    ResourceComparison,
    ResourceUse,
)
from tputtui.report.text_report import render_text

HOSTILE = "<script>alert(1)</script>|*x*"


@pytest.fixture(scope="module")
def case() -> ComparisonReport:
    rng = np.random.default_rng(6)
    service = Service(phi=0.3, cv=0.04)
    a, b = run(rng, 300, service), run(rng, 300, service, effect=0.1, p99_effect=0.5)
    context = ComparisonContext(
        design="concurrent", baseline_env={HOSTILE: "1"}, candidate_env={HOSTILE: HOSTILE}
    )
    plan = ExperimentPlan(
        {"hypothesis": f"It is faster {HOSTILE}", "decision": "revert", "decided_by": "us"}
    )
    record = ReportInput(
        {"baseline": HOSTILE, "candidate": "b.csv"},
        plan,
        (a, b),
        (context.baseline_env, context.candidate_env),
    )
    return ComparisonReport(compare(a, b, context), record, 10)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.captions = 0
        self.unnamed: list[str] = []  # headings without a scope, charts without a name

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        attributes = dict(attrs)
        if (tag == "th" and "scope" not in attributes) or (
            tag == "svg" and not {"aria-label", "viewbox"} <= attributes.keys()
        ):
            self.unnamed.append(tag)
        if tag not in ("meta", "line", "rect", "polyline", "circle", "link", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "caption":
            assert self.open[-1] == "table"
            self.captions += 1


def test_html_is_one_closed_file_without_scripts_links_or_foreign_markup(
    case: ComparisonReport,
) -> None:
    written = render_html(case)
    page = _Page()
    page.feed(written)
    assert page.open == []
    assert page.links == []
    assert "script" not in page.tags
    assert {"svg", "table", "details"} <= page.tags
    assert page.unnamed == []
    assert page.captions == written.count("<table>") >= 2
    assert "prefers-color-scheme" in written
    assert "@media print" in written
    assert "http" not in written
    assert written.count("<polyline") >= 6  # three charts of two arms


@pytest.mark.parametrize("name", ["text", "markdown"])
def test_text_and_markdown_hold_verdict_effect_interval_and_reason(
    case: ComparisonReport, name: str
) -> None:
    written = FORMATS[name].render(case)
    first = written.splitlines()[0]
    assert "regressed: p99 +" in first
    for fragment in ("It is faster", "trade-off", "throughput", "95 % interval", "revert, by us"):
        assert fragment in written


def test_markdown_escapes_what_would_be_markup(case: ComparisonReport) -> None:
    written = render_markdown(case)
    prose = [line for line in written.splitlines() if "`" not in line]
    assert not any("<script>" in line for line in prose)
    tables = [line for line in written.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in tables} == {8}


def test_text_fits_the_width_of_a_terminal(case: ComparisonReport) -> None:
    assert max(map(len, render_text(case).splitlines())) <= 80


def test_json_never_holds_nan_or_infinity(case: ComparisonReport) -> None:
    json.loads(json.dumps(build_json(case), allow_nan=False))


def test_a_gap_is_a_break_in_the_line_and_an_empty_column_no_chart() -> None:
    from tputtui.report.svg_charts import render_time_chart

    t = (*range(50), *range(100, 150))
    rows = MetricRows("a", tuple(map(float, t)), {"rps": tuple(float(10 + at % 3) for at in t)})
    assert render_time_chart((rows, rows), "rps", "Throughput", "req/s").count("<polyline") == 4
    assert render_time_chart((rows, rows), "p99", "p99", "ms") == ""


def _luminance(colour: str) -> float:
    """Return the relative luminance of #rgb or #rrggbb, by WCAG 2."""
    digits = colour.removeprefix("#")
    wide = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(wide[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_text_colour_is_legible_in_light_in_dark_and_on_paper() -> None:
    themes = re.findall(r":root\{(.*?)\}", read_style(), re.DOTALL)
    assert len(themes) == 3
    for theme in themes:
        colours = dict(re.findall(r"--(\w+):(#\w+)", theme))
        for name in ("fg", "dim", "a", "b", "good", "bad", "warn"):
            light, dark = sorted(
                (_luminance(colours[name]), _luminance(colours["bg"])), reverse=True
            )
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (name, theme)


def test_the_axis_has_round_values_up_to_the_highest() -> None:
    from tputtui.report.svg_charts import _ticks

    assert _ticks(117.3) == [0, 50, 100, 150]
    assert _ticks(3.4) == [0, 1, 2, 3, 4]
    assert _ticks(0.0) == [0, 1]
    for highest in (0.0013, 0.9, 7.0, 80.0, 99.9, 740.6, 1e7):
        ticks = _ticks(highest)
        assert 3 <= len(ticks) <= 6
        assert highest <= ticks[-1] <= 1.7 * highest


@pytest.fixture(scope="module")
def full_report() -> ComparisonReport:
    """Create a comparison with everything that a report can contain."""
    rng = np.random.default_rng(7)
    service = Service(phi=0.3, cv=0.04, rate=500.0)
    a, b = run(rng, 120, service), run(rng, 120, service, p99_effect=-0.4)
    answer = compare(a, b, ComparisonContext(design="concurrent", primary="p99"))
    tail = MetricResult("p99", 80.0, 60.0, -0.25, Interval(-0.3, -0.2), 0.01, 50.0, 0.1, "improved")
    counted = MetricResult(
        "error_ratio", 0.0, 0.01, 0.01, Interval(0.002, 0.018), 0.03, None, 0.001, "inconclusive"
    )
    level = Stratum("load 30", 120.0, -0.0001, None, -0.000001, "improved", "level", (tail,))
    strata = level, replace(level, name="replica stopped", kind="outage")
    few = MetricResult(
        "p90", margin=0.1, reason="only 8 requests are slower than it: 20 are needed"
    )
    answer = replace(
        answer,
        metrics=(*answer.metrics, few),
        strata=strata,
        heterogeneity_p=0.4,
        routes=(RouteResult("GET /x", 0.4, 0.6, (tail, counted), "improved"),),
    )
    plan = ExperimentPlan(
        {"title": "Pool", "owner": "ann", "decision": "ship", "decided_on": "2026-11-26"}
    )
    environment = {"cpus": "4", "hardware": "a CPU", "mem_gb": 16}
    record = ReportInput(
        {"baseline": "a", "candidate": "b"},
        plan,
        (a, b),
        (environment, environment),
        ({"offered_rps": 30}, {"offered_rps": 40}),
        (
            ResourceComparison("pool", ResourceUse(0.5, 1.0, 2.0), ResourceUse(0.4, 0.9, None)),
            ResourceComparison("idle", ResourceUse(0.0, 0.0, 0.0), ResourceUse()),
        ),
        ("pool", "cpu"),
        ("run:1", "run:2"),
        ("h1", "h2"),
        ("Each arm was to run 5 min.",),
        (LoggedResult(datetime(2026, 11, 25, tzinfo=UTC), "inconclusive", "p99 +1.0 %"),),
    )
    return ComparisonReport(answer, record, 0)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_names_the_verdict_its_figure_and_the_decision(
    full_report: ComparisonReport, name: str
) -> None:
    written = FORMATS[name].render(full_report)
    assert not written.endswith("\n")
    for text in ("improved", "inconclusive", "ship", "Each arm was to run 5 min."):
        assert text in written.replace("\\", ""), text


def test_a_format_is_one_entry_in_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def render_headline(report: ComparisonReport) -> str:
        return f"{build_document(report).headline} ({report.exit_code})"

    monkeypatch.setitem(FORMATS, "headline", ReportFormat("headline", render_headline))
    lines = ["t,rps", *(f"{second},{100 + second % 3}" for second in range(120))]
    side = tmp_path / "side.csv"
    side.write_text("\n".join(lines))
    code = main(["compare", str(side), str(side), "--format", "headline"])
    printed = capsys.readouterr().out
    assert printed.endswith(f" ({code})\n")
    assert printed.count("\n") == 1


def headings_of(report: ComparisonReport, *media: Medium) -> list[str]:
    sections = build_document(report).sections
    return [section.heading for section in sections if section.heading and section.medium in media]


def test_text_and_markdown_have_the_same_sections_in_the_same_order(
    full_report: ComparisonReport,
) -> None:
    headings = headings_of(full_report, "any", "lines")
    assert {"Why", "Not as planned", "Routes", "Strata", "Saturation", "Decision"} <= {*headings}
    for name in ("text", "markdown"):
        lines = (
            FORMATS[name].render(full_report).lower().replace("#", "").replace("*", "").splitlines()
        )
        starts = [line.strip() for line in lines]
        shown = [heading.lower() for heading in headings if heading != "Results"]  # needs none
        positions = [
            next(at for at, line in enumerate(starts) if line.startswith(heading))
            for heading in shown
        ]
        assert positions == sorted(positions), name


def test_html_has_a_heading_for_each_section_of_a_page_and_no_other(
    full_report: ComparisonReport,
) -> None:
    shown = re.findall(r"<h2>(.*?)</h2>", FORMATS["html"].render(full_report))
    assert shown == headings_of(full_report, "any", "page")
    assert {"Over time", "Environments"} <= {*shown}


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_every_format_reports_strata_saturation_load_plan_and_deviations(
    full_report: ComparisonReport, form: str
) -> None:
    written = FORMATS[form].render(full_report)
    visible = " ".join(written.replace("\\", "").split())
    for fragment in (
        "replica stopped", "-25.0 %", "+0.0 %", "+0.00 pp", "Cochran",  # the strata
        "pool", "50 %", "pool / cpu",  # the saturation
        "offered_rps 30", "offered_rps 40", "4 CPUs", "16 GB",  # the load and the machine
        "h1, h2", "Each arm was to run 5 min.", "inconclusive, p99 +1.0 %", "ship, 2026-11-26",
        "p90 is not judged: only 8 requests are slower than it: 20 are needed",
        "GET /x", "40 → 60 %", "+1.000 pp",  # a route, and its errors, because they changed
    ):  # fmt: skip
        assert fragment in visible, fragment
    assert "-0.0 %" not in visible.replace("-0.0 % [", "")
    assert ("idle" in visible) == (form == "html")  # among the raw figures
    assert (
        " ms" in written.split("CPU/request")[1][:120] or form == "html"
    )  # a time, where the cores are known


def test_json_holds_the_plan_the_load_and_every_stratums_metrics(
    full_report: ComparisonReport,
) -> None:
    document = json.loads(FORMATS["json"].render(full_report))
    assert document["experiment"]["owner"] == "ann"
    assert document["workload"] == {
        "baseline": {"offered_rps": 30},
        "candidate": {"offered_rps": 40},
    }
    assert document["workload_digest"]["baseline"] != document["workload_digest"]["candidate"]
    assert document["saturation"][0]["candidate"] == {"mean": 0.4, "highest": 0.9, "waiting": None}
    assert (document["ids"]["candidate"], document["history"]) == ("run:2", ["h1", "h2"])
    assert [stratum["kind"] for stratum in document["strata"]] == ["level", "outage"]
    assert document["strata"][0]["metrics"][0]["effect_percent"] == -25
    assert document["deviations"] == ["Each arm was to run 5 min."]

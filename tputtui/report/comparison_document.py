"""Content of a comparison's report, in order: the same for text, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tputtui.experiments import formatting
from tputtui.experiments.result import Comparison
from tputtui.report import report_tables
from tputtui.report.document import (
    Block,
    Document,
    Effect,
    EffectPlot,
    Fact,
    FactList,
    FlameGraph,
    Medium,
    Paragraph,
    ReportTable,
    Section,
    Sentences,
    TableGroup,
    TimeCharts,
)
from tputtui.report.report_input import ComparisonReport, ReportInput


def build_document(report: ComparisonReport) -> Document:
    """Build the document of a comparison."""
    comparison = report.comparison
    return Document(
        formatting.format_headline(comparison),
        comparison.verdict,
        formatting.MEANINGS[comparison.verdict],
        tuple(_sections(comparison, report.report_input)),
    )


def _sections(comparison: Comparison, report_input: ReportInput) -> Iterator[Section]:
    yield from _sentences("Why", comparison.reasons)
    yield Section("", (_facts(comparison, report_input),))
    differences = [formatting.describe_difference(each) for each in comparison.differences]
    # A page has the table of environments instead
    yield from _sentences("What differs", differences, "lines")
    yield from _sentences("Not as planned", report_input.deviations)
    yield from _figures(comparison, report_input)
    yield from _profiles(report_input)
    environments = report_tables.environments_table(comparison, report_input)
    if environments.rows:
        yield Section(environments.caption, (environments,), "page")
    results = [formatting.describe_earlier_result(each) for each in report_input.earlier_results]
    yield from _sentences("Earlier results", results)
    yield from _sentences("Next", comparison.advice)
    if report_input.decision:
        yield Section("Decision", (Paragraph(report_input.decision),))


def _figures(comparison: Comparison, report_input: ReportInput) -> Iterator[Section]:
    if comparison.metrics:
        results = report_tables.metrics_table(
            comparison.metrics, comparison.primary, report_input.cores
        )
        yield Section(results.caption, (_metrics_plot(comparison), results))
    if report_input.rows is not None:
        yield Section("Over time", (TimeCharts(report_input.rows),), "page")
    yield from _table(report_tables.routes_table(comparison))
    yield from _table(report_tables.strata_table(comparison), _strata_plot(comparison))
    if comparison.routes:
        tables = tuple(
            replace(
                report_tables.metrics_table(route.metrics, "", (None, None)), caption=route.name
            )
            for route in comparison.routes
        )
        yield Section("", (TableGroup("Every figure of every route", tables),), "page")
    yield from _table(report_tables.saturation_table(report_input))


def _profiles(report_input: ReportInput) -> Iterator[Section]:
    yield from _sentences("What the profiles say", report_input.profile_changes)
    if report_input.flame_graph:
        graph = FlameGraph(report_input.flame_graph)
        yield Section("Where the time goes: the difference", (graph,), "page")


def _sentences(heading: str, sentences: Sequence[str], medium: Medium = "any") -> Iterator[Section]:
    if sentences:
        yield Section(heading, (Sentences(tuple(sentences)),), medium)


def _table(table: ReportTable, *more: Block) -> Iterator[Section]:
    if table.rows:
        yield Section(table.caption, (table, *more))


def _facts(comparison: Comparison, report_input: ReportInput) -> FactList:
    """Return what was planned, what was compared, where and under which load."""
    prose = [Fact(heading, text, "prose") for heading, text in report_input.sections()]
    facts = [
        Fact(heading, text, "side" if heading.lower() in report_input.sides else "figure")
        for heading, text in report_tables.comparison_facts(comparison, report_input)
    ]
    return FactList((*prose, *facts))


def _metrics_plot(comparison: Comparison) -> EffectPlot:
    effects = tuple(
        Effect(formatting.describe_metric(metric), metric, metric.verdict)
        for metric in comparison.metrics
    )
    return EffectPlot(effects, "effects in units of their margins", "shaded: within the margin")


def _strata_plot(comparison: Comparison) -> EffectPlot:
    """Return the effect on the deciding metric in each stratum; one stratum makes no plot."""
    metric_name = comparison.strata_metric or comparison.primary
    effects = []
    for stratum in comparison.strata:
        metric = stratum.metric(metric_name)
        if metric is not None:
            effects.append(Effect(stratum.name, metric, stratum.verdict))
    name = formatting.METRIC_WORDS.get(metric_name, metric_name)
    return EffectPlot(
        tuple(effects) if len(effects) > 1 else (),
        f"{name} in each stratum",
        f"{name}; shaded: within the margin",
    )

"""Document of a report: its content as values, which each format renders in its own way."""

from __future__ import annotations

from typing import Literal

from tputtui.experiments.metric_rows import MetricRows
from tputtui.experiments.result import MetricResult, Verdict
from tputtui.frozen import frozen

Medium = Literal["any", "page", "lines"]
"""Place of a section: "page" has room for charts and wide tables, "lines" has not."""


@frozen
class Fact:
    """Heading with its text in one line.

    "prose" was written by people, "side" is the name of an arm as typed, "figure" all else.
    """

    heading: str
    text: str
    kind: Literal["prose", "side", "figure"] = "figure"


@frozen
class FactList:
    """Facts, the prose first."""

    facts: tuple[Fact, ...]


@frozen
class Sentences:
    """List of sentences."""

    sentences: tuple[str, ...]


@frozen
class Paragraph:
    """Text of a sentence or two."""

    text: str


@frozen
class TableRow:
    """One row of a table. `verdict` colours its last cell."""

    cells: tuple[str, ...]
    verdict: Verdict | None = None
    is_primary: bool = False
    is_guardrail: bool = True  # else it is informational


@frozen
class ReportTable:
    """Cells under their headings.

    `text_columns`: columns of text, aligned left; all others are figures.
    """

    caption: str
    headings: tuple[str, ...]
    rows: tuple[TableRow, ...]
    text_columns: frozenset[int]
    wide_only_columns: frozenset[int] = frozenset()  # columns omitted on a terminal of 80 columns
    note: str = ""
    missing_note: str = ""  # which rows are missing, and why
    # Table of metrics: its note repeats the margins for formats that omit their column
    is_of_metrics: bool = False


@frozen
class TableGroup:
    """Tables that a page shows on demand."""

    summary: str
    tables: tuple[ReportTable, ...]


@frozen
class Effect:
    """Named effect of a plot."""

    name: str
    metric: MetricResult
    verdict: Verdict | None


@frozen
class EffectPlot:
    """Effects in units of their own margins, with a band for the negligible range."""

    effects: tuple[Effect, ...]
    label: str  # for screen readers
    caption: str


@frozen
class TimeCharts:
    """Both arms' figures over time, a chart for each column that either arm has."""

    rows: tuple[MetricRows, MetricRows]


@frozen
class FlameGraph:
    """Differential flame graph as SVG, from this program's renderer."""

    svg: str


Block = (
    FactList
    | Sentences
    | Paragraph
    | ReportTable
    | TableGroup
    | EffectPlot
    | TimeCharts
    | FlameGraph
)


@frozen
class Section:
    """Blocks under a heading, or without one.

    A renderer leaves out the blocks that its format cannot show, and a section without any.
    """

    heading: str
    blocks: tuple[Block, ...]
    medium: Medium = "any"


@frozen
class Document:
    """Whole report: a headline, the meaning of its verdict, and sections."""

    headline: str
    verdict: Verdict
    meaning: str
    sections: tuple[Section, ...]

"""Write questions as PromQL, so that the server aggregates, and join many into one query.

The results of several families are joined by `or` in one answer. Set operators consider all labels
but the metric's name, so each family is marked by an additional label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.model import Match, ServerQuery

FAMILY_LABEL = "tputtui_family"
"""Label that marks which question a series of an answer belongs to."""

JOB_LABEL = "job"
MAX_QUESTIONS_PER_QUERY = 40  # questions: servers limit the length of a query, and its depth

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


@frozen
class PlannedQuery:
    """Question, with the jobs it is for and the seconds over which rates are taken."""

    question: ServerQuery
    jobs: tuple[str, ...]
    range_s: float

    def add_job(self, question: ServerQuery, job: str) -> PlannedQuery:
        """Return the same question for one more job, which may keep other labels."""
        both = replace(self.question, labels=self.question.labels | question.labels)
        return replace(self, question=both, jobs=(*self.jobs, job))


def quote_string(text: str) -> str:
    """Quote a string literal."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    )
    return f'"{escaped}"'


def selector(matches: Iterable[Match], name: str | None = None) -> str:
    """Format `name{label="value"}`; without any condition, one that servers accept is added."""
    if name is None:
        return f"{{{format_conditions((*matches, Match('__name__', '!=', '')))}}}"
    if _NAME.fullmatch(name) is None:
        return f"{{{format_conditions((Match('__name__', '=', name), *matches))}}}"
    return f"{name}{{{format_conditions(matches)}}}"


def format_conditions(matches: Iterable[Match]) -> str:
    """Format the conditions between a selector's braces."""
    return ",".join(f"{match.label}{match.op}{quote_string(match.value)}" for match in matches)


def match_jobs(jobs: Sequence[str]) -> Match:
    """Return the condition that a series is of one of these jobs."""
    return match_any(JOB_LABEL, jobs)


def match_any(label: str, values: Sequence[str]) -> Match:
    """Return the condition that a label has one of these values."""
    if len(values) == 1:
        return Match(label, "=", values[0])
    return Match(label, "=~", "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in values))


def label_family(expression: str, family: str) -> str:
    """Wrap an expression so that its results are marked by their question."""
    replacement = quote_string(family.replace("$", "$$"))
    return f'label_replace({expression},"{FAMILY_LABEL}",{replacement},"","")'


def expression(planned_query: PlannedQuery, matches: Sequence[Match]) -> str:
    """Write one question as an expression, by job."""
    question = planned_query.question
    labels = sorted(label for label in question.labels - {JOB_LABEL} if _LABEL.fullmatch(label))
    by = ",".join((JOB_LABEL, *labels))
    series = selector((*matches, match_jobs(planned_query.jobs)), question.name)
    window = f"[{round(planned_query.range_s * 1000)}ms]"
    if question.how == "rate":
        inner = f"sum by ({by}) (rate({series}{window}))"
    elif question.how == "max":
        inner = f"max by ({by}) (last_over_time({series}{window}))"
    elif question.how == "limit":  # 0, -1 and Inf stand for "no limit"
        inner = f"sum by ({by}) ((last_over_time({series}{window}) > 0) < Inf)"
    else:
        inner = f"sum by ({by}) (last_over_time({series}{window}))"
    return label_family(inner, question.name)


def join_queries(expressions: Sequence[str]) -> list[str]:
    """Join the expressions to as few queries as servers accept."""
    return [
        " or ".join(expressions[begin : begin + MAX_QUESTIONS_PER_QUERY])
        for begin in range(0, len(expressions), MAX_QUESTIONS_PER_QUERY)
    ]

"""Results of an experiment, as tables appended to its file without rewriting the rest."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from tputtui.experiments.plan import RESULTS_KEY
from tputtui.experiments.result import VERDICTS, Comparison, Verdict
from tputtui.frozen import frozen
from tputtui.text import clean

_MAX_RESULTS: Final = 500  # maximum results read from a file


@frozen
class LoggedResult:
    """Result of one comparison, as stored in the experiment's file."""

    date: datetime
    verdict: Verdict
    figure: str = ""  # the deciding metric, with its interval
    is_verified: bool = False
    # Identities of the candidates: "run:0123456789abcdef", "sha256:..."
    candidates: tuple[str, ...] = ()

    @property
    def verdict_text(self) -> str:
        """Verdict as text: "improved, verified"."""
        return self.verdict.replace("_", " ") + (", verified" if self.is_verified else "")


def format_entry(
    comparison: Comparison,
    date: datetime,
    figure: str,
    sides: Mapping[str, str],
    identities: Mapping[str, Sequence[str]],
    figures: Sequence[str],
    strata: Sequence[str],
    deviations: Sequence[str],
) -> str:
    """Format the table to append.

    `identities`: "baselines", "candidates" and "history" -> their identities.
    """
    values: dict[str, object] = {
        "date": date,
        "verdict": comparison.verdict,
        "verified": "verified" in comparison.flags,
        "figure": figure,
        "design": comparison.design,
        "primary": comparison.primary,
        **sides,
        **{name: list(each) for name, each in identities.items() if each},
        "figures": list(figures),
        "strata": list(strata),
        "flags": list(comparison.flags),
        "reasons": list(comparison.reasons),
        "deviations": list(deviations),
    }
    return "".join(
        [
            "\n",
            f"[[{RESULTS_KEY}]]\n",
            *(f"{key} = {_format_toml(value)}\n" for key, value in values.items()),
        ]
    )


def parse_results(text: str) -> list[LoggedResult]:
    """Parse the results in an experiment's file, in order; foreign entries are ignored.

    Never raises.
    """
    try:
        tables = tomllib.loads(text).get(RESULTS_KEY, [])
    except (tomllib.TOMLDecodeError, RecursionError):
        return []
    if not isinstance(tables, list):
        return []
    results = (_parse_result(table) for table in tables[:_MAX_RESULTS])
    return [result for result in results if result is not None]


def _parse_result(table: object) -> LoggedResult | None:
    """Parse one entry; None if it is not written by tputtui."""
    if not isinstance(table, dict):
        return None
    date, verdict = table.get("date"), table.get("verdict")
    if not isinstance(date, datetime) or date.tzinfo is None or verdict not in VERDICTS:
        return None
    names, figure = table.get("candidates"), table.get("figure")
    candidates: tuple[str, ...] = ()
    if isinstance(names, list):
        candidates = tuple(name for name in names if isinstance(name, str))
    return LoggedResult(
        date,
        verdict,
        clean(figure, 120) if isinstance(figure, str) else "",
        table.get("verified") is True,
        candidates,
    )


def is_repeated(text: str, new_entry: str) -> bool:
    """Return whether the last result of a file equals the new one apart from its time."""
    _, at, last = text.rpartition(f"[[{RESULTS_KEY}]]\n")
    return bool(at) and _without_date(last) == _without_date(
        new_entry.partition(f"[[{RESULTS_KEY}]]\n")[2]
    )


def _without_date(table: str) -> str:
    return "\n".join(line for line in table.strip().splitlines() if not line.startswith("date = "))


def _format_toml(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, list) and len(value) > 1:
        return _format_toml_lines(value)
    if isinstance(value, list):
        return f"[{''.join(map(_format_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(clean(str(value), 2000), ensure_ascii=False)


def _format_toml_lines(values: Sequence[object]) -> str:
    return "[\n" + "".join(f"  {_format_toml(value)},\n" for value in values) + "]"

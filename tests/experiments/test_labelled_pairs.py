"""Share of defensible, dangerous and timid verdicts on the labelled pairs beside the checkout."""

from __future__ import annotations

import json
from typing import Any

from external_resources import shared

from tputtui.experiments.comparison_context import parse_context
from tputtui.experiments.metric_rows import MetricRows, parse_csv
from tputtui.experiments.statistics.comparison import compare


def _side(name: str) -> MetricRows:
    return parse_csv(shared(f"ab_cases/{name}").read_text(), name)


def _is_dangerous(verdict: str, truth: dict[str, Any]) -> bool:
    if verdict in truth["acceptable"]:
        return False
    return verdict in ("improved", "regressed") or (
        verdict == "equivalent" and truth["real_difference"]
    )


def test_verdicts_on_labelled_pairs_are_acceptable_and_rarely_dangerous(
    record_property: Any,
) -> None:
    cases = json.loads(shared("ab_cases/cases.json").read_text())
    truths = {truth["id"]: truth for truth in json.loads(shared("ab_cases/truth.json").read_text())}
    verdicts = {
        case["id"]: compare(
            _side(case["file_a"]), _side(case["file_b"]), parse_context(case)
        ).verdict
        for case in cases
    }
    acceptable = [name for name, word in verdicts.items() if word in truths[name]["acceptable"]]
    dangerous = [name for name, word in verdicts.items() if _is_dangerous(word, truths[name])]
    must = [name for name in verdicts if "inconclusive" not in truths[name]["acceptable"]]
    called = [name for name in must if name in acceptable]
    score = (
        f"{len(cases)} pairs: acceptable {len(acceptable) / len(cases):.0%}, dangerous {len(dangerous)}, "
        f"must-call {len(called)} of {len(must)}"
    )
    print(score)
    record_property("score", score)
    for name in verdicts.keys() - set(acceptable):
        print(
            f"  {name} {truths[name]['name']}: {verdicts[name]}, acceptable {truths[name]['acceptable']}"
        )
    assert len(cases) >= 60
    assert len(acceptable) >= 0.93 * len(cases)
    assert len(dangerous) <= 0.04 * len(cases)
    assert len(called) >= 0.90 * len(must)

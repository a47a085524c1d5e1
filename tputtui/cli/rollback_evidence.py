"""Evidence of `record --abort`: one JSON object on stdout."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from tputtui.cli.output import OutputError, print_stdout
from tputtui.experiments.guard_arm import FAST_PAIR, ArmEvidence
from tputtui.experiments.guardrail import RollbackDecision
from tputtui.text import clean

SCHEMA: Final = 1
_EVIDENCE_KEYS: Final = (
    "schema", "ok", "aborted", "reason", "trigger", "objective", "service", "value", "threshold",
    "since", "for_s", "burn_long", "burn_short", "burn_limit", "burn_long_s", "burn_short_s",
    "requests", "requests_s", "looks", "effect", "treatment", "control", "alarms", "run",
)  # fmt: skip
"""Keys of the evidence, in order."""


def print_evidence(
    decision: RollbackDecision | None,
    *,
    is_ok: bool,
    reason: str,
    alarms: Sequence[str],
    path: Path,
) -> None:
    """Print the evidence object on stdout; a closed stdout is ignored."""
    content = evidence_document(decision, is_ok=is_ok, reason=reason, alarms=alarms, path=path)
    with contextlib.suppress(BrokenPipeError, OutputError):
        print_stdout(json.dumps(content, allow_nan=False))


def evidence_document(
    decision: RollbackDecision | None,
    *,
    is_ok: bool,
    reason: str,
    alarms: Sequence[str],
    path: Path,
) -> dict[str, Any]:
    """Build the evidence object.

    It has the same keys whether or not the recording was aborted; keys without a value are null.
    """
    content: dict[str, Any] = dict.fromkeys(_EVIDENCE_KEYS)
    content |= {
        "schema": SCHEMA,
        "ok": is_ok,
        "aborted": decision is not None,
        "reason": reason,
        "burn_limit": FAST_PAIR.min_burn,
        "burn_long_s": FAST_PAIR.long_s,
        "burn_short_s": FAST_PAIR.short_s,
        "alarms": list(alarms),
        "run": clean(str(path)),
    }
    if decision is not None:
        content |= _decision_fields(decision)
    return content


def _decision_fields(decision: RollbackDecision) -> dict[str, Any]:
    fields = {
        "reason": decision.reason,
        "trigger": decision.trigger,
        "objective": clean(decision.objective),
        "service": clean(decision.treatment.service),
        "value": decision.value,
        "threshold": decision.threshold,
        "since": round(decision.since, 3),
        "for_s": round(decision.for_s, 3),
        "burn_long": decision.treatment.burn_long,
        "burn_short": decision.treatment.burn_short,
        "requests": round(decision.treatment.requests),
        "requests_s": decision.span_s,
        "looks": decision.evaluations,
        "treatment": _arm_document(decision.treatment),
    }
    if decision.effect is not None:
        fields["effect"] = {
            "metric": decision.effect.metric,
            "percent": decision.effect.percent,
            "ci_percent": [decision.effect.low, decision.effect.high],
            "margin_percent": decision.effect.margin,
        }
    if decision.control is not None:
        fields["control"] = _arm_document(decision.control)
    return fields


def _arm_document(evidence: ArmEvidence) -> dict[str, Any]:
    return {
        "service": clean(evidence.service),
        "rps": evidence.rps,
        "value": evidence.value,
        "requests": round(evidence.requests),
        "burn_long": evidence.burn_long,
        "burn_short": evidence.burn_short,
    }

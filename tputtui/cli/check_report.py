"""Report of `tputtui check` on a target, a server or a job: a title and rows below it."""

from __future__ import annotations

from tputtui.frozen import frozen
from tputtui.model import Binding, Bindings
from tputtui.text import UNKNOWN, clean

_MAX_SATURATION_ROWS = 8

Rows = list[tuple[str, str]]


@frozen
class CheckReport:
    """Report on one target, server or job."""

    title: str
    rows: Rows
    failure: str = ""  # its clause in the last line, if it could not be read


def binding_rows(bindings: Bindings) -> Rows:
    """Return a row for each signal: its binding, or why there is none."""
    rows: Rows = []
    for signal, binding in (
        ("traffic", bindings.traffic),
        ("errors", bindings.errors),
        ("latency", bindings.latency),
    ):
        if binding is not None:
            rows.append((signal, _describe_binding(binding)))
        else:
            reason = bindings.reasons.get(signal, "nothing found")
            rows.append((signal, f"{UNKNOWN}  {clean(reason, 200)}"))
    shown = bindings.saturation[:_MAX_SATURATION_ROWS]
    rows += [("saturation", _describe_binding(binding)) for binding in shown]
    if len(bindings.saturation) > len(shown):
        rows.append(("saturation", f"and {len(bindings.saturation) - len(shown)} more"))
    rows += [("further", _describe_binding(binding)) for binding in bindings.signals]
    if bindings.breakdown:
        rows.append(("breakdown", clean(", ".join(bindings.breakdown), 200)))
    return rows


def _describe_binding(binding: Binding) -> str:
    """Describe a binding: `http_requests_total  req/s  labelled by status (code); set in the
    config`.
    """
    parts = [clean(binding.family, 100), binding.kind]
    if binding.unit:
        parts.append(clean(binding.unit, 20))
    if binding.label:
        parts.append(f"by {clean(binding.label, 40)}")
    return f"{'  '.join(parts)}  {clean(binding.reason, 200)}".rstrip()

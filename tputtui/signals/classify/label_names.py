"""Names of labels, looked up in one spelling.

OpenTelemetry writes `http.route`, and Prometheus 3 keeps the dots that earlier versions turned into
underscores: both spellings are one name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tputtui.model import Labels


def normalize(name: str) -> str:
    """Return the spelling with underscores."""
    return name.replace(".", "_")


def find_all(names: Iterable[str], wanted: Sequence[str]) -> list[str]:
    """Return the labels that are among `wanted`, as they are spelled here, in the wanted order."""
    present = {normalize(name): name for name in sorted(names)}
    return [present[name] for name in wanted if name in present]


def find_first(names: Iterable[str], wanted: Sequence[str]) -> str | None:
    """Return the first of `find_all`; None if there is none."""
    return next(iter(find_all(names, wanted)), None)


def resolve(asked: Sequence[str], present: Iterable[str]) -> tuple[str, ...]:
    """Return the labels asked for as they are spelled here; unknown ones as they were asked."""
    spelling = {normalize(name): name for name in sorted(present)}
    known = set(present)
    return tuple(name if name in known else spelling.get(normalize(name), name) for name in asked)


def find_value(labels: Labels, name: str) -> str | None:
    """Return the value of a label in either spelling; None without it."""
    return next((value for label, value in labels if normalize(label) == name), None)

"""The sides of a comparison, as they are named on the command line: tables, and recorded runs."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tputtui.commands import plainfile
from tputtui.commands.arguments import UsageError
from tputtui.experiments.rows import COLUMNS, Rows, RowsError, read_csv, step_of
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.runs.header import Header
    from tputtui.runs.tabulate import Table

_LARGEST = 512 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_PARTS = re.compile(r"(?P<file>.*?\.gz)(?P<span>@(?P<start>.*?)\.\.(?P<end>.*?))?(?P<of>:(?P<service>.+))?")
"""RUN, RUN@MARK..MARK, RUN:SERVICE and both; a side whose file has another suffix is told apart by what is there."""

_ENVIRONMENT: Mapping[str, str] = {
    "cpu": "hardware",
    "cpus": "cpus",
    "kernel": "kernel",
    "virtualisation": "virtualisation",
}
_ALSO = ("host", "governor", "cgroup_cpus", "cgroup_memory_bytes")


@dataclass(frozen=True, slots=True)
class Side:
    """One arm: its rows and what is known of where they come from."""

    rows: Rows
    environment: Mapping[str, object] = field(default_factory=dict)
    absolute: bool = False  # `t` is unix time


def load(word: str) -> Side:
    """The side that `word` names. Raises UsageError with the file and what is wrong with it."""
    path, span, service = _parts(word)
    if path.endswith(".gz"):  # not read whole to find that out: a run may be larger than any table
        return _run(word, path, span or (None, None), service)
    content = _content(path)
    if content[:2] == _GZIP:
        return _run(word, path, (None, None), None)
    try:
        return Side(read_csv(content.decode("utf-8-sig"), clean(word)))
    except UnicodeDecodeError:
        raise UsageError(f"{clean(word)}: it is no text: a side is a CSV table or a recorded run") from None
    except RowsError as error:
        raise UsageError(f"{clean(word)}: {error}") from None


def content_of(path: str) -> bytes:
    """A file's bytes. Raises UsageError."""
    return _content(path)


def _content(path: str) -> bytes:
    try:
        return plainfile.read(path, _LARGEST)[0]
    except plainfile.Unreadable as error:
        raise UsageError(f"{clean(path)}: {error}") from None


def _parts(word: str) -> tuple[str, tuple[str | None, str | None] | None, str | None]:
    """(file, span, service) of a side. A file of just that name is that file."""
    if os.path.exists(word):
        return word, None, None
    found = _PARTS.fullmatch(word)
    if found is None:
        return word, None, None
    span = (found["start"] or None, found["end"] or None) if found["span"] else None
    return found["file"], span, found["service"]


# ------------------------------------------------------------------------------------------------ recorded runs


def _run(word: str, path: str, span: tuple[str | None, str | None], service: str | None) -> Side:
    from tputtui.runs import NotARun, table

    shown = clean(word)
    try:
        found = table(path, service, *span)
    except NotARun as error:
        raise UsageError(f"{shown}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{shown}: {error}") from None
    if service is None and len(found.services) > 1:
        names = clean(", ".join(found.services), 200)
        raise UsageError(f"{shown} holds several services ({names}): name one, as in {clean(path)}:{found.services[0]}")
    return Side(_rows(shown, found), _environment(found.header), absolute=True)


def _rows(name: str, found: Table) -> Rows:
    """The rows that have a rate; times are unix times. Raises UsageError where none has."""
    began = found.header.began_time
    usable = [row for row in found.rows if row.rps is not None and math.isfinite(row.rps) and row.rps >= 0]
    if not usable:
        raise UsageError(f"{name}: no row has a rate")
    columns: dict[str, tuple[float, ...]] = {}
    for column in COLUMNS:
        values = tuple(math.nan if (value := getattr(row, column)) is None else float(value) for row in usable)
        if any(map(math.isfinite, values)):
            columns[column] = values
    t = tuple(began + row.t for row in usable)
    return Rows(name, t, columns, step_of(t), len(found.rows) - len(usable))


def _environment(header: Header) -> dict[str, object]:
    """Where it was taken, in the words of the comparison; what the user said of the load goes with it."""
    told = header.environment
    found: dict[str, object] = {ours: told[name] for name, ours in _ENVIRONMENT.items() if name in told}
    found |= {name: told[name] for name in _ALSO if name in told}
    memory = told.get("memory_bytes", "")
    if memory.isdigit():
        found["mem_gb"] = round(int(memory) / 1e9, 1)
    for target, words in header.builds.items():
        found |= {f"{target} {name}": value for name, value in words.items()}
    return {**found, **header.workload}

"""The sides of a comparison, as they are named on the command line: tables, and recorded runs."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from tputtui.cli import read_file
from tputtui.cli.parser import UsageError
from tputtui.experiments.comparability import HARD
from tputtui.experiments.metric_rows import COLUMNS, BucketRows, MetricRows, MetricRowsError, read_csv, step_of
from tputtui.frozen import frozen
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.profiling.profile_model import Profile
    from tputtui.recording.records import RecordedProfile
    from tputtui.recording.resource_peaks import ResourcePeak
    from tputtui.recording.run_header import RunHeader
    from tputtui.recording.run_table import Densities, RouteRow, RunTable

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


@frozen
class ComparisonSide:
    """One arm: its rows and what is known of where they come from."""

    rows: MetricRows
    environment: Mapping[str, object] = field(default_factory=dict)
    absolute: bool = False  # `t` is unix time
    profiles: tuple[RecordedProfile, ...] = ()  # that a run carries
    identity: str = ""  # the same however the file is called: the run's id, or a table's digest
    experiment: Mapping[str, str] = field(default_factory=dict)  # the plan that a run carries
    workload: Mapping[str, object] = field(default_factory=dict)  # what was said of the load
    resources: tuple[ResourcePeak, ...] = ()  # how near to its limit each was
    first: str = ""  # what was first to saturate most of the time
    hottest: str = ""


def load(word: str) -> ComparisonSide:
    """The side that `word` names. Raises UsageError with the file and what is wrong with it."""
    path, span, service = parts(word)
    if path.endswith(".gz"):  # not read whole to find that out: a run may be larger than any table
        return _run(word, path, span or (None, None), service)
    content = _content(path)
    if content[:2] == _GZIP:
        return _run(word, path, (None, None), None)
    try:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return ComparisonSide(read_csv(content.decode("utf-8-sig"), clean(word)), identity=digest)
    except UnicodeDecodeError:
        raise UsageError(f"{clean(word)}: it is no text: a side is a CSV table or a recorded run") from None
    except MetricRowsError as error:
        raise UsageError(f"{clean(word)}: {error}") from None


def profile_of(side: ComparisonSide) -> Profile | None:
    """The longest profile that a side's run carries; None where it has none that can be read."""
    if not side.profiles:
        return None
    from tputtui.profiling.profile_errors import UnreadableProfileError
    from tputtui.recording import embedded_profiles

    found: list[Profile] = []
    for one in side.profiles:
        with contextlib.suppress(UnreadableProfileError):
            found.append(embedded_profiles.read(one))
    return max(found, key=lambda profile: profile.duration_s, default=None)


def content_of(path: str) -> bytes:
    """A file's bytes. Raises UsageError."""
    return _content(path)


def _content(path: str) -> bytes:
    try:
        return read_file.read(path, _LARGEST)[0]
    except read_file.UnreadableFileError as error:
        raise UsageError(f"{clean(path)}: {error}") from None


def parts(word: str) -> tuple[str, tuple[str | None, str | None] | None, str | None]:
    """(file, span, service) of a side. A file of just that name is that file."""
    if os.path.exists(word):
        return word, None, None
    found = _PARTS.fullmatch(word)
    if found is None:
        return word, None, None
    span = (found["start"] or None, found["end"] or None) if found["span"] else None
    return found["file"], span, found["service"]


# ------------------------------------------------------------------------------------------------ recorded runs


def _run(word: str, path: str, span: tuple[str | None, str | None], service: str | None) -> ComparisonSide:
    from tputtui.recording import NotARunError, table

    shown = clean(word)
    try:
        found = table(path, service, *span)
    except NotARunError as error:
        raise UsageError(f"{shown}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{shown}: {error}") from None
    if service is None and len(found.services) > 1:
        names = clean(", ".join(found.services), 200)
        raise UsageError(f"{shown} holds several services ({names}): name one, as in {clean(path)}:{found.services[0]}")
    header = found.header
    workload = {_field(name): _value(told) for name, told in header.workload.items()}
    return ComparisonSide(
        _rows(shown, found),
        {**_environment(header), **workload},
        absolute=True,
        profiles=found.profiles,
        identity=f"run:{header.run}",
        experiment=header.experiment,
        workload=workload,
        resources=found.resources,
        first=found.summary.first,
        hottest=found.summary.hottest,
    )


def _rows(name: str, found: RunTable) -> MetricRows:
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
    step = step_of(t)
    names = dict.fromkeys(route for row in usable for route in row.routes)
    routes = {route: _route(route, t, step, [row.routes.get(route) for row in usable]) for route in names}
    buckets = _buckets([row.buckets for row in usable], step)
    return MetricRows(name, t, columns, step, len(found.rows) - len(usable), buckets, routes)


def _route(name: str, t: tuple[float, ...], step: float, rows: Sequence[RouteRow | None]) -> MetricRows:
    """A route on its service's time line; a second in which nobody asked for it has no requests, and no latency."""
    columns = {"rps": tuple((row.rps or 0.0) if row is not None else 0.0 for row in rows)}
    for column in ("err_ratio", "p50", "p90", "p99"):
        told = [getattr(row, column) if row is not None else None for row in rows]
        if any(value is not None for value in told):
            columns[column] = tuple(math.nan if value is None else float(value) for value in told)
    return MetricRows(
        name, t, columns, step, 0, _buckets([row.buckets if row is not None else () for row in rows], step)
    )


def _buckets(rows: Sequence[Densities], step: float) -> BucketRows | None:
    """Requests in each bucket and second; None where no row has any."""
    bounds = sorted({bound for row in rows for bound, _ in row})
    if len(bounds) < 2:
        return None
    places = {bound: at for at, bound in enumerate(bounds)}
    if bounds[-1] != math.inf:
        bounds.append(math.inf)
    counts = []
    for row in rows:
        counted = [0.0] * len(bounds)
        for bound, density in row:
            counted[places[bound]] += density * step
        counts.append(tuple(counted))
    return BucketRows(tuple(bounds[:-1]), tuple(counts))


def _environment(header: RunHeader) -> dict[str, object]:
    """Where it was taken, in the words of the comparison."""
    told = header.environment
    found: dict[str, object] = {ours: told[name] for name, ours in _ENVIRONMENT.items() if name in told}
    found |= {name: told[name] for name in _ALSO if name in told}
    memory = told.get("memory_bytes", "")
    if memory.isdigit():
        found["mem_gb"] = round(int(memory) / 1e9, 1)
    builds: dict[str, dict[str, None]] = {}  # targets are called by their ports, which are others in each run
    for words in header.builds.values():
        for name, value in words.items():
            builds.setdefault(name, {})[value] = None
    return found | {f"software {name}": " / ".join(sorted(values)) for name, values in builds.items()}


def _field(name: str) -> str:
    """The name of a field of the workload; one that has to be the same is known in whatever table it stands."""
    last = name.rpartition(".")[2]
    return last if last in HARD else name


def _value(told: str) -> object:
    """What the user said of the load; a number as one, for what was offered is held against what was served."""
    try:
        value = float(told)
    except ValueError:
        return told
    if not math.isfinite(value):
        return told
    return int(value) if value.is_integer() else value

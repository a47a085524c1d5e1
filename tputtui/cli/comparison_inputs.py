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
from tputtui.experiments.comparability import INVALIDATING_FIELDS
from tputtui.experiments.metric_rows import COLUMNS, BucketRows, MetricRows, MetricRowsError, median_step, parse_csv
from tputtui.frozen import frozen
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.profiling.profile_model import Profile
    from tputtui.recording.records import RecordedProfile
    from tputtui.recording.resource_peaks import ResourcePeak
    from tputtui.recording.run_header import RunHeader
    from tputtui.recording.run_table import BucketDensities, RouteRow, RunTable

_MAX_BYTES = 512 * 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_SIDE_PATTERN = re.compile(r"(?P<file>.*?\.gz)(?P<span>@(?P<start>.*?)\.\.(?P<end>.*?))?(?P<of>:(?P<service>.+))?")
"""RUN, RUN@MARK..MARK, RUN:SERVICE and both; a side whose file has another suffix is told apart by what is there."""

_ENVIRONMENT_NAMES: Mapping[str, str] = {
    "cpu": "hardware",
    "cpus": "cpus",
    "kernel": "kernel",
    "virtualisation": "virtualisation",
}
_SAME_NAMES = ("host", "governor", "cgroup_cpus", "cgroup_memory_bytes")


@frozen
class ComparisonSide:
    """One arm: its rows and what is known of where they come from."""

    rows: MetricRows
    environment: Mapping[str, object] = field(default_factory=dict)
    is_unix_time: bool = False  # `t` is unix time
    profiles: tuple[RecordedProfile, ...] = ()  # that a run carries
    identity: str = ""  # the same however the file is called: the run's id, or a table's digest
    experiment: Mapping[str, str] = field(default_factory=dict)  # the plan that a run carries
    workload: Mapping[str, object] = field(default_factory=dict)  # what was said of the load
    resources: tuple[ResourcePeak, ...] = ()  # how near to its limit each was
    first_to_saturate: str = ""  # what was first to saturate most of the time
    hottest_function: str = ""


def load_side(side_spec: str) -> ComparisonSide:
    """The side that `word` names. Raises UsageError with the file and what is wrong with it."""
    path, span, service = split_side_spec(side_spec)
    if path.endswith(".gz"):  # not read whole to find that out: a run may be larger than any table
        return _load_run(side_spec, path, span or (None, None), service)
    content = _read_bytes(path)
    if content[:2] == _GZIP_MAGIC:
        return _load_run(side_spec, path, (None, None), None)
    try:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return ComparisonSide(parse_csv(content.decode("utf-8-sig"), clean(side_spec)), identity=digest)
    except UnicodeDecodeError:
        raise UsageError(f"{clean(side_spec)}: it is no text: a side is a CSV table or a recorded run") from None
    except MetricRowsError as error:
        raise UsageError(f"{clean(side_spec)}: {error}") from None


def longest_profile(side: ComparisonSide) -> Profile | None:
    """The longest profile that a side's run carries; None where it has none that can be read."""
    if not side.profiles:
        return None
    from tputtui.profiling.profile_errors import UnreadableProfileError
    from tputtui.recording import embedded_profiles

    found: list[Profile] = []
    for one in side.profiles:
        with contextlib.suppress(UnreadableProfileError):
            found.append(embedded_profiles.parse_profile(one))
    return max(found, key=lambda profile: profile.duration_s, default=None)


def read_content(path: str) -> bytes:
    """A file's bytes. Raises UsageError."""
    return _read_bytes(path)


def _read_bytes(path: str) -> bytes:
    try:
        return read_file.read(path, _MAX_BYTES)[0]
    except read_file.UnreadableFileError as error:
        raise UsageError(f"{clean(path)}: {error}") from None


def split_side_spec(side_spec: str) -> tuple[str, tuple[str | None, str | None] | None, str | None]:
    """(file, span, service) of a side. A file of just that name is that file."""
    if os.path.exists(side_spec):
        return side_spec, None, None
    found = _SIDE_PATTERN.fullmatch(side_spec)
    if found is None:
        return side_spec, None, None
    span = (found["start"] or None, found["end"] or None) if found["span"] else None
    return found["file"], span, found["service"]


# ------------------------------------------------------------------------------------------------ recorded runs


def _load_run(side_spec: str, path: str, span: tuple[str | None, str | None], service: str | None) -> ComparisonSide:
    from tputtui.recording import NotARunError, read_table

    shown = clean(side_spec)
    try:
        found = read_table(path, service, *span)
    except NotARunError as error:
        raise UsageError(f"{shown}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{shown}: {error}") from None
    if service is None and len(found.services) > 1:
        names = clean(", ".join(found.services), 200)
        raise UsageError(f"{shown} holds several services ({names}): name one, as in {clean(path)}:{found.services[0]}")
    header = found.header
    workload = {_workload_field(name): _parse_workload_value(told) for name, told in header.workload.items()}
    return ComparisonSide(
        _run_rows(shown, found),
        {**_run_environment(header), **workload},
        is_unix_time=True,
        profiles=found.profiles,
        identity=f"run:{header.run}",
        experiment=header.experiment,
        workload=workload,
        resources=found.resources,
        first_to_saturate=found.summary.first,
        hottest_function=found.summary.hottest,
    )


def _run_rows(name: str, table: RunTable) -> MetricRows:
    """The rows that have a rate; times are unix times. Raises UsageError where none has."""
    began = table.header.began_time
    usable = [row for row in table.rows if row.rps is not None and math.isfinite(row.rps) and row.rps >= 0]
    if not usable:
        raise UsageError(f"{name}: no row has a rate")
    columns: dict[str, tuple[float, ...]] = {}
    for column in COLUMNS:
        values = tuple(math.nan if (value := getattr(row, column)) is None else float(value) for row in usable)
        if any(map(math.isfinite, values)):
            columns[column] = values
    t = tuple(began + row.t for row in usable)
    step = median_step(t)
    names = dict.fromkeys(route for row in usable for route in row.routes)
    routes = {route: _route_rows(route, t, step, [row.routes.get(route) for row in usable]) for route in names}
    buckets = _bucket_rows([row.buckets for row in usable], step)
    return MetricRows(name, t, columns, step, len(table.rows) - len(usable), buckets, routes)


def _route_rows(name: str, t: tuple[float, ...], step: float, rows: Sequence[RouteRow | None]) -> MetricRows:
    """A route on its service's time line; a second in which nobody asked for it has no requests, and no latency."""
    columns = {"rps": tuple((row.rps or 0.0) if row is not None else 0.0 for row in rows)}
    for column in ("err_ratio", "p50", "p90", "p99"):
        told = [getattr(row, column) if row is not None else None for row in rows]
        if any(value is not None for value in told):
            columns[column] = tuple(math.nan if value is None else float(value) for value in told)
    return MetricRows(
        name, t, columns, step, 0, _bucket_rows([row.buckets if row is not None else () for row in rows], step)
    )


def _bucket_rows(rows: Sequence[BucketDensities], step: float) -> BucketRows | None:
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


def _run_environment(header: RunHeader) -> dict[str, object]:
    """Where it was taken, in the words of the comparison."""
    told = header.environment
    found: dict[str, object] = {ours: told[name] for name, ours in _ENVIRONMENT_NAMES.items() if name in told}
    found |= {name: told[name] for name in _SAME_NAMES if name in told}
    memory = told.get("memory_bytes", "")
    if memory.isdigit():
        found["mem_gb"] = round(int(memory) / 1e9, 1)
    builds: dict[str, dict[str, None]] = {}  # targets are called by their ports, which are others in each run
    for words in header.builds.values():
        for name, value in words.items():
            builds.setdefault(name, {})[value] = None
    return found | {f"software {name}": " / ".join(sorted(values)) for name, values in builds.items()}


def _workload_field(name: str) -> str:
    """The name of a field of the workload; one that has to be the same is known in whatever table it stands."""
    last = name.rpartition(".")[2]
    return last if last in INVALIDATING_FIELDS else name


def _parse_workload_value(value_text: str) -> object:
    """What the user said of the load; a number as one, for what was offered is held against what was served."""
    try:
        value = float(value_text)
    except ValueError:
        return value_text
    if not math.isfinite(value):
        return value_text
    return int(value) if value.is_integer() else value

"""Inputs of a comparison as named on the command line: tables and recorded runs."""

from __future__ import annotations

import contextlib
import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from tputtui.cli import user_files
from tputtui.cli.parser import UsageError
from tputtui.experiments.comparability import INVALIDATING_FIELDS
from tputtui.experiments.metric_rows import (
    COLUMNS,
    BucketRows,
    MetricRows,
    MetricRowsError,
    median_step,
    parse_csv,
)
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
_SIDE_PATTERN = re.compile(
    r"(?P<file>.*?\.gz)(?P<span>@(?P<start>.*?)\.\.(?P<end>.*?))?(?P<of>:(?P<service>.+))?"
)
"""RUN, RUN@MARK..MARK, RUN:SERVICE and both; for other suffixes the existing files decide how the
argument is split.
"""

_ENVIRONMENT_NAMES: Mapping[str, str] = {
    "cpu": "hardware",
    "cpus": "cpus",
    "kernel": "kernel",
    "virtualisation": "virtualisation",
}
_SAME_NAMES = ("host", "governor", "cgroup_cpus", "cgroup_memory_bytes")


@frozen
class ComparisonSide:
    """One arm: its rows and the metadata of their source."""

    rows: MetricRows
    environment: Mapping[str, object] = field(default_factory=dict)
    is_unix_time: bool = False  # `t` is unix time
    profiles: tuple[RecordedProfile, ...] = ()  # profiles contained in a run
    identity: str = ""  # independent of the file name: the run's id, or a table's digest
    experiment: Mapping[str, str] = field(default_factory=dict)  # plan recorded in a run
    workload: Mapping[str, object] = field(default_factory=dict)  # description of the load
    resources: tuple[ResourcePeak, ...] = ()  # use of each resource relative to its limit
    first_to_saturate: str = ""  # resource that was first to saturate most of the time
    hottest_function: str = ""


def load_side(side_spec: str) -> ComparisonSide:
    """Load the side that `side_spec` names.

    Raises UsageError with the file and the problem.
    """
    path, span, service = split_side_spec(side_spec)
    if path.endswith(".gz"):  # checked by name without reading: a run may be larger than any table
        return _load_run(side_spec, path, span or (None, None), service)
    content = _read_bytes(path)
    if content[:2] == _GZIP_MAGIC:
        return _load_run(side_spec, path, (None, None), None)
    try:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return ComparisonSide(
            parse_csv(content.decode("utf-8-sig"), clean(side_spec)), identity=digest
        )
    except UnicodeDecodeError:
        raise UsageError(
            f"{clean(side_spec)}: it is no text: a side is a CSV table or a recorded run"
        ) from None
    except MetricRowsError as error:
        raise UsageError(f"{clean(side_spec)}: {error}") from None


def longest_profile(side: ComparisonSide) -> Profile | None:
    """Return the longest readable profile in a side's run; None if there is none."""
    if not side.profiles:
        return None
    from tputtui.profiling.profile_model import UnreadableProfileError
    from tputtui.recording import embedded_profiles

    profiles: list[Profile] = []
    for recorded in side.profiles:
        with contextlib.suppress(UnreadableProfileError):
            profiles.append(embedded_profiles.parse_profile(recorded))
    return max(profiles, key=lambda profile: profile.duration_s, default=None)


def read_content(path: str) -> bytes:
    """Read a file's bytes. Raises UsageError."""
    return _read_bytes(path)


def _read_bytes(path: str) -> bytes:
    try:
        return user_files.read(path, _MAX_BYTES)[0]
    except user_files.UnreadableFileError as error:
        raise UsageError(f"{clean(path)}: {error}") from None


def split_side_spec(
    side_spec: str,
) -> tuple[str, tuple[str | None, str | None] | None, str | None]:
    """Split a side into (file, span, service). A file of exactly that name takes precedence."""
    if os.path.exists(side_spec):
        return side_spec, None, None
    match = _SIDE_PATTERN.fullmatch(side_spec)
    if match is None:
        return side_spec, None, None
    span = (match["start"] or None, match["end"] or None) if match["span"] else None
    return match["file"], span, match["service"]


# ------------------------------------------------------------------------------------ recorded runs


def _load_run(
    side_spec: str, path: str, span: tuple[str | None, str | None], service: str | None
) -> ComparisonSide:
    from tputtui.recording.reader import NotARunError
    from tputtui.recording.run_table import read_table

    shown = clean(side_spec)
    try:
        table = read_table(path, service, *span)
    except NotARunError as error:
        raise UsageError(f"{shown}: {error}") from None
    except ValueError as error:
        raise UsageError(f"{shown}: {error}") from None
    if service is None and len(table.services) > 1:
        names = clean(", ".join(table.services), 200)
        raise UsageError(
            f"{shown} holds several services ({names}): "
            f"name one, as in {clean(path)}:{table.services[0]}"
        )
    header = table.header
    workload = {
        _workload_field(name): _parse_workload_value(text) for name, text in header.workload.items()
    }
    return ComparisonSide(
        _run_rows(shown, table),
        {**_run_environment(header), **workload},
        is_unix_time=True,
        profiles=table.profiles,
        identity=f"run:{header.run}",
        experiment=header.experiment,
        workload=workload,
        resources=table.resources,
        first_to_saturate=table.summary.first,
        hottest_function=table.summary.hottest,
    )


def _run_rows(name: str, table: RunTable) -> MetricRows:
    """Return the rows that have a rate, with unix times.

    Raises UsageError if none has one.
    """
    began = table.header.began_time
    usable = [
        row for row in table.rows if row.rps is not None and math.isfinite(row.rps) and row.rps >= 0
    ]
    if not usable:
        raise UsageError(f"{name}: no row has a rate")
    columns: dict[str, tuple[float, ...]] = {}
    for column in COLUMNS:
        values = tuple(
            math.nan if (value := getattr(row, column)) is None else float(value) for row in usable
        )
        if any(map(math.isfinite, values)):
            columns[column] = values
    t = tuple(began + row.t for row in usable)
    step = median_step(t)
    names = dict.fromkeys(route for row in usable for route in row.routes)
    routes = {
        route: _route_rows(route, t, step, [row.routes.get(route) for row in usable])
        for route in names
    }
    buckets = _bucket_rows([row.buckets for row in usable], step)
    return MetricRows(name, t, columns, step, len(table.rows) - len(usable), buckets, routes)


def _route_rows(
    name: str, t: tuple[float, ...], step: float, rows: Sequence[RouteRow | None]
) -> MetricRows:
    """Return a route's rows on its service's time line.

    A second without requests has a rate of 0 and no latency.
    """
    columns = {"rps": tuple((row.rps or 0.0) if row is not None else 0.0 for row in rows)}
    for column in ("err_ratio", "p50", "p90", "p99"):
        values = [getattr(row, column) if row is not None else None for row in rows]
        if any(value is not None for value in values):
            columns[column] = tuple(math.nan if value is None else float(value) for value in values)
    return MetricRows(
        name,
        t,
        columns,
        step,
        0,
        _bucket_rows([row.buckets if row is not None else () for row in rows], step),
    )


def _bucket_rows(rows: Sequence[BucketDensities], step: float) -> BucketRows | None:
    """Return the requests in each bucket and second; None if no row has any."""
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
    """Return the environment of a run in the terms of the comparison."""
    recorded = header.environment
    environment: dict[str, object] = {
        ours: recorded[name] for name, ours in _ENVIRONMENT_NAMES.items() if name in recorded
    }
    environment |= {name: recorded[name] for name in _SAME_NAMES if name in recorded}
    memory = recorded.get("memory_bytes", "")
    if memory.isdigit():
        environment["mem_gb"] = round(int(memory) / 1e9, 1)
    # Keyed without targets: their names contain ports, which differ between runs
    builds: dict[str, dict[str, None]] = {}
    for versions in header.builds.values():
        for name, value in versions.items():
            builds.setdefault(name, {})[value] = None
    return environment | {
        f"software {name}": " / ".join(sorted(values)) for name, values in builds.items()
    }


def _workload_field(name: str) -> str:
    """Return the name of a workload field; fields that must agree are recognized in any table."""
    last = name.rpartition(".")[2]
    return last if last in INVALIDATING_FIELDS else name


def _parse_workload_value(value_text: str) -> object:
    """Parse a value of the load's description.

    Numbers become numbers, because offered load is compared with served load.
    """
    try:
        value = float(value_text)
    except ValueError:
        return value_text
    if not math.isfinite(value):
        return value_text
    return int(value) if value.is_integer() else value

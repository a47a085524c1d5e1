"""Records of a run in the order of the file: its header, then one value for each line.

The header is the first line of each member, so that each can be read on its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime

from tputtui.frozen import frozen
from tputtui.model import Bindings, Event, Reading, Scrape, Target
from tputtui.text import clean, did_you_mean, parse_duration

FORMAT_VERSION = 1
"""Version of the format. A reader opens this one and every older one, and refuses a newer one."""

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", re.ASCII)


class NewerFormatError(Exception):
    """The run was written by a newer tputtui."""


@frozen
class RunHeader:
    """The header as of one member. Times are unix seconds, `at` monotonic ones, as in the model."""

    run: str  # 16 random hexadecimal digits that identify the run of a member
    member: int  # its number, from 0
    time: float  # of the member's first reading
    at: float
    began_time: float  # of the run's first reading
    began_at: float
    interval_s: float
    window_s: float
    tputtui: str = ""  # the version that wrote it
    quantiles: tuple[float, ...] = (0.5, 0.9, 0.99)
    objectives: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    all_metrics: bool = False
    for_s: float | None = None  # planned duration
    part: int = 1  # a run beyond the size limit continues in a new file: its second part
    cut_from: str | None = None  # the run it was trimmed from
    note: str = ""
    # hypothesis, owner, change, … as given by the user
    experiment: Mapping[str, str] = field(default_factory=dict)
    workload: Mapping[str, str] = field(default_factory=dict)  # description of the load by the user
    environment: Mapping[str, str] = field(default_factory=dict)  # see `run_environment`
    builds: Mapping[str, Mapping[str, str]] = field(
        default_factory=dict
    )  # target -> its build-info labels
    fields: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # the order of the fields in rows


@frozen
class Mark:
    """Named time in a run."""

    time: float
    at: float
    text: str


@frozen
class ServiceSummary:
    """Summary of one service over a run, in the units of the model."""

    name: str
    unit: str = "req/s"
    mean: float | None = None  # traffic over the whole run
    best_60s: float | None = None
    best_60s_within: float | None = None  # best 60 s in which every objective was met
    error_ratio: float | None = None
    quantiles: Mapping[str, float] = field(default_factory=dict)  # "0.99" -> s, of all observations
    latency_unit: str | None = None
    cpu_per_request_s: float | None = None  # busy core-seconds of the machine
    burstiness: float | None = None  # variance over mean of the traffic from second to second
    routes: Mapping[str, float] = field(
        default_factory=dict
    )  # share of the traffic, the largest first
    shape: tuple[float | None, ...] = ()  # the traffic in at most 64 equal spans


@frozen
class RunSummary:
    """Summary of a run; updated in every member, so that a killed run has one too."""

    seconds: float = 0.0
    ticks: int = 0
    services: tuple[ServiceSummary, ...] = ()
    first: str = ""  # the resource that was first to saturate most of the time
    hottest: str = ""  # top function of its last profile
    objectives_met: bool | None = None  # None: none was set, or none could be evaluated


@frozen
class RunEnd:
    """End of a run that was closed."""

    time: float
    at: float
    reason: str = ""  # "", or why it stopped early
    dropped: int = 0  # readings that were not written, because the disk did not keep up
    summary: RunSummary = field(default_factory=RunSummary)


@frozen
class BindingsInForce:
    """Bindings of a target from here on."""

    target: Target
    bindings: Bindings | None
    service_name: str | None
    build: str | None


@frozen
class WatchedTarget:
    """Target that later items refer to."""

    target: Target
    is_from_server: bool = False  # its data comes from a server


@frozen
class TargetOrder:
    """Watched targets from here on, in this order."""

    names: tuple[str, ...]


@frozen
class RecordedTick:
    """Reading, with the state that is known only live."""

    reading: Reading
    is_discovering: bool = False  # discovery was still running
    # target -> names that do not count from zero
    forgotten: Mapping[str, frozenset[str]] = field(default_factory=dict)
    backfill: tuple[Scrape, ...] = ()  # past samples from servers


@frozen
class ServiceGroups:
    """Grouping of targets into services from here on."""

    services: tuple[tuple[str, tuple[str, ...]], ...]


@frozen
class RecordedProfile:
    """Recorded profile: a speedscope document, not parsed yet."""

    time: float
    at: float
    pid: int
    name: str
    document: Mapping[str, object]


RunItem = (
    RunHeader
    | WatchedTarget
    | TargetOrder
    | BindingsInForce
    | RecordedTick
    | ServiceGroups
    | Mark
    | Event
    | RecordedProfile
    | RunSummary
    | RunEnd
)
"""Any item of a run."""


def parse_time_spec(text: str, header: RunHeader, marks: Sequence[Mark]) -> float:
    """Return `at` of a time, on the run's own clock. Raises ValueError with a sentence.

    A time without a zone is local time. Where several marks have the same text, the first one
    counts.
    """
    text = text.strip()
    for mark in marks:
        if mark.text == text:
            return mark.at
    if text.startswith("+"):
        return header.began_at + parse_duration(text[1:])
    if _ISO.fullmatch(text):
        try:
            return header.began_at + datetime.fromisoformat(text).timestamp() - header.began_time
        except (ValueError, OverflowError):
            raise ValueError(f"{clean(text, 60)!r} is no time in ISO 8601") from None
    known = [mark.text for mark in marks]
    hint = did_you_mean(text, known) or (
        f"; its marks are {clean(', '.join(known), 200)}" if known else ""
    )
    raise ValueError(
        f"{clean(text, 60)!r} is no moment: +90s from the start, ISO 8601, or a mark{hint}"
    )

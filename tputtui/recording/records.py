"""Items of a run, one value for each line, in the order of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tputtui.frozen import frozen
from tputtui.model import Bindings, Event, Reading, Scrape, Target
from tputtui.recording.run_header import Mark, RunEnd, RunHeader, RunSummary


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

"""What the lines of a run say, one value each, in the order in which it was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tputtui.frozen import frozen
from tputtui.model import Bindings, Event, Reading, Scrape, Target
from tputtui.recording.run_header import Mark, RunEnd, RunHeader, RunSummary


@frozen
class BindingsInForce:
    """From now on, these bindings are in force on a target."""

    target: Target
    bindings: Bindings | None
    service_name: str | None
    build: str | None


@frozen
class WatchedTarget:
    """A target that is spoken of in what follows."""

    target: Target
    is_from_server: bool = False  # what is known of it comes from a server


@frozen
class TargetOrder:
    """From now on, these targets are watched, in this order."""

    names: tuple[str, ...]


@frozen
class RecordedTick:
    """A reading, and what only live could be known."""

    reading: Reading
    is_discovering: bool = False  # targets were still being looked for
    forgotten: Mapping[str, frozenset[str]] = field(default_factory=dict)  # target -> names that do not count from zero
    backfill: tuple[Scrape, ...] = ()  # what servers remember of the time before


@frozen
class ServiceGroups:
    """From now on, these targets are one service each."""

    services: tuple[tuple[str, tuple[str, ...]], ...]


@frozen
class RecordedProfile:
    """A profile that was taken: speedscope's document, not yet read."""

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
"""What the lines of a run say, one after the other."""

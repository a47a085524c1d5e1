"""Capabilities of a data source: a live engine has all, a replay some, a saved profile none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from tputtui.frozen import frozen
from tputtui.model import Event, SignalKind, Snapshot

if TYPE_CHECKING:
    from tputtui.engine.drilldown import ReplicaTable
    from tputtui.engine.family_browser import Families
    from tputtui.recording.recorder import Recorder
    from tputtui.signals.rates.past import Past, PastRequest
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit


class SnapshotSource(Protocol):
    """Stream of snapshots, from `start` to `stop`."""

    @property
    def failure(self) -> BaseException | None:
        """Exception that ended the stream, other than `stop`."""

    def subscribe(self, listener: Callable[[Snapshot], None], /) -> None:
        """Call `listener` with every snapshot, on the thread of the source."""

    def start(self) -> None:
        """Start the stream."""

    def stop(self) -> None:
        """Stop the stream and wait for its end (bounded)."""

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Return the snapshot that was shown at a time (monotonic seconds)."""


class FigureHistory(Protocol):
    """Figures of the past."""

    def read_past(self, request: PastRequest) -> Past:
        """Copy what a frame needs of the past: the only call for it, before anything is drawn."""
        ...

    def replicas(self) -> ReplicaTable:
        """Return the figures of each replica as of the newest tick."""
        ...


class FigureControls(Protocol):
    """Choice of the figures that are derived, from the next tick on."""

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles."""

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service as an additional one; None removes it."""

    def set_split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a split as `Snapshot.split`; None removes them."""

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        """Find out how a service may be split.

        `on_options` gets the result, perhaps on another thread.
        """


class MetricFamilies(Protocol):
    """All families of one target, for the metric browser."""

    def browse(self, target: str | None) -> None:
        """Read a target completely; None: only what is bound again."""

    def families(self, target: str) -> Families | None:
        """Return the families of the browsed target; None before a complete scrape."""

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        """Return the figures of a family in the last `columns` scrapes."""
        ...


class LiveControls(Protocol):
    """Choice of what is read from the targets and from this machine."""

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Chart a (target, family) on the time axis, as `Snapshot.charted`; None removes it."""

    def bind_signal(self, target: str, signal: SignalKind, family: str) -> None:
        """Bind a signal of a target, and of its replicas, to a family from now on."""

    def set_processes_enabled(self, is_enabled: bool) -> None:
        """Enable or disable reading the process table."""

    def watch_processes(self, pids: frozenset[int]) -> None:
        """Also read the control groups of these processes."""


class Recordable(Protocol):
    """Event log and recording of what is read."""

    def start_recording(self, recorder: Recorder) -> None:
        """Record all readings from now on."""

    def stop_recording(self) -> Recorder | None:
        """Stop recording once the reading that is being taken is in the run (bounded)."""

    def add_mark(self, mark_text: str, time_: float | None = None) -> None:
        """Add a mark, now or at a unix time."""

    def record_profile(
        self, time_: float, pid: int, name: str, document: bytes, top_function: str
    ) -> bool:
        """Embed a profile in the recorded run; False: too large to embed."""
        ...

    def log_event(self, event: Event) -> None:
        """Add an event to the event log."""


class ReplayEngine(SnapshotSource, FigureHistory, FigureControls, MetricFamilies, Protocol):
    """Player of a recorded run: nothing is read again, and the run is not written to."""


class LiveEngine(ReplayEngine, LiveControls, Recordable, Protocol):
    """Engine with every capability."""


@frozen
class Capabilities:
    """Capabilities of the data source that is shown; None: it lacks that one."""

    source: SnapshotSource | None = None
    history: FigureHistory | None = None
    figures: FigureControls | None = None
    families: MetricFamilies | None = None
    live: LiveControls | None = None
    recordable: Recordable | None = None

    @classmethod
    def of_live(cls, engine: LiveEngine) -> Capabilities:
        """Capabilities of a live engine: all."""
        return cls(engine, engine, engine, engine, engine, engine)

    @classmethod
    def of_replay(cls, player: ReplayEngine) -> Capabilities:
        """Capabilities of a recorded run."""
        return cls(player, player, player, player)


SAVED_PROFILE = Capabilities()
"""Capabilities of a saved profile: nothing is collected."""

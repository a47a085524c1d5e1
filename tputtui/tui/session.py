"""What a screen needs from outside: a source of snapshots, and where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from textual.message import Message

from tputtui.frozen import frozen
from tputtui.model import Event, SignalKind, Snapshot

if TYPE_CHECKING:
    from tputtui.engine.drilldown import ReplicaTable
    from tputtui.engine.family_browser import Families
    from tputtui.recording.recorder import Recorder
    from tputtui.signals.rates.latency_heatmap import LatencyHeatmap
    from tputtui.signals.service.service_filter import ServiceFilter
    from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit


class SnapshotSource(Protocol):
    """What the screen needs from an engine, live or replayed. `subscribe`'s callback runs on the engine's thread."""

    @property
    def failure(self) -> BaseException | None:
        """What ended the engine, if it was not `stop`."""

    def subscribe(self, listener: Any, /) -> None:
        """Call `listener` with every snapshot, on the engine's thread."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, and wait for the end (bounded)."""

    def history(
        self, figure: str, columns: int, span_s: float, until: float | None
    ) -> Sequence[float | None]:
        """A figure's mean in each of `columns` columns."""
        ...

    def heatmap(
        self, service: str, columns: int, span_s: float, until: float | None
    ) -> LatencyHeatmap | None:
        """Where a service's requests fell in each of `columns` columns; None where it has no buckets."""

    def replicas(self) -> ReplicaTable:
        """Each replica's figures as of the newest tick."""
        ...

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a service through a lens, as one more service from the next tick on; None takes it away."""

    def set_split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a split, as `Snapshot.split`, from the next tick on; None: no longer."""

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        """Find out how a service may be split; `told` is called with it, perhaps on another thread."""

    def browse(self, target: str | None) -> None:
        """Read a target whole, to look at its families; None: nobody looks any more."""

    def families(self, target: str) -> Families | None:
        """The families of the target that is looked at; None before it was read whole."""

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        """A family's figure in the last `columns` scrapes of the target that is looked at."""
        ...

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Put a (target, family) on the time axis from now on, as `Snapshot.charted`; None: no longer."""

    def bind_signal(self, target: str, slot: SignalKind, family: str) -> None:
        """Read a signal of a target, and of its replicas, from a family from now on."""

    def snapshot_at(self, at: float) -> Snapshot | None:
        """What was shown at a moment."""
        ...

    def set_window(self, seconds: float) -> None:
        """Another window for rates and quantiles."""

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""

    def set_processes_enabled(self, is_enabled: bool) -> None:
        """Whether the process table is looked at."""

    def watch_processes(self, pids: frozenset[int]) -> None:
        """Read these processes' control groups, too."""

    def start_recording(self, recorder: Recorder) -> None:
        """Record all readings from now on."""

    def stop_recording(self) -> Recorder | None:
        """Record no longer, once the reading that is being taken is in it (bounded)."""

    def add_mark(self, mark_text: str, time_: float | None = None) -> None:
        """Set a mark, now or at a moment of unix time."""

    def record_profile(
        self, time_: float, pid: int, name: str, document: bytes, top_function: str
    ) -> bool:
        """Put a profile into the run that is recorded; False: too large to be carried in it."""
        ...

    def log_event(self, event: Event) -> None:
        """Put something into the event log."""


class EmptySource:
    """For a screen without an engine, such as that of a saved profile: nothing is watched, nothing is known."""

    failure: BaseException | None = None

    def history(
        self, _name: str, columns: int, _span_s: float, _until: float | None
    ) -> Sequence[float | None]:
        """Unknown."""
        return [None] * columns

    def family_history(self, _family: str, columns: int) -> Sequence[float | None]:
        """Unknown."""
        return [None] * columns

    def heatmap(self, _service: str, _columns: int, _span_s: float, _until: float | None) -> None:
        """None."""

    def snapshot_at(self, _at: float) -> None:
        """None."""

    def families(self, _target: str) -> None:
        """None."""

    def replicas(self) -> ReplicaTable:
        """None."""
        return {}

    def stop_recording(self) -> None:
        """None."""

    def record_profile(self, *_: object) -> bool:
        """Nothing is recorded."""
        return True

    def _nothing(self, *_: object) -> None:
        """There is nobody to tell."""

    subscribe = start = stop = set_filter = set_split = find_split_options = browse = (
        chart_family
    ) = bind_signal = set_window = _nothing
    next_breakdown = set_processes_enabled = watch_processes = log_event = start_recording = (
        add_mark
    ) = _nothing


class SnapshotMessage(Message):
    """A new snapshot. One that was not yet handled is replaced, so a slow screen drops frames and never queues them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        """A newer tick takes the place of an older one."""
        return isinstance(message, SnapshotMessage)


@frozen
class ScreenEnvironment:
    """What the screen is told about where it runs."""

    host_name: str
    zone_offset_s: float
    state_folder: Path
    theme_folders: tuple[Path, ...]

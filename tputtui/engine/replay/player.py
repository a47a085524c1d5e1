"""Player of a recorded run: the interface of an engine on top of a file.

It contacts no target and classifies nothing.

The run is derived once from its beginning, in a thread, by the pipeline that derives live readings:
each snapshot is the one shown live, and a seek is a look-up. Until that buffer has reached the
wanted time, a second buffer that begins just before it takes its place. Choices that change the
derivation (another window, another label, a filter) derive the run again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from tputtui.engine.drilldown import ReplicaTable
from tputtui.engine.family_browser import Families
from tputtui.engine.replay.recorded_families import RecordedFamilies
from tputtui.engine.replay.replay_buffer import ReplayBuffer, ReplayChoices
from tputtui.frozen import frozen
from tputtui.model import Snapshot
from tputtui.recording.reader import NotARunError, Run
from tputtui.recording.records import Mark, RecordedProfile, RunHeader
from tputtui.signals.rates.past import Past, PastRequest
from tputtui.signals.service.service_filter import ServiceFilter
from tputtui.signals.service.traffic_split import SplitOption, TrafficSplit

SPEEDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
POLL_INTERVAL_S: Final = 0.1
"""Seconds between checks whether the next snapshot is due: at 60x, six seconds of the run go by."""


MAX_WAIT_READINGS: Final = 10
"""Readings: a time at most this far ahead of what has been read is waited for."""


@frozen
class ReplayPosition:
    """Position of a replay."""

    seconds: float  # from the run's beginning
    length_s: float  # how long the run is
    speed: float
    is_paused: bool
    read_ratio: float  # share of the run that was read, 0 to 1


class Player:
    """Player of one run, from `start` to `stop`: the part of an engine's interface that a run can
    answer, and the methods that move in time.
    """

    def __init__(self, run: Run, *, begin: float | None = None, speed: float = 1.0) -> None:
        """Open the player on `run`, which has to stay open until `stop`.

        `begin`: the time to start at, on the run's clock. Raises NotARunError where the run has no
        reading.
        """
        last = run.last_tick()
        if last is None:
            raise NotARunError("no reading is in it")
        self.header: RunHeader = run.header
        self.marks: list[Mark] = run.marks()
        self.profiles: list[RecordedProfile] = run.profiles()
        self.failure: BaseException | None = None
        self._run = run
        self._begin_at, self._end_at = self.header.began_at, last.reading.at
        self._choices = ReplayChoices()
        self._buffer = ReplayBuffer(run, self._choices, self._end_at, on_reached=self._on_reached)
        # used for a time that the main buffer has not reached
        self._near_buffer: ReplayBuffer | None = None
        self._listeners: list[Callable[[Snapshot], None]] = []
        self._wanted_at = max(
            self._begin_at, min(self._end_at, begin if begin is not None else self._begin_at)
        )  # time to show
        self._speed = min(max(speed, SPEEDS[0] / 100), SPEEDS[-1])
        self._is_paused = False
        self._is_stopped = False
        self._shown: tuple[ReplayBuffer, float] | None = None
        self._is_refresh_due = False
        self._replicas: ReplicaTable = {}
        self._browsed_target: str | None = None
        self._families: Families | None = None
        self._recorded_families: RecordedFamilies | None = None  # used by the player's thread only
        self._family_history: dict[str, list[float | None]] = {}
        # guards the state that both the screen's thread and the player's change
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._play, name="player", daemon=True)

    # ------------------------------------------------------------------------------- start and stop

    def subscribe(self, listener: Callable[[Snapshot], None]) -> None:
        """Call `listener` with every snapshot that is shown, on the player's thread."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Start reading and playing."""
        self._buffer.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop playing and reading."""
        with self._wake:
            self._is_stopped = True
            self._wake.notify_all()
        for buffer in (self._buffer, self._near_buffer):
            if buffer is not None:
                buffer.stop()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(2.0)

    def _play(self) -> None:
        before = time.monotonic()
        try:
            while not self._is_stopped:
                now = time.monotonic()
                self._advance(now - before)
                before = now
                with self._wake:
                    if not self._is_stopped:
                        self._wake.wait(POLL_INTERVAL_S)
        except BaseException as error:  # kept for the caller: exceptions in threads go unnoticed
            self.failure = error

    def _advance(self, seconds: float) -> None:
        with self._wake:
            buffer = self._choose_buffer()
            if buffer.has_read(self._wanted_at) and not self._is_paused:
                self._wanted_at = min(self._end_at, self._wanted_at + seconds * self._speed)
                buffer = self._choose_buffer()
            shown_at = (
                buffer.shown_at(self._wanted_at)
                if buffer.has_read(self._wanted_at) or buffer is not self._near_buffer
                else None
            )
        if buffer.failure is not None:
            raise buffer.failure
        if shown_at is None or (self._shown == (buffer, shown_at) and not self._is_refresh_due):
            return
        self._is_refresh_due = False
        self._shown = (buffer, shown_at)
        snapshot_and_replicas = buffer.snapshot_and_replicas(shown_at)
        if snapshot_and_replicas is None:
            return
        snapshot, self._replicas = snapshot_and_replicas
        if self._browsed_target is not None:
            self._load_families(self._browsed_target, snapshot.at)
        for listener in self._listeners:
            listener(snapshot)

    def _choose_buffer(self) -> ReplayBuffer:
        """Choose the buffer to read from.

        It is that of the whole run once it has reached the wanted time, or soon will; else the near
        one.
        """
        buffer, near, at = self._buffer, self._near_buffer, self._wanted_at
        far = at - (buffer.newest_at or self._begin_at) > MAX_WAIT_READINGS * self.header.interval_s
        if buffer.has_read(at) or buffer.failure is not None or (not far and near is None):
            self._stop_near_buffer()
            return buffer
        if near is None or not near.covers(at):
            self._stop_near_buffer()
            near = self._near_buffer = ReplayBuffer(
                self._run, self._choices, self._end_at, start_at=at, on_reached=self._on_reached
            )
            near.start()
        near.set_awaited(at)
        buffer.set_paused(not near.has_read(at))
        return near

    def _stop_near_buffer(self) -> None:
        if self._near_buffer is not None:
            self._near_buffer.stop()
            self._near_buffer = None
        self._buffer.set_paused(False)

    def _on_reached(self) -> None:
        """Handle that a buffer has reached the wanted time."""
        with self._wake:
            self._wake.notify_all()

    def _set_choices(self, choices: ReplayChoices) -> None:
        """Derive the run again with other choices."""
        with self._wake:
            self._stop_near_buffer()
            self._buffer.stop()
            self._choices = choices
            self._buffer = ReplayBuffer(
                self._run, choices, self._end_at, on_reached=self._on_reached
            )
            self._buffer.start()
            self._wake.notify_all()

    # ------------------------------------------------------------------------------- moving in time

    @property
    def position(self) -> ReplayPosition:
        """Current position, speed and state."""
        with self._wake:
            read_to = self._buffer.newest_at
            length = max(self._end_at - self._begin_at, 1e-9)
            read = (
                1.0
                if self._buffer.is_done
                else max(0.0, ((read_to or self._begin_at) - self._begin_at) / length)
            )
            near = self._near_buffer
            known = (
                read_to is None
                or self._buffer.is_done
                or (near is not None and near.has_read(self._wanted_at))
            )
            at = self._wanted_at if known else min(self._wanted_at, read_to or self._wanted_at)
            return ReplayPosition(
                at - self._begin_at,
                self._end_at - self._begin_at,
                self._speed,
                self._is_paused,
                min(1.0, read),
            )

    @property
    def damage(self) -> tuple[str, ...]:
        """Damage found in the run, a sentence each; known once all of it was read."""
        return self._buffer.damage

    def seek(self, at: float) -> None:
        """Seek to a time (`at`, on the run's clock), clamped to the run's ends.

        A time that is not read yet is shown when it is.
        """
        with self._wake:
            self._wanted_at = min(self._end_at, max(self._begin_at, at))
            self._wake.notify_all()

    def step(self, seconds: float) -> None:
        """Move forward by `seconds`, or back if negative."""
        self.seek(self._begin_at + self.position.seconds + seconds)

    def seek_to_end(self) -> None:
        """Seek to the run's last reading."""
        self.seek(self._end_at)

    def pause(self, is_paused: bool | None = None) -> None:
        """Pause or resume; None toggles. At the end, play from the start again."""
        with self._wake:
            at_end = self._wanted_at >= self._end_at
            self._is_paused = (
                (not self._is_paused and not at_end) if is_paused is None else is_paused
            )
            if not self._is_paused and at_end:
                self._wanted_at = self._begin_at
            self._wake.notify_all()

    def change_speed(self, steps: int) -> float:
        """Play faster, or slower if negative; return the new speed."""
        with self._wake:
            index = (
                min(range(len(SPEEDS)), key=lambda index: abs(SPEEDS[index] - self._speed)) + steps
            )
            self._speed = SPEEDS[max(0, min(len(SPEEDS) - 1, index))]
            return self._speed

    # ------------------------------------------------------------------------------- for the screen

    def read_past(self, request: PastRequest) -> Past:
        """Copy what a frame needs of the past; nothing before the first reading is shown."""
        shown = self._shown
        if shown is None:
            return Past()
        buffer, shown_at = shown
        return buffer.read_past(request, shown_at)

    def replicas(self) -> ReplicaTable:
        """Figures of each replica at the time that is shown."""
        return self._replicas

    def snapshot_at(self, at: float) -> Snapshot | None:
        """Snapshot that was shown at a time."""
        with self._wake:
            buffer = (
                self._near_buffer
                if self._near_buffer is not None and self._near_buffer.has_read(at)
                else self._buffer
            )
            shown = buffer.snapshot_and_replicas(at)
            return shown[0] if shown is not None else None

    def set_window(self, seconds: float) -> None:
        """Change the window of rates and quantiles."""
        self._set_choices(replace(self._choices, window_s=seconds))

    def next_breakdown(self, service: str) -> None:
        """Break a service down by its next label."""
        self._set_choices(replace(self._choices, breakdowns=(*self._choices.breakdowns, service)))

    def set_filter(self, service_filter: ServiceFilter | None) -> None:
        """Show a filtered service as an additional one; None removes it."""
        self._set_choices(replace(self._choices, service_filter=service_filter))

    def set_split(self, split: TrafficSplit | None) -> None:
        """Show the two arms of a traffic split; None removes them."""
        self._set_choices(replace(self._choices, split=split))

    def find_split_options(
        self, service: str, on_options: Callable[[Sequence[SplitOption]], None]
    ) -> None:
        """Find out how a service may be split; `on_options` may get the result on the buffer's
        thread.
        """
        self._buffer.run_action(
            lambda pipeline: on_options(pipeline.services.find_split_options(service))
        )

    def browse(self, target: str | None) -> None:
        """Read the recorded families of a target; None stops it."""
        self._browsed_target, self._families, self._family_history = target, None, {}
        if target is not None:
            with self._wake:
                self._is_refresh_due = True  # shows the current time once more, with the families
                self._wake.notify_all()

    def _load_families(self, target: str, at: float) -> None:
        if self._recorded_families is None or self._recorded_families.target != target:
            if self._recorded_families is not None:
                self._recorded_families.close()
            self._recorded_families = RecordedFamilies(self._run, target)
        loaded = self._recorded_families.families_at(at)
        if loaded is not None and self._browsed_target == target:
            self._families, self._family_history = loaded

    def families(self, target: str) -> Families | None:
        """Recorded families of the browsed target."""
        families = self._families
        return families if families is not None and families.target == target else None

    def family_history(self, family: str, columns: int) -> Sequence[float | None]:
        """Figures of a family in the last `columns` recorded scrapes."""
        kept = self._family_history.get(family, [])[-columns:]
        return [*([None] * (columns - len(kept))), *kept]

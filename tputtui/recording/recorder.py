"""Records what an engine reads: it is given every reading after it was taken, makes its lines, and queues them.

The lines are made on the engine's thread (0.2 ms for 300 series, see bench/runs.py); compressing, writing and syncing is
the writer's thread.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final

from tputtui.frozen import frozen
from tputtui.model import Event, Reading, Scrape, Snapshot
from tputtui.recording import checked_lines
from tputtui.recording.encode import Encoder, TargetState
from tputtui.recording.gzip_members import MEMBER_LIMIT
from tputtui.recording.run_environment import builds, fingerprint, version
from tputtui.recording.run_header import FORMAT, Mark, RunEnd, RunHeader
from tputtui.recording.summary import RunSummarizer
from tputtui.recording.value_codec import row_fields, to_plain
from tputtui.recording.writer import CannotRecordError, MemberStart, RunWriter
from tputtui.text import clean
from tputtui.text.redaction import redact_text

MEMBER_S: Final = 60.0
"""How long a member lasts: what damage costs, and what a seek has to read."""

MEMBER_BYTES: Final = MEMBER_LIMIT // 4
SUFFIX: Final = ".tput.gz"
TEXT_LIMIT: Final = 500  # characters of a mark or a note


@frozen
class RecordingPlan:
    """What the user asked of a recording."""

    path: Path
    force: bool = False
    all_metrics: bool = False
    for_s: float | None = None
    note: str = ""
    experiment: Mapping[str, str] = field(default_factory=dict)
    workload: Mapping[str, str] = field(default_factory=dict)
    size_limit: int | None = None  # bytes of one file; beyond it a new one is begun
    out_of: RunHeader | None = None  # the run that it is a part of: nothing is said of this machine


@frozen
class RecordingState:
    """How a recording goes, for a screen."""

    path: Path
    began_at: float | None  # monotonic seconds of its first reading
    seconds: float  # from the first reading to the newest; once it has stopped, to the last one that is in the file
    size: int  # bytes, in all parts
    dropped: int  # readings that were not written
    problem: str | None
    parts: int = 1


class Recorder:
    """One recording. All methods but `state` and `close` are called on the engine's thread, and never block."""

    def __init__(
        self,
        plan: RecordingPlan,
        *,
        interval_s: float,
        window_s: float,
        quantiles: tuple[float, ...],
        objectives: tuple[str, ...] = (),
        by: tuple[str, ...] = (),
    ) -> None:
        """Create the file. Raises CannotRecord."""
        self.plan = plan
        self.summing = RunSummarizer()
        self._of_part = self.summing  # what is told of the file that is written: of a later part, that part alone
        self._writer = RunWriter(plan.path, force=plan.force, patient=plan.out_of is not None)
        self._encoder = Encoder(all_metrics=plan.all_metrics or plan.out_of is not None)
        fields = {name: tuple(order) for name, order in row_fields().items()}
        self._header = (
            replace(plan.out_of, run=secrets.token_hex(8), cut_from=plan.out_of.run, fields=fields, for_s=None, part=1)
            if plan.out_of is not None
            else self._new_header(interval_s, window_s, quantiles, objectives, by, fields)
        )
        self._members = 0
        self._member_at: float | None = None
        self._member_bytes = 0
        self._broken = False  # a chunk was dropped: the next one has to say everything anew
        self._began_at: float | None = None  # of the first reading of all parts
        self._newest: tuple[float, float] | None = None  # (at, time) of the newest reading
        self._before = 0  # bytes of the parts before
        self._builds = dict(self._header.builds)
        self._waiting: list[bytes] = []  # lines that came before the first reading
        self.dropped = 0

    def _new_header(
        self,
        interval_s: float,
        window_s: float,
        quantiles: tuple[float, ...],
        objectives: tuple[str, ...],
        by: tuple[str, ...],
        fields: Mapping[str, tuple[str, ...]],
    ) -> RunHeader:
        plan = self.plan
        return RunHeader(
            run=secrets.token_hex(8),
            member=0,
            time=0.0,
            at=0.0,
            began_time=0.0,
            began_at=0.0,
            interval_s=interval_s,
            window_s=window_s,
            tputtui=version(),
            quantiles=quantiles,
            objectives=objectives,
            by=by,
            all_metrics=plan.all_metrics,
            for_s=plan.for_s,
            note=clean(redact_text(plan.note), TEXT_LIMIT),
            experiment={name: redact_text(value) for name, value in plan.experiment.items()},
            workload={name: redact_text(value) for name, value in plan.workload.items()},
            environment=fingerprint(),
            fields=fields,
        )

    # ------------------------------------------------------------------------------------------ what is recorded

    def take(
        self,
        reading: Reading,
        snapshot: Snapshot,
        told: Sequence[TargetState],
        looking: bool = False,
        lens: str | None = None,
        past: Sequence[Scrape] = (),
    ) -> None:
        """Record one reading. `snapshot` is what was derived from it: it goes into the summary, not into the file.

        `lens` is the service that is only a closer look at another one; `past` is what servers remember.
        """
        if self._newest is None:
            self._begin_part(reading)
            self._began_at = reading.at
        elif self.plan.size_limit is not None and self._writer.written > self.plan.size_limit:
            self._next_part(reading)
        self.summing.take(snapshot, lens)
        if self._of_part is not self.summing:
            self._of_part.take(snapshot, lens)
        self._look_for_builds(reading, told)
        self._newest = (reading.at, reading.time)
        begin = self._begin(reading) if self._is_due(reading.at) else None
        services = tuple((service.name, service.targets) for service in snapshot.services if service.name != lens)
        head = self._head() if begin is not None else []
        chunk = b"".join([*head, *self._waiting, *self._encoder.reading(reading, told, services, looking, past)])
        self._waiting = []
        self._offer(chunk, begin, reading.at)

    def mark(self, mark: Mark) -> None:
        """Record a mark. One that was set before the first reading stands behind it."""
        self._line({"mark": to_plain(replace(mark, text=clean(redact_text(mark.text), TEXT_LIMIT)))})

    def event(self, event: Event) -> None:
        """Record what was noted from outside: what the monitor finds by itself it finds again in a replay."""
        self._line({"event": to_plain(event)})

    def profile(self, time: float, at: float, pid: int, name: str, document: Mapping[str, Any], hottest: str) -> bool:
        """Record a profile: speedscope's document. False where it is too large for a line of a run."""
        self.summing.hottest = self._of_part.hottest = clean(hottest, 200)
        said = {"time": time, "at": at, "pid": pid, "name": clean(name, 200), "document": document}
        try:
            self._line({"profile": said})
        except checked_lines.LineTooLongError:
            return False
        return True

    def _line(self, content: dict[str, Any]) -> None:
        line = checked_lines.write(content)
        if self._member_at is None or self._broken:
            self._waiting.append(line)
        else:
            self._offer(line, None)

    # ------------------------------------------------------------------------------------------ members

    def _is_due(self, at: float) -> bool:
        if self._member_at is None or self._broken:
            return True
        return at - self._member_at >= MEMBER_S - 0.5 or self._member_bytes > MEMBER_BYTES

    def _begin(self, reading: Reading) -> MemberStart:
        self._encoder.restart()
        self._member_at, self._member_bytes = reading.at, 0
        header = replace(self._header, member=self._members, time=reading.time, at=reading.at, builds=self._builds)
        self._header = header
        self._members += 1
        since = reading.at - header.began_at
        return MemberStart(bytes.fromhex(header.run)[:4], header.member, since, reading.time)

    def _head(self) -> list[bytes]:
        head = [checked_lines.write({"run": {"tput": FORMAT, **to_plain(self._header)}})]
        if self._header.member:
            head.append(checked_lines.write({"summary": to_plain(self._of_part.summary())}))
        return head

    def _offer(self, chunk: bytes, begin: MemberStart | None, at: float | None = None) -> None:
        self._member_bytes += len(chunk)
        self._broken = not self._writer.offer(chunk, begin, at)
        self.dropped += self._broken and at is not None and self._writer.problem is None

    def _begin_part(self, reading: Reading) -> None:
        self._header = replace(self._header, began_time=reading.time, began_at=reading.at)

    def _next_part(self, reading: Reading) -> None:
        """Go on in a new file: NAME-2.tput.gz. Where that cannot be made, the recording ends, and says why."""
        number = self._header.part + 1
        name = self.plan.path.name
        suffix = SUFFIX if name.endswith(SUFFIX) else self.plan.path.suffix
        name = f"{name.removesuffix(suffix)}-{number}{suffix}"
        old = self._writer
        self._finish(f"the size limit: it goes on in {name}")
        try:
            self._writer = RunWriter(self.plan.path.with_name(name), force=self.plan.force)
        except CannotRecordError as error:
            old.problem = str(error)
            return
        self._before += old.written
        self._header = replace(self._header, part=number, run=secrets.token_hex(8))
        self._begin_part(reading)
        self._of_part = RunSummarizer(self.summing.hottest)
        self._members, self._member_at = 0, None

    def _look_for_builds(self, reading: Reading, told: Sequence[TargetState]) -> None:
        for scrape in reading.scrapes:
            if scrape.exposition is not None and scrape.target not in self._builds and len(self._builds) < 100:
                found = builds(scrape.exposition)
                if found or any(one.target.name == scrape.target and one.wanted is not None for one in told):
                    self._builds = {**self._builds, scrape.target: found}

    # ------------------------------------------------------------------------------------------ its end

    def _finish(self, reason: str) -> bool:
        if self._newest is not None:
            end = RunEnd(self._newest[1], self._newest[0], reason, self.dropped, self._of_part.summary())
            self._line({"end": to_plain(end)})
        return self._writer.close()

    def close(self, reason: str = "") -> bool:
        """End the run and wait until it is on the disk (bounded). False where it is not: `state` says why.

        A run without a reading leaves no file.
        """
        saved = self._finish(reason)
        if not self._writer.written:
            self._writer.discard()
        return saved

    def state(self) -> RecordingState:
        """How it goes."""
        began, problem = self._began_at, self._writer.problem
        newest = self._newest[0] if self._newest is not None else began
        if problem is not None:
            newest = self._writer.written_at or began
        return RecordingState(
            path=self._writer.path,
            began_at=began,
            seconds=newest - began if newest is not None and began is not None else 0.0,
            size=self._before + self._writer.written,
            dropped=self.dropped,
            problem=problem,
            parts=self._header.part,
        )

"""Recorder of an engine's readings: encodes each one and queues the lines for the writer.

The lines are encoded on the engine's thread (0.2 ms for 300 series, see bench/runs.py); the
writer's thread compresses, writes and syncs.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final

from tputtui.frozen import frozen
from tputtui.model import Event, Reading, Scrape, Snapshot
from tputtui.recording import container
from tputtui.recording.container import MEMBER_LIMIT
from tputtui.recording.encode import Encoder, TargetFacts
from tputtui.recording.records import FORMAT_VERSION, Mark, RunEnd, RunHeader
from tputtui.recording.run_environment import describe_version, read_builds, read_environment
from tputtui.recording.summary import RunSummarizer
from tputtui.recording.value_codec import row_fields, to_plain
from tputtui.recording.writer import CannotRecordError, MemberStart, RunWriter
from tputtui.text import clean
from tputtui.text.redaction import redact_text

MEMBER_S: Final = 60.0
"""Seconds of a member: the extent of a loss by damage, and the amount that a seek has to read."""

MEMBER_BYTES: Final = MEMBER_LIMIT // 4
SUFFIX: Final = ".tput.gz"
TEXT_LIMIT: Final = 500  # characters of a mark or a note


@frozen
class RecordingPlan:
    """Options of a recording."""

    path: Path
    force: bool = False
    all_metrics: bool = False
    for_s: float | None = None
    note: str = ""
    experiment: Mapping[str, str] = field(default_factory=dict)
    workload: Mapping[str, str] = field(default_factory=dict)
    size_limit: int | None = None  # bytes of one file; beyond it a new one is started
    # header of the run this is cut from: nothing of this machine is recorded
    source_header: RunHeader | None = None


@frozen
class RecordingState:
    """State of a recording, for a screen."""

    path: Path
    began_at: float | None  # monotonic seconds of its first reading
    # from the first reading to the newest; once stopped, to the last one in the file
    seconds: float
    size: int  # bytes of all parts
    dropped: int  # readings that were not written
    problem: str | None
    parts: int = 1


class Recorder:
    """One recording.

    All methods but `state` and `close` are called on the engine's thread, and never block.
    """

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
        """Create the file. Raises CannotRecordError."""
        self.plan = plan
        self.summarizer = RunSummarizer()
        # summary of the current file: of a later part, that part alone
        self._part_summarizer = self.summarizer
        self._writer = RunWriter(
            plan.path, force=plan.force, block_when_full=plan.source_header is not None
        )
        self._encoder = Encoder(all_metrics=plan.all_metrics or plan.source_header is not None)
        fields = {name: tuple(order) for name, order in row_fields().items()}
        self._header = (
            replace(
                plan.source_header,
                run=secrets.token_hex(8),
                cut_from=plan.source_header.run,
                fields=fields,
                for_s=None,
                part=1,
            )
            if plan.source_header is not None
            else self._new_header(interval_s, window_s, quantiles, objectives, by, fields)
        )
        self._member_count = 0
        self._member_at: float | None = None
        self._member_bytes = 0
        # a chunk was dropped: the next one has to define everything again
        self._has_dropped_chunk = False
        self._began_at: float | None = None  # time of the first reading of all parts
        self._newest: tuple[float, float] | None = None  # (at, time) of the newest reading
        self._previous_bytes = 0  # bytes of the earlier parts
        self._builds = dict(self._header.builds)
        self._pending_lines: list[bytes] = []  # lines that arrived before the first reading
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
            tputtui=describe_version(),
            quantiles=quantiles,
            objectives=objectives,
            by=by,
            all_metrics=plan.all_metrics,
            for_s=plan.for_s,
            note=clean(redact_text(plan.note), TEXT_LIMIT),
            experiment={name: redact_text(value) for name, value in plan.experiment.items()},
            workload={name: redact_text(value) for name, value in plan.workload.items()},
            environment=read_environment(),
            fields=fields,
        )

    # ------------------------------------------------------------------------------------ recording

    def record_reading(
        self,
        reading: Reading,
        snapshot: Snapshot,
        target_facts: Sequence[TargetFacts],
        is_discovering: bool = False,
        filtered_service: str | None = None,
        backfill: Sequence[Scrape] = (),
    ) -> None:
        """Record one reading.

        `snapshot`, derived from it, goes into the summary, not into the file.

        `filtered_service` is the service that is only a part of another one; `backfill` holds past
        samples from servers.
        """
        if self._newest is None:
            self._start_part(reading)
            self._began_at = reading.at
        elif self.plan.size_limit is not None and self._writer.written_bytes > self.plan.size_limit:
            self._start_next_part(reading)
        self.summarizer.add(snapshot, filtered_service)
        if self._part_summarizer is not self.summarizer:
            self._part_summarizer.add(snapshot, filtered_service)
        self._update_builds(reading, target_facts)
        self._newest = (reading.at, reading.time)
        begin = self._start_member(reading) if self._is_due(reading.at) else None
        services = tuple(
            (service.name, service.targets)
            for service in snapshot.services
            if service.name != filtered_service
        )
        head = self._header_lines() if begin is not None else []
        chunk = b"".join(
            [
                *head,
                *self._pending_lines,
                *self._encoder.encode_reading(
                    reading, target_facts, services, is_discovering, backfill
                ),
            ]
        )
        self._pending_lines = []
        self._offer(chunk, begin, reading.at)

    def record_mark(self, mark: Mark) -> None:
        """Record a mark. A mark set before the first reading is written after it."""
        self._write_line(
            {"mark": to_plain(replace(mark, text=clean(redact_text(mark.text), TEXT_LIMIT)))}
        )

    def record_event(self, event: Event) -> None:
        """Record an external event; those that the pipeline derives are derived again in a
        replay.
        """
        self._write_line({"event": to_plain(event)})

    def record_profile(
        self, time: float, at: float, pid: int, name: str, document: Mapping[str, Any], hottest: str
    ) -> bool:
        """Record a profile as a speedscope document.

        False where it is too large for a line of a run.
        """
        self.summarizer.hottest = self._part_summarizer.hottest = clean(hottest, 200)
        profile = {
            "time": time,
            "at": at,
            "pid": pid,
            "name": clean(name, 200),
            "document": document,
        }
        try:
            self._write_line({"profile": profile})
        except container.LineTooLongError:
            return False
        return True

    def _write_line(self, content: dict[str, Any]) -> None:
        line = container.format_line(content)
        if self._member_at is None or self._has_dropped_chunk:
            self._pending_lines.append(line)
        else:
            self._offer(line, None)

    # -------------------------------------------------------------------------------------- members

    def _is_due(self, at: float) -> bool:
        if self._member_at is None or self._has_dropped_chunk:
            return True
        return at - self._member_at >= MEMBER_S - 0.5 or self._member_bytes > MEMBER_BYTES

    def _start_member(self, reading: Reading) -> MemberStart:
        self._encoder.restart()
        self._member_at, self._member_bytes = reading.at, 0
        header = replace(
            self._header,
            member=self._member_count,
            time=reading.time,
            at=reading.at,
            builds=self._builds,
        )
        self._header = header
        self._member_count += 1
        since = reading.at - header.began_at
        return MemberStart(bytes.fromhex(header.run)[:4], header.member, since, reading.time)

    def _header_lines(self) -> list[bytes]:
        head = [container.format_line({"run": {"tput": FORMAT_VERSION, **to_plain(self._header)}})]
        if self._header.member:
            head.append(
                container.format_line({"summary": to_plain(self._part_summarizer.summary())})
            )
        return head

    def _offer(self, chunk: bytes, member: MemberStart | None, at: float | None = None) -> None:
        self._member_bytes += len(chunk)
        self._has_dropped_chunk = not self._writer.offer(chunk, member, at)
        self.dropped += self._has_dropped_chunk and at is not None and self._writer.problem is None

    def _start_part(self, reading: Reading) -> None:
        self._header = replace(self._header, began_time=reading.time, began_at=reading.at)

    def _start_next_part(self, reading: Reading) -> None:
        """Continue in a new file, NAME-2.tput.gz.

        Where that cannot be created, the recording ends with the reason.
        """
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
        self._previous_bytes += old.written_bytes
        self._header = replace(self._header, part=number, run=secrets.token_hex(8))
        self._start_part(reading)
        self._part_summarizer = RunSummarizer(self.summarizer.hottest)
        self._member_count, self._member_at = 0, None

    def _update_builds(self, reading: Reading, target_facts: Sequence[TargetFacts]) -> None:
        for scrape in reading.scrapes:
            if (
                scrape.exposition is not None
                and scrape.target not in self._builds
                and len(self._builds) < 100
            ):
                builds = read_builds(scrape.exposition)
                if builds or any(
                    facts.target.name == scrape.target and facts.wanted is not None
                    for facts in target_facts
                ):
                    self._builds = {**self._builds, scrape.target: builds}

    # ------------------------------------------------------------------------------------------ end

    def _finish(self, reason: str) -> bool:
        if self._newest is not None:
            end = RunEnd(
                self._newest[1],
                self._newest[0],
                reason,
                self.dropped,
                self._part_summarizer.summary(),
            )
            self._write_line({"end": to_plain(end)})
        return self._writer.close()

    def close(self, reason: str = "") -> bool:
        """End the run and wait until it is on the disk (bounded).

        False where that failed: see `state`.

        A run without a reading leaves no file.
        """
        saved = self._finish(reason)
        if not self._writer.written_bytes:
            self._writer.discard()
        return saved

    def state(self) -> RecordingState:
        """Current state of the recording."""
        began, problem = self._began_at, self._writer.problem
        newest = self._newest[0] if self._newest is not None else began
        if problem is not None:
            newest = self._writer.written_at or began
        return RecordingState(
            path=self._writer.path,
            began_at=began,
            seconds=newest - began if newest is not None and began is not None else 0.0,
            size=self._previous_bytes + self._writer.written_bytes,
            dropped=self.dropped,
            problem=problem,
            parts=self._header.part,
        )

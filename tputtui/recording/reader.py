"""Reader of a run file: header, any span of readings, and damage.

The content is untrusted until checked.
"""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import Self

from tputtui.model import Event
from tputtui.recording import container
from tputtui.recording.container import DamagedMemberError, Member
from tputtui.recording.decode import Decoder, InternedSeries
from tputtui.recording.records import (
    Mark,
    NewerFormatError,
    RecordedProfile,
    RecordedTick,
    RunEnd,
    RunHeader,
    RunItem,
    RunSummary,
)
from tputtui.recording.value_codec import BadValueError
from tputtui.text import clean, format_duration

MAX_DAMAGE_MESSAGES = 20


class NotARunError(Exception):
    """The file is not a readable run. The message is a clause without the file's name, cleaned."""


class Run:
    """Run open for reading. Close it, or use it in a `with`.

    Damaged parts are skipped and listed in `damage`, a sentence each, as they are met. Only the
    file itself is accessed.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a run. Raises NotARunError."""
        self.path = os.fspath(path)
        self.damage: list[str] = []
        self._interned = InternedSeries()
        self._cached_last_items: list[RunItem] | None = None
        self._cached_end: tuple[RunEnd | None] | None = None  # set after the first search
        self._descriptor = _open_run_file(self.path)
        try:
            self.size = os.fstat(self._descriptor).st_size
            self._members = self._find_members()
            self.header = self._read_header()
            self._member_offsets = [member.since_s for member in self._members]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def duplicate(self) -> Run:
        """Open the same run again for another thread, which has to close it; the index is
        shared.
        """
        other = copy(self)
        other._descriptor = os.dup(self._descriptor)
        other.damage, other._interned, other._cached_last_items = [], InternedSeries(), None
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --------------------------------------------------------------------------- header and members

    def _find_members(self) -> list[Member]:
        if self.size > container.FILE_LIMIT:
            raise NotARunError(f"larger than the limit of {container.FILE_LIMIT // 1024**3} GiB")
        if self.size == 0:
            raise NotARunError("the file is empty")
        head = os.pread(self._descriptor, 1024 * 1024, 0)
        if not head.startswith(container.MAGIC) and container.SIGNATURE not in head:
            raise NotARunError("not a run of tputtui")
        return container.find_members(self._descriptor, self.size)

    def _read_header(self) -> RunHeader:
        """Read the header of the first sound member.

        The members of its run, in order, are the ones that count.
        """
        for index, member in enumerate(self._members):
            try:
                for item in self._decode_member(member, Decoder(self._interned), index):
                    if isinstance(item, RunHeader):
                        self._select_members(item)
                        return item
                    break
            except NewerFormatError as error:
                raise NotARunError(str(error)) from None
        reason = "nothing in it can be read" if self.damage else "not a run of tputtui"
        raise NotARunError(
            reason
            if len(self._members) > 1 or self._members[0].run
            else "not a run of tputtui, or damaged"
        )

    def _select_members(self, header: RunHeader) -> None:
        """Drop duplicate members and those of another run (concatenated files); sort the others."""
        try:
            run_prefix = bytes.fromhex(header.run)[:4]
        except ValueError:
            raise NotARunError("its header has no sound name of the run") from None
        members = [member for member in self._members if member.run == run_prefix or not member.run]
        if len(members) < len(self._members):
            self._add_damage(
                f"{len(self._members) - len(members)} parts belong to another run and are left out"
            )
        if any(not member.run for member in members):
            if len(members) > 1:  # bytes before our first member, or a recompressed one among them
                self._add_damage("bytes that are no part of a run are left out")
                members = [member for member in members if member.run] or members
            self._members = members
            return
        by_number: dict[int, Member] = {}
        for member in members:
            by_number.setdefault(member.number, member)
        if len(by_number) < len(members):
            self._add_damage(f"{len(members) - len(by_number)} parts are there twice")
        ordered = [by_number[number] for number in sorted(by_number)]
        kept: list[Member] = []
        for member in ordered:
            if member.since_s == member.since_s and (not kept or member.since_s > kept[-1].since_s):
                kept.append(member)
        if not kept:
            raise NotARunError("its header names another run than the file's parts do")
        missing = ordered[-1].number - ordered[0].number + 1 - len(kept)
        if missing > 0:
            self._add_damage(f"{missing} parts of up to a minute are missing")
        self._members = kept

    def _add_damage(self, sentence: str) -> None:
        if len(self.damage) < MAX_DAMAGE_MESSAGES and sentence not in self.damage:
            self.damage.append(sentence)

    # ---------------------------------------------------------------------------------------- items

    def items(
        self,
        since: float | None = None,
        until: float | None = None,
        *,
        skip_early_scrapes: bool = False,
    ) -> Iterator[RunItem]:
        """Iterate over the items, from the member that contains `since` to the last reading not
        after `until`.

        Both are `at` of the run's own clock. A damaged member leaves a gap. `skip_early_scrapes`:
        the readings before `since` come without their scrapes, which is ten times faster.
        """
        scrapes_since = since if skip_early_scrapes else None
        newest = float("-inf")
        for index in range(self._member_index(since), len(self._members)):
            if until is not None and index and self._member_start(index) > until:
                return
            for item in self._decode_member(
                self._members[index], Decoder(self._interned), index, scrapes_since
            ):
                if isinstance(item, RecordedTick):
                    at = item.reading.at
                    if until is not None and at > until:
                        return
                    if at <= newest:
                        self._add_damage("time runs backwards in it: what lies behind is left out")
                        break
                    newest = at
                yield item

    def ticks(
        self, since: float | None = None, until: float | None = None
    ) -> Iterator[RecordedTick]:
        """Iterate over the readings of a span only."""
        for item in self.items(since, until):
            if isinstance(item, RecordedTick) and (since is None or item.reading.at >= since):
                yield item

    def marks(self) -> list[Mark]:
        """All marks, the oldest first."""
        return [item for item in self._items_with_prefix(b'{"mark":') if isinstance(item, Mark)]

    def events(self) -> list[Event]:
        """Recorded events: choices of the user, results of discovery."""
        return [item for item in self._items_with_prefix(b'{"event":') if isinstance(item, Event)]

    def profiles(self) -> list[RecordedProfile]:
        """Recorded profiles, not parsed yet."""
        return [
            item
            for item in self._items_with_prefix(b'{"profile":')
            if isinstance(item, RecordedProfile)
        ]

    def end(self) -> RunEnd | None:
        """End of the run; None where it ended abruptly, or still goes on."""
        if self._cached_end is None:
            self._cached_end = (self._read_end(),)
        return self._cached_end[0]

    def _read_end(self) -> RunEnd | None:
        """Read the line that ends the last member; no other member is read for it."""
        content = self.member_content(len(self._members) - 1)
        begin = content.rfind(b'\n{"end":') + 1
        if not begin:
            return None
        head = content[: content.find(b"\n") + 1]
        try:
            items = list(Decoder(self._interned).decode(head + content[begin:]))
        except (container.CorruptLineError, BadValueError):
            return None
        return next((item for item in items if isinstance(item, RunEnd)), None)

    def summary(self) -> RunSummary:
        """Summary of the run: up to its end, or to the beginning of the last member."""
        end = self.end()
        if end is not None:
            return end.summary
        summaries = [item for item in self._last_items() if isinstance(item, RunSummary)]
        last = self.last_tick()
        seconds = last.reading.at - self.header.began_at if last is not None else 0.0
        return replace(summaries[-1] if summaries else RunSummary(), seconds=max(0.0, seconds))

    def last_tick(self) -> RecordedTick | None:
        """Last sound reading, without its scrapes."""
        return next(
            (item for item in reversed(self._last_items()) if isinstance(item, RecordedTick)), None
        )

    @property
    def end_description(self) -> str:
        """Description of how the run ended; "" where it was closed."""
        if self.end() is not None:
            return clean(self.end().reason, 200)  # type: ignore[union-attr]
        last = self.last_tick()
        lived = (
            f" after {format_duration(last.reading.at - self.header.began_at)}"
            if last is not None
            else ""
        )
        return f"it ended abruptly{lived}, or is still being recorded"

    def _last_items(self) -> list[RunItem]:
        """Items of the last member with a reading and of those after it, without scrapes."""
        if self._cached_last_items is None:
            tail: list[RunItem] = []
            for index in range(len(self._members) - 1, -1, -1):
                member = self._members[index]
                tail = [
                    *self._decode_member(
                        member, Decoder(self._interned), index, scrapes_since=float("inf")
                    ),
                    *tail,
                ]
                if any(isinstance(item, RecordedTick) for item in tail):
                    break
            self._cached_last_items = tail
        return self._cached_last_items

    # -------------------------------------------------------------------------------------- members

    def _member_start(self, index: int) -> float:
        return self.header.began_at + self._members[index].since_s

    def _member_index(self, at: float | None) -> int:
        """Index of the member that contains a time."""
        if at is None:
            return 0
        return max(0, bisect_right(self._member_offsets, at - self.header.began_at) - 1)

    def member_starts(self) -> list[float]:
        """`at` at which each member begins."""
        return [self._member_start(index) for index in range(len(self._members))]

    def member_content(self, index: int) -> bytes:
        """Lines of a member as they were written; empty where it is damaged, which is noted in
        `damage`.
        """
        member = self._members[index]
        last = index == len(self._members) - 1
        try:
            inflated = container.inflate(self._descriptor, member, is_lenient=last)
        except DamagedMemberError as error:
            self._add_damage(f"{self._describe_member(member)} is left out: {error}")
            return b""
        except OSError as error:
            reason = (error.strerror or "failed").lower()
            self._add_damage(f"{self._describe_member(member)} cannot be read: {reason}")
            return b""
        if inflated.is_complete or last:
            return inflated.content
        self._add_damage(f"{self._describe_member(member)} is left out: it is cut off")
        return b""

    def _describe_member(self, member: Member) -> str:
        return f"the part from {format_duration(member.since_s)} on" if member.run else "the file"

    def _decode_member(
        self, member: Member, decoder: Decoder, index: int, scrapes_since: float | None = None
    ) -> Iterator[RunItem]:
        """Decode a member's items, as far as it is sound."""
        try:
            yield from decoder.decode(self.member_content(index), scrapes_since)
        except (container.CorruptLineError, BadValueError) as error:
            self._add_damage(f"{self._describe_member(member)} is read only up to where {error}")

    def _items_with_prefix(self, prefix: bytes) -> Iterator[RunItem]:
        """Iterate over the items of lines with a prefix; of other lines only the headers are
        read.
        """
        for index, member in enumerate(self._members):
            content = self.member_content(index)
            if prefix not in content:
                continue
            picked = [
                line for line in content.split(b"\n")[:-1] if line.startswith((b'{"run":', prefix))
            ]
            try:
                yield from Decoder(self._interned).decode(b"\n".join([*picked, b""]))
            except (container.CorruptLineError, BadValueError) as error:
                self._add_damage(
                    f"{self._describe_member(member)} is read only up to where {error}"
                )


def _open_run_file(path: str) -> int:
    try:
        # O_NONBLOCK: opening a FIFO must not block; O_NOCTTY: a terminal must not become the
        # controlling one.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise NotARunError(f"it cannot be read: {(reason or str(error)).lower()}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotARunError("it is a folder" if stat.S_ISDIR(mode) else "it is not a plain file")
    return descriptor

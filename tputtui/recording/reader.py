"""A run's file, read: what it says of itself, any span of it, and what is damaged. It is foreign until checked."""

from __future__ import annotations

import os
import stat
from bisect import bisect_right
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import Self

from tputtui.model import Event
from tputtui.recording import checked_lines, gzip_members
from tputtui.recording.decode import Decoder, InternedSeries, NewerFormatError
from tputtui.recording.gzip_members import DamagedMemberError, Member
from tputtui.recording.records import Item, RecordedProfile, RecordedTick
from tputtui.recording.run_header import Mark, RunEnd, RunHeader, RunSummary
from tputtui.recording.value_codec import BadValueError
from tputtui.text import clean, span

MOST_DAMAGE_SAID = 20


class NotARunError(Exception):
    """The file is no run that can be read: a clause without its name, cleaned."""


class Run:
    """One run, open for reading. Close it, or use it in a `with`.

    What is damaged is left out and told in `damage`, a sentence each, as it is met. Nothing here looks at anything but
    the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Open a run. Raises NotARun."""
        self.path = os.fspath(path)
        self.damage: list[str] = []
        self._interned = InternedSeries()
        self._tail: list[Item] | None = None
        self._closed: tuple[RunEnd | None] | None = None  # once it was looked for
        self._descriptor = _open(self.path)
        try:
            self.size = os.fstat(self._descriptor).st_size
            self._index = self._find()
            self.header = self._first_header()
            self._offsets = [member.since_s for member in self._index]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def twin(self) -> Run:
        """The same run once more, to be read by another thread; close it, too. Nothing is looked for anew."""
        other = copy(self)
        other._descriptor = os.dup(self._descriptor)
        other.damage, other._interned, other._tail = [], InternedSeries(), None
        return other

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------ what it is

    def _find(self) -> list[Member]:
        if self.size > gzip_members.FILE_LIMIT:
            raise NotARunError(f"larger than the limit of {gzip_members.FILE_LIMIT // 1024**3} GiB")
        if self.size == 0:
            raise NotARunError("the file is empty")
        head = os.pread(self._descriptor, 1024 * 1024, 0)
        if not head.startswith(gzip_members.MAGIC) and gzip_members.SIGNATURE not in head:
            raise NotARunError("not a run of tputtui")
        return gzip_members.find(self._descriptor, self.size)

    def _first_header(self) -> RunHeader:
        """The header of the first member that can be read; the members of its run, in order, are those that count."""
        for place, member in enumerate(self._index):
            try:
                for item in self._decode(member, Decoder(self._interned), place):
                    if isinstance(item, RunHeader):
                        self._keep_those_of(item)
                        return item
                    break
            except NewerFormatError as error:
                raise NotARunError(str(error)) from None
        reason = "nothing in it can be read" if self.damage else "not a run of tputtui"
        raise NotARunError(reason if len(self._index) > 1 or self._index[0].run else "not a run of tputtui, or damaged")

    def _keep_those_of(self, header: RunHeader) -> None:
        """Leave out members of another run (files joined together) and those that are there twice; sort the others."""
        try:
            own = bytes.fromhex(header.run)[:4]
        except ValueError:
            raise NotARunError("its header has no sound name of the run") from None
        mine = [member for member in self._index if member.run == own or not member.run]
        if len(mine) < len(self._index):
            self._say(f"{len(self._index) - len(mine)} parts belong to another run and are left out")
        if any(not member.run for member in mine):
            if len(mine) > 1:  # bytes before our first member, or one compressed anew among them
                self._say("bytes that are no part of a run are left out")
                mine = [member for member in mine if member.run] or mine
            self._index = mine
            return
        by_number: dict[int, Member] = {}
        for member in mine:
            by_number.setdefault(member.number, member)
        if len(by_number) < len(mine):
            self._say(f"{len(mine) - len(by_number)} parts are there twice")
        ordered = [by_number[number] for number in sorted(by_number)]
        kept: list[Member] = []
        for member in ordered:
            if member.since_s == member.since_s and (not kept or member.since_s > kept[-1].since_s):
                kept.append(member)
        if not kept:
            raise NotARunError("its header names another run than the file's parts do")
        missing = ordered[-1].number - ordered[0].number + 1 - len(kept)
        if missing > 0:
            self._say(f"{missing} parts of up to a minute are missing")
        self._index = kept

    def _say(self, sentence: str) -> None:
        if len(self.damage) < MOST_DAMAGE_SAID and sentence not in self.damage:
            self.damage.append(sentence)

    # ------------------------------------------------------------------------------------------ what is in it

    def items(self, since: float | None = None, until: float | None = None, *, briefly: bool = False) -> Iterator[Item]:
        """What the run says, in order: from the member in which `since` lies, to the last reading not after `until`.

        Both are `at` of the run's own clock. Where a member is damaged there is a gap. `briefly`: the readings before
        `since` come without their scrapes, which is ten times quicker.
        """
        scrapes_since = since if briefly else None
        newest = float("-inf")
        for place in range(self._place_of(since), len(self._index)):
            if until is not None and place and self._at(place) > until:
                return
            for item in self._decode(self._index[place], Decoder(self._interned), place, scrapes_since):
                if isinstance(item, RecordedTick):
                    at = item.reading.at
                    if until is not None and at > until:
                        return
                    if at <= newest:
                        self._say("time runs backwards in it: what lies behind is left out")
                        break
                    newest = at
                yield item

    def ticks(self, since: float | None = None, until: float | None = None) -> Iterator[RecordedTick]:
        """Only the readings of a span."""
        for item in self.items(since, until):
            if isinstance(item, RecordedTick) and (since is None or item.reading.at >= since):
                yield item

    def marks(self) -> list[Mark]:
        """All marks, the oldest first."""
        return [item for item in self._picked(b'{"mark":') if isinstance(item, Mark)]

    def events(self) -> list[Event]:
        """What was noted from outside: choices of the user, what discovery found."""
        return [item for item in self._picked(b'{"event":') if isinstance(item, Event)]

    def profiles(self) -> list[RecordedProfile]:
        """The profiles that were taken, not yet read."""
        return [item for item in self._picked(b'{"profile":') if isinstance(item, RecordedProfile)]

    def end(self) -> RunEnd | None:
        """How it was closed; None where it ended abruptly, or still goes on."""
        if self._closed is None:
            self._closed = (self._find_end(),)
        return self._closed[0]

    def _find_end(self) -> RunEnd | None:
        """The line that ends the last member; none of the others is read for it."""
        content = self.content(len(self._index) - 1)
        begin = content.rfind(b'\n{"end":') + 1
        if not begin:
            return None
        head = content[: content.find(b"\n") + 1]
        try:
            found = list(Decoder(self._interned).read(head + content[begin:]))
        except (checked_lines.CorruptLineError, BadValueError):
            return None
        return next((item for item in found if isinstance(item, RunEnd)), None)

    def summary(self) -> RunSummary:
        """The run at a glance: up to its end, or to the last member that was begun."""
        end = self.end()
        if end is not None:
            return end.summary
        found = next((item for item in reversed(self._last()) if isinstance(item, RunSummary)), None)
        last = self.last_tick()
        seconds = last.reading.at - self.header.began_at if last is not None else 0.0
        return replace(found or RunSummary(), seconds=max(0.0, seconds))

    def last_tick(self) -> RecordedTick | None:
        """The last reading that is sound, without its scrapes."""
        return next((item for item in reversed(self._last()) if isinstance(item, RecordedTick)), None)

    @property
    def ended(self) -> str:
        """How it ended, for a person: "" where it was closed."""
        if self.end() is not None:
            return clean(self.end().reason, 200)  # type: ignore[union-attr]
        last = self.last_tick()
        lived = f" after {span(last.reading.at - self.header.began_at)}" if last is not None else ""
        return f"it ended abruptly{lived}, or is still being recorded"

    def _last(self) -> list[Item]:
        """The items of the last member in which there is a reading, and of those behind it; no scrapes."""
        if self._tail is None:
            tail: list[Item] = []
            for place in range(len(self._index) - 1, -1, -1):
                member = self._index[place]
                tail = [*self._decode(member, Decoder(self._interned), place, scrapes_since=float("inf")), *tail]
                if any(isinstance(item, RecordedTick) for item in tail):
                    break
            self._tail = tail
        return self._tail

    # ------------------------------------------------------------------------------------------ members

    def _at(self, place: int) -> float:
        return self.header.began_at + self._index[place].since_s

    def _place_of(self, at: float | None) -> int:
        """The member in which a moment lies."""
        if at is None:
            return 0
        return max(0, bisect_right(self._offsets, at - self.header.began_at) - 1)

    def member_starts(self) -> list[float]:
        """`at` at which each member begins."""
        return [self._at(place) for place in range(len(self._index))]

    def content(self, place: int) -> bytes:
        """The lines of a member as they were written; nothing where it is damaged, which is said."""
        member = self._index[place]
        last = place == len(self._index) - 1
        try:
            found = gzip_members.inflate(self._descriptor, member, lenient=last)
        except DamagedMemberError as error:
            self._say(f"{self._named(member)} is left out: {error}")
            return b""
        except OSError as error:
            self._say(f"{self._named(member)} cannot be read: {(error.strerror or 'failed').lower()}")
            return b""
        if found.whole or last:
            return found.content
        self._say(f"{self._named(member)} is left out: it is cut off")
        return b""

    def _named(self, member: Member) -> str:
        return f"the part from {span(member.since_s)} on" if member.run else "the file"

    def _decode(
        self, member: Member, decoder: Decoder, place: int, scrapes_since: float | None = None
    ) -> Iterator[Item]:
        """A member's items, as far as it is sound."""
        try:
            yield from decoder.read(self.content(place), scrapes_since)
        except (checked_lines.CorruptLineError, BadValueError) as error:
            self._say(f"{self._named(member)} is read only up to where {error}")

    def _picked(self, begin: bytes) -> Iterator[Item]:
        """The items of the lines that begin with some bytes; of the others only the headers are read."""
        for place, member in enumerate(self._index):
            content = self.content(place)
            if begin not in content:
                continue
            picked = [line for line in content.split(b"\n")[:-1] if line.startswith((b'{"run":', begin))]
            try:
                yield from Decoder(self._interned).read(b"\n".join([*picked, b""]))
            except (checked_lines.CorruptLineError, BadValueError) as error:
                self._say(f"{self._named(member)} is read only up to where {error}")


def _open(path: str) -> int:
    try:
        # O_NONBLOCK: a FIFO at the path must not hold us; O_NOCTTY: a terminal must not become ours
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no path"
        raise NotARunError(f"it cannot be read: {(reason or str(error)).lower()}") from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotARunError("it is a folder" if stat.S_ISDIR(mode) else "it is not a plain file")
    return descriptor

"""Collapsed stacks, one per line: "outer;inner 42".

Read from py-spy's raw format and from other tools; written with cleaned names. The format is
ambiguous: a ``;`` or a newline in a name splits it, so lines that do not parse are counted and
reported, not guessed at.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tputtui.profiling.capture import entry_point
from tputtui.profiling.capture.entry_point import MAX_NAMES
from tputtui.profiling.files.profile_format import ProfileFormat
from tputtui.profiling.profile_model import (
    MAX_DEPTH,
    MAX_STACKS,
    MAX_WEIGHT,
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
    UnreadableProfileError,
)
from tputtui.text import clean

_FRAME = re.compile(r"^(.*) \((.*?)(?::(\d{1,9}))?\)$")
_THREAD = re.compile(r"^thread \((\d{1,18}|0x[0-9A-Fa-f]{1,16})\)(?:: (.*))?$")
_PROCESS = re.compile(r'^process (\d{1,10}):"(.*)"$')
_MAX_TID = 1 << 22


def parse(data: bytes, label: str = "") -> Profile:
    """Parse the bytes of a collapsed file into a profile. Raises UnreadableProfileError."""
    lines = data.decode("utf-8", "replace").split("\n")
    if len(lines) > MAX_STACKS:
        raise UnreadableProfileError(f"{len(lines):,} lines, more than the limit of {MAX_STACKS:,}")
    parser = _LineParser()
    skipped, first_bad = 0, 0
    for number, raw_line in enumerate(lines, 1):
        line = raw_line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        if not parser.add_line(line):
            skipped += 1
            first_bad = first_bad or number
    if not parser.wall:
        where = f"; line {first_bad} is the first of {skipped:,} that are not" if skipped else ""
        raise UnreadableProfileError(f'no line reads as collapsed stacks ("outer;inner 42"){where}')
    about = ProfileMetadata(
        source="collapsed stacks",
        label=clean(label, 200),
        torn=parser.is_from_pyspy,
        own=tuple(sorted(parser.own_packages))[:MAX_NAMES],
    )
    if skipped:
        lines_do = "line does" if skipped == 1 else "lines do"
        note = f"{skipped:,} {lines_do} not read as a stack, the first is line {first_bad}"
        about = replace(about, notes=(note,))
    return Profile(parser.frames, (ProfileSlice(parser.wall),), about)


class _LineParser:
    """Stacks, threads and frames of the lines parsed so far."""

    def __init__(self) -> None:
        self.frames = FrameTable()
        self.wall: dict[ProfileThread, dict[Stack, float]] = {}
        self.own_packages: set[str] = set()  # packages named by the processes' command lines
        self.is_from_pyspy = False
        self._frame_ids: dict[str, int] = {}
        self._unnumbered: dict[tuple[int, str], int] = {}  # threads without an id, by pid and name

    def add_line(self, line: str) -> bool:
        """Add the stack of a line; False where the line is no stack."""
        text, _, count = line.rpartition(" ")
        weight = _parse_weight(count)
        parts = text.split(";")
        if weight is None or not text or len(parts) > MAX_DEPTH:
            return False
        thread, start = self._parse_thread(parts)
        stack = tuple(_parse_frame(part, self.frames, self._frame_ids) for part in parts[start:])
        counts = self.wall.setdefault(thread, {})
        counts[stack] = counts.get(stack, 0.0) + weight
        return True

    def _parse_thread(self, parts: list[str]) -> tuple[ProfileThread, int]:
        """Parse what py-spy writes as the outermost frames; return also the first real frame."""
        pid, tid, name = 0, 0, ""
        start = 0
        while start < len(parts):
            if process := _PROCESS.match(parts[start]):
                pid = int(process[1])
                command = entry_point.parse_command_line(process[2].split())
                self.own_packages.update(command.packages)
            elif thread := _THREAD.match(parts[start]):
                tid, name = int(thread[1], 0), clean(thread[2] or "", 200)
                self.is_from_pyspy = True  # only py-spy writes these
            else:
                break
            start += 1
        if not 0 < tid <= _MAX_TID:
            tid = -self._unnumbered.setdefault((pid, name), len(self._unnumbered) + 1)
        return ProfileThread(pid, tid, name), start


def _parse_weight(text: str) -> float | None:
    if not re.fullmatch(r"\d{1,18}(?:\.\d{1,9})?", text, re.ASCII):
        return None
    value = float(text)
    return value if value <= MAX_WEIGHT else None


def _parse_frame(text: str, frames: FrameTable, frame_ids: dict[str, int]) -> int:
    frame_id = frame_ids.get(text)
    if frame_id is None:
        parts = _FRAME.match(text)
        frame_id = (
            frames.add_frame(parts[1], parts[2], int(parts[3] or 0))
            if parts
            else frames.add_frame(text or "?")
        )
        frame_ids[text] = frame_id
    return frame_id


def render(profile: Profile) -> bytes:
    """Render the wall stacks as collapsed lines, with process and thread as py-spy writes them.

    A ``;`` in a name becomes ``,``.
    """
    lines: dict[str, float] = {}
    for part in profile.slices:
        for thread, counts in part.wall.items():
            lead = []
            if thread.pid and thread.pid != profile.metadata.pid:
                lead.append(f'process {thread.pid}:""')
            if thread.tid > 0 or thread.name:
                lead.append(f"thread ({max(thread.tid, 0)}): {_replace_semicolons(thread.name)}")
            for stack, weight in counts.items():
                line = ";".join([*lead, *(_format_frame(profile.frames, frame) for frame in stack)])
                lines[line] = lines.get(line, 0.0) + weight
    return "".join(
        f"{line} {weight:.0f}\n" for line, weight in sorted(lines.items()) if line
    ).encode("utf-8", "replace")


def _format_frame(frames: FrameTable, frame_id: int) -> str:
    func, line = frames.frame_func(frame_id), frames.frames[frame_id].line
    if not func.file:
        return _replace_semicolons(func.name)
    place = f"{func.file}:{line}" if line else func.file
    return f"{_replace_semicolons(func.name)} ({_replace_semicolons(place)})"


def _replace_semicolons(text: str) -> str:
    return text.replace(";", ",")


FORMAT = ProfileFormat(
    name="collapsed stacks",
    suffixes=(".txt",),
    export_suffix=".collapsed.txt",
    read=parse,
    write=render,
)

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
from tputtui.profiling.profile_errors import (
    MAX_DEPTH,
    MAX_STACKS,
    MAX_WEIGHT,
    UnreadableProfileError,
)
from tputtui.profiling.profile_model import (
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)
from tputtui.text import clean

_FRAME = re.compile(r"^(.*) \((.*?)(?::(\d{1,9}))?\)$")
_THREAD = re.compile(r"^thread \((\d{1,18}|0x[0-9A-Fa-f]{1,16})\)(?:: (.*))?$")
_PROCESS = re.compile(r'^process (\d{1,10}):"(.*)"$')
_MAX_TID = 1 << 22


def parse(data: bytes, label: str = "") -> Profile:
    """Parse the bytes of a collapsed file into a profile. Raises UnreadableProfileError."""
    frames = FrameTable()
    known: dict[str, int] = {}
    wall: dict[ProfileThread, dict[Stack, float]] = {}
    skipped, first_bad, torn = 0, 0, False
    names: dict[tuple[int, str], int] = {}
    own: set[str] = set()
    lines = data.decode("utf-8", "replace").split("\n")
    if len(lines) > MAX_STACKS:
        raise UnreadableProfileError(f"{len(lines):,} lines, more than the limit of {MAX_STACKS:,}")
    for number, line in enumerate(lines, 1):
        line = line.rstrip("\r")  # noqa: PLW2901
        if not line.strip() or line.startswith("#"):
            continue
        text, _, count = line.rpartition(" ")
        weight = _parse_weight(count)
        parts = text.split(";")
        if weight is None or not text or len(parts) > MAX_DEPTH:
            skipped += 1
            first_bad = first_bad or number
            continue
        pid, tid, name = 0, 0, ""
        while parts:
            if match := _PROCESS.match(parts[0]):
                pid = int(match[1])
                own.update(entry_point.parse_command_line(match[2].split()).packages)
            elif match := _THREAD.match(parts[0]):
                tid, name = int(match[1], 0), clean(match[2] or "", 200)
                torn = True  # only py-spy writes these
            else:
                break
            parts.pop(0)
        if not 0 < tid <= _MAX_TID:
            tid = -names.setdefault((pid, name), len(names) + 1)
        stack = tuple(_parse_frame(part, frames, known) for part in parts)
        counts = wall.setdefault(ProfileThread(pid, tid, name), {})
        counts[stack] = counts.get(stack, 0.0) + weight
    if not wall:
        where = f"; line {first_bad} is the first of {skipped:,} that are not" if skipped else ""
        raise UnreadableProfileError(f'no line reads as collapsed stacks ("outer;inner 42"){where}')
    about = ProfileMetadata(
        source="collapsed stacks",
        label=clean(label, 200),
        torn=torn,
        own=tuple(sorted(own))[:MAX_NAMES],
    )
    if skipped:
        lines_word = "line does" if skipped == 1 else "lines do"
        about = replace(
            about,
            notes=(f"{skipped:,} {lines_word} not read as a stack, the first is line {first_bad}",),
        )
    return Profile(frames, (ProfileSlice(wall),), about)


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

"""Profiles from lines of text.

"outer;inner 5" is a stack, "outer;inner 5 3" one with 3 samples of the GIL.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from external_resources import shared

from tputtui.profiling.profile_model import (
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)

ProfileFactory = Callable[..., Profile]
MAIN = ProfileThread(1, 1, "MainThread")


def _frame(frames: FrameTable, word: str) -> int:
    """Add a frame of "name", "name:line", "name@file" or "name@file:line".

    Without a file it is /srv/app/app.py.
    """
    name, _, where = word.partition("@")
    if where:
        file, _, line = where.partition(":")
        return frames.add_frame(name, file, int(line or 1))
    name, _, line = name.partition(":")
    return frames.add_frame(name, "/srv/app/app.py", int(line or 1))


def create_profile(
    *slices: str | Sequence[str],
    frames: FrameTable | None = None,
    torn: bool = False,
    thread: ProfileThread = MAIN,
) -> Profile:
    table = frames or FrameTable()
    parts = []
    for text in slices:
        wall: dict[Stack, float] = {}
        gil: dict[Stack, float] = {}
        for line in text.splitlines() if isinstance(text, str) else text:
            fields = line.split()
            if not fields:
                continue
            path = fields[0] if fields[0] != "-" else ""
            stack = tuple(_frame(table, word) for word in path.split(";") if word)
            wall[stack] = wall.get(stack, 0.0) + float(fields[1])
            if len(fields) > 2:
                gil[stack] = gil.get(stack, 0.0) + float(fields[2])
        ticks = sum(wall.values())
        parts.append(
            ProfileSlice(
                {thread: wall}, {thread: gil} if gil else {}, ticks, ticks if gil else 0.0, 1.0
            )
        )
    return Profile(table, tuple(parts), ProfileMetadata(torn=torn, pid=thread.pid, rate_hz=100.0))


@pytest.fixture
def profile_of() -> ProfileFactory:
    return create_profile


@pytest.fixture(scope="session")
def profiles() -> Path:
    """Return the folder of captured profiles beside the checkout."""
    return shared("profiles")

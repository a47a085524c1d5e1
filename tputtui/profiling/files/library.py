"""Library of available profiles: those captured since the start and those of earlier sessions.

Each new profile is saved as soon as it is complete.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.profiling.files import file_formats, profile_store
from tputtui.profiling.profile_errors import UnreadableProfileError
from tputtui.profiling.profile_model import Profile

MAX_STORED_SHOWN = 200  # files of earlier sessions that are listed
MAX_DISTANCE_S = 30.0  # largest distance between a time and the profile that belongs to it


@frozen
class LibraryEntry:
    """One profile of the library. It is read from its file when it is opened."""

    time: float  # unix seconds of its start
    pid: int
    label: str
    duration_s: float | None = None  # None: the file was not read yet
    path: Path | None = None  # None: it could not be saved
    profile: Profile | None = None


class ProfileLibrary:
    """Profiles, newest first.

    `save_profile` is called by the capture's thread, the other methods by the screen's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session_entries: tuple[LibraryEntry, ...] = ()

    def save_profile(self, profile: Profile) -> tuple[LibraryEntry, str]:
        """Save a finished profile. Returns its entry and the error message if saving failed.

        A profile that could not be saved is kept in memory.
        """
        problem = ""
        path: Path | None = None
        try:
            path = profile_store.save_profile(profile, self._folder)
        except OSError as error:
            problem = f"the profile is not saved: {self._folder}: {error.strerror or error}"
        about = profile.metadata
        entry = LibraryEntry(
            about.time or 0.0, about.pid or 0, about.label, profile.duration_s, path, profile
        )
        self._session_entries = (entry, *self._session_entries)
        return entry, problem

    def add_entries(self, entries: Iterable[LibraryEntry]) -> None:
        """Add existing profiles, such as those of a recorded run, sorted newest first."""
        self._session_entries = (*entries, *self._session_entries)

    def entries(self) -> list[LibraryEntry]:
        """Return all entries, newest first."""
        known = {entry.path for entry in self._session_entries}
        files = [
            LibraryEntry(
                kept.time, kept.pid, f"{kept.pid}" if kept.pid else "a process", path=kept.path
            )
            for kept in profile_store.list_profiles(self._folder)[:MAX_STORED_SHOWN]
            if kept.path not in known
        ]
        return sorted((*self._session_entries, *files), key=lambda entry: -entry.time)

    def find_near(self, time: float) -> LibraryEntry | None:
        """Find the profile that was captured at a time (unix seconds), or the nearest one.

        None if it is further away than `MAX_DISTANCE_S`.
        """
        distances = [
            (_distance_s(entry, time), entry.time, entry) for entry in self._session_entries
        ]
        close = [item for item in distances if item[0] <= MAX_DISTANCE_S]
        return min(close, key=lambda item: (item[0], -item[1]))[2] if close else None

    def load_profile(self, entry: LibraryEntry) -> Profile:
        """Load the profile of an entry. Raises UnreadableProfileError."""
        if entry.profile is not None:
            return entry.profile
        if entry.path is None:
            raise UnreadableProfileError(f"{entry.label}: it was not saved")
        profile = file_formats.load(entry.path)
        about = replace(
            profile.metadata,
            time=profile.metadata.time or entry.time,
            pid=profile.metadata.pid or entry.pid or None,
        )
        return replace(profile, metadata=about)


def _distance_s(entry: LibraryEntry, time: float) -> float:
    end = entry.time + (entry.duration_s or 0.0)
    return max(0.0, entry.time - time, time - end)

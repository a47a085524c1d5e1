"""The profiles at hand: those taken since the start, each saved the moment it is done, and those of earlier sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.profiling.files import file_formats, profile_store
from tputtui.profiling.profile_model import Profile

MAX_STORED_SHOWN = 200  # files of earlier sessions that are listed
MAX_DISTANCE_S = 30.0  # a moment that is no further from a profile than this belongs to it


@frozen
class LibraryEntry:
    """One profile. It is read from its file only when it is looked at."""

    time: float  # unix seconds of its start
    pid: int
    label: str
    duration_s: float | None = None  # None: nobody has read the file
    path: Path | None = None  # None: it could not be saved
    profile: Profile | None = None


class ProfileLibrary:
    """Newest first. `keep` is called by the capture's thread, the rest by the screen's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._session_entries: tuple[LibraryEntry, ...] = ()

    def save_profile(self, profile: Profile) -> tuple[LibraryEntry, str]:
        """Save a finished profile. Returns it as an entry, and why it could not be saved (it is kept in memory then)."""
        problem = ""
        path: Path | None = None
        try:
            path = profile_store.save_profile(profile, self._folder)
        except OSError as error:
            problem = f"the profile is not saved: {self._folder}: {error.strerror or error}"
        about = profile.metadata
        entry = LibraryEntry(about.time or 0.0, about.pid or 0, about.label, profile.duration_s, path, profile)
        self._session_entries = (entry, *self._session_entries)
        return entry, problem

    def add_entries(self, entries: Iterable[LibraryEntry]) -> None:
        """Add profiles that are at hand already, such as those of a recorded run; the newest first."""
        self._session_entries = (*entries, *self._session_entries)

    def entries(self) -> list[LibraryEntry]:
        """All of them, the newest first."""
        known = {entry.path for entry in self._session_entries}
        files = [
            LibraryEntry(kept.time, kept.pid, f"{kept.pid}" if kept.pid else "a process", path=kept.path)
            for kept in profile_store.list_profiles(self._folder)[:MAX_STORED_SHOWN]
            if kept.path not in known
        ]
        return sorted((*self._session_entries, *files), key=lambda entry: -entry.time)

    def find_near(self, time: float) -> LibraryEntry | None:
        """The profile that was being taken at a moment (unix seconds), or nearly so; of several the nearest."""
        found = [(_distance_s(entry, time), entry.time, entry) for entry in self._session_entries]
        close = [item for item in found if item[0] <= MAX_DISTANCE_S]
        return min(close, key=lambda item: (item[0], -item[1]))[2] if close else None

    def load_profile(self, entry: LibraryEntry) -> Profile:
        """The profile of an entry. Raises UnreadableProfile."""
        if entry.profile is not None:
            return entry.profile
        if entry.path is None:
            raise file_formats.UnreadableProfileError(f"{entry.label}: it was not saved")
        profile = file_formats.load(entry.path)
        about = replace(
            profile.metadata, time=profile.metadata.time or entry.time, pid=profile.metadata.pid or entry.pid or None
        )
        return replace(profile, metadata=about)


def _distance_s(entry: LibraryEntry, time: float) -> float:
    end = entry.time + (entry.duration_s or 0.0)
    return max(0.0, entry.time - time, time - end)

"""Library of available profiles: those captured since the start and those of earlier sessions.

Each new profile is saved as soon as it is complete, in a file of its own that its owner alone can
read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.profiling.files import file_formats
from tputtui.profiling.profile_model import Profile, UnreadableProfileError
from tputtui.settings.state_paths import state_folder
from tputtui.text import clean

_FILE_NAME = re.compile(r"^(\d{8}-\d{6})-(\d+)(?:-\d+)?\.speedscope\.json\.gz$")


@frozen
class _StoredProfile:
    """One file of the store, described by its name alone."""

    path: Path
    time: float  # unix seconds
    pid: int
    size: int  # bytes


def _default_folder() -> Path:
    """Default folder of the store."""
    return state_folder() / "profiles"


def save_profile(profile: Profile, folder: Path | None = None) -> Path:
    """Write a profile to the store (0700, the file 0600). Returns its path. Raises OSError."""
    folder = _default_folder() if folder is None else folder
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    taken = time.strftime("%Y%m%d-%H%M%S", time.localtime(profile.metadata.time or time.time()))
    for number in range(1, 1000):
        again = f"-{number}" if number > 1 else ""
        path = folder / f"{taken}-{profile.metadata.pid or 0}{again}.speedscope.json.gz"
        try:
            file_formats.save(profile, path)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(f"{clean(str(folder), 200)} holds 1,000 profiles of this second")


def list_profiles(folder: Path | None = None) -> list[_StoredProfile]:
    """List the files in the store, newest first; an absent folder is empty."""
    folder = _default_folder() if folder is None else folder
    profiles = []
    try:
        entries = list(folder.iterdir())
    except OSError:
        return []
    for path in entries:
        match = _FILE_NAME.match(path.name)
        if match:
            try:
                moment = time.mktime(time.strptime(match[1], "%Y%m%d-%H%M%S"))
                profiles.append(_StoredProfile(path, moment, int(match[2]), path.stat().st_size))
            except (OSError, ValueError, OverflowError):
                continue
    return sorted(profiles, key=lambda entry: (entry.time, entry.path.name), reverse=True)


_MAX_STORED_SHOWN = 200  # files of earlier sessions that are listed
_MAX_DISTANCE_S = 30.0  # largest distance between a time and the profile that belongs to it


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
            path = save_profile(profile, self._folder)
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
            for kept in list_profiles(self._folder)[:_MAX_STORED_SHOWN]
            if kept.path not in known
        ]
        return sorted((*self._session_entries, *files), key=lambda entry: -entry.time)

    def find_near(self, time: float) -> LibraryEntry | None:
        """Find the profile that was captured at a time (unix seconds), or the nearest one.

        None if it is further away than `_MAX_DISTANCE_S`.
        """
        distances = [
            (_distance_s(entry, time), entry.time, entry) for entry in self._session_entries
        ]
        close = [item for item in distances if item[0] <= _MAX_DISTANCE_S]
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

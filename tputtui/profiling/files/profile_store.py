"""Store of captured profiles: one file each, readable by its owner alone, written on completion."""

from __future__ import annotations

import re
import time
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.profiling.files import file_formats
from tputtui.profiling.profile_model import Profile
from tputtui.settings.state_paths import state_folder
from tputtui.text import clean

_FILE_NAME = re.compile(r"^(\d{8}-\d{6})-(\d+)(?:-\d+)?\.speedscope\.json\.gz$")


@frozen
class StoredProfile:
    """One file of the store, described by its name alone."""

    path: Path
    time: float  # unix seconds
    pid: int
    size: int  # bytes


def default_folder() -> Path:
    """Default folder of the store."""
    return state_folder() / "profiles"


def save_profile(profile: Profile, folder: Path | None = None) -> Path:
    """Write a profile to the store (0700, the file 0600). Returns its path. Raises OSError."""
    folder = default_folder() if folder is None else folder
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


def list_profiles(folder: Path | None = None) -> list[StoredProfile]:
    """List the files in the store, newest first; an absent folder is empty."""
    folder = default_folder() if folder is None else folder
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
                profiles.append(StoredProfile(path, moment, int(match[2]), path.stat().st_size))
            except (OSError, ValueError, OverflowError):
                continue
    return sorted(profiles, key=lambda entry: (entry.time, entry.path.name), reverse=True)

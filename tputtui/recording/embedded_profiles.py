"""Profiles in a run: put in with the hottest function's name, and read back."""

from __future__ import annotations

import json
import time
from typing import Protocol

from tputtui.profiling.analysis.stacks import choose
from tputtui.profiling.analysis.top_functions import hot_functions, hottest_first, runs
from tputtui.profiling.files import speedscope
from tputtui.profiling.profile_model import Profile
from tputtui.recording.records import RecordedProfile
from tputtui.text import percent


class ProfileRecorder(Protocol):
    """What records: an engine, or the screen's way to it."""

    def keep_profile(self, time_: float, pid: int, name: str, document: bytes, hottest: str) -> bool:
        """False where it is too large to be carried in the run."""
        ...


def put(keeper: ProfileRecorder, profile: Profile) -> bool:
    """Put a profile into the run that is recorded; False: it is too large to be carried in it."""
    about = profile.about
    moment = about.time or time.time()
    return keeper.keep_profile(moment, about.pid or 0, about.name, speedscope.write(profile), hottest(profile))


def hottest(profile: Profile) -> str:
    """The function that runs and has the most time of its own: "rank 24 %"; "" where nothing was sampled."""
    found = hottest_first(hot_functions(choose(profile)))
    if not found:
        return ""
    first = found[0]
    words = f"{first.func.name} {percent(100 * first.self_)} %"
    return words if runs(first.func) else f"nothing runs: {words}"


def read(profiled: RecordedProfile) -> Profile:
    """The profile that was recorded. Raises profiling.UnreadableProfile."""
    return speedscope.read(json.dumps(profiled.document).encode(), label=profiled.name)

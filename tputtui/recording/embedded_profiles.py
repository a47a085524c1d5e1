"""Profiles embedded in a run, with the name of their top function."""

from __future__ import annotations

import json
import time
from typing import Protocol

from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.analysis.top_functions import hot_functions, hottest_first, is_running
from tputtui.profiling.files import speedscope
from tputtui.profiling.profile_model import Profile
from tputtui.recording.records import RecordedProfile
from tputtui.text import format_percent


class ProfileRecorder(Protocol):
    """Interface of a recorder: an engine, or the screen's interface to it."""

    def record_profile(
        self, time_: float, pid: int, name: str, document: bytes, top_function: str
    ) -> bool:
        """Record the profile; False where it is too large to embed."""
        ...


def embed_profile(recorder: ProfileRecorder, profile: Profile) -> bool:
    """Embed a profile in the recorded run; False: it is too large."""
    about = profile.metadata
    moment = about.time or time.time()
    return recorder.record_profile(
        moment,
        about.pid or 0,
        about.name,
        speedscope.render(profile),
        describe_top_function(profile),
    )


def describe_top_function(profile: Profile) -> str:
    """The running function with the most self time: "rank 24 %"; "" without samples."""
    functions = hottest_first(hot_functions(select_stacks(profile)))
    if not functions:
        return ""
    first = functions[0]
    share = f"{first.func.name} {format_percent(100 * first.self_)} %"
    return share if is_running(first.func) else f"nothing runs: {share}"


def parse_profile(recorded: RecordedProfile) -> Profile:
    """Parse a recorded profile. Raises UnreadableProfileError."""
    return speedscope.parse(json.dumps(recorded.document).encode(), label=recorded.name)

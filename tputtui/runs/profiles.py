"""Profiles in a run: which function is the hottest, and a document read back."""

from __future__ import annotations

import json

from tputtui.profiling.hot import hot_functions
from tputtui.profiling.profile import Profile
from tputtui.profiling.stacks import choose
from tputtui.runs.items import Profiled
from tputtui.text import percent


def hottest(profile: Profile) -> str:
    """The function with the most time of its own: "rank 24 %"; "" where nothing was sampled."""
    found = hot_functions(choose(profile))
    return f"{found[0].func.name} {percent(100 * found[0].self_)} %" if found else ""


def read(profiled: Profiled) -> Profile:
    """The profile that was recorded. Raises profiling.UnreadableProfile."""
    from tputtui.profiling import speedscope

    return speedscope.read(json.dumps(profiled.document).encode(), label=profiled.name)

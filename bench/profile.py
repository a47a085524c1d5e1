"""Time to open a call tree of 10,000 and 100,000 nodes, and to move in it."""

from __future__ import annotations

import random
import statistics
import time

from tputtui.profiling.profile_model import (
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_header import SamplingStatus
from tputtui.views.profile.profile_pane import ProfilePane, render_pane
from tputtui.views.profile.profile_view import ProfileView


def profile_of_size(nodes: int) -> Profile:
    """Create a profile whose tree has about this number of nodes: 30 deep, branching at random."""
    chance = random.Random(7)
    frames = FrameTable()
    ids = [
        frames.add_frame(f"f{number}", f"/srv/app/m{number % 40}.py", number)
        for number in range(2000)
    ]
    counts: dict[Stack, float] = {}
    while len(counts) * 23.7 < nodes:
        stack = tuple(
            ids[(depth * 60 + chance.randrange(1 + min(depth, 40))) % 2000] for depth in range(30)
        )
        counts[stack] = counts.get(stack, 0.0) + 1.0
    held = {stack: 1.0 for number, stack in enumerate(counts) if number % 3 == 0}
    thread, ticks = ProfileThread(1, 1, "main"), float(len(counts))
    part = ProfileSlice({thread: counts}, {thread: held}, ticks, ticks, 1.0)
    return Profile(frames, (part,) * 6, ProfileMetadata(pid=1, rate_hz=100.0))


def main() -> None:
    print(f"{'nodes':>9} {'open':>9} {'step p50':>9} {'step p99':>9}")
    for nodes in (10_000, 100_000):
        profile = profile_of_size(nodes)
        began = time.perf_counter()
        book = ProfileView()
        study = ProfileAnalysis(profile)
        book.update(study)
        shown = SamplingStatus(1, "bench", is_done=True)
        render_pane(ProfilePane(shown, book.analysis, book.tab_name, book.current_tab), 120, 38)
        opened = time.perf_counter() - began
        steps = []
        for _ in range(100):
            began = time.perf_counter()
            if book.current_tab is not None:
                book.current_tab.move(1)
            render_pane(ProfilePane(shown, book.analysis, book.tab_name, book.current_tab), 120, 38)
            steps.append((time.perf_counter() - began) * 1000)
        count = len(book.analysis.tree) if book.analysis is not None else 0
        slowest = sorted(steps)[98]
        print(f"{count:9,} {opened:7.2f} s {statistics.median(steps):6.1f} ms {slowest:6.1f} ms")


if __name__ == "__main__":
    main()

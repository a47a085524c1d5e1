"""Difference of two profiles in a report.

Rises are red and wider, significant changes are sentences, names are text.
"""

from __future__ import annotations

import random
from xml.etree import ElementTree as ET

from tputtui.profiling.analysis import flame_graph
from tputtui.profiling.profile_model import (
    Counts,
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)

EVIL = "<script>alert(1)</script>\x1b[31m"


def profile(shares: dict[str, float], seed: int = 1) -> Profile:
    """Create a profile of ten slices with these functions below main, in about these shares."""
    draw = random.Random(seed)
    frames = FrameTable()
    main = frames.add_frame("main", "/srv/app.py", 1)
    stacks: dict[str, Stack] = {
        name: (main, frames.add_frame(name, "/srv/app.py", 2)) for name in shares
    }
    slices = []
    for _ in range(10):
        counts: Counts = {
            stacks[name]: 100 * share * draw.uniform(0.95, 1.05) for name, share in shares.items()
        }
        slices.append(
            ProfileSlice({ProfileThread(1, 1, "MainThread"): counts}, {}, 100.0, 0.0, 1.0)
        )
    return Profile(
        frames, tuple(slices), ProfileMetadata(source="py-spy", label="app", pid=1, rate_hz=100.0)
    )


def test_rises_are_red_falls_are_blue_and_both_show_their_shares() -> None:
    picture = flame_graph.render_svg(
        profile({"rank": 0.2, "render": 0.8}), profile({"rank": 0.6, "render": 0.4}, 2)
    )
    root = ET.fromstring(picture)  # noqa: S314 - our own output
    boxes = {
        group[0].text: group[1].attrib["fill"]
        for group in root.iter("{http://www.w3.org/2000/svg}g")
        if group[0].text is not None
    }
    rank = next(fill for label, fill in boxes.items() if label.startswith("rank (/srv/app.py): 2"))
    render = next(fill for label, fill in boxes.items() if label.startswith("render"))
    assert int(rank[1:3], 16) > int(rank[5:7], 16), "red"
    assert int(render[1:3], 16) < int(render[5:7], 16), "blue"


def test_significant_changes_are_sentences_the_largest_first_and_chance_is_not() -> None:
    before = profile({"rank": 0.2, "render": 0.75, "log": 0.05})
    sentences = flame_graph.describe_changes(
        before, profile({"rank": 0.6, "render": 0.35, "log": 0.05}, 2)
    )
    assert [sentence.split(":")[0] for sentence in sentences] == ["rank", "render"]
    assert sentences[0].endswith(" % of all samples")
    assert flame_graph.describe_changes(
        before, profile({"rank": 0.2, "render": 0.75, "log": 0.05}, 3)
    ) == ["no function's share changed by more than chance allows"]


def test_names_are_text() -> None:
    picture = flame_graph.render_svg(
        profile({EVIL: 0.5, "b": 0.5}), profile({EVIL: 0.1, "b": 0.9}, 2)
    )
    assert "<script>" not in picture
    ET.fromstring(picture)  # noqa: S314 - our own output

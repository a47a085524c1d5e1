"""Categories, hot functions, threads, source heat and the flame graph over small profiles."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.profiling.analysis import activity, flame_graph, top_functions
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.capture.downsample import OTHER_STACKS, StackDownsampler
from tputtui.profiling.files import file_formats, library, svg_flame_graph
from tputtui.profiling.profile_model import (
    FrameTable,
    Function,
    Profile,
    ProfileSlice,
    ProfileThread,
    Stack,
)

ProfileFactory = Callable[..., Profile]
LIB = "/usr/lib/python3.12"
SITE = "/v/lib/python3.12/site-packages"


@pytest.mark.parametrize(
    ("file", "origin", "module"),
    [
        ("/srv/shop/rank.py", "yours", "shop.rank"),
        (f"{SITE}/django/db/models/query.py", "library", "django.db.models.query"),
        ("/usr/lib/python3/dist-packages/yaml/__init__.py", "library", "yaml"),
        (f"{LIB}/threading.py", "stdlib", "threading"),
        (f"{LIB}/json/__init__.py", "stdlib", "json"),
        ("/opt/py/lib/python3.13t/selectors.py", "stdlib", "selectors"),
        ("<frozen importlib._bootstrap>", "import", "importlib._bootstrap"),
        ("<frozen runpy>", "stdlib", "runpy"),
        ("libc.so.6", "native", "libc.so.6"),
        ("", "pseudo", ""),
        ("<string>", "yours", "<string>"),
    ],
)
def test_a_file_belongs_to_own_code_a_library_or_the_standard_library(
    file: str, origin: str, module: str
) -> None:
    assert activity.origin(file) == origin
    assert activity.module_name(file) == module


def test_waits_are_recognised_by_bare_and_qualified_names() -> None:
    assert activity.is_waiting(Function("Condition.wait", f"{LIB}/threading.py"))
    assert activity.is_waiting(Function("wait", "/usr/lib/python3.8/threading.py"))
    assert activity.is_waiting(Function("EpollSelector.select", f"{LIB}/selectors.py"))
    assert not activity.is_waiting(Function("wait", "/srv/app/threading.py"))
    assert not activity.is_waiting(Function("Thread.run", f"{LIB}/threading.py"))


def test_the_summary_follows_the_life_cycle_of_a_request(profile_of: ProfileFactory) -> None:
    text = "\n".join(
        (
            f"run@{SITE}/uvicorn/server.py;route@{SITE}/starlette/routing.py 6",
            "main;work 30",
            f"main;load;execute@{SITE}/django/db/models/query.py;recv@{LIB}/socket.py 20",
            f"main;ask;send@{SITE}/httpx/_client.py;read@{LIB}/ssl.py 10",
            f"main;wait@{LIB}/threading.py 30",
            f"<module>@{LIB}/runpy.py 4",
        )
    )
    shares = activity.category_shares(select_stacks(profile_of(text)))
    assert {name: round(share, 2) for name, share in shares.items()} == {
        "framework": 0.06, "your code": 0.3, "database": 0.2, "outbound": 0.1, "waiting": 0.3, "idle": 0.0, "other": 0.04,
    }  # fmt: skip


def test_the_user_extends_the_table(profile_of: ProfileFactory) -> None:
    stacks = select_stacks(
        profile_of(
            f"main;acquire@/srv/db/pool.py;wait@{LIB}/threading.py 5\nmain;x@/srv/acme/client.py 5"
        )
    )
    table = activity.CategoryTable({"db/pool.py": "database", "acme": "outbound"})
    shares = activity.category_shares(stacks, table)
    assert (shares["database"], shares["outbound"]) == (0.5, 0.5)
    assert table.category(Function("f", "/srv/acme/client.py")) == "outbound"


def test_a_function_counts_once_for_each_stack(profile_of: ProfileFactory) -> None:
    rows = {
        row.func.name: row
        for row in top_functions.hot_functions(
            select_stacks(profile_of("a;f;b;f 6 3\na;f 2\nc;f 2"))
        )
    }
    assert (rows["f"].total, rows["f"].self_, rows["f"].caller_count) == (1.0, 1.0, 3)
    assert rows["f"].gil == pytest.approx(0.3)
    assert rows["a"].total == 0.8
    assert rows["a"].self_ == 0


def test_a_sandwich_has_callers_and_callees(profile_of: ProfileFactory) -> None:
    stacks = select_stacks(profile_of("a;f;x 6\nb;f;x 2\nf;y 2"))
    ids = {func.name: at for at, func in enumerate(stacks.frames.funcs)}
    callers, callees = top_functions.callers_and_callees(stacks, ids["f"])
    assert {func: round(share, 3) for func, share in callers} == {
        ids["a"]: 0.6,
        ids["b"]: 0.2,
        -1: 0.2,
    }
    assert callers[0][0] == ids["a"]
    assert [(func, round(share, 3)) for func, share in callees] == [
        (ids["x"], 0.8),
        (ids["y"], 0.2),
    ]


def test_source_lines_show_their_shares(profile_of: ProfileFactory) -> None:
    shares = top_functions.line_shares(
        select_stacks(profile_of("a:3;b:9 6\na:3 2\na:4 2")), "/srv/app/app.py"
    )
    assert shares == {3: (pytest.approx(0.2), pytest.approx(0.8)), 9: (0.6, 0.6), 4: (0.2, 0.2)}


def test_threads_are_listed_with_their_activity() -> None:
    frames = FrameTable()
    work = (frames.add_frame("work", "/srv/a.py", 1),)
    wait = (frames.add_frame("Condition.wait", f"{LIB}/threading.py", 1),)
    main, idle = ProfileThread(1, 1, "main"), ProfileThread(1, 2, "idle")
    part = ProfileSlice(
        {main: {work: 8.0, wait: 2.0}, idle: {wait: 10.0}}, {main: {work: 7.0}}, 10, 10, 0.1
    )
    rows = top_functions.thread_rows(Profile(frames, (part, part)))
    assert [(row.thread.name, row.wall, row.waiting, row.gil) for row in rows] == [
        ("main", 0.5, 0.2, 0.7),
        ("idle", 0.5, 1.0, 0.0),
    ]
    assert list(rows[0].sparkline) == pytest.approx([0.8, 0.8])


def test_the_flame_graph_fills_its_width_and_loses_nothing(profile_of: ProfileFactory) -> None:
    tree = CallTree(
        select_stacks(
            profile_of("a;b 50\na;c 30\na 15\n" + "\n".join(f"a;s{at} 1" for at in range(5)))
        )
    )
    rows = flame_graph.layout_boxes(tree, 40)
    assert [(tree.func(box.node).name, box.start, box.width) for box in rows[0]] == [
        ("a", 0.0, 40.0)
    ]
    assert [(box.node > 0 and tree.func(box.node).name, round(box.start, 2), round(box.width, 2), box.merged_count) for box in rows[1]] == [
        ("b", 0.0, 20.0, 1), ("c", 20.0, 12.0, 1), (False, 32.0, 2.0, 5),
    ]  # fmt: skip
    assert rows == flame_graph.layout_boxes(tree, 40)


def test_zoom_fills_the_width_below_its_callers(profile_of: ProfileFactory) -> None:
    tree = CallTree(select_stacks(profile_of("a;b;c 3\na;b 1\nz 6")))
    zoom = next(node for node in range(1, len(tree)) if tree.func(node).name == "b")
    rows = flame_graph.layout_boxes(tree, 80, zoom)
    assert [[tree.func(box.node).name for box in row] for row in rows] == [["a"], ["b"], ["c"]]
    assert [row[0].width for row in rows] == [80, 80, 60]
    assert [row[0].is_ancestor for row in rows] == [True, False, False]
    assert [tree.func(node).name for node in flame_graph.breadcrumb(tree, zoom)] == ["a", "b"]


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(1, 50)),
        min_size=1,
        max_size=20,
    ),
    st.integers(1, 200),
)
def test_boxes_never_overlap_and_stay_within_their_caller(
    listed: list[tuple[list[int], int]], width: int
) -> None:
    frames = FrameTable()
    ids = [frames.add_frame(f"f{at}", "/a.py", at) for at in range(5)]
    wall: dict[Stack, float] = {}
    for path, weight in listed:
        stack = tuple(ids[at] for at in path)
        wall[stack] = wall.get(stack, 0.0) + weight
    tree = CallTree(select_stacks(Profile(frames, (ProfileSlice({ProfileThread(1, 1): wall}),))))
    for row in flame_graph.layout_boxes(tree, width):
        at = 0.0
        for box in row:
            assert box.start >= at - 1e-9
            assert box.width > 0
            at = box.start + box.width
        assert at <= width + 1e-6


def test_a_svg_is_the_same_every_time_and_escapes(profile_of: ProfileFactory) -> None:
    profile = profile_of('<b>&"x;y 5')
    svg = svg_flame_graph.render(profile)
    assert svg == svg_flame_graph.render(profile)
    assert b"<b>" not in svg
    assert b"&lt;b&gt;&amp;" in svg


def test_long_captures_stay_small() -> None:
    frames = FrameTable()
    compactor = StackDownsampler(frames, max_unique=10, max_slices=8)
    root = frames.add_frame("<module>", "/a.py", 1)
    profile = Profile(frames)
    for number in range(40):
        stacks: dict[Stack, float] = {
            (root, frames.add_frame(f"f{number}-{at}", "/a.py", 1)): 1.0 for at in range(5)
        }
        part = compactor.limit_stacks(ProfileSlice({ProfileThread(1, 1): stacks}, {}, 5, 0, 1.0))
        profile = compactor.limit_slices(profile.with_slice(part))
    assert len(profile.slices) <= 8
    assert profile.weight() == 200
    assert profile.duration_s == 40
    chosen = select_stacks(replace(profile, metadata=replace(profile.metadata, torn=True)))
    assert len(chosen.stacks) == 11
    assert chosen.incomplete_share == 0
    assert next(
        row.total for row in top_functions.hot_functions(chosen) if row.func.name == OTHER_STACKS
    ) == pytest.approx(190 / 200)


def test_the_store_keeps_each_profile_for_its_owner_alone(
    profile_of: ProfileFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert library.list_profiles() == []
    profile = profile_of("a;b 5")
    profile = replace(profile, metadata=replace(profile.metadata, time=time.time(), pid=77))
    first, second = library.save_profile(profile), library.save_profile(profile)
    assert first.parent == tmp_path / "tputtui" / "profiles"
    assert first != second
    assert first.parent.stat().st_mode & 0o777 == 0o700
    assert first.stat().st_mode & 0o777 == 0o600
    (first.parent / "note.txt").write_text("not ours")
    assert [entry.pid for entry in library.list_profiles()] == [77, 77]
    assert file_formats.load(library.list_profiles()[0].path).weight() == 5

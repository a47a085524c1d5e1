"""The call tree, as tables: stacks in, rows out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.profiling.analysis import activity
from tputtui.profiling.analysis.call_tree import CallTree, TreeOptions
from tputtui.profiling.analysis.stacks import focus, select_stacks
from tputtui.profiling.analysis.tree_rows import TreeRows
from tputtui.profiling.profile_model import FrameTable, Profile, ProfileSlice, ProfileThread

ProfileFactory = Callable[..., Profile]
LIB = "/usr/lib/python3.11"


def drawn(view: TreeRows) -> str:
    """Return every row as "total self marker name notes", indented."""
    marks = {"open": "v", "closed": ">", "leaf": "."}
    return "\n".join(
        f"{row.total * 100:.0f} {row.self_ * 100:.0f} {'  ' * row.depth}{marks[row.marker]} {row.name}"
        + "".join(f" [{note}]" for note in row.notes)
        for row in view.rows(0, 1000)
    )


def table(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    lead = min(len(line) - len(line.lstrip()) for line in lines)
    return "\n".join(line[lead:].rstrip() for line in lines)


def opened(profile: Profile, shape: TreeOptions | None = None) -> TreeRows:
    view = TreeRows(CallTree(select_stacks(profile), shape))
    at = 0
    while at < len(view):  # each row, and the rows that it adds
        view.expand(at)
        at += 1
    return view


TABLES = {
    "self and total, heaviest first": (
        "a;b 2\na;c 5\na 1\nd 2",
        """
        80 10 v a
        50 50   . c
        20 20   . b
        20 20 . d
        """,
    ),
    "a function at several lines is one node": (
        "a:1;b:5 4\na:2;b:6 6",
        """
        100 100 . a [› b (2)]
        """,
    ),
    "a linear chain is one row": (
        "a;b;c;d 6\na;b;c;e 4",
        """
        100 0 v a [› c (3)]
        60 60   . d
        40 40   . e
        """,
    ),
    "recursion is one node with its depth": (
        "a;f;f;f;f 5\na;f;f;g 5",
        """
        100 50 v a [› f (2)]
        50 50   . g
        """,
    ),
    "an empty stack is incomplete": (
        "a 9\n- 1",
        """
        90 90 . a
        10 10 . [incomplete] [incomplete stacks]
        """,
    ),
}


@pytest.mark.parametrize(("stacks", "expected"), TABLES.values(), ids=TABLES.keys())
def test_the_tree_has_the_expected_rows(
    stacks: str, expected: str, profile_of: ProfileFactory
) -> None:
    assert drawn(opened(profile_of(stacks))) == table(expected)


def test_folded_recursion_notes_the_deepest_run(profile_of: ProfileFactory) -> None:
    view = opened(profile_of("a;f;f;f;f 5\na;f;f;g 5\na 1"))
    assert view.row(1).notes == ("×4 recursion",)


def test_unfolded_recursion_is_a_chain(profile_of: ProfileFactory) -> None:
    tree = CallTree(select_stacks(profile_of("f;f;f 1")), TreeOptions(fold_recursion=False))
    assert len(tree) == 4


def test_callers_start_at_the_leaf_functions(profile_of: ProfileFactory) -> None:
    view = opened(profile_of("a;x 3\nb;x 1\nb 1"), TreeOptions(is_inverted=True))
    assert drawn(view) == table("""
        80 80 v x
        60 0   . a
        20 0   . b
        20 20 . b
    """)


def test_lines_split_a_function(profile_of: ProfileFactory) -> None:
    view = opened(profile_of("a:1 4\na:2 6"), TreeOptions(by_line=True))
    assert [(row.name, row.line, round(row.total, 2)) for row in view.rows(0, 9)] == [
        ("a", 2, 0.6),
        ("a", 1, 0.4),
    ]


def test_a_function_shows_its_hottest_line(profile_of: ProfileFactory) -> None:
    view = opened(profile_of("a:7;b 1\na:9;b 5\na:9;c 4"))
    assert view.row(0).line == 9
    assert view.tree.line_shares(1) == {7: (0.0, 0.1), 9: (0.0, 0.9)}


def test_my_code_only_folds_a_library_into_the_call_that_entered_it(
    profile_of: ProfileFactory,
) -> None:
    stacks = (
        f"boot@{LIB}/threading.py;work;loads@{LIB}/json/__init__.py;decode@{LIB}/json/decoder.py 4\n"
        f"boot@{LIB}/threading.py;work;call@/v/site-packages/lib/x.py;inner@/v/site-packages/lib/y.py;mine 3\n"
        f"boot@{LIB}/threading.py;run@{LIB}/threading.py;select@{LIB}/selectors.py 3"
    )
    view = opened(profile_of(stacks), TreeOptions(is_own_code=activity.is_own_or_incomplete))
    assert drawn(view) == table("""
        70 0 v work
        40 40   . loads
        30 30   . mine
        30 30 . select
    """)


def test_small_rows_fold_and_unfold(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of("a 9990\nb 4\nc 3\nd 3"))))
    assert [row.name for row in view.rows(0, 9)] == ["a", "3 more below 0.1 %"]
    assert view.row(1).total == pytest.approx(0.001)
    view.expand(1)
    assert [row.name for row in view.rows(0, 9)] == ["a", "b", "c", "d"]


def test_one_small_row_is_shown_instead_of_one_more(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of("a 9999\nb 1"))))
    assert [row.name for row in view.rows(0, 9)] == ["a", "b"]


def test_collapse_closes_a_row_and_then_moves_to_the_parent(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of("a;b;c 4\na;b;d 3\na;e 3"))))
    view.expand(0)
    view.expand(1)
    assert [row.name for row in view.rows(0, 9)] == ["a", "b", "c", "d", "e"]
    assert view.collapse(3) == 1  # a leaf: to its parent
    assert view.collapse(1) == 1  # an open row: closed
    assert [row.name for row in view.rows(0, 9)] == ["a", "b", "e"]
    assert view.toggle(1) == 1
    assert [row.name for row in view.rows(0, 9)] == ["a", "b", "c", "d", "e"]


def test_a_chain_unfolds_link_by_link_and_folds_again(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of("a;b;c 4\nz 1"))))
    view.toggle_chain(0)
    assert [row.name for row in view.rows(0, 9)] == ["a", "b", "c", "z"]
    view.toggle_chain(0)
    assert [row.name for row in view.rows(0, 9)] == ["a", "z"]


def test_the_hottest_path_ends_at_the_function_that_uses_the_time(
    profile_of: ProfileFactory,
) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of("a;b;c 6\na;b 1\na;d 2\nz 1"))))
    at, runs = view.expand_hottest()
    assert runs
    assert view.row(at).name == "c"
    assert [row.name for row in view.rows(0, 9)] == ["a", "b", "c", "d", "z"]


WAIT = "wait@/usr/lib/python3.12/threading.py"


def test_running_code_is_hotter_than_a_longer_wait(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of(f"a;{WAIT} 90\na;b;c 6\na;d 4"))))
    at, runs = view.expand_hottest()
    assert runs
    assert view.row(at).name == "c" or "c" in "".join(view.row(at).notes)


def test_where_nothing_runs_the_longest_wait_is_opened_and_labelled_as_a_wait(
    profile_of: ProfileFactory,
) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of(f"a;b;{WAIT} 9\na;c;{WAIT} 1"))))
    at, runs = view.expand_hottest()
    assert not runs
    assert view.row(at).name == "b"  # its chain ends in the wait
    assert view.row(at).notes[0].startswith("› wait")


def test_matches_show_the_share_that_passes_through_them(profile_of: ProfileFactory) -> None:
    tree = CallTree(select_stacks(profile_of("a;load;loads 4\na;b;load 2\nc 4")))
    nodes, coverage = tree.matching_nodes(lambda func: "load" in func.name)
    assert coverage == pytest.approx(0.6)
    assert len(nodes) == 3
    view = TreeRows(tree)
    at = view.reveal(nodes[-1])
    assert "load" in view.row(at).name or any("load" in note for note in view.row(at).notes)


def test_focus_roots_everything_at_a_function(profile_of: ProfileFactory) -> None:
    stacks = select_stacks(profile_of("a;f;x 3\nb;f;y 2\nc 5"))
    f = next(at for at, func in enumerate(stacks.frames.funcs) if func.name == "f")
    view = TreeRows(CallTree(focus(stacks, f)))
    view.expand(0)
    assert drawn(view) == table("""
        50 0 v f
        30 30   . x
        20 20   . y
    """)


def test_open_rows_stay_open_when_the_tree_grows(profile_of: ProfileFactory) -> None:
    first = profile_of("a;b;c 5\nz 4")
    view = TreeRows(CallTree(select_stacks(first)))
    view.toggle_chain(0)
    cursor = view.path_at(2)
    grown = first.with_slice(profile_of("z 20\na;b;d 1\na;e 2\na 1", frames=first.frames).slices[0])
    after = TreeRows(CallTree(select_stacks(grown)), previous=view)
    assert [row.name for row in after.rows(0, 9)] == ["z", "a", "b", "c", "d", "e"]
    assert after.row(after.reveal_path(cursor)).name == "c"


def test_the_gil_column_is_a_share_of_the_time(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of("a 50 40\nb 50 10"))))
    assert [(row.name, row.gil) for row in view.rows(0, 9)] == [("a", 0.4), ("b", 0.1)]
    assert view.tree.gil_held_ratio(1) == pytest.approx(0.8)
    assert TreeRows(CallTree(select_stacks(profile_of("a 1")))).row(0).gil is None


def test_the_spread_of_a_node_comes_from_the_slices(profile_of: ProfileFactory) -> None:
    even = CallTree(select_stacks(profile_of(*["a 7\nb 3"] * 6)))
    assert even.half_width(1) == pytest.approx(0.0)
    uneven = CallTree(
        select_stacks(profile_of("a 9\nb 1", "a 5\nb 5", "a 7\nb 3", "a 6\nb 4", "a 8\nb 2"))
    )
    assert uneven.half_width(1) == pytest.approx(
        2.776 * (0.25 / 10 / 5) ** 0.5 * 10**0.5 / 10**0.5, rel=0.3
    )
    assert CallTree(select_stacks(profile_of(*["a 1"] * 4))).half_width(1) is None


def test_stacks_that_do_not_start_at_the_first_frame_of_their_thread_are_incomplete(
    profile_of: ProfileFactory,
) -> None:
    text = "<module>;a 500\nb;c 2\n- 1"
    torn = select_stacks(profile_of(text, torn=True))
    assert torn.incomplete_share == pytest.approx(3 / 503)
    assert select_stacks(profile_of(text)).incomplete_share == pytest.approx(1 / 503)


def test_a_chain_of_4096_different_frames_is_handled(profile_of: ProfileFactory) -> None:
    deep = ";".join(f"f{at}" for at in range(4096))
    view = TreeRows(CallTree(select_stacks(profile_of(f"{deep} 3\nf0 1"))))
    view.expand(0)
    assert view.row(1).notes == ("› f4095 (4095)",)
    view.toggle_chain(1)
    assert len(view) == 4096
    assert view.row(4095).name == "f4095"
    assert (
        TreeRows(CallTree(select_stacks(profile_of(f"{deep} 3")), TreeOptions(is_inverted=True)))
        .row(0)
        .name
        == "f4095"
    )


def test_mutual_recursion_3000_deep_is_handled(profile_of: ProfileFactory) -> None:
    view = TreeRows(CallTree(select_stacks(profile_of(";".join(["even", "odd"] * 1500) + " 2"))))
    assert view.expand_hottest() == (0, True)
    assert view.row(0).notes == ("› odd (3000)",)


def test_an_empty_selection_has_no_rows() -> None:
    view = TreeRows(CallTree(select_stacks(Profile(FrameTable()))))
    assert view.rows(0, 10) == []
    assert view.expand_hottest() == (0, False)
    assert view.tree.matching_nodes(lambda _: True) == ([], 0.0)


_stacks = st.lists(
    st.tuples(st.lists(st.integers(1, 5), max_size=8), st.integers(1, 9), st.integers(0, 9)),
    min_size=1,
    max_size=30,
)


@given(_stacks, st.booleans(), st.booleans())
def test_totals_are_conserved(
    listed: list[tuple[list[int], int, int]], inverted: bool, lines: bool
) -> None:
    frames = FrameTable()
    ids = [
        frames.add_frame(f"f{at // 2}", "/srv/a.py" if at % 3 else f"{LIB}/os.py", at)
        for at in range(7)
    ]
    wall: dict[tuple[int, ...], float] = {}
    for path, weight, _ in listed:
        stack = tuple(ids[at] for at in path)
        wall[stack] = wall.get(stack, 0.0) + weight
    profile = Profile(frames, (ProfileSlice({ProfileThread(1, 1): wall}, {}, 1, 0, 1),))
    total = sum(weight for _, weight, _ in listed)
    for mine in (None, activity.is_own_or_incomplete):
        tree = CallTree(
            select_stacks(profile),
            TreeOptions(is_inverted=inverted, by_line=lines, is_own_code=mine),
        )
        assert sum(tree.self_) == pytest.approx(total)
        for node in range(len(tree)):
            below = sum(tree.total[child] for child in tree.children(node))
            assert tree.total[node] == pytest.approx(tree.self_[node] + below)
            assert all(tree.depth[child] == tree.depth[node] + 1 for child in tree.children(node))
            assert all(tree.parent[child] == node for child in tree.children(node))
        view = TreeRows(tree, threshold=0, fold_chains=False)
        for at in range(10_000):
            if at >= len(view):
                break
            view.expand(at)
        assert len(view) == len(tree) - 1
        assert [view.node_at(at) for at in range(len(view))] == list(range(1, len(tree)))

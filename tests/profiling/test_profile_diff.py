from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tputtui.profiling.analysis import profile_diff
from tputtui.profiling.analysis.stacks import StackTable, select_stacks
from tputtui.profiling.files import file_formats
from tputtui.profiling.profile_model import Profile

ProfileFactory = Callable[..., Profile]


def sampled(
    profile: ProfileFactory,
    rng: random.Random,
    shares: dict[str, float],
    slices: int = 10,
    swing: float = 0.5,
) -> StackTable:
    """Create a capture in which a function's share varies by `swing` from slice to slice."""
    texts = []
    for _ in range(slices):
        weights = [share * rng.uniform(1 - swing, 1 + swing) for share in shares.values()]
        drawn = rng.choices(list(shares), weights, k=100)
        texts.append(
            "\n".join(f"{path} {drawn.count(path)}" for path in shares if drawn.count(path))
        )
    return select_stacks(profile(*texts))


def test_equal_captures_show_a_difference_in_at_most_5_percent_of_pairs(
    profile_of: ProfileFactory,
) -> None:
    rng = random.Random(11)
    shares = {f"main;f{at};g{at}": 1.0 / (at + 1) for at in range(12)} | {
        f"main;rare{at}": 0.01 for at in range(12)
    }
    pairs = 200
    false = 0
    for _ in range(pairs):
        rows = profile_diff.function_differences(
            sampled(profile_of, rng, shares), sampled(profile_of, rng, shares)
        )
        false += any(row.is_significant for row in rows)
    assert false <= 0.05 * pairs


def test_a_real_change_is_significant(profile_of: ProfileFactory) -> None:
    rng = random.Random(3)
    before = sampled(profile_of, rng, {"main;grow": 1, "main;stay": 8, "main;vanish": 2})
    after = sampled(profile_of, rng, {"main;grow": 5, "main;stay": 8, "main;come": 2})
    called = {row.func.name: row.change for row in profile_diff.function_differences(before, after)}
    assert called["grow"] == "changed"
    assert called["vanish"] == "gone"
    assert called["come"] == "new"
    assert called["main"] == "same"


def test_a_longer_capture_is_not_a_difference(profile_of: ProfileFactory) -> None:
    rows = profile_diff.function_differences(
        select_stacks(profile_of(*["a 7\nb 3"] * 6)),
        select_stacks(profile_of(*["a 70\nb 30"] * 12)),
    )
    assert [row.delta for row in rows] == [pytest.approx(0.0), pytest.approx(0.0)]
    assert not any(row.is_significant for row in rows)


def test_nothing_is_significant_below_five_slices(profile_of: ProfileFactory) -> None:
    rows = profile_diff.function_differences(
        select_stacks(profile_of("a 100")), select_stacks(profile_of("a 50\nb 50"))
    )
    assert {(row.func.name, row.is_significant, row.change) for row in rows} == {
        ("a", None, "same"),
        ("b", None, "new"),
    }


def test_the_union_tree_keeps_vanished_functions(profile_of: ProfileFactory) -> None:
    union = profile_diff.union_tree(
        select_stacks(profile_of("m;a 6\nm;old 4")), select_stacks(profile_of("m;a 8\nm;new 2"))
    )
    changes = {
        union.tree.func(node).name: (
            union.changes[node],
            round(union.before[node], 3),
            round(union.after[node], 3),
        )
        for node in range(1, len(union.tree))
    }
    assert changes == {
        "m": ("same", 1, 1),
        "a": ("same", 0.6, 0.8),
        "old": ("gone", 0.4, 0),
        "new": ("new", 0, 0.2),
    }
    assert union.delta(1) == pytest.approx(0)


def test_a_captured_pair_shows_the_known_change(profiles: Path) -> None:
    """By the folder's README: j_highlight grew fivefold, j_md vanished, j_tree is new."""
    before, after = (
        select_stacks(file_formats.load(profiles / name))
        for name in ("4a-before.speedscope.json", "4b-after.speedscope.json")
    )
    rows = {row.func.name: row for row in profile_diff.function_differences(before, after)}
    assert rows["j_highlight"].after > 3 * rows["j_highlight"].before > 0
    assert rows["j_md"].change == "gone"
    assert rows["j_tree"].change == "new"

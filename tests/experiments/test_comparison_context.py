from __future__ import annotations

import pytest

from tputtui.experiments.comparison_context import (
    ContextError,
    environment_differences,
    parse_context,
    parse_margin,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("throughput=2%", ("throughput", 0.02)),
        ("p99 = 0.1", ("p99", 0.1)),
        ("error_ratio=0.1pp", ("error_ratio", 0.001)),
        ("error_ratio=0.001", ("error_ratio", 0.001)),
    ],
)
def test_margins_are_read_as_ratios(text: str, expected: tuple[str, float]) -> None:
    name, value = parse_margin(text)
    assert name == expected[0]
    assert value == pytest.approx(expected[1])


@pytest.mark.parametrize(
    "text", ["p98=2%", "throughput", "throughput=0", "throughput=x", "error_ratio=2%", "p99=1pp"]
)
def test_a_meaningless_margin_is_refused(text: str) -> None:
    with pytest.raises(ContextError):
        parse_margin(text)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"mode": "sideways"},
        {"primary": "p98"},
        {"load_limited": "yes"},
        {"margins": {"p99": -1}},
        {"margins": {"p99": True}},
        {"aa_history_rps": [1, 0]},
        {"declared_change": "software"},
        {"env_a": []},
    ],
)
def test_a_wrong_key_of_a_context_is_named(value: object) -> None:
    with pytest.raises(ContextError):
        parse_context(value)


def test_nulls_and_unknown_keys_in_a_context_are_not_errors() -> None:
    context = parse_context({"aa_history_rps": None, "load_limited": None, "ticket": "X-1"})
    assert context.aa_history_rps == ()
    assert context.margin("throughput") == 0.02


def test_hard_differences_come_first_unless_they_are_the_change() -> None:
    before = {"software": "1", "kernel": "6.1", "cpus": 8, "governor": "performance"}
    after = {"software": "2", "kernel": "6.2", "cpus": 4, "governor": "powersave"}
    differences = environment_differences(before, after, ("kernel", "software"))
    assert [
        (difference.field, difference.is_invalidating, difference.is_declared)
        for difference in differences
    ] == [
        ("cpus", True, False),
        ("governor", False, False),
        ("software", False, True),
        ("kernel", False, True),
    ]


def test_memory_is_one_field_by_either_name_and_a_field_of_one_arm_only_is_soft() -> None:
    assert not environment_differences({"mem_gb": 16}, {"mem_gb": 32}, ("mem",))[0].is_invalidating
    assert not environment_differences({"kernel": "6.1"}, {}, ())[0].is_invalidating


def test_declaring_the_software_declares_every_build_of_a_run() -> None:
    before, after = (
        {"software app_build_info": "version=1", "kernel": "6.1"},
        {"software app_build_info": "version=2"},
    )
    differences = {
        difference.field: difference.is_declared
        for difference in environment_differences(before, after, ("software",))
    }
    assert differences == {"software app_build_info": True, "kernel": False}
    assert not environment_differences(before, after, ("app_build_info",))[0].is_declared

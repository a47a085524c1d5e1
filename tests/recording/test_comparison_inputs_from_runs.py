"""A recorded run as an arm of a comparison: all of it, a span between marks, one service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import record, record_two_services

from tputtui.cli import comparison_inputs
from tputtui.cli.parser import UsageError
from tputtui.recording.reader import Run


def test_the_rows_of_a_run_are_those_of_its_counter(tmp_path: Path) -> None:
    record(tmp_path / "a.tput.gz", 30, mark_at=(10,))
    side = comparison_inputs.load_side(str(tmp_path / "a.tput.gz"))
    assert side.is_unix_time
    assert side.rows.step_s == pytest.approx(1.0)
    assert side.rows.t[0] == pytest.approx(1_790_000_000.99, abs=0.1)
    assert side.rows.columns["rps"] == pytest.approx([100.0] * len(side.rows.t))
    assert side.environment["cpus"]


def test_a_run_without_the_usual_suffix_is_recognised_by_its_content(tmp_path: Path) -> None:
    record(tmp_path / "mine", 10)
    assert comparison_inputs.load_side(str(tmp_path / "mine")).is_unix_time


def test_a_span_between_marks_is_an_arm(tmp_path: Path) -> None:
    path = tmp_path / "a.tput.gz"
    record(path, 30, mark_at=(10, 20))
    full, part = (
        comparison_inputs.load_side(str(path)),
        comparison_inputs.load_side(f"{path}@mark 10..mark 20"),
    )
    assert 8 <= len(part.rows.t) <= 11 < len(full.rows.t)
    assert comparison_inputs.load_side(f"{path}@+5s..").rows.t[-1] == full.rows.t[-1]


def test_of_several_services_one_has_to_be_named(tmp_path: Path) -> None:
    path = tmp_path / "two.tput.gz"
    record_two_services(path, 12)
    with pytest.raises(UsageError, match=r"several services \(api, web\)"):
        comparison_inputs.load_side(str(path))
    assert max(comparison_inputs.load_side(f"{path}:api").rows.columns["rps"]) == pytest.approx(
        100.0
    )
    assert max(comparison_inputs.load_side(f"{path}:web").rows.columns["rps"]) == pytest.approx(
        30.0
    )
    with pytest.raises(UsageError, match="it holds api, web"):
        comparison_inputs.load_side(f"{path}:nobody")


@pytest.mark.parametrize("expected", ["@nothing..", "@+5s..+1s", ":x"])
def test_a_service_or_mark_that_is_not_in_the_run_is_a_sentence(
    tmp_path: Path, expected: str
) -> None:
    path = tmp_path / "a.tput.gz"
    record(path, 8)
    with pytest.raises(UsageError):
        comparison_inputs.load_side(f"{path}{expected}")


def test_the_builds_are_fields_that_do_not_depend_on_the_targets_ports(tmp_path: Path) -> None:
    with Run(_recorded(tmp_path)) as run:
        header = replace(
            run.header,
            builds={"a:1": {"app_build_info": "version=1"}, "b:2": {"app_build_info": "version=2"}},
        )
    assert (
        comparison_inputs._run_environment(header)["software app_build_info"]
        == "version=1 / version=2"
    )


def test_load_settings_are_found_in_any_table_and_as_numbers(tmp_path: Path) -> None:
    path = _recorded(
        tmp_path, workload={"load.offered_rps": "80.5", "load.users": "10", "seed": "nan"}
    )
    assert comparison_inputs.load_side(str(path)).workload == {
        "offered_rps": 80.5,
        "load.users": 10,
        "seed": "nan",
    }


def _recorded(folder: Path, **plan: object) -> Path:
    record(folder / "a.tput.gz", 8, **plan)  # type: ignore[arg-type]
    return folder / "a.tput.gz"

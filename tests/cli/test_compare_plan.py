"""`compare` with a plan, from the runs or from its file, to which the result is appended."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from recorded_runs import record, record_two_services

from tputtui.cli import main
from tputtui.experiments.plan import parse_plan

WORDS = {
    "title": "Pool",
    "hypothesis": "a bigger pool",
    "owner": "ann",
    "duration": "2m",
    "margins": "throughput=3%",
}
FILE = 'title = "Pool"\nhypothesis = "a bigger pool"\nowner = "ann"\nduration = "2m"\nmargins = ["throughput=3%"]\n'
LOAD = {"load.client_model": "open", "load.offered_rps": "100"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, title in (("a", "Pool"), ("b", "Pool"), ("other", "Cache")):
        record(folder / f"{name}.tput.gz", 100, experiment={**WORDS, "title": title}, workload=LOAD)
    return folder


def compare_json(
    capsys: pytest.CaptureFixture[str], runs: Path, *more: str, candidate: str = "b"
) -> dict[str, object]:
    main(
        [
            "compare",
            str(runs / "a.tput.gz"),
            str(runs / f"{candidate}.tput.gz"),
            "--format",
            "json",
            *more,
        ]
    )
    output = capsys.readouterr()
    assert output.err == ""
    document = json.loads(output.out)
    assert isinstance(document, dict)
    return document


def test_the_plan_that_both_runs_carry_is_used(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = compare_json(capsys, runs)
    assert answer["experiment"]["owner"] == "ann"  # type: ignore[index]
    assert answer["metrics"][0]["margin_percent"] == pytest.approx(3)  # type: ignore[index]
    (short,) = list(answer["deviations"])  # type: ignore[call-overload]
    assert short.startswith("Each arm was to run 2 min: the baseline ran 1 min")
    asked = compare_json(capsys, runs, "--margin", "throughput=5%")
    assert "The margin of throughput was to be 3 %: it was 5 %." in asked["deviations"]  # type: ignore[operator]


def test_runs_of_different_experiments_have_no_common_plan(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = compare_json(capsys, runs, candidate="other")
    assert answer["experiment"] is None
    assert answer["deviations"] == [
        "The runs were recorded for different experiments, and no plan is taken: Pool, Cache."
    ]


def test_a_numeric_load_setting_is_a_number(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without it, no recorded run would be recognised as limited by its load."""
    answer = compare_json(capsys, runs)
    assert "load-limited" in answer["flags"]  # type: ignore[operator]
    assert answer["workload"]["baseline"] == {"client_model": "open", "offered_rps": 100}  # type: ignore[index]
    assert len(set(answer["workload_digest"].values())) == 1  # type: ignore[attr-defined]


def test_the_result_is_appended_to_the_file_once_and_runs_shows_it(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = runs / "plan.toml"
    plan.write_text(FILE)
    answer = compare_json(capsys, runs, "--experiment", str(plan))
    grown = plan.read_text()
    assert grown.startswith(FILE)
    (result,) = tomllib.loads(grown)["results"]
    assert (result["verdict"], result["candidate"]) == (answer["verdict"], str(runs / "b.tput.gz"))
    assert parse_plan(grown).texts["owner"] == "ann"
    compare_json(capsys, runs, "--experiment", str(plan))
    assert plan.read_text() == grown
    main(["runs", str(runs), "--format", "json"])
    listed = {
        Path(splitline["path"]).name: splitline
        for splitline in map(json.loads, capsys.readouterr().out.splitlines())
    }
    assert listed["b.tput.gz"]["verdict"]["verdict"] == answer["verdict"]
    assert listed["a.tput.gz"]["verdict"] is None
    main(["runs", str(runs), "--format", "markdown"])
    first, second = [line for line in capsys.readouterr().out.splitlines() if "| ann |" in line][:2]
    verdict_text = str(answer["verdict"]).replace("_", " ")
    assert first.startswith(f"| a bigger pool | ann | {verdict_text}")
    assert second.startswith("| a bigger pool | ann | not compared yet |")  # the other experiment


def test_read_only_appends_nothing_and_an_unwritable_file_is_reported(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(FILE)
    arguments = [
        "compare",
        str(runs / "a.tput.gz"),
        str(runs / "b.tput.gz"),
        "--experiment",
        str(plan),
    ]
    code = main([*arguments, "--read-only"])
    assert plan.read_text() == FILE
    capsys.readouterr()
    real = os.open

    def refuse(path: str, flags: int, *rest: int, **named: int) -> int:
        if flags & os.O_APPEND:
            raise PermissionError(13, "Permission denied")
        return real(path, flags, *rest, **named)

    monkeypatch.setattr(os, "open", refuse)
    assert main(arguments) == code
    assert (
        capsys.readouterr().err
        == f"tputtui: {plan}: the result is not noted in it: permission denied\n"
    )


def test_control_and_treatment_may_be_two_services_of_one_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "two.tput.gz"
    record_two_services(path, 90)
    main(["compare", f"{path}:api", f"{path}:web", "--format", "json"])
    answer = json.loads(capsys.readouterr().out)
    assert answer["design"] == "concurrent"
    assert answer["metrics"][0]["effect_percent"] == pytest.approx(-70, abs=1)  # 30 of 100
    assert answer["differences"] == []


def test_a_new_plan_is_filled_in_from_a_pilot_run(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "new.toml"
    pilot = ["--pilot", str(runs / "a.tput.gz"), "--detect", "20%"]
    assert main(["experiment", "new", str(path), *pilot]) == 0
    assert "one pair of runs: about" in capsys.readouterr().err
    plan = parse_plan(path.read_text())
    assert 60 <= (plan.duration_s or 0) <= 300  # a large effect: the smallest for rows so similar
    assert "# By " in path.read_text()
    assert main(["experiment", "new", str(path), *pilot]) == 2
    assert main(["experiment", "new", str(tmp_path / "b"), "--detect", "5%"]) == 2
    assert main(["experiment", "new", str(tmp_path / "b"), *pilot[:2], "--detect", "5"]) == 2
    assert not (tmp_path / "b").exists()

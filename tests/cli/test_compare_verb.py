"""Verb `compare`: arms, flags, exit codes, and messages for missing input."""

from __future__ import annotations

import importlib.util
import json
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from simulated_runs import Service, run

from tputtui.cli import main
from tputtui.experiments.metric_rows import MetricRows


def write(path: Path, rows: MetricRows) -> str:
    names = ("rps", "err_ratio", "p50", "p90", "p99", "cpu")
    lines = [",".join(("t", *names))]
    lines += [
        ",".join(f"{value:g}" for value in row)
        for row in zip(rows.t, *(rows.columns[n] for n in names), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("sides")
    rng = np.random.default_rng(4)
    service = Service(phi=0.3, cv=0.04)
    effects = {"a": 0.0, "same": 0.0, "better": 0.1, "worse": -0.1}
    return {
        name: write(folder / f"{name}.csv", run(rng, 600, service, effect=effect))
        for name, effect in effects.items()
    }


@pytest.mark.parametrize(("candidate", "code"), [("better", 0), ("worse", 10), ("same", 11)])
def test_the_exit_code_is_that_of_the_verdict(
    sides: dict[str, str], candidate: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["compare", sides["a"], sides[candidate], "--design", "concurrent"]
    if candidate == "same":
        arguments += ["--margin", "throughput=0.01%"]
    assert main(arguments) == code
    assert capsys.readouterr().err == ""


def test_json_has_the_contracts_fields(
    sides: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        main(["compare", sides["a"], sides["worse"], "--design", "concurrent", "--format", "json"])
        == 10
    )
    answer = json.loads(capsys.readouterr().out)
    assert answer["schema"] == 1
    assert (answer["verdict"], answer["ok"], answer["design"]) == ("regressed", False, "concurrent")
    assert set(answer["seconds"]) == {"baseline", "candidate", "trimmed", "excluded", "needed"}
    by_name = {metric["name"]: metric for metric in answer["metrics"]}
    assert list(by_name) == ["throughput", "p50", "p90", "p99", "error_ratio", "cpu_per_request"]
    throughput, errors = by_name["throughput"], by_name["error_ratio"]
    assert throughput["unit"] == "req/s"
    assert throughput["ci_percent"][0] < -10 < throughput["ci_percent"][1]
    assert throughput["margin_percent"] == 2
    assert throughput["effect_pp"] is None
    assert errors["effect_percent"] is None
    assert errors["margin_pp"] == pytest.approx(0.1)
    assert errors["ci_pp"][0] < errors["ci_pp"][1]


def test_fail_on_ignores_verdicts_that_it_does_not_name(
    sides: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "compare",
        sides["a"],
        sides["worse"],
        "--design",
        "concurrent",
        "--format",
        "json",
        "--fail-on",
    ]
    assert main([*arguments, "inconclusive,not_comparable"]) == 0
    forgiven = json.loads(capsys.readouterr().out)
    assert (forgiven["verdict"], forgiven["ok"]) == ("regressed", True)
    assert main([*arguments, "regressed"]) == 10


def test_a_context_is_read_and_design_overrides_its_mode(
    sides: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    context = tmp_path / "context.json"
    context.write_text(
        json.dumps({"mode": "sequential", "env_a": {"cpus": 8}, "env_b": {"cpus": 4}})
    )
    arguments = [
        "compare",
        sides["a"],
        sides["better"],
        "--context",
        str(context),
        "--format",
        "json",
    ]
    assert main([*arguments, "--design", "concurrent"]) == 12
    answer = json.loads(capsys.readouterr().out)
    assert answer["design"] == "concurrent"
    assert answer["differences"][0] == {
        "field": "cpus",
        "baseline": 8,
        "candidate": 4,
        "declared": False,
        "invalidates": True,
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], "compare takes two sides"),
        (["/nowhere.csv", "/nowhere.csv"], "/nowhere.csv: there is no such file"),
        (["{a}", "{empty}"], "the header needs rps"),
        (["{a}", "{a}", "--margin", "p98=2%"], "there is no metric 'p98'"),
        (["{a}", "{a}", "--fail-on", "worse"], "'worse' is no verdict"),
        (["{a}", "{a}", "--context", "{a}"], "it is no JSON"),
        (["{a}", "{a}", "-o", "{a}"], "exists: --force overwrites it"),
    ],
)
def test_a_usage_error_is_one_line_and_exit_code_2(
    sides: dict[str, str],
    tmp_path: Path,
    more: list[str],
    expected: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "empty.csv").write_text("")
    filled = [word.format(a=sides["a"], empty=tmp_path / "empty.csv") for word in more]
    assert main(["compare", *filled]) == 2
    output = capsys.readouterr().err
    assert expected in output
    assert output.count("\n") == 1


def test_without_the_extra_the_install_command_is_shown(
    sides: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == "scipy" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert main(["compare", sides["a"], sides["same"]]) == 2
    assert "pip install 'tputtui[compare]'" in capsys.readouterr().err


def test_a_report_in_a_file_and_a_hostile_name_in_the_text(
    sides: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = tmp_path / "a\x1b[31mb.csv"
    named.write_text(Path(sides["a"]).read_text())
    out = tmp_path / "report.txt"
    main(["compare", str(named), sides["better"], "-o", str(out)])
    assert capsys.readouterr().out == ""
    assert "\x1b" not in out.read_text()
    assert "␛[31mb.csv" in out.read_text()

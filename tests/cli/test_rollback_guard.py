"""Guardrail of a recording, as a process: exporters, exit code, the JSON object, the run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from exporter import Exporter

from tputtui.cli import main
from tputtui.cli.rollback_guard import RollbackGuard, control_name, with_control
from tputtui.model import ServiceState, Snapshot, TargetStatus, TrafficState
from tputtui.recording.reader import Run
from tputtui.settings import Settings, TargetSettings

A_SCRAPE = 1000


def lines(good: int, bad: int) -> str:
    kind = "# TYPE http_requests_total counter\n"
    return (
        kind
        + f'http_requests_total{{code="200"}} {good}\nhttp_requests_total{{code="500"}} {bad}\n'
    )


def well(number: int) -> str:
    return lines(A_SCRAPE * number, 0)


def failing(number: int) -> str:
    """Let every second request fail from the fifth scrape on."""
    bad = A_SCRAPE // 2 * max(0, number - 4)
    return lines(A_SCRAPE * number - bad, bad)


Recorded = Callable[..., tuple[int, Path, str]]


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Recorded]:
    with ExitStack() as open_:

        def run(*exporters: Callable[[int], str], more: list[str]) -> tuple[int, Path, str]:
            """Record with a guardrail; return (exit code, the run, the second target's name)."""
            names = [
                f"127.0.0.1:{open_.enter_context(Exporter(exporter)).port}"
                for exporter in exporters
            ]
            arguments = [word.replace("CONTROL", names[-1]) for word in more]
            path = tmp_path / "a.tput.gz"
            asked = [
                "--interval",
                "100ms",
                "--window",
                "200ms",
                "--no-discover",
                "--objective",
                "errors<=1%",
            ]
            return main(["record", "-o", str(path), *names, *asked, *arguments]), path, names[-1]

        yield run


def only_object(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    output = capsys.readouterr()
    assert output.out.count("\n") == 1
    document: dict[str, Any] = json.loads(output.out)
    return document, output.err


def test_a_failing_treatment_ends_the_recording_with_exit_code_10_and_the_evidence(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    code, path, control = recorded(
        failing, well, more=["--abort", "--control", "CONTROL", "--for", "20s"]
    )
    document, output = only_object(capsys)
    assert code == 10
    assert (document["schema"], document["ok"], document["aborted"]) == (1, False, True)
    assert document["trigger"] in ("fast_burn", "missed")
    assert document["objective"] == "errors<=1%"
    assert document["value"] > document["threshold"] == 0.01
    assert document["requests"] >= 100
    assert document["control"]["service"] == control != document["service"]
    assert document["control"]["value"] == 0.0
    assert document["run"] == str(path)
    assert f"aborted: {document['reason']}" in output
    with Run(path) as run:
        assert run.end_description == f"aborted: {document['reason']}"
        assert [mark.text for mark in run.marks()] == [f"aborted: {document['reason']}"]


def test_where_the_control_fails_too_nothing_is_rolled_back(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    code, path, _ = recorded(
        failing, failing, more=["--abort", "--control", "CONTROL", "--for", "1500ms"]
    )
    document, output = only_object(capsys)
    assert code == 0
    assert (document["ok"], document["aborted"], document["trigger"]) == (True, False, None)
    assert len(document["alarms"]) == 1
    assert "shared incident" in document["alarms"][0]
    assert f"tputtui: {document['alarms'][0]}\n" in output
    with Run(path) as run:
        assert run.end_description == ""


def test_without_abort_it_only_reports_what_it_would_have_done(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    code, path, _ = recorded(failing, more=["--for", "1s"])
    output = capsys.readouterr()
    assert code == 10
    assert output.out == ""
    assert "with --abort it would have ended after" in output.err
    with Run(path) as run:
        assert run.end_description == ""


def test_an_unknown_control_is_an_error_with_the_known_names(
    recorded: Recorded, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, other = recorded(well, well, more=["--abort", "--control", "old", "--for", "20s"])
    document, output = only_object(capsys)
    assert code == 2
    assert (document["ok"], document["aborted"]) == (False, False)
    assert "--control old: there is no such service" in output
    assert other in output


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (["--abort"], "--abort: there is no objective to miss"),
        (["--margin", "speed=1%"], "--margin: there is no metric 'speed'"),
        (
            ["--margin", "error_ratio=1pp"],
            "--margin error_ratio: throughput, p50, p90, p99 are compared",
        ),
    ],
)
def test_unusable_guardrail_options_are_one_line_and_no_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], expected: str
) -> None:
    path = tmp_path / "a.tput.gz"
    assert main(["record", "-o", str(path), ":1", *more]) == 2
    output = capsys.readouterr().err
    assert output.startswith(f"tputtui: {expected}")
    assert output.count("\n") == 1
    assert not path.exists()


def test_the_control_target_is_not_a_replica_of_the_treatment() -> None:
    targets = tuple(
        TargetSettings(name=f"127.0.0.1:{port}", url=f":{port}", service="shop")
        for port in (1, 2, 3)
    )
    settings = with_control(Settings(targets=targets), ":2")
    assert [target.service for target in settings.targets] == ["shop", "127.0.0.1:2", "shop"]
    assert control_name(settings, ":2") == "127.0.0.1:2"
    assert control_name(settings, "shop") == "shop"
    assert with_control(settings, "shop") == settings


def test_an_undecidable_guardrail_is_reported_once(capsys: pytest.CaptureFixture[str]) -> None:
    guarding = RollbackGuard(Settings(objectives=("p99<=250ms", "api:errors<=1%")))
    nothing = ServiceState("node", ("node",), traffic=TrafficState("t", 1.0))
    for second in range(60):
        guarding.on_snapshot(
            Snapshot(0.0, float(second), 1.0, 10.0, (TargetStatus("node", "u", "up"),), (nothing,))
        )
    assert guarding.decision is None
    assert guarding.alarms == [
        "no data: p99<=250ms is not judged",
        "no data of api: api:errors<=1% is not judged",
    ]
    assert capsys.readouterr().err.count("\n") == 2

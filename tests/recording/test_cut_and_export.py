"""Exports of a run: a cut, a table, OpenMetrics, JSON, and the listing of a folder."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from recorded_runs import ADDRESS, BEGAN, FAMILIES, REQUESTS, record, record_two_services

from tputtui.cli import main
from tputtui.cli.verbs.replay import replay_settings
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.engine.replay.trim import EmptySpanError, trim_run
from tputtui.experiments.metric_rows import parse_csv
from tputtui.model import Exposition, Reading, Scrape, Series, ServerTargetInfo, Snapshot, Target
from tputtui.recording.export import FORMATS
from tputtui.recording.export.csv_table import escape_cell, to_csv
from tputtui.recording.export.json_lines import to_json
from tputtui.recording.export.openmetrics import to_openmetrics
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.settings import ProfileTrigger, Settings, TargetSettings


def test_a_cut_holds_its_span_its_marks_and_the_name_of_its_source(tmp_path: Path) -> None:
    record(tmp_path / "a", 130, mark_at=(5, 70, 90, 120))
    with Run(tmp_path / "a") as run:
        trim_run(run, 1070.0, 1100.0, tmp_path / "b")
        name = run.header.run
        true = {tick.reading.at: str(tick.reading.scrapes) for tick in run.ticks()}
    with Run(tmp_path / "b") as part:
        cut = {tick.reading.at: str(tick.reading.scrapes) for tick in part.ticks()}
        assert part.header.cut_from == name
        assert [mark.text for mark in part.marks()] == ["mark 70", "mark 90"]
        summary = part.summary()
        last = list(replay_snapshots(part))[-1]
    assert list(cut) == [1000.0 + tick for tick in range(70, 101)]
    assert all(true[at] == scrapes for at, scrapes in cut.items())
    assert summary.services[0].mean == pytest.approx(101.0, rel=0.02)
    assert last.services[0].traffic is not None
    assert last.services[0].traffic.rps == pytest.approx(101.0)


def test_a_cut_of_nothing_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    record(tmp_path / "a", 10)
    with Run(tmp_path / "a") as run, pytest.raises(EmptySpanError):
        trim_run(run, 5000.0, 6000.0, tmp_path / "b")
    assert not (tmp_path / "b").exists()


def test_the_csv_is_the_input_of_compare(tmp_path: Path) -> None:
    record(tmp_path / "a", 40)
    with Run(tmp_path / "a") as run:
        rows = parse_csv("".join(to_csv(run, None)), "a")
    assert rows.columns["rps"] == pytest.approx([100.0] * len(rows.t))
    assert len(rows.t) > 35
    assert rows.dropped_rows >= 1  # the failed scrape has no rate, and is not zero


def test_of_several_services_the_first_column_names_them(tmp_path: Path) -> None:
    record_two_services(tmp_path / "a", 10)
    with Run(tmp_path / "a") as run:
        rows = list(csv.DictReader(io.StringIO("".join(to_csv(run, None)))))
        assert {row["service"] for row in rows} == {"api", "web"}
        assert "service" not in next(iter(to_csv(run, "web")))
        with pytest.raises(ValueError, match="it holds api, web"):
            list(to_csv(run, "nobody"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_cell_that_a_spreadsheet_would_evaluate_is_defused(text: str) -> None:
    assert escape_cell(text) == f"'{text}"
    assert escape_cell("api") == "api"


def test_prometheus_client_reads_every_sample_of_the_openmetrics_export(tmp_path: Path) -> None:
    record(tmp_path / "a", 50)
    with Run(tmp_path / "a") as run:
        text = "".join(to_openmetrics(run))
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    assert [family.type for family in families] == ["counter"]
    assert (
        len([sample for sample in samples if sample.labels["status"] == "200"]) == 49
    )  # one scrape failed
    assert len([sample for sample in samples if sample.labels["status"] == "500"]) == 10
    first = samples[0]
    assert first.labels["job"] == "api"
    assert first.labels["instance"] == "127.0.0.1:1"
    assert "secret" not in text


def test_the_json_is_valid_whatever_the_values(tmp_path: Path) -> None:
    record(tmp_path / "a", 5, mark_at=(2,))
    with Run(tmp_path / "a") as run:
        objects = [json.loads(line) for line in to_json(run)]
    assert [next(iter(entry)) for entry in objects] == [
        "run",
        *["reading"] * 3,
        "mark",
        *["reading"] * 2,
        "end",
    ]
    assert objects[1]["reading"]["scrapes"][0]["samples"][0]["name"] == "http_requests_total"


@pytest.mark.parametrize("name", FORMATS)
def test_every_export_format_holds_the_figures_and_no_secret_of_the_address(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    record(tmp_path / "a", 20)
    assert main(["export", str(tmp_path / "a"), "--format", name]) == 0
    printed = capsys.readouterr().out
    assert printed.endswith("\n")
    assert len(printed.splitlines()) >= 19  # one scrape failed
    assert "100" in printed
    assert "secret" in ADDRESS
    assert "secret" not in printed


@pytest.mark.parametrize("name", FORMATS)
def test_a_service_is_chosen_where_the_format_can_hold_one_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    record_two_services(tmp_path / "a", 10)
    code = main(["export", str(tmp_path / "a"), "--format", name, "--service", "web"])
    printed = capsys.readouterr()
    if FORMATS[name].generate_service is None:
        sentence = "--service belongs to --format csv; the others hold every service"
        assert (code, printed.out, sentence in printed.err) == (2, "", True)
    else:
        assert (code, printed.err, "api" in printed.out) == (0, "", False)


def test_runs_lists_a_folder_with_its_unreadable_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "a.tput.gz", 70, note="before | after")
    (tmp_path / "b.tput.gz").write_text("hello")
    (tmp_path / "notes.txt").write_text("no run")
    assert main(["runs", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "before | after" in table
    assert "not a run of tputtui" in table
    assert "notes" not in table
    assert main(["runs", str(tmp_path), "--format", "json"]) == 0
    first, second = sorted(
        (json.loads(line) for line in capsys.readouterr().out.splitlines()), key=lambda o: o["path"]
    )
    assert first["summary"]["services"][0]["mean"] == pytest.approx(100.0, rel=0.02)
    assert "problem" in second
    assert main(["runs", str(tmp_path), "--format", "markdown"]) == 0
    assert r"before \| after" in capsys.readouterr().out


@pytest.mark.parametrize(
    "verb", [["export", "--format", "csv"], ["cut", "-o", "x"], ["replay", "--stream"]]
)
def test_a_file_that_is_not_a_run_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    (tmp_path / "a").write_text("hello")
    assert main([verb[0], str(tmp_path / "a"), *verb[1:]]) == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "not a run of tputtui" in output


def test_a_file_name_that_begins_with_a_dash_is_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    record(tmp_path / "-rf.tput.gz", 12)
    assert main(["export", "--format", "csv", "--", "-rf.tput.gz"]) == 0
    assert capsys.readouterr().out.startswith("t,rps,")
    assert main(["export", "--format", "csv", "./-rf.tput.gz"]) == 0


@pytest.mark.parametrize("verb", [["export", "--format", "csv"], ["cut"]])
@pytest.mark.parametrize("name", ["a", "link", "hard"])
def test_a_run_is_never_written_over_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: list[str], name: str
) -> None:
    record(tmp_path / "a", 12)
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "hard").hardlink_to(tmp_path / "a")
    before = (tmp_path / "a").read_bytes()
    assert main([*verb, str(tmp_path / "a"), "-o", str(tmp_path / name), "--force"]) == 2
    assert "is the run itself" in capsys.readouterr().err
    assert (tmp_path / "a").read_bytes() == before


@pytest.mark.parametrize("kind", ["fifo", "link", "folder"])
def test_an_export_overwrites_plain_files_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    record(tmp_path / "a", 12)
    out = tmp_path / "out"
    if kind == "fifo":
        os.mkfifo(out)
    elif kind == "link":
        out.symlink_to("elsewhere")
    else:
        out.mkdir()
    assert main(["export", str(tmp_path / "a"), "--format", "csv", "-o", str(out), "--force"]) == 2
    assert "is not a plain file: it is not overwritten" in capsys.readouterr().err
    assert not (tmp_path / "elsewhere").exists()


def test_replay_stream_prints_the_same_as_stream(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = record(tmp_path / "a", 12)
    assert main(["replay", str(tmp_path / "a"), "--stream", "--from", "+5s", "-n", "3"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [entry["time"] for entry in objects] == [
        pytest.approx(snapshot.time) for snapshot in shown[5:8]
    ]
    assert objects[0]["services"][0]["traffic"]["rps"] == pytest.approx(100.0)


def test_a_replay_scrapes_and_profiles_nothing_on_the_machine(tmp_path: Path) -> None:
    record(tmp_path / "a", 3)
    config = Settings(
        targets=(TargetSettings(name="api", url=ADDRESS),),
        profile=replace(Settings().profile, on_objective_missed=ProfileTrigger(":8000")),
        objectives=("rps>=1",),
    )
    with Run(tmp_path / "a") as run:
        settings = replay_settings(config, run.header)
    assert (settings.targets, settings.servers, settings.discover, settings.objectives) == (
        (),
        (),
        False,
        (),
    )
    assert settings.profile.on_objective_missed is None


# ------------------------------------------------------------------------------- a server's answers


def served(
    name: str, at: float, rate: float | None, series: Series = REQUESTS, value: float = 0.0
) -> Scrape:
    exposition = Exposition(
        {series: value}, FAMILIES, 1, served=ServerTargetInfo(rate, ("instance",))
    )
    return Scrape(name, at, BEGAN + at - 1000.0, 0.01, exposition)


def record_served(path: Path) -> list[Snapshot]:
    """Record a job of a server: a query, its history, then rates; a replaced target leaves."""
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    recorder = Recorder(RecordingPlan(path), interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    shown = []
    for tick in range(70):
        at = 1000.0 + tick
        names = ["prom", "job"] if tick < 2 else ["job"]
        for name in names:
            monitor.add_target(Target(name, ADDRESS), is_from_server=True)
        monitor.set_order(names)
        scrapes = [served("job", at - 0.2, None, value=5.0)] if tick in (1, 30) else []
        if tick > 1:
            scrapes.append(served("job", at - 0.1, 10.0, value=50.0 + tick))
        past = (
            [served("job", 900.0 + 10 * step, 10.0, value=7.0) for step in range(9)]
            if tick == 3
            else []
        )
        reading = Reading(at, BEGAN + tick, tuple(scrapes))
        snapshot = monitor.derive_snapshot(reading)
        monitor.add_backfill(past)
        shown.append(snapshot)
        recorder.record_reading(reading, snapshot, monitor.target_facts(), backfill=past)
    assert recorder.close()
    return shown


def without_url(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, targets=tuple(replace(target, url="") for target in snapshot.targets))


def test_the_data_and_history_of_a_server_are_replayed_as_they_were_shown(tmp_path: Path) -> None:
    shown = record_served(tmp_path / "a")
    assert shown[-1].history_s > 60
    assert shown[-1].services[0].traffic is not None
    assert [target.name for target in shown[0].targets] == ["prom", "job"]
    with Run(tmp_path / "a") as run:
        again = list(replay_snapshots(run))
        text = "".join(to_openmetrics(run))
        rows = parse_csv("".join(to_csv(run, "job")), "a")
    assert [without_url(snapshot) for snapshot in again] == [
        without_url(snapshot) for snapshot in shown
    ]
    assert rows.columns["rps"][-1] == pytest.approx(119.0)
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert {sample.name for family in families for sample in family.samples} == {
        "http_requests_total:rate"
    }

"""`tputtui runs DIR`: figures of the runs of a folder, side by side, beside any other files."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import readings, record

from tputtui.cli import main
from tputtui.cli.runs_table import with_comparable
from tputtui.engine.pipeline import SnapshotPipeline
from tputtui.model import Target
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder, RecordingPlan
from tputtui.recording.records import RunSummary, ServiceSummary
from tputtui.recording.run_listing import ListedRun, list_runs
from tputtui.recording.summary import RunSummarizer

PLAN = {"hypothesis": "a bigger pool", "owner": "ann", "decision": "ship"}


def list_output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["runs", *arguments]) == 0
    return capsys.readouterr().out


def rows(table: str) -> list[dict[str, str]]:
    head, _, *lines = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return [dict(zip(head, [cell.strip() for cell in line], strict=False)) for line in lines]


def test_each_run_has_its_figures_and_its_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "a.tput.gz", 130, experiment=PLAN)
    table = list_output(capsys, str(tmp_path), "--format", "markdown")
    lines = table.partition("## Runs\n\n")[2].splitlines()
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    heads = [cell.strip() for cell in lines[0].strip("|").split("|")]
    assert len(cells) == len(heads)
    columns = dict(zip(heads, cells, strict=True))
    assert columns["run"] == "a"
    assert columns["length"] == "2 min 9 s"
    assert columns["best 60 s"] == "101.0 req/s"
    assert float(columns["errors"].split()[0]) == pytest.approx(100 * 90 / 12_990, rel=0.05)
    assert (columns["hypothesis"], columns["owner"], columns["verdict"]) == (
        "a bigger pool",
        "ann",
        "",
    )
    assert (
        columns["decision"] == "ship"
    )  # the plan's expectation; a verdict comes from a comparison


def test_a_run_of_less_than_a_minute_has_no_best_minute_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "a.tput.gz", 18)
    assert "100.0 req/s (mean)" in list_output(capsys, str(tmp_path))


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_an_empty_folder_is_not_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    output = list_output(capsys, str(tmp_path), "--format", form)
    assert ("no runs in" in output) == (form == "text")
    assert output.count("\n") == {"text": 1, "markdown": 2, "json": 0}[form]


def test_a_folder_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == f"tputtui: {tmp_path}/none: there is no such folder\n"


def test_foreign_files_are_ignored_and_a_file_only_named_like_a_run_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "sound", 20)  # a run by its content
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "other.gz").write_bytes(b"\x1f\x8b\x08\0" + bytes(40))
    (tmp_path / "folder.tput.gz").mkdir()
    (tmp_path / "empty.tput.gz").touch()
    (tmp_path / "text.tput.gz").write_text("hello")
    (tmp_path / "dangling.tput.gz").symlink_to("nowhere")
    os.mkfifo(tmp_path / "fifo.tput.gz")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "-rf\x1b[31m.tput.gz").write_text("hostile name")
    output = list_output(capsys, str(tmp_path))
    assert "\x1b" not in output
    assert [line for line in output.splitlines() if line.startswith("sound ")]
    assert "folder.tput.gz: it is a folder" in output
    assert "empty.tput.gz: the file is empty" in output
    assert "text.tput.gz: not a run of tputtui" in output
    assert "dangling.tput.gz: it cannot be read" in output
    assert "fifo.tput.gz: it is not a plain file" in output
    assert "notes" not in output
    assert "other.gz" not in output
    objects = [
        json.loads(line)
        for line in list_output(capsys, str(tmp_path), "--format", "json").splitlines()
    ]
    assert sum("problem" in entry for entry in objects) == 6
    assert sum("summary" in entry for entry in objects) == 1


def test_the_bars_are_of_the_comparable_runs_up_to_each_and_a_cut_is_counted_once(
    tmp_path: Path,
) -> None:
    record(tmp_path / "a.tput.gz", 5)
    with Run(tmp_path / "a.tput.gz") as run:
        header = run.header

    def made(name: str, mean: float, **changes: object) -> ListedRun:
        summary = RunSummary(
            60.0, services=(ServiceSummary(str(changes.pop("service", "api")), mean=mean),)
        )
        return ListedRun(Path(name), 1, replace(header, **changes), summary)  # type: ignore[arg-type]

    runs = [
        made("1", 1.0),
        made("2", 2.0, cut_from="ab"),
        made("3", 3.0, interval_s=5.0),
        made("4", 4.0, environment={"host": "elsewhere"}),
        made("5", 5.0, service="web"),
        ListedRun(Path("6"), problem="broken"),
        made("7", 7.0),
        *(made(f"more {number}", 10.0 + number) for number in range(9)),
    ]
    means = {str(run.path): [each.mean for each in alike] for run, alike in with_comparable(runs)}
    assert means["1"] == [1.0]
    assert means["2"] == [1.0, 2.0]
    assert (means["3"], means["4"], means["5"], means["6"]) == ([3.0], [4.0], [5.0], [])
    assert means["7"] == [1.0, 7.0]
    assert means["more 8"] == [11.0, 12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0]


def test_a_folder_of_very_many_is_listed_to_its_end(tmp_path: Path) -> None:
    record(tmp_path / "0000.tput.gz", 3)
    for number in range(1, 3000):
        os.link(tmp_path / "0000.tput.gz", tmp_path / f"{number:04d}.tput.gz")
    assert len(list_runs(tmp_path)) == 3000


def test_a_closed_run_is_listed_from_its_last_line_without_decoding_readings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(tmp_path / "a.tput.gz", 200)
    monkeypatch.setattr(
        "tputtui.recording.decode.Decoder._decode_tick",
        lambda *_: pytest.fail("a reading is decoded"),
    )
    (listed,) = list_runs(tmp_path)
    assert listed.summary is not None
    assert listed.summary.ticks == 200


def test_a_killed_run_is_listed_with_its_readings_so_far(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "a.tput.gz", 200)
    content = (tmp_path / "a.tput.gz").read_bytes()
    (tmp_path / "a.tput.gz").write_bytes(content[:-700])
    output = list_output(capsys, str(tmp_path))
    assert "3 min" in output
    assert " s +" in output
    assert "req/s" in output


def test_the_best_minute_is_one_of_the_runs_own(tmp_path: Path) -> None:
    """`best_60s` of the live screen is that of the session: `R` may come long after its peak."""
    shown = record(tmp_path / "a", 200)
    summing = RunSummarizer()
    for snapshot in shown[120:150]:
        summing.add(snapshot)
    assert shown[149].services[0].traffic is not None
    assert shown[149].services[0].traffic.best_60s is not None
    assert summing.summary().services[0].best_60s is None
    for snapshot in shown[150:]:
        summing.add(snapshot)
    assert summing.summary().services[0].best_60s == pytest.approx(101.0)


def test_a_tick_without_a_new_scrape_is_not_a_second_without_requests(tmp_path: Path) -> None:
    shown = record(tmp_path / "a", 60)
    summing = RunSummarizer()
    for snapshot in shown:
        summing.add(snapshot)
        summing.add(replace(snapshot, at=snapshot.at + 0.5))
    once, service = shown[-1].services[0].traffic, summing.summary().services[0]
    assert once is not None
    assert service.mean == pytest.approx(once.rps, rel=0.02)
    assert min(value for value in service.shape if value is not None) > 0


def test_a_recording_in_parts_has_its_total_length_and_each_part_its_own_figures(
    tmp_path: Path,
) -> None:
    monitor = SnapshotPipeline(interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    monitor.add_target(Target("api", "http://127.0.0.1:1/metrics"))
    to = Recorder(
        RecordingPlan(tmp_path / "a.run", size_limit=2000),
        interval_s=1.0,
        window_s=10.0,
        quantiles=(0.5,),
    )
    for reading in readings(200, {"api": 100.0}):
        to.record_reading(reading, monitor.derive_snapshot(reading), monitor.target_facts())
        while to._writer._queued_bytes:
            time.sleep(0.0005)
    assert to.close()
    parts = sorted(tmp_path.glob("a*.run"))
    assert to.state().parts == len(parts) > 2, "a.run, a-2.run, …"
    assert to.state().seconds == 199.0
    assert to.state().size == sum(path.stat().st_size for path in parts)
    lengths = []
    for path in parts:
        with Run(path) as run:
            ticks = list(run.ticks())
            assert run.summary().ticks == len(ticks)
            assert run.summary().seconds == ticks[-1].reading.at - run.header.began_at
            lengths.append(len(ticks))
    assert sum(lengths) == 200


def test_a_run_without_a_reading_leaves_no_file_and_an_existing_file_alone(
    tmp_path: Path,
) -> None:
    to = Recorder(RecordingPlan(tmp_path / "a"), interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    to.close()
    assert not (tmp_path / "a").exists()
    to = Recorder(RecordingPlan(tmp_path / "a"), interval_s=1.0, window_s=10.0, quantiles=(0.5,))
    (tmp_path / "a").unlink()
    (tmp_path / "a").touch()
    to.close()
    assert (tmp_path / "a").exists()

"""Inputs of a recording beside the readings: marks of a load generator, plan and workload texts."""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tputtui.cli import main
from tputtui.cli.parser import UsageError
from tputtui.cli.recording_inputs import MarkFile, parse_mark, read_plan_texts, read_toml_texts

PATIENCE_S = 10.0


@pytest.mark.parametrize(
    ("line", "result"),
    [
        ("1790000000 ramp", (1790000000.0, "ramp")),
        ("1790000000.25   hold at 200", (1790000000.25, "hold at 200")),
        ("1790000000250 k6 counts milliseconds", (1790000000.25, "k6 counts milliseconds")),
        ("2026-09-21T14:13:20+00:00 ISO", (1790000000.0, "ISO")),
        ("1790000000 \x1b[31mred", (1790000000.0, "␛[31mred")),
    ],
)
def test_a_line_of_a_mark_file_is_a_time_and_a_text(line: str, result: tuple[float, str]) -> None:
    assert parse_mark(line) == result


@pytest.mark.parametrize(
    "line", ["", "ramp", "1790000000", "nan ramp", "-5 ramp", "1e300 ramp", "14:03 ramp", "inf x"]
)
def test_a_line_without_a_time_or_a_text_is_not_a_mark(line: str) -> None:
    assert parse_mark(line) is None


class Marks:
    """Collector of marks in place of an engine."""

    def __init__(self) -> None:
        self._came: queue.Queue[tuple[str, float]] = queue.Queue()

    def __call__(self, content: str, time: float) -> None:
        self._came.put((content, time))

    def next(self) -> tuple[str, float]:
        return self._came.get(timeout=PATIENCE_S)


def test_a_mark_file_is_followed_while_it_grows_and_a_line_in_pieces_is_one_mark(
    tmp_path: Path,
) -> None:
    path, marks = tmp_path / "k6.log", Marks()
    path.write_text("1790000000 was there before\n")
    MarkFile(str(path)).follow(marks)
    assert marks.next() == ("was there before", 1790000000.0)
    with path.open("a") as file:
        file.write("17900000")
        file.flush()
        file.write("05 in two pieces\n")
    assert marks.next() == ("in two pieces", 1790000005.0)


def test_a_fifo_may_come_and_go_and_blocks_nothing(tmp_path: Path) -> None:
    path, marks = tmp_path / "fifo", Marks()
    os.mkfifo(path)
    MarkFile(str(path)).follow(marks)
    for number in range(2):
        path.write_text(f"179000000{number} writer {number}\n")
        assert marks.next() == (f"writer {number}", 1790000000.0 + number)


def test_stdin_is_a_mark_file_and_the_first_invalid_line_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marks = Marks()
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        MarkFile("-").follow(marks)
        os.write(writing, b"rubbish\n\nmore rubbish\n1790000000 a mark\n")
        assert marks.next() == ("a mark", 1790000000.0)
        os.close(writing)
    assert capsys.readouterr().err == 'tputtui: --mark-file -: "rubbish" is no mark: TIME TEXT\n'


def test_the_texts_of_a_plan_carry_the_names_of_their_tables(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(
        'hypothesis = "faster"\nmargins = ["p99=10%", "throughput=2%"]\n[load]\nusers = 10\nramp.s = 30.5\n'
    )
    assert read_toml_texts(str(tmp_path / "a")) == {
        "hypothesis": "faster",
        "margins": "p99=10%, throughput=2%",
        "load.users": "10",
        "load.ramp.s": "30.5",
    }


def test_texts_of_a_plan_are_cleaned_and_bounded(tmp_path: Path) -> None:
    lines = [f'k{number} = "{"x" * 2000}"' for number in range(120)]
    (tmp_path / "a").write_text("\n".join(['hypothesis = "\\u001b[31mred"', *lines]))
    result = read_toml_texts(str(tmp_path / "a"))
    assert result["hypothesis"] == "␛[31mred"
    assert len(result) == 100
    assert max(map(len, result.values())) == 500


def as_text(path: Path) -> None:
    path.write_text("no = = toml")


def too_large(path: Path) -> None:
    path.write_text(f'a = "{"x" * 300_000}"')


def nested(path: Path) -> None:
    path.write_text("a = " + "[" * 100_000)


@pytest.mark.parametrize("flag", ["--experiment", "--workload"])
@pytest.mark.parametrize("make", [None, Path.mkdir, os.mkfifo, as_text, too_large, nested])
def test_an_invalid_plan_is_a_one_line_error_and_nothing_is_recorded(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flag: str,
    make: Callable[[Path], None] | None,
) -> None:
    path = tmp_path / "plan.toml"
    if make is not None:
        make(path)
    assert main(["record", "-o", str(tmp_path / "a.tput.gz"), ":1", flag, str(path)]) == 2
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert "plan.toml" in output
    assert not (tmp_path / "a.tput.gz").exists()


WRONG = [
    ["--mark-file", "/nowhere/marks"],
    ["--mark-file", "/"],
    ["--mark-file", "/dev/zero"],
    ["--listen", "127.0.0.1"],
    ["--listen", "127.0.0.1:99999"],
    ["--listen", "nowhere.invalid:0"],
    ["--like", "/nowhere/run"],
    ["--like", "/"],
    ["--for", "0"],
    ["--mark", " "],
    ["--mark", "+soon=x"],
    ["--limit", "3"],
    ["--limit", "many"],
    ["--profile", "zz"],
    ["--profile", ":80@60s/5s"],
    ["--profile", "999999999@1s"],
    ["--fail-after", "x"],
    ["--objective", "speed"],
    ["--read-only"],
]


@pytest.mark.parametrize("content", WRONG, ids=" ".join)
def test_a_wrong_option_is_one_line_exit_code_2_and_leaves_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: list[str]
) -> None:
    path = tmp_path / "a.tput.gz"
    assert main(["record", "-o", str(path), ":1", *content]) == 2
    output = capsys.readouterr().err
    assert output.startswith("tputtui: ")
    assert output.count("\n") == 1
    assert not path.exists()


def test_a_run_does_not_go_to_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["record", "-o", "-", ":1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not os.path.exists("-")


def test_a_closed_stdin_is_not_a_mark_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="stdin is closed"):
        MarkFile("-")


def test_a_plan_that_compare_could_not_use_causes_a_warning_and_is_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('hypotesis = "a bigger pool"\n[[results]]\nverdict = "improved"\n')
    assert read_plan_texts(str(path)) == {
        "hypotesis": "a bigger pool"
    }  # an earlier result is not part of the plan
    output = capsys.readouterr().err
    assert output.count("\n") == 1
    assert (
        "compare cannot use it as a plan: there is no 'hypotesis' in an experiment, did you mean \"hypothesis\"?"
        in output
    )

"""Adding an export format takes one entry in the list: choices, help and messages follow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_runs import record, record_two_services

from tputtui.cli import main
from tputtui.recording.export import FORMATS, ExportFormat
from tputtui.recording.reader import Run


def count_readings(run: Run) -> Iterator[str]:
    yield f"readings {sum(1 for _ in run.ticks())}\n"


def count_readings_of(run: Run, service: str) -> Iterator[str]:
    yield f"{service} {sum(1 for _ in run.ticks())}\n"


@pytest.fixture
def count_format(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = ExportFormat("count", count_readings, "how many readings", count_readings_of)
    monkeypatch.setitem(FORMATS, "count", entry)


def test_a_format_is_written_once_it_is_in_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], count_format: None
) -> None:
    record(tmp_path / "a", 12)
    assert main(["export", str(tmp_path / "a"), "--format", "count"]) == 0
    assert capsys.readouterr() == ("readings 12\n", "")
    out = tmp_path / "out"
    assert main(["export", str(tmp_path / "a"), "--format", "count", "-o", str(out)]) == 0
    assert out.read_text() == "readings 12\n"


def test_a_service_of_it_is_chosen_and_named_by_the_message_of_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], count_format: None
) -> None:
    record_two_services(tmp_path / "a", 12)
    assert main(["export", str(tmp_path / "a"), "--format", "count", "--service", "web"]) == 0
    assert capsys.readouterr().out == "web 12\n"
    assert main(["export", str(tmp_path / "a"), "--format", "json", "--service", "web"]) == 2
    assert "or count; the others" in capsys.readouterr().err


def test_the_help_names_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, count_format: None
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit):
        main(["export", "--help"])
    printed = capsys.readouterr().out
    assert f"{{{','.join(FORMATS)}}}" in printed
    assert "; count: how many readings" in printed
    assert "or count: only that service" in printed


def test_without_its_entry_it_is_not_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path / "a", 3)
    assert main(["export", str(tmp_path / "a"), "--format", "count"]) == 2
    assert f"choose from {', '.join(map(repr, FORMATS))}" in capsys.readouterr().err

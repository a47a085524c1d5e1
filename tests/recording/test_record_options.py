"""Every option of `tputtui record` at once, as a process: the run's content and served metrics."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from exporter import Exporter
from test_record_process import wait_for

from tputtui.recording.reader import Run

pytestmark = pytest.mark.xdist_group("record options")  # one recording for all of them

TPUTTUI = [sys.executable, "-m", "tputtui", "record"]


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    with Exporter() as server:
        yield server


@pytest.fixture(scope="module")
def recorded(exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Yield (the run, its messages, the metrics served meanwhile)."""
    folder = tmp_path_factory.mktemp("options")
    (folder / "plan.toml").write_text('hypothesis = "a bigger pool"\nowner = "ann"\n')
    (folder / "load.toml").write_text('[load]\ngenerator = "k6"\nusers = 10\n')
    began = time.time()
    (folder / "marks").write_text(f"{began + 0.2} warm\n")
    argv = [
        *TPUTTUI, "-o", str(folder / "a.tput.gz"), f"127.0.0.1:{exporter.port}", "--interval", "200ms", "--for", "3s",
        "--experiment", str(folder / "plan.toml"), "--workload", str(folder / "load.toml"), "--note", "why",
        "--mark-file", str(folder / "marks"), "--mark", "+1s=second", "--objective", "rps>=0.001", "--listen", "127.0.0.1:0",
        "--all-metrics",
    ]  # fmt: skip
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline()
        wait_for(exporter, len(exporter.served) + 5)
        address = first.split()[-1]
        with urllib.request.urlopen(address, timeout=10) as answer:
            served = answer.read().decode()
        with (folder / "marks").open("a") as file:
            file.write(f"{time.time()} hold\nrubbish\n")
        output = first + process.communicate(timeout=60)[1]
    assert process.returncode == 0, output
    return folder / "a.tput.gz", output, served


def test_the_run_holds_its_purpose_and_its_load_settings(
    recorded: tuple[Path, str, str],
) -> None:
    with Run(recorded[0]) as run:
        assert run.header.experiment == {"hypothesis": "a bigger pool", "owner": "ann"}
        assert run.header.workload == {"load.generator": "k6", "load.users": "10"}
        assert run.header.note == "why"
        assert run.header.all_metrics
        assert run.header.objectives == ("rps>=0.001",)
        assert run.header.environment["cpus"]


def test_its_marks_are_those_of_the_command_line_and_of_the_file(
    recorded: tuple[Path, str, str],
) -> None:
    with Run(recorded[0]) as run:
        marks = {mark.text: mark for mark in run.marks()}
        assert set(marks) == {"warm", "second", "hold"}
        assert 0.9 < marks["second"].at - run.header.began_at < 2.0
        for mark in marks.values():
            assert mark.at - run.header.began_at == pytest.approx(
                mark.time - run.header.began_time, abs=0.05
            )
    assert recorded[1].count("is no mark") == 1


def test_it_lasts_for_the_requested_time(recorded: tuple[Path, str, str]) -> None:
    with Run(recorded[0]) as run:
        assert 3.0 <= run.summary().seconds < 3.19, "an interval is 0.2 s"
        assert run.header.for_s == 3.0


def test_the_derived_metrics_are_served_meanwhile(recorded: tuple[Path, str, str]) -> None:
    assert 'tputtui_service_traffic{service="127.0.0.1:' in recorded[2]
    assert "tputtui_self_cpu_ratio" in recorded[2]


def test_a_rerun_takes_the_settings_of_its_run_and_reports_whether_the_load_was_the_same(
    recorded: tuple[Path, str, str], tmp_path: Path
) -> None:
    path = tmp_path / "b.tput.gz"
    argv = [*TPUTTUI, "-o", str(path), "--like", str(recorded[0])]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "the load" in done.stderr
    with Run(recorded[0]) as before, Run(path) as after:
        assert after.header.interval_s == before.header.interval_s == 0.2
        assert after.header.objectives == before.header.objectives
        assert 3.0 <= after.summary().seconds < 3.19
        held = {scrape.target for tick in after.ticks() for scrape in tick.reading.scrapes}
        assert held == {scrape.target for tick in before.ticks() for scrape in tick.reading.scrapes}

"""The recording process: however it ends, the file opens and holds what was scraped."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from exporter import Exporter

from tputtui.recording.reader import Run

pytestmark = pytest.mark.slow

TPUTTUI = [sys.executable, "-m", "tputtui"]
KILLS = 10
LOST_S = 2.0


@pytest.fixture
def exporter() -> Iterator[Exporter]:
    with Exporter() as server:
        yield server


@contextmanager
def start(exporter: Exporter, path: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Start a recorder that is ended with its test."""
    argv = [
        *TPUTTUI,
        "record",
        "-o",
        str(path),
        f"127.0.0.1:{exporter.port}",
        "--interval",
        "200ms",
        *more,
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def wait_for(exporter: Exporter, scrapes: int) -> None:
    end = time.monotonic() + 30
    while len(exporter.served) < scrapes:
        assert time.monotonic() < end, "nobody scrapes"
        time.sleep(0.01)


def values(path: Path) -> list[int]:
    with Run(path) as run:
        return [
            int(value)
            for tick in run.ticks()
            for scrape in tick.reading.scrapes
            if scrape.exposition is not None
            for series, value in scrape.exposition.samples.items()
            if series.name == "http_requests_total"
        ]


def assert_sound(values: list[int]) -> None:
    """Assert exported values, each once, in order.

    On a busy machine a scrape may have failed.
    """
    assert values == sorted(set(values))
    assert all(value % 10 == 0 for value in values)


@pytest.mark.parametrize("kill", range(KILLS))
def test_kill_9_loses_two_seconds_at_most_and_never_the_file(
    exporter: Exporter, tmp_path: Path, kill: int
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path) as process:
        wait_for(exporter, 8)
        time.sleep(random.Random(kill).uniform(0.0, 1.5))
        killed = time.monotonic()
        process.kill()
    assert_sound(values(path))
    due = [at for at in exporter.served if at < killed - LOST_S]
    with Run(path) as run:
        held = [scrape.at for tick in run.ticks() for scrape in tick.reading.scrapes]
        assert held
        assert not due or held[-1] >= due[-1]
        assert run.end_description.startswith("it ended abruptly after ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly_with_a_summary(
    exporter: Exporter, tmp_path: Path, number: signal.Signals
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path, "--mark", "began", "--note", "why") as process:
        wait_for(exporter, 12)
        process.send_signal(number)
        out, output = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out == ""
    assert "recorded" in output
    assert "a.tput.gz" in output
    with Run(path) as run:
        assert run.end_description == ""
        assert run.header.note == "why"
        assert [mark.text for mark in run.marks()] == ["began"]
    assert_sound(values(path))
    assert len(values(path)) > 6


def test_for_ends_it_by_itself_and_an_existing_file_is_not_overwritten(
    exporter: Exporter, tmp_path: Path
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path, "--for", "1s") as process:
        assert process.wait(30) == 0
    before = path.read_bytes()
    with start(exporter, path, "--for", "1s") as process:
        output = process.communicate(timeout=20)[1]
    assert process.returncode == 2
    assert output.count("\n") == 1
    assert "exists" in output
    assert path.read_bytes() == before


def test_a_second_recorder_is_refused_with_the_name_of_the_first(
    exporter: Exporter, tmp_path: Path
) -> None:
    path = tmp_path / "a.tput.gz"
    with start(exporter, path) as first:
        wait_for(exporter, 4)
        with start(exporter, path, "--force") as second:
            output = second.communicate(timeout=20)[1]
        first.terminate()
        first.communicate(timeout=20)
    assert second.returncode == 2
    assert f"is being recorded by process {first.pid}" in output
    assert first.returncode == 0


def test_a_missed_objective_is_exit_code_10(exporter: Exporter, tmp_path: Path) -> None:
    with start(
        exporter, tmp_path / "a", "--for", "20s", "--objective", "rps>=1000000", "--abort"
    ) as process:
        output = process.communicate(timeout=40)[1]
    assert process.returncode == 10
    assert "an objective was missed: rps>=1000000" in output

"""Destination of messages when a stream is closed, full or not a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "tputtui"]


@pytest.mark.parametrize("argv", [[":1"], ["demo"], []])
def test_without_stderr_the_line_about_the_screen_goes_to_the_remaining_terminal(
    argv: list[str],
) -> None:
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [*PROGRAM, *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        check=False,
        timeout=60,
    )
    os.close(theirs)
    output = os.read(ours, 4096).decode()
    os.close(ours)
    assert done.returncode == 2
    assert output.count("\n") == 1
    assert output.startswith("tputtui: no screen is possible, stderr is not a terminal: tputtui ")


def test_a_redirected_stdout_holds_no_message() -> None:
    done = subprocess.run(
        [*PROGRAM, ":1"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.parametrize(
    "argv", [["--help"], ["--version"], ["stream", "--help"], ["config", "init"]]
)
def test_output_that_cannot_be_written_is_one_line_and_exit_code_1(argv: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*PROGRAM, *argv], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == "tputtui: stdout cannot be written: no space left on device\n"


def test_help_cut_off_by_its_reader_is_exit_code_0() -> None:
    command = f"{sys.executable} -m tputtui --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")

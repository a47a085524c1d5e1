"""Terminals that go away, stall, flood or stop half-way (TS-01 to TS-11 of docs/reliability.md)."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

import pytest
from counting_server import CountingServer
from terminal_session import TPUTTUI, Session

pytestmark = [pytest.mark.pty, pytest.mark.alone]

PATIENCE_S = 15.0


def gone(pid: int) -> bool:
    """Return whether a process, not necessarily our child, has ended."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(") ")[2].startswith("Z")
    except (FileNotFoundError, ProcessLookupError):
        return True


def wait_gone(pid: int) -> None:
    end = time.monotonic() + PATIENCE_S
    while not gone(pid):
        assert time.monotonic() < end, "it goes on without a terminal"
        time.sleep(0.05)


def hang_up(session: Session) -> None:
    """Close the terminal, as a dropped connection does."""
    os.close(session.fd)
    session.fd = os.open(os.devnull, os.O_RDWR)


@pytest.mark.parametrize("keys", ["q", "\x03"], ids=["q", "ctrl+c"])
@pytest.mark.parametrize("answers", [True, False], ids=["start-up", "a target that hangs"])
def test_quitting_at_once_restores_the_terminal(keys: str, answers: bool) -> None:
    with CountingServer(answers=answers) as server, Session([TPUTTUI, server.target]) as session:
        while b"\x1b[?1049h" not in session.raw:
            session.read(0.02)
        session.send(keys)
        assert session.wait_end() == 0
        session.assert_restored()
        assert "Traceback" not in session.text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT], ids=str)
def test_a_signal_while_a_target_hangs_restores_the_terminal(number: signal.Signals) -> None:
    with CountingServer(answers=False) as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for("Saturation")
        os.kill(session.pid, number)
        assert session.wait_end() == 128 + number
        session.assert_restored()
        assert "Traceback" not in session.text()


def test_a_dropped_connection_ends_the_program_and_its_scrapes() -> None:
    with CountingServer() as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for("Throughput")
        hang_up(session)
        end = time.monotonic() + PATIENCE_S
        while session.alive() and time.monotonic() < end:
            time.sleep(0.05)
        assert session.status == 129
        asked = len(server.hits)
        time.sleep(2.5)
        assert len(server.hits) == asked


def test_without_a_signal_and_with_a_surviving_session_leader_it_still_ends() -> None:
    leader = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "back = lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"
        "child = subprocess.Popen(sys.argv[1:], preexec_fn=back)\n"
        "open('/proc/self/fd/0').close()\n"
        "print('child', child.pid, flush=True)\n"
        "child.wait()\n"
        "time.sleep(60)\n"
    )
    with (
        CountingServer() as server,
        Session([sys.executable, "-c", leader, TPUTTUI, server.target]) as session,
    ):
        pid = 0
        try:
            session.wait_for("Throughput")
            with open(f"/proc/{session.pid}/task/{session.pid}/children") as children:
                pid = int(children.read().split()[0])
            hang_up(session)
            wait_gone(pid)
            assert session.alive(), "the leader has ended: this is another case"
        finally:
            if pid and not gone(pid):
                os.kill(pid, signal.SIGKILL)


def test_while_the_terminal_is_not_read_scraping_continues_and_the_next_frame_is_correct() -> None:
    with CountingServer() as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for(r"\d+\.\d+ req/s")
        before = len(server.hits)
        for key in "T\x1b?\x1b" * 15:  # redraws, so that the output fills every buffer on the way
            session.send(key)
            time.sleep(0.2)
        asked = len(server.hits) - before
        assert asked >= 9, f"{asked} scrapes in the 12 s in which nobody read the terminal"
        gaps = [
            late - early
            for early, late in zip(server.hits[before:], server.hits[before + 1 :], strict=False)
        ]
        assert max(gaps) < 6, "a burst after a silence is not the cadence"
        session.send("\x1b")
        session.read(2.0)
        session.screen.reset()
        session.resize(119, 40)
        session.wait_for("Throughput")
        session.wait_for(r"\d+\.\d+ req/s")
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (500, 2), (500, 200)])
def test_it_starts_and_ends_at_every_size(size: tuple[int, int]) -> None:
    with CountingServer() as server, Session([TPUTTUI, server.target], size) as session:
        end = time.monotonic() + PATIENCE_S
        while len(server.hits) < 3 and time.monotonic() < end:
            session.read(0.1)
        assert session.alive()
        assert len(server.hits) >= 3
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


def test_a_suspension_is_a_gap_without_a_burst_of_scrapes() -> None:
    with CountingServer() as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for(r"\d+\.\d+ req/s")
        session.send("\x1a")
        session.read(1.0)
        stopped = len(server.hits)
        session.read(5.0)
        assert len(server.hits) == stopped, "it asked while it was stopped"
        session.screen.reset()
        os.kill(session.pid, signal.SIGCONT)
        session.read(3.0)
        assert 1 <= len(server.hits) - stopped <= 5
        session.wait_for("Throughput")
        session.send("q")
        assert session.wait_end() == 0


def test_a_flood_of_bytes_that_are_not_keys_is_survived() -> None:
    generator = random.Random(7)
    noise = bytes(generator.choice(b"\x80\x90\x9b\xc3\xe2\xf0\xfe\xff\x00") for _ in range(20_000))
    with CountingServer() as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for("Throughput")
        for piece in (
            noise,
            b"\x1b[" + b"9;" * 8000 + b"m",
            b"\x1b[<999999;999999;999999M" * 500,
            b"\x00" * 4000,
        ):
            for at in range(0, len(piece), 1000):
                session.send(piece[at : at + 1000])
                session.read(0.02)
        session.read(1.0)
        asked = len(server.hits)
        session.read(3.0)
        assert session.alive(), session.text()
        assert len(server.hits) > asked
        session.send("\x1b")
        session.read(0.5)
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


def test_a_paste_of_200_kb_into_the_filter_is_bounded() -> None:
    with CountingServer() as server, Session([TPUTTUI, server.target]) as session:
        session.wait_for(r"\d+\.\d+ req/s")
        session.send("5/")
        session.wait_for("filter")
        paste = b"\x1b[200~" + b"x" * 200_000 + b"\x1b[201~"
        for at in range(0, len(paste), 2000):
            session.send(paste[at : at + 2000])
            session.read(0.01)
        session.read(1.0)
        session.send("\x1b")
        session.read(0.5)
        session.send("\x1b")
        session.read(0.5)
        asked = len(server.hits)
        session.read(3.0)
        assert len(server.hits) > asked
        session.wait_for("Throughput")
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()

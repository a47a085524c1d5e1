"""The live screen as its user runs it, in a terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal_session import TPUTTUI, Session

from tputtui.demo.launch import Demo

pytestmark = [pytest.mark.pty, pytest.mark.alone]


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Start a demo under load; yield its target."""
    with Demo(load=150.0, seed=7) as running:
        url = running.start()[0]
        running.start_load()
        yield url


def port_of(server: subprocess.Popen[str]) -> int:
    """Return the port that a server printed as its first line."""
    assert server.stdout is not None
    with server.stdout as stdout:
        return int(stdout.readline())


def live(target: str, size: tuple[int, int] = (120, 40), **environ: str) -> Session:
    return Session([TPUTTUI, target], size, environ)


def test_it_shows_throughput_latency_and_io_wait(demo: str) -> None:
    with live(demo) as session:
        session.wait_for(r"\d+\.\d req/s")
        session.wait_for(r"p99 +\d+(\.\d)? ms")
        session.wait_for(r"io wait +\d")
        session.wait_for(r"GET +/items/\{id\} +\d")
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()
        assert "req/s" in session.text(), "a few lines stay in the scrollback"


@pytest.mark.parametrize("size", [(80, 24), (200, 60), (40, 12)])
def test_the_screen_is_readable_at_every_size(demo: str, size: tuple[int, int]) -> None:
    with live(demo, size) as session:
        session.wait_for(r"\d+(\.\d)? req/s")
        session.wait_for(r"p99 +\d")
        session.send("q")
        assert session.wait_end() == 0


def test_tputtui_without_arguments_discovers_a_demo_and_shows_it(demo: str) -> None:
    port = demo.rpartition(":")[2].partition("/")[0]
    with Session([TPUTTUI], (160, 50)) as session:
        match = session.wait_for(rf"127\.0\.0\.1:{port}|Targets ─+ \d+ targets", 30)
        if not match[0].endswith(
            port
        ):  # other services on this machine may push ours below the last row
            session.send(f"4/{port}\r")
            session.wait_for(rf"● 127\.0\.0\.1:{port} +[1-9][\d,]*(\.\d)? req/s")
            session.send("\x1b[B\r")  # the other panels show its service
        session.wait_for(rf"(?s)tputtui +127\.0\.0\.1:{port} .*[1-9][\d,]*(\.\d)? req/s")
        session.wait_for(r"io wait")
        session.send("q")
        assert session.wait_end() == 0


def test_p_grows_a_tree_under_a_strip_that_stays_live(demo: str) -> None:
    with live(demo) as session:
        session.wait_for(r"tputtui\.d\S* +(serves :\d+ +)?\d")
        session.wait_for(r"[1-9]\d*(\.\d)? req/s")
        session.send("p")
        session.wait_for(r"Profile ━+ \d+ .*service")
        session.wait_for(r"sampling .* samples of \d+ threads", 8)
        session.wait_for(r"▾ \w", 8)
        session.send("\x1b")
        session.wait_for(r"\d+\.\d of 10 s, \d+ of 1,000 samples", 8)
        before = session.text()
        session.send("\x1b[B\x1b[C")  # down, right
        session.read(0.5)
        assert session.text() != before
        strip = re.search(r"[\d.,]+ req/s", session.text())
        assert strip is not None
        session.send("q")
        session.wait_for("Saturation")
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


def test_the_keys_of_help_filter_freeze_zoom_and_theme_work(demo: str) -> None:
    with live(demo) as session:
        session.wait_for(r"[1-9]\d*(\.\d)? req/s")
        session.send("?")
        session.wait_for("back: out of a panel that has the whole screen")
        session.send("q")
        session.wait_for("Throughput")
        session.send(" ")
        session.wait_for("FROZEN")
        session.send("0")
        session.wait_for("LIVE")
        session.send("5/items")
        session.wait_for("filter")
        session.send("\r")
        session.wait_for("filter “items”")
        session.send("\x1b")
        session.read(0.5)  # Esc and 1 in one read would be Alt+1
        session.send("1z")
        session.read(1.0)
        assert "Saturation" not in session.text()
        session.send("z")
        session.wait_for("Saturation")
        session.send("T")
        session.wait_for("Themes")
        session.send("\x1b[B\r")
        session.wait_for("theme light")
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


def test_a_target_that_goes_down_shows_the_reason_and_recovers(tmp_path: Path) -> None:
    server = tmp_path / "server.py"
    server.write_text(
        "import http.server, sys\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(b'a_total 1\\n')\n"
        "    def log_message(self, *a): pass\n"
        "s = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H)\n"
        "print(s.server_port, flush=True)\n"
        "s.serve_forever()\n"
    )

    def start(port: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(server), str(port)], stdout=subprocess.PIPE, text=True
        )

    first = start(0)
    port = port_of(first)
    with live(f":{port}") as session:
        session.wait_for("● 1 target")
        first.kill()
        first.wait()
        session.wait_for("connection refused")
        session.wait_for("○ 1 target, 1 down")
        second = start(port)
        port_of(second)
        try:
            session.wait_for("● 1 target")
            session.wait_for(r"up: 127\.0\.0\.1")
        finally:
            second.kill()
            second.wait()
        session.send("q")
        assert session.wait_end() == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)], ids=str
)
def test_a_signal_leaves_the_terminal_clean(demo: str, number: signal.Signals, code: int) -> None:
    with live(demo) as session:
        session.wait_for("Throughput")
        os.kill(session.pid, number)
        assert session.wait_end() == code
        session.assert_restored()


def test_ctrl_c_quits_at_once(demo: str) -> None:
    with live(demo) as session:
        session.wait_for("Throughput")
        session.send("\x03")
        assert session.wait_end() == 0
        session.assert_restored()


def test_a_lost_terminal_ends_it_also_when_sighup_is_ignored(demo: str) -> None:
    program = f"import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv({TPUTTUI!r}, ['tputtui', {demo!r}])"
    session = Session([sys.executable, "-c", program])
    with session:
        session.wait_for("Throughput")
        os.close(session.fd)
        end = time.monotonic() + 8
        while session.alive() and time.monotonic() < end:
            time.sleep(0.05)
        assert session.status is not None, "it goes on without a terminal"
        session.fd = os.open(os.devnull, os.O_RDONLY)


def test_stopping_and_continuing_redraws_the_screen(demo: str) -> None:
    with live(demo) as session:
        session.wait_for("Throughput")
        session.send("\x1a")
        session.read(1.0)
        assert not session.modes_left_on()
        os.kill(session.pid, signal.SIGCONT)
        session.screen.reset()
        session.wait_for("Throughput")
        session.send("q")
        assert session.wait_end() == 0


def test_a_storm_of_resizes_and_a_tiny_terminal_are_survived(demo: str) -> None:
    with live(demo) as session:
        session.wait_for("Throughput")
        for columns, rows in ((20, 5), (1, 1), (200, 60), (80, 24), (39, 11)) * 4:
            session.resize(columns, rows)
            session.read(0.05)
        session.wait_for("too small")
        session.resize(120, 40)
        session.wait_for("Throughput")
        session.send("q")
        assert session.wait_end() == 0


def test_bytes_that_are_not_keys_change_nothing(demo: str) -> None:
    with live(demo) as session:
        session.wait_for("Throughput")
        session.send(b"\xff\xfe\x80\xc3\x28\x1b[999999;999999R\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x00")
        session.read(1.0)
        assert session.alive(), session.text()
        session.send("q")
        assert session.wait_end() == 0
        session.assert_restored()


def test_foreign_text_never_controls_the_terminal(tmp_path: Path) -> None:
    server = tmp_path / "evil.py"
    server.write_text(
        "import http.server\n"
        "E = '\\x1b]52;c;aGFja2Vk\\x07\\x1b[2J[/red][@click=app.quit]\\u009b31m\\u202e'\n"
        "N = 0\n"
        "class H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        global N; N += 5\n"
        '        body = (\'# TYPE http_requests_total counter\\nhttp_requests_total{route="canary%s",status="200"} %d\\n\''
        " % (E, N)).encode()\n"
        "        self.send_response(200); self.end_headers(); self.wfile.write(body)\n"
        "    def log_message(self, *a): pass\n"
        "s = http.server.HTTPServer(('127.0.0.1', 0), H)\n"
        "print(s.server_port, flush=True)\n"
        "s.serve_forever()\n"
    )
    evil = subprocess.Popen([sys.executable, str(server)], stdout=subprocess.PIPE, text=True)
    port = port_of(evil)
    try:
        with live(f":{port}") as session:
            session.wait_for("canary␛")
            assert b"\x1b]52;c;aGFja2Vk" not in session.raw
            assert b"\xc2\x9b" not in session.raw
            assert "\u202e".encode() not in session.raw
            session.send("q")
            assert session.wait_end() == 0
    finally:
        evil.kill()
        evil.wait()


@pytest.mark.parametrize(
    ("environ", "redirected"),
    [({"TERM": "dumb"}, False), ({}, True)],
    ids=["TERM is dumb", "stdin is no terminal"],
)
def test_without_a_terminal_the_message_names_stream(
    environ: dict[str, str], redirected: bool
) -> None:
    if redirected:
        done = subprocess.run(
            [TPUTTUI, ":1"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "tputtui stream" in done.stderr
        return
    with Session([TPUTTUI, ":1"], environ=environ) as session:
        assert session.wait_end() == 2
        assert "tputtui stream" in session.text().replace("\n", "")


def test_with_ascii_only_ascii_is_written(demo: str) -> None:
    with Session([TPUTTUI, "--ascii", demo]) as session:
        session.wait_for(r"\d+\.\d req/s")
        session.read(1.0)
        session.send("q")
        assert session.wait_end() == 0
        drawn = bytes(session.raw).partition(b"\x1b[?1049h")[2].partition(b"\x1b[?1049l")[0]
        assert drawn.isascii()


def test_no_color_draws_no_colour(demo: str) -> None:
    with Session([TPUTTUI, demo], environ={"NO_COLOR": "1"}) as session:
        session.wait_for(r"\d+\.\d req/s")
        session.read(1.0)
        session.send("q")
        assert session.wait_end() == 0
        codes = {
            code
            for match in re.findall(rb"\x1b\[([0-9;]*)m", bytes(session.raw))
            for code in match.split(b";")
        }
        assert codes <= {b"", b"0", b"1", b"2", b"7", b"39", b"49"}  # 39 and 49: the terminal's own

"""Every screen in every kind of terminal: it is drawn without a key, and the terminal restored."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_runs import record
from terminal_session import TPUTTUI, Session
from terminals import LINUX, MODERN, MODERN_LATE, PLAIN, TERMINALS, Terminal

from tputtui.demo.launch import Demo

pytestmark = [
    pytest.mark.slow,
    pytest.mark.pty,
    pytest.mark.xdist_group("terminals"),
]  # one demo and one run for all of them

every_terminal = pytest.mark.parametrize("terminal", TERMINALS, ids=lambda terminal: terminal.name)


@pytest.fixture(scope="module")
def demo() -> Iterator[str]:
    """Start a demo under load; yield its target."""
    with Demo(load=60.0, seed=7) as running:
        url = running.start()[0]
        running.start_load()
        yield url


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create two sampled profiles, an instrumented one, and a run."""
    folder = tmp_path_factory.mktemp("terminals")
    for name, seconds in (("before", [0.45, 0.5]), ("after", [0.45, 0.9])):
        (folder / f"{name}.json").write_text(json.dumps(profile(seconds)))
    (folder / "counted.pstats").write_bytes(counted())
    record(folder / "run.tput.gz", 30)
    return folder


def profile(seconds: list[float]) -> dict[str, object]:
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "shared": {"frames": [{"name": "main"}, {"name": "parse_body"}, {"name": "render_page"}]},
        "profiles": [
            {
                "type": "sampled",
                "name": "job",
                "unit": "seconds",
                "startValue": 0,
                "endValue": sum(seconds),
                "samples": [[0, 1], [0, 2]],
                "weights": seconds,
            }
        ],
        "activeProfileIndex": 0,
    }


def counted() -> bytes:
    import cProfile
    import marshal

    profiler = cProfile.Profile()
    profiler.runcall(json.loads, "[1, 2, 3]")
    profiler.create_stats()
    return marshal.dumps(profiler.stats)


def opened(terminal: Terminal, *arguments: str, size: tuple[int, int] = (80, 24)) -> Session:
    """Start the program in a small terminal, so that its content is on larger ones too."""
    return Session([TPUTTUI, *arguments], size if terminal.sized else (80, 24), terminal=terminal)


def assert_shown(session: Session, terminal: Terminal, *patterns: str) -> None:
    """Assert that all of it appears, and stays where the terminal replies late."""
    for pattern in patterns:
        session.wait_for(pattern, 12)
    if terminal.late_s:
        session.read(terminal.late_s + 0.3)
        for pattern in patterns:
            session.wait_for(pattern, 1)


def left(session: Session, *keys: str) -> None:
    session.press(*(keys or ("q",)))
    assert session.wait_end() == 0
    session.assert_restored()


SAVED = {
    "one profile": (("view", "before.json"), (r"100\.0 % █+ .* main", "parse_body", "render_page")),
    "two profiles": (("view", "before.json", "after.json"), ("main", "render_page", r"\+\d")),
    "a counted profile": (("view", "counted.pstats"), ("decode", "loads")),
    "a run": (
        ("replay", "run.tput.gz"),
        ("REPLAY", "Throughput", r"\d+\.\d req/s", "Latency", "Saturation"),
    ),
}
LIVE = (
    r"\A tputtui ",
    r"─ Throughput ─.*http_requests_total",
    r"\d+\.\d req/s",
    r"p99 +\d",
    "─ Saturation ─",
    "q quit",
)


@every_terminal
@pytest.mark.parametrize("what", SAVED)
def test_an_opened_view_is_drawn_without_a_key(terminal: Terminal, what: str, files: Path) -> None:
    (verb, *names), patterns = SAVED[what]
    with opened(terminal, verb, *(str(files / name) for name in names)) as session:
        assert_shown(session, terminal, *patterns)
        left(session)


@every_terminal
def test_the_live_screen_with_browser_help_themes_and_palette_is_drawn_without_a_key(
    terminal: Terminal, demo: str
) -> None:
    with opened(terminal, demo) as session:
        assert_shown(session, terminal, *LIVE)
        for key, pattern, back in (
            ("?", r"(?s)━ Keys ━.*Everywhere.*quit", "q"),
            ("i", r"(?s)━ Metrics of .*http_requests_total", "q"),
            ("T", r"(?s)━ Themes ━.* dark .*light", "\x1b"),
            (":", r"(?s)Search for commands.*filter  \(/\)", "\x1b"),
        ):
            session.press(key)
            session.wait_for(pattern, 8)
            session.press(back)
            session.wait_for(
                r"(?s)\A tputtui (?!.*(━ Themes|Search for)).*Throughput.*Saturation.* q quit\s*\Z",
                8,
            )
        left(session)


@every_terminal
def test_the_profile_pane_is_drawn_without_a_key(
    terminal: Terminal, demo: str, attaching: None
) -> None:
    with opened(terminal, demo) as session:
        assert_shown(session, terminal, *LIVE)
        session.press("p")
        session.wait_for(r"Profile ━+ \d+", 8)
        session.wait_for(r"▾ \w", 12)
        left(session, "q", "q", "q")


@every_terminal
def test_the_demo_is_drawn_without_a_key(terminal: Terminal) -> None:
    with opened(terminal, "demo", "--load", "30") as session:
        assert_shown(session, terminal, *LIVE)
        left(session)


@pytest.mark.parametrize("late_s", [0.0, 0.01, 0.04, 0.12])
def test_the_first_frame_is_complete_however_soon_the_terminal_replies(
    late_s: float, files: Path
) -> None:
    only_synchronized = Terminal("synchronized", modes={2026: 2}, late_s=late_s)
    for _ in range(3):
        with opened(only_synchronized, "view", str(files / "before.json")) as session:
            session.wait_for("parse_body", 4)
            left(session)


@pytest.mark.parametrize("terminal", [PLAIN, MODERN], ids=lambda terminal: terminal.name)
def test_output_withheld_from_a_stalled_terminal_is_drawn_once_it_reads_again(
    terminal: Terminal, files: Path
) -> None:
    arguments = ("view", str(files / "before.json"))
    with (
        opened(terminal, *arguments, size=(200, 60)) as session,
        opened(terminal, *arguments, size=(200, 60)) as other,
    ):
        for each in (session, other):
            each.wait_for("parse_body")
        for _ in range(12):  # more than all buffers on the way hold; nothing reads
            session.press("?", "q", "4", "1")
            unread(0.15)
        session.press("3")
        unread(0.5)
        other.press("3")
        for each in (session, other):
            each.wait_for(r"self▼ .*callers  function", 8)
            each.read(0.5)
        assert session.text() == other.text()
        left(session)


def unread(seconds: float) -> None:
    """Let time pass in which nothing reads the terminal."""
    time.sleep(seconds)


# --------------------------------------------------------------------------------------------- exit


@pytest.mark.parametrize("terminal", [MODERN, LINUX], ids=lambda terminal: terminal.name)
@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT], ids=str
)
def test_every_mode_is_reset_after_a_signal(
    terminal: Terminal, number: signal.Signals, files: Path
) -> None:
    with opened(terminal, "view", str(files / "before.json")) as session:
        session.wait_for("parse_body")
        os.kill(session.pid, number)
        assert session.wait_end() == 128 + number
        session.assert_restored()


@pytest.mark.parametrize("key", ["\x03", "\x11"], ids=["ctrl+c", "ctrl+q"])
def test_every_mode_is_reset_after_a_control_key(key: str, files: Path) -> None:
    with opened(MODERN, "view", str(files / "before.json")) as session:
        session.wait_for("parse_body")
        left(session, key)


def test_every_mode_is_reset_while_replies_are_under_way(files: Path) -> None:
    with opened(MODERN_LATE, "view", str(files / "before.json")) as session:
        session.wait_for("parse_body")
        left(session)


def test_every_mode_is_reset_after_an_internal_error(files: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text(
        "import sys\n"
        "from tputtui.cli import main\n"
        "from tputtui.tui.app import TputtuiApp\n"
        "def raises(self): raise RuntimeError('planted')\n"
        "TputtuiApp.show_help = raises\n"
        "sys.exit(main())\n"
    )
    python = str(Path(TPUTTUI).with_name("python"))
    with Session(
        [python, str(broken), "view", str(files / "before.json")], terminal=MODERN
    ) as session:
        session.wait_for("parse_body")
        session.press("?")
        assert session.wait_end() == 1
        session.assert_restored()
        assert "RuntimeError" in session.text()


def test_every_mode_is_reset_while_it_is_suspended_and_set_again_afterwards(files: Path) -> None:
    with opened(MODERN, "view", str(files / "before.json")) as session:
        session.wait_for("parse_body")
        session.read(0.3)
        before = session.modes_left_on()
        assert {"1016 on", "2048 on", "keyboard protocol"} <= before
        session.press("\x1a")
        session.read(1.0)
        assert not session.modes_left_on()
        session.screen.reset()
        os.kill(session.pid, signal.SIGCONT)
        session.wait_for("parse_body")
        session.read(0.3)
        assert session.modes_left_on() == before
        left(session)


@pytest.mark.parametrize("stopped", [True, False], ids=["after SIGSTOP", "it never stopped"])
def test_a_sigcont_without_a_suspension_leaves_one_reader_and_the_original_line_modes(
    stopped: bool, files: Path
) -> None:
    with opened(MODERN, "view", str(files / "before.json")) as session:
        session.wait_for("parse_body")
        if stopped:
            os.kill(session.pid, signal.SIGSTOP)
            session.read(0.3)
        threads = len(os.listdir(f"/proc/{session.pid}/task"))
        session.screen.reset()
        os.kill(session.pid, signal.SIGCONT)
        session.wait_for("parse_body")
        session.read(0.3)
        assert len(os.listdir(f"/proc/{session.pid}/task")) == threads
        session.press("?")
        session.wait_for("Everywhere")
        session.press("q")
        session.wait_for("parse_body")
        left(session)

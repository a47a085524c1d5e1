"""Key p samples a process of the shown service: keys and messages, with real services too."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import samples
from fake_source import FakeSource, create_app, frame, wait_until_stable
from textual.pilot import Pilot

from tputtui.engine.engine import Engine
from tputtui.model import ProcessReference, ProcessState, Snapshot, SocketHolder, TargetListeners
from tputtui.settings import Settings, TargetSettings
from tputtui.tui import palette, theme_files
from tputtui.tui.app import TputtuiApp
from tputtui.tui.capabilities import Capabilities
from tputtui.tui.profile.profile_screen import ProfileScreen
from tputtui.tui.profile.profile_workers import ProcessSampler, SampledProcess
from tputtui.tui.session import ScreenEnvironment
from tputtui.views.profile.option_menus import CapturePlan

SERVER = Path(__file__).resolve().parents[1] / "prefork_server.py"
BATCH = ProcessState(777, 7.0, "batch.py", "app", 800.0, 1, 1, "R", python="3.12")
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)])


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the pids of started captures; nothing is attached to."""
    begun: list[int] = []

    def start(_self: ProcessSampler, subject: SampledProcess, _plan: CapturePlan) -> None:
        begun.append(subject.identity.pid)

    monkeypatch.setattr(ProcessSampler, "start", start)
    return begun


def shown(**changes: Any) -> FakeSource:
    """Return the sample, with the machine's busiest Python process, which serves nothing."""
    return FakeSource(samples.snapshot(processes=(BATCH, *samples.PROCESSES), **changes))


async def press(app: TputtuiApp, pilot: Pilot[int], *typed: str) -> str:
    """Press some keys and return the last line."""
    await pilot.press(*typed)
    await pilot.pause(0.1)
    app.session.show_frame()
    await pilot.pause(0.1)
    return last_line(app)


def last_line(app: TputtuiApp) -> str:
    """Return the last line; empty while the screen is being replaced."""
    return "".join(frame(app).splitlines()[-1:]).strip()


@pytest.mark.parametrize(
    ("process", "pids", "status"),
    [
        (ProcessReference(777, 7.5), [777], "attaching to 777"),
        (ProcessReference(777), [777], "attaching to 777"),
        (ProcessReference(777, 60.0), [], "process 777 has ended, or may not be seen"),
    ],
)
async def test_the_process_of_the_command_line_is_sampled_and_no_other_of_its_pid(
    process: ProcessReference, pids: list[int], status: str, sampled: list[int]
) -> None:
    source = shown()
    app = create_app(source)
    app.initial_process = process
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick()
        await pilot.pause(0.1)
        app.session.show_frame()
        await pilot.pause(0.1)
        assert status in frame(app)
    assert sampled == pids


@SIZES
async def test_p_names_the_busiest_worker_and_p_again_the_next(
    size: tuple[int, int], sampled: list[int]
) -> None:
    app = create_app(shown())
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        message = await press(app, pilot, "p")
        assert message.startswith(
            "sampling 23990 gunicorn: worker, 1 of 2 workers: p again for the next"
        )
        assert isinstance(app.screen, ProfileScreen)
        message = await press(app, pilot, "p")
        assert message.startswith(
            "sampling 23991 gunicorn: worker, 2 of 2 workers: p again for the next"
        )
        await press(app, pilot, "q")
        assert not isinstance(app.screen, ProfileScreen)
        message = await press(app, pilot, "p")
        assert "23990 gunicorn: worker, 1 of 2 workers" in message, "the round begins again"
    assert sampled == [23990, 23991, 23990]


async def test_capital_p_takes_the_same_process_after_its_options(sampled: list[int]) -> None:
    app = create_app(shown())
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        message = await press(app, pilot, "P")
        assert "23990 gunicorn: worker" in frame(app)
        assert message.startswith("23990 gunicorn: worker, 1 of 2 workers")
        assert sampled == []
        await press(app, pilot, "escape")
        await press(app, pilot, "P", "enter")
    assert sampled == [23990], "what was not sampled had no turn"


async def test_a_parent_that_only_waits_is_named_where_it_fits(sampled: list[int]) -> None:
    app = create_app(shown())
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        assert "their parent 23988 only waits for them" in await press(app, pilot, "p")


@SIZES
async def test_the_cursor_of_the_focused_list_has_priority_and_others_are_ignored(
    size: tuple[int, int], sampled: list[int]
) -> None:
    app = create_app(shown())
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("6", "down")
        assert await press(app, pilot, "p") == "sampling 777 batch.py; Esc stops"
        await press(app, pilot, "q", "1")
        assert "23990 gunicorn: worker" in await press(app, pilot, "p")
    assert sampled == [777, 23990]


async def test_the_cursor_stays_on_its_row_when_the_order_changes_until_a_filter_hides_it(
    sampled: list[int],
) -> None:
    source = shown()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("6", "down", "I", "greater_than_sign")
        source.tick(processes=(*samples.PROCESSES, BATCH))
        assert "777 batch.py" in await press(app, pilot, "p")
        await press(app, pilot, "q", "slash", *"envoy", "enter")
        assert "23990 gunicorn: worker" in await press(app, pilot, "p"), (
            "no row is marked: the service's process"
        )
        await press(app, pilot, "q", "escape", "slash", *"serves", "enter")
        assert "8000" in frame(app)
        assert "batch.py" not in frame(app)
    assert sampled == [777, 23990]


async def test_a_waiting_parent_under_the_cursor_is_reported_and_p_again_chooses_the_busiest(
    sampled: list[int],
) -> None:
    app = create_app(shown())
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("6", "slash", *"23988", "enter", "down")
        message = await press(app, pilot, "p")
        assert message == "sampling 23988, which only waits for its workers: p again takes 23990"
        assert "23990 gunicorn: worker, 1 of 2 workers" in await press(app, pilot, "p")
    assert sampled == [23988, 23990]


@SIZES
@pytest.mark.parametrize(
    ("listeners", "expected"),
    [
        (
            TargetListeners("web-01", 8000, "127.0.0.1:8000", here=True, hidden_users=("root",)),
            "profile :8000",
        ),
        (TargetListeners("web-01", 8000, "10.0.0.1:8000", here=False), "is not on this machine"),
        (TargetListeners("web-01", 0, server="prom:9090"), "names no process here"),
        (
            TargetListeners(
                "web-01",
                8000,
                "127.0.0.1:8000",
                here=True,
                holders=(SocketHolder(24601, samples.NOON - 33601),),
            ),
            "24601 envoy listens on :8000 and is not Python",
        ),
    ],
)
async def test_where_no_visible_process_serves_it_the_full_reason_is_shown(
    size: tuple[int, int], listeners: TargetListeners, expected: str, sampled: list[int]
) -> None:
    source = shown(listeners=(listeners,))
    app = create_app(source)
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        await press(app, pilot, "p")
        reason = app.profile_session.choose().reason
        words_shown = " ".join(frame(app).split())
        assert expected in reason
        assert reason in words_shown
        assert sampled == []
        source.tick(listeners=samples.listeners())
        await waited(
            app, pilot, "p", "23990 gunicorn: worker, 1 of 2 workers"
        )  # now that it is visible
    assert sampled == [23990]


def host_only() -> Snapshot:
    return samples.snapshot(
        services=(),
        targets=(),
        listeners=(),
        processes=(samples.PROCESSES[2], BATCH, *samples.PROCESSES[3:5]),
    )


async def ready(app: TputtuiApp, pilot: Pilot[int]) -> None:
    for _ in range(100):
        await pilot.pause(0.05)
        if (
            app.session.latest is not None
            and app.session.latest.processes is not None
            and "batch.py" in frame(app)
        ):
            return
    raise AssertionError("no processes are shown")


@SIZES
async def test_without_a_service_the_process_is_named_before_anything_attaches(
    size: tuple[int, int], sampled: list[int]
) -> None:
    app = create_app(FakeSource(host_only()))
    app.session.settings = replace(app.session.settings, targets=())
    async with app.run_test(size=size) as pilot:
        await ready(app, pilot)
        message = await press(app, pilot, "p")
        assert message == "no service is shown: p samples 777 batch.py; the arrows choose another"
        assert sampled == []
        assert "p profiles 777" in frame(app)
        await pilot.press("1")  # the list no longer has the focus
        assert "777 batch.py" in await press(app, pilot, "p")
    assert sampled == [777]


async def test_p_before_the_first_lookup_waits_for_it(sampled: list[int]) -> None:
    source = shown(listeners=None)
    app = create_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        assert await press(app, pilot, "p") == "looking for the process that serves it"
        assert sampled == []
        source.tick(listeners=samples.listeners())
        await pilot.pause(0.3)
        app.session.show_frame()
        await pilot.pause(0.1)
        assert "23990 gunicorn: worker, 1 of 2 workers" in frame(app)
    assert sampled == [23990]


@SIZES
async def test_rows_are_marked_by_what_they_serve(size: tuple[int, int]) -> None:
    app = create_app(shown())
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("6")
        rows = (await wait_until_stable(app, pilot)).splitlines()
        assert sum("serves :8000" in row for row in rows) == 2
        assert not any("serves" in row for row in rows if "batch.py" in row or "envoy" in row)


# ------------------------------------------------------------------------------------ real services


@contextlib.contextmanager
def service(workers: int, busy: int) -> Iterator[dict[str, Any]]:
    command = [sys.executable, str(SERVER), str(workers), str(busy)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        yield json.loads(child.stdout.readline())
        assert child.stdin is not None
        child.stdin.close()


@pytest.mark.skipif(sys.platform != "linux", reason="sockets and processes are read from /proc")
async def test_of_two_real_services_the_shown_one_is_sampled_and_not_the_busier_one(
    sampled: list[int], tmp_path: Path
) -> None:
    with service(3, 0) as quiet, service(0, 1) as busy:
        settings = Settings(
            targets=tuple(
                TargetSettings(url=f"http://127.0.0.1:{item['port']}/metrics")
                for item in (quiet, busy)
            )
        )
        themes = tuple(theme_files.theme_folders())
        engine = Engine(settings)
        app = TputtuiApp(
            settings,
            Capabilities.of_live(engine),
            palette.load_palette("dark", themes),
            ScreenEnvironment("vm", 0.0, tmp_path, themes),
        )
        async with app.run_test(size=(120, 40)) as pilot:
            await wait_until_stable(app, pilot)
            message = [
                await waited(app, pilot, "p", f"{place} of 3 workers: p again for the next")
                for place in (1, 2, 3)
            ]
            assert sorted(sampled) == sorted(quiet["workers"])
            assert all(
                f"sampling {pid} prefork_server.py" in expected
                for pid, expected in zip(sampled, message, strict=True)
            )
            await press(app, pilot, "q", "4", "down", "down")
            await waited(app, pilot, "p", f"sampling {busy['parent']} prefork_server.py")
            rows = [row for row in frame(app).splitlines() if "serves" in row]
        engine.stop()
    assert sampled[3:] == [busy["parent"]]
    assert rows == [], "the profile's screen has no process table"


async def waited(app: TputtuiApp, pilot: Pilot[int], key: str, expected: str) -> str:
    """Return the last line once it contains the text: the lookup of processes may take a while."""
    await pilot.press(key)
    for _ in range(200):
        await pilot.pause(0.05)
        last = last_line(app)
        if expected in last:
            return last
    raise AssertionError(f"{expected!r} is not in {last!r}")

"""Keys R, m, M and b on the live screen: recordings, marks and a baseline."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_source import FakeSource, create_app, frame, wait_until_stable
from test_profile_screen import profile as sampled
from test_replay_screen import until

from tputtui.model import Event, Reading
from tputtui.profiling.files import file_formats
from tputtui.recording.reader import Run
from tputtui.recording.recorder import Recorder
from tputtui.recording.records import Mark
from tputtui.signals.rates import history_keys
from tputtui.stats.confidence_sequence import SequenceResult
from tputtui.tui.app import TputtuiApp
from tputtui.views.live.latency_panel import latency_panel
from tputtui.views.live.routes_table import routes_panel
from tputtui.views.live.saturation_panel import saturation_panel
from tputtui.views.live.throughput_panel import throughput_panel
from tputtui.views.shared.comparison_base import (
    Baseline,
    BaselineFigure,
    difference_spans,
    figure_from_windows,
    snapshot_figures,
)
from tputtui.views.shared.styled_text import TextSpan, level_row_index, line_text, with_level


class RecordedSource(FakeSource):
    """Source that hands readings to the recorder as an engine does."""

    def __init__(self) -> None:
        super().__init__()
        self.recorder: Recorder | None = None
        self.noted: list[Event] = []

    def start_recording(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def stop_recording(self) -> Recorder | None:
        recorder, self.recorder = self.recorder, None
        return recorder

    def log_event(self, event: Event) -> None:
        self.noted.append(event)

    def tick(self, seconds: float = 1.0, **changes: Any) -> None:
        super().tick(seconds, **changes)
        if getattr(self, "recorder", None) is not None:
            assert self.recorder is not None
            self.recorder.record_reading(
                Reading(self.snapshot.at, self.snapshot.time, ()), self.snapshot, ()
            )


def create_recording_app(tmp_path: Path, source: FakeSource, **settings: Any) -> TputtuiApp:
    app = create_app(source, **settings)
    app.session.environment = type(app.session.environment)(
        "web-01", 0.0, tmp_path / "state", app.session.environment.theme_folders
    )
    return app


async def begun(pilot: Any, source: RecordedSource) -> None:
    await pilot.press("R")
    for _ in range(100):
        if source.recorder is not None:
            return
        await pilot.pause(0.05)
    raise AssertionError("it does not begin")


async def test_r_records_and_r_again_saves_a_run_that_can_be_read(tmp_path: Path) -> None:
    source = RecordedSource()
    app = create_recording_app(tmp_path, source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await begun(pilot, source)
        for _ in range(3):
            source.tick()
        await pilot.pause(0.3)
        assert "● 2 s" in frame(app).splitlines()[0]
        await pilot.press("R")
        await until(pilot, app, "recorded 2 s")
        assert "●  2 s" not in frame(app).splitlines()[0]
    (path,) = (tmp_path / "state" / "runs").iterdir()
    assert app.session.saved_paths == [str(path)]
    assert path.stat().st_mode & 0o777 == 0o600
    with Run(path) as run:
        assert len(list(run.ticks())) == 3
        assert run.end_description == ""


async def test_the_folder_and_the_file_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        source = RecordedSource()
        app = create_recording_app(tmp_path, source)
        async with app.run_test(size=(120, 40)) as pilot:
            await begun(pilot, source)
            source.tick()
            folder = tmp_path / "state" / "runs"
            (path,) = folder.iterdir()
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        app.recording_commands.close()
    finally:
        os.umask(before)


async def test_q_asks_once_while_recording_and_the_run_is_saved_at_the_end(tmp_path: Path) -> None:
    source = RecordedSource()
    app = create_recording_app(tmp_path, source)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        await begun(pilot, source)
        source.tick()
        await pilot.press("q")
        await until(pilot, app, "q again saves the run and quits")
        assert app.is_running
        await pilot.press("q")
    assert app.return_code == 0
    await asyncio.to_thread(app.recording_commands.close)
    assert len(app.session.saved_paths) == 1
    with Run(app.session.saved_paths[0]) as run:
        assert len(list(run.ticks())) == 1


async def test_a_disk_that_fails_ends_the_recording_and_not_the_screen(tmp_path: Path) -> None:
    source = RecordedSource()
    app = create_recording_app(tmp_path, source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await begun(pilot, source)
        source.tick()
        assert source.recorder is not None
        source.recorder._writer.problem = "the disk is full"
        await until(pilot, app, "the recording stopped: the disk is full")
        assert app.is_running
        assert not app.recording_commands.is_running
    assert any("the disk is full" in event.text for event in source.noted)


async def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    app = create_recording_app(tmp_path, RecordedSource())
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("R")
        await until(pilot, app, "nothing is recorded")
        assert not app.recording_commands.is_running


async def test_read_only_records_nothing(tmp_path: Path) -> None:
    app = create_recording_app(tmp_path, RecordedSource(), read_only=True)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await pilot.press("R")
        await until(pilot, app, "read-only: no file is written")
    assert not (tmp_path / "state").exists()


async def test_a_recording_without_a_reading_leaves_no_file(tmp_path: Path) -> None:
    source = RecordedSource()
    app = create_recording_app(tmp_path, source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        await begun(pilot, source)
        await pilot.press("R")
        await until(pilot, app, "nothing was read")
    assert list((tmp_path / "state" / "runs").iterdir()) == []
    assert app.session.saved_paths == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_mark_is_on_the_time_axis_and_in_the_list(size: tuple[int, int]) -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=size) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(30.0)
        before = frame(app)
        await pilot.press("m", *"[red]up", "enter")
        await until(pilot, app, "marked: [red]up")
        (text, moment), *_ = source.calls_of("add_mark")
        assert text == "[red]up"
        app.session.marks[0] = type(app.session.marks[0])(moment, source.snapshot.at - 20.0, text)
        app.session.show_frame()
        marked = await wait_until_stable(app, pilot)
        assert marked != before
        await pilot.press("M")
        await until(pilot, app, "Enter goes there")
        assert "[red]up" in frame(app)
        await pilot.press("enter")
        await until(pilot, app, "PAST -20 s")
        await pilot.press("0", "at", *"[red]up", "enter")
        await until(pilot, app, "PAST -20 s")


async def test_b_compares_figures_with_the_window_and_capital_b_clears_it() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        assert "since start" in await wait_until_stable(app, pilot)
        await pilot.press("b")
        picture = await until(pilot, app, " vs ")
        assert "since start" not in picture
        await pilot.press("B")
        assert "since start" in await until(pilot, app, "no baseline")
        await pilot.press("B")
        await until(pilot, app, "there is no baseline")


async def test_two_marks_make_a_span_the_baseline() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await wait_until_stable(app, pilot)
        source.tick(60.0)
        for at, text in ((-50.0, "calm"), (-12.0, "deploy")):
            app.session.marks.append(Mark(source.snapshot.time + at, source.snapshot.at + at, text))
        await pilot.press("M")
        await until(pilot, app, "Enter goes there")
        await pilot.press("b")
        await until(pilot, app, "b at its other end")
        await pilot.press("up", "b")
        assert "vs calm..deploy" in await until(pilot, app, "baseline calm..deploy, 30 s")
        baseline = app.session.view_state.baseline
        assert baseline is not None
        assert baseline.since == source.snapshot.at - 12.0
        await pilot.press("B", "M", "b", "b")
        await until(pilot, app, "that is one mark twice")
        assert app.session.view_state.baseline is None


def test_a_change_is_coloured_only_once_confirmed_and_by_the_better_direction() -> None:
    figure = BaselineFigure(100.0, 1.0, 1.0, "req/s")
    assert difference_spans(figure, 90.0)[0].role == "plain"
    assert difference_spans(BaselineFigure(100.0), 90.0)[0].role == "dim"
    sure = SequenceResult(-10.0, 2.0, is_confirmed=True)
    assert line_text(tuple(difference_spans(figure, 95.0, sure, 1))) == "▼ 10 % ± 2.0"
    assert [difference_spans(figure, 95.0, sure, better)[0].role for better in (1, -1, 0)] == [
        "bad",
        "ok",
        "plain",
    ]
    unsure = difference_spans(figure, 95.0, SequenceResult(-10.0, 2.0, is_confirmed=False), 1)
    assert unsure == [TextSpan("no clear difference", "dim")]


def test_ratios_differ_by_points_and_different_units_are_not_compared() -> None:
    ratio = BaselineFigure(0.0, unit="ratio")
    assert (
        line_text(
            tuple(difference_spans(ratio, 0.05, SequenceResult(0.04, 0.01, is_confirmed=True), -1))
        )
        == "▲ 4.0 pp ± 1.0"
    )
    assert difference_text(BaselineFigure(5.0, unit="By/s"), 5.0) == "= 0 %"
    assert (
        line_text(tuple(difference_spans(BaselineFigure(5.0, unit="By/s"), 5.0, unit="req/s")))
        == "was in By/s"
    )


async def test_two_minutes_after_b_the_change_is_evaluated_and_a_fall_is_red() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        at, name = source.snapshot.at, history_keys.traffic("checkout")
        app.session.view_state = replace(
            app.session.view_state,
            baseline=Baseline("vs then", {name: BaselineFigure(1e5, 10.0, 10.0, "req/s")}, at),
        )
        assert app.baseline_commands.evaluate([name]) == {name: None}
        source.tick(60.0)
        await wait_until_stable(app, pilot)
        assert app.baseline_commands.evaluate([name, "another"]) == {name: None}
        source.tick(120.0)
        await until(pilot, app, "▼")
        judged = app.baseline_commands.evaluate([name])[name]
        assert judged is not None
        assert judged.is_confirmed
        assert judged is app.baseline_commands.evaluate([name])[name], (
            "the estimate is repeated only when a row was filled"
        )
        current = app.session.current_frame()
        assert current is not None
        assert current.baseline_difference(name, 1284.0, 1)[0].role == "bad"
        assert "not in it" in frame(app), "of latency the baseline holds nothing"


@pytest.mark.parametrize(
    ("level", "row"), [(0.0, 3), (24.9, 3), (25.0, 2), (99.0, 0), (100.0, 0), (900.0, 0)]
)
def test_the_level_of_a_baseline_is_drawn_behind_the_chart(level: float, row: int) -> None:
    assert level_row_index(level, 100.0, 4) == row
    assert level_row_index(level, 100.0, 1) is None
    line = with_level("  ▄█ ", has_level=True)
    assert [(span.text, span.role) for span in line] == [
        ("──", "faint"),
        ("▄█", "data"),
        ("─", "faint"),
    ]
    assert line_text(with_level("  ▄█ ", has_level=False)) == "  ▄█ "


def difference_text(figure: BaselineFigure | None, now: float | None) -> str:
    return line_text(tuple(difference_spans(figure, now)))


@pytest.mark.parametrize(
    ("figure", "now", "text"),
    [
        (BaselineFigure(100.0), 103.1, "▲ 3.1 %"),
        (BaselineFigure(100.0), 80.0, "▼ 20 %"),
        (BaselineFigure(100.0), 100.0, "= 0 %"),
        (BaselineFigure(100.0), 100.001, "= 0.00 %"),
        (BaselineFigure(100.0, 1.2), 103.1, "▲ 3.1 % ± 1.2"),
        (BaselineFigure(100.0, 5.0), 103.1, "no clear difference"),
        (BaselineFigure(0.0), 3.0, "was 0"),
        (BaselineFigure(100.0), None, ""),
        (None, 3.0, ""),
    ],
)
def test_a_difference_is_claimed_only_beyond_chance(
    figure: BaselineFigure | None, now: float | None, text: str
) -> None:
    assert difference_text(figure, now) == text


@pytest.mark.parametrize(
    ("windows", "known"),
    [([100.0] * 8, False), ([100.0] * 9, True), ([None] * 20, False), ([], False)],
)
def test_random_variation_is_estimated_from_five_separate_windows(
    windows: Sequence[float | None], known: bool
) -> None:
    figure = figure_from_windows(100.0, windows)
    assert figure is not None
    assert (figure.window_margin is not None) == known


def test_windows_that_vary_more_need_a_larger_difference() -> None:
    calm = figure_from_windows(100.0, [100.0, 0, 101.0, 0, 99.0, 0, 100.0, 0, 101.0])
    wild = figure_from_windows(100.0, [100.0, 0, 150.0, 0, 50.0, 0, 100.0, 0, 150.0])
    assert calm is not None
    assert wild is not None
    assert calm.window_margin is not None
    assert wild.window_margin is not None
    assert wild.window_margin > 10 * calm.window_margin
    assert figure_from_windows(None, []) is None


async def test_a_profile_captured_meanwhile_is_in_the_run_and_a_mark_on_every_axis(
    tmp_path: Path,
) -> None:
    source = RecordedSource()
    app = create_recording_app(tmp_path, source)
    profile = sampled()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        before = frame(app)
        captured = replace(
            profile, metadata=replace(profile.metadata, time=time.time() - 20, pid=7, name="serve")
        )
        app.profile_session.on_saved(*app.profile_session.library.save_profile(captured))
        assert source.calls_of("record_profile") == [], "nothing is recorded yet"
        await begun(pilot, source)
        app.profile_session.on_saved(*app.profile_session.library.save_profile(captured))
        ((at, pid, command, document, hottest),) = source.calls_of("record_profile")
        assert (at, pid, command) == (captured.metadata.time, 7, "serve")
        assert hottest.endswith(" %")
        assert file_formats.parse(document, "").duration_s == profile.duration_s
        # The sample's clock is not the machine's: the marks are moved to its time.
        app.session.profile_times[:] = [source.snapshot.at - 20]
        app.session.show_frame()
        await pilot.pause(0.2)
        assert "p" in _axis(frame(app))
        assert "p" not in _axis(before)


def _axis(shown: str) -> str:
    return next(line for line in shown.splitlines() if "└" in line)


async def test_the_baseline_is_beside_every_figure_and_dimmed_behind_the_line() -> None:
    source = FakeSource()
    app = create_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        held = snapshot_figures(source.snapshot)
        figures = {
            name: BaselineFigure(value / 2, unit=unit) for name, (value, unit) in held.items()
        }
        app.session.update_view(baseline=Baseline("vs [red]half", figures))
        picture = await until(pilot, app, "vs [red]half")
        current = app.session.current_frame()
        assert current is not None
        for view in (
            throughput_panel(current, 80, 8),
            latency_panel(current, 80, 8),
            saturation_panel(current, 120, 8),
            routes_panel(current, 100, 8),
        ):
            assert any("▲" in line_text(line) for line in view.lines), view
        faint = [
            span.text
            for line in throughput_panel(current, 80, 8).lines
            for span in line
            if span.role == "faint"
        ]
        assert "─" in "".join(faint)
        assert "▲ 100 %" in picture
        cpu = next(
            line_text(line)
            for line in saturation_panel(current, 120, 8).lines
            if " cpu " in line_text(line)
        )
        assert "pp" in cpu
        source.tick(1.0, services=())
        await pilot.pause(0.1)
        assert app.is_running, "a service that has gone has no difference"

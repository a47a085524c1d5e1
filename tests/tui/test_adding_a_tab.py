"""Adding a tab to the profile pane takes its own code and one entry in the list `tabs.TABS`."""

from __future__ import annotations

import pytest
from fake_source import create_app, frame
from pane_checks import assert_fills_area
from textual.message import Message
from textual.pilot import Pilot

from tputtui import text
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.analysis.waits import is_waiting
from tputtui.profiling.files.library import LibraryEntry, ProfileLibrary
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import (
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
)
from tputtui.settings.state_paths import state_folder
from tputtui.tui.app import TputtuiApp
from tputtui.tui.dialogs.help_screen import help_lines
from tputtui.tui.profile.profile_commands import OpenedProfile
from tputtui.tui.profile.profile_screen import ProfileScreen
from tputtui.tui.profile.profile_workers import ProcessSampler
from tputtui.views.profile import tabs
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_header import SamplingStatus
from tputtui.views.profile.profile_pane import ProfilePane, render_pane
from tputtui.views.profile.profile_tab import ProfileTab, TabBody, TabSpec
from tputtui.views.profile.profile_view import ProfileView
from tputtui.views.shared.styled_text import LineBuilder, line_text

HOSTILE_NAME = "\x1b]52;c;x\x07[/red][@click=app.quit]\u202e漢字" + "z" * 10_000

# ---------------------------------------------------- the tab: all that a tab's own module contains

derived_for: list[Profile] = []


def files_by_samples(analysis: ProfileAnalysis) -> list[tuple[str, float]]:
    """Derive the files with the samples that end in them: those of code that runs come first."""
    derived_for.append(analysis.profile)
    stacks, weights, running = analysis.all_stacks, dict[str, float](), dict[str, float]()
    for stack, weight in zip(stacks.stacks, stacks.wall, strict=True):
        func = stacks.frames.frame_func(stack[-1]) if stack else None
        file = func.file if func is not None else ""
        weights[file] = weights.get(file, 0.0) + weight
        if func is not None and not is_waiting(func):
            running[file] = running.get(file, 0.0) + weight
    return sorted(weights.items(), key=lambda item: (-running.get(item[0], 0.0), -item[1]))


class FilesTab(ProfileTab):
    """Table of the files in which samples end."""

    def __init__(self, analysis: ProfileAnalysis) -> None:
        self._cursor = 0
        self.refresh(analysis)

    def refresh(self, analysis: ProfileAnalysis) -> None:
        self._rows = analysis.derive_unfiltered(files_by_samples)

    def render(self, width: int, height: int, source: SourceText | None) -> TabBody:
        del height, source
        lines = [LineBuilder(width).at(1, "samples end in these files", "dim").line()]
        for file, weight in self._rows:
            name = text.truncate(file or "built-in", max(1, width - 12))
            lines.append(LineBuilder(width).ending_at(9, f"{weight:.0f}").at(10, name).line())
        return TabBody(lines, 1 + self._cursor, (None, *range(len(self._rows))))

    def move(self, rows: int) -> None:
        self._cursor = max(0, min(len(self._rows) - 1, self._cursor + rows))

    def hottest(self) -> str:
        self._cursor = 0
        return f"the file with most samples: {self._rows[0][0]}" if self._rows else ""


TAB = TabSpec(
    name="added",
    title="Added tab",
    short_title="added",
    help="files in which samples end",
    create=FilesTab,
    prepare=(files_by_samples,),
)

# -------------------------------------------------------------------------------------------- tests


@pytest.fixture(autouse=True)
def added_tab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabs, "TABS", (*tabs.TABS, TAB))
    derived_for.clear()


def profile(name: str = "compute", slices: int = 6) -> Profile:
    frames = FrameTable()
    root = frames.add_frame("main", "/srv/app/main.py", 1)
    stack = (root, frames.add_frame(name, f"/srv/app/{name}.py", 7))
    thread, worker = ProfileThread(1, 1, "MainThread"), ProfileThread(1, 2, "worker")
    wait = (root, frames.add_frame("Condition.wait", "/usr/lib/python3.12/threading.py", 331))
    running: dict[tuple[int, ...], float] = {stack: 90.0, (root,): 10.0}
    waiting: dict[tuple[int, ...], float] = {wait: 100.0}
    wall = {thread: running, worker: waiting}
    part = ProfileSlice(wall, {}, 100.0, 0.0, 1.0)
    metadata = ProfileMetadata(source="py-spy", label="1 app", pid=1, rate_hz=100.0, time=1000.0)
    return Profile(frames, (part,) * slices, metadata)


async def press(app: TputtuiApp, pilot: Pilot[int], *keys: str) -> str:
    await pilot.press(*keys)
    await pilot.pause(0.1)
    app.session.show_frame()
    await pilot.pause(0.1)
    return frame(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_its_number_key_and_Tab_open_an_added_tab(size: tuple[int, int]) -> None:  # noqa: N802 - the key
    app = create_app()
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    number = str(len(tabs.TABS))
    async with app.run_test(size=size) as pilot:
        shown = await press(app, pilot, number)
        assert "samples end in these files" in shown
        assert "540 /srv/app/compute.py" in shown
        assert f"{number} {TAB.title if size[0] >= 100 else TAB.short_title}" in shown
        footer = shown.splitlines()[-1].split()
        assert "Enter" not in footer  # it opens nothing
        assert "/" not in footer  # and searches nothing
        assert "nothing opens here" in await press(app, pilot, "enter")
        assert "most samples: /srv/app/compute.py" in await press(app, pilot, "asterisk")
        assert f"views are 1 to {number}" in await press(app, pilot, "9")
        assert "samples end in these files" not in await press(app, pilot, "tab")
        assert "samples end in these files" in await press(app, pilot, "shift+tab")


async def test_keys_that_an_added_tab_does_not_handle_say_so() -> None:
    app = create_app()
    app.show_alone(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(app, pilot, str(len(tabs.TABS)))
        assert "sorting is for the hot functions: 3" in await press(app, pilot, "less_than_sign")
        assert "chains are folded in the call tree: 1" in await press(app, pilot, "u")
        assert "no function under the cursor" in await press(app, pilot, "y")
        searched = await press(app, pilot, "slash", "m", "enter")
        searchable = [str(at) for at, spec in enumerate(tabs.TABS, 1) if spec.is_searchable]
        assert f"functions are searched in the views {', '.join(searchable)}" in searched


def test_the_help_names_an_added_tab_with_its_key() -> None:
    shown = [line_text(line) for line in help_lines(120, {})]
    number = len(tabs.TABS)
    assert f"1-{number}" in " ".join(" ".join(shown).split())
    assert f"{number} files in which samples end" in " ".join(" ".join(shown).split())


@pytest.mark.parametrize("size", [(20, 6), (80, 20), (120, 36), (200, 56)])
def test_an_added_tab_fills_the_pane_and_hostile_names_stay_text(size: tuple[int, int]) -> None:
    for shown_profile in (profile(), profile(HOSTILE_NAME), profile(slices=0)):
        view = ProfileView()
        view.update(ProfileAnalysis(shown_profile))
        view.show_tab(TAB.name)
        sampling = SamplingStatus(1, "app", is_done=True)
        content = ProfilePane(sampling, view.analysis, TAB.name, view.current_tab)
        assert_fills_area(render_pane(content, *size).view.lines, *size)


def test_the_data_of_an_added_tab_is_derived_in_advance_and_once_for_all_filters() -> None:
    def ignore(*_: LibraryEntry | Message | str) -> None:
        """Accept a message or a saved profile: this test starts no capture."""

    library = ProfileLibrary(state_folder() / "profiles")
    shown_profile = profile()
    analysis = ProcessSampler(ignore, library, CategoryTable(), ignore).analyze(shown_profile)
    assert derived_for == [shown_profile]
    view = ProfileView()
    view.update(analysis)
    view.show_tab(TAB.name)
    view.toggle_lines()
    assert isinstance(view.current_tab, FilesTab)
    assert derived_for == [shown_profile]

"""Tabs of the profile view over small profiles: content, keys and messages. No screen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import samples
from pane_checks import assert_fills_area

from tputtui.model import ProcessReference, SaturationState, SocketHolder, TargetListeners
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import (
    WAITING_IN_C,
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)
from tputtui.recording.embedded_profiles import describe_top_function
from tputtui.signals.service.serving_processes import find_service
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_header import (
    SamplingStatus,
    capture_summary,
    queue_evidence,
    state_line,
    strip_line,
)
from tputtui.views.profile.profile_pane import ProfilePane, render_pane
from tputtui.views.profile.profile_tab import format_points
from tputtui.views.profile.profile_view import ProfileView
from tputtui.views.profile.tabs import TABS
from tputtui.views.profile.tree_tab import TreeTab
from tputtui.views.shared.frame import Frame, ViewState
from tputtui.views.shared.styled_text import line_text

LIB = "/usr/lib/python3.12/threading.py"
MAIN, WORKER = ProfileThread(1, 1, "MainThread"), ProfileThread(1, 2, "worker")
EVIL = "\x1b]52;c;x\x07[/red][@click=app.quit]\u202e漢字" + "z" * 10_000


def profile(slices: int = 6, name: str = "compute", extra: float = 0.0) -> Profile:
    frames = FrameTable()

    def stack(*calls: tuple[str, str, int]) -> Stack:
        return tuple(frames.add_frame(*word) for word in calls)

    root = ("main", "/srv/app/main.py", 1)
    run = stack(root, ("handle", "/srv/app/main.py", 20), (name, "/srv/app/rank.py", 7))
    wait = stack(
        root,
        ("take", "/srv/app/main.py", 30),
        ("Event.wait", LIB, 600),
        ("Condition.wait", LIB, 331),
    )
    part = ProfileSlice(
        {MAIN: {run: 30.0 + extra, wait: 70.0}, WORKER: {wait: 100.0}},
        {MAIN: {run: 28.0}},
        100.0,
        100.0,
        1.0,
    )
    return Profile(
        frames,
        (part,) * slices,
        ProfileMetadata(source="py-spy", label="1 app", pid=1, rate_hz=100.0),
    )


def profile_view(captured: Profile | None = None) -> ProfileView:
    out = ProfileView()
    out.update(ProfileAnalysis(captured or profile()))
    return out


def drawn(
    shown: ProfileView, width: int = 120, height: int = 36, source: SourceText | None = None
) -> str:
    state_ = SamplingStatus(1, "app", 10.0, 10.0, is_attached=True, is_done=True)
    view = render_pane(
        ProfilePane(
            state_,
            shown.analysis,
            shown.tab_name,
            shown.current_tab,
            source,
            shown.search_status,
            shown.breadcrumbs,
        ),
        width,
        height,
    )
    return "\n".join(line_text(line).rstrip() for line in view.view.lines)


@pytest.mark.parametrize("tab", [spec.name for spec in TABS])
@pytest.mark.parametrize("size", [(20, 6), (80, 20), (120, 36), (200, 56)])
def test_every_tab_fills_its_area_without_control_characters(
    tab: str, size: tuple[int, int]
) -> None:
    for captured in (profile(), profile(name=EVIL), profile(0)):
        shown = profile_view(captured)
        shown.show_tab(tab)
        view = render_pane(
            ProfilePane(
                SamplingStatus(1, "app", is_done=True), shown.analysis, tab, shown.current_tab
            ),
            *size,
        ).view
        assert_fills_area(view.lines, *size)


def test_shares_name_their_total() -> None:
    shown = profile_view()
    assert "of 2 threads × 6.0 s, waits too" in drawn(shown)
    shown.next_metric()
    assert "of what ran in 2 threads × 6.0 s" in drawn(shown)
    shown.next_metric()
    assert "of 6.0 s" in drawn(shown)
    assert "waits too" not in drawn(shown)


def test_the_cursor_starts_on_running_code_and_not_on_the_longest_wait() -> None:
    shown = profile_view()
    assert shown.current_tab is not None
    chosen = shown.current_tab.selected_function()
    assert chosen is not None
    assert (chosen.func.name, round(chosen.total, 3)) == ("compute", 0.15)
    assert shown.hottest() == "hottest function (running): compute, 15.0 %"


@pytest.mark.parametrize("tab", [spec.name for spec in TABS])
def test_in_every_tab_the_hottest_item_is_code_that_runs_not_the_longest_wait(tab: str) -> None:
    shown = profile_view()
    shown.hottest()
    shown.show_tab(tab)
    message = shown.hottest()
    assert message
    for waiting in ("Event.wait", "Condition.wait", "threading", WORKER.name):
        assert waiting not in message
    assert shown.current_tab is not None
    chosen = shown.current_tab.selected_function()
    assert chosen is None or chosen.func.name == "compute"


def test_keys_of_the_footer_follow_from_the_methods_of_a_tab() -> None:
    labels = {spec.name: (spec.enter_label, spec.is_searchable) for spec in TABS}
    assert labels["tree"] == labels["callers"] == labels["hot"] == labels["flame"] == ("open", True)
    assert labels["threads"] == ("choose", False)
    assert labels["source"] == ("", False)


def test_without_running_code_the_longest_wait_is_named_as_a_wait() -> None:
    captured = profile()
    idle = replace(
        captured,
        slices=tuple(
            replace(part, wall={WORKER: part.wall[WORKER]}, gil={}) for part in captured.slices
        ),
    )
    shown = profile_view(idle)
    assert shown.hottest().startswith("no function runs; longest wait: ")


def test_focus_enters_a_function_and_backspace_leaves_it() -> None:
    shown = profile_view()
    assert shown.focus() == ""
    assert "in compute" in drawn(shown)
    assert "take" not in drawn(shown)
    assert shown.back() == ""
    assert "take" in drawn(shown)
    assert shown.back() == "nothing to go back from"


def test_a_folded_chain_is_named_after_the_function_with_its_time() -> None:
    shown = profile_view()
    assert isinstance(shown.current_tab, TreeTab)
    row = next(
        line
        for line in drawn(shown).splitlines()
        if "handle › compute (2)" in line or "compute (2)" in line
    )
    assert "rank.py:7" in row
    assert shown.hottest() == "hottest function (running): compute, 15.0 %"
    chosen = shown.current_tab.selected_function()
    assert chosen is not None
    assert (chosen.func.name, chosen.func.file, chosen.line) == ("compute", "/srv/app/rank.py", 7)
    drawn_row = next(row for row in shown.current_tab.rows.rows(0, 100) if row.name == "handle")
    assert (chosen.total, chosen.self_) == (drawn_row.total, drawn_row.self_) == (0.15, 0.15)
    shown.show_tab("source")
    assert shown.file == "/srv/app/rank.py"


def test_a_chain_of_callers_is_named_after_the_leaf_function() -> None:
    shown = profile_view()
    shown.show_tab("callers")
    assert shown.hottest() == "hottest function (running): compute, 15.0 %"
    chosen = shown.current_tab.selected_function() if shown.current_tab is not None else None
    assert chosen is not None
    assert (chosen.func.name, chosen.self_) == ("compute", 0.15)


def test_a_search_goes_beyond_a_chain_that_holds_several_matches() -> None:
    shown = profile_view()
    assert isinstance(shown.current_tab, TreeTab)
    places: list[int] = []
    for _ in range(3):
        shown.search("srv/app") if not places else shown.go_to_match(1)
        places.append(
            shown.current_tab.rows.node_at(
                shown.current_tab.rows.row_index(
                    shown.current_tab.rows.func_node_at(shown.current_tab._cursor)
                )
                or 0
            )
        )
    assert len(set(places)) == 3


def test_my_code_only_keeps_of_a_library_the_called_function() -> None:
    shown = profile_view()
    shown.show_tab("hot")
    shown.show_tab("tree")
    assert "Condition.wait" in drawn(shown)
    assert "my code only" in shown.toggle_own_code()
    assert "Event.wait" in drawn(shown)
    assert "Condition.wait" not in drawn(shown)


def test_my_code_only_lists_my_functions_and_what_they_called() -> None:
    shown = profile_view()
    shown.show_tab("hot")
    assert "Condition.wait" in drawn(shown)
    shown.toggle_own_code()
    page = drawn(shown)
    assert "Event.wait" in page
    assert "Condition.wait" not in page
    assert shown.analysis is not None
    assert sum(row.self_ for row in shown.analysis.hot_functions) == pytest.approx(1.0), (
        "no sample is lost"
    )


def test_of_functions_that_all_wait_none_is_running() -> None:
    captured = profile()
    idle = replace(
        captured,
        slices=tuple(
            replace(part, wall={WORKER: part.wall[WORKER]}, gil={}) for part in captured.slices
        ),
    )
    assert describe_top_function(idle) == "nothing runs: Condition.wait 100 %"
    assert describe_top_function(captured) == "compute 15 %"  # the waits have 85 %
    shown = profile_view(idle)
    shown.show_tab("hot")
    assert shown.hottest() == "no function runs; longest wait: Condition.wait, 100.0 %"


def test_a_difference_shows_both_figures_beside_the_source() -> None:
    shown = profile_view(profile(8, name="later"))
    shown.compare(profile(8))
    text = SourceText("/srv/app/rank.py", tuple(f"line {number}" for number in range(1, 12)))
    for tab in ("tree", "hot", "flame"):
        shown.show_tab(tab)
        shown.search("compute")  # gone: it has no row of its own in the later profile
        page = shown.current_tab
        assert page is not None
        chosen = page.selected_function()
        assert chosen is not None
        assert (chosen.func.name, chosen.line, chosen.total) == ("compute", 7, 0.0)
        assert chosen.before == pytest.approx(0.15)
        assert chosen.heat is not None
        assert list(chosen.heat[7]) == pytest.approx([0.15, 0.15]), "both call their function there"
    shown.show_tab("source")
    assert shown.file == "/srv/app/rank.py"
    head, row = (
        next(line for line in drawn(shown, source=text).splitlines() if word in line)
        for word in ("before", "line 7")
    )
    assert head.split()[:3] == ["before", "now", "line"]
    assert row.split()[:4] == ["15.0", "%", "15.0", "%"]


def test_a_function_that_is_gone_has_the_callers_of_before() -> None:
    shown = profile_view(profile(8, name="later"))
    shown.compare(profile(8))
    shown.show_tab("hot")
    shown.search("compute")
    assert shown.open_selected() == ""
    page = drawn(shown)
    assert "before, now gone: callers above" in page
    assert [
        row.split()[:2] for row in page.splitlines() if "handle" in row or "● compute" in row
    ] == [["15.0", "%"]] * 2


def test_threads_are_cycled_through_and_then_all() -> None:
    shown = profile_view()
    shown.next_thread()
    assert "t MainThread (1)" in drawn(shown)
    shown.next_thread()
    assert "t worker (2)" in drawn(shown)
    shown.next_thread()
    assert "t all" in drawn(shown)


def test_enter_on_a_thread_selects_it() -> None:
    shown = profile_view()
    shown.show_tab("threads")
    assert shown.current_tab is not None
    shown.current_tab.move(1)
    shown.open_selected()
    assert shown.analysis is not None
    assert shown.analysis.filters.threads == frozenset((MAIN,))


def test_a_search_shows_its_coverage_and_cannot_backtrack() -> None:
    shown = profile_view()
    assert shown.search("(a+)+$") == "nothing matches"
    assert shown.search("COMP rank") == ""
    assert "“COMP rank”: 1 found, 15.0 % of the samples" in drawn(shown)
    shown.search("")
    assert "found" not in drawn(shown)


def test_keys_without_effect_say_so() -> None:
    shown = profile_view()
    assert "hot functions" in shown.sort(1)
    assert "hot functions" in shown.invert()
    assert shown.go_to_match(1) == "no active search; / starts one"
    shown.show_tab("threads")
    assert "no function" in shown.focus()
    assert "call tree" in shown.unfold()
    assert ProfileView().show_tab("hot") == "there is no profile yet"


def test_enter_on_a_leaf_shows_its_source_with_line_heat() -> None:
    shown = profile_view()
    shown.show_tab("hot")
    assert shown.current_tab is not None
    shown.current_tab.hottest()
    shown.open_selected()  # the sandwich
    shown.open_selected()  # the function in the middle: its source
    assert shown.tab_name == "source"
    assert shown.file == "/srv/app/rank.py"
    lines = tuple(f"line {number}" for number in range(1, 12))
    page = drawn(shown, source=SourceText("/srv/app/rank.py", lines))
    row = next(line for line in page.splitlines() if "line 7" in line)
    assert "15.0 %" in row
    assert "changed since" in drawn(
        shown, source=SourceText("/srv/app/rank.py", lines, "changed since the start")
    )


def test_a_growing_profile_keeps_the_cursor_on_its_function() -> None:
    captured = profile(2)
    shown = profile_view(captured)
    page = shown.current_tab
    assert page is not None
    page.move(-1000)
    page.move(1)
    before = page.selected_function()
    shown.update(ProfileAnalysis(captured.with_slice(captured.slices[0])))
    assert shown.current_tab is page
    after = page.selected_function()
    assert before is not None
    assert after is not None
    assert before.func == after.func


def test_a_significant_difference_is_reported_and_equal_captures_have_none() -> None:
    shown = profile_view(profile(8, extra=60.0))
    shown.compare(profile(8))
    assert "functions differ" in drawn(shown, 200)
    shown.compare(profile(8, extra=60.0))
    assert "no difference is significant" in drawn(shown, 200)
    shown.compare(None)
    assert "against" not in drawn(shown, 200)


def test_a_capture_never_claims_more_seconds_than_were_asked_for() -> None:
    study = ProfileAnalysis(profile())
    line = line_text(
        state_line(
            SamplingStatus(1, "app", 4.0, 10.0, is_attached=True), study, [], "", "tree", 120
        )
    )
    assert "600 samples of 2 threads, 6 s left" in line
    line = line_text(
        state_line(
            SamplingStatus(1, "app", 10.0, 10.0, is_attached=True), study, [], "", "tree", 120
        )
    )
    assert "reading the last second" in line


# ---------------------------------------------------------------------------------------- the strip


def test_the_strip_shows_the_service_of_the_profiled_process() -> None:
    shop = samples.service(saturation=(SaturationState("shop queue", "q", 9, 10, 0.9, 4),))
    till = samples.service(
        "till", targets=("till-1",), saturation=(SaturationState("till pool", "p", 3, 8, 0.4, 1),)
    )
    targets = (
        *samples.targets(),
        replace(samples.targets()[0], name="till-1", url="http://127.0.0.1:8001/metrics"),
    )
    listeners = TargetListeners(
        "till-1", 8001, "127.0.0.1:8001", here=True, holders=(SocketHolder(5, 1.0),)
    )
    snapshot = samples.snapshot(
        services=(shop, till), targets=targets, listeners=(*samples.listeners(), listeners)
    )
    own = find_service(snapshot, ProcessReference(5, 1.0))
    assert own is not None
    assert own.name == "till"
    line = line_text(strip_line(Frame(snapshot, samples.past(), ViewState(), "h"), 160, own))
    assert "till pool" in line
    assert "shop queue" not in line
    assert find_service(snapshot, ProcessReference(5, 2.0)) is None, (
        "another process took over the pid"
    )
    assert find_service(snapshot, ProcessReference(6, None)) is None
    assert "pool" not in line_text(
        strip_line(Frame(snapshot, samples.past(), ViewState(), "h"), 160, None)
    )
    assert queue_evidence(own) == "till pool is at 3 of 8 and 1 wait"
    assert queue_evidence(None) == ""


def test_a_profile_without_cpu_time_is_compared_by_the_common_measure() -> None:
    before = profile()
    asleep = tuple(
        replace(part, cpu_shares={MAIN: 0.0, WORKER: 0.0}, gil={}, gil_ticks=0.0)
        for part in before.slices
    )
    now = replace(before, slices=asleep)
    alone = profile_view(now)
    alone.show_tab("hot")
    assert WAITING_IN_C in drawn(alone)
    for one, other in ((now, before), (before, now)):
        shown = profile_view(one)
        shown.compare(other)
        for tab in ("tree", "hot", "flame"):
            shown.show_tab(tab)
            assert WAITING_IN_C not in drawn(shown)
        assert shown.analysis is not None
        assert {row.change for row in shown.analysis.differences} == {"same"}
    same = profile_view(now)
    same.compare(now)
    assert same.analysis is not None
    assert WAITING_IN_C in {row.func.name for row in same.analysis.differences}


def test_a_narrow_capture_summary_drops_the_default_details_first() -> None:
    captured = profile()
    study = ProfileAnalysis(
        replace(captured, metadata=replace(captured.metadata, python="3.12", errors=2))
    )
    shown = SamplingStatus(1, "app", is_done=True)
    assert (
        capture_summary(shown, study, 90)
        == "1 app   python 3.12   6.0 s, 100 Hz, 2 threads, nonblocking, 2 dropped"
    )
    assert (
        capture_summary(shown, study, 65)
        == "1 app   python 3.12   6.0 s, 100 Hz, 2 threads, 2 dropped"
    )
    assert capture_summary(shown, study, 50) == "1 app   6.0 s, 100 Hz, 2 threads, 2 dropped"


def test_the_words_of_the_rule_line_are_complete_at_every_width() -> None:
    captured = profile()
    shown = profile_view(
        replace(captured, metadata=replace(captured.metadata, asked_s=6.0, python="3.12", errors=2))
    )
    for width in range(70, 130):
        head = drawn(shown, width).splitlines()[0]
        assert "2 threads" in head, width
        assert "…" not in head, width


def test_the_requested_and_the_achieved_rate_are_shown_together() -> None:
    captured = profile(4)
    asked = ProfileAnalysis(replace(captured, metadata=replace(captured.metadata, asked_s=5.0)))
    line = capture_summary(SamplingStatus(1, "app", is_done=True), asked, 90)
    assert line == "1 app   4.0 of 5 s, 400 of 500 samples, 2 threads, nonblocking"


def test_a_difference_of_zero_has_no_sign() -> None:
    assert [format_points(change) for change in (0.042, -0.0005, -0.0001, 0.0)] == [
        "+4.2",
        "-0.1",
        "0.0",
        "0.0",
    ]


def installed(*, own: tuple[str, ...] = ()) -> Profile:
    """Create a service installed beside its libraries, with an idle client."""
    site = "/v/lib/python3.12/site-packages"
    frames = FrameTable()
    serve = (
        frames.add_frame("<module>", "/v/bin/uvicorn", 8),
        frames.add_frame("run", f"{site}/uvicorn/server.py", 9),
    )
    load = (
        *serve,
        frames.add_frame("load", f"{site}/shop/views.py", 3),
        frames.add_frame("execute", f"{site}/psycopg/cursor.py", 4),
    )
    query = (*load, frames.add_frame("Condition.wait", LIB, 331))
    idle = (
        frames.add_frame("run", LIB, 1),
        frames.add_frame("worker", f"{site}/psycopg_pool/pool.py", 2),
        frames.add_frame("Condition.wait", LIB, 331),
    )
    part = ProfileSlice({MAIN: {query: 100.0}, WORKER: {idle: 100.0}}, {}, 100.0, 0.0, 1.0)
    return Profile(
        frames,
        (part,) * 6,
        ProfileMetadata(source="py-spy", label="1 app", pid=1, rate_hz=100.0, own=own),
    )


@pytest.mark.parametrize("size", [(80, 19), (120, 36)])
def test_without_own_code_the_pane_says_so_and_my_code_only_hides_nothing(
    size: tuple[int, int],
) -> None:
    shown = profile_view(installed())
    text = drawn(shown, *size)
    assert 'No sample is in your own code; own = ["package"] in the config names it.' in text
    assert "Reading" not in text
    assert shown.toggle_own_code() == "all code is shown: no sample is in your own code"
    assert drawn(shown, *size).splitlines()[2:] == text.splitlines()[2:]


@pytest.mark.parametrize("size", [(80, 19), (120, 36)])
def test_an_installed_service_is_own_code_and_its_waits_are_named(
    size: tuple[int, int],
) -> None:
    shown = profile_view(installed(own=("shop",)))
    text = drawn(shown, *size)
    assert "own code" not in text
    assert "database 50 %   idle 50 %" in text
    assert "in the database client psycopg" in text
    assert "called from load." in " ".join(text.split())
    shown.toggle_own_code()
    assert "worker" not in drawn(shown, *size)

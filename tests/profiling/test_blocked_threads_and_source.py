"""Waits in C detected by CPU time, source files as the process sees them, the profile library."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tputtui.model import ProcessReference
from tputtui.profiling.analysis import activity
from tputtui.profiling.analysis.blocked_threads import frames_waiting_in_c
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.stacks import gil_stacks, running_stacks, select_stacks
from tputtui.profiling.analysis.top_functions import hot_functions
from tputtui.profiling.files import file_formats, source_text
from tputtui.profiling.files.library import ProfileLibrary
from tputtui.profiling.profile_model import WAITING_IN_C, Profile, ProfileThread
from tputtui.settings import schema

ProfileFactory = Callable[..., Profile]
MAIN = ProfileThread(1, 1, "MainThread")


def with_cpu(profile: Profile, share: float) -> Profile:
    return replace(
        profile, slices=tuple(replace(part, cpu_shares={MAIN: share}) for part in profile.slices)
    )


def test_a_sleep_in_c_is_a_wait_and_computing_is_not(profile_of: ProfileFactory) -> None:
    profile = profile_of(*["main;watch 80\nmain;work 20 19"] * 5)
    stacks = select_stacks(with_cpu(profile, 0.2))
    names = {stacks.frames.frame_func(stack[-1]).name for stack in stacks.stacks}
    assert names == {WAITING_IN_C, "work"}
    assert running_stacks(stacks).weight == pytest.approx(100.0)
    assert activity.category_shares(stacks)["waiting"] == pytest.approx(0.8)
    assert frames_waiting_in_c(profile) == {}  # not measured: no claim
    assert (
        frames_waiting_in_c(with_cpu(profile, 1.0)) == {}
    )  # explained by CPU time: code in C that computes


def test_without_the_gil_s_column_a_line_longer_than_the_cpu_time_waited(
    profile_of: ProfileFactory,
) -> None:
    profile = with_cpu(profile_of(*["main;sleeper:9 88\nmain;work:3 12"] * 5), 0.12)
    stacks = select_stacks(profile)
    assert {stacks.frames.frame_func(stack[-1]).name for stack in stacks.stacks} == {
        WAITING_IN_C,
        "work",
    }
    assert frames_waiting_in_c(with_cpu(profile, 0.6)) == {}  # it may have run all the time


def test_a_thread_waiting_for_a_cpu_is_not_waiting_in_c(profile_of: ProfileFactory) -> None:
    profile = with_cpu(profile_of(*["main;work 100"] * 5), 0.06)  # as in a run: without GIL samples
    assert frames_waiting_in_c(profile)
    starved = replace(
        profile, slices=tuple(replace(part, ready_shares={MAIN: 0.9}) for part in profile.slices)
    )
    assert frames_waiting_in_c(starved) == {}


def test_cpu_shares_survive_a_file(profile_of: ProfileFactory, tmp_path: Path) -> None:
    path = tmp_path / "p.speedscope.json"
    profile = with_cpu(profile_of("main;watch 80\nmain;work 20 19"), 0.2)
    profile = replace(
        profile,
        slices=(replace(profile.slices[0], ready_shares={MAIN: 0.7}),),
        metadata=replace(profile.metadata, asked_s=2.0),
    )
    file_formats.save(profile, path)
    again = file_formats.load(path)
    assert (again.slices[0].cpu_shares, again.slices[0].ready_shares, again.requested_ticks) == (
        {MAIN: 0.2},
        {MAIN: 0.7},
        200.0,
    )


def test_the_gil_is_never_held_for_longer_than_the_code_was_there(
    profile_of: ProfileFactory,
) -> None:
    profile = profile_of("main;work 17 18\nmain;Event.wait@/usr/lib/python3.12/threading.py 83")
    stacks = select_stacks(profile)
    work = next(row for row in hot_functions(stacks) if row.func.name == "work")
    assert (work.total, work.gil) == (0.17, 0.17)
    tree = CallTree(stacks)
    assert all((tree.gil_share(node) or 0.0) <= tree.share(node) for node in range(1, len(tree)))


def test_gil_shares_are_of_the_wall_time(profile_of: ProfileFactory) -> None:
    stacks = gil_stacks(select_stacks(profile_of("a 50 40\nb 50 10")))
    assert sorted(weight / stacks.weight for weight in stacks.wall) == [0.1, 0.4]


def test_source_is_found_by_the_root_and_cwd_of_the_process(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("one\n\ttwo \x1b[31m\n")
    source = source_text.read_source(str(file), ProcessReference(os.getpid()))
    assert source.lines == ("one", "    two ␛[31m")
    assert source_text.read_source(str(file), ProcessReference(os.getpid())).note == ""
    cwd = os.getcwd()
    os.chdir(tmp_path)
    try:
        assert source_text.read_source("app.py", ProcessReference(os.getpid())).lines[0] == "one"
    finally:
        os.chdir(cwd)


def test_changed_or_unreadable_source_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("one\n")
    assert (
        source_text.read_source(str(file), None, time.time() - 60).note == source_text.CHANGED_NOTE
    )
    assert source_text.read_source(str(file), None, time.time() + 60).note == ""
    written = file.stat().st_mtime
    assert (
        source_text.read_source(str(file), None, int(written)).note == ""
    )  # the second of the kernel's clock in which it was started
    assert (
        source_text.read_source(str(file), None, int(written) - 1).note == source_text.CHANGED_NOTE
    )
    assert "no such file" in source_text.read_source(str(tmp_path / "gone.py"), None).error
    assert "not a file" in source_text.read_source(str(tmp_path), None).error
    assert "no file" in source_text.read_source("<string>", None).error
    assert "relative" in source_text.read_source("app.py", None).error


def test_a_profile_in_the_library_is_a_private_file_and_can_be_loaded(
    profile_of: ProfileFactory, tmp_path: Path
) -> None:
    shelf = ProfileLibrary(tmp_path / "profiles")
    profile = profile_of("a;b 5")
    profile = replace(
        profile, metadata=replace(profile.metadata, time=1_790_000_000.0, label="1 app")
    )
    entry, problem = shelf.save_profile(profile)
    assert problem == ""
    assert entry.path is not None
    assert stat.S_IMODE(entry.path.stat().st_mode) == 0o600
    later = ProfileLibrary(tmp_path / "profiles")
    assert [stored.path for stored in later.entries()] == [entry.path]
    assert later.load_profile(later.entries()[0]).metadata.label == "1 app"
    assert shelf.find_near(1_790_000_010.0) is entry
    assert shelf.find_near(1_790_000_100.0) is None


def test_a_profile_that_cannot_be_saved_is_kept_and_reported(
    profile_of: ProfileFactory, tmp_path: Path
) -> None:
    (tmp_path / "profiles").write_text("a file in the way")
    entry, problem = ProfileLibrary(tmp_path / "profiles").save_profile(profile_of("a 1"))
    assert "not saved" in problem
    assert entry.profile is not None


def test_the_export_has_every_format(profile_of: ProfileFactory, tmp_path: Path) -> None:
    paths = file_formats.export(profile_of("a;b 5"), tmp_path / "out")
    assert [path.name.partition(".")[2] for path in paths] == [
        "speedscope.json",
        "collapsed.txt",
        "svg",
    ]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    assert file_formats.load(paths[0]).weight() == 5


def test_the_config_knows_the_categories() -> None:
    assert schema.CATEGORIES == activity.CATEGORIES
    table = activity.build_table({"database": ("shop.store",), "nonsense": ("x",)})
    assert table.user_categories == {"shop.store": "database"}

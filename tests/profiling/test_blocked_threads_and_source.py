"""Waits in C told by CPU time; source files as the process sees them; the shelf of profiles."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tputtui.profiling.analysis import categories
from tputtui.profiling.analysis.blocked_threads import asleep
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.share_basis import by_gil, running
from tputtui.profiling.analysis.stacks import choose
from tputtui.profiling.analysis.top_functions import hot_functions
from tputtui.profiling.files import file_formats, source_text
from tputtui.profiling.files.library import ProfileLibrary
from tputtui.profiling.profile_model import ASLEEP, Profile, ProfileThread
from tputtui.settings import schema

Made = Callable[..., Profile]
MAIN = ProfileThread(1, 1, "MainThread")


def with_cpu(profile: Profile, share: float) -> Profile:
    return replace(profile, slices=tuple(replace(part, cpu={MAIN: share}) for part in profile.slices))


def test_a_sleep_in_c_is_a_wait_and_computing_is_not(profile_of: Made) -> None:
    made = profile_of(*["main;watch 80\nmain;work 20 19"] * 5)
    stacks = choose(with_cpu(made, 0.2))
    names = {stacks.frames.func_of(stack[-1]).name for stack in stacks.stacks}
    assert names == {ASLEEP, "work"}
    assert running(stacks).weight == pytest.approx(100.0)
    assert categories.summary(stacks)["waiting"] == pytest.approx(0.8)
    assert asleep(made) == {}  # nobody measured: no claim
    assert asleep(with_cpu(made, 1.0)) == {}  # the CPU explains it: code in C that computes


def test_without_the_gil_s_column_a_line_longer_than_the_cpu_time_waited(profile_of: Made) -> None:
    made = with_cpu(profile_of(*["main;sleeper:9 88\nmain;work:3 12"] * 5), 0.12)
    stacks = choose(made)
    assert {stacks.frames.func_of(stack[-1]).name for stack in stacks.stacks} == {ASLEEP, "work"}
    assert asleep(with_cpu(made, 0.6)) == {}  # all of it may have run


def test_who_waits_for_a_cpu_does_not_wait_in_c(profile_of: Made) -> None:
    made = with_cpu(profile_of(*["main;work 100"] * 5), 0.06)  # as in a run: nobody asked for the GIL
    assert asleep(made)
    starved = replace(made, slices=tuple(replace(part, ready={MAIN: 0.9}) for part in made.slices))
    assert asleep(starved) == {}


def test_cpu_shares_survive_a_file(profile_of: Made, tmp_path: Path) -> None:
    path = tmp_path / "p.speedscope.json"
    made = with_cpu(profile_of("main;watch 80\nmain;work 20 19"), 0.2)
    made = replace(made, slices=(replace(made.slices[0], ready={MAIN: 0.7}),), about=replace(made.about, asked_s=2.0))
    file_formats.save(made, path)
    again = file_formats.load(path)
    assert (again.slices[0].cpu, again.slices[0].ready, again.asked) == ({MAIN: 0.2}, {MAIN: 0.7}, 200.0)


def test_the_gil_is_never_held_for_longer_than_the_code_was_there(profile_of: Made) -> None:
    made = profile_of("main;work 17 18\nmain;Event.wait@/usr/lib/python3.12/threading.py 83")
    stacks = choose(made)
    work = next(row for row in hot_functions(stacks) if row.func.name == "work")
    assert (work.total, work.gil) == (0.17, 0.17)
    tree = CallTree(stacks)
    assert all((tree.gil_share(node) or 0.0) <= tree.share(node) for node in range(1, len(tree)))


def test_the_gil_alone_is_of_the_time(profile_of: Made) -> None:
    stacks = by_gil(choose(profile_of("a 50 40\nb 50 10")))
    assert sorted(weight / stacks.weight for weight in stacks.wall) == [0.1, 0.4]


def test_source_of_a_process_by_its_root_and_cwd(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("one\n\ttwo \x1b[31m\n")
    found = source_text.read(str(file), os.getpid())
    assert found.lines == ("one", "    two ␛[31m")
    assert source_text.read(str(file), os.getpid(), None).note == ""
    here = os.getcwd()
    os.chdir(tmp_path)
    try:
        assert source_text.read("app.py", os.getpid()).lines[0] == "one"
    finally:
        os.chdir(here)


def test_source_that_changed_or_cannot_be_read_says_so(tmp_path: Path) -> None:
    file = tmp_path / "app.py"
    file.write_text("one\n")
    assert source_text.read(str(file), None, time.time() - 60).note == source_text.CHANGED
    assert source_text.read(str(file), None, time.time() + 60).note == ""
    written = file.stat().st_mtime
    assert source_text.read(str(file), None, int(written)).note == ""  # the kernel's second, in which it was started
    assert source_text.read(str(file), None, int(written) - 1).note == source_text.CHANGED
    assert "no such file" in source_text.read(str(tmp_path / "gone.py"), None).missing
    assert "not a file" in source_text.read(str(tmp_path), None).missing
    assert "no file" in source_text.read("<string>", None).missing
    assert "relative" in source_text.read("app.py", None).missing


def test_a_profile_on_the_shelf_is_a_private_file_and_comes_back(profile_of: Made, tmp_path: Path) -> None:
    shelf = ProfileLibrary(tmp_path / "profiles")
    made = profile_of("a;b 5")
    made = replace(made, about=replace(made.about, time=1_790_000_000.0, label="1 app"))
    entry, problem = shelf.keep(made)
    assert problem == ""
    assert entry.path is not None
    assert stat.S_IMODE(entry.path.stat().st_mode) == 0o600
    later = ProfileLibrary(tmp_path / "profiles")
    assert [one.path for one in later.entries()] == [entry.path]
    assert later.read(later.entries()[0]).about.label == "1 app"
    assert shelf.near(1_790_000_010.0) is entry
    assert shelf.near(1_790_000_100.0) is None


def test_a_profile_that_cannot_be_saved_is_kept_and_said(profile_of: Made, tmp_path: Path) -> None:
    (tmp_path / "profiles").write_text("a file in the way")
    entry, problem = ProfileLibrary(tmp_path / "profiles").keep(profile_of("a 1"))
    assert "not saved" in problem
    assert entry.profile is not None


def test_the_export_has_every_format(profile_of: Made, tmp_path: Path) -> None:
    paths = file_formats.export(profile_of("a;b 5"), tmp_path / "out")
    assert [path.name.partition(".")[2] for path in paths] == ["speedscope.json", "collapsed.txt", "svg"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in paths)
    assert file_formats.load(paths[0]).weight() == 5


def test_the_config_knows_the_categories() -> None:
    assert schema.CATEGORIES == categories.CATEGORIES
    table = categories.table({"database": ("shop.store",), "nonsense": ("x",)})
    assert table.user == {"shop.store": "database"}

from __future__ import annotations

import gzip
import json
import os
import tracemalloc
import xml.dom.minidom
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tputtui.profiling import profile_model
from tputtui.profiling.analysis.call_tree import CallTree
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.files import file_formats
from tputtui.profiling.profile_model import Profile, ProfileThread, UnreadableProfileError
from tputtui.text import clean

ProfileFactory = Callable[..., Profile]
FORBIDDEN = [
    chr(code) for code in (*range(32), 0x7F, *range(0x80, 0xA0), 0x202E, 0x2066, 0x200B, 0x2028)
]

# From the folder's README: samples, threads.
CAPTURED = {
    "1-small-aio.speedscope.json": (999, 1),
    "2-medium-prefork.speedscope.json": (13123, 11),
    "2b-medium-prefork.raw.txt": (4374, 11),
    "4a-before.speedscope.json": (1815, 5),
    "4b-after.speedscope.json": (1835, 5),
    "6-weird-names.speedscope.json": (201, 2),
    "8-deep-3000.speedscope.json": (195, 3),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_captured_profiles_have_all_their_samples(name: str, profiles: Path) -> None:
    profile = file_formats.load(profiles / name)
    samples, threads = CAPTURED[name]
    assert profile.weight() == samples
    assert len(profile.threads) == threads
    assert CallTree(select_stacks(profile)).total[0] == samples


@pytest.mark.parametrize(
    "name",
    ["6-weird-names.speedscope.json", "6b-weird-names.raw.txt", "7-multiline-cmdline.raw.txt"],
)
def test_hostile_names_are_cleaned_on_reading(name: str, profiles: Path) -> None:
    profile = file_formats.load(profiles / name)
    texts = [text for func in profile.frames.funcs for text in (func.name, func.file)]
    texts += [thread.name for thread in profile.threads]
    texts += list(profile.metadata.notes)
    assert not [text for text in texts if any(char in text for char in FORBIDDEN)]
    assert xml.dom.minidom.parseString(file_formats.render(profile, Path("x.svg")))  # noqa: S318 - we wrote it ourselves


def test_equal_frames_of_a_file_are_one(profiles: Path) -> None:
    profile = file_formats.load(profiles / "6-weird-names.speedscope.json")
    assert len(set(profile.frames.frames)) == len(profile.frames.frames)
    assert sum(func.name == "spin" for func in profile.frames.funcs) == 1


def test_unreadable_lines_are_counted_and_reported(profiles: Path) -> None:
    profile = file_formats.load(profiles / "7-multiline-cmdline.raw.txt")
    assert profile.metadata.notes == ("10 lines do not read as a stack, the first is line 1",)


def test_processes_and_threads_are_dimensions_not_frames(profiles: Path) -> None:
    profile = file_formats.load(profiles / "2-medium-prefork.speedscope.json")
    assert ProfileThread(10822, 10830, "http-worker-0") in profile.threads
    used = {
        frame
        for part in profile.slices
        for counts in part.wall.values()
        for stack in counts
        for frame in stack
    }
    assert not [
        name
        for frame in used
        if (name := profile.frames.frame_func(frame).name).startswith(("process ", "thread ("))
    ]


def test_a_command_line_of_a_py_spy_file_is_in_nothing_that_is_written() -> None:
    frames = [
        {"name": 'process 7:"app.py --password hunter2"'},
        {"name": "thread (11): a"},
        {"name": "f", "file": "/a.py"},
    ]
    profile = file_formats.parse(
        speedscope_of(frames, [[0, 1, 2], [2, 0]], name='Process 7 Thread 11 "a"')
    )
    assert "process 7" in {func.name for func in profile.frames.funcs}
    for suffix in ("json", "txt", "svg"):
        assert b"hunter2" not in file_formats.render(profile, Path(f"p.{suffix}"))


def test_what_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableProfileError, match="larger than the limit of 100 MiB"):
            file_formats.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_stack_of_20000_frames_is_one_sentence() -> None:
    frames = [{"name": f"f{number}"} for number in range(20_000)]
    with pytest.raises(UnreadableProfileError, match="deeper than 10,000 frames"):
        file_formats.parse(speedscope_of(frames, [list(range(20_000))]))
    text = ";".join(f"f{number}" for number in range(20_000))
    with pytest.raises(UnreadableProfileError, match="line 1 is the first of 1 that are not"):
        file_formats.parse(f"{text} 5\n".encode())
    profile = file_formats.parse(f"a;b 5\n{text} 5\n".encode())
    assert profile.metadata.notes == ("1 line does not read as a stack, the first is line 2",)


def test_an_svg_and_a_json_list_are_told_apart_from_stacks(tmp_path: Path) -> None:
    svg = file_formats.render(file_formats.parse(b"main;work 5\n"), Path("p.svg"))
    for data, expected in (
        (svg, r"SVG flame graph: no samples can be read from it; view the \.json or \.txt"),
        (b"[]", "no speedscope file"),
        (b"[1]\n", "no speedscope file"),
    ):
        with pytest.raises(UnreadableProfileError, match=expected):
            file_formats.parse(data)
    assert file_formats.parse(b"[waits in C] 5\n").weight() == 5.0


def test_a_thread_frame_tells_threads_of_a_recycled_id_apart() -> None:
    document = speedscope_of(
        [
            {"name": "thread (11): req-1"},
            {"name": "f", "file": "/a.py", "line": 1},
            {"name": "thread (12): req-2"},
        ],
        [[0, 1], [2, 1], [1]],
        name='Thread 11 "req-1"',
    )
    profile = file_formats.parse(document)
    assert [(thread.tid, thread.name) for thread in profile.threads] == [
        (11, "req-1"),
        (12, "req-2"),
    ]


def test_samples_in_time_order_become_slices_of_a_second(profiles: Path) -> None:
    profile = file_formats.load(profiles / "1-small-aio.speedscope.json")
    assert [part.wall_ticks for part in profile.slices] == [100.0] * 9 + [99.0]
    assert profile.metadata.rate_hz == pytest.approx(100.0)


def test_our_own_files_are_read_back_unchanged(profile_of: ProfileFactory, tmp_path: Path) -> None:
    profile = profile_of(*["a;b:7 5 2\na;c 3 1\n- 1"] * 6, torn=True)
    for name in ("p.json", "p.json.gz"):
        file_formats.save(profile, tmp_path / name)
        again = file_formats.load(tmp_path / name)
        assert [part.wall for part in again.slices] == [part.wall for part in profile.slices]
        assert [part.gil for part in again.slices] == [part.gil for part in profile.slices]
        assert again.ticks("gil") == profile.ticks("gil")
        assert (again.metadata.torn, again.metadata.rate_hz, again.metadata.pid) == (True, 100.0, 1)


def test_a_file_is_private_and_never_overwritten_by_accident(
    profile_of: ProfileFactory, tmp_path: Path
) -> None:
    path = tmp_path / "p.json"
    file_formats.save(profile_of("a 1"), path)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        file_formats.save(profile_of("a 2"), path)
    file_formats.save(profile_of("a 2"), path, force=True)
    assert file_formats.load(path).weight() == 2
    assert os.listdir(tmp_path) == ["p.json"]


def test_a_file_name_selects_the_format() -> None:
    assert [
        file_formats.format_from_name(Path(name)).name for name in ("a.json", "a.txt.gz", "a.svg")
    ] == [
        "speedscope",
        "collapsed stacks",
        "SVG flame graph",
    ]
    with pytest.raises(ValueError, match=r"name it \.json"):
        file_formats.format_from_name(Path("a.pdf"))


def test_collapsed_stacks_are_read_back(profile_of: ProfileFactory) -> None:
    profile = profile_of("a:3;b@/srv/x.py:9 5\na:3 2")
    again = file_formats.parse(file_formats.render(profile, Path("p.txt")))
    assert again.weight() == 7
    assert {func.name for func in again.frames.funcs} >= {"a", "b"}
    assert {frame.line for frame in again.frames.frames} >= {3, 9}


def test_collapsed_stacks_of_other_tools_are_read() -> None:
    profile = file_formats.parse(b"# comment\nmain;do work;read (libc.so.6) 12\nmain 3.5\n\n")
    assert profile.weight() == 15.5
    assert [func.name for func in profile.frames.funcs[1:]] == ["main", "do work", "read"]


def test_evented_profiles_of_other_tools_are_read() -> None:
    events = [
        {"type": "O", "frame": 0, "at": 0},
        {"type": "O", "frame": 1, "at": 2},
        {"type": "C", "frame": 1, "at": 5},
        {"type": "C", "frame": 0, "at": 6},
    ]
    document = {
        "shared": {"frames": [{"name": "main"}, {"name": "work"}]},
        "profiles": [
            {
                "type": "evented",
                "name": "x",
                "unit": "milliseconds",
                "startValue": 0,
                "endValue": 6,
                "events": events,
            }
        ],
    }
    profile = file_formats.parse(json.dumps(document).encode())
    tree = CallTree(select_stacks(profile))
    assert profile.unit == "milliseconds"
    assert [(tree.func(node).name, tree.total[node], tree.self_[node]) for node in (1, 2)] == [
        ("main", 6, 3),
        ("work", 3, 3),
    ]


def speedscope_of(
    frames: list[Any],
    samples: list[Any],
    weights: list[Any] | None = None,
    name: str = "x",
    **more: Any,
) -> bytes:
    listed = {
        "type": "sampled",
        "name": name,
        "unit": "seconds",
        "samples": samples,
        "weights": weights or [0.01] * len(samples),
    }
    return json.dumps({"shared": {"frames": frames}, "profiles": [listed | more]}).encode()


F = [{"name": "f"}]
BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "the file is empty"),
    "blank": (b" \n\n", "the file is empty"),
    "cut JSON": (b'{"profiles": [', "not valid JSON"),
    "a deep document": (b'{"a":' * 100_000, "not valid JSON"),
    "other JSON": (b'{"a": 1}', 'no list "profiles"'),
    "no frames": (b'{"profiles": []}', 'no list "frames"'),
    "no profiles": (b'{"profiles": [], "shared": {"frames": []}}', "no samples"),
    "prose": (b"hello world\nthis is no profile\n", "line 1 is the first of 2"),
    "binary": (b"\x7fELF\0\0\0", "binary data"),
    "cut gzip": (gzip.compress(b"a;b 1\n" * 1000)[:40], "cut off or damaged"),
    "not gzip": (b"\x1f\x8bxxxxxx", "cut off or damaged"),
    "index beyond": (speedscope_of(F, [[0], [7]]), "names frame 7, the file has 1"),
    "index below": (speedscope_of(F, [[-1]]), "names frame -1"),
    "index no number": (speedscope_of(F, [["\x1b[31m"]]), "names frame ␛[31m"),
    "true is no index": (speedscope_of(F, [[True]]), "names frame True"),
    "negative weight": (speedscope_of(F, [[0]], [-1]), "is -1, not a number"),
    "huge weight": (speedscope_of(F, [[0]], [1e308]), "not a number from 0"),
    "NaN": (
        b'{"shared":{"frames":[{"name":"f"}]},"profiles":[{"type":"sampled","samples":[[0]],"weights":[NaN]}]}',
        "is nan",
    ),
    "lengths differ": (speedscope_of(F, [[0], [0]], [1]), "2 samples, but 1 weights"),
    "nameless frame": (speedscope_of([{}], [[0]]), "frame 0 has no name"),
    "unknown type": (speedscope_of(F, [[0]], type="\x1b]0;x"), "has the type '␛]0;x'"),
    "too deep": (speedscope_of(F, [[0] * 10_001]), "deeper than 10,000"),
    "ours, wrong slice": (
        json.dumps(
            {
                "shared": {"frames": F},
                "profiles": [{"type": "sampled", "samples": [[0]], "weights": [1]}],
                "tputtui": {
                    "slices": [[1, 0, 1]],
                    "profiles": [{"pid": 1, "tid": 1, "name": "x", "slice_of": [4]}],
                },
            }
        ).encode(),
        "names slice 4",
    ),
}


@pytest.mark.parametrize(("data", "output"), BROKEN.values(), ids=BROKEN.keys())
def test_a_defect_is_one_sentence(data: bytes, output: str, tmp_path: Path) -> None:
    path = tmp_path / "p\x1b[31m.json"
    path.write_bytes(data)
    with pytest.raises(UnreadableProfileError) as caught:
        file_formats.load(path)
    text = str(caught.value)
    assert output in text
    assert text == clean(text)
    assert len(text) < 400


def test_a_bomb_is_refused_at_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(file_formats, "MAX_BYTES", 1000)
    with pytest.raises(UnreadableProfileError, match="inflates to more than"):
        file_formats.parse(gzip.compress(b"a" * 5000))
    path = tmp_path / "large.txt"
    path.write_bytes(b"a 1\n" * 500)
    with pytest.raises(UnreadableProfileError, match="larger than the limit"):
        file_formats.load(path)


def test_a_missing_file_and_a_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(UnreadableProfileError, match="No such file"):
        file_formats.load(tmp_path / "none.json")
    with pytest.raises(UnreadableProfileError, match="not a file"):
        file_formats.load(tmp_path)


def parsed(data: bytes) -> Profile | str:
    """Return the profile, or the error sentence; any other exception fails the test."""
    try:
        return file_formats.parse(data)
    except UnreadableProfileError as error:
        return str(error)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_json, _json, _json, _json)
def test_any_file_content_is_a_profile_or_a_sentence(
    frames: Any, samples: Any, weights: Any, ours: Any
) -> None:
    document = {
        "shared": {"frames": frames if isinstance(frames, list) else F},
        "profiles": [
            {
                "type": "sampled",
                "name": "Thread 1",
                "unit": "seconds",
                "samples": samples,
                "weights": weights,
            }
        ],
        "tputtui": ours,
    }
    outcome = parsed(json.dumps(document).encode())
    if isinstance(outcome, str):
        assert outcome == clean(outcome)
    else:
        assert 0 <= outcome.weight() <= profile_model.MAX_WEIGHT * 100


@given(st.text(max_size=200))
def test_any_text_is_a_profile_or_a_sentence(text: str) -> None:
    outcome = parsed(text.encode("utf-8", "replace"))
    if isinstance(outcome, str):
        assert outcome == clean(outcome)
    else:
        assert all(func.name == clean(func.name) for func in outcome.frames.funcs)

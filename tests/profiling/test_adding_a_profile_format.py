"""Adding a profile file format takes its own code and one entry in `file_formats.FORMATS`."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tputtui.cli import main
from tputtui.cli.parser import UsageError
from tputtui.cli.verbs import profile as profile_verb
from tputtui.profiling.files import file_formats
from tputtui.profiling.files.profile_format import ProfileFormat
from tputtui.profiling.profile_model import (
    FrameTable,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    UnreadableProfileError,
)
from tputtui.text import clean

HOSTILE_NAME = "evil\x1b]0;title\x07[red]b[/red]\u202e"

# ----------------------------------------------------- the format: all that its own module contains

_MAGIC = b"\x00ROWS"  # binary: only its own entry recognizes it


def parse(data: bytes, label: str) -> Profile:
    """Parse lines of JSON, one [weight, name of each function] each."""
    frames, counts = FrameTable(), dict[tuple[int, ...], float]()
    try:
        for line in data.removeprefix(_MAGIC).decode().splitlines():
            weight, *names = json.loads(line)
            counts[tuple(frames.add_frame(str(name)) for name in names)] = float(weight)
    except (ValueError, TypeError) as error:
        raise UnreadableProfileError(f"no rows of a profile: {clean(str(error), 80)}") from None
    part = ProfileSlice({ProfileThread(0, -1, "rows"): counts})
    return Profile(frames, (part,), ProfileMetadata(source="rows", label=label))


def render(profile: Profile) -> bytes:
    """Render one line for each stack."""
    rows = [
        [weight, *(profile.frames.frame_func(frame).name for frame in stack)]
        for part in profile.slices
        for counts in part.wall.values()
        for stack, weight in counts.items()
    ]
    return _MAGIC + "\n".join(map(json.dumps, rows)).encode()


FORMAT = ProfileFormat(
    name="rows",
    suffixes=(".rows",),
    export_suffix=".profile.rows",
    recognize=lambda head, _data: head.startswith(_MAGIC),
    read=parse,
    write=render,
)

# -------------------------------------------------------------------------------------------- tests


@pytest.fixture(autouse=True)
def added_format(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_formats, "FORMATS", (*file_formats.FORMATS, FORMAT))


@pytest.fixture
def collapsed_file(tmp_path: Path) -> Path:
    path = tmp_path / "stacks.txt"
    path.write_text("main;handle;compute 7\nmain;wait 3\n")
    return path


@pytest.mark.parametrize("suffix", ["rows", "rows.gz"])
def test_view_writes_and_reads_an_added_format(
    suffix: str, collapsed_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written, back = tmp_path / f"out.{suffix}", tmp_path / "back.txt"
    assert main(["view", str(collapsed_file), "-o", str(written)]) == 0
    data = written.read_bytes()
    assert (gzip.decompress(data) if suffix.endswith("gz") else data).startswith(_MAGIC)
    assert main(["view", str(written), "-o", str(back)]) == 0
    lines = [line.partition(": rows;")[2] for line in back.read_text().splitlines()]
    assert lines == ["main;handle;compute 7", "main;wait 3"]
    assert "wrote" in capsys.readouterr().err


def test_profile_accepts_the_name_of_an_added_format(tmp_path: Path) -> None:
    profile_verb._check_output(tmp_path / "p.rows.gz", force=False)
    with pytest.raises(UsageError, match=r"SVG flame graph\) or \.rows \(rows\)"):
        profile_verb._check_output(tmp_path / "p.pdf", force=False)


@pytest.mark.parametrize("verb", ["profile", "view"])
def test_the_help_of_the_verbs_names_an_added_format(
    verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ".json" in shown
    assert "or .rows" in shown
    assert verb == "profile" or "collapsed stacks or rows, gzipped or not" in shown


def test_messages_name_an_added_format(
    collapsed_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "p.svg"
    assert main(["view", str(collapsed_file), "-o", str(picture)]) == 0
    assert main(["view", str(picture)]) == 2
    assert "view the .json, .txt or .rows it was made from" in capsys.readouterr().err
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    assert main(["view", str(tmp_path / "binary")]) == 2
    assert "(speedscope, collapsed stacks or rows)" in capsys.readouterr().err


def test_the_export_of_the_pane_includes_an_added_format(
    collapsed_file: Path, tmp_path: Path
) -> None:
    paths = file_formats.export(file_formats.load(collapsed_file), tmp_path / "out")
    assert paths[-1].name.endswith(".profile.rows")
    assert file_formats.load(paths[-1]).weight() == 10


def test_malformed_and_hostile_files_of_an_added_format_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.rows"
    for content in (_MAGIC + b"{", _MAGIC + b'["x"]', _MAGIC + b"\xff", _MAGIC + b"7"):
        path.write_bytes(content)
        assert main(["view", str(path)]) == 2
        message = capsys.readouterr().err.strip()
        assert len(message.splitlines()) == 1
        assert "bad.rows" in message
    path.write_bytes(_MAGIC + json.dumps([1, HOSTILE_NAME]).encode())
    assert main(["view", str(path), "-o", str(tmp_path / "out.txt")]) == 0
    written = (tmp_path / "out.txt").read_text()
    assert "\x1b" not in written
    assert "\u202e" not in written

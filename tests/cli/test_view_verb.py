"""`tputtui view` on files that are not profiles, or hostile: one sentence and exit code 2."""

from __future__ import annotations

import gzip
import json
import marshal
from pathlib import Path

import pytest

from tputtui.cli import main

NASTY = "evil\x1b]0;title\x07\x1b[31m[red]b[/red]\r\n\u202etxt.exe\u0000" + "n" * 10_000


def speedscope(**changes: object) -> bytes:
    profile = {"type": "sampled", "name": NASTY, "unit": "none", "startValue": 0, "endValue": 2, "samples": [[0], [0]],
               "weights": [1, 1]}  # fmt: skip
    document = {"$schema": "https://www.speedscope.app/file-format-schema.json", "name": NASTY, "exporter": NASTY,
                "shared": {"frames": [{"name": NASTY, "file": NASTY, "line": 3}]}, "profiles": [profile | changes]}  # fmt: skip
    return json.dumps(document).encode()


BAD: dict[str, tuple[str, bytes]] = {
    "empty": ("a.json", b""),
    "blank": ("a.txt", b" \n\t\n"),
    "truncated": ("a.json", speedscope()[:-40]),
    "truncated gzip": ("a.json.gz", gzip.compress(speedscope())[:-30]),
    "a gzip of nothing": ("a.json.gz", gzip.compress(b"")),
    "another JSON": ("a.json", b'{"traceEvents": []}'),
    "a JSON list": ("a.json", b"[1, 2, 3]"),
    "deeply nested": ("a.json", b'{"shared": ' + b"[" * 100_000),
    "frames are a string": ("a.json", b'{"shared": {"frames": "x"}, "profiles": [{"type": "sampled"}]}'),
    "a frame that is not there": ("a.json", speedscope(samples=[[7], [-1]])),
    "a frame by half": ("a.json", speedscope(samples=[[0.5], [None]])),
    "weights are missing": ("a.json", speedscope(weights=[1])),
    "weights are no numbers": ("a.json", speedscope(weights=["x", {}])),
    "weights are endless": ("a.json", speedscope(weights=[1e400, float("nan")])),
    "an unknown kind": ("a.json", speedscope(type=NASTY)),
    "no profiles": ("a.json", b'{"shared": {"frames": []}, "profiles": []}'),
    "an event that never closes": ("a.json", speedscope(type="evented", events=[{"type": "C", "frame": 0, "at": 1}])),
    "binary": ("a.txt", bytes(range(256)) * 9),
    "prose": ("a.txt", b"the quick brown fox\njumps over the lazy dog\n"),
    "weight that is no number": ("a.txt", b"main;work many\n"),
    "wrong encoding": ("a.txt", "main;work 5\n".encode("utf-16")),
    "pstats that is none": ("a.pstats", b"{not marshal"),
    "pstats of another thing": ("a.pstats", marshal.dumps({"a": 1})),
    "empty pstats": ("a.prof", b""),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content"), BAD.values(), ids=BAD.keys())
def test_a_file_that_is_not_a_profile_is_one_sentence_and_exit_code_2(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["view", str(path)]) == 2
    refused(capsys, name)
    assert main(["view", str(path), "-o", str(tmp_path / "out.json")]) == 2
    refused(capsys, name)  # the kind of the file is checked before the output format


def refused(capsys: pytest.CaptureFixture[str], name: str) -> None:
    out = capsys.readouterr()
    message = out.err.strip()
    assert out.out == ""
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    assert name in message
    assert len(message) < 600


def test_a_folder_an_absent_file_and_a_hostile_name_are_refused_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path, tmp_path / "absent.json", tmp_path / "x\x1b[31m\n\u202e.json"):
        assert main(["view", str(path)]) == 2
        refused(capsys, "")
    good = tmp_path / "good.txt"
    good.write_text("main;work 5\n")
    assert main(["view", str(good), str(tmp_path / "absent.json")]) == 2
    refused(capsys, "absent.json")


def test_a_huge_file_and_a_gzip_bomb_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tputtui.profiling.files.file_formats.MAX_BYTES", 1 << 20)
    (tmp_path / "huge.txt").write_bytes(b"main;work 5\n" * 100_000)
    (tmp_path / "bomb.txt.gz").write_bytes(gzip.compress(b"main;work 5\n" * 1_000_000))
    for name in ("huge.txt", "bomb.txt.gz"):
        assert main(["view", str(tmp_path / name)]) == 2
        refused(capsys, name)


@pytest.mark.parametrize("suffix", ["json", "txt", "svg"])
def test_names_with_escape_sequences_are_written_as_text(suffix: str, tmp_path: Path) -> None:
    path, out = tmp_path / "nasty.json", tmp_path / f"out.{suffix}"
    path.write_bytes(speedscope())
    assert main(["view", str(path), "-o", str(out)]) == 0
    written = out.read_text("utf-8")
    assert "\x1b" not in written
    assert "\u202e" not in written
    assert "n" * 1000 not in written  # cut
    if suffix != "svg":
        assert main(["view", str(out), "-o", str(tmp_path / "again.txt")]) == 0


@pytest.mark.parametrize(
    "content",
    [
        b"main;work 5\n\nmain;other 2.5\r\n",
        b"\xef\xbb\xbfmain;work 5\n",
        "caf\u00e9;\U0001f600 work 3\n".encode(),
        b";;main;;work 5\n",
        b"all;a b c;d 7\n",
    ],
)
def test_collapsed_stacks_of_other_tools_are_read(content: bytes, tmp_path: Path) -> None:
    path, out = tmp_path / "foreign.txt", tmp_path / "out.json"
    path.write_bytes(content)
    assert main(["view", str(path), "-o", str(out)]) == 0
    assert json.loads(out.read_text())["profiles"]

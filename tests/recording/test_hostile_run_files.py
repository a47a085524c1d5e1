"""Foreign run files: reading any content ends in the valid part or in a sentence."""

from __future__ import annotations

import json
import os
import random
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
from recorded_runs import record

from tputtui.engine.replay.replay_feed import replay_snapshots
from tputtui.recording import container
from tputtui.recording.container import CorruptLineError, MemberWriter
from tputtui.recording.reader import NotARunError, Run
from tputtui.recording.records import Mark


def lines_of(path: Path) -> list[dict[str, Any]]:
    with Run(path) as run:
        return [container.parse_line(line) for line in run.member_content(0).split(b"\n")[:-1]]


def write_run(path: Path, content: list[dict[str, Any]] | bytes) -> None:
    """Write a run of one member with valid checksums and any content."""
    raw = (
        content
        if isinstance(content, bytes)
        else b"".join(container.format_line(line) for line in content)
    )
    member = MemberWriter(run_of(content), 0, 0.0, 0.0)
    path.write_bytes(member.compress(raw) + member.finish())


def run_of(content: list[dict[str, Any]] | bytes) -> bytes:
    """Return the bytes by which the member's own header names its run."""
    try:
        return bytes.fromhex(content[0]["run"]["run"])[:4]  # type: ignore[index]
    except (TypeError, KeyError, ValueError, IndexError):
        return b"\0\1\2\3"


def read_all(path: Path) -> list[str]:
    """Read everything that a user could request; return the reported damage."""
    with Run(path) as run:
        (
            run.header,
            run.marks(),
            run.events(),
            run.profiles(),
            run.summary(),
            run.end_description,
            run.member_starts(),
        )
        for _ in replay_snapshots(run):
            pass
        return run.damage


JUNK: list[Any] = [
    None, True, -1, 0, 2**70, -0.5, 1e308, "", "x", "NaN", "Infinity", "\x1b[2J", "a" * 70_000, [], {}, [[]], [None] * 5,
    {"a": {}}, {"id": 0}, [0, 0, 0], "\ud800",
]  # fmt: skip


def _spoil(value: Any, chance: random.Random) -> Any:
    """Return the value with one place in it replaced, dropped or doubled."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        return {**value, key: _spoil(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:
        place = chance.randrange(len(value))
        how = chance.randrange(4)
        if how == 0:
            return value[:place] + value[place + 1 :]
        if how == 1:
            return value[: place + 1] + value[place:]
        return [*value[:place], _spoil(value[place], chance), *value[place + 1 :]]
    return chance.choice(JUNK)


@pytest.mark.parametrize("seed", range(60))
def test_a_crafted_line_with_a_valid_checksum_is_at_most_a_sentence(
    tmp_path: Path, seed: int
) -> None:
    record(tmp_path / "good", 12, mark_at=(3,))
    good = lines_of(tmp_path / "good")
    chance = random.Random(seed)
    for _ in range(12):
        place = chance.randrange(len(good))
        write_run(
            tmp_path / "bad", [*good[:place], _spoil(good[place], chance), *good[place + 1 :]]
        )
        try:
            damage = read_all(tmp_path / "bad")
        except NotARunError as error:
            damage = [str(error)]
        assert all(sentence and sentence.isprintable() for sentence in damage)


def test_lines_that_are_shuffled_or_doubled_invent_no_value(tmp_path: Path) -> None:
    record(tmp_path / "good", 12)
    good = lines_of(tmp_path / "good")
    with Run(tmp_path / "good") as run:
        true = {tick.reading.at: str(tick.reading.scrapes) for tick in run.ticks()}
    chance = random.Random(1)
    for _ in range(40):
        mixed = [*good[:1], *chance.sample(good[1:], len(good) - 1)]
        write_run(tmp_path / "bad", mixed)
        with Run(tmp_path / "bad") as run:
            times = [tick.reading.at for tick in run.ticks()]
        assert times == sorted(times)
        assert set(times) <= set(true)


def test_a_newer_format_is_refused_in_a_line_and_the_file_stays_as_it_was(tmp_path: Path) -> None:
    record(tmp_path / "a", 3)
    first, *rest = lines_of(tmp_path / "a")
    write_run(tmp_path / "b", [{"run": {**first["run"], "tput": 9}}, *rest])
    before = (tmp_path / "b").read_bytes()
    with pytest.raises(
        NotARunError,
        match=r"made by a newer tputtui \(format 9; this one reads up to 1\)",
    ):
        Run(tmp_path / "b")
    assert (tmp_path / "b").read_bytes() == before


def test_unknown_fields_and_lines_are_ignored(tmp_path: Path) -> None:
    record(tmp_path / "a", 5)
    first, *rest = lines_of(tmp_path / "a")
    write_run(
        tmp_path / "b", [{"run": {**first["run"], "colour": "red"}}, {"weather": [1, 2]}, *rest]
    )
    with Run(tmp_path / "b") as run:
        assert len(list(run.ticks())) == 5
        assert run.damage == []


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"run":' + b"9" * 200_000 + b"}",
        b'{"run":{"tput":1}}',
        b"\xff\xfe",
    ],
    ids=["nested", "nested objects", "long number", "no header", "no text"],
)
def test_hostile_json_is_refused_quickly(tmp_path: Path, raw: bytes) -> None:
    body = raw[:-1] + b',"c":%d}' % zlib.crc32(raw) + b"\n"
    began = time.monotonic()
    with (
        pytest.raises(CorruptLineError)
        if raw != b'{"run":{"tput":1}}'
        else pytest.raises(ZeroDivisionError)
    ):
        container.parse_line(body[:-1]) and 1 / 0
    write_run(tmp_path / "x", body)
    with pytest.raises(NotARunError):
        Run(tmp_path / "x")
    assert time.monotonic() - began < 2.0


def test_a_bomb_is_refused_before_it_fills_memory(tmp_path: Path) -> None:
    member = MemberWriter(b"\0\1\2\3", 0, 0.0, 0.0)
    parts = [
        member.compress(b" " * 1024 * 1024) for _ in range(container.MEMBER_LIMIT // 1024**2 + 8)
    ]
    (tmp_path / "bomb").write_bytes(b"".join([*parts, member.finish()]))
    began = time.monotonic()
    with pytest.raises(NotARunError):
        Run(tmp_path / "bomb")
    assert time.monotonic() - began < 5.0


def test_a_mark_is_text_whatever_its_content(tmp_path: Path) -> None:
    record(tmp_path / "a", 3)
    first, *rest = lines_of(tmp_path / "a")
    hostile = "\x1b]0;x\x07[@click=app.quit]x[/red]\u202e"
    write_run(
        tmp_path / "b",
        [first, *rest[:-1], {"mark": {"time": 1.0, "at": 1001.0, "text": hostile}}, rest[-1]],
    )
    with Run(tmp_path / "b") as run:
        (mark,) = run.marks()
    assert isinstance(mark, Mark)
    assert mark.text.isprintable()


@pytest.mark.parametrize("what", ["folder", "fifo", "loop", "dangling", "zero", "sparse"])
def test_a_path_that_is_not_a_plain_file_is_a_sentence_at_once(tmp_path: Path, what: str) -> None:
    path = tmp_path / "x"
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what in ("loop", "dangling"):
        path.symlink_to(path if what == "loop" else tmp_path / "nowhere")
    elif what == "zero":
        path = Path("/dev/zero")
    else:
        with path.open("wb") as file:
            file.write(container.MAGIC)
            file.truncate(1024**4)
    began = time.monotonic()
    with pytest.raises(NotARunError):
        Run(path)
    assert time.monotonic() - began < 2.0


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_never_invent_a_value(tmp_path: Path, seed: int) -> None:
    path, bad = tmp_path / "a", tmp_path / "b"
    record(path, 130)
    with Run(path) as run:
        true = {tick.reading.at: str(tick.reading.scrapes) for tick in run.ticks()}
    chance = random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(chance.choice((1, 3, 20))):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    bad.write_bytes(content)
    try:
        with Run(bad) as run:
            by_time = {tick.reading.at: str(tick.reading.scrapes) for tick in run.ticks()}
            damage = list(run.damage)
    except NotARunError:
        return
    assert all(true.get(at) == scrapes for at, scrapes in by_time.items())
    assert by_time == true or damage or run.end_description


def test_a_json_line_carries_its_own_checksum() -> None:
    line = container.format_line({"mark": {"text": "x"}})
    assert container.parse_line(line[:-1])["mark"] == {"text": "x"}
    assert json.loads(line)["c"]
    with pytest.raises(CorruptLineError):
        container.parse_line(line[:-1].replace(b'"x"', b'"y"'))

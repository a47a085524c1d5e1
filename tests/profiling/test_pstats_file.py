from __future__ import annotations

import cProfile
import marshal
import sys
from pathlib import Path

import pytest

from tputtui.profiling.files import pstats_file
from tputtui.profiling.profile_model import UnreadableProfileError
from tputtui.text import clean


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def caller() -> None:
    fib(10)
    sorted(range(100), key=lambda n: -n)


@pytest.mark.skipif(sys.gettrace() is not None, reason="another profiler is at work")
def test_the_counts_of_cprofile_are_read(tmp_path: Path) -> None:
    profiler = cProfile.Profile()
    profiler.runcall(caller)
    profiler.dump_stats(tmp_path / "x.pstats")
    read = pstats_file.load(tmp_path / "x.pstats")
    functions = {called.func.name: called for called in read.functions}
    assert (functions["fib"].calls, functions["fib"].primitive_calls) == (177, 1)
    assert functions["fib"].func.file == str(Path(__file__))
    assert {caller.func.name: caller.calls for caller in functions["fib"].callers} == {
        "caller": 1,
        "fib": 176,
    }
    assert functions["<built-in method builtins.sorted>"].func.file == ""
    assert functions["caller"].total_s >= functions["fib"].total_s >= functions["fib"].self_s > 0
    assert read.total_s == pytest.approx(functions["caller"].total_s, rel=0.2)
    assert [called.self_s for called in read.functions] == sorted(
        (called.self_s for called in read.functions), reverse=True
    )


BROKEN = {
    "not marshal": b"hello",
    "empty": b"",
    "another value": marshal.dumps([1, 2]),
    "other keys": marshal.dumps({1: 2}),
    "wrong fields": marshal.dumps({("f", 1, "n"): ("a", "b", "c", "d", {})}),
    "no functions": marshal.dumps({}),
    "not a time": marshal.dumps({("f", 1, "n"): (1, 1, float("nan"), 1.0, {})}),
    "a forged length": b"\xfb\xff\xff\xff\x7f",
    "nested too deep": b"(\x01\x00\x00\x00" * 100_000,
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_is_a_sentence(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "x.pstats"
    path.write_bytes(data)
    with pytest.raises(UnreadableProfileError) as caught:
        pstats_file.load(path)
    assert str(caught.value) == clean(str(caught.value))


def test_hostile_names_are_cleaned(tmp_path: Path) -> None:
    path = tmp_path / "x.pstats"
    path.write_bytes(marshal.dumps({("/a\x1b]0;x\x07.py", 1, "f\n"): (1, 1, 0.5, 1.0, {})}))
    called = pstats_file.load(path).functions[0]
    assert (called.func.name, called.func.file) == ("f␊", "/a␛]0;x␇.py")

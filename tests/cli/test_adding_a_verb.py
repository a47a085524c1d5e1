"""Adding a verb takes one file and one row in the list: parser, help and exit code follow."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType

import pytest

from tputtui.cli import main, options
from tputtui.cli.output import print_stdout
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.verbs import VERBS, Verb, VerbEntry


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="whom to greet")
    parser.add_argument("--times", metavar="N", type=int, default=1, help="how often (1)")


def run(arguments: Arguments) -> int:
    if arguments.options.name == "nobody":
        raise UsageError("nobody is there")
    print_stdout("\n".join([f"hello {arguments.options.name}"] * arguments.options.times))
    return 7


@pytest.fixture
def greet(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("verb_of_a_test")
    vars(module)["VERB"] = Verb(add_options, run, (options.ASCII,), "That is all.")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(VERBS, "greet", VerbEntry("greet", module.__name__, "say hello"))


def test_a_verb_runs_once_it_is_in_the_list(
    capsys: pytest.CaptureFixture[str], greet: None
) -> None:
    assert main(["greet", "ann", "--times", "2"]) == 7
    assert capsys.readouterr() == ("hello ann\nhello ann\n", "")


def test_its_usage_error_is_one_line_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], greet: None
) -> None:
    assert main(["greet", "nobody"]) == 2
    assert capsys.readouterr() == ("", "tputtui: nobody is there\n")
    assert main(["greet"]) == 2
    assert "required: NAME; see tputtui greet --help" in capsys.readouterr().err


def test_its_help_and_its_line_in_the_list_of_verbs_follow(
    capsys: pytest.CaptureFixture[str], greet: None
) -> None:
    with pytest.raises(SystemExit):
        main(["greet", "--help"])
    printed = capsys.readouterr().out
    for text in ("usage: tputtui greet ", "Say hello.", "--times N", "--ascii", "That is all."):
        assert text in printed
    assert "--interval" not in printed
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "\n  greet      say hello\n" in capsys.readouterr().out


def test_without_its_row_the_name_is_not_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["greet", "ann"]) == 2
    assert "hello" not in capsys.readouterr().out

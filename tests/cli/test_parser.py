"""The command line: verbs, flags before and after them, and one-line errors."""

from __future__ import annotations

import pytest

from tputtui.cli.parser import UsageError, parse_arguments
from tputtui.cli.verbs import VERBS
from tputtui.settings import schema


def test_without_a_verb_arguments_are_targets() -> None:
    arguments = parse_arguments([":8000", "--interval", "2s", "api"])
    assert (arguments.verb, arguments.options.targets) == ("", [":8000", "api"])
    assert arguments.flags["interval"].value == "2s"


@pytest.mark.parametrize("verb", ["stream", "demo", "check", "discover"])
def test_common_flags_may_stand_before_the_verb(verb: str) -> None:
    arguments = parse_arguments(["--interval", "2s", "--ascii", verb])
    assert (arguments.verb, set(arguments.flags)) == (verb, {"interval", "ascii"})


def test_the_value_of_a_flag_is_not_read_as_a_verb() -> None:
    arguments = parse_arguments(["--theme", "demo", ":1"])
    assert (arguments.verb, arguments.flags["theme"].value) == ("", "demo")


def test_targets_and_flags_may_be_mixed() -> None:
    arguments = parse_arguments(["stream", ":1", "-n", "2", ":2", "--no-discover", ":3"])
    assert arguments.options.targets == [":1", ":2", ":3"]
    assert arguments.options.count == 2


def test_after_two_dashes_everything_is_a_target() -> None:
    assert parse_arguments(["--", "stream"]).options.targets == ["stream"]


def test_repeated_objectives_are_all_kept() -> None:
    flags = parse_arguments(["--objective", "p99<=1s", "--objective", "errors<=1%"]).flags
    assert flags["objectives"].value == ["p99<=1s", "errors<=1%"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--intervall", "1s"], 'unknown flag --intervall, did you mean "--interval"?'),
        (["demo", "--loud=3"], 'unknown flag --loud, did you mean "--load"?'),
        (
            ["--inter", "1s"],
            "unknown flag --inter",
        ),  # an abbreviation could change its meaning with a new flag
        (["stream", "-n", "0"], "not a whole number of at least 1"),
        (["stream", "-n", "-3"], "of at least 1"),
        (["stream", "-n", "１"], "whole number"),
        (["demo", "--load", "nan"], "above 0"),
        (["demo", "--load", "0"], "above 0"),
        (["demo", "--seconds", "soon"], "not a duration"),
        (["demo", "--add-latency", "20"], "T:MS"),
        (["demo", ":8000"], "one argument too many"),
        (["profile"], "required: PID"),
        (["profile", "init"], "neither a PID nor :PORT"),
        (["config"], "required"),
        (["config", "edit"], "choose from"),
        (["--interval"], "expected one argument"),
        (["--\x1b[31m"], "unknown flag --␛[31m"),
    ],
)
def test_a_mistake_is_a_one_line_error(argv: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_arguments(argv)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_verb_has_help(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as caught:
        parse_arguments([verb, "--help"] if verb else ["--help"])
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert "--config FILE" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_a_verb_offers_only_the_flags_that_apply_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    for verb, absent in (
        ("discover", {"--interval", "--window", "--by", "--theme", "--no-discover", "--read-only"}),
        ("config", {"--interval", "--theme", "--read-only"}),
        ("profile", {"--by", "--no-discover", "--read-only", "--objective"}),
        ("stream", {"--theme", "--no-mouse"}),
    ):
        with pytest.raises(SystemExit):
            parse_arguments([verb, "--help"])
        assert not absent & set(capsys.readouterr().out.split())


def test_every_flag_is_a_setting() -> None:
    argv = [
        "--interval",
        "1",
        "--window",
        "1",
        "--objective",
        "x",
        "--by",
        "x",
        "--no-discover",
        "--read-only",
    ]
    argv += ["--ascii", "--theme", "x", "--light", "--no-mouse"]
    assert set(parse_arguments(argv).flags) <= set(schema.options_by_key())
    assert len(parse_arguments(argv).flags) == 10

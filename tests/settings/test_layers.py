"""Defaults, file, environment, flags: the later source wins, and each value knows its origin."""

from __future__ import annotations

import dataclasses
import tomllib

import pytest

from tputtui.settings import (
    Limits,
    ProfilePreset,
    ProfileSettings,
    ProfileTrigger,
    Settings,
    schema,
)
from tputtui.settings.config_reader import ConfigFile, SettingsError
from tputtui.settings.setting_layers import FlagValue, load_settings

FILE = ConfigFile("/c.toml", {"interval": 2.0, "window": 20.0}, {"interval": 1, "window": 2})


def test_without_any_source_the_defaults_apply() -> None:
    settings = load_settings(None, {}, {})
    assert dataclasses.replace(settings, origins={}) == Settings()
    assert set(settings.origins.values()) == {"default"}


def test_a_later_source_wins_and_is_named() -> None:
    settings = load_settings(
        FILE,
        {"TPUTTUI_WINDOW": "30s", "TPUTTUI_INTERVAL": "3"},
        {"interval": FlagValue("--interval", "500ms")},
    )
    assert (settings.interval_s, settings.window_s) == (0.5, 30.0)
    assert settings.origins["interval"] == "flag --interval"
    assert settings.origins["window"] == "environment TPUTTUI_WINDOW"
    assert load_settings(FILE, {}, {}).origins["interval"] == "/c.toml:1"


def test_an_empty_variable_is_ignored() -> None:
    assert load_settings(None, {"TPUTTUI_INTERVAL": "", "NO_COLOR": ""}, {}) == load_settings(
        None, {}, {}
    )


def test_no_color_turns_colours_off_unless_a_setting_is_more_specific() -> None:
    assert load_settings(None, {"NO_COLOR": "1"}, {}).color is False
    assert load_settings(None, {"NO_COLOR": "1", "TPUTTUI_COLOR": "yes"}, {}).color is True


def test_a_terminal_without_utf8_means_ascii_and_a_flag_overrides_it() -> None:
    assert load_settings(None, {}, {}, "locale LANG=C").origins["ascii"] == "locale LANG=C"
    assert load_settings(None, {"TPUTTUI_ASCII": "no"}, {}, "locale LANG=C").ascii is False


def test_a_window_below_two_intervals_is_raised_and_that_is_reported() -> None:
    settings = load_settings(None, {}, {"interval": FlagValue("--interval", "8s")})
    assert settings.window_s == 16.0
    assert settings.notes == ("the window of 10 s is raised to 16 s: two intervals are the least",)
    assert "raised" in settings.origins["window"]


def test_all_bad_variables_and_flags_are_reported_together() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(
            None, {"TPUTTUI_LIMITS_BODY": "lots"}, {"interval": FlagValue("--interval", "0")}
        )
    assert [problem.source for problem in caught.value.problems] == [
        "--interval",
        "TPUTTUI_LIMITS_BODY",
    ]


def test_the_schema_s_defaults_are_the_dataclasses_defaults() -> None:
    preset, trigger = ProfilePreset(duration_s=10.0, rate_hz=100), ProfileTrigger(":1")
    for holder, options in (
        (Settings(), schema.SETTINGS),
        (ProfileSettings(), schema.PROFILE),
        (Limits(), schema.LIMITS),
        (preset, schema.PRESET),
        (trigger, schema.TRIGGER),
    ):
        for option in filter(lambda option: option.default, options):
            expected = option.value_type.read(tomllib.loads(f"x = {option.default}")["x"])
            assert getattr(holder, option.attribute) == expected, option.key


@pytest.mark.parametrize(
    ("expression", "doubted"),
    [
        ("p99<=250", True),
        ("p99<=1", True),
        ("p99<=0.25", False),
        ("p99<=250ms", False),
        ("p99<=2s", False),
        ("rps>=250", False),
    ],
)
def test_a_latency_in_seconds_that_looks_like_milliseconds_causes_a_warning(
    expression: str, doubted: bool
) -> None:
    notes = load_settings(None, {}, {"objectives": FlagValue("--objective", [expression])}).notes
    assert [note.startswith(f"{expression}: a bare number is seconds") for note in notes] == [
        True
    ] * doubted


def test_a_flag_s_text_becomes_a_value_of_the_right_type() -> None:
    environ = {
        "TPUTTUI_QUANTILES": "0.5, 0.999",
        "TPUTTUI_READ_ONLY": "yes",
        "TPUTTUI_PROFILE_RATE": "50",
    }
    settings = load_settings(None, environ, {"by": FlagValue("--by", "route,method")})
    assert (settings.quantiles, settings.read_only, settings.profile.rate_hz) == (
        (0.5, 0.999),
        True,
        50,
    )
    assert settings.by == ("route", "method")

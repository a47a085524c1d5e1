"""The schema as text: the page in docs/, and `config show`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace

from tputtui.scrape.address import redact
from tputtui.settings import Settings, TargetSettings, schema, settings_reference
from tputtui.settings.config_reader import Validators, parse_config
from tputtui.settings.setting_layers import FlagValue, load_settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_is_the_one_that_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == settings_reference.render_reference_page()


def test_every_option_has_its_line_on_the_page() -> None:
    for option in (
        *schema.SETTINGS,
        *schema.PROFILE,
        *schema.PRESET,
        *schema.TRIGGER,
        *schema.LIMITS,
        *schema.TARGET,
        *schema.BINDING,
    ):
        assert f"| `{option.key}` |" in settings_reference.render_reference_page()


def test_show_has_every_key_once_with_its_origin() -> None:
    rows = settings_reference.list_effective_settings(load_settings(None, {}, {}), redact)
    assert [row[0] for row in rows] == list(schema.options_by_key())
    assert {row[2] for row in rows} == {"default"}


def test_show_hides_secrets() -> None:
    target = TargetSettings(
        name="a", url="http://me:geheim@h:1/", headers={"Authorization": "Bearer geheim"}
    )
    shown = repr(
        settings_reference.list_effective_settings(
            Settings(targets=(target,), origins=load_settings(None, {}, {}).origins), redact
        )
    )
    assert "geheim" not in shown
    assert "***" in shown
    assert "geheim" not in repr(target)


def test_show_writes_values_with_their_units_and_as_the_config_would_read_them() -> None:
    rows = {
        key: value
        for key, value, _ in settings_reference.list_effective_settings(
            load_settings(None, {}, {}), redact
        )
    }
    assert (rows["interval"], rows["limits.body"], rows["limits.name"]) == (
        '"1s"',
        '"16MiB"',
        '"512B"',
    )
    for key, option in schema.options_by_key().items():
        read = option.value_type.read(tomllib.loads(f"x = {rows[key]}")["x"])
        assert (
            settings_reference.format_option(option, SimpleNamespace(**{option.attribute: read}))
            == rows[key]
        )
    short = load_settings(None, {}, {"interval": FlagValue("--interval", "250ms")})
    assert {
        key: value for key, value, _ in settings_reference.list_effective_settings(short, redact)
    }["interval"] == '"250ms"'


def test_show_distinguishes_set_and_unset_keys_of_a_table() -> None:
    text = '[profile.presets.deep]\nduration = "30s"\n\n[views.wide]\npanels = ["latency"]\n[keys]\nwindow = "x"\n'
    rows = settings_reference.list_effective_settings(
        load_settings(parse_config(text, "/etc/t.toml", Validators()), {}, {}), redact
    )
    origins = {key: origin for key, _, origin in rows}
    assert origins["profile.presets.deep.duration"] == "/etc/t.toml:2"
    assert origins["profile.presets.deep.native"] == "default"
    assert origins["views.wide.panels"] == "/etc/t.toml:5"
    assert origins["keys.window"] == "/etc/t.toml:7"

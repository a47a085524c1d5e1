"""Documents from the schema: a starter config, docs/configuration.md, the effective settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from tputtui.model import Match
from tputtui.settings import schema
from tputtui.settings.schema import Option
from tputtui.settings.setting_layers import DEFAULT
from tputtui.settings.settings_values import Settings, TargetSettings
from tputtui.text import clean

_INTRO = """\
# tputtui's settings. Every line is commented out and shows the default, or an example where there is none.
# tputtui reads this file from its place (`tputtui config path`) and never writes to it."""

_PAGE_INTRO = """\
# Configuration

This page is written by `make docs` from the program's own definitions (`tputtui/settings/schema.py`); a test compares
the two.

Settings come from four places; a later one wins: the defaults below, the config file, the environment, the flags.
`tputtui config show` prints each effective value with its origin, `tputtui config init` a commented file to start from.

The config file is TOML. It is the one that `--config FILE` names, else the one that `TPUTTUI_CONFIG` names, else
`$XDG_CONFIG_HOME/tputtui/config.toml` (`~/.config/tputtui/config.toml`); `tputtui config path` prints which. It is never
looked for in the folder you are in, is refused when another user owns it or everyone may write to it, and is never
written by the program. `/dev/null` means: none.

A mistake stops the program before anything is asked of a target: all mistakes are listed at once, with file, line and
key.

A setting of the first table, of `profile` and of `limits` can also be set by an environment variable: `TPUTTUI_` and
the key in capitals, a dot as an underscore (`TPUTTUI_WINDOW=30s`, `TPUTTUI_LIMITS_BODY=64MiB`); lists are comma
separated there. `NO_COLOR` turns colours off.

A duration is `"500ms"`, `"10s"`, `"2m"`, `"1h"`, or a number of seconds.
"""


def render_starter_config() -> str:
    """Render the output of `tputtui config init`: every key, commented out."""
    lines = [_INTRO, "", *_commented_options(schema.SETTINGS)]
    for title, options in (
        ("views.overview", schema.VIEW),
        ("profile", schema.PROFILE),
        ("profile.presets.deep", schema.PRESET),
        ("profile.on_objective_missed", schema.TRIGGER),
        ("limits", schema.LIMITS),
    ):
        lines += ["", f"# {_table_help(title)}", f"# [{title}]", *_commented_options(options)]
    for title, example in (
        ("profile.categories", 'database = ["sqlalchemy", "psycopg"]'),
        ("keys", 'profile = "p"'),
    ):
        lines += ["", f"# {schema.TABLE_HELP[title]}", f"# [{title}]", f"# {example}"]
    lines += [
        "",
        f"# {schema.TABLE_HELP['targets']}",
        "# [[targets]]",
        *_commented_options(schema.TARGET),
    ]
    for key, example in (
        ("headers", 'X-Team = "a"'),
        ("headers_file", 'X-Api-Key = "~/.secrets/key"'),
        ("headers_env", 'X-Api-Key = "API_KEY"'),
    ):
        lines += [
            "",
            f"# {schema.TABLE_HELP[f'targets.{key}']}",
            f"# [targets.{key}]",
            f"# {example}",
        ]
    lines += [
        "",
        f"# {schema.TABLE_HELP['targets.bindings']}",
        "# [targets.bindings.errors]",
        *_commented_options(schema.BINDING),
    ]
    return "\n".join(lines) + "\n"


def render_reference_page() -> str:
    """Render docs/configuration.md."""
    parts = [_PAGE_INTRO, _render_section("The first table", "", schema.SETTINGS)]
    parts.append(_render_section("`[[targets]]`", schema.TABLE_HELP["targets"], schema.TARGET))
    parts += [
        f"`[targets.{key}]`: {schema.TABLE_HELP[f'targets.{key}']}\n"
        for key in ("headers", "headers_file", "headers_env")
    ]
    signals = ", ".join(f"`{signal}`" for signal in schema.SIGNALS)
    binding = f"{schema.TABLE_HELP['targets.bindings']} One table each for {signals}; a text alone is the family."
    parts.append(_render_section("`[targets.bindings.SIGNAL]`", binding, schema.BINDING))
    parts.append(_render_section("`[views.NAME]`", schema.TABLE_HELP["views"], schema.VIEW))
    parts.append(_render_section("`[profile]`", schema.TABLE_HELP["profile"], schema.PROFILE))
    parts.append(
        _render_section(
            "`[profile.presets.NAME]`", schema.TABLE_HELP["profile.presets"], schema.PRESET
        )
    )
    trigger = "profile.on_objective_missed"
    parts.append(_render_section(f"`[{trigger}]`", schema.TABLE_HELP[trigger], schema.TRIGGER))
    parts += [
        f"## `[{title}]`\n\n{schema.TABLE_HELP[title]}\n"
        for title in ("profile.categories", "keys")
    ]
    parts.append(_render_section("`[limits]`", schema.TABLE_HELP["limits"], schema.LIMITS))
    return "\n".join(parts)


def list_effective_settings(
    settings: Settings, format_url: Callable[[str], str]
) -> list[tuple[str, str, str]]:
    """List (key, value as TOML, origin) of every setting; `format_url` redacts an address."""
    holders: Mapping[str, object] = {
        "": settings,
        "profile": settings.profile,
        "limits": settings.limits,
    }
    rows: list[tuple[str, str, str]] = []

    def within(key: str, value: str) -> tuple[str, str, str]:
        return (
            clean(key),
            value,
            settings.origins.get(key, DEFAULT),
        )  # what a table does not say is as usual

    for key, option in schema.options_by_key().items():
        rows.append(
            (key, format_option(option, holders[key.rpartition(".")[0]]), settings.origins[key])
        )
    for name, view in settings.views.items():
        options = [option for option in schema.VIEW if getattr(view, option.attribute)]
        rows += [within(f"views.{name}.{o.key}", format_option(o, view)) for o in options]
    rows += [within(f"keys.{name}", format_toml(key)) for name, key in settings.keys.items()]
    for name, preset in settings.profile.presets.items():
        rows += [
            within(f"profile.presets.{name}.{o.key}", format_option(o, preset))
            for o in schema.PRESET
        ]
    for name, modules in settings.profile.categories.items():
        rows.append(within(f"profile.categories.{name}", format_toml(modules)))
    if (trigger := settings.profile.on_objective_missed) is not None:
        options = [
            option for option in schema.TRIGGER if getattr(trigger, option.attribute) is not None
        ]
        rows += [
            within(f"profile.on_objective_missed.{o.key}", format_option(o, trigger))
            for o in options
        ]
    for index, target in enumerate((*settings.targets, *settings.servers), 1):
        rows += [
            (f"targets[{index}].{key}", value, settings.origins["targets"])
            for key, value in _list_target_settings(target, format_url)
        ]
    return rows


def format_toml(value: object) -> str:
    """Format a value as TOML, cleaned."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(format_toml(item) for item in value)}]"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value) if isinstance(value, int) else clean(json.dumps(value, ensure_ascii=False))


def format_option(option: Option, holder: object) -> str:
    """Format the value of an option in `holder` as TOML with its unit: "10s", "16MiB"."""
    value = getattr(holder, option.attribute)
    if option.value_type.unit == "s" and value is not None:
        return (
            f'"{format_toml(value)}s"'
            if value >= 1
            else f'"{format_toml(round(value * 1000, 6))}ms"'
        )
    if option.value_type.unit == "B" and value is not None:
        for length, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
            if value % length == 0:
                return f'"{value // length}{unit}"'
        return f'"{value}B"'
    return format_toml(value)


def format_matchers(matchers: Iterable[Match]) -> str:
    """Format label matchers as a user types them."""
    return ",".join(
        f"{matcher.label}{matcher.op}{json.dumps(matcher.value, ensure_ascii=False)}"
        for matcher in matchers
    )


def _list_target_settings(
    target: TargetSettings, format_url: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    for option in schema.TARGET:
        value = getattr(target, option.attribute)
        if option.key in ("url", "prometheus"):
            shown = format_toml(format_url(value)) if value else ""
        elif option.key == "match":
            shown = format_toml(format_matchers(target.match)) if target.match else ""
        else:
            shown = format_option(option, target) if value not in (None, False) else ""
        if shown:
            yield option.key, shown
    for key in ("headers_file", "headers_env"):
        for name, source in getattr(target, key).items():
            yield f"{key}.{clean(name)}", format_toml(source)
    for name in target.headers:
        yield f"headers.{clean(name)}", "***"  # it may be a secret
    for signal, override in target.bindings.items():
        for key, value in override.items():
            yield f"bindings.{signal}.{key}", format_toml(value)


def _table_help(title: str) -> str:
    return schema.TABLE_HELP[title.removesuffix(".deep").removesuffix(".overview")]


def _commented_options(options: Sequence[Option]) -> Iterator[str]:
    for option in options:
        yield f"# {option.key} = {option.example or option.default}  # {option.help}"


def _render_section(title: str, text: str, options: Sequence[Option]) -> str:
    lines = [f"## {title}", ""]
    if text:
        lines += [text, ""]
    lines += ["| key | what it is | allowed | default |", "|---|---|---|---|"]
    for option in options:
        default = f"`{option.default}`" if option.default else "–"
        allowed = option.value_type.allowed.replace("|", "\\|")
        lines.append(
            f"| `{option.key}` | {option.help.replace('|', chr(92) + '|')} | {allowed} | {default} |"
        )
    return "\n".join((*lines, ""))

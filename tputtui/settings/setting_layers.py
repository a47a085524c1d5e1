"""Merge of the sources of settings: defaults, then the config file, the environment, the flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tputtui.frozen import frozen
from tputtui.settings import schema
from tputtui.settings.config_reader import ConfigFile, ConfigProblem, SettingsError, Validators
from tputtui.settings.expressions import describe_doubtful_objective
from tputtui.settings.settings_values import (
    Limits,
    ProfilePreset,
    ProfileSettings,
    Settings,
    ViewSettings,
)
from tputtui.text import clean, format_duration

DEFAULT = "default"


@frozen
class FlagValue:
    """Value of a flag of the command line: its text, several texts, or a bool."""

    name: str  # as typed: "--interval"
    value: object


def load_settings(
    config: ConfigFile | None,
    environ: Mapping[str, str],
    flags: Mapping[str, FlagValue],
    ascii_reason: str = "",
    validators: Validators | None = None,
) -> Settings:
    """Merge the sources into the effective settings, the config's targets included.

    `flags` are by dotted key ("interval", "profile.rate"); `ascii_reason` is the reason why the
    terminal shows ASCII only, "" where it shows more. Raises SettingsError with all problems of
    variables and flags.
    """
    validators = validators or Validators()
    problems: list[ConfigProblem] = []
    options = schema.options_by_key()
    values: dict[str, Any] = {}
    origins: dict[str, str] = dict.fromkeys(
        (
            "targets",
            *options,
            "views",
            "keys",
            "profile.presets",
            "profile.categories",
            "profile.on_objective_missed",
        ),
        DEFAULT,
    )
    if ascii_reason:
        values["ascii"], origins["ascii"] = True, ascii_reason
    if config is not None:
        values |= config.values
        origins |= {key: config.origin(key) for key in (*config.lines, *config.values)}
    if environ.get("NO_COLOR"):
        values["color"], origins["color"] = False, "environment NO_COLOR"

    for key, option in options.items():
        name = schema.environment_variable(key)
        sources: list[tuple[str, object]] = [(f"environment {name}", environ.get(name) or None)]
        if key in flags:
            sources.append((f"flag {flags[key].name}", flags[key].value))
        for origin, source_value in sources:
            if source_value is None:
                continue
            try:
                values[key] = option.value_type.parse(source_value)
                origins[key] = origin
                if key == "theme":
                    validators.check_theme(values[key])
            except ValueError as error:
                problems.append(ConfigProblem(origin.partition(" ")[2], clean(str(error), 400)))
    if problems:
        raise SettingsError(problems)
    return _build_settings(values, origins)


def _build_settings(values: Mapping[str, Any], origins: dict[str, str]) -> Settings:
    notes: list[str] = []
    top = _fields(values, "", schema.SETTINGS)
    interval, window = top.get("interval_s", 1.0), top.get("window_s", 10.0)
    if window < 2 * interval:
        top["window_s"] = 2 * interval
        raised = format_duration(2 * interval)
        notes.append(
            f"the window of {format_duration(window)} is raised to {raised}: "
            "two intervals are the least"
        )
        origins["window"] += ", raised to two intervals"
    notes += filter(None, map(describe_doubtful_objective, top.get("objectives", ())))
    profile = ProfileSettings(
        **_fields(values, "profile.", schema.PROFILE),
        categories=values.get("profile.categories", {}),
        on_objective_missed=values.get("profile.on_objective_missed"),
    )
    plain = {"duration_s": profile.duration_s, "rate_hz": profile.rate_hz}
    presets = {
        name: ProfilePreset(**(plain | fields))
        for name, fields in values.get("profile.presets", {}).items()
    }
    return Settings(
        **top,
        targets=tuple(target for target in values.get("targets", ()) if not target.prometheus),
        servers=tuple(target for target in values.get("targets", ()) if target.prometheus),
        views={
            name: ViewSettings(**({"panels": top.get("panels", ())} | view))
            for name, view in values.get("views", {}).items()
        },
        keys=values.get("keys", {}),
        profile=replace(profile, presets=presets),
        limits=Limits(**_fields(values, "limits.", schema.LIMITS)),
        origins=origins,
        notes=tuple(notes),
    )


def _fields(
    values: Mapping[str, Any], prefix: str, options: tuple[schema.Option, ...]
) -> dict[str, Any]:
    return {
        option.attribute: values[prefix + option.key]
        for option in options
        if prefix + option.key in values
    }

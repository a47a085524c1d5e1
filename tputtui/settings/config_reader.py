"""Validators of settings from the rooms above: addresses, themes and keys."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tputtui.frozen import frozen
from tputtui.settings import schema, value_types
from tputtui.settings.schema import Option
from tputtui.settings.settings_values import ProfileTrigger, TargetSettings
from tputtui.settings.toml_positions import KeyPath, format_key, locate_keys
from tputtui.settings.value_types import ValueType
from tputtui.text import clean, did_you_mean


def _accept_text(_: str) -> object:
    return None


def _accept_keys(_: Mapping[str, str]) -> Mapping[str, str]:
    return {}


@frozen
class Validators:
    """Three validators; the default ones accept everything."""

    check_url: Callable[[str], object] = _accept_text
    """Validate an address. Raises ValueError with the reason."""
    check_theme: Callable[[str], object] = _accept_text
    """Validate a theme's name. Raises ValueError with the reason."""
    check_keys: Callable[[Mapping[str, str]], Mapping[str, str]] = _accept_keys
    """Validate a [keys] table: return a sentence for each action whose key is invalid."""


@frozen
class ConfigProblem:
    """One problem and its place; cleaned. `source` is a file, a flag or a variable."""

    source: str
    text: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{where}: {self.key}: {self.text}" if self.key else f"{where}: {self.text}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds all reasons."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@frozen
class ConfigFile:
    """Config file: its values by dotted key, and the lines of these and of nested keys."""

    file: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def origin(self, key: str) -> str:
        """Place in the file that sets a key: "config.toml:3"."""
        line = self.lines.get(key)
        return self.file if line is None else f"{self.file}:{line}"


def parse_config(
    text: str, file: str, validators: Validators, home: str | None = None
) -> ConfigFile:
    """Parse a config file's text.

    `file` is its absolute path: errors name it, and relative paths in the text start at its folder.
    Raises SettingsError with all problems.
    """
    shown = clean(file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax_problem(shown, str(error))]) from None
    except RecursionError:
        raise SettingsError([ConfigProblem(shown, "it is nested too deeply")]) from None
    reader = _ConfigParser(shown, locate_keys(text), posixpath.dirname(file), home, validators)
    values = reader.read_settings(data)
    if reader.problems:
        raise SettingsError(sorted(reader.problems, key=lambda problem: problem.line or 0))
    lines = {".".join(map(str, path)): line for path, line in reader.lines.items()}
    for key in values:
        line = reader.line_of(tuple(key.split(".")))
        if line is not None:
            lines[key] = line
    return ConfigFile(shown, values, lines)


def _syntax_problem(file: str, message: str) -> ConfigProblem:
    """Move the line out of tomllib's message, which ends with "(at line 3, column 7)"."""
    match = re.fullmatch(
        r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL
    )
    if match is None or match[2] is None:
        return ConfigProblem(
            file, f"not TOML: {clean(match[1] if match else message, 200)}, at the end of the file"
        )
    return ConfigProblem(
        file, f"not TOML: {clean(match[1], 200)}, in column {match[3]}", line=int(match[2])
    )


@dataclass
class _ConfigParser:
    """Parser of the tables of one file; it collects problems and continues."""

    file: str
    lines: Mapping[KeyPath, int]
    folder: str
    home: str | None
    validators: Validators
    problems: list[ConfigProblem] = field(default_factory=list)

    def line_of(self, path: KeyPath) -> int | None:
        """Line of a value; of the nearest table around it, where its own is not known."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def add_problem(self, path: KeyPath, text: str) -> None:
        self.problems.append(ConfigProblem(self.file, text, format_key(path), self.line_of(path)))

    # --------------------------------------------------------------------------------------- tables

    def read_settings(self, data: dict[str, Any]) -> dict[str, Any]:
        values = self.read_options(
            data, (), schema.SETTINGS, ("targets", "views", "keys", "profile", "limits")
        )
        if "targets" in data:
            values["targets"] = self.read_targets(data["targets"])
        if "views" in data:
            values["views"] = {
                name: self.read_fields(view, ("views", name), schema.VIEW)
                for name, view in self.read_table(data["views"], ("views",)).items()
            }
        if "keys" in data:
            values["keys"] = self.read_keys(data["keys"], ("keys",))
        if "theme" in values:
            self.validate(self.validators.check_theme, values["theme"], ("theme",))
        if "limits" in data:
            limits = self.read_options(data["limits"], ("limits",), schema.LIMITS)
            values |= {f"limits.{key}": value for key, value in limits.items()}
        if "profile" in data:
            values |= {
                f"profile.{key}": value for key, value in self.read_profile(data["profile"]).items()
            }
        return values

    def read_profile(self, data: object) -> dict[str, Any]:
        path: KeyPath = ("profile",)
        values = self.read_options(
            data, path, schema.PROFILE, ("presets", "categories", "on_objective_missed")
        )
        if not isinstance(data, dict):
            return values
        if "presets" in data:  # as fields: the effective [profile] fills in the others
            values["presets"] = {
                name: self.read_fields(preset, (*path, "presets", name), schema.PRESET)
                for name, preset in self.read_table(data["presets"], (*path, "presets")).items()
            }
        if "categories" in data:
            values["categories"] = self.read_mapping(
                data["categories"], (*path, "categories"), value_types.TEXTS
            )
            for name in set(values["categories"]) - set(schema.CATEGORIES):
                known = ", ".join(schema.CATEGORIES)
                self.add_problem(
                    (*path, "categories", name),
                    f"no kind of work{did_you_mean(name, schema.CATEGORIES)}; there are: {known}",
                )
        if "on_objective_missed" in data:
            at: KeyPath = (*path, "on_objective_missed")
            values["on_objective_missed"] = self.read_trigger(
                data["on_objective_missed"], at, values.get("presets", {})
            )
        return values

    def read_trigger(
        self, data: object, path: KeyPath, presets: Mapping[str, object]
    ) -> ProfileTrigger | None:
        values = self.read_fields(data, path, schema.TRIGGER)
        preset = values.get("preset")
        if preset is not None and preset not in presets:
            known = ": there is no [profile.presets]"
            if presets:
                known = f"; there are {', '.join(presets)}"
            self.add_problem(
                (*path, "preset"), f"no preset {value_types.quote_value(preset)}{clean(known, 200)}"
            )
        if isinstance(data, dict) and "process" not in data:
            self.add_problem(path, 'which process? process = ":8000" is the one that listens there')
        return ProfileTrigger(**values) if "process" in values else None

    def read_keys(self, data: object, path: KeyPath) -> dict[str, str]:
        keys = self.read_mapping(data, path, value_types.TEXT)
        for name, complaint in self.validators.check_keys(keys).items():
            self.add_problem((*path, name), clean(complaint, 300))
        return keys

    def read_targets(self, data: object) -> tuple[TargetSettings, ...]:
        if not isinstance(data, list):
            self.add_problem(("targets",), "each target is a table of its own, headed [[targets]]")
            return ()
        targets: list[TargetSettings] = []
        names: dict[str, int] = {}
        for index, entry in enumerate(data):
            path: KeyPath = ("targets", index)
            target = self.read_target(entry, path)
            if target.name is not None and names.setdefault(target.name, index) != index:
                other = f"targets[{names[target.name] + 1}]"
                problem = f"{value_types.quote_value(target.name)} is the name of {other}, too"
                self.add_problem((*path, "name"), problem)
            targets.append(target)
        return tuple(targets)

    def read_target(self, data: object, path: KeyPath) -> TargetSettings:
        values = self.read_fields(
            data, path, schema.TARGET, ("headers", "headers_file", "headers_env", "bindings")
        )
        if not isinstance(data, dict):
            return TargetSettings()
        if "headers" in data:
            values["headers"] = self.read_mapping(
                data["headers"], (*path, "headers"), value_types.HEADER
            )
        if "headers_file" in data:
            values["headers_file"] = self.read_mapping(
                data["headers_file"], (*path, "headers_file"), value_types.FILE
            )
        if "headers_env" in data:
            values["headers_env"] = self.read_mapping(
                data["headers_env"], (*path, "headers_env"), value_types.VARIABLE
            )
        if "bindings" in data:
            values["bindings"] = self.read_bindings(data["bindings"], (*path, "bindings"))
        for key in ("url", "prometheus"):
            if key in values:
                self.validate(self.validators.check_url, values[key], (*path, key))
        if "url" not in data and "prometheus" not in data:
            self.add_problem(path, 'a target needs a url, such as url = "127.0.0.1:8000"')
        self.check_combinations(values, path)
        return TargetSettings(**values)

    def validate(self, validator: Callable[[str], object], text: str, path: KeyPath) -> None:
        """Add a problem where a validator does not accept a text."""
        try:
            validator(text)
        except ValueError as error:
            self.add_problem(path, clean(str(error), 300))

    def check_combinations(self, values: Mapping[str, Any], path: KeyPath) -> None:
        """Add a problem for keys that exclude each other, and for those that need another one."""
        for kind in ("password", "token"):
            if f"{kind}_file" in values and f"{kind}_env" in values:
                self.add_problem(
                    (*path, f"{kind}_env"), f"{kind}_file says it already: keep one of the two"
                )
        has_password = "password_file" in values or "password_env" in values
        if has_password and "username" not in values:
            self.add_problem(path, "a password needs its username")
        if has_password and ("token_file" in values or "token_env" in values):
            self.add_problem(path, "a password and a token exclude each other")
        if "url" in values and "prometheus" in values:
            self.add_problem(
                (*path, "prometheus"), "url says where to ask already: keep one of the two"
            )
        if "match" in values and "prometheus" not in values:
            self.add_problem(
                (*path, "match"), "it chooses what to take from a server: prometheus names one"
            )
        if "key_file" in values and "cert_file" not in values:
            self.add_problem((*path, "key_file"), "a key needs its certificate: cert_file")

    def read_bindings(self, data: object, path: KeyPath) -> dict[str, dict[str, Any]]:
        values: dict[str, dict[str, Any]] = {}
        for signal, entry in self.read_table(data, path).items():
            at: KeyPath = (*path, signal)
            if signal not in schema.SIGNALS:
                known = ", ".join(schema.SIGNALS)
                self.add_problem(
                    at, f"unknown signal{did_you_mean(signal, schema.SIGNALS)}; known are {known}"
                )
            elif isinstance(entry, str):  # the metric's name alone
                values[signal] = self.read_fields({"family": entry}, at, schema.BINDING)
            else:
                values[signal] = self.read_fields(entry, at, schema.BINDING)
        return values

    # --------------------------------------------------------------------------------------- values

    def read_table(self, data: object, path: KeyPath) -> dict[str, Any]:
        if isinstance(data, dict):
            return data
        self.add_problem(path, f"{value_types.quote_value(data)} is not a table")
        return {}

    def read_options(
        self, data: object, path: KeyPath, options: Sequence[Option], tables: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Valid values of a table, by key; `tables` are keys that are read elsewhere."""
        known = {option.key: option for option in options}
        values: dict[str, Any] = {}
        for key, entry in self.read_table(data, path).items():
            if key in tables:
                continue
            if key not in known:
                keys = (*known, *tables)
                hint = did_you_mean(key, keys) or f"; known are {', '.join(keys)}"
                self.add_problem((*path, key), f"unknown key{hint}")
                continue
            value = self.read_value(entry, (*path, key), known[key].value_type)
            if value is not None:
                values[key] = value
        return values

    def read_fields(
        self, data: object, path: KeyPath, options: Sequence[Option], tables: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Like `read_options`, by the names of the dataclass's fields."""
        names = {option.key: option.attribute for option in options}
        return {
            names[key]: value
            for key, value in self.read_options(data, path, options, tables).items()
        }

    def read_mapping(self, data: object, path: KeyPath, value_type: ValueType) -> dict[str, Any]:
        read = {
            key: self.read_value(entry, (*path, key), value_type)
            for key, entry in self.read_table(data, path).items()
        }
        return {key: value for key, value in read.items() if value is not None}

    def read_value(self, data: object, path: KeyPath, value_type: ValueType) -> Any:
        """Read a value; None, and a problem, where it is invalid."""
        try:
            value = value_type.read(data)
        except ValueError as error:
            self.add_problem(path, clean(str(error), 400))
            return None
        return self.absolute_path(str(value)) if value_type is value_types.FILE else value

    def absolute_path(self, path: str) -> str:
        if path.startswith("~/") and self.home:
            return posixpath.join(self.home, path[2:])
        return posixpath.join(self.folder, path)

"""A config file's text, read with all its errors at once: file, line, key, value, what is allowed, did-you-mean."""

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
from tputtui.settings.toml_positions import Path, dotted, locate
from tputtui.settings.validators import Validators
from tputtui.settings.value_types import ValueType
from tputtui.text import clean, did_you_mean


@frozen
class ConfigProblem:
    """One thing that is wrong, and where; cleaned. `source` is a file, a flag or a variable."""

    source: str
    text: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        where = self.source if self.line is None else f"{self.source}:{self.line}"
        return f"{where}: {self.key}: {self.text}" if self.key else f"{where}: {self.text}"


class SettingsError(Exception):
    """The settings cannot be used; `problems` holds all that is wrong with them."""

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@frozen
class ConfigFile:
    """A config file that was read. `values` holds what it sets by dotted key, `lines` where that and all within it stand."""

    file: str
    values: Mapping[str, Any] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def origin(self, key: str) -> str:
        """Where the file sets a key: "config.toml:3"."""
        line = self.lines.get(key)
        return self.file if line is None else f"{self.file}:{line}"


def read(text: str, file: str, outside: Validators, home: str | None = None) -> ConfigFile:
    """Read a config file's text.

    `file` is its absolute path: it names it in errors, and relative paths in it start at its folder. Raises SettingsError
    with all problems.
    """
    shown = clean(file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax(shown, str(error))]) from None
    except RecursionError:
        raise SettingsError([ConfigProblem(shown, "it is nested too deeply")]) from None
    reader = _Reader(shown, locate(text), posixpath.dirname(file), home, outside)
    values = reader.settings(data)
    if reader.problems:
        raise SettingsError(sorted(reader.problems, key=lambda problem: problem.line or 0))
    lines = {".".join(map(str, path)): line for path, line in reader.lines.items()}
    lines |= {key: line for key in values if (line := reader.line((*key.split("."),))) is not None}
    return ConfigFile(shown, values, lines)


def _syntax(file: str, message: str) -> ConfigProblem:
    """In tomllib's words "… (at line 3, column 7)" ends the message: the line goes where lines stand."""
    found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", message, re.DOTALL)
    if found is None or found[2] is None:
        return ConfigProblem(file, f"not TOML: {clean(found[1] if found else message, 200)}, at the end of the file")
    return ConfigProblem(file, f"not TOML: {clean(found[1], 200)}, in column {found[3]}", line=int(found[2]))


@dataclass
class _Reader:
    """Walks the tables of one file and gathers problems as it goes."""

    file: str
    lines: Mapping[Path, int]
    folder: str
    home: str | None
    outside: Validators
    problems: list[ConfigProblem] = field(default_factory=list)

    def line(self, path: Path) -> int | None:
        """The line of a value; of the nearest table around it, where it is not known itself."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def complain(self, path: Path, text: str) -> None:
        self.problems.append(ConfigProblem(self.file, text, dotted(path), self.line(path)))

    # ------------------------------------------------------------------------------------------------ tables

    def settings(self, data: dict[str, Any]) -> dict[str, Any]:
        values = self.options(data, (), schema.SETTINGS, ("targets", "views", "keys", "profile", "limits"))
        if "targets" in data:
            values["targets"] = self.targets(data["targets"])
        if "views" in data:
            values["views"] = {
                name: self.fields(view, ("views", name), schema.VIEW)
                for name, view in self.table(data["views"], ("views",)).items()
            }
        if "keys" in data:
            values["keys"] = self.keys(data["keys"], ("keys",))
        if "theme" in values:
            self.ask(self.outside.theme, values["theme"], ("theme",))
        if "limits" in data:
            limits = self.options(data["limits"], ("limits",), schema.LIMITS)
            values |= {f"limits.{key}": value for key, value in limits.items()}
        if "profile" in data:
            values |= {f"profile.{key}": value for key, value in self.profile(data["profile"]).items()}
        return values

    def profile(self, data: object) -> dict[str, Any]:
        path: Path = ("profile",)
        values = self.options(data, path, schema.PROFILE, ("presets", "categories", "on_objective_missed"))
        if not isinstance(data, dict):
            return values
        if "presets" in data:  # as fields: what a preset does not name, the effective [profile] says
            values["presets"] = {
                name: self.fields(preset, (*path, "presets", name), schema.PRESET)
                for name, preset in self.table(data["presets"], (*path, "presets")).items()
            }
        if "categories" in data:
            values["categories"] = self.mapping(data["categories"], (*path, "categories"), value_types.TEXTS)
            for name in set(values["categories"]) - set(schema.CATEGORIES):
                known = ", ".join(schema.CATEGORIES)
                self.complain(
                    (*path, "categories", name),
                    f"no kind of work{did_you_mean(name, schema.CATEGORIES)}; there are: {known}",
                )
        if "on_objective_missed" in data:
            at: Path = (*path, "on_objective_missed")
            values["on_objective_missed"] = self.trigger(data["on_objective_missed"], at, values.get("presets", {}))
        return values

    def trigger(self, data: object, path: Path, presets: Mapping[str, object]) -> ProfileTrigger | None:
        values = self.fields(data, path, schema.TRIGGER)
        preset = values.get("preset")
        if preset is not None and preset not in presets:
            there = f"; there are {', '.join(presets)}" if presets else ": there is no [profile.presets]"
            self.complain((*path, "preset"), f"no preset {value_types.show(preset)}{clean(there, 200)}")
        if isinstance(data, dict) and "process" not in data:
            self.complain(path, 'which process? process = ":8000" is the one that listens there')
        return ProfileTrigger(**values) if "process" in values else None

    def keys(self, data: object, path: Path) -> dict[str, str]:
        keys = self.mapping(data, path, value_types.TEXT)
        for name, complaint in self.outside.keys(keys).items():
            self.complain((*path, name), clean(complaint, 300))
        return keys

    def targets(self, data: object) -> tuple[TargetSettings, ...]:
        if not isinstance(data, list):
            self.complain(("targets",), "each target is a table of its own, headed [[targets]]")
            return ()
        targets: list[TargetSettings] = []
        names: dict[str, int] = {}
        for index, entry in enumerate(data):
            path: Path = ("targets", index)
            target = self.target(entry, path)
            if target.name is not None and names.setdefault(target.name, index) != index:
                self.complain(
                    (*path, "name"),
                    f"{value_types.show(target.name)} is the name of targets[{names[target.name] + 1}], too",
                )
            targets.append(target)
        return tuple(targets)

    def target(self, data: object, path: Path) -> TargetSettings:
        values = self.fields(data, path, schema.TARGET, ("headers", "headers_file", "headers_env", "bindings"))
        if not isinstance(data, dict):
            return TargetSettings()
        if "headers" in data:
            values["headers"] = self.mapping(data["headers"], (*path, "headers"), value_types.HEADER)
        if "headers_file" in data:
            values["headers_file"] = self.mapping(data["headers_file"], (*path, "headers_file"), value_types.FILE)
        if "headers_env" in data:
            values["headers_env"] = self.mapping(data["headers_env"], (*path, "headers_env"), value_types.VARIABLE)
        if "bindings" in data:
            values["bindings"] = self.bindings(data["bindings"], (*path, "bindings"))
        for key in ("url", "prometheus"):
            if key in values:
                self.ask(self.outside.url, values[key], (*path, key))
        if "url" not in data and "prometheus" not in data:
            self.complain(path, 'a target needs a url, such as url = "127.0.0.1:8000"')
        self.pairs(values, path)
        return TargetSettings(**values)

    def ask(self, question: Callable[[str], object], text: str, path: Path) -> None:
        """Complain where the rooms above do not accept a text."""
        try:
            question(text)
        except ValueError as error:
            self.complain(path, clean(str(error), 300))

    def pairs(self, values: Mapping[str, Any], path: Path) -> None:
        """What only makes sense together, or not together."""
        for kind in ("password", "token"):
            if f"{kind}_file" in values and f"{kind}_env" in values:
                self.complain((*path, f"{kind}_env"), f"{kind}_file says it already: keep one of the two")
        has_password = "password_file" in values or "password_env" in values
        if has_password and "username" not in values:
            self.complain(path, "a password needs its username")
        if has_password and ("token_file" in values or "token_env" in values):
            self.complain(path, "a password and a token exclude each other")
        if "url" in values and "prometheus" in values:
            self.complain((*path, "prometheus"), "url says where to ask already: keep one of the two")
        if "match" in values and "prometheus" not in values:
            self.complain((*path, "match"), "it chooses what to take from a server: prometheus names one")
        if "key_file" in values and "cert_file" not in values:
            self.complain((*path, "key_file"), "a key needs its certificate: cert_file")

    def bindings(self, data: object, path: Path) -> dict[str, dict[str, Any]]:
        values: dict[str, dict[str, Any]] = {}
        for signal, entry in self.table(data, path).items():
            at: Path = (*path, signal)
            if signal not in schema.SIGNALS:
                known = ", ".join(schema.SIGNALS)
                self.complain(at, f"unknown signal{did_you_mean(signal, schema.SIGNALS)}; known are {known}")
            elif isinstance(entry, str):  # the metric's name alone
                values[signal] = self.fields({"family": entry}, at, schema.BINDING)
            else:
                values[signal] = self.fields(entry, at, schema.BINDING)
        return values

    # ------------------------------------------------------------------------------------------------ values

    def table(self, data: object, path: Path) -> dict[str, Any]:
        if isinstance(data, dict):
            return data
        self.complain(path, f"{value_types.show(data)} is not a table")
        return {}

    def options(
        self, data: object, path: Path, options: Sequence[Option], tables: Sequence[str] = ()
    ) -> dict[str, Any]:
        """The good values of a table, by key; `tables` are keys that somebody else reads."""
        known = {option.key: option for option in options}
        values: dict[str, Any] = {}
        for key, entry in self.table(data, path).items():
            if key in tables:
                continue
            if key not in known:
                there = (*known, *tables)
                self.complain(
                    (*path, key), f"unknown key{did_you_mean(key, there) or '; known are ' + ', '.join(there)}"
                )
                continue
            value = self.value(entry, (*path, key), known[key].kind)
            if value is not None:
                values[key] = value
        return values

    def fields(self, data: object, path: Path, options: Sequence[Option], tables: Sequence[str] = ()) -> dict[str, Any]:
        """Like `options`, by the names of the dataclass's fields."""
        names = {option.key: option.attribute for option in options}
        return {names[key]: value for key, value in self.options(data, path, options, tables).items()}

    def mapping(self, data: object, path: Path, kind: ValueType) -> dict[str, Any]:
        read = {key: self.value(entry, (*path, key), kind) for key, entry in self.table(data, path).items()}
        return {key: value for key, value in read.items() if value is not None}

    def value(self, data: object, path: Path, kind: ValueType) -> Any:
        """The value, or None where it is bad; what is bad is complained of."""
        try:
            value = kind.read(data)
        except ValueError as error:
            self.complain(path, clean(str(error), 400))
            return None
        return self.absolute(str(value)) if kind is value_types.FILE else value

    def absolute(self, path: str) -> str:
        if path.startswith("~/") and self.home:
            return posixpath.join(self.home, path[2:])
        return posixpath.join(self.folder, path)

"""Effective settings of one call: config file, environment and flags merged, targets named.

Targets may be in a file in Prometheus' file_sd_configs format: JSON, a list of groups with targets
and labels.
"""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from tputtui.cli import config_file, user_files
from tputtui.cli.output import ascii_reason
from tputtui.cli.parser import Arguments, UsageError
from tputtui.cli.verbs import VERBS
from tputtui.frozen import frozen
from tputtui.settings import Settings, TargetSettings
from tputtui.settings.config_reader import ConfigFile, ConfigProblem, SettingsError
from tputtui.settings.expressions import parse_matchers
from tputtui.settings.setting_layers import FlagValue, load_settings
from tputtui.settings.validators import Validators
from tputtui.text import clean, did_you_mean
from tputtui.text.redaction import redact_text, redact_url

if TYPE_CHECKING:
    from tputtui.scrape.address import Address


_MAX_BYTES = 16 * 1024 * 1024


def read_targets(path: str) -> tuple[TargetSettings, ...]:
    """Read the targets of one file.

    `__scheme__`, `__metrics_path__` and `__param_…` complete them, `job` is their service. Raises
    UsageError with a sentence.
    """
    import json  # imported lazily: few starts need it

    shown = clean(path, 200)
    try:
        content, _ = user_files.read(path, _MAX_BYTES)
    except user_files.UnreadableFileError as error:
        raise UsageError(f"{shown}: {error}") from None
    try:
        groups = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{shown} is not JSON: {clean(str(error), 120)}") from None
    if not isinstance(groups, list):
        raise UsageError(f'{shown}: a list of groups is expected, [{{"targets": ["host:port"]}}]')
    return tuple(
        target
        for index, group in enumerate(groups, 1)
        for target in _parse_group(group, f"{shown}: group {index}")
    )


def _parse_group(group: Any, context: str) -> list[TargetSettings]:
    from tputtui.scrape.address import parse_address

    addresses = group.get("targets") if isinstance(group, dict) else None
    labels = group.get("labels", {}) if isinstance(group, dict) else None
    if not isinstance(addresses, list) or not isinstance(labels, dict):
        raise UsageError(f'{context}: "targets" is a list of "host:port", "labels" a table')
    scheme, path = (
        str(labels.get("__scheme__", "http")),
        str(labels.get("__metrics_path__", "/metrics")),
    )
    job = labels.get("job")
    parameters = {
        name.removeprefix("__param_"): str(value)
        for name, value in labels.items()
        if name.startswith("__param_")
    }
    query = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
    targets: list[TargetSettings] = []
    for address in addresses:
        url = f"{scheme}://{address}{path if path.startswith('/') else '/' + path}{query}"
        try:
            parse_address(url)
        except ValueError as error:
            raise UsageError(f"{context}: {clean(str(error), 200)}") from None
        targets.append(
            TargetSettings(
                url=url, service=clean(job, 200) if isinstance(job, str) and job else None
            )
        )
    return targets


_LOCALHOST = re.compile(r"^(https?://)localhost(?=[:/])")


@frozen
class EffectiveSettings:
    """Settings with the path of the config file (None: no file)."""

    settings: Settings
    location: config_file.ConfigLocation | None


def effective_settings(
    arguments: Arguments, environ: Mapping[str, str] = os.environ
) -> EffectiveSettings:
    """Read the config file and merge all sources.

    Targets on the command line replace those of the config. Raises UsageError, and SettingsError
    with all problems.
    """
    place = config_file.config_location(arguments.options.config, environ)
    settings, warnings = _load_settings(place, environ, arguments.flags)
    target_arguments = getattr(arguments.options, "targets", [])
    files = getattr(arguments.options, "targets_from", [])
    addresses = getattr(arguments.options, "prometheus", [])
    targets, servers, origins = settings.targets, settings.servers, dict(settings.origins)
    if target_arguments or files or addresses:
        servers = tuple(_resolve_server(argument, settings.servers) for argument in addresses)
        named = [_resolve_target(argument, settings.targets) for argument in target_arguments]
        targets = (*named, *(target for file in files for target in read_targets(file)))
        origins["targets"] = "command line"
    servers = _with_match(servers, getattr(arguments.options, "match", None))
    _learn_secrets((*targets, *servers))
    targets, renamed = name_targets(targets)
    servers, more = name_targets(servers)
    renamed = (*renamed, *more)
    notes = (*settings.notes, *warnings, *renamed)
    return EffectiveSettings(
        replace(settings, targets=targets, servers=servers, origins=origins, notes=notes), place
    )


def _load_settings(
    location: config_file.ConfigLocation | None,
    environ: Mapping[str, str],
    flags: Mapping[str, FlagValue],
) -> tuple[Settings, tuple[str, ...]]:
    """Load the settings without the targets of the command line.

    Raises SettingsError with the problems of all sources.
    """
    outside = Validators(_check_address, _theme_check(environ), _check_keys)
    problems: list[ConfigProblem] = []
    config: ConfigFile | None = None
    warnings: tuple[str, ...] = ()
    try:
        config, warnings = config_file.load_config(location, environ, outside)
    except SettingsError as error:
        problems += error.problems
    try:
        settings = load_settings(
            config, environ, flags, ascii_reason(environ, sys.flags.utf8_mode), outside
        )
    except SettingsError as error:
        problems += error.problems
    if problems:
        raise SettingsError(problems)
    return settings, warnings


def _check_address(text: str) -> None:
    from tputtui.scrape.address import parse_address

    parse_address(text)


def _theme_check(environ: Mapping[str, str]) -> Callable[[str], object]:
    def check(name: str) -> None:
        from tputtui.tui import theme_files

        theme_files.check_theme(name, environ)

    return check


def _check_keys(keys: Mapping[str, str]) -> Mapping[str, str]:
    from tputtui.tui.keys import check_remapped

    return check_remapped(keys)


def _resolve_target(argument: str, configured: Sequence[TargetSettings]) -> TargetSettings:
    """Resolve an argument to a target: a name in the config, else an address."""
    from tputtui.scrape.address import parse_address

    for target in configured:
        if target.name == argument:
            return target
    if re.fullmatch(r"[\w.-]+", argument):
        names = [target.name for target in configured if target.name]
        hint = did_you_mean(argument, [*names, *VERBS])
        shown = clean(argument, 60)
        known = f" (it has {clean(', '.join(names), 100)})" if names else ""
        rest = hint or f"{known}; a host needs its port: {shown}:PORT"
        raise UsageError(f'"{shown}" is no verb and no target of the config file{rest}')
    try:
        parse_address(argument)
    except ValueError as error:
        raise UsageError(clean(str(error), 300)) from None
    return TargetSettings(url=argument)


def _learn_secrets(targets: Iterable[TargetSettings]) -> None:
    """Hide the targets' secrets in every text, before any text is written."""
    secretive = [target for target in targets if _has_secrets(target)]
    if secretive:
        # Imported lazily: few starts need it before the first paint
        from tputtui.scrape.endpoint import learn_secrets

        for target in secretive:
            learn_secrets(target)


def _has_secrets(target: TargetSettings) -> bool:
    sources = (target.password_file, target.password_env, target.token_file, target.token_env)
    headers = target.headers or target.headers_file or target.headers_env
    return bool(any(sources) or headers or any(mark in target.address for mark in "@?"))


def _resolve_server(argument: str, configured: Sequence[TargetSettings]) -> TargetSettings:
    """Resolve an argument to a server: a name in the config, else an address."""
    for server in configured:
        if server.name == argument:
            return server
    return TargetSettings(prometheus=_resolve_target(argument, ()).url)


def _with_match(
    servers: Sequence[TargetSettings], selector: str | None
) -> tuple[TargetSettings, ...]:
    """Return the servers with the command line's selector applied."""
    if selector is None:
        return tuple(servers)
    if not servers:
        raise UsageError("--match chooses what to take from a server: --prometheus URL names one")
    try:
        match = parse_matchers(selector)
    except ValueError as error:
        raise UsageError(f"--match: {clean(str(error), 200)}") from None
    return tuple(replace(server, match=match) for server in servers)


def name_targets(
    targets: Iterable[TargetSettings],
) -> tuple[tuple[TargetSettings, ...], tuple[str, ...]]:
    """Deduplicate targets and give each a unique name; also return a sentence for each duplicate.

    A name is the config's, else host:port, else as much of the address as distinguishes it. It does
    not depend on the order of the targets, because recordings identify targets by it. It contains
    no secret; where addresses differ in secrets only, the second and later ones are NAME#2, NAME#3,
    in their order.
    """
    from tputtui.scrape.address import parse_address

    kept: dict[tuple[object, ...], tuple[TargetSettings, Address]] = {}
    twice: list[str] = []
    for target in targets:
        address = parse_address(target.address)
        same = (
            _LOCALHOST.sub(r"\g<1>127.0.0.1", address.url),
            address.username,
            target.match,
            target.tenant,
        )
        if same in kept:
            first = kept[same][1].url
            also = "" if address.url == first else f" (as {redact_url(address.url)}, too)"
            twice.append(f"{redact_url(first)} is named twice{also} and counts once")
        else:
            kept[same] = target, address
    taken = {target.name for target, _ in kept.values() if target.name}
    unnamed = {_candidate_names(address) for target, address in kept.values() if not target.name}
    counts = [Counter(spelling) for spelling in zip(*unnamed, strict=True)]
    used: set[str] = set()
    names: dict[tuple[object, ...], str] = {}
    # The address without credentials gets the name without a number, whatever the order.
    for key, (target, address) in sorted(kept.items(), key=lambda item: bool(item[1][1].username)):
        base = redact_text(target.name) if target.name else _name(address, counts, taken)
        name, number = base, 2
        while name in used or (name in taken and name != target.name):
            name, number = f"{base}#{number}", number + 1
        used.add(name)
        names[key] = name
    return tuple(replace(target, name=names[same]) for same, (target, _) in kept.items()), tuple(
        twice
    )


def _name(address: Address, counts: Sequence[Counter[str]], taken: Container[str]) -> str:
    """Return the shortest spelling that no other address has."""
    own = _candidate_names(address)
    free = (
        name
        for name, count in zip(own, counts, strict=True)
        if count[name] == 1 and name not in taken
    )
    return next(free, own[-1])


def _candidate_names(address: Address) -> tuple[str, ...]:
    """Return candidate names of an address without secrets, shortest first; not necessarily
    unique.
    """
    from tputtui.scrape.address import host_and_port

    shown = redact_url(address.url)
    path = shown.partition("://")[2].partition("/")[2]
    host = host_and_port(shown)
    return host, f"{host}/{path.partition('?')[0]}", f"{host}/{path}", shown

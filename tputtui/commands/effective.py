"""The effective settings of one call: the config file, the environment and the flags together, targets named."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from tputtui.commands import configfile, filesd
from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.terminal import why_ascii
from tputtui.settings import Settings, TargetSettings
from tputtui.settings.expressions import parse_matchers
from tputtui.settings.layers import load
from tputtui.text import clean, did_you_mean


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings, and where the config file is (None: nowhere)."""

    settings: Settings
    place: configfile.Place | None


def effective(arguments: Arguments, environ: Mapping[str, str] = os.environ) -> Effective:
    """Read the config file and lay everything together.

    Targets of the command line stand in place of the config's. Raises UsageError, and SettingsError with all problems.
    """
    place = configfile.place(arguments.options.config, environ)
    config, warnings = configfile.load(place, environ)
    settings = load(config, environ, arguments.flags, why_ascii(environ, sys.flags.utf8_mode))
    words = getattr(arguments.options, "targets", [])
    files = getattr(arguments.options, "targets_from", [])
    addresses = getattr(arguments.options, "prometheus", [])
    targets, servers, origins = settings.targets, settings.servers, dict(settings.origins)
    if words or files or addresses:
        servers = tuple(_server(word, settings.servers) for word in addresses)
        named = [_asked(word, settings.targets) for word in words]
        targets = (*named, *(target for file in files for target in filesd.read(file)))
        origins["targets"] = "command line"
    servers = _matched(servers, getattr(arguments.options, "match", None))
    targets, twice = name_targets(targets)
    servers, more = name_targets(servers)
    twice = (*twice, *more)
    notes = (*settings.notes, *warnings, *twice)
    return Effective(replace(settings, targets=targets, servers=servers, origins=origins, notes=notes), place)


def _asked(word: str, configured: Sequence[TargetSettings]) -> TargetSettings:
    """The target that a word of the command line stands for: a name of the config, else an address."""
    from tputtui.collect.address import parse_address

    for target in configured:
        if target.name == word:
            return target
    if re.fullmatch(r"[\w.-]+", word):
        names = [target.name for target in configured if target.name]
        hint = did_you_mean(word, names) or (f" (it has {clean(', '.join(names), 100)})" if names else "")
        shown = clean(word, 60)
        raise UsageError(
            f'"{shown}" is no verb and no target of the config file{hint}; a host needs its port: {shown}:PORT'
        )
    try:
        parse_address(word)
    except ValueError as error:
        raise UsageError(clean(str(error), 300)) from None
    return TargetSettings(url=word)


def _server(word: str, configured: Sequence[TargetSettings]) -> TargetSettings:
    """The server that a word of the command line stands for: a name of the config, else an address."""
    found = next((server for server in configured if server.name == word), None)
    return found or TargetSettings(prometheus=_asked(word, ()).url)


def _matched(servers: Sequence[TargetSettings], selector: str | None) -> tuple[TargetSettings, ...]:
    """The servers with the command line's word on what to take from them."""
    if selector is None:
        return tuple(servers)
    if not servers:
        raise UsageError("--match chooses what to take from a server: --prometheus URL names one")
    try:
        match = parse_matchers(selector)
    except ValueError as error:
        raise UsageError(f"--match: {clean(str(error), 200)}") from None
    return tuple(replace(server, match=match) for server in servers)


def name_targets(targets: Iterable[TargetSettings]) -> tuple[tuple[TargetSettings, ...], tuple[str, ...]]:
    """Each target once, each with a name of its own; and a sentence for each that stood there twice."""
    from tputtui.collect.address import parse_address

    kept: dict[tuple[object, ...], TargetSettings] = {}
    names: set[str] = set()
    twice: list[str] = []
    for target in targets:
        address = parse_address(target.address)
        key = (address.url, address.username, target.match)
        if key in kept:
            twice.append(f"{address.url} is named twice and counts once")
            continue
        name = target.name or address.name
        if name in names:
            name = address.url.partition("://")[2]
        while name in names:
            name += "'"
        names.add(name)
        kept[key] = replace(target, name=name)
    return tuple(kept.values()), tuple(twice)

"""Targets from a file in Prometheus' file_sd_configs format: JSON, a list of groups with targets
and labels.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from tputtui.cli import read_file
from tputtui.cli.parser import UsageError
from tputtui.settings import TargetSettings
from tputtui.text import clean

_MAX_BYTES = 16 * 1024 * 1024


def read_targets(path: str) -> tuple[TargetSettings, ...]:
    """Read the targets of one file.

    `__scheme__`, `__metrics_path__` and `__param_…` complete them, `job` is their service. Raises
    UsageError with a sentence.
    """
    import json  # imported lazily: few starts need it

    shown = clean(path, 200)
    try:
        content, _ = read_file.read(path, _MAX_BYTES)
    except read_file.UnreadableFileError as error:
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

"""`tputtui discover`: what on this machine serves metrics, and why each port was asked or was not."""

from __future__ import annotations

import asyncio

from tputtui.cli.output import tell
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective
from tputtui.cli.text_table import columns


def run(arguments: Arguments) -> int:
    """Look once and say what was found."""
    settings = effective(arguments).settings
    from tputtui.discovery.discoverer import BY_NUMBER, discover

    discovery = asyncio.run(discover())
    answers = {probe.candidate.identity: probe for probe in discovery.probes}
    rows: list[tuple[str, ...]] = []
    for candidate in discovery.looked_at:
        probe = answers.get(candidate.identity)
        found = probe.found if probe is not None else None
        verdict = "metrics" if found is not None else "asked" if probe is not None else "skipped"
        reason = found.url if found is not None else probe.reason if probe is not None else candidate.reason
        owner = f"{candidate.process or '?'} ({candidate.pid})" if candidate.pid is not None else "unknown process"
        rows.append((f":{candidate.port}", verdict, owner, reason))
    rows.sort(key=lambda row: ("metrics", "asked", "skipped").index(row[1]))
    if rows:
        tell("\n".join(columns([("port", "verdict", "process", "address, or why"), *rows])), settings.ascii)
    tell(f"{discovery.result}; {BY_NUMBER}", settings.ascii)
    return 0

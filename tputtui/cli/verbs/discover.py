"""`tputtui discover`: list metrics endpoints on this machine, and why each port was probed or
not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tputtui.cli import options
from tputtui.cli.output import format_columns, print_stdout
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.verbs import Verb, no_options

if TYPE_CHECKING:
    from tputtui.discovery.discoverer import Candidate, ProbeResult

_VERDICTS = ("metrics", "asked", "skipped")
"""Verdicts on a port, in the order of the rows."""


def run(arguments: Arguments) -> int:
    """Discover once and print the results."""
    import asyncio

    from tputtui.discovery.discoverer import PORT_HINT, discover

    settings = effective_settings(arguments).settings
    discovery = asyncio.run(discover())
    probes = {probe.candidate.identity: probe for probe in discovery.probes}
    rows = [_row(candidate, probes.get(candidate.identity)) for candidate in discovery.candidates]
    rows.sort(key=lambda row: _VERDICTS.index(row[1]))
    if rows:
        print_stdout(
            "\n".join(format_columns([("port", "verdict", "process", "address, or why"), *rows])),
            settings.ascii,
        )
    print_stdout(f"{discovery.summary}; {PORT_HINT}", settings.ascii)
    return 0


def _row(candidate: Candidate, probe: ProbeResult | None) -> tuple[str, ...]:
    verdict, reason = "skipped", candidate.reason
    if probe is not None and probe.target is not None:
        verdict, reason = "metrics", probe.target.url
    elif probe is not None:
        verdict, reason = "asked", probe.reason
    owner = "unknown process"
    if candidate.owner is not None:
        owner = f"{candidate.process or '?'} ({candidate.owner.pid})"
    return f":{candidate.port}", verdict, owner, reason


VERB = Verb(no_options, run, common_flags=(options.ASCII,))

"""`tputtui discover`: list metrics endpoints on this machine, and why each port was probed or
not.
"""

from __future__ import annotations

import asyncio

from tputtui.cli.options import common_flags
from tputtui.cli.output import print_stdout
from tputtui.cli.parser import Arguments
from tputtui.cli.resolve_settings import effective_settings
from tputtui.cli.text_table import format_columns
from tputtui.cli.verb import Verb, no_options


def run(arguments: Arguments) -> int:
    """Discover once and print the results."""
    settings = effective_settings(arguments).settings
    from tputtui.discovery.discoverer import PORT_HINT, discover

    discovery = asyncio.run(discover())
    answers = {probe.candidate.identity: probe for probe in discovery.probes}
    rows: list[tuple[str, ...]] = []
    for candidate in discovery.candidates:
        probe = answers.get(candidate.identity)
        found = probe.target if probe is not None else None
        verdict = "metrics" if found is not None else "asked" if probe is not None else "skipped"
        reason = (
            found.url
            if found is not None
            else probe.reason
            if probe is not None
            else candidate.reason
        )
        owner = (
            f"{candidate.process or '?'} ({candidate.pid})"
            if candidate.pid is not None
            else "unknown process"
        )
        rows.append((f":{candidate.port}", verdict, owner, reason))
    rows.sort(key=lambda row: ("metrics", "asked", "skipped").index(row[1]))
    if rows:
        print_stdout(
            "\n".join(format_columns([("port", "verdict", "process", "address, or why"), *rows])),
            settings.ascii,
        )
    print_stdout(f"{discovery.summary}; {PORT_HINT}", settings.ascii)
    return 0


VERB = Verb(no_options, run, common_flags=(common_flags.ASCII,))

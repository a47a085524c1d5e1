"""Write the page docs/discovery.md from the tables of discovery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tputtui.discovery import port_table, probe

_TEMPLATE = """\
# Discovery

This page is written by `make docs` from the program's own tables
(`tputtui/discovery/port_table.py`); a test compares the two.

Without a target, `tputtui` and `tputtui stream` watch this host and what serves metrics on it;
`tputtui discover` lists every listening port with the process that owns it, and why it was asked or
skipped. `--no-discover`, or `discover = false` in the config file, turns it off.

Nothing is found by connecting. The kernel's list of listeners is read; a port is asked only if

1. it can be reached over loopback, and is not this program's own,
2. neither its port nor its process is in the list of those that are never asked,
3. its port is in a table below, or its process suggests metrics: exporters, and the runtimes
   applications are written in.

It is asked once in the life of its process, one path at a time: `GET /metrics`, {connect:g} s to
connect, {total:g} s in all, at most {size} KiB, no redirect, no credentials, marked
`User-Agent: tputtui/… (metrics probe)`. The next path is asked only where the process or the port
suggests one, and only of what speaks HTTP:

| process or port | paths after `/metrics` |
|---|---|
{paths}

The kernel hides the names of other users' processes: then the port alone decides. A port is a hint
and never an identity.
"""


def page() -> str:
    """Return the text of docs/discovery.md."""
    extra = [(f"`{pattern.pattern}`", paths) for pattern, paths in port_table.EXTRA_PATHS]
    extra += [(f"{port}", paths) for port, paths in port_table.EXTRA_PATHS_BY_PORT.items()]
    rows = "\n".join(_render_paths(name, paths) for name, paths in extra)
    head = _TEMPLATE.format(
        connect=probe.CONNECT_S, total=probe.TOTAL_S, size=probe.MAX_BODY_BYTES // 1024, paths=rows
    )
    return "\n".join(
        (
            head,
            _render_table("Ports of exporters and admin endpoints", port_table.EXPORTER_PORTS),
            _render_table("Ports of applications", port_table.APPLICATION_PORTS),
            _render_table("Ports that are never asked", port_table.DENIED_PORTS),
            f"Processes that are never asked: `{port_table.DENIED_NAMES.pattern}`\n",
            f"Processes that suggest metrics: `{port_table.SUGGESTING_NAMES.pattern}`",
            "",
        )
    )


def _render_paths(name: str, paths: Sequence[str]) -> str:
    escaped = name.replace("|", "\\|")
    return f"| {escaped} | {', '.join(f'`{path}`' for path in paths)} |"


def _render_table(title: str, ports: Mapping[int, str]) -> str:
    rows = "\n".join(f"| {port} | {name} |" for port, name in sorted(ports.items()))
    return f"## {title}\n\n| port | usually |\n|---:|---|\n{rows}\n"

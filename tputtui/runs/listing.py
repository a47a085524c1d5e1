"""The runs of a folder: each told by its own header and summary, none read whole."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tputtui.runs.header import Header, ServiceSummary, Summary
from tputtui.runs.reader import NotARun, Run
from tputtui.runs.recorder import SUFFIX
from tputtui.runs.summary import main_service

MOST = 2000


@dataclass(frozen=True, slots=True)
class Listed:
    """One file: a run, or why it is none."""

    path: Path
    size: int = 0
    header: Header | None = None
    summary: Summary | None = None
    marks: tuple[str, ...] = ()
    ended: str = ""  # "" where it was closed
    problem: str = ""  # why it cannot be read

    @property
    def service(self) -> ServiceSummary | None:
        """What it is about."""
        return main_service(self.summary.services) if self.summary is not None else None


def folder() -> Path:
    """$XDG_STATE_HOME/tputtui/runs, ~/.local/state where it is not set."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".local" / "state") / "tputtui" / "runs"


def listed(where: Path) -> list[Listed]:
    """The runs of a folder, the oldest first. Raises OSError where there is no such folder."""
    names = sorted(entry.name for entry in os.scandir(where) if entry.name.endswith(SUFFIX))[:MOST]
    found = [_look(where / name) for name in names]
    return sorted(found, key=lambda one: one.header.began_time if one.header is not None else 0.0)


def _look(path: Path) -> Listed:
    try:
        with Run(path) as run:
            summary, ended = run.summary(), run.ended
            return Listed(path, run.size, run.header, summary, ended=ended)
    except NotARun as error:
        return Listed(path, problem=str(error))


def comparable(one: Header, other: Header) -> bool:
    """Whether two runs were taken alike: on the same machine, of the same targets' builds or not, at one interval."""
    same = ("host", "cpu", "cpus", "memory_bytes")
    return one.interval_s == other.interval_s and all(
        one.environment.get(name) == other.environment.get(name) for name in same
    )

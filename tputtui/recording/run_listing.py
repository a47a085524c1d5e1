"""List the runs of a folder by header and summary, without reading whole files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tputtui.frozen import frozen
from tputtui.recording.container import SIGNATURE
from tputtui.recording.reader import NotARunError, Run
from tputtui.recording.recorder import SUFFIX
from tputtui.recording.records import RunHeader, RunSummary, ServiceSummary
from tputtui.recording.summary import main_service
from tputtui.settings.state_paths import state_folder


@frozen
class ListedRun:
    """One file: a run, or the reason why it is not one."""

    path: Path
    size: int = 0
    header: RunHeader | None = None
    summary: RunSummary | None = None
    marks: tuple[str, ...] = ()
    end_description: str = ""  # "" where it was closed
    problem: str = ""  # reason why it cannot be read

    @property
    def service(self) -> ServiceSummary | None:
        """Main service of the run."""
        return main_service(self.summary.services) if self.summary is not None else None


def runs_folder() -> Path:
    """Default folder of runs."""
    return state_folder() / "runs"


def list_runs(folder: Path) -> list[ListedRun]:
    """List the runs of a folder, the oldest first: files with a run's name or content.

    Raises OSError where there is no such folder.
    """
    names = sorted(entry.name for entry in os.scandir(folder))
    runs = [
        _read_run(folder / name)
        for name in names
        if name.endswith(SUFFIX) or _has_run_signature(folder / name)
    ]
    return sorted(runs, key=lambda run: run.header.began_time if run.header is not None else 0.0)


def _has_run_signature(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return False
        with path.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE
    except OSError:
        return False


def _read_run(path: Path) -> ListedRun:
    try:
        with Run(path) as run:
            summary, ended = run.summary(), run.end_description
            return ListedRun(path, run.size, run.header, summary, end_description=ended)
    except NotARunError as error:
        return ListedRun(path, problem=str(error))


def comparability_key(header: RunHeader) -> tuple[object, ...]:
    """Key shared by comparable runs: the machine and the interval.

    Builds may differ: they are compared.
    """
    return (
        header.interval_s,
        *map(header.environment.get, ("host", "cpu", "cpus", "memory_bytes")),
    )

"""Small /proc and /sys trees for readers that take a root."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data" / "proc"


def write_files(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below `root`, by their path from there."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def copy_proc_files(root: Path) -> Path:
    """Copy the files of tests/data/proc below `root`, and add those of a single line."""
    shutil.copytree(DATA, root / "proc", dirs_exist_ok=True)
    return write_files(
        root,
        {"proc/loadavg": "0.41 0.30 0.12 3/812 4711\n", "proc/sys/fs/file-nr": "385\t0\t2466174\n"},
    )


def process_stat(
    pid: int,
    comm: str | bytes = "app",
    *,
    state: str = "S",
    flags: int = 0x400000,
    user_ticks: int = 150,
    system_ticks: int = 50,
    threads: int = 3,
    started_ticks: int = 1000,
    rss_pages: int = 256,
) -> bytes:
    """Return a line of /proc/PID/stat (proc(5)) with 52 fields."""
    name = comm if isinstance(comm, bytes) else comm.encode()
    head = f"{state} 1 {pid} {pid} 0 -1 {flags} 0 0 0 0 {user_ticks} {system_ticks} 9 9 20 0 {threads} 0 {started_ticks}"
    return b"%d (%b) %b\n" % (pid, name, f"{head} 999999 {rss_pages} {' 0' * 28}".encode())

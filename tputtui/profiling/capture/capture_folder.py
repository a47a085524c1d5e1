"""Temporary folders of captures, and removal of those that a killed tputtui left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from tputtui.profiling.capture import process_facts

_PREFIX = "tputtui-profile-"


def create_folder() -> Path:
    """Create a temporary folder, named after this process. Raises OSError."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


def remove_stale_folders() -> None:
    """Remove temporary folders of tputtui processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if not pid.isdigit() or process_facts.read_facts(int(pid)) is not None:
            continue
        if _is_our_folder(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_our_folder(folder: Path) -> bool:
    """Whether it is a folder of this user, and no link to one."""
    try:
        is_owner = folder.lstat().st_uid == os.geteuid()
        return is_owner and folder.is_dir() and not folder.is_symlink()
    except OSError:
        return False

"""Folder of the files that tputtui keeps: runs, profiles, pictures, tracebacks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return $XDG_STATE_HOME/tputtui.

    ~/.local/state takes the place of a variable that is not set or not absolute, and the folder for
    temporary files that of a missing home.
    """
    base = environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        home = environ.get("HOME") or os.path.expanduser("~")
        base = os.path.join(
            home if home.startswith("/") else tempfile.gettempdir(), ".local", "state"
        )
    return Path(base) / "tputtui"

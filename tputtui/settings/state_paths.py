"""Where what we keep goes: runs, profiles, pictures, tracebacks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """$XDG_STATE_HOME/tputtui; ~/.local/state where it is not set, or not absolute; without a home the folder for temporary files."""
    base = environ.get("XDG_STATE_HOME", "")
    if not base.startswith("/"):
        home = environ.get("HOME") or os.path.expanduser("~")
        base = os.path.join(
            home if home.startswith("/") else tempfile.gettempdir(), ".local", "state"
        )
    return Path(base) / "tputtui"

"""Entry of the list of profile file formats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.frozen import frozen
from tputtui.profiling.profile_model import Profile

if TYPE_CHECKING:
    from tputtui.profiling.files.pstats_file import PstatsProfile


@frozen
class ProfileFormat:
    """One entry of `file_formats.FORMATS`: its names, how it is recognized, read and written.

    A format of sampled stacks has `read` or `write` or both, one of counted calls `read_calls`.
    """

    name: str  # in help texts and messages
    suffixes: tuple[str, ...]  # of file names, with the dot; a .gz after it is handled elsewhere
    export_suffix: str = ""  # of the files that `e` in the pane writes
    recognize: Callable[[bytes, bytes], bool] | None = None
    """Return whether data is of this format, given its first 4 KiB without leading blanks and all
    of it, both uncompressed. None: data that no other format recognizes is read as this one, if it
    is text."""
    read: Callable[[bytes, str], Profile] | None = None
    """Parse the data of a file with this label. Raises UnreadableProfileError."""
    write: Callable[[Profile], bytes] | None = None
    read_calls: Callable[[Path], PstatsProfile] | None = None
    """Read a file of counted calls, recognized by its name. Raises UnreadableProfileError."""

"""Error raised for an unreadable profile, and limits on the size of foreign files."""

from __future__ import annotations

MAX_BYTES = 100 * 1024 * 1024  # of a file, decompressed
MAX_STACKS = 5_000_000  # samples or lines
MAX_DEPTH = 10_000  # frames of one stack; py-spy stops at 4,096
MAX_FRAMES = 2_000_000  # entries of a file's frame table
MAX_WEIGHT = 1e15  # of one sample: larger ones make sums lose the small ones


class UnreadableProfileError(ValueError):
    """Error raised for a file that is not a profile or is broken.

    The message is one sentence: what, where, what to do.
    """

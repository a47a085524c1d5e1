"""Errors of ours that the program outlives: each kind is told once, however often it happens."""

from __future__ import annotations

import traceback
from collections.abc import Callable

MOST_KINDS = 20


class ErrorNotices:
    """Pass an error on to `tell`, the first of its type from its line of code."""

    def __init__(self, tell: Callable[[Exception], None]) -> None:
        self._tell = tell
        self._kinds: set[tuple[str, str, int | None]] = set()

    def __call__(self, error: Exception) -> None:
        """Tell an error, if it is of a new kind."""
        last = traceback.extract_tb(error.__traceback__)[-1:]
        place = (last[0].filename, last[0].lineno) if last else ("", None)
        kind = (type(error).__name__, *place)
        if kind not in self._kinds and len(self._kinds) < MOST_KINDS:
            self._kinds.add(kind)
            self._tell(error)

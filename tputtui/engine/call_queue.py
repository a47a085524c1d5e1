"""Calls from other threads into the engine's thread, never during a tick."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class CallQueue:
    """Calls that need the pipeline: deferred while a tick is derived, because its worker owns it.

    Before `open`, calls are deferred until the end of the first tick.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_deferring = False
        self._deferred: list[Callable[[], None]] = []

    @property
    def is_open(self) -> bool:
        """Whether the engine's loop has started; stays true after its end."""
        return self._loop is not None

    @property
    def is_closed(self) -> bool:
        """Whether the engine's loop has ended."""
        return self._loop is not None and self._loop.is_closed()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run calls on this loop from now on."""
        self._loop = loop

    def call_soon(self, action: Callable[[], None]) -> None:
        """Call `action` on the engine's thread. After the loop's end nothing happens."""
        loop = self._loop
        if loop is None:
            self._deferred.append(action)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._call_or_defer, action)

    def _call_or_defer(self, action: Callable[[], None]) -> None:
        if self._is_deferring:
            self._deferred.append(action)
        else:
            action()

    def begin_tick(self) -> None:
        """Defer calls from now on."""
        self._is_deferring = True

    def end_tick(self) -> None:
        """Stop deferring; the deferred calls are made by `run_deferred`."""
        self._is_deferring = False

    def run_deferred(self) -> None:
        """Make the deferred calls, in order."""
        while self._deferred:
            self._deferred.pop(0)()

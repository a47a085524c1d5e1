"""Blocking calls that may hang (a name server, a file on a dead mount), in threads of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


class BlockingCall(Generic[T]):
    """One blocking call in its own daemon thread: at most one at a time, and not awaited at exit.

    The loop's own executor has a handful of threads that all callers share and that the interpreter
    joins at its end: a few hanging names would stop all look-ups, and quitting. A caller that comes
    while a call is running gets that call's answer.
    """

    def __init__(self, call: Callable[[], T]) -> None:
        self._call = call
        self._running: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """Return the answer, or raise what the call raised. Cancelling leaves the call running."""
        if self._running is None or self._running.done():
            loop = asyncio.get_running_loop()
            self._running = loop.create_future()
            self._running.add_done_callback(_mark_retrieved)
            thread = threading.Thread(
                target=self._run, args=(loop, self._running), name="tputtui-aside", daemon=True
            )
            try:
                thread.start()
            except BaseException:  # no thread could be started: the next call tries again
                self._running = None
                raise
        return await asyncio.shield(self._running)

    def _run(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T]) -> None:
        try:
            settle = partial(answer.set_result, self._call())
        except Exception as error:  # the waiting side decides what it means
            settle = partial(answer.set_exception, error)
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it the caller
            loop.call_soon_threadsafe(_set_unless_done, answer, settle)


def _set_unless_done(answer: asyncio.Future[T], set_answer: Callable[[], None]) -> None:
    if not answer.done():
        set_answer()


def _mark_retrieved(answer: asyncio.Future[T]) -> None:
    """Mark a failure as retrieved, because the caller may have given up at its deadline."""
    if not answer.cancelled():
        answer.exception()

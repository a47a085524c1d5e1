"""Watchdog that restores the terminal at any end of the program.

Textual handles neither SIGTERM nor SIGHUP nor SIGQUIT (the shell would be left raw, in the
alternate screen, with the mouse on). If its terminal disappears without a signal, its input thread
uses 100 % of a core while its writer blocks the loop.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import threading
from collections.abc import Callable

SIGHUP = signal.SIGHUP
EXIT_CODES = {signal.SIGINT: 130, signal.SIGQUIT: 131, signal.SIGTERM: 143, SIGHUP: 129}
_GRACE_S = 2.0


class TtyWatchdog:
    """Watchdog of one run of the screen.

    `exit_with(code)` must end it from the event loop's thread. `emergency_stop` closes the files
    that must not be lost when the loop is stuck.
    """

    def __init__(
        self, exit_with: Callable[[int], None], emergency_stop: Callable[[], None]
    ) -> None:
        self._exit = exit_with
        self._emergency_stop = emergency_stop
        self._stopped = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Install the signal handlers and the watch on the terminal.

        Call it from the loop's thread.
        """
        for number, code in EXIT_CODES.items():
            loop.add_signal_handler(number, self._exit, code)
        threading.Thread(
            target=self._watch, args=(loop,), name="terminal-watch", daemon=True
        ).start()

    def stop(self) -> None:
        """End the watch when the screen has ended."""
        self._stopped.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            poll = select.poll()
            poll.register(sys.__stdin__.fileno(), 0)  # type: ignore[union-attr]
            poll.poll()  # returns on HUP and ERR only
        except (OSError, ValueError, AttributeError):
            return
        try:
            loop.call_soon_threadsafe(self._exit, EXIT_CODES[signal.SIGHUP])
        except RuntimeError:
            return  # the loop is closed: the program is exiting
        if not self._stopped.wait(_GRACE_S):
            self._emergency_stop()
            # The loop is stuck on a terminal that is gone: nothing else ends the program.
            os._exit(EXIT_CODES[signal.SIGHUP])

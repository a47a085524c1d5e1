"""Prompt for one line, such as a filter or a time, in the footer's place until Enter or Esc."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widgets import Input

MAX_CHARACTERS = 200  # characters: a paste of 200 kB is cut, not obeyed


class Prompt(Input):
    """Input of one line. It reports each keystroke, and the end."""

    def __init__(self) -> None:
        super().__init__(id="prompt", max_length=MAX_CHARACTERS, compact=True)
        self._change_callback: Callable[[str], None] | None = None
        self._done_callback: Callable[[str | None], None] | None = None

    def ask(
        self,
        hint: str,
        on_done: Callable[[str | None], None],
        on_change: Callable[[str], None] | None = None,
        value: str = "",
    ) -> None:
        """Ask for a line.

        `on_change` gets the text at each keystroke, `on_done` at the end (None: given up).
        """
        self._done_callback, self._change_callback = on_done, on_change
        self.placeholder = hint
        self.value = value
        self._set_shown(is_shown=True)
        self.screen.set_focus(self)  # at once: what is typed ahead belongs here, not to the screen

    def _set_shown(self, *, is_shown: bool) -> None:
        self.display = is_shown
        for footer in self.screen.query("#footer"):
            footer.display = not is_shown

    def _finish(self, value: str | None) -> None:
        done, self._done_callback, self._change_callback = self._done_callback, None, None
        self._set_shown(is_shown=False)
        self.screen.set_focus(None)
        if done is not None:
            done(value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Report each keystroke: a filter works while it is typed."""
        event.stop()
        if self._change_callback is not None:
            self._change_callback(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """End with the text."""
        event.stop()
        self._finish(event.value)

    async def on_key(self, event: events.Key) -> None:
        """Give up for Esc; no other key of the screen acts while the prompt is open."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self._finish(None)

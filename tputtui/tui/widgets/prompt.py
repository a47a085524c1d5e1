"""One line to type in: a filter, a time. It appears in the footer's place and is gone with Enter or Esc."""

from __future__ import annotations

from collections.abc import Callable

from textual import events
from textual.widgets import Input

LONGEST = 200  # characters: a paste of 200 kB is cut, not obeyed


class Prompt(Input):
    """Asks for one line; `changed` sees every keystroke, `done` the end (None: given up)."""

    def __init__(self) -> None:
        super().__init__(id="prompt", max_length=LONGEST, compact=True)
        self._changed: Callable[[str], None] | None = None
        self._done: Callable[[str | None], None] | None = None

    def ask(
        self,
        words: str,
        done: Callable[[str | None], None],
        changed: Callable[[str], None] | None = None,
        value: str = "",
    ) -> None:
        """Show the prompt with `words` as its hint."""
        self._done, self._changed = done, changed
        self.placeholder = words
        self.value = value
        self._take_place(taken=True)
        self.screen.set_focus(self)  # at once: what is typed ahead belongs here, not to the screen

    def _take_place(self, *, taken: bool) -> None:
        self.display = taken
        for footer in self.screen.query("#footer"):
            footer.display = not taken

    def _end(self, value: str | None) -> None:
        done, self._done, self._changed = self._done, None, None
        self._take_place(taken=False)
        self.screen.set_focus(None)
        if done is not None:
            done(value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Every keystroke counts: a filter works while it is typed."""
        event.stop()
        if self._changed is not None:
            self._changed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self._end(event.value)

    async def on_key(self, event: events.Key) -> None:
        """Esc gives up; nothing else of the screen's keys acts while one types."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self._end(None)

"""Loader of the source files of a profile, in a thread: /proc or a network disk may be slow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tputtui.model import ProcessReference
from tputtui.profiling.files.source_text import SourceText, read_source
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.tui.session import Session

_REPLAY_NOTE = "source is off in a replay: the files here may not be those that ran then"
MAX_FILES = 32  # files in the cache


class SourceLoader:
    """Cache of source texts. A missing one is read in a thread, then the screen is drawn again."""

    def __init__(self, screen: Screen[None], session: Session) -> None:
        self._screen = screen
        self._session = session
        self._texts: dict[str, SourceText] = {}
        self._pending_file = ""

    def text(
        self, profile_view: ProfileView, process: ProcessReference | None
    ) -> SourceText | None:
        """Return the file under the cursor; None while it is being read, or without a file."""
        file = profile_view.file
        if not file or profile_view.analysis is None:
            return None
        if self._session.player is not None:
            return SourceText(file, error=_REPLAY_NOTE)
        source = self._texts.get(file)
        if source is None and self._pending_file != file:
            self._pending_file = file
            captured_at = profile_view.analysis.profile.metadata.time
            work = partial(self._read, file, process, captured_at)
            self._screen.run_worker(work, thread=True, group="source", exit_on_error=False)
        return source

    def _read(self, file: str, process: ProcessReference | None, captured_at: float | None) -> None:
        source = read_source(file, process, captured_at)
        self._screen.app.call_from_thread(self._store_text, source)

    def _store_text(self, source: SourceText) -> None:
        while len(self._texts) >= MAX_FILES:
            self._texts.pop(next(iter(self._texts)))
        self._texts[source.file] = source
        self._pending_file = ""
        self._session.show_frame()

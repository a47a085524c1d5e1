"""Loader of the source files of a profile, in a thread: /proc or a network disk may be slow."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from tputtui.profiling.files.source_text import SourceText, read_source
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.tui.session import Session

_REPLAY_NOTE = "source is off in a replay: the files here may not be those that ran then"
MAX_FILES = 32  # files in the cache


class SourceRoot(Protocol):
    """Process below whose root and working directory a file lies."""

    @property
    def pid(self) -> int: ...  # noqa: D102
    @property
    def started(self) -> float | None: ...  # noqa: D102


class SourceLoader:
    """Cache of source texts. A missing one is read in a thread, then the screen is drawn again."""

    def __init__(self, screen: Screen[None], session: Session) -> None:
        self._screen = screen
        self._session = session
        self._texts: dict[str, SourceText] = {}
        self._pending_file = ""

    def text(self, profile_view: ProfileView, process: SourceRoot | None) -> SourceText | None:
        """Return the file under the cursor; None while it is being read, or without a file."""
        file = profile_view.file
        if not file or profile_view.analysis is None:
            return None
        if self._session.player is not None:
            return SourceText(file, error=_REPLAY_NOTE)
        source = self._texts.get(file)
        if source is None and self._pending_file != file:
            self._pending_file = file
            pid = process.pid if process is not None else None
            since = (
                process.started
                if process is not None
                else profile_view.analysis.profile.metadata.time
            )
            work = partial(self._read, file, pid, since)
            self._screen.run_worker(work, thread=True, group="source", exit_on_error=False)
        return source

    def _read(self, file: str, pid: int | None, since: float | None) -> None:
        source = read_source(file, pid, since)
        self._screen.app.call_from_thread(self._store_text, source)

    def _store_text(self, source: SourceText) -> None:
        while len(self._texts) >= MAX_FILES:
            self._texts.pop(next(iter(self._texts)))
        self._texts[source.file] = source
        self._pending_file = ""
        self._session.show_frame()

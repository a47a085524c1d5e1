"""The source files that a profile points at, read in a thread: /proc and a network disk may take their time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from tputtui.profiling.files.source_text import SourceText, read_source
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.tui.session import Session

_REPLAY_NOTE = "source is off in a replay: the files here may not be those that ran then"
MAX_FILES = 32  # files whose text is held


class SourceRoot(Protocol):
    """Whose root and working directory a file lies below."""

    @property
    def pid(self) -> int: ...  # noqa: D102
    @property
    def started(self) -> float | None: ...  # noqa: D102


class SourceLoader:
    """Texts by file. What is not there yet is asked for, and the screen shown again when it is."""

    def __init__(self, screen: Screen[None], session: Session) -> None:
        self._screen = screen
        self._session = session
        self._texts: dict[str, SourceText] = {}
        self._pending_file = ""

    def text(self, profile_view: ProfileView, process: SourceRoot | None) -> SourceText | None:
        """The file under the book's cursor; None while it is being read, or where there is none."""
        file = profile_view.file
        if not file or profile_view.analysis is None:
            return None
        if self._session.player is not None:
            return SourceText(file, error=_REPLAY_NOTE)
        found = self._texts.get(file)
        if found is None and self._pending_file != file:
            self._pending_file = file
            pid = process.pid if process is not None else None
            since = (
                process.started
                if process is not None
                else profile_view.analysis.profile.metadata.time
            )
            work = partial(self._read, file, pid, since)
            self._screen.run_worker(work, thread=True, group="source", exit_on_error=False)
        return found

    def _read(self, file: str, pid: int | None, since: float | None) -> None:
        found = read_source(file, pid, since)
        self._screen.app.call_from_thread(self._store_text, found)

    def _store_text(self, source: SourceText) -> None:
        while len(self._texts) >= MAX_FILES:
            self._texts.pop(next(iter(self._texts)))
        self._texts[source.file] = source
        self._pending_file = ""
        self._session.show_frame()

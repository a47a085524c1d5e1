"""Threads behind the profile pane: the capture, and the loader of source files.

The capture's own thread runs it, analyzes the samples so far and saves the profile at its end, so
that a terminal that goes away loses nothing; the screen gets messages. Source files may be on a
slow disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual.message import Message

from tputtui.frozen import frozen
from tputtui.model import ProcessReference, ProcessState
from tputtui.profiling.analysis.module_table import CategoryTable
from tputtui.profiling.capture.capture import Capture, CaptureFailedError, CaptureProgress
from tputtui.profiling.files.library import LibraryEntry, ProfileLibrary
from tputtui.profiling.files.source_text import SourceText, read_source
from tputtui.profiling.profile_model import Profile
from tputtui.views.profile import tabs
from tputtui.views.profile.option_menus import CapturePlan
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_view import ProfileView

if TYPE_CHECKING:
    from textual.screen import Screen

    from tputtui.tui.session import Session


_ANALYSIS_PAUSE_FACTOR = 4.0  # pause after an analysis during the capture, per second it took


@frozen
class SampledProcess:
    """Process that is sampled, with its name and its number of threads."""

    identity: ProcessReference
    name: str
    threads: int | None = None

    @classmethod
    def of(cls, process: ProcessState) -> SampledProcess:
        """Convert a row of the process table."""
        return cls(process.identity, process.name, process.threads)


class SamplerUpdate(Message):
    """Progress of a capture. `analysis`: of the samples so far, if they have changed."""

    def __init__(
        self,
        progress: CaptureProgress,
        analysis: ProfileAnalysis | None,
        entry: LibraryEntry | None = None,
        candidates: tuple[tuple[ProcessReference, str], ...] = (),
        sampler: ProcessSampler | None = None,
    ) -> None:
        self.sampler = sampler  # a sampler left for another process may still send updates
        self.progress = progress
        self.analysis = analysis
        self.entry = entry
        self.candidates = candidates
        super().__init__()


class ProcessSampler:
    """Sampler that runs one capture after another and saves their profiles."""

    def __init__(
        self,
        post: Callable[[Message], object],
        library: ProfileLibrary,
        table: CategoryTable,
        on_saved: Callable[[LibraryEntry, str], None],
    ) -> None:
        """Prepare a sampler; no capture is started.

        Args:
            post: Posts a message to the screen, from any thread.
            library: Where finished profiles are saved.
            table: Work categories by module.
            on_saved: Called in the capture's thread with each finished profile and the reason why
                it could not be saved.

        """
        self.evidence = ""  # current finding on a queue, from a bound metric
        self._post, self._library, self._table, self._on_saved = post, library, table, on_saved
        self._capture: Capture | None = None
        self._analyzed_profile: Profile | None = None  # profile of the latest analysis
        self._analyzed_at = 0.0
        self._analysis_cost_s = 0.0

    @property
    def is_running(self) -> bool:
        """Whether a capture is running."""
        return self._capture is not None and self._capture.state not in ("done", "failed")

    def start(self, process: SampledProcess, plan: CapturePlan) -> None:
        """Start a capture. Raises CaptureFailedError if it cannot start."""
        self._analyzed_profile, self._analyzed_at, self._analysis_cost_s = None, 0.0, 0.0
        capture = Capture(
            process.identity,
            duration_s=plan.duration_s,
            rate_hz=plan.rate_hz,
            on_progress=self._handle_progress,
            subprocesses=plan.subprocesses,
            native=plan.native,
            blocking=plan.blocking,
        )
        before, self._capture = self._capture, capture  # it may post before `start` returns
        try:
            capture.start()
        except CaptureFailedError:
            self._capture = before
            raise

    def stop(self) -> None:
        """End the capture and keep its samples."""
        if self._capture is not None:
            self._capture.stop()

    def abort(self) -> None:
        """End the capture at once; complete slices are kept."""
        if self._capture is not None:
            self._capture.abort()

    def analyze(self, profile: Profile, before: Profile | None = None) -> ProfileAnalysis:
        """Analyze a profile and compute in advance what does not depend on the filters."""
        analysis = ProfileAnalysis(
            profile, table=self._table, before=before, evidence=self.evidence
        )
        analysis.prepare()
        for spec in tabs.TABS:
            for function in spec.prepare:
                analysis.derive_unfiltered(function)
        return analysis

    def _handle_progress(self, progress: CaptureProgress) -> None:
        """Analyze, save and post; runs in the capture's thread."""
        over = progress.state in ("done", "failed")
        profile, analysis, entry = progress.profile, None, None
        now = time.monotonic()
        if (
            profile is not None
            and profile is not self._analyzed_profile
            and (over or now - self._analyzed_at > _ANALYSIS_PAUSE_FACTOR * self._analysis_cost_s)
        ):
            analysis = self.analyze(profile)
            self._analyzed_profile, self._analyzed_at, self._analysis_cost_s = (
                profile,
                time.monotonic(),
                time.monotonic() - now,
            )
        if over and profile is not None and profile.slices:
            entry, problem = self._library.save_profile(profile)
            self._on_saved(entry, problem)
        verdict = self._capture.attach_check if self._capture is not None else None
        children = verdict.python_children if verdict is not None and over else ()
        self._post(SamplerUpdate(progress, analysis, entry, children, self))


_REPLAY_NOTE = "source is off in a replay: the files here may not be those that ran then"
_MAX_FILES = 32  # files in the cache


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
        while len(self._texts) >= _MAX_FILES:
            self._texts.pop(next(iter(self._texts)))
        self._texts[source.file] = source
        self._pending_file = ""
        self._session.show_frame()

"""Profiles that go into the run that is recorded: on a schedule (`--profile`), and while an objective is missed."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tputtui.cli.output import say
from tputtui.model import Event, Snapshot
from tputtui.text import clean, span

if TYPE_CHECKING:
    from tputtui.engine import Engine
    from tputtui.profiling.capture.objective_trigger import ObjectiveCapture
    from tputtui.profiling.capture.periodic_sampling import PeriodicProfile, SamplingSchedule
    from tputtui.profiling.profile_model import Profile
    from tputtui.settings import ProfileTrigger, Settings

_PATIENCE_S = 5.0  # for a capture under way at the end: py-spy writes within a second


class RecordedProfiles:
    """Takes them in threads of its own; nothing of py-spy is loaded where nobody asks for one."""

    def __init__(self, engine: Engine, asked: SamplingSchedule | None, settings: Settings) -> None:
        self._engine = engine
        self._asked = asked
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        wanted = settings.profile.on_objective_missed
        self._on_missed = self._when_missed(wanted, settings) if wanted is not None and settings.objectives else None
        self._taken: list[str] = []  # what each of the schedule cost

    def _when_missed(self, wanted: ProfileTrigger, settings: Settings) -> ObjectiveCapture:
        from tputtui.profiling.capture.objective_trigger import ObjectiveCapture

        return ObjectiveCapture(wanted, settings.profile, self._keep, self._failed)

    def start(self) -> None:
        """Begin with what `--profile` asks for."""
        if self._asked is not None:
            self._thread = threading.Thread(target=self._sample, args=(self._asked,), name="profiles", daemon=True)
            self._thread.start()

    def saw(self, snapshot: Snapshot) -> None:
        """The newest snapshot, on the thread that waits for them."""
        sentence = self._on_missed.saw(snapshot) if self._on_missed is not None else None
        if sentence is not None:
            say(sentence)

    def end(self) -> None:
        """End what is under way; what was sampled of it is kept. To be called while the engine still runs."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_PATIENCE_S)
        if self._on_missed is not None:
            self._on_missed.end(_PATIENCE_S)

    def told(self) -> list[str]:
        """A line for the summary: how many, and what the last one cost."""
        if not self._taken or self._asked is None:
            return []
        many = len(self._taken)
        return [f"{many} profile{'s' if many > 1 else ''} of {self._asked.process}; {self._taken[-1]}"]

    def _sample(self, asked: SamplingSchedule) -> None:
        from tputtui.profiling.capture import periodic_sampling

        def keep(sample: PeriodicProfile) -> None:
            self._taken.append(sample.cost)
            self._keep(sample.profile, sample.cost)

        periodic_sampling.run(
            asked, self._stop, keep, lambda problem: self._failed(f"--profile {asked.process}: {problem}")
        )

    def _keep(self, profile: Profile, why: str) -> None:
        from tputtui.recording.embedded_profiles import put

        about = profile.about
        words = f"profile of {clean(about.label, 60)}, {span(round(profile.duration_s, 1))}: {clean(why, 160)}"
        self._engine.note(Event(about.time or time.time(), "profile", words))
        if not put(self._engine, profile):
            _beside(profile)

    def _failed(self, sentence: str) -> None:
        sentence = clean(sentence, 300)
        say(sentence)
        self._engine.note(Event(time.time(), "warning", sentence))


def _beside(profile: Profile) -> None:
    """A profile that is too large to be carried in a run has a file of its own, where the command was started."""
    from tputtui.profiling.files import file_formats

    path = Path(f"profile-{profile.about.pid or 0}-{int(time.time())}.speedscope.json.gz")
    try:
        file_formats.save(profile, path)
        say(f"the profile is too large to be carried in the run: {path}")
    except OSError as error:
        say(f"the profile is too large to be carried in the run, and was not saved: {error.strerror}")

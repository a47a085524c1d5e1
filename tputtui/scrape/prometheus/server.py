"""A Prometheus-compatible server, asked again and again: what it knows of which job, and rates, all jobs in one query.

Each job is a target of its own to everybody else. A look at the raw series comes first, so that they can be classified;
from then on a tick asks for the rates, levels and buckets that the bindings rest on, added up by the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from tputtui.model import Exposition, Match, Question, Scrape, Target
from tputtui.scrape.address import name_of
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.prometheus.api import ServerApi, ServerError, Vector, base_of
from tputtui.scrape.prometheus.backfill import remembered
from tputtui.scrape.prometheus.job_discovery import (
    MOST_JOBS,
    ServerJob,
    jobs_of,
    look_at,
    look_at_some,
    tell_scrape_interval,
)
from tputtui.scrape.prometheus.job_targets import NOTHING, JobTarget, expressions, sort_out
from tputtui.scrape.prometheus.queries import conditions, queries
from tputtui.scrape.time_limit import Wait
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts

LOOK_DEADLINE_S = 20.0
SHORTEST_RETRY_S = 1.0
LONGEST_RETRY_S = 10.0
BUSY_RETRY_S = 30.0  # after 429 and 503

LOOK_EVERY_S = 30.0
"""How often the list of jobs is asked for; a job whose families changed is looked at again then."""

LOOK_AGAIN_S = 300.0
METADATA_EVERY_S = 600.0
BROWSE_EVERY_S = 2.0
ASK_PER_SCRAPE = 2
"""A server that scrapes every 15 s has nothing new every second: it is asked so often in one of its intervals."""

_TURNS, _TURN_S = (
    30,
    0.05,
)  # after the first look, the time to wait for bindings: those who bind have a tick of their own


class ServerListener(Protocol):
    """Who is told of what a server knows; all on one event loop."""

    def found(self, target: Target) -> None:
        """There is one more target."""

    def lost(self, name: str) -> None:
        """A target stood in for others that are there now."""

    def deliver(self, scrape: Scrape) -> None:
        """A look, rates, or a failure."""

    def deliver_past(self, scrapes: Sequence[Scrape]) -> None:
        """Rates of the time before, the oldest first; the duration of each is the time it stands for."""

    def looked_for(self, name: str) -> frozenset[str] | None:
        """The sample names of a target that somebody looks at as they are; None: all of them."""
        ...

    def questions(self, name: str) -> tuple[Question, ...]:
        """What to ask for a target."""
        ...

    def window_s(self) -> float:
        """The span over which rates are wanted."""
        ...


class PrometheusServer:
    """One server, and the conditions on what is taken from it."""

    def __init__(
        self,
        settings: EndpointSettings,
        matches: Sequence[Match],
        interval_s: float,
        watcher: ServerListener,
        tls: TlsContexts | None = None,
    ) -> None:
        """`settings.name` names the target that stands for the server while it knows no job."""
        self.settings = settings = replace(settings, url=base_of(settings.url))
        self.known = False  # it has said what it has
        self.parts: dict[str, JobTarget] = {}  # by job
        self._matches = tuple(matches)
        self._interval_s = interval_s
        self._watcher = watcher
        self._api = ServerApi(settings, tls)
        self._look_api = ServerApi(settings, tls)  # a look takes longer and must not hold up a tick
        self._stands_in = False
        self._metadata: dict[str, Any] = {}
        self._metadata_at = -1e9
        self._more_jobs = 0
        self._unlooked: dict[str, str] = {}  # jobs that could not be looked at, and why
        self._failures = 0
        self._wait = Wait()  # of the ticks
        self._ticked = asyncio.Event()
        self._series = 0  # of the newest answer

    @property
    def answered(self) -> bool:
        """Whether it has answered, failed, or is slow to answer the first question."""
        return self.known or self._stands_in

    def waiting(self) -> dict[str, float]:
        """For how many seconds its answer has been late, for each of its targets; nothing while it is not."""
        api = self._api if self.known else self._look_api
        late_s = self._wait.late_s(self._interval_s, is_connected=api.is_connected)
        return dict.fromkeys(self._names(), late_s) if late_s is not None else {}

    def _names(self) -> list[str]:
        """Its targets; while it knows none, what stands in for them."""
        if self.known:
            return [part.target.name for part in self.parts.values()]
        return [self.settings.name] if self._stands_in else []

    async def run(self) -> None:
        """Look and ask until cancelled."""
        try:
            await self._until_known()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._look_for_ever())
                group.create_task(self._ask_for_ever())
        finally:
            await self._api.aclose()
            await self._look_api.aclose()

    # ------------------------------------------------------------------------------------------ looking

    async def _until_known(self) -> None:
        """The first look, again and again until there is a job; failures are delivered in the server's name."""
        while True:
            started = time.monotonic()
            self._wait.ask()
            late = asyncio.get_running_loop().call_later(self._interval_s, self._stand_in)
            try:
                await self._look_api.vector("vector(1)", self.settings.timeout_s)
                late.cancel()
                self._wait.end(late=False)
                await self._look()
            except ServerError as error:
                late.cancel()
                self._wait.end(late=error.late)
                self._fail(error, started)
                await asyncio.sleep(self._retry_s(error))
                continue
            if self.parts:
                break
            wanted = f" that meet {{{conditions(self._matches)}}}" if self._matches else ""
            self._fail(ServerError(f"the server has no series{wanted}"), started)
            await asyncio.sleep(self._retry_s(None))
        self._failures = 0
        self.known = True

    async def _look_for_ever(self) -> None:
        await self._ticked.wait()
        with contextlib.suppress(ServerError):  # then the axis begins with now
            await self._remember()
        due = time.monotonic() + LOOK_EVERY_S
        while True:
            await asyncio.sleep(max(self._interval_s, BROWSE_EVERY_S))
            with contextlib.suppress(ServerError):  # the ticks say what is wrong
                await self._look_at_browsed()
                for part in self.parts.values():
                    if part.job.told_s is None:
                        await tell_scrape_interval(self._look_api, part.job, self._matches, LOOK_DEADLINE_S)
                if time.monotonic() >= due:
                    due = time.monotonic() + LOOK_EVERY_S
                    await self._look()

    async def _look_at_browsed(self) -> None:
        """What somebody looks at family by family is looked at raw, again and again. Raises ServerError."""
        for part in list(self.parts.values()):
            names = self._watcher.looked_for(part.target.name)
            started = time.monotonic()
            if names is None:
                found = await look_at(self._look_api, part.job, self._matches, self._metadata, LOOK_DEADLINE_S)
                part.looked_at = time.monotonic()
            elif names:
                found = await look_at_some(self._look_api, part.job, names, self._matches, LOOK_DEADLINE_S)
            else:
                continue
            self._deliver(part.target.name, started, exposition=found)

    async def _remember(self) -> None:
        """Hand over the time before we came, once. Raises ServerError."""
        found = await remembered(
            self._look_api, dict(self.parts), self._matches, self._watcher.window_s(), self._series
        )
        self._watcher.deliver_past(found)

    async def _look(self) -> None:
        """List the jobs, and look at those that are new or have changed. Raises ServerError."""
        now = time.monotonic()
        if now - self._metadata_at > METADATA_EVERY_S:
            try:
                self._metadata = await self._look_api.metadata(LOOK_DEADLINE_S)
            except ServerError:
                self._metadata = {}  # not every server keeps it: names tell most of it
            self._metadata_at = now
        jobs = await jobs_of(self._look_api, self._matches, LOOK_DEADLINE_S)
        known = [job for job in jobs if job.name in self.parts]
        new = [job for job in jobs if job.name not in self.parts][: max(0, MOST_JOBS - len(self.parts))]
        self._more_jobs = len(jobs) - len(known) - len(new)
        self._unlooked = {}
        for job in (*known, *new):
            try:
                await self._look_at(job, alone=len(jobs) == 1)
            except ServerError as error:
                if not self.parts:
                    raise
                self._unlooked[job.name] = str(error)

    async def _look_at(self, job: ServerJob, *, alone: bool) -> None:
        part = self.parts.get(job.name)
        if part is not None:
            changed = part.job.counts.keys() != job.counts.keys() or part.job.sources != job.sources
            part.job.counts, part.job.sources = job.counts, job.sources
            if not changed and time.monotonic() - part.looked_at < LOOK_AGAIN_S:
                return
            job = part.job
        started = time.monotonic()
        exposition = await look_at(self._look_api, job, self._matches, self._metadata, LOOK_DEADLINE_S)
        if part is None:
            if self._stands_in:
                self._stands_in = False
                self._watcher.lost(self.settings.name)
            part = self.parts[job.name] = JobTarget(self._target(job, alone=alone), job)
            self._watcher.found(part.target)
        part.looked_at = time.monotonic()
        self._deliver(part.target.name, started, exposition=exposition)

    def _target(self, job: ServerJob, *, alone: bool) -> Target:
        """A job by its name; by the server's, where the config has one, and both where that has several jobs."""
        own = self.settings.service or self.settings.name
        name = clean(job.name, 60)
        if own != name_of(self.settings.url):
            name = own if alone or not name else f"{own} {name}"
        return Target(name or own, self.settings.target.url)

    # ------------------------------------------------------------------------------------------ asking

    async def _ask_for_ever(self) -> None:
        await self._bound()
        while True:
            started = time.monotonic()
            wait = self._pause_s()
            self._wait.ask()
            try:
                await self._tick()
                self._wait.end(late=False)
                self._failures = 0
                self._ticked.set()
            except ServerError as error:
                self._wait.end(late=error.late)
                self._fail(error, started)
                wait = self._retry_s(error)
            await asyncio.sleep(max(0.0, started + wait - time.monotonic()))

    async def _bound(self) -> None:
        """Wait until what was looked at has bindings, for a moment: some has nothing to bind."""
        names = [part.target.name for part in self.parts.values()]
        for _ in range(_TURNS):
            if all(map(self._watcher.questions, names)):
                break
            await asyncio.sleep(_TURN_S)

    def _pause_s(self) -> float:
        shortest = min((part.job.scrape_s for part in self.parts.values()), default=self._interval_s)
        return max(self._interval_s, shortest / ASK_PER_SCRAPE)

    async def _tick(self) -> None:
        """Ask all questions of all jobs, and hand each job its answers. Raises ServerError."""
        started = time.monotonic()
        window_s = self._watcher.window_s()
        parts = dict(self.parts)
        for part in parts.values():
            part.questions = self._watcher.questions(part.target.name)
        found: Vector = []
        warnings: dict[str, None] = {}
        size = 0
        for query in queries(expressions(parts.values(), self._matches, window_s)):
            vector, result = await self._api.vector(query, self.settings.timeout_s)
            found += vector
            size += result.size
            warnings |= dict.fromkeys(result.warnings)
        self._hand_out(parts, found, tuple(warnings), size, started, window_s)

    def _hand_out(
        self,
        parts: Mapping[str, JobTarget],
        found: Vector,
        warnings: tuple[str, ...],
        size: int,
        started: float,
        window_s: float,
    ) -> None:
        self._series = len(found)
        samples = sort_out(parts, found)
        for name, part in parts.items():
            own, up, count = samples[name]
            if part.questions and not own and up is None and count is None:
                # Not even which of its sources are up: no rate is known, and none is 0.
                self._deliver(part.target.name, started, error=NOTHING)
                continue
            said = [*warnings]
            if count and up is not None and up < count:
                said.insert(0, f"{round(count - up)} of {round(count)} instances are down, says the server")
            if self._more_jobs:
                said.append(f"{self._more_jobs} more jobs are not watched: --match chooses")
            said += [f"job {clean(job, 60)}: {why}" for job, why in self._unlooked.items() if job not in parts][:1]
            if name in self._unlooked:
                said.append(f"its series could not be looked at again: {self._unlooked[name]}")
            exposition = part.exposition(own, part.range_s(window_s), clean("; ".join(said), 300) or None)
            self._deliver(part.target.name, started, exposition=exposition, size=size)

    # ------------------------------------------------------------------------------------------ failing

    def _fail(self, error: ServerError, started: float) -> None:
        """Say of all targets of this server, or of the one that stands in for them, what went wrong."""
        self._failures += 1
        if not self._names():
            self._stand_in()
        for name in self._names():
            self._deliver(name, started, error=str(error), late=error.late)

    def _stand_in(self) -> None:
        """Have a target of the server's own name, until it is known what the server has."""
        if not self._stands_in:
            self._stands_in = True
            self._watcher.found(self.settings.target)

    def _retry_s(self, error: ServerError | None) -> float:
        """Twice as long after each failure, and not in step with others who wait for the same server."""
        longest = BUSY_RETRY_S if error is not None and error.busy else LONGEST_RETRY_S
        wait = min(longest, max(SHORTEST_RETRY_S, self._interval_s) * 2.0 ** min(self._failures - 1, 10))
        return wait * random.uniform(0.8, 1.0)  # noqa: S311  # no secret

    def _deliver(
        self,
        name: str,
        started: float,
        *,
        exposition: Exposition | None = None,
        size: int | None = None,
        error: str | None = None,
        late: bool = False,
    ) -> None:
        at = time.monotonic()
        self._watcher.deliver(Scrape(name, at, time.time(), at - started, exposition, size, error, late))

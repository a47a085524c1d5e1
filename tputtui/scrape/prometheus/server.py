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
from tputtui.scrape.address import host_and_port
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.prometheus.api import ServerApi, ServerError, Vector, base_url
from tputtui.scrape.prometheus.backfill import read_backfill
from tputtui.scrape.prometheus.job_discovery import (
    MAX_JOBS,
    ServerJob,
    list_jobs,
    measure_scrape_interval,
    read_raw_families,
    read_raw_series,
)
from tputtui.scrape.prometheus.job_targets import (
    NO_ANSWER,
    JobTarget,
    build_expressions,
    group_by_job,
)
from tputtui.scrape.prometheus.queries import format_conditions, join_queries
from tputtui.scrape.time_limit import AnswerWait
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts

DISCOVERY_DEADLINE_S = 20.0
SHORTEST_RETRY_S = 1.0
LONGEST_RETRY_S = 10.0
BUSY_RETRY_S = 30.0  # after 429 and 503

DISCOVERY_INTERVAL_S = 30.0
"""How often the list of jobs is asked for; a job whose families changed is looked at again then."""

RAW_SERIES_INTERVAL_S = 300.0
METADATA_INTERVAL_S = 600.0
BROWSE_EVERY_S = 2.0
TICKS_PER_SCRAPE = 2
"""A server that scrapes every 15 s has nothing new every second: it is asked so often in one of its intervals."""

_BINDING_CHECKS, _BINDING_CHECK_S = (
    30,
    0.05,
)  # after the first look, the time to wait for bindings: those who bind have a tick of their own


class ServerListener(Protocol):
    """Who is told of what a server knows; all on one event loop."""

    def on_target_added(self, target: Target) -> None:
        """There is one more target."""

    def on_target_removed(self, name: str) -> None:
        """A target stood in for others that are there now."""

    def on_scrape(self, scrape: Scrape) -> None:
        """A look, rates, or a failure."""

    def on_backfill(self, scrapes: Sequence[Scrape]) -> None:
        """Rates of the time before, the oldest first; the duration of each is the time it stands for."""

    def browsed_names(self, name: str) -> frozenset[str] | None:
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
        listener: ServerListener,
        tls: TlsContexts | None = None,
    ) -> None:
        """`settings.name` names the target that stands for the server while it knows no job."""
        self.settings = settings = replace(settings, url=base_url(settings.url))
        self.is_known = False  # it has said what it has
        self.job_targets: dict[str, JobTarget] = {}  # by job
        self._matches = tuple(matches)
        self._interval_s = interval_s
        self._listener = listener
        self._api = ServerApi(settings, tls)
        self._discovery_api = ServerApi(
            settings, tls
        )  # a look takes longer and must not hold up a tick
        self._has_placeholder = False
        self._metadata: dict[str, Any] = {}
        self._metadata_at = -1e9
        self._unwatched_jobs = 0
        self._failed_jobs: dict[str, str] = {}  # jobs that could not be looked at, and why
        self._failures = 0
        self._answer_wait = AnswerWait()  # of the ticks
        self._first_tick = asyncio.Event()
        self._series_count = 0  # of the newest answer

    @property
    def has_answered(self) -> bool:
        """Whether it has answered, failed, or is slow to answer the first question."""
        return self.is_known or self._has_placeholder

    def waiting_by_target(self) -> dict[str, float]:
        """For how many seconds its answer has been late, for each of its targets; nothing while it is not."""
        api = self._api if self.is_known else self._discovery_api
        late_s = self._answer_wait.late_s(self._interval_s, is_connected=api.is_connected)
        return dict.fromkeys(self._target_names(), late_s) if late_s is not None else {}

    def _target_names(self) -> list[str]:
        """Its targets; while it knows none, what stands in for them."""
        if self.is_known:
            return [part.target.name for part in self.job_targets.values()]
        return [self.settings.name] if self._has_placeholder else []

    async def run(self) -> None:
        """Look and ask until cancelled."""
        try:
            await self._run_first_discovery()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run_discovery())
                group.create_task(self._run_ticks())
        finally:
            await self._api.aclose()
            await self._discovery_api.aclose()

    # ------------------------------------------------------------------------------------------ looking

    async def _run_first_discovery(self) -> None:
        """The first look, again and again until there is a job; failures are delivered in the server's name."""
        while True:
            started = time.monotonic()
            self._answer_wait.start()
            late = asyncio.get_running_loop().call_later(self._interval_s, self._add_placeholder)
            try:
                await self._discovery_api.vector("vector(1)", self.settings.timeout_s)
                late.cancel()
                self._answer_wait.stop(is_late=False)
                await self._discover()
            except ServerError as error:
                late.cancel()
                self._answer_wait.stop(is_late=error.is_late)
                self._on_error(error, started)
                await asyncio.sleep(self._retry_s(error))
                continue
            if self.job_targets:
                break
            wanted = f" that meet {{{format_conditions(self._matches)}}}" if self._matches else ""
            self._on_error(ServerError(f"the server has no series{wanted}"), started)
            await asyncio.sleep(self._retry_s(None))
        self._failures = 0
        self.is_known = True

    async def _run_discovery(self) -> None:
        await self._first_tick.wait()
        with contextlib.suppress(ServerError):  # then the axis begins with now
            await self._read_backfill()
        due = time.monotonic() + DISCOVERY_INTERVAL_S
        while True:
            await asyncio.sleep(max(self._interval_s, BROWSE_EVERY_S))
            with contextlib.suppress(ServerError):  # the ticks say what is wrong
                await self._read_browsed()
                for part in self.job_targets.values():
                    if part.job.measured_scrape_s is None:
                        await measure_scrape_interval(
                            self._discovery_api, part.job, self._matches, DISCOVERY_DEADLINE_S
                        )
                if time.monotonic() >= due:
                    due = time.monotonic() + DISCOVERY_INTERVAL_S
                    await self._discover()

    async def _read_browsed(self) -> None:
        """What somebody looks at family by family is looked at raw, again and again. Raises ServerError."""
        for part in list(self.job_targets.values()):
            names = self._listener.browsed_names(part.target.name)
            started = time.monotonic()
            if names is None:
                found = await read_raw_series(
                    self._discovery_api,
                    part.job,
                    self._matches,
                    self._metadata,
                    DISCOVERY_DEADLINE_S,
                )
                part.read_at = time.monotonic()
            elif names:
                found = await read_raw_families(
                    self._discovery_api, part.job, names, self._matches, DISCOVERY_DEADLINE_S
                )
            else:
                continue
            self._deliver(part.target.name, started, exposition=found)

    async def _read_backfill(self) -> None:
        """Hand over the time before we came, once. Raises ServerError."""
        found = await read_backfill(
            self._discovery_api,
            dict(self.job_targets),
            self._matches,
            self._listener.window_s(),
            self._series_count,
        )
        self._listener.on_backfill(found)

    async def _discover(self) -> None:
        """List the jobs, and look at those that are new or have changed. Raises ServerError."""
        now = time.monotonic()
        if now - self._metadata_at > METADATA_INTERVAL_S:
            try:
                self._metadata = await self._discovery_api.metadata(DISCOVERY_DEADLINE_S)
            except ServerError:
                self._metadata = {}  # not every server keeps it: names tell most of it
            self._metadata_at = now
        jobs = await list_jobs(self._discovery_api, self._matches, DISCOVERY_DEADLINE_S)
        known = [job for job in jobs if job.name in self.job_targets]
        new = [job for job in jobs if job.name not in self.job_targets][
            : max(0, MAX_JOBS - len(self.job_targets))
        ]
        self._unwatched_jobs = len(jobs) - len(known) - len(new)
        self._failed_jobs = {}
        for job in (*known, *new):
            try:
                await self._read_job(job, is_only_job=len(jobs) == 1)
            except ServerError as error:
                if not self.job_targets:
                    raise
                self._failed_jobs[job.name] = str(error)

    async def _read_job(self, job: ServerJob, *, is_only_job: bool) -> None:
        part = self.job_targets.get(job.name)
        if part is not None:
            changed = (
                part.job.series_counts.keys() != job.series_counts.keys()
                or part.job.sources != job.sources
            )
            part.job.series_counts, part.job.sources = job.series_counts, job.sources
            if not changed and time.monotonic() - part.read_at < RAW_SERIES_INTERVAL_S:
                return
            job = part.job
        started = time.monotonic()
        exposition = await read_raw_series(
            self._discovery_api, job, self._matches, self._metadata, DISCOVERY_DEADLINE_S
        )
        if part is None:
            if self._has_placeholder:
                self._has_placeholder = False
                self._listener.on_target_removed(self.settings.name)
            part = self.job_targets[job.name] = JobTarget(
                self._create_target(job, is_only_job=is_only_job), job
            )
            self._listener.on_target_added(part.target)
        part.read_at = time.monotonic()
        self._deliver(part.target.name, started, exposition=exposition)

    def _create_target(self, job: ServerJob, *, is_only_job: bool) -> Target:
        """A job by its name; by the server's, where the config has one, and both where that has several jobs."""
        own = self.settings.service or self.settings.name
        name = clean(job.name, 60)
        if own != host_and_port(self.settings.url):
            name = own if is_only_job or not name else f"{own} {name}"
        return Target(name or own, self.settings.target.url)

    # ------------------------------------------------------------------------------------------ asking

    async def _run_ticks(self) -> None:
        await self._wait_for_bindings()
        while True:
            started = time.monotonic()
            wait = self._tick_interval_s()
            self._answer_wait.start()
            try:
                await self._tick()
                self._answer_wait.stop(is_late=False)
                self._failures = 0
                self._first_tick.set()
            except ServerError as error:
                self._answer_wait.stop(is_late=error.is_late)
                self._on_error(error, started)
                wait = self._retry_s(error)
            await asyncio.sleep(max(0.0, started + wait - time.monotonic()))

    async def _wait_for_bindings(self) -> None:
        """Wait until what was looked at has bindings, for a moment: some has nothing to bind."""
        names = [part.target.name for part in self.job_targets.values()]
        for _ in range(_BINDING_CHECKS):
            if all(map(self._listener.questions, names)):
                break
            await asyncio.sleep(_BINDING_CHECK_S)

    def _tick_interval_s(self) -> float:
        shortest = min(
            (part.job.scrape_s for part in self.job_targets.values()), default=self._interval_s
        )
        return max(self._interval_s, shortest / TICKS_PER_SCRAPE)

    async def _tick(self) -> None:
        """Ask all questions of all jobs, and hand each job its answers. Raises ServerError."""
        started = time.monotonic()
        window_s = self._listener.window_s()
        parts = dict(self.job_targets)
        for part in parts.values():
            part.questions = self._listener.questions(part.target.name)
        found: Vector = []
        warnings: dict[str, None] = {}
        size = 0
        for query in join_queries(build_expressions(parts.values(), self._matches, window_s)):
            vector, result = await self._api.vector(query, self.settings.timeout_s)
            found += vector
            size += result.size
            warnings |= dict.fromkeys(result.warnings)
        self._deliver_answers(parts, found, tuple(warnings), size, started, window_s)

    def _deliver_answers(
        self,
        job_targets: Mapping[str, JobTarget],
        vector: Vector,
        warnings: tuple[str, ...],
        size: int,
        started: float,
        window_s: float,
    ) -> None:
        self._series_count = len(vector)
        samples = group_by_job(job_targets, vector)
        for name, part in job_targets.items():
            own, up, count = samples[name]
            if part.questions and not own and up is None and count is None:
                # Not even which of its sources are up: no rate is known, and none is 0.
                self._deliver(part.target.name, started, error=NO_ANSWER)
                continue
            said = [*warnings]
            if count and up is not None and up < count:
                said.insert(
                    0, f"{round(count - up)} of {round(count)} instances are down, says the server"
                )
            if self._unwatched_jobs:
                said.append(f"{self._unwatched_jobs} more jobs are not watched: --match chooses")
            said += [
                f"job {clean(job, 60)}: {why}"
                for job, why in self._failed_jobs.items()
                if job not in job_targets
            ][:1]
            if name in self._failed_jobs:
                said.append(f"its series could not be looked at again: {self._failed_jobs[name]}")
            exposition = part.exposition(
                own, part.range_s(window_s), clean("; ".join(said), 300) or None
            )
            self._deliver(part.target.name, started, exposition=exposition, size=size)

    # ------------------------------------------------------------------------------------------ failing

    def _on_error(self, error: ServerError, started: float) -> None:
        """Say of all targets of this server, or of the one that stands in for them, what went wrong."""
        self._failures += 1
        if not self._target_names():
            self._add_placeholder()
        for name in self._target_names():
            self._deliver(name, started, error=str(error), late=error.is_late)

    def _add_placeholder(self) -> None:
        """Have a target of the server's own name, until it is known what the server has."""
        if not self._has_placeholder:
            self._has_placeholder = True
            self._listener.on_target_added(self.settings.target)

    def _retry_s(self, error: ServerError | None) -> float:
        """Twice as long after each failure, and not in step with others who wait for the same server."""
        longest = BUSY_RETRY_S if error is not None and error.is_busy else LONGEST_RETRY_S
        wait = min(
            longest, max(SHORTEST_RETRY_S, self._interval_s) * 2.0 ** min(self._failures - 1, 10)
        )
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
        self._listener.on_scrape(
            Scrape(name, at, time.time(), at - started, exposition, size, error, late)
        )

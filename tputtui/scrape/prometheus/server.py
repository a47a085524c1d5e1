"""Prometheus-compatible server that is polled: its jobs, and the rates of all jobs in one query.

Each job is a target of its own. Its raw series are read first, so that they can be classified; from
then on a tick queries the rates, levels and buckets that the bindings need, aggregated by the
server.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from tputtui.model import Exposition, Match, Scrape, ServerQuery, Target
from tputtui.scrape.http_fetch import EndpointSettings
from tputtui.scrape.prometheus.api import Backoff, ServerApi, ServerError, Vector, base_url
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
    create_target,
    group_by_job,
    read_backfill,
)
from tputtui.scrape.prometheus.queries import format_conditions, join_queries
from tputtui.scrape.time_limit import AnswerWait
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.scrape.connections import TlsContexts

DISCOVERY_DEADLINE_S = 20.0
DISCOVERY_INTERVAL_S = 30.0
"""Seconds between lists of jobs; a job whose families changed is then read again."""

RAW_SERIES_INTERVAL_S = 300.0
METADATA_INTERVAL_S = 600.0
BROWSE_EVERY_S = 2.0
TICKS_PER_SCRAPE = 2
"""Ticks in one scrape interval of the server, because between scrapes there is nothing new."""

# Checks for bindings after the first discovery: they are made in the engine's tick
_BINDING_CHECKS = 30
_BINDING_CHECK_S = 0.05


class ServerListener(Protocol):
    """Receiver of what a server provides; all calls are on one event loop."""

    def on_target_added(self, target: Target) -> None:
        """Add a target."""

    def on_target_removed(self, name: str) -> None:
        """Remove a placeholder, because its targets are known now."""

    def on_scrape(self, scrape: Scrape) -> None:
        """Receive raw series, rates, or a failure."""

    def on_backfill(self, scrapes: Sequence[Scrape]) -> None:
        """Receive the rates of the past, the oldest first; `duration_s` is the time each stands
        for.
        """

    def browsed_names(self, name: str) -> frozenset[str] | None:
        """Return the sample names of a target that are browsed raw; None: all of them."""
        ...

    def questions(self, name: str) -> tuple[ServerQuery, ...]:
        """Return the questions for a target."""
        ...

    def window_s(self) -> float:
        """Return the span of rates in seconds."""
        ...


class PrometheusServer:
    """One server, with the conditions that select its series."""

    def __init__(
        self,
        settings: EndpointSettings,
        matches: Sequence[Match],
        interval_s: float,
        listener: ServerListener,
        tls: TlsContexts | None = None,
    ) -> None:
        """`settings.name` names the placeholder target until a job is known."""
        self.settings = settings = replace(settings, url=base_url(settings.url))
        self.is_known = False  # its jobs are known
        self.job_targets: dict[str, JobTarget] = {}  # by job
        self._matches = tuple(matches)
        self._interval_s = interval_s
        self._listener = listener
        self._api = ServerApi(settings, tls)
        # Of its own, because a discovery takes longer and must not delay a tick
        self._discovery_api = ServerApi(settings, tls)
        self._has_placeholder = False
        self._metadata: dict[str, Any] = {}
        self._metadata_at = -1e9
        self._unwatched_jobs = 0
        self._failed_jobs: dict[str, str] = {}  # jobs that could not be read, and why
        self._backoff = Backoff(interval_s)
        self._answer_wait = AnswerWait()  # of the ticks
        self._first_tick = asyncio.Event()
        self._series_count = 0  # of the newest answer

    @property
    def has_answered(self) -> bool:
        """Whether it has answered, failed, or is slow to answer the first request."""
        return self.is_known or self._has_placeholder

    def waiting_by_target(self) -> dict[str, float]:
        """Return the seconds by which its answer is late, by target; empty if it is not late."""
        api = self._api if self.is_known else self._discovery_api
        late_s = self._answer_wait.late_s(self._interval_s, is_connected=api.is_connected)
        return dict.fromkeys(self._target_names(), late_s) if late_s is not None else {}

    def _target_names(self) -> list[str]:
        """List its targets; the placeholder while there are none."""
        if self.is_known:
            return [job_target.target.name for job_target in self.job_targets.values()]
        return [self.settings.name] if self._has_placeholder else []

    async def run(self) -> None:
        """Discover and query until cancelled."""
        try:
            await self._run_first_discovery()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run_discovery())
                group.create_task(self._run_ticks())
        finally:
            await self._api.aclose()
            await self._discovery_api.aclose()

    # ----------------------------------------------------------------------------------- discovery

    async def _run_first_discovery(self) -> None:
        """Discover until there is a job; failures are delivered for the placeholder."""
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
                await asyncio.sleep(self._backoff.wait_s(is_busy=error.is_busy))
                continue
            if self.job_targets:
                break
            wanted = f" that meet {{{format_conditions(self._matches)}}}" if self._matches else ""
            self._on_error(ServerError(f"the server has no series{wanted}"), started)
            await asyncio.sleep(self._backoff.wait_s())
        self._backoff.reset()
        self.is_known = True

    async def _run_discovery(self) -> None:
        await self._first_tick.wait()
        with contextlib.suppress(ServerError):  # then the time axis begins now
            await self._read_backfill()
        due = time.monotonic() + DISCOVERY_INTERVAL_S
        while True:
            await asyncio.sleep(max(self._interval_s, BROWSE_EVERY_S))
            with contextlib.suppress(ServerError):  # the ticks report it
                await self._read_browsed()
                for job_target in self.job_targets.values():
                    if job_target.job.measured_scrape_s is None:
                        await measure_scrape_interval(
                            self._discovery_api, job_target.job, self._matches, DISCOVERY_DEADLINE_S
                        )
                if time.monotonic() >= due:
                    due = time.monotonic() + DISCOVERY_INTERVAL_S
                    await self._discover()

    async def _read_browsed(self) -> None:
        """Read raw what is browsed family by family. Raises ServerError."""
        for job_target in list(self.job_targets.values()):
            names = self._listener.browsed_names(job_target.target.name)
            started = time.monotonic()
            if names is None:
                exposition = await read_raw_series(
                    self._discovery_api,
                    job_target.job,
                    self._matches,
                    self._metadata,
                    DISCOVERY_DEADLINE_S,
                )
                job_target.read_at = time.monotonic()
            elif names:
                exposition = await read_raw_families(
                    self._discovery_api, job_target.job, names, self._matches, DISCOVERY_DEADLINE_S
                )
            else:
                continue
            self._deliver(job_target.target.name, started, exposition=exposition)

    async def _read_backfill(self) -> None:
        """Deliver the past once. Raises ServerError."""
        scrapes = await read_backfill(
            self._discovery_api,
            dict(self.job_targets),
            self._matches,
            self._listener.window_s(),
            self._series_count,
        )
        self._listener.on_backfill(scrapes)

    async def _discover(self) -> None:
        """List the jobs, and read those that are new or have changed. Raises ServerError."""
        now = time.monotonic()
        if now - self._metadata_at > METADATA_INTERVAL_S:
            try:
                self._metadata = await self._discovery_api.metadata(DISCOVERY_DEADLINE_S)
            except ServerError:
                self._metadata = {}  # not every server keeps it; names are mostly enough
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
        job_target = self.job_targets.get(job.name)
        if job_target is not None:
            is_changed = (
                job_target.job.series_counts.keys() != job.series_counts.keys()
                or job_target.job.sources != job.sources
            )
            job_target.job.series_counts, job_target.job.sources = job.series_counts, job.sources
            if not is_changed and time.monotonic() - job_target.read_at < RAW_SERIES_INTERVAL_S:
                return
            job = job_target.job
        started = time.monotonic()
        exposition = await read_raw_series(
            self._discovery_api, job, self._matches, self._metadata, DISCOVERY_DEADLINE_S
        )
        if job_target is None:
            if self._has_placeholder:
                self._has_placeholder = False
                self._listener.on_target_removed(self.settings.name)
            job_target = self.job_targets[job.name] = JobTarget(
                create_target(self.settings, job, is_only_job=is_only_job), job
            )
            self._listener.on_target_added(job_target.target)
        job_target.read_at = time.monotonic()
        self._deliver(job_target.target.name, started, exposition=exposition)

    # --------------------------------------------------------------------------------------- ticks

    async def _run_ticks(self) -> None:
        await self._wait_for_bindings()
        while True:
            started = time.monotonic()
            wait = self._tick_interval_s()
            self._answer_wait.start()
            try:
                await self._tick()
                self._answer_wait.stop(is_late=False)
                self._backoff.reset()
                self._first_tick.set()
            except ServerError as error:
                self._answer_wait.stop(is_late=error.is_late)
                self._on_error(error, started)
                wait = self._backoff.wait_s(is_busy=error.is_busy)
            await asyncio.sleep(max(0.0, started + wait - time.monotonic()))

    async def _wait_for_bindings(self) -> None:
        """Wait a moment until the discovered series have bindings; some have nothing to bind."""
        names = [job_target.target.name for job_target in self.job_targets.values()]
        for _ in range(_BINDING_CHECKS):
            if all(map(self._listener.questions, names)):
                break
            await asyncio.sleep(_BINDING_CHECK_S)

    def _tick_interval_s(self) -> float:
        shortest = min(
            (job_target.job.scrape_s for job_target in self.job_targets.values()),
            default=self._interval_s,
        )
        return max(self._interval_s, shortest / TICKS_PER_SCRAPE)

    async def _tick(self) -> None:
        """Send all questions of all jobs, and deliver each job its answers. Raises ServerError."""
        started = time.monotonic()
        window_s = self._listener.window_s()
        job_targets = dict(self.job_targets)
        for job_target in job_targets.values():
            job_target.questions = self._listener.questions(job_target.target.name)
        answers: Vector = []
        warnings: dict[str, None] = {}
        size = 0
        for query in join_queries(build_expressions(job_targets.values(), self._matches, window_s)):
            vector, result = await self._api.vector(query, self.settings.timeout_s)
            answers += vector
            size += result.size
            warnings |= dict.fromkeys(result.warnings)
        self._deliver_answers(job_targets, answers, tuple(warnings), size, started, window_s)

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
        for name, job_target in job_targets.items():
            own, up, count = samples[name]
            if job_target.questions and not own and up is None and count is None:
                # Not even its sources: every rate is unknown, which is not 0.
                self._deliver(job_target.target.name, started, error=NO_ANSWER)
                continue
            own_warnings = [*warnings]
            if count and up is not None and up < count:
                own_warnings.insert(
                    0, f"{round(count - up)} of {round(count)} instances are down, says the server"
                )
            if self._unwatched_jobs:
                own_warnings.append(
                    f"{self._unwatched_jobs} more jobs are not watched: --match chooses"
                )
            own_warnings += [
                f"job {clean(job, 60)}: {why}"
                for job, why in self._failed_jobs.items()
                if job not in job_targets
            ][:1]
            if name in self._failed_jobs:
                own_warnings.append(
                    f"its series could not be read again: {self._failed_jobs[name]}"
                )
            exposition = job_target.exposition(
                own, job_target.range_s(window_s), clean("; ".join(own_warnings), 300) or None
            )
            self._deliver(job_target.target.name, started, exposition=exposition, size=size)

    # ------------------------------------------------------------------------------------ failures

    def _on_error(self, error: ServerError, started: float) -> None:
        """Deliver a failure for all targets of this server, or for the placeholder."""
        self._backoff.add_failure()
        if not self._target_names():
            self._add_placeholder()
        for name in self._target_names():
            self._deliver(name, started, error=str(error), late=error.is_late)

    def _add_placeholder(self) -> None:
        """Add a target with the server's own name until its jobs are known."""
        if not self._has_placeholder:
            self._has_placeholder = True
            self._listener.on_target_added(self.settings.target)

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

"""Sliding window over the followed series of one target.

Memory per counter series: 140 B for its entry in the index and 8 B for each row kept: one row a
scrape, at most `MAX_ROWS` (longer windows are thinned). That is 230 B at an interval of 1 s and a
window of 10 s (measured), and never above 2.1 kB. Where several processes answer in turn, 24 B
more, and at least two rows for each process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite, nan
from operator import sub
from typing import NamedTuple

from tputtui.model import Exposition, Family, Scrape, Series
from tputtui.signals.rates.followed_series import (
    RETIRE_AT_ONCE,
    Count,
    DroppedTotal,
    FollowedSeries,
)
from tputtui.signals.rates.lifetime import (
    START_GAUGES,
    Gauges,
    governed,
    identity_gauge,
    start_gauge,
    told,
)
from tputtui.signals.rates.new_series import (
    Doubtful,
    NewSeries,
    child,
    count_from_zero,
    counts_events,
    is_confirmed,
)
from tputtui.signals.rates.process_assignment import FEW, ProcessAssignment
from tputtui.signals.rates.process_counters import (
    MAX_ROWS,
    MOST_DOUBT,
    Counted,
    ProcessCounters,
    Saved,
)
from tputtui.signals.rates.processes_in_turn import FELL, RESTART_S, Answer
from tputtui.signals.rates.sample_times import SampleTimes

__all__ = [
    "GAP_INTERVALS",
    "MAX_ROWS",
    "RESTART_S",
    "RETIRE_AT_ONCE",
    "Count",
    "DroppedTotal",
    "TargetWindow",
]

GAP_INTERVALS = 2.5
"""Intervals without any request after which the rates start over, if longer than the window too.

Such a gap means that this machine was busy or stopped. What the target counted in it is no sign of
an outage. Waiting for a late answer is not a gap.
"""


class _Evidence(NamedTuple):
    """Evidence in one scrape on where its counters began, and the decision drawn from it."""

    at: float
    start: float | None
    created: dict[Series, float]
    armed: frozenset[str]  # sample names whose new series may count from zero
    since: float | None  # unix seconds of the process's previous scrape
    rebase: bool
    from_zero: bool
    begun: frozenset[int]  # numbers of single series that count from zero
    families: Mapping[str, Family]


class TargetWindow(FollowedSeries):
    """Sliding window over the scrapes of one target: its followed counters and gauges.

    The rates are those of the current *segment*: a failed scrape or a gap starts a new segment, so
    an outage is never averaged into the current rate. `gained` continues across segments. Values
    are kept per process; most targets are one process.
    """

    def __init__(
        self,
        window_s: float,
        interval_s: float,
        counters: Collection[str],
        gauges: Collection[str] = (),
    ) -> None:
        """Follow the counters and gauges with these sample names over `window_s` seconds.

        The values of `gauges` are kept as they are.
        """
        super().__init__(window_s, interval_s, counters, gauges)
        self._assignment = ProcessAssignment(self.processes)
        self._asked_until = 0.0  # end of the newest attempt; nothing was requested after it
        self._silent_s = 0.0  # longest time without a request since the newest good scrape
        self._scraped: deque[float] = deque()  # `at` of the scrapes in the window
        # sample names whose new series may count from zero
        self._armed: frozenset[str] = frozenset()
        self._sample_times = SampleTimes()
        self._identity: tuple[object, str | None] = (
            None,
            None,
        )  # (inputs of the choice, gauge that tells processes apart)
        # by process: (seconds from its scrape before to the one that showed them, new label sets)
        self._doubtful: dict[int, tuple[float, list[Doubtful]]] = {}
        # start times that do not identify the process that answered
        self._starts: dict[Series, float] = {}
        # (layout, series that count events, small gain)
        self._counts: tuple[int, list[int], float] = (-1, [], FEW)

    # -------------------------------------------------------------------------------------- figures

    @property
    def reason(self) -> str | None:
        """Reason why a target that answers has no rates, or None.

        None if it has some, or will have some with its second scrape.
        """
        return self.processes.reason if self.is_current else None

    @property
    def why_no_sample(self) -> str | None:
        """Reason why a target whose samples carry timestamps has no rates; None if it has some."""
        times = self._sample_times.series() if self.is_current else ()
        if not times or any(self._index[series] not in self.silent for series in times):
            return None
        return "its samples are dated, and no new one has come yet"

    @property
    def covered_s(self) -> float:
        """Seconds that the rates cover; 0.0 while there is only one scrape."""
        live = self.processes.live
        if len(live) == 1:
            return live[0].covered_s
        return self._scraped[-1] - self._scraped[0] if self._scraped else 0.0

    def rates(self) -> list[float] | None:
        """Return the increase per second of each series over the window.

        None while the target is down or overdue, before a second scrape, and where the process that
        answered is not known. The increase of a series that appeared within the window is divided
        by the whole window: it was at zero before.
        """
        if not self.is_current:
            return None
        rates = self.processes.rates(len(self.series))
        if rates is not None and self._sample_times and self.at is not None:
            for series in self._sample_times.series():
                rate = self._sample_times.rate(series, self.at, self.window_s, self.interval_s)
                rates[self._index[series]] = rate or 0.0
        return rates

    def _counted_at(self, process: ProcessCounters, numbers: Iterable[int]) -> float:
        """Return the moment of a process's counts, in seconds on one clock."""
        if not self._sample_times:
            return process.at
        taken = [self._sample_times.newest(self.series[number]) for number in numbers]
        return max((moment for moment in taken if moment is not None), default=process.at)

    # -------------------------------------------------------------------------------------- scrapes

    def add(self, scrape: Scrape, forgotten: Collection[str] = ()) -> None:
        """Add the next scrape, good or failed.

        A scrape that only reports a late answer changes nothing: the request was sent and is still
        under way.

        A new series may count from zero (the first 500 of a route is an increase of 1) if the
        previous scrape was good and the increase is plausible (`new_series`). It never does if its
        name is in `forgotten` (the scanner dropped series of that name, so it may be an old series
        that returned), nor if series of that name were beyond a limit.
        """
        exposition = scrape.exposition
        # The time in which this process could not run counts as a time without requests, not as
        # waiting.
        self._silent_s = max(self._silent_s, scrape.asked_at - self._asked_until + scrape.delayed_s)
        self._asked_until = scrape.ended_at
        if exposition is None:
            self.up = self.up and scrape.late
            return
        longest = max(GAP_INTERVALS * self.interval_s, self.window_s)
        broken = self.at is None or not self.up or scrape.at <= self.at or self._silent_s > longest
        if self.at is not None and self.time is not None:
            # Monotonic time stands still while a machine is suspended, but the counters may have
            # continued: compare it with the wall clock.
            broken |= scrape.time - self.time - (scrape.at - self.at) > longest
        if broken:
            self.segment += 1
            self._start_over(scrape.at)
            armed: frozenset[str] = frozenset()
        else:
            armed = self._armed.difference(forgotten, exposition.hidden, self._suspect)
        self._count(scrape, exposition, armed)
        self.up, self.at, self.time, self.families = (
            True,
            scrape.at,
            scrape.time,
            exposition.families,
        )
        self.overdue, self._silent_s = False, 0.0
        self._armed = self._counters
        self._retire(scrape.at)

    def _start_over(self, at: float) -> None:
        self.segment_at = at
        self._scraped.clear()
        self._doubtful.clear()
        self._sample_times.start_over()
        self.processes.start_over()

    def _count(self, scrape: Scrape, exposition: Exposition, armed: frozenset[str]) -> None:
        """Find the process that answered and add up its increases."""
        processes = self.processes
        self._scrapes += 1
        samples = self._new_samples(exposition)
        process = self._assignment.guess(self._told_start(samples))
        process.extend(len(self.series))
        saved = process.save()
        counted = process.count(samples, self._index, self._counters, self._gauges, self._scrapes)
        start, created, starts = told(
            counted.gauges, self._identity_gauge(counted.gauges, exposition.families)
        )
        rebase, from_zero, begun = process.answers == 0, False, frozenset[int]()
        fell = any(value < process.raw[number] for number, value in counted.odd)
        is_certain = starts == self._starts and self._assignment.is_certain(process, start, created)
        if process.answers and (fell or not is_certain):
            process.restore(saved)
            answer = self._answer(scrape, samples, start, created)
            begun = self._begin_again(process, answer, starts, exposition.families)
            broken_lines = processes.broken_lines
            process, rebase, from_zero = self._assignment.decide(answer)
            self.segment += processes.broken_lines - broken_lines
            process.begin(
                answer.at, answer.time - start if start is not None else None, rebase, from_zero
            )
            saved = process.save()
            counted = process.count(
                samples, self._index, self._counters, self._gauges, self._scrapes
            )
        self._starts = starts
        since = process.time if process.answers else self.time
        by = _Evidence(
            scrape.at, start, created, armed, since, rebase, from_zero, begun, exposition.families
        )
        self._finish(process, counted, saved, by)
        process.note(scrape.at, scrape.time, self._scrapes, scrape.delayed_s)
        if rebase and scrape.delayed_s > MOST_DOUBT * self.window_s:
            process.rows.clear()  # the length of the time to leave out is not known either
        if not any(mark[2] == self._scrapes for mark in process.marks.values()):
            process.append(scrape.at, self.window_s, scrape.delayed_s)
        self._note_scraped(scrape.at)
        if exposition.timestamps or self._sample_times:
            self._note_sample_times(scrape, exposition, process)
        processes.answered(process, scrape.at, self.window_s)
        self.gauges = self._all_gauges(exposition.families)

    # ------------------------------------------------------------------------------------- evidence

    def _told_start(self, samples: Mapping[Series, float]) -> float | None:
        """Return the start time in an answer, read from the series that carried it last time."""
        gauge = self._identity[1]
        before = self.processes.current.gauges.get(gauge, ()) if gauge is not None else ()
        return samples.get(before[0][0]) if len(before) == 1 else None

    def _identity_gauge(self, gauges: Gauges, families: Mapping[str, Family]) -> str | None:
        """Return the start-time gauge that tells processes apart.

        Computed again only if an input changed.
        """
        rests_on = (id(families), self._counters, frozenset(gauges).intersection(START_GAUGES))
        if self._identity[0] != rests_on:
            self._identity = (rests_on, identity_gauge(self._counters, gauges, families))
        return self._identity[1]

    def _answer(
        self,
        scrape: Scrape,
        samples: Mapping[Series, float],
        start: float | None,
        created: Mapping[Series, float],
    ) -> Answer:
        stepped = 0.0
        if self.at is not None and self.time is not None:
            stepped = (scrape.time - scrape.at) - (self.time - self.at)
        if self._counts[0] != self.layout:
            numbers = [number for number, one in enumerate(self.series) if counts_events(one)]
            few = FEW * len({self.series[number].name for number in numbers})
            self._counts = (self.layout, numbers, few)
        values = [samples.get(series, nan) for series in self.series]
        return Answer(
            scrape.at,
            scrape.time,
            self.time,
            stepped,
            start,
            created,
            values,
            *self._counts[1:],
            self._scrapes,
        )

    def _begin_again(
        self,
        process: ProcessCounters,
        answer: Answer,
        starts: Mapping[Series, float],
        families: Mapping[str, Family],
    ) -> frozenset[int]:
        """Reset single counters to zero where their created or start time moved forward.

        Returns the numbers of these series.
        """
        made = set()
        if answer.start == process.start:
            made = {
                (series.name.removesuffix("_created"), series.labels)
                for series, moment in answer.created.items()
                if moment > process.created.get(series, moment) and answer.is_new(moment)
            }
        numbers = (
            [number for number, series in enumerate(self.series) if child(series) in made]
            if made
            else []
        )
        begun = {
            series
            for series, start in starts.items()
            if start - self._starts.get(series, start) - answer.stepped_s > RESTART_S
            and answer.is_new(start)
        }
        numbers += governed(begun, self.series, families, alone=len(starts) == 1)
        for number in numbers:
            if isfinite(process.raw[number]):
                process.raw[number] = 0.0
        if numbers:
            self.processes.restarted(
                answer.at, "counts anew in part: start or created times moved forward"
            )
        return frozenset(numbers)

    def _finish(
        self, process: ProcessCounters, counted: Counted, saved: Saved, by: _Evidence
    ) -> None:
        """Count what is not a plain rise: series that are new, returned or fell."""
        raw, gained = process.raw, process.gained
        unconfirmed: dict[int, float] = {}
        fallen: list[tuple[int, float]] = []
        new: list[NewSeries] = []
        for number, value in counted.odd:
            before = raw[number]
            raw[number] = value
            if number in self.gone:
                del self.gone[number]
                self.layout += 1
            if value < before:
                fallen.append((number, before))
            elif not saved[2][number] and self.series[number].name in by.armed:
                new.append(NewSeries(number, self.series[number], value))
        for series, value in counted.new:
            number = self._enter(process, series, value)
            if isfinite(value):
                new += [NewSeries(number, series, value)] if series.name in by.armed else []
            else:
                counted.silent.add(number)
        process.start = by.start if by.start is not None else process.start
        if by.from_zero:
            risen = map(sub, gained, saved[1])
            unconfirmed = {number: rise for number, rise in enumerate(risen) if rise > 0}
        elif not by.rebase:
            process.return_to_line(saved[1], self._scrapes)
            unconfirmed = self._fall(process, fallen, saved[1], by) if fallen else {}
            unconfirmed |= {number: gained[number] - saved[1][number] for number in by.begun}
        doubtful: list[Doubtful] = []
        if process.serial in self._doubtful:
            unconfirmed |= self._confirm_new(process, saved[1], by.at)
        if new and not by.rebase:
            rises = list(map(sub, gained, saved[1]))
            since = by.since if by.since is not None else 0.0
            increases, doubtful = new, []
            if not by.from_zero:
                increases, doubtful = count_from_zero(
                    new, self.series, rises, by.created, since - RESTART_S
                )
            for one in increases:
                gained[one.number] += max(one.value, 0.0)
                unconfirmed[one.number] = max(one.value, 0.0)
        if doubtful:
            known = {one.serial for one in self.processes.known}
            self._doubtful = {
                serial: sets for serial, sets in self._doubtful.items() if serial in known
            }
            self._doubtful[process.serial] = (by.at - process.at, doubtful)
        if not fallen and not by.rebase and not by.from_zero:
            self.processes.confirm_reset(by.at)
        process.unconfirmed = unconfirmed
        process.created = by.created or process.created
        process.gauges = counted.gauges
        self.silent = counted.silent
        self._mark_gone(process, by.at)

    def _confirm_new(
        self, process: ProcessCounters, before: Sequence[float], at: float
    ) -> dict[int, float]:
        """Count new label sets that continued at the pace needed to have begun when they appeared.

        Returns their increases by series number.
        """
        before_s, sets = self._doubtful.pop(process.serial)
        counted: dict[int, float] = {}
        for doubtful in sets:
            judge = self._index.get(doubtful.judge.series)
            if judge is None or judge >= len(before):
                continue
            gained = process.gained[judge] - before[judge]
            if is_confirmed(doubtful, gained, at - process.at, before_s):
                numbers = ((self._index.get(one.series), one.value) for one in doubtful.members)
                counted |= {
                    number: max(value, 0.0) for number, value in numbers if number is not None
                }
        for number, value in counted.items():
            process.gained[number] += value
        return counted

    def _fall(
        self,
        process: ProcessCounters,
        fallen: Sequence[tuple[int, float]],
        before: Sequence[float],
        by: _Evidence,
    ) -> dict[int, float]:
        """Handle counters that fell while others rose.

        Where a start time governs a counter and has not moved, a fall gains nothing. Otherwise it
        is a reset, if the new value is small enough to have been counted since. Returns the
        increases of the counters that were reset, by series number.
        """
        unconfirmed: dict[int, float] = {}
        raw, gained = process.raw, process.gained
        rises: dict[str, float] = {}
        for number, one in enumerate(self.series):
            rises[one.name] = (
                rises.get(one.name, 0.0)
                + gained[number]
                - (before[number] if number < len(before) else 0.0)
            )
        for number, old in fallen:
            value, name = raw[number], self.series[number].name
            gauge = start_gauge(name, process.gauges, by.families)
            is_governed = gauge is not None and gauge in process.gauges
            if not is_governed and value <= old / 2 and value <= rises[name] + FEW:
                gained[number] += max(value, 0.0)
                unconfirmed[number] = max(value, 0.0)
                self.processes.expect_confirmation(by.at)
            else:
                process.marks[number] = (old, value, self._scrapes)
        if process.marks:
            self.processes.notice("warning", FELL)
        return unconfirmed

    # ------------------------------------------------------------------------ timestamps and gauges

    def _new_samples(self, exposition: Exposition) -> Mapping[Series, float]:
        """Return the samples of a scrape without those whose explicit timestamps have not moved."""
        stamps = exposition.timestamps
        if not stamps or not self._sample_times:
            return exposition.samples
        index, raw = self._index, self.processes.current.raw
        known = {one: raw[index[one]] for one in stamps if one in index and index[one] < len(raw)}
        return self._sample_times.only_new(exposition.samples, stamps, known)

    def _note_sample_times(
        self, scrape: Scrape, exposition: Exposition, process: ProcessCounters
    ) -> None:
        """Record the timestamps of samples.

        A series whose next sample is overdue becomes silent.
        """
        stamps = {one: taken for one, taken in exposition.timestamps.items() if one in self._index}
        gained = {one: process.gained[self._index[one]] for one in stamps}
        times = self._sample_times
        times.note(scrape.at, scrape.time, stamps, gained, self.window_s)
        for series in times.series():
            if times.rate(series, scrape.at, self.window_s, self.interval_s) is None:
                self.silent.add(self._index[series])

    def _note_scraped(self, at: float) -> None:
        """Record the time of a scrape, thinned in the same way as the rows."""
        scraped = self._scraped
        if len(scraped) > 1 and scraped[-1] - scraped[-2] < self.window_s / MAX_ROWS:
            scraped.pop()
        scraped.append(at)
        start = at - self.window_s
        while len(scraped) > 2 and abs(scraped[1] - start) <= abs(scraped[0] - start):
            scraped.popleft()

    def _all_gauges(
        self, families: Mapping[str, Family]
    ) -> Mapping[str, list[tuple[Series, float]]]:
        """Return the newest gauges of every process, for amounts are summed over processes.

        Gauges that do not belong to the processes themselves are included once.
        """
        live, gauge = self.processes.live, self._identity[1]
        newest = self.processes.current.gauges
        if len(live) == 1:
            return newest
        merged = dict(newest)
        for process in live:
            if process is self.processes.current:
                continue
            for name, found in process.gauges.items():
                if name not in START_GAUGES and (
                    gauge is None or start_gauge(name, newest, families) == gauge
                ):
                    merged[name] = [*merged.get(name, ()), *found]
        return merged

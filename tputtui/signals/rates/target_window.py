"""What the followed series of one target did over the window.

Memory per counter series: 140 B for its place in the index, and 8 B for each row kept: one row a scrape and at most
`MOST_ROWS` (longer windows are thinned). That is 230 B at 1 s and 10 s (measured), and never above 2.1 kB; where several
processes answer in turn, 24 B more and two rows at least for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isfinite, nan
from operator import sub
from typing import NamedTuple

from tputtui.model import Exposition, Family, Scrape, Series
from tputtui.signals.rates.followed_series import RETIRE_AT_ONCE, Count, DroppedTotal, FollowedSeries
from tputtui.signals.rates.lifetime import START_GAUGES, Gauges, governed, identity_gauge, start_gauge, told
from tputtui.signals.rates.new_series import Doubtful, NewSeries, child, count_from_zero, counts_events, is_confirmed
from tputtui.signals.rates.process_assignment import FEW, ProcessAssignment
from tputtui.signals.rates.process_counters import MAX_ROWS, MOST_DOUBT, Counted, ProcessCounters, Saved
from tputtui.signals.rates.processes_in_turn import FELL, RESTART_S, Answer
from tputtui.signals.rates.sample_times import SampleTimes

__all__ = ["GAP_INTERVALS", "MAX_ROWS", "RESTART_S", "RETIRE_AT_ONCE", "Count", "DroppedTotal", "TargetWindow"]

GAP_INTERVALS = 2.5
"""A silence longer than this, and than the window, starts the rates over: a time in which nothing was asked, because of a
busy or a stopped machine. What was counted in it is no outage. Waiting for a late answer is no silence.
"""


class _Evidence(NamedTuple):
    """What a scrape says of its counters' beginnings, and what was made of it."""

    at: float
    start: float | None
    created: dict[Series, float]
    armed: frozenset[str]  # names whose new series may count from zero
    since: float | None  # unix seconds of the process's scrape before
    rebase: bool
    from_zero: bool
    begun: frozenset[int]  # numbers of single series that count from zero
    families: Mapping[str, Family]


class TargetWindow(FollowedSeries):
    """The counters and gauges that are followed on one target, from scrape to scrape.

    The rates are those of the current *segment*: a failed scrape, or a gap, starts a new one, so an outage is never
    averaged into "now"; `gained` goes on across it. Values are kept by process: most targets are one.
    """

    def __init__(
        self, window_s: float, interval_s: float, counters: Collection[str], gauges: Collection[str] = ()
    ) -> None:
        """Follow the sample names `counters` (and, as they are, `gauges`) over `window_s` seconds."""
        super().__init__(window_s, interval_s, counters, gauges)
        self._assignment = ProcessAssignment(self.processes)
        self._asked_until = 0.0  # when the newest attempt ended: from then on nothing was asked
        self._silent_s = 0.0  # the longest such time since the newest good scrape
        self._scraped: deque[float] = deque()  # `at` of the scrapes in the window
        self._armed: frozenset[str] = frozenset()  # names whose new series may count from zero
        self._sample_times = SampleTimes()
        self._identity: tuple[object, str | None] = (
            None,
            None,
        )  # (what it rests on, the gauge that tells processes apart)
        self._doubtful: dict[int, tuple[float, list[Doubtful]]] = {}  # by process: new label sets, seen after so many s
        self._starts: dict[Series, float] = {}  # start times that say nothing of who answers
        self._counts: tuple[int, list[int], float] = (-1, [], FEW)  # (layout, series that count events, what is few)

    # ------------------------------------------------------------------------------------------ what it says

    @property
    def reason(self) -> str | None:
        """Why a target that answers has no rates; None where it has some, or will with its second scrape."""
        return self.processes.reason if self.is_current else None

    @property
    def why_no_sample(self) -> str | None:
        """Why a target whose samples carry timestamps has no rates; None where it has some."""
        times = self._sample_times.series() if self.is_current else ()
        if not times or any(self._index[series] not in self.silent for series in times):
            return None
        return "its samples are dated, and no new one has come yet"

    @property
    def covered_s(self) -> float:
        """Seconds that the rates rest on; 0.0 while there is only one scrape."""
        live = self.processes.live
        if len(live) == 1:
            return live[0].covered_s
        return self._scraped[-1] - self._scraped[0] if self._scraped else 0.0

    def rates(self) -> list[float] | None:
        """What each series gained per second over the window.

        None while down or overdue, before a second scrape, and where it is not known who answers. A series that came within the
        window is divided by the whole of it: before, it was at zero.
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
        """When a process's counts were true, in seconds on one clock."""
        if not self._sample_times:
            return process.at
        taken = [self._sample_times.newest(self.series[number]) for number in numbers]
        return max((moment for moment in taken if moment is not None), default=process.at)

    # ------------------------------------------------------------------------------------------ what it is told

    def add(self, scrape: Scrape, forgotten: Collection[str] = ()) -> None:
        """Take the next scrape, good or failed. One whose answer is late says nothing: it was asked, and is still awaited.

        A series that is new may count from zero (the first 500 of a route is an increase of 1), if the scrape before it
        was good and the increase is plausible (`new_series`); never where its name is in `forgotten` (its scanner dropped
        series of that name, so it may be an old one come back), nor where series of that name were beyond a limit.
        """
        exposition = scrape.exposition
        # The time in which we were kept from running was no waiting.
        self._silent_s = max(self._silent_s, scrape.asked_at - self._asked_until + scrape.delayed_s)
        self._asked_until = scrape.ended_at
        if exposition is None:
            self.up = self.up and scrape.late
            return
        longest = max(GAP_INTERVALS * self.interval_s, self.window_s)
        broken = self.at is None or not self.up or scrape.at <= self.at or self._silent_s > longest
        if self.at is not None and self.time is not None:
            # Monotonic time stands still while a machine is suspended: the wall clock tells that counters went on.
            broken |= scrape.time - self.time - (scrape.at - self.at) > longest
        if broken:
            self.segment += 1
            self._start_over(scrape.at)
            armed: frozenset[str] = frozenset()
        else:
            armed = self._armed.difference(forgotten, exposition.hidden, self._suspect)
        self._count(scrape, exposition, armed)
        self.up, self.at, self.time, self.families = True, scrape.at, scrape.time, exposition.families
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
        """Find out who answered, and add up what it gained."""
        processes = self.processes
        self._scrapes += 1
        samples = self._new_samples(exposition)
        process = self._assignment.guess(self._told_start(samples))
        process.extend(len(self.series))
        saved = process.save()
        counted = process.count(samples, self._index, self._counters, self._gauges, self._scrapes)
        start, created, starts = told(counted.gauges, self._identity_gauge(counted.gauges, exposition.families))
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
            process.begin(answer.at, answer.time - start if start is not None else None, rebase, from_zero)
            saved = process.save()
            counted = process.count(samples, self._index, self._counters, self._gauges, self._scrapes)
        self._starts = starts
        since = process.time if process.answers else self.time
        by = _Evidence(scrape.at, start, created, armed, since, rebase, from_zero, begun, exposition.families)
        self._finish(process, counted, saved, by)
        process.note(scrape.at, scrape.time, self._scrapes, scrape.delayed_s)
        if rebase and scrape.delayed_s > MOST_DOUBT * self.window_s:
            process.rows.clear()  # nor is it known how much time to leave out
        if not any(mark[2] == self._scrapes for mark in process.marks.values()):
            process.append(scrape.at, self.window_s, scrape.delayed_s)
        self._note_scraped(scrape.at)
        if exposition.timestamps or self._sample_times:
            self._note_sample_times(scrape, exposition, process)
        processes.answered(process, scrape.at, self.window_s)
        self.gauges = self._all_gauges(exposition.families)

    # ------------------------------------------------------------------------------------------ evidence

    def _told_start(self, samples: Mapping[Series, float]) -> float | None:
        """The start time in an answer, by the series that told it last."""
        gauge = self._identity[1]
        before = self.processes.current.gauges.get(gauge, ()) if gauge is not None else ()
        return samples.get(before[0][0]) if len(before) == 1 else None

    def _identity_gauge(self, gauges: Gauges, families: Mapping[str, Family]) -> str | None:
        """The start time that tells processes apart, worked out anew only where something it rests on has changed."""
        rests_on = (id(families), self._counters, frozenset(gauges).intersection(START_GAUGES))
        if self._identity[0] != rests_on:
            self._identity = (rests_on, identity_gauge(self._counters, gauges, families))
        return self._identity[1]

    def _answer(
        self, scrape: Scrape, samples: Mapping[Series, float], start: float | None, created: Mapping[Series, float]
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
            scrape.at, scrape.time, self.time, stepped, start, created, values, *self._counts[1:], self._scrapes
        )

    def _begin_again(
        self, process: ProcessCounters, answer: Answer, starts: Mapping[Series, float], families: Mapping[str, Family]
    ) -> frozenset[int]:
        """Let single counters begin at zero where they, or what they speak of, are said to have begun anew."""
        made = set()
        if answer.start == process.start:
            made = {
                (series.name.removesuffix("_created"), series.labels)
                for series, moment in answer.created.items()
                if moment > process.created.get(series, moment) and answer.is_new(moment)
            }
        numbers = [number for number, series in enumerate(self.series) if child(series) in made] if made else []
        begun = {
            series
            for series, start in starts.items()
            if start - self._starts.get(series, start) - answer.stepped_s > RESTART_S and answer.is_new(start)
        }
        numbers += governed(begun, self.series, families, alone=len(starts) == 1)
        for number in numbers:
            if isfinite(process.raw[number]):
                process.raw[number] = 0.0
        if numbers:
            self.processes.restarted(answer.at, "counts anew in part: start or created times moved forward")
        return frozenset(numbers)

    def _finish(self, process: ProcessCounters, counted: Counted, saved: Saved, by: _Evidence) -> None:
        """Count what is not a plain rise: series that are new, came back, or fell."""
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
                increases, doubtful = count_from_zero(new, self.series, rises, by.created, since - RESTART_S)
            for one in increases:
                gained[one.number] += max(one.value, 0.0)
                unconfirmed[one.number] = max(one.value, 0.0)
        if doubtful:
            known = {one.serial for one in self.processes.known}
            self._doubtful = {serial: sets for serial, sets in self._doubtful.items() if serial in known}
            self._doubtful[process.serial] = (by.at - process.at, doubtful)
        if not fallen and not by.rebase and not by.from_zero:
            self.processes.confirm_reset(by.at)
        process.unconfirmed = unconfirmed
        process.created = by.created or process.created
        process.gauges = counted.gauges
        self.silent = counted.silent
        self._mark_gone(process, by.at)

    def _confirm_new(self, process: ProcessCounters, before: Sequence[float], at: float) -> dict[int, float]:
        """Count new label sets that went on at the pace they must have begun at; what they gained comes back."""
        before_s, sets = self._doubtful.pop(process.serial)
        counted: dict[int, float] = {}
        for doubtful in sets:
            judge = self._index.get(doubtful.judge.series)
            if judge is None or judge >= len(before):
                continue
            gained = process.gained[judge] - before[judge]
            if is_confirmed(doubtful, gained, at - process.at, before_s):
                numbers = ((self._index.get(one.series), one.value) for one in doubtful.members)
                counted |= {number: max(value, 0.0) for number, value in numbers if number is not None}
        for number, value in counted.items():
            process.gained[number] += value
        return counted

    def _fall(
        self, process: ProcessCounters, fallen: Sequence[tuple[int, float]], before: Sequence[float], by: _Evidence
    ) -> dict[int, float]:
        """Judge counters that fell while others went on; what those gained that count from zero comes back.

        Where a start time governs them and has not moved, a fall gains nothing. Else it is a reset, if so little can have
        been counted since.
        """
        unconfirmed: dict[int, float] = {}
        raw, gained = process.raw, process.gained
        rises: dict[str, float] = {}
        for number, one in enumerate(self.series):
            rises[one.name] = (
                rises.get(one.name, 0.0) + gained[number] - (before[number] if number < len(before) else 0.0)
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

    # ------------------------------------------------------------------------------------------ timestamps and gauges

    def _new_samples(self, exposition: Exposition) -> Mapping[Series, float]:
        """The samples of a scrape, without those whose explicit timestamps have not moved."""
        stamps = exposition.timestamps
        if not stamps or not self._sample_times:
            return exposition.samples
        index, raw = self._index, self.processes.current.raw
        known = {one: raw[index[one]] for one in stamps if one in index and index[one] < len(raw)}
        return self._sample_times.only_new(exposition.samples, stamps, known)

    def _note_sample_times(self, scrape: Scrape, exposition: Exposition, process: ProcessCounters) -> None:
        """Keep when samples were taken; a series whose next sample is overdue says nothing."""
        stamps = {one: taken for one, taken in exposition.timestamps.items() if one in self._index}
        gained = {one: process.gained[self._index[one]] for one in stamps}
        times = self._sample_times
        times.note(scrape.at, scrape.time, stamps, gained, self.window_s)
        for series in times.series():
            if times.rate(series, scrape.at, self.window_s, self.interval_s) is None:
                self.silent.add(self._index[series])

    def _note_scraped(self, at: float) -> None:
        """Keep when the scrapes of the window were, as their rows are kept."""
        scraped = self._scraped
        if len(scraped) > 1 and scraped[-1] - scraped[-2] < self.window_s / MAX_ROWS:
            scraped.pop()
        scraped.append(at)
        start = at - self.window_s
        while len(scraped) > 2 and abs(scraped[1] - start) <= abs(scraped[0] - start):
            scraped.popleft()

    def _all_gauges(self, families: Mapping[str, Family]) -> Mapping[str, list[tuple[Series, float]]]:
        """The newest gauges of every process: amounts add up over them. What is not the processes' own is there once."""
        live, gauge = self.processes.live, self._identity[1]
        newest = self.processes.current.gauges
        if len(live) == 1:
            return newest
        merged = dict(newest)
        for process in live:
            if process is self.processes.current:
                continue
            for name, found in process.gauges.items():
                if name not in START_GAUGES and (gauge is None or start_gauge(name, newest, families) == gauge):
                    merged[name] = [*merged.get(name, ()), *found]
        return merged

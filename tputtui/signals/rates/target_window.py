"""Sliding window over the followed series of one target.

Memory per counter series: 140 B for its entry in the index and 8 B for each row kept: one row a
scrape, at most `MAX_ROWS` (longer windows are thinned). That is 230 B at an interval of 1 s and a
window of 10 s (measured), and never above 2.1 kB. Where several processes answer in turn, 24 B
more, and at least two rows for each process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from math import nan

from tputtui.model import Exposition, Family, Scrape, Series
from tputtui.signals.rates.answer_evidence import SMALL_GAIN, is_event_count
from tputtui.signals.rates.exposed_times import (
    START_GAUGES,
    Gauges,
    SampleTimes,
    identity_gauge,
    read_start_times,
    start_gauge,
)
from tputtui.signals.rates.followed_series import RETIRE_AT_ONCE, DroppedTotal, ProcessCount
from tputtui.signals.rates.irregular_counts import CountedSeries, ScrapeEvidence
from tputtui.signals.rates.process_assignment import ProcessAssignment
from tputtui.signals.rates.process_counters import MAX_ROWS, MAX_UNCERTAIN_SHARE, ProcessCounters
from tputtui.signals.rates.processes_in_turn import RESTART_S, AnswerEvidence

__all__ = [
    "GAP_INTERVALS",
    "MAX_ROWS",
    "RESTART_S",
    "RETIRE_AT_ONCE",
    "DroppedTotal",
    "ProcessCount",
    "TargetWindow",
]

GAP_INTERVALS = 2.5
"""Intervals without any request after which the rates start over, if longer than the window too.

Such a gap means that this machine was busy or stopped. What the target counted in it is no sign of
an outage. Waiting for a late answer is not a gap.
"""


class TargetWindow(CountedSeries):
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
        self._last_ended_at = 0.0  # end of the newest attempt; nothing was requested after it
        self._longest_pause_s = 0.0  # longest time without a request since the newest good scrape
        self._scrape_times: deque[float] = deque()  # `at` of the scrapes in the window
        # sample names whose new series may count from zero
        self._zero_start_names: frozenset[str] = frozenset()
        self._sample_times = SampleTimes()
        # (inputs of the choice, gauge that tells processes apart)
        self._identity: tuple[object, str | None] = (None, None)
        # (layout, series that count events, small gain)
        self._event_counters: tuple[int, list[int], float] = (-1, [], SMALL_GAIN)

    # -------------------------------------------------------------------------------------- figures

    @property
    def why_no_rates(self) -> str | None:
        """Reason why a target that answers has no rates, or None.

        None if it has some, or will have some with its second scrape.
        """
        return self.processes.why_no_rates if self.is_current else None

    @property
    def why_no_sample(self) -> str | None:
        """Reason why a target whose samples carry timestamps has no rates; None if it has some."""
        series = self._sample_times.timestamped_series() if self.is_current else ()
        numbers = {self._number_by_series[timestamped] for timestamped in series}
        if not numbers or not numbers <= self.without_value:
            return None
        return "its samples are dated, and no new one has come yet"

    @property
    def covered_s(self) -> float:
        """Seconds that the rates cover; 0.0 while there is only one scrape."""
        live, times = self.processes.live_processes, self._scrape_times
        if len(live) == 1:
            return live[0].covered_s
        return times[-1] - times[0] if times else 0.0

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
            for series in self._sample_times.timestamped_series():
                rate = self._sample_times.rate(series, self.at, self.window_s, self.interval_s)
                rates[self._number_by_series[series]] = rate or 0.0
        return rates

    def _counted_at(self, process: ProcessCounters, numbers: Iterable[int]) -> float:
        """Return the moment of a process's counts, in seconds on one clock."""
        if not self._sample_times:
            return process.at
        times = [self._sample_times.newest_time(self.series[number]) for number in numbers]
        return max((time for time in times if time is not None), default=process.at)

    # -------------------------------------------------------------------------------------- scrapes

    def add(self, scrape: Scrape, forgotten: Collection[str] = ()) -> None:
        """Add the next scrape, good or failed.

        A scrape that only reports a late answer changes nothing: the request was sent and is still
        under way.

        A new series may count from zero (the first 500 of a route is an increase of 1) if the
        previous scrape was good and the increase is plausible (`answer_evidence`). It never does if
        its name is in `forgotten` (the scanner dropped series of that name, so it may be an old
        series that returned), nor if series of that name were beyond a limit.
        """
        exposition = scrape.exposition
        # The time in which this process could not run counts as a time without requests, not as
        # waiting.
        self._longest_pause_s = max(
            self._longest_pause_s, scrape.asked_at - self._last_ended_at + scrape.delayed_s
        )
        self._last_ended_at = scrape.ended_at
        if exposition is None:
            self.is_up = self.is_up and scrape.late
            return
        max_pause_s = max(GAP_INTERVALS * self.interval_s, self.window_s)
        is_broken = (
            self.at is None
            or not self.is_up
            or scrape.at <= self.at
            or self._longest_pause_s > max_pause_s
        )
        if self.at is not None and self.time is not None:
            # Monotonic time stands still while a machine is suspended, but the counters may have
            # continued: compare it with the wall clock.
            is_broken |= scrape.time - self.time - (scrape.at - self.at) > max_pause_s
        if is_broken:
            self.segment += 1
            self._start_over(scrape.at)
            zero_start_names: frozenset[str] = frozenset()
        else:
            zero_start_names = self._zero_start_names.difference(
                forgotten, exposition.hidden, self._retired_names
            )
        self._count_scrape(scrape, exposition, zero_start_names)
        self.is_up, self.is_overdue = True, False
        self.at, self.time, self.families = scrape.at, scrape.time, exposition.families
        self._longest_pause_s = 0.0
        self._zero_start_names = self._counters
        self._drop_retired(scrape.at)

    def _start_over(self, at: float) -> None:
        self.segment_at = at
        self._scrape_times.clear()
        self._doubtful.clear()
        self._sample_times.start_over()
        self.processes.start_over()

    def _count_scrape(
        self, scrape: Scrape, exposition: Exposition, zero_start_names: frozenset[str]
    ) -> None:
        """Find the process that answered and add up its increases."""
        processes = self.processes
        self._scrapes += 1
        samples = self._new_samples(exposition)
        process = self._assignment.guess_process(self._read_start_time(samples))
        process.resize(len(self.series))
        saved = process.save()
        counted = process.count_scrape(
            samples, self._number_by_series, self._counters, self._gauges, self._scrapes
        )
        start, created, starts = read_start_times(
            counted.gauges, self._identity_gauge(counted.gauges, exposition.families)
        )
        is_rebased, is_from_zero = process.answer_count == 0, False
        restarted_numbers = frozenset[int]()
        has_fallen = any(value < process.raw_values[number] for number, value in counted.irregular)
        is_certain = starts == self._other_start_times and self._assignment.is_certain(
            process, start, created
        )
        if process.answer_count and (has_fallen or not is_certain):
            process.restore(saved)
            answer = self._build_answer(scrape, samples, start, created)
            restarted_numbers = self._restart_counters(process, answer, starts, exposition.families)
            broken_lines = processes.sequence_break_count
            process, is_rebased, is_from_zero = self._assignment.assign(answer)
            self.segment += processes.sequence_break_count - broken_lines
            age_s = answer.time - start if start is not None else None
            process.start_sequence(answer.at, age_s, is_rebased, is_from_zero)
            saved = process.save()
            counted = process.count_scrape(
                samples, self._number_by_series, self._counters, self._gauges, self._scrapes
            )
        self._other_start_times = starts
        previous_time = process.time if process.answer_count else self.time
        evidence = ScrapeEvidence(
            scrape.at,
            start,
            created,
            zero_start_names,
            previous_time,
            is_rebased,
            is_from_zero,
            restarted_numbers,
            exposition.families,
        )
        self._count_irregular(process, counted, saved, evidence)
        process.on_answer(scrape.at, scrape.time, self._scrapes, scrape.delayed_s)
        if is_rebased and scrape.delayed_s > MAX_UNCERTAIN_SHARE * self.window_s:
            process.rows.clear()  # the length of the time to leave out is not known either
        if not any(number == self._scrapes for _, _, number in process.steps_back.values()):
            process.add_row(scrape.at, self.window_s, scrape.delayed_s)
        self._add_scrape_time(scrape.at)
        if exposition.timestamps or self._sample_times:
            self._update_sample_times(scrape, exposition, process)
        processes.on_answer(process, scrape.at, self.window_s)
        self.gauges = self._merge_gauges(exposition.families)

    # ------------------------------------------------------------------------------------- evidence

    def _read_start_time(self, samples: Mapping[Series, float]) -> float | None:
        """Return the start time in an answer, read from the series that carried it last time."""
        gauge = self._identity[1]
        before = self.processes.current_process.gauges.get(gauge, ()) if gauge is not None else ()
        return samples.get(before[0][0]) if len(before) == 1 else None

    def _identity_gauge(self, gauges: Gauges, families: Mapping[str, Family]) -> str | None:
        """Return the start-time gauge that tells processes apart.

        Computed again only if an input changed.
        """
        inputs = (id(families), self._counters, frozenset(gauges).intersection(START_GAUGES))
        if self._identity[0] != inputs:
            self._identity = (inputs, identity_gauge(self._counters, gauges, families))
        return self._identity[1]

    def _build_answer(
        self,
        scrape: Scrape,
        samples: Mapping[Series, float],
        start: float | None,
        created: Mapping[Series, float],
    ) -> AnswerEvidence:
        stepped_s = 0.0
        if self.at is not None and self.time is not None:
            stepped_s = (scrape.time - scrape.at) - (self.time - self.at)
        if self._event_counters[0] != self.layout_version:
            numbers = [
                number for number, followed in enumerate(self.series) if is_event_count(followed)
            ]
            small_gain = SMALL_GAIN * len({self.series[number].name for number in numbers})
            self._event_counters = (self.layout_version, numbers, small_gain)
        values = [samples.get(series, nan) for series in self.series]
        return AnswerEvidence(
            scrape.at,
            scrape.time,
            self.time,
            stepped_s,
            start,
            created,
            values,
            *self._event_counters[1:],
            self._scrapes,
        )

    # ------------------------------------------------------------------------ timestamps and gauges

    def _new_samples(self, exposition: Exposition) -> Mapping[Series, float]:
        """Return the samples of a scrape without those whose explicit timestamps have not moved."""
        timestamps = exposition.timestamps
        if not timestamps or not self._sample_times:
            return exposition.samples
        index, raw_values = self._number_by_series, self.processes.current_process.raw_values
        known = {
            series: raw_values[index[series]]
            for series in timestamps
            if series in index and index[series] < len(raw_values)
        }
        return self._sample_times.replace_stale(exposition.samples, timestamps, known)

    def _update_sample_times(
        self, scrape: Scrape, exposition: Exposition, process: ProcessCounters
    ) -> None:
        """Record the timestamps of samples.

        A series whose next sample is overdue becomes silent.
        """
        timestamps = {
            sample: timestamp
            for sample, timestamp in exposition.timestamps.items()
            if sample in self._number_by_series
        }
        gained = {sample: process.gained[self._number_by_series[sample]] for sample in timestamps}
        times = self._sample_times
        times.add_samples(scrape.at, scrape.time, timestamps, gained, self.window_s)
        for series in times.timestamped_series():
            if times.rate(series, scrape.at, self.window_s, self.interval_s) is None:
                self.without_value.add(self._number_by_series[series])

    def _add_scrape_time(self, at: float) -> None:
        """Record the time of a scrape, thinned in the same way as the rows."""
        times = self._scrape_times
        if len(times) > 1 and times[-1] - times[-2] < self.window_s / MAX_ROWS:
            times.pop()
        times.append(at)
        start = at - self.window_s
        while len(times) > 2 and abs(times[1] - start) <= abs(times[0] - start):
            times.popleft()

    def _merge_gauges(
        self, families: Mapping[str, Family]
    ) -> Mapping[str, list[tuple[Series, float]]]:
        """Return the newest gauges of every process, for amounts are summed over processes.

        Gauges that do not belong to the processes themselves are included once.
        """
        live, identity = self.processes.live_processes, self._identity[1]
        newest = self.processes.current_process.gauges
        if len(live) == 1:
            return newest
        merged = dict(newest)
        for process in live:
            if process is self.processes.current_process:
                continue
            for name, values in process.gauges.items():
                if name not in START_GAUGES and (
                    identity is None or start_gauge(name, newest, families) == identity
                ):
                    merged[name] = [*merged.get(name, ()), *values]
        return merged

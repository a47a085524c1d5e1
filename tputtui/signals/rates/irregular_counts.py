"""Counting of values that are no plain rise: new, returned, fallen and restarted series."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import isfinite
from operator import sub
from typing import NamedTuple

from tputtui.model import Family, Series
from tputtui.signals.rates.answer_evidence import (
    SMALL_GAIN,
    ChildKey,
    DoubtfulSeries,
    NewSeries,
    child_key,
    is_confirmed,
    select_increases,
)
from tputtui.signals.rates.exposed_times import governed_series, start_gauge
from tputtui.signals.rates.followed_series import FollowedSeries
from tputtui.signals.rates.process_counters import ProcessCounters, SavedState, ScrapeCount
from tputtui.signals.rates.processes_in_turn import COUNTERS_FELL, RESTART_S, AnswerEvidence


class ScrapeEvidence(NamedTuple):
    """Evidence in one scrape on where its counters began, and the decision drawn from it."""

    at: float
    start_time: float | None
    created: dict[Series, float]
    zero_start_names: frozenset[str]  # sample names whose new series may count from zero
    previous_time: float | None  # unix seconds of the process's previous scrape
    is_rebased: bool
    is_from_zero: bool
    restarted_numbers: frozenset[int]  # numbers of single series that count from zero
    families: Mapping[str, Family]


class CountedSeries(FollowedSeries):
    """Followed series with the rules for values that are no plain rise."""

    def __init__(
        self,
        window_s: float,
        interval_s: float,
        counters: Collection[str],
        gauges: Collection[str] = (),
    ) -> None:
        """Follow the counters and gauges with these sample names over `window_s` seconds."""
        super().__init__(window_s, interval_s, counters, gauges)
        # by process: (seconds from its scrape before to the one that showed them, new label sets)
        self._doubtful: dict[int, tuple[float, list[DoubtfulSeries]]] = {}
        # start times that do not identify the process that answered
        self._other_start_times: dict[Series, float] = {}

    def _restart_counters(
        self,
        process: ProcessCounters,
        answer: AnswerEvidence,
        starts: Mapping[Series, float],
        families: Mapping[str, Family],
    ) -> frozenset[int]:
        """Reset single counters to zero where their created or start time moved forward.

        Returns the numbers of these series.
        """
        restarted_keys: set[ChildKey] = set()
        if answer.start_time == process.start_time:
            for series, created in answer.created_times.items():
                if answer.is_new(created) and created > process.created_times.get(series, created):
                    restarted_keys.add((series.name.removesuffix("_created"), series.labels))
        numbers: list[int] = []
        if restarted_keys:
            numbers = [
                number
                for number, series in enumerate(self.series)
                if child_key(series) in restarted_keys
            ]
        restarted_starts: set[Series] = set()
        for series, start in starts.items():
            moved_s = start - self._other_start_times.get(series, start) - answer.stepped_s
            if moved_s > RESTART_S and answer.is_new(start):
                restarted_starts.add(series)
        numbers += governed_series(
            restarted_starts, self.series, families, is_only_start=len(starts) == 1
        )
        for number in numbers:
            if isfinite(process.raw_values[number]):
                process.raw_values[number] = 0.0
        if numbers:
            self.processes.add_restart(
                answer.at, "some counters restarted: start or created times moved forward"
            )
        return frozenset(numbers)

    def _count_irregular(
        self,
        process: ProcessCounters,
        scrape_count: ScrapeCount,
        saved: SavedState,
        evidence: ScrapeEvidence,
    ) -> None:
        """Count what is not a plain rise: series that are new, returned or fell.

        `saved` is the state of the process before the scrape was counted.
        """
        fallen, new = self._set_irregular_values(process, scrape_count, saved, evidence)
        if evidence.start_time is not None:
            process.start_time = evidence.start_time
        unconfirmed = self._unconfirmed_increases(process, fallen, saved.gained, evidence)
        if process.serial in self._doubtful:
            unconfirmed |= self._confirm_new(process, saved.gained, evidence.at)
        if new and not evidence.is_rebased:
            unconfirmed |= self._count_new(process, new, saved.gained, evidence)
        if not fallen and not evidence.is_rebased and not evidence.is_from_zero:
            self.processes.confirm_reset(evidence.at)
        process.unconfirmed = unconfirmed
        process.created_times = evidence.created or process.created_times
        process.gauges = scrape_count.gauges
        self.without_value = scrape_count.without_value
        self._mark_gone(process, evidence.at)

    def _set_irregular_values(
        self,
        process: ProcessCounters,
        scrape_count: ScrapeCount,
        saved: SavedState,
        evidence: ScrapeEvidence,
    ) -> tuple[list[tuple[int, float]], list[NewSeries]]:
        """Take over the irregular values of a scrape; follow the series that are new.

        Returns ((number, previous value) of the series that fell, new series that may count from
        zero).
        """
        raw_values = process.raw_values
        fallen: list[tuple[int, float]] = []
        new: list[NewSeries] = []
        for number, value in scrape_count.irregular:
            before = raw_values[number]
            raw_values[number] = value
            if number in self.gone:
                del self.gone[number]
                self.layout_version += 1
            series = self.series[number]
            was_seen = saved.seen_in_scrape[number]
            if value < before:
                fallen.append((number, before))
            elif not was_seen and series.name in evidence.zero_start_names:
                new.append(NewSeries(number, series, value))
        for series, value in scrape_count.new_series:
            number = self._add_series(process, series, value)
            if not isfinite(value):
                scrape_count.without_value.add(number)
            elif series.name in evidence.zero_start_names:
                new.append(NewSeries(number, series, value))
        return fallen, new

    def _unconfirmed_increases(
        self,
        process: ProcessCounters,
        fallen: Sequence[tuple[int, float]],
        before: Sequence[float],
        evidence: ScrapeEvidence,
    ) -> dict[int, float]:
        """Return the increases, by series number, that the next scrape has to confirm.

        `before` holds the increases up to the previous scrape.
        """
        if evidence.is_from_zero:
            rises = map(sub, process.gained, before)
            return {number: rise for number, rise in enumerate(rises) if rise > 0}
        if evidence.is_rebased:
            return {}
        process.return_to_sequence(before, self._scrapes)
        unconfirmed = self._count_falls(process, fallen, before, evidence) if fallen else {}
        for number in evidence.restarted_numbers:
            unconfirmed[number] = process.gained[number] - before[number]
        return unconfirmed

    def _count_new(
        self,
        process: ProcessCounters,
        new: list[NewSeries],
        before: Sequence[float],
        evidence: ScrapeEvidence,
    ) -> dict[int, float]:
        """Count the new series that count from zero, and keep the doubtful ones.

        Returns the increases by series number. The next scrape decides about the doubtful ones.
        """
        gained = process.gained
        increases, doubtful = new, list[DoubtfulSeries]()
        if not evidence.is_from_zero:
            rises = list(map(sub, gained, before))
            since = evidence.previous_time if evidence.previous_time is not None else 0.0
            increases, doubtful = select_increases(
                new, self.series, rises, evidence.created, since - RESTART_S
            )
        counted: dict[int, float] = {}
        for new_series in increases:
            counted[new_series.number] = max(new_series.value, 0.0)
            gained[new_series.number] += max(new_series.value, 0.0)
        if doubtful:
            known = {known_process.serial for known_process in self.processes.known_processes}
            self._doubtful = {
                serial: waiting for serial, waiting in self._doubtful.items() if serial in known
            }
            self._doubtful[process.serial] = (evidence.at - process.at, doubtful)
        return counted

    def _confirm_new(
        self, process: ProcessCounters, before: Sequence[float], at: float
    ) -> dict[int, float]:
        """Count new label sets that continued at the pace needed to have begun when they appeared.

        Returns their increases by series number.
        """
        before_s, label_sets = self._doubtful.pop(process.serial)
        counted: dict[int, float] = {}
        for doubtful in label_sets:
            event_number = self._number_by_series.get(doubtful.event_sample.series)
            if event_number is None or event_number >= len(before):
                continue
            gained = process.gained[event_number] - before[event_number]
            if is_confirmed(doubtful, gained, at - process.at, before_s):
                numbers = (
                    (self._number_by_series.get(member.series), member.value)
                    for member in doubtful.members
                )
                counted |= {
                    number: max(value, 0.0) for number, value in numbers if number is not None
                }
        for number, value in counted.items():
            process.gained[number] += value
        return counted

    def _count_falls(
        self,
        process: ProcessCounters,
        fallen: Sequence[tuple[int, float]],
        before: Sequence[float],
        evidence: ScrapeEvidence,
    ) -> dict[int, float]:
        """Handle counters that fell while others rose.

        Where a start time governs a counter and has not moved, a fall gains nothing. Otherwise it
        is a reset, if the new value is small enough to have been counted since. Returns the
        increases of the counters that were reset, by series number.
        """
        unconfirmed: dict[int, float] = {}
        raw, gained = process.raw_values, process.gained
        rises: dict[str, float] = {}
        for number, followed in enumerate(self.series):
            rises[followed.name] = (
                rises.get(followed.name, 0.0)
                + gained[number]
                - (before[number] if number < len(before) else 0.0)
            )
        for number, old in fallen:
            value, name = raw[number], self.series[number].name
            gauge = start_gauge(name, process.gauges, evidence.families)
            is_governed = gauge is not None and gauge in process.gauges
            if not is_governed and value <= old / 2 and value <= rises[name] + SMALL_GAIN:
                gained[number] += max(value, 0.0)
                unconfirmed[number] = max(value, 0.0)
                self.processes.expect_confirmation(evidence.at)
            else:
                process.steps_back[number] = (old, value, self._scrapes)
        if process.steps_back:
            self.processes.add_notice("warning", COUNTERS_FELL)
        return unconfirmed

"""Browser of one target's families: its newest exposition as a frozen value, each family's last
minutes, and the selection of the families that are browsed or charted.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import field, replace
from math import isfinite, nan
from typing import Final

from tputtui.engine.service_pipeline import ServicePipeline
from tputtui.engine.target_tracker import TargetTracker
from tputtui.frozen import frozen
from tputtui.model import Bindings, ChartedFamily, Exposition, Scrape
from tputtui.signals.service.family_table import FamilyReader, FamilyValues

MAX_SCRAPES: Final = 120
"""Scrapes whose figures are kept while browsing: 4 B each a family, so 480 B a family, 10 MB for
20,000.
"""

Overrides = Mapping[str, Mapping[str, object]]
"""Bindings of a target as the config spells them: signal -> key -> value."""


@frozen
class Families:
    """All families of a target as of one scrape, by name."""

    target: str
    at: float
    family_values: FamilyValues  # its `rows` are the same object while no family comes or goes
    hidden_series: int = 0  # series beyond the limit, which were not read
    # family -> the signals bound to it
    signals_by_family: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    # overridden bindings, from here or from the config
    overrides: Overrides = field(default_factory=dict)
    # (name, URL) of all replicas, to which an override applies
    replica_targets: tuple[tuple[str, str], ...] = ()
    unrecorded_series: int = 0  # series of the target that the run does not contain


class _FamilyBrowser:
    """Reader of every good and complete scrape of one target."""

    def __init__(self, target: str, *, is_partial: bool = False) -> None:
        """Create the browser. `is_partial`: accept a run that does not contain every metric."""
        self.target = target
        self._is_partial = is_partial
        self.last_exposition: Exposition | None = None
        self._at = 0.0
        self._reader = FamilyReader()
        self._family_values = FamilyValues()
        self._slot_by_family: dict[str, int] = {}  # family -> its column in the kept rows
        self._row_slots: list[int] = []  # the slot of each row
        self._recent: deque[array[float]] = deque(maxlen=MAX_SCRAPES)

    def add_scrape(self, scrape: Scrape) -> None:
        """Add the target's next scrape; one that failed, or has bound families only, is ignored."""
        exposition = scrape.exposition
        if exposition is None or not (self._is_partial or is_complete(exposition)):
            return
        rows = self._family_values.rows
        self._family_values = self._reader.read(exposition, scrape.at)
        self.last_exposition, self._at = exposition, scrape.at
        if self._family_values.rows is not rows:
            for row in self._family_values.rows:
                self._slot_by_family.setdefault(row.name, len(self._slot_by_family))
            self._row_slots = [self._slot_by_family[row.name] for row in self._family_values.rows]
        kept = array("f", [nan]) * len(self._slot_by_family)
        figures = self._family_values
        for index, slot in enumerate(self._row_slots):
            kept[slot] = (figures.rates if figures.rows[index].is_counter else figures.values)[
                index
            ]
        self._recent.append(kept)

    def families(
        self,
        bindings: Bindings | None,
        overrides: Overrides,
        replica_targets: tuple[tuple[str, str], ...],
    ) -> Families:
        """Families as of the newest scrape."""
        feeds: dict[str, tuple[str, ...]] = {}
        for binding in bindings.all() if bindings is not None else ():
            family = self._reader.family_name(binding.family)
            if binding.signal not in feeds.get(family, ()):
                feeds[family] = (*feeds.get(family, ()), binding.signal)
        hidden = (
            sum(self.last_exposition.hidden.values()) if self.last_exposition is not None else 0
        )
        last = self.last_exposition
        unrecorded = (
            max(0, last.series - len(last.samples) - hidden)
            if self._is_partial and last is not None
            else 0
        )
        return Families(
            self.target,
            self._at,
            self._family_values,
            hidden,
            feeds,
            overrides,
            replica_targets,
            unrecorded,
        )

    def sample_names(self, family: str) -> frozenset[str]:
        """Sample names that a family's figure is computed from."""
        return self._reader.sample_names(family)

    def family_history(self, family: str, columns: int) -> list[float | None]:
        """Figures of the family in the last `columns` scrapes, oldest first; None before, and where
        it was absent.
        """
        slot = self._slot_by_family.get(family)
        newest = list(self._recent)[-columns:] if columns > 0 else []
        values = [
            figures[slot] if slot is not None and slot < len(figures) else nan for figures in newest
        ]
        return [None] * (columns - len(values)) + [
            value if isfinite(value) else None for value in values
        ]


class _FamilyChart:
    """Chart of one family of one target, read at every good scrape independently of the browser."""

    def __init__(self, target: str, family: str, sample_names: frozenset[str]) -> None:
        """Create the chart. `sample_names`: the sample names to read."""
        self.target = target
        self.sample_names = sample_names
        self.charted_family = ChartedFamily(target, family)
        self._reader = FamilyReader()

    def add_scrape(self, scrape: Scrape) -> None:
        """Add the target's next scrape; after a failed one the figure is unknown."""
        exposition = scrape.exposition
        if (
            exposition is not None
            and exposition.served is not None
            and exposition.served.rate_s is not None
        ):
            return  # a server's rates: charted families come as raw samples
        self.charted_family = replace(self.charted_family, value=None, rate=None)
        if exposition is None:
            return
        name = self.charted_family.name
        own = {
            series: value
            for series, value in exposition.samples.items()
            if series.name in self.sample_names
        }
        families = {name: exposition.families[name]} if name in exposition.families else {}
        figures = self._reader.read(replace(exposition, samples=own, families=families), scrape.at)
        for index, row in enumerate(figures.rows):
            if row.name == name and row.series:
                rate = figures.rates[index]
                self.charted_family = ChartedFamily(
                    self.target,
                    name,
                    row.type,
                    row.unit,
                    row.is_counter,
                    figures.value(index),
                    rate if isfinite(rate) else None,
                )


def is_complete(exposition: Exposition) -> bool:
    """Whether every series was read, except those beyond a limit."""
    return len(exposition.samples) + sum(exposition.hidden.values()) >= exposition.series


class FamilySelection:
    """Reader of the families that are browsed or charted, at every scrape of their target."""

    def __init__(self, trackers: Mapping[str, TargetTracker], services: ServicePipeline) -> None:
        """Args: `trackers` of all targets by name; between ticks the pipeline changes them."""
        self._trackers = trackers
        self._services = services
        self._browser: _FamilyBrowser | None = None
        self._chart: _FamilyChart | None = None

    def browse(self, target: str | None, *, is_partial: bool = False) -> None:
        """Read all families of a target from its next scrape on; None stops it.

        `is_partial`: accept incomplete expositions.
        """
        if target is None:
            self._browser = None
        elif not self.is_browsed(target):
            self._browser = _FamilyBrowser(target, is_partial=is_partial)

    def is_browsed(self, target: str) -> bool:
        """Whether all families of a target are read."""
        browser = self._browser
        return browser is not None and browser.target == target

    def browsed_exposition(self, target: str) -> Exposition | None:
        """Newest complete exposition of a target; None where it is not browsed."""
        browser = self._browser
        return browser.last_exposition if browser is not None and browser.target == target else None

    def charted_names(self, target: str) -> frozenset[str]:
        """Sample names of a target that the chart reads."""
        chart = self._chart
        if chart is None or chart.target != target:
            return frozenset()
        return chart.sample_names

    def families(self) -> Families | None:
        """Families of the browsed target; None before its first complete scrape."""
        browser = self._browser
        tracker = self._trackers.get(browser.target) if browser is not None else None
        if browser is None or browser.last_exposition is None or tracker is None:
            return None
        replicas = tuple(
            (replica.target.name, replica.target.url)
            for replica in self._services.replica_trackers(tracker)
        )
        return browser.families(tracker.bindings, tracker.overrides, replicas)

    def family_history(self, family: str, columns: int) -> list[float | None]:
        """Most recent figures of a family of the browsed target."""
        if self._browser is None:
            return [None] * columns
        return self._browser.family_history(family, columns)

    def chart_family(self, charted: tuple[str, str] | None) -> None:
        """Chart a (target, family) on the time axis until another replaces it; None removes it.

        A family that the target does not have is shown as unknown.
        """
        if charted is None:
            self._chart = None
            return
        target, family = charted
        known: frozenset[str] = frozenset()
        if self._browser is not None and self._browser.target == target:
            known = self._browser.sample_names(family)
        self._chart = _FamilyChart(
            target, family, known or FamilyReader.likely_sample_names(family)
        )

    def charted_family(self) -> ChartedFamily | None:
        """Charted family; without a figure while its target's answer is late by more than a
        window.
        """
        charted = self._chart.charted_family if self._chart is not None else None
        tracker = self._trackers.get(charted.target) if charted is not None else None
        if charted is None or tracker is None or not tracker.availability.is_overdue:
            return charted
        return replace(charted, value=None, rate=None)

    def add_scrape(self, scrape: Scrape) -> None:
        """Add the next scrape of any target."""
        if self._browser is not None and self._browser.target == scrape.target:
            self._browser.add_scrape(scrape)
        if self._chart is not None and self._chart.target == scrape.target and not scrape.late:
            self._chart.add_scrape(scrape)

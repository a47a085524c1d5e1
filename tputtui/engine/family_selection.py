"""Families that a user has selected: those of the browsed target, and one that is charted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tputtui.engine.family_browser import Families, FamilyBrowser, FamilyChart
from tputtui.engine.service_pipeline import ServicePipeline
from tputtui.engine.target_tracker import TargetTracker
from tputtui.model import ChartedFamily, Exposition, Scrape
from tputtui.signals.service.family_table import FamilyReader


class FamilySelection:
    """Reader of the families that are browsed or charted, at every scrape of their target."""

    def __init__(self, trackers: Mapping[str, TargetTracker], services: ServicePipeline) -> None:
        """Args: `trackers` of all targets by name; between ticks the pipeline changes them."""
        self._trackers = trackers
        self._services = services
        self._browser: FamilyBrowser | None = None
        self._chart: FamilyChart | None = None

    def browse(self, target: str | None, *, is_partial: bool = False) -> None:
        """Read all families of a target from its next scrape on; None stops it.

        `is_partial`: accept incomplete expositions.
        """
        if target is None:
            self._browser = None
        elif not self.is_browsed(target):
            self._browser = FamilyBrowser(target, is_partial=is_partial)

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
        self._chart = FamilyChart(target, family, known or FamilyReader.likely_sample_names(family))

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

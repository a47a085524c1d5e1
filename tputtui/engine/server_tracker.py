"""A part of a server's data from answer to answer: bound by the same rules as a target that is scraped directly."""

from __future__ import annotations

from dataclasses import replace

from tputtui.engine.family_browser import is_complete
from tputtui.engine.target_tracker import TargetTracker
from tputtui.model import Bindings, Event, Exposition, Question, Scrape, Served
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.server_queries import questions
from tputtui.signals.rates.server_window import ServerWindow
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.service_tracker import followed_names

MAX_SOURCE_LABELS = 4  # offered as breakdowns: instance, and what else tells the sources apart


class ServerTracker(TargetTracker):
    """What is known of a service that a server knows.

    Two kinds of answers come: looks at the raw series, which are classified and bound, and rates, which are shown.
    """

    @property
    def is_settled(self) -> bool:
        """One good answer holds rates; or a failure, or a late answer."""
        return self._good_scrapes >= 1 or super().is_settled

    @property
    def identity(self) -> None:
        """Never a replica of what is scraped directly: that would count it twice."""
        return None

    def add_scrape(self, scrape: Scrape, forgotten: frozenset[str] = frozenset()) -> list[Event]:
        """Take the next answer; what is worth a line in the log comes back."""
        exposition = scrape.exposition
        served = exposition.served if exposition is not None else None
        if exposition is not None and served is not None and served.rate_s is None:
            self._classify(exposition, served)
            return []
        return super().add_scrape(scrape, forgotten)

    def questions(self, by: tuple[str, ...] | None) -> tuple[Question, ...]:
        """What to ask the server for, broken down by some labels (None: as suits it)."""
        bindings = self.bindings or Bindings()
        return questions(bindings, default_breakdown(bindings.breakdown) if by is None else by)

    def _classify(self, exposition: Exposition, served: Served) -> None:
        if self._has_fixed_bindings or not is_complete(
            exposition
        ):  # a family that is charted says nothing of the others
            return
        found = classify(exposition, served.before, served.before_s)
        more = tuple(label for label in served.source_labels if label not in found.breakdown)
        breakdown = (*found.breakdown, *more[:MAX_SOURCE_LABELS])
        self._apply_classification(replace(found, breakdown=breakdown), exposition)

    def _update_bindings(self, scrape: Scrape, exposition: Exposition) -> None:
        """Rates say nothing of what a family means."""

    def _create_window(self, bindings: Bindings) -> ServerWindow:
        counters, gauges = followed_names(bindings)
        return ServerWindow(self._window_s, self._interval_s, counters, gauges)

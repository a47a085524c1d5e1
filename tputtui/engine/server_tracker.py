"""Tracker of one service of a server across answers.

It is bound by the same rules as a directly scraped target.
"""

from __future__ import annotations

from dataclasses import replace

from tputtui.engine.family_browser import is_complete
from tputtui.engine.target_tracker import TargetTracker
from tputtui.model import Bindings, Event, Exposition, Question, Scrape, Served
from tputtui.signals.classify.classifier import classify
from tputtui.signals.classify.server_queries import build_queries
from tputtui.signals.rates.server_window import ServerWindow
from tputtui.signals.service.breakdown import default_breakdown
from tputtui.signals.service.service_tracker import followed_names

# offered as breakdowns: instance, and other labels that distinguish the sources
MAX_SOURCE_LABELS = 4


class ServerTracker(TargetTracker):
    """State of a service whose data comes from a server.

    There are two kinds of answers: raw series, which are classified and bound, and rates, which are
    shown.
    """

    # answers come as rates: one is enough
    SETTLED_SCRAPES = 1

    @property
    def identity(self) -> None:
        """None: as a replica of a directly scraped target it would be counted twice."""
        return None

    def add_scrape(self, scrape: Scrape, forgotten: frozenset[str] = frozenset()) -> list[Event]:
        """Add the next answer and return the events for the log."""
        exposition = scrape.exposition
        served = exposition.served if exposition is not None else None
        if exposition is not None and served is not None and served.rate_s is None:
            self._classify(exposition, served)
            return []
        return super().add_scrape(scrape, forgotten)

    def questions(self, by: tuple[str, ...] | None) -> tuple[Question, ...]:
        """Queries for the server, broken down by some labels (None: the default ones)."""
        bindings = self.bindings or Bindings()
        return build_queries(bindings, default_breakdown(bindings.breakdown) if by is None else by)

    def _classify(self, exposition: Exposition, served: Served) -> None:
        # a charted family does not affect the others
        if self._has_fixed_bindings or not is_complete(exposition):
            return
        bindings = classify(exposition, served.before, served.before_s)
        labels = [label for label in served.source_labels if label not in bindings.breakdown]
        breakdown = (*bindings.breakdown, *labels[:MAX_SOURCE_LABELS])
        self._apply_classification(replace(bindings, breakdown=breakdown), exposition)

    def _update_bindings(self, scrape: Scrape, exposition: Exposition) -> None:
        """Skip rates: they do not show the meaning of a family."""

    def _create_window(self, bindings: Bindings) -> ServerWindow:
        counters, gauges = followed_names(bindings)
        return ServerWindow(self._window_s, self._interval_s, counters, gauges)

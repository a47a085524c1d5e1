"""The target that is looked at family by family: its newest exposition as a frozen value, and each family's last minutes."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite, nan
from typing import Final

from tputtui.model import Bindings, Exposition, Scrape
from tputtui.signals.browse import FamilyReader, FamilyState

KEPT: Final = 120
"""Scrapes whose figures are kept: 4 B each a family, so 480 B a family, 10 MB for 20,000; gone when nobody looks."""

Words = Mapping[str, Mapping[str, object]]
"""What the config says, or would have to say, of a target's bindings: signal -> key -> value."""


@dataclass(frozen=True, slots=True)
class Families:
    """All families of a target as of one scrape, by name."""

    target: str
    at: float
    rows: tuple[FamilyState, ...]
    names: tuple[str, ...]  # of the rows; the same object for as long as they are the same
    hidden: int = 0  # series beyond the limit, which were not read
    feeds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # family -> the signals it feeds
    chosen: Words = field(default_factory=dict)  # the bindings that were chosen, here or in the config
    targets: tuple[tuple[str, str], ...] = ()  # (name, URL) of all that such a choice is for: the replicas


class Browsing:
    """Reads every good and whole scrape of one target."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.last: Exposition | None = None
        self._at = 0.0
        self._reader = FamilyReader()
        self._rows: tuple[FamilyState, ...] = ()
        self._names: tuple[str, ...] = ()
        self._slots: dict[str, int] = {}  # family -> its place in the kept rows
        self._trail: deque[array[float]] = deque(maxlen=KEPT)

    def take(self, scrape: Scrape) -> None:
        """Take the target's next scrape; one that failed, or of which only what is bound was read, says nothing."""
        exposition = scrape.exposition
        if exposition is None or not is_whole(exposition):
            return
        self._rows = tuple(self._reader.read(exposition, self.last, scrape.at - self._at))
        self.last, self._at = exposition, scrape.at
        names = tuple(row.name for row in self._rows)
        if names != self._names:
            self._names = names
        figures = array("f", [nan]) * len(self._slots)
        for row in self._rows:
            slot = self._slots.get(row.name)
            if slot is None:
                slot = self._slots[row.name] = len(figures)
                figures.append(nan)
            now = row.now
            figures[slot] = now if now is not None else nan
        self._trail.append(figures)

    def families(self, bindings: Bindings | None, chosen: Words, targets: tuple[tuple[str, str], ...]) -> Families:
        """What there is to look at now."""
        feeds: dict[str, tuple[str, ...]] = {}
        for binding in bindings.all() if bindings is not None else ():
            family = self._reader.family_of(binding.family)
            if binding.signal not in feeds.get(family, ()):
                feeds[family] = (*feeds.get(family, ()), binding.signal)
        hidden = sum(self.last.hidden.values()) if self.last is not None else 0
        return Families(self.target, self._at, self._rows, self._names, hidden, feeds, chosen, targets)

    def trail(self, family: str, columns: int) -> list[float | None]:
        """The family's figure in the last `columns` scrapes, oldest first; None before, and where there was none."""
        slot = self._slots.get(family)
        newest = list(self._trail)[-columns:] if columns > 0 else []
        told = [figures[slot] if slot is not None and slot < len(figures) else nan for figures in newest]
        return [None] * (columns - len(told)) + [value if isfinite(value) else None for value in told]


def is_whole(exposition: Exposition) -> bool:
    """Whether every series was read, but for those beyond a limit."""
    return len(exposition.samples) + sum(exposition.hidden.values()) >= exposition.series

"""Table of a target's known series by the raw bytes of their heads, bounded by two generations."""

from __future__ import annotations

from tputtui.model import Series
from tputtui.scrape.labels import sample_name

MAX_FORGOTTEN_NAMES = 10_000
"""Names remembered as forgotten. Beyond it the oldest are dropped."""

UNWANTED = Series("")
"""Entry of every series that is known and not wanted."""


class SeriesTable:
    """Series by head: name and labels as they are in the line.

    A scan looks into the young generation and takes over what is still exposed from the old one.
    When the generations are rotated, the old one is dropped with all that was not taken over.
    """

    def __init__(self) -> None:
        self.young: dict[bytes, Series] = {}
        # Heads that we read and Prometheus rejects, with the reason
        self.rejected_heads: dict[bytes, tuple[Series, str]] = {}
        # Heads in the table whose last value Prometheus rejects
        self.rejected_values: dict[bytes, str] = {}
        self.forgotten_names: frozenset[str] = frozenset()
        self._old: dict[bytes, Series] = {}
        self._forgotten: dict[str, None] = {}  # in the order in which they were forgotten

    def __len__(self) -> int:
        return len(self.young) + len(self.rejected_heads)

    def find(self, key: bytes) -> tuple[Series, str | None] | None:
        """Find a head in either generation, with the reason if Prometheus rejects it."""
        series = self.young.get(key) or self._old.pop(key, None)
        if series is not None:
            self.young[key] = series
            return series, None
        return self.rejected_heads.get(key)

    def add(self, key: bytes, series: Series, reject_reason: str | None) -> None:
        """Add a new head."""
        if reject_reason is None:
            self.young[key] = series
        else:
            self.rejected_heads[key] = (series, reject_reason)

    def select(self, wanted: frozenset[str] | None) -> None:
        """Adapt the table to another set of wanted sample names; None: all are wanted."""
        self.rejected_heads.clear()
        self.young = self._select_from(self.young, wanted)
        self._old = self._select_from(self._old, wanted)
        self.rejected_values.clear()

    def _select_from(
        self, generation: dict[bytes, Series], wanted: frozenset[str] | None
    ) -> dict[bytes, Series]:
        """Return a generation without newly wanted series, whose labels are parsed on arrival."""
        selected: dict[bytes, Series] = {}
        for key, series in generation.items():
            name = sample_name(key) if series is UNWANTED else series.name
            if wanted is not None and name not in wanted:
                if key in self.rejected_values:
                    self.rejected_heads[key] = (UNWANTED, self.rejected_values[key])
                else:
                    selected[key] = UNWANTED
            elif series is not UNWANTED:
                selected[key] = series
        return selected

    def rotate(self) -> None:
        """Forget the old generation; the young one becomes the old."""
        for key, series in self._old.items():
            name = sample_name(key) if series is UNWANTED else series.name
            self._forgotten.pop(name, None)
            self._forgotten[name] = None
        while len(self._forgotten) > MAX_FORGOTTEN_NAMES:
            del self._forgotten[next(iter(self._forgotten))]
        self.forgotten_names = frozenset(self._forgotten)
        self._old = self.young
        self.young = {}
        self.rejected_heads.clear()
        self.rejected_values.clear()

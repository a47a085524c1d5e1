"""Table of a target's known series, and the fast path for an answer with the same series.

The table has the raw bytes of the series' heads and is bounded by two generations. Two answers have
the same series in the same places if all but the last word of each line is equal. Comparing whole
answers in C costs half of looking up each line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from tputtui.model import Series
from tputtui.scrape.exposition_lines import BadLineError, parse_float, sample_name

_MAX_FORGOTTEN_NAMES = 10_000
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
        while len(self._forgotten) > _MAX_FORGOTTEN_NAMES:
            del self._forgotten[next(iter(self._forgotten))]
        self.forgotten_names = frozenset(self._forgotten)
        self._old = self.young
        self.young = {}
        self.rejected_heads.clear()
        self.rejected_values.clear()


_LAST_WORD = re.compile(rb" ([^ \n]*+)\n")


class _AnswerLayout(NamedTuple):
    # Text before the last word of each line; a line of one word belongs to the next
    heads: list[bytes]
    series: list[Series]  # read series
    series_at: list[int]
    comments: list[bytes]  # last words of the comments
    comments_at: list[int]
    unwanted_lines: int


class PreviousLayout:
    """Layout of a target's newest answer."""

    def __init__(self) -> None:
        self._layout: _AnswerLayout | None = None

    def clear(self) -> None:
        """Forget the layout, so that the next answer is read line by line."""
        self._layout = None

    def read(self, body: bytes) -> tuple[dict[Series, float], int] | None:
        """Return the samples by series, and the number of unwanted lines.

        None if a line is new, odd or broken.
        """
        layout = self._layout
        if layout is None:
            return None
        parts = _LAST_WORD.split(body)
        words = parts[1::2]
        if parts[::2] != layout.heads:
            return None
        if [words[at] for at in layout.comments_at] != layout.comments:
            return None
        values = _parse_values([words[at] for at in layout.series_at])
        if values is None:
            return None
        return dict(zip(layout.series, values, strict=True)), layout.unwanted_lines

    def update(
        self,
        body: bytes,
        known: Mapping[bytes, Series],
        read_series: Sequence[Series],
        unwanted_series: Series,
    ) -> None:
        """Keep the layout of an answer without problems, of which `read_series` were read.

        An answer with timestamps, tabs or two blanks before a value is not kept, because its last
        words are not its values.

        Args: `known`: the series by the whole line before its value; `unwanted_series` stands for
        those that are not wanted.
        """
        self._layout = None
        parts = _LAST_WORD.split(body)
        heads = parts[::2]
        if heads.pop():  # the last line has no end
            return
        found_series = [known.get(head.rpartition(b"\n")[2]) for head in heads]
        series_at = [
            at
            for at, series in enumerate(found_series)
            if series is not None and series is not unwanted_series
        ]
        if [found_series[at] for at in series_at] != read_series:
            return
        comments_at = [at for at, series in enumerate(found_series) if series is None]
        words = parts[1::2]
        interned = {head: head for head in known}  # one copy of each
        self._layout = _AnswerLayout(
            [*(interned.get(head, head) for head in heads), b""],
            list(read_series),
            series_at,
            [words[at] for at in comments_at],
            comments_at,
            len(heads) - len(series_at) - len(comments_at),
        )


def _parse_values(texts: Sequence[bytes]) -> list[float] | None:
    """Parse all values; None if one is not a number of the grammar, which is narrower than
    Python's.
    """
    try:
        values = list(map(float, texts))
        if b"_" in b"".join(texts):
            return None
        if not isfinite(sum(values)):
            for text, value in zip(texts, values, strict=True):
                if not isfinite(value):
                    parse_float(text)
    except (BadLineError, ValueError):
        return None
    return values

"""Fast path for an exposition with the same series as the one before: only values are read.

Two answers have the same series in the same places if all but the last word of each line is equal.
Comparing whole answers in C costs half of looking up each line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import NamedTuple

from tputtui.model import Series
from tputtui.scrape.labels import BadLineError, parse_float

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

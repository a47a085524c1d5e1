"""The answer that is the one before with other values: most are, and then only the values are read.

Two answers have the same series in the same places where all but the last word of each line is the same. To tell that of
whole answers is work for C: half the cost of looking up each line.
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
    heads: list[
        bytes
    ]  # what stands before the last word of a line; lines of one word belong to the next
    series: list[Series]  # those that are read
    series_at: list[int]
    comments: list[bytes]  # their last words
    comments_at: list[int]
    unwanted_lines: int  # lines whose series nobody wants


class PreviousLayout:
    """What stood in a target's newest answer."""

    def __init__(self) -> None:
        self._layout: _AnswerLayout | None = None

    def clear(self) -> None:
        """The next answer is looked at line by line."""
        self._layout = None

    def read(self, body: bytes) -> tuple[dict[Series, float], int] | None:
        """Samples by series, and the number of lines that nobody wants; None where a line is new, odd or broken."""
        kept = self._layout
        if kept is None:
            return None
        parts = _LAST_WORD.split(body)
        words = parts[1::2]
        if parts[::2] != kept.heads or [words[at] for at in kept.comments_at] != kept.comments:
            return None
        values = _parse_values([words[at] for at in kept.series_at])
        return (
            None
            if values is None
            else (dict(zip(kept.series, values, strict=True)), kept.unwanted_lines)
        )

    def update(
        self,
        body: bytes,
        known: Mapping[bytes, Series],
        read_series: Sequence[Series],
        unwanted_series: Series,
    ) -> None:
        """Take an answer without flaws, in which `found` was read. `known` has the series by all of a line before its
        value; `other` stands there for those that nobody wants.

        An answer with timestamps, tabs or two blanks before a value is not kept: its last words are not its values.
        """
        self._layout = None
        parts = _LAST_WORD.split(body)
        heads = parts[::2]
        if heads.pop():  # the last line has no end
            return
        looked = [known.get(head.rpartition(b"\n")[2]) for head in heads]
        series_at = [
            at
            for at, series in enumerate(looked)
            if series is not None and series is not unwanted_series
        ]
        if [looked[at] for at in series_at] != read_series:
            return
        comments_at = [at for at, series in enumerate(looked) if series is None]
        words = parts[1::2]
        same = {head: head for head in known}  # one copy of each
        self._layout = _AnswerLayout(
            [*(same.get(head, head) for head in heads), b""],
            list(read_series),
            series_at,
            [words[at] for at in comments_at],
            comments_at,
            len(heads) - len(series_at) - len(comments_at),
        )


def _parse_values(texts: Sequence[bytes]) -> list[float] | None:
    """All values; None where one is no number by the grammar, which is narrower than Python's."""
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

"""Suggestion of the known word that is closest to a mistyped one."""

from __future__ import annotations

from collections.abc import Sequence

_MIN_PART_LENGTH = 4  # characters of a part of a name that is compared


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return ', did you mean "window"?' where a similar known word exists, else ""."""
    import difflib  # imported lazily: 5 ms, needed only after a mistake

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if not close:  # fall back to a common part: "max_serie" and "series_per_target" share one
        close = _words_with_common_part(word, known)
    return f', did you mean "{close[0]}"?' if close else ""


def _words_with_common_part(word: str, known: Sequence[str]) -> list[str]:
    """Known words that have a part similar to one of the word's, in the order of its parts."""
    import difflib

    word_by_part: dict[str, str] = {}
    for name in reversed(known):
        for part in _parts(name):
            word_by_part[part] = name
    names: list[str] = []
    for part in _parts(word):
        matches = difflib.get_close_matches(part, word_by_part, n=1, cutoff=0.8)
        names += [word_by_part[match] for match in matches]
    return names


def _parts(name: str) -> list[str]:
    """Parts of a name between "_", "." and "-" that are long enough to be compared."""
    parts = name.replace(".", "_").replace("-", "_").split("_")
    return [part for part in parts if len(part) >= _MIN_PART_LENGTH]

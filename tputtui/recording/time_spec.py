"""Parse a time in a run as typed by a user: `+90s` from its start, ISO 8601, or the text of a
mark.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from tputtui.recording.run_header import Mark, RunHeader
from tputtui.text import clean, did_you_mean, parse_duration

_ISO = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?", re.ASCII)


def parse_time_spec(text: str, header: RunHeader, marks: Sequence[Mark]) -> float:
    """Return `at` of a time, on the run's own clock. Raises ValueError with a sentence.

    A time without a zone is local time. Where several marks have the same text, the first one
    counts.
    """
    text = text.strip()
    for mark in marks:
        if mark.text == text:
            return mark.at
    if text.startswith("+"):
        return header.began_at + parse_duration(text[1:])
    if _ISO.fullmatch(text):
        try:
            return header.began_at + datetime.fromisoformat(text).timestamp() - header.began_time
        except (ValueError, OverflowError):
            raise ValueError(f"{clean(text, 60)!r} is no time in ISO 8601") from None
    known = [mark.text for mark in marks]
    hint = did_you_mean(text, known) or (
        f"; its marks are {clean(', '.join(known), 200)}" if known else ""
    )
    raise ValueError(
        f"{clean(text, 60)!r} is no moment: +90s from the start, ISO 8601, or a mark{hint}"
    )

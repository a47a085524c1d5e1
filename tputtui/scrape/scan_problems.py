"""Problems of one body: it is no exposition, lines are skipped, Prometheus would reject it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from tputtui.model import Series
from tputtui.scrape.exposition_lines import BadLineError, OverLimitError, quote_bytes
from tputtui.text import clean

_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)
_QUOTED_NAME = re.compile(rb'\{\s*+"(?:[^"\\]|\\.)*+"\s*+[,}]')
_LOOKS_LIKE_SAMPLE = re.compile(rb"[ \t]*+[a-zA-Z_:][\w:.\-]*+[ \t]*+(?:\{|[-+.\d])")


class NotAnExpositionError(ValueError):
    """The answer is not metrics. The message is a sentence for the target's row."""


def raise_if_not_exposition(body: bytes, content_type: str | None) -> None:
    """Raise NotAnExpositionError if the first bytes show that the body is something else."""
    start = body[:4096].lstrip()
    kind = _content_kind(start, content_type)
    if kind is not None:
        raise NotAnExpositionError(_describe_content(kind, start, content_type))


def unreadable_body_error(body: bytes, content_type: str | None) -> NotAnExpositionError:
    """Make the error of a body in which hardly a line can be read."""
    return NotAnExpositionError(_describe_content("", body[:4096].lstrip(), content_type))


def looks_like_sample(line: bytes) -> bool:
    """Whether an unreadable line was meant as a sample: a name before a brace or a digit."""
    return _LOOKS_LIKE_SAMPLE.match(line) is not None


def _content_kind(start: bytes, content_type: str | None) -> str | None:
    first = start[:1]
    if start[:2] == b"\x1f\x8b":
        return "compressed data"
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0\0" in (start[0:3:2], start[1:4:2]):
        return "text in UTF-16"
    # A NUL is allowed in a quoted label value: only the unquoted part of the first line counts.
    unquoted = start[:64].partition(b"\n")[0].partition(b'"')[0]
    if b"\0" in unquoted or (first and first[0] < 0x20):
        return "binary data"
    if first == b"<":
        return "an HTML page" if b"<html" in start.lower() else "a page of markup"
    if first == b"[" or (first == b"{" and _QUOTED_NAME.match(start) is None and _is_json(start)):
        return "JSON"
    if (
        "protobuf" in (content_type or "").lower()
        and first not in (b"", b"#")
        and not looks_like_sample(start)
    ):
        return "Protocol Buffers"
    return None


def _is_json(start: bytes) -> bool:
    inside = start[1:].lstrip()
    return inside[:1] in (b'"', b"", b"}") or b'"' not in start.split(b"\n", 1)[0]


def _describe_content(kind: str, start: bytes, content_type: str | None) -> str:
    media_type = clean((content_type or "").partition(";")[0].strip(), 60) or "no content type"
    page = f"not a metrics page ({media_type})"
    if kind and "protobuf" in media_type.lower():
        return f"{page}: it is Protocol Buffers, which tputtui did not ask for"
    title = _TITLE.search(start)
    titled = f" titled {quote_bytes(title[1].strip())}" if title else ""
    subject = f"it is {kind}{titled} and " if kind else "it "
    beginning = start.split(b"\n", 1)[0][:160]
    if beginning.startswith(b"<") and b">" in beginning:
        beginning = beginning[: beginning.index(b">") + 1]
    return f"{page}: {subject}begins with {quote_bytes(beginning)}"


_ScanPass = Literal["head", "value", "comment"]
"""The pass over the body in which a problem is found."""


class ScanProblems:
    """Problems collected while a body is read."""

    def __init__(self) -> None:
        self.skipped_lines = 0
        self.duplicates = 0
        self.is_truncated = False
        self.non_sample_lines = 0  # skipped lines that do not even look like a sample
        self._first_line_reason: str | None = None
        self._end_reason: str | None = None
        self._rejected: dict[_ScanPass, tuple[bytes, str]] = {}
        self._over_limit: tuple[bytes, str] | None = None
        self._conflicts: list[Series] = []

    @property
    def is_clean(self) -> bool:
        """Whether every line is correct and no series is duplicated."""
        return not (self.skipped_lines or self.is_truncated or self.duplicates or self._rejected)

    def skip_line(
        self, line: bytes, error: BadLineError, *, last_line: bytes, scan_number: _ScanPass = "head"
    ) -> None:
        """Count a line that cannot be read.

        The last line of a body without a final newline was truncated.
        """
        if not looks_like_sample(line):
            self.non_sample_lines += 1
        if line is last_line:
            self.is_truncated = True
            self.reject_line(line, "the body ends in the middle of it", scan_number)
            return
        self.skipped_lines += 1
        if isinstance(error, OverLimitError):
            self._over_limit = self._over_limit or (line, str(error))
            return
        self.reject_line(line, str(error), scan_number)

    def reject_line(self, line: bytes, reason: str, scan_number: _ScanPass = "head") -> None:
        """Note that Prometheus rejects the scrape because of this line; the first of each pass
        counts.
        """
        self._rejected.setdefault(scan_number, (line, reason))

    def reject_first_line(self, reason: str) -> None:
        """Note that Prometheus rejects the scrape because of line 1."""
        self._first_line_reason = self._first_line_reason or reason

    def reject_end(self, reason: str) -> None:
        """Note that Prometheus rejects the scrape because of the end of the body."""
        self._end_reason = reason

    def count_duplicates(
        self, number: int, read_series: Sequence[Series], values_text: Sequence[bytes]
    ) -> None:
        """Count the samples that repeat a series, and note those with another value."""
        self.duplicates = number
        self._conflicts = _find_conflicts(read_series, values_text) if number else []

    def warning(self, lines: list[bytes], content_type: str | None) -> str | None:
        """Describe the gravest problem in one sentence; None without a problem."""
        if self._first_line_reason is not None:
            return f"Prometheus would reject this scrape: line 1: {self._first_line_reason}"
        if self._rejected:
            # The first line with the same bytes has the same problem.
            number, reason = min(
                (lines.index(line) + 1, reason) for line, reason in self._rejected.values()
            )
            return f"Prometheus would reject this scrape: line {number}: {reason}"
        if self._end_reason is not None:
            return f"Prometheus would reject this scrape: {self._end_reason}"
        if self._over_limit is not None:
            line, reason = self._over_limit
            return f"line {lines.index(line) + 1} is skipped: {reason}"
        if self._conflicts:
            return _describe_conflicts(self._conflicts)
        return _content_type_warning(content_type)


def _find_conflicts(read_series: Sequence[Series], values_text: Sequence[bytes]) -> list[Series]:
    """Return the series that occur again with another value for the same time.

    Prometheus takes the same value twice without an error.
    """
    counts = Counter(read_series)
    first_fields: dict[Series, list[bytes]] = {}
    conflicts: dict[Series, None] = {}
    for series, text in zip(read_series, values_text, strict=True):
        if counts[series] == 1:
            continue
        fields = text.partition(b"#")[0].split()
        first = first_fields.setdefault(series, fields)
        if first[1:] == fields[1:] and not _is_same_value(first, fields):
            conflicts[series] = None
    return list(conflicts)


def _is_same_value(first: Sequence[bytes], fields: Sequence[bytes]) -> bool:
    """Tell whether two samples have one value, in whatever spelling; unreadable ones have."""
    if first is fields or first[:1] == fields[:1]:
        return True
    try:
        return float(first[0]) == float(fields[0])
    except (ValueError, IndexError):
        return True


def _describe_conflicts(conflicts: list[Series]) -> str:
    first = conflicts[0]
    labels = ",".join(f'{name}="{value}"' for name, value in first.labels)
    shown = clean(f"{first.name}{{{labels}}}" if labels else first.name, 120)
    verb, such = ("stands", "") if len(conflicts) == 1 else ("stand", ", first of them")
    return (
        f"{len(conflicts):,} series {verb} twice with another value; Prometheus keeps the first and"
        f" logs an error{such}: {shown}"
    )


def _content_type_warning(content_type: str | None) -> str | None:
    if content_type is None:
        return "Prometheus 3 would reject this scrape: the answer has no Content-Type"
    media_type = content_type.partition(";")[0].strip()
    if media_type.lower() in ("", "text/plain", "application/openmetrics-text"):
        return None
    return f"Prometheus 3 would reject this scrape: the Content-Type is {clean(media_type, 60)}"

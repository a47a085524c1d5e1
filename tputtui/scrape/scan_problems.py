"""Problems of one body: skipped lines, and the reason why Prometheus would reject the scrape."""

from __future__ import annotations

from typing import Literal

from tputtui.scrape.content_sniffing import looks_like_sample
from tputtui.scrape.labels import BadLineError, OverLimitError
from tputtui.text import clean

ScanPass = Literal["head", "value", "comment"]
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
        self._rejected: dict[ScanPass, tuple[bytes, str]] = {}
        self._over_limit: tuple[bytes, str] | None = None

    @property
    def is_clean(self) -> bool:
        """Whether every line is correct and no series is duplicated."""
        return not (self.skipped_lines or self.is_truncated or self.duplicates or self._rejected)

    def skip_line(
        self, line: bytes, error: BadLineError, *, last_line: bytes, scan_number: ScanPass = "head"
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

    def reject_line(self, line: bytes, reason: str, scan_number: ScanPass = "head") -> None:
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
        return _content_type_warning(content_type)


def _content_type_warning(content_type: str | None) -> str | None:
    if content_type is None:
        return "Prometheus 3 would reject this scrape: the answer has no Content-Type"
    media_type = content_type.partition(";")[0].strip()
    if media_type.lower() in ("", "text/plain", "application/openmetrics-text"):
        return None
    return f"Prometheus 3 would reject this scrape: the Content-Type is {clean(media_type, 60)}"

"""Scan expositions: Prometheus text 0.0.4 and OpenMetrics 1.0, over bytes, tolerantly, fast.

The body is split into lines. The raw bytes of a line up to its last brace are looked up in a table
of known series, and the rest is a float. Only a line that is new, odd or broken is parsed
(`labels`), so the labels of a series are parsed once in its life. A hit in the table is right
because the grammar is read from left to right: a known head that is followed by its closing brace
cannot be part of something longer. If all lines are those of the scan before, even the look-up is
saved (`unchanged_fast_path`).

A bad line costs only itself: it is counted, and the first one is named in `Exposition.warning`.
"""

from __future__ import annotations

from math import isfinite
from weakref import WeakValueDictionary

from tputtui.model import Exposition, Family, Labels, Series
from tputtui.scrape.exposition_lines import (
    BadLineError,
    OverLimitError,
    ScanLimits,
    parse_float,
    parse_head,
    parse_value,
    read_metadata,
)
from tputtui.scrape.scan_problems import (
    NotAnExpositionError,
    ScanProblems,
    raise_if_not_exposition,
    unreadable_body_error,
)
from tputtui.scrape.series_limit import (
    OTHERS,
    hide_families,
    line_names,
    trim_lines,
    truncate_lines,
)
from tputtui.scrape.series_table import UNWANTED, PreviousLayout, SeriesTable

FORGET_AFTER = 20
"""Scans. A series missing from this many to twice as many scans is forgotten.

So the table stays bounded when series come and go.
"""

__all__ = ["FORGET_AFTER", "NotAnExpositionError", "ScanLimits", "Scanner"]

MAX_UNREADABLE_LINES = 10_000
"""Lines that cannot be read. If they outnumber the good ones, the rest of the answer is skipped."""

_HASH = ord("#")
_BOM = b"\xef\xbb\xbf"


class Scanner:
    """Scanner of the expositions of one target, one after the other.

    Not thread-safe.
    """

    def __init__(self, limits: ScanLimits = ScanLimits()) -> None:  # noqa: B008  # frozen
        self._limits = limits
        self._wanted: frozenset[str] | None = None
        self._table = SeriesTable()
        self._interned: WeakValueDictionary[tuple[str, Labels], Series] = WeakValueDictionary()
        self._scans = 0
        self._comments: list[bytes] | None = None
        self._openmetrics = False
        self._families: dict[str, Family] = {}
        self._rejected_comment: tuple[bytes, str] | None = None
        self._previous_layout = PreviousLayout()
        self._line_count = 0  # of the newest answer
        self._timestamps: dict[Series, float] = {}  # of the newest answer, unix seconds

    @property
    def forgotten_names(self) -> frozenset[str]:
        """Sample names of which series were forgotten.

        A series of these names may be an old one that came back, so it does not rise from zero.
        """
        return self._table.forgotten_names

    def scan(
        self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None
    ) -> Exposition:
        """Scan one answer.

        With `wanted` only samples of these names are read and the others counted: their labels are
        checked when they are new; their values and duplicates are not checked again.

        Args: `content_type`: value of the header; None if the answer had none, "" if it is unknown.

        Raises NotAnExpositionError.
        """
        has_bom = body.startswith(_BOM)
        if has_bom:
            body = body[len(_BOM) :]
        raise_if_not_exposition(body, content_type)
        self._start_scan(wanted, openmetrics="openmetrics" in (content_type or "").lower())
        problems = ScanProblems()
        self._timestamps = {}
        if has_bom:
            problems.reject_first_line("it begins with a byte order mark")
        if b"\r" in body and b"\r\n" in body:
            problems.reject_first_line("it ends with a carriage return")
            body = body.replace(b"\r\n", b"\n")
        if self._openmetrics:
            body = _cut_at_eof(body, problems)
        lines: list[bytes] = []
        hidden: dict[str, int] = {}
        read = self._previous_layout.read(body)
        if read is None:
            lines = body.split(b"\n")
            hidden = self._hide_excess(lines, wanted) if len(lines) > self._limits.series else {}
            read = self._read(lines, problems)
            self._update_layout(body, lines, problems, read)
        samples, others = read
        if self._rejected_comment is not None:
            problems.reject_line(*self._rejected_comment, scan_number="comment")
        if self._is_unreadable(problems, len(samples) + others, content_type):
            raise unreadable_body_error(body, content_type)
        return Exposition(
            samples=samples,
            families=self._families,
            series=len(samples) + others + sum(hidden.values()),
            skipped_lines=problems.skipped_lines,
            duplicates=problems.duplicates,
            warning=problems.warning(lines, content_type),
            hidden=hidden,
            truncated=problems.is_truncated,
            timestamps=self._timestamps,
        )

    def _is_unreadable(
        self, problems: ScanProblems, series_count: int, content_type: str | None
    ) -> bool:
        """Whether the answer is something else than metrics, as far as its lines show."""
        if not problems.non_sample_lines or self._families:
            return False
        is_html = "html" in (content_type or "").lower()
        return is_html or problems.non_sample_lines > series_count

    # ------------------------------------------------------------------------------------ the loop

    def _read(self, lines: list[bytes], problems: ScanProblems) -> tuple[dict[Series, float], int]:
        """Return the samples by series, and the number of lines of unwanted series."""
        known = self._table.young.get
        other = UNWANTED
        others = 0
        comments: list[bytes] = []
        read_series: list[Series] = []
        values_text: list[bytes] = []
        read_lines: list[bytes] = []
        for line in lines:
            end = line.rfind(b"}") + 1
            if not end:
                end = len(line.partition(b" ")[0])
            series = known(line[:end])
            if series is other:
                others += 1
                continue
            if series is None:
                if not line or line.isspace():
                    continue
                if line[0] == _HASH or line.lstrip()[0] == _HASH:
                    comments.append(line)
                    continue
                try:
                    series, end = self._find_series(line, problems)
                except BadLineError as error:
                    problems.skip_line(line, error, last_line=lines[-1])
                    if (
                        problems.skipped_lines > MAX_UNREADABLE_LINES
                        and problems.skipped_lines > len(read_series) + others
                    ):
                        raise NotAnExpositionError(
                            f"not a metrics page: more than {MAX_UNREADABLE_LINES:,} lines"
                            f" like this: {error}"
                        ) from None
                    continue
                if series is other:
                    others += 1
                    continue
            read_series.append(series)
            values_text.append(line[end:])
            read_lines.append(line)
        self._update_families(comments)
        values = _parse_plain_values(values_text)
        if values is None:
            samples, read_count = self._read_values(
                read_series, values_text, read_lines, problems, last=lines[-1]
            )
        else:
            read_count = len(values)
            samples = dict(zip(read_series, values, strict=True))
            if len(samples) < read_count:
                samples = _first_values(read_series, values)
        problems.count_duplicates(read_count - len(samples), read_series, values_text)
        return samples, others

    def _update_layout(
        self,
        body: bytes,
        lines: list[bytes],
        problems: ScanProblems,
        read: tuple[dict[Series, float], int],
    ) -> None:
        """Keep the layout of an answer that the next one may share.

        It may if it has no problem, and as many lines as the one before.
        """
        is_clean = problems.is_clean and self._rejected_comment is None
        is_similar = is_clean and len(lines) == self._line_count <= self._limits.series
        self._line_count = len(lines)
        if is_similar:
            self._previous_layout.update(body, self._table.young, list(read[0]), UNWANTED)
        else:
            self._previous_layout.clear()

    def _read_values(
        self,
        read_series: list[Series],
        values_text: list[bytes],
        lines: list[bytes],
        problems: ScanProblems,
        *,
        last: bytes,
    ) -> tuple[dict[Series, float], int]:
        """Return the samples if not all values are plain numbers, and the number of readable
        values.
        """
        samples: dict[Series, float] = {}
        read_count = 0
        for series, rest, line in zip(read_series, values_text, lines, strict=True):
            try:
                value = float(rest)
                # NaN, an infinity, or an underscore, which only Python allows
                if value - value or b"_" in rest:
                    value = parse_float(rest.strip())
            except ValueError:
                try:
                    value, reject_reason, timestamp = parse_value(
                        rest, openmetrics=self._openmetrics
                    )
                except BadLineError as error:
                    # Removed from the table, so that it is checked in every scan
                    self._table.young.pop(line[: -len(rest)] if rest else line, None)
                    problems.skip_line(line, error, last_line=last, scan_number="value")
                    continue
                if reject_reason is not None:
                    self._table.rejected_values[line[: -len(rest)]] = reject_reason
                    problems.reject_line(line, reject_reason, scan_number="value")
                if timestamp is not None:
                    self._timestamps.setdefault(series, timestamp)
            read_count += 1
            samples.setdefault(series, value)
        return samples, read_count

    def _find_series(self, line: bytes, problems: ScanProblems) -> tuple[Series, int]:
        """Find the series of a line whose head is not in the table, and the end of its head.

        Raises BadLineError.
        """
        if len(line) > self._limits.line:
            raise OverLimitError(f"it is longer than {self._limits.line // 1024} KiB")
        key = _table_key(line)
        known = self._table.find(key) if key is not None else None
        if key is not None and known is not None:
            series, reject_reason = known
            if reject_reason is not None:
                problems.reject_line(line, reject_reason)
            return series, len(key)
        return self._add_series(line, problems)

    def _add_series(self, line: bytes, problems: ScanProblems) -> tuple[Series, int]:
        """Parse the head of a new series and add it to the table. Raises BadLineError."""
        head = parse_head(line, self._limits)
        reject_reason = head.reject_reason
        if self._wanted is None or head.name in self._wanted:
            series = self._intern(head.name, head.labels)
        else:
            series = UNWANTED
            if reject_reason is None:
                # Its value is checked now and not again. A bad line is not added to the table, so
                # it is counted in every scan.
                value = parse_value(line[head.end :], openmetrics=self._openmetrics)
                reject_reason = value.reject_reason
        if reject_reason is not None:
            problems.reject_line(line, reject_reason)
        if len(self._table) < 4 * self._limits.series:
            self._table.add(line[: head.end], series, reject_reason)
        return series, head.end

    def _intern(self, name: str, labels: Labels) -> Series:
        identity = (name, labels)
        series = self._interned.get(identity)
        if series is None:
            self._interned[identity] = series = Series(name, labels)
        return series

    def _update_families(self, comments: list[bytes]) -> None:
        """Read the comment lines, unless they are those of the last scan."""
        if comments != self._comments:
            self._comments = comments
            self._families, self._rejected_comment = read_metadata(
                comments, openmetrics=self._openmetrics, limit=self._limits.series
            )

    def _hide_excess(self, lines: list[bytes], wanted: frozenset[str] | None) -> dict[str, int]:
        """Blank the lines of families beyond the limit; return the hidden series by sample name."""
        limit = self._limits.series
        beyond = trim_lines(lines, limit)
        hidden: dict[str, int] = {}
        if sum(line[:1] != b"#" for line in lines) > limit:
            names = line_names(lines)
            beyond += truncate_lines(lines, len(names))
            self._update_families([line for line in lines if line[:1] == b"#"])
            hidden = hide_families(lines, names, self._families, wanted, limit)
        if beyond:
            hidden[OTHERS] = hidden.get(OTHERS, 0) + beyond
        return hidden

    # ----------------------------------------------------------------------------------- the table

    def _start_scan(self, wanted: frozenset[str] | None, *, openmetrics: bool) -> None:
        """Prepare the tables for one scan."""
        if openmetrics != self._openmetrics:
            self._openmetrics = openmetrics
            self._previous_layout.clear()
            self._comments = None
            self._table.rejected_heads.clear()
        if wanted != self._wanted:
            self._previous_layout.clear()
            self._table.select(wanted)
            self._wanted = wanted
        self._scans += 1
        if self._scans % FORGET_AFTER == 0 or len(self._table.young) > 2 * self._limits.series:
            self._previous_layout.clear()  # so that each series in use is looked up in the table
            self._table.rotate()


def _table_key(line: bytes) -> bytes | None:
    """Return the head of a line with an exemplar, a tab or an odd head, as it is in the table.

    None for a line that begins with a blank.
    """
    exemplar = line.find(b" # ")
    start = line if exemplar < 0 else line[:exemplar]
    end = start.rfind(b"}") + 1
    if end:
        return start[:end]
    if line[:1] in (b" ", b"\t"):
        return None
    return start.split(None, 1)[0]


def _parse_plain_values(texts: list[bytes]) -> list[float] | None:
    """Parse all values at once; None unless each is a finite number and nothing else."""
    try:
        values = list(map(float, texts))
    except ValueError:
        return None
    # The sum shows a NaN or an infinity. Only Python accepts an underscore in a number.
    return values if isfinite(sum(values)) and b"_" not in b"".join(texts) else None


def _first_values(read_series: list[Series], values: list[float]) -> dict[Series, float]:
    samples: dict[Series, float] = {}
    for series, value in zip(read_series, values, strict=True):
        samples.setdefault(series, value)
    return samples


def _cut_at_eof(body: bytes, problems: ScanProblems) -> bytes:
    """Return the lines of an OpenMetrics body before its end mark."""
    at = 0 if body == b"# EOF" or body.startswith(b"# EOF\n") else body.find(b"\n# EOF\n") + 1
    if at == 0 and body.endswith(b"\n# EOF"):
        return body
    if at == 0 and not body.startswith(b"# EOF"):
        problems.reject_end("no # EOF at the end")
        return body
    if body[at + len(b"# EOF") :].strip():
        number = body.count(b"\n", 0, at) + 1
        problems.reject_end(f"line {number + 1}: data after # EOF")
    return body[:at]

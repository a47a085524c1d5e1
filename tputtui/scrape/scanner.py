"""Reads what a target answers with: Prometheus text 0.0.4 and OpenMetrics 1.0, over bytes, tolerantly, fast.

The body is split into lines; of each the raw bytes up to the last brace are looked up in a table of known series, and
what follows is a float. Only a line that is new, odd or broken takes the slow way (labels.py), so a series' labels are
parsed once in its life. That a table hit is right follows from the grammar: it is read from left to right, hence a
known head that is followed by its closing brace cannot be a part of something longer. Where all lines are those of the
scan before, not even that is done (unchanged.py).

One bad line costs that line: it is counted, and the first one is named in `Exposition.warning`.
"""

from __future__ import annotations

from math import isfinite
from weakref import WeakValueDictionary

from tputtui.model import Exposition, Family, Labels, Series
from tputtui.scrape.content_sniffing import (
    NotAnExpositionError,
    raise_if_not_exposition,
    unreadable_body_error,
)
from tputtui.scrape.labels import (
    BadLineError,
    OverLimitError,
    ScanLimits,
    parse_float,
    parse_head,
    parse_value,
    sample_name,
)
from tputtui.scrape.metadata import read_metadata
from tputtui.scrape.scan_problems import ScanProblems
from tputtui.scrape.series_limit import (
    OTHERS,
    hide_families,
    line_names,
    trim_lines,
    truncate_lines,
)
from tputtui.scrape.unchanged_fast_path import PreviousLayout

__all__ = ["FORGET_AFTER", "NotAnExpositionError", "ScanLimits", "Scanner"]

FORGET_AFTER = 20
"""Scans. A series that is missing from this many to twice as many scans is forgotten: the table stays bounded under churn."""

MAX_UNREADABLE_LINES = 10_000
"""Lines that cannot be read. With more of them than of good ones, the rest of the answer is not worth the time."""

MAX_FORGOTTEN_NAMES = 10_000  # names remembered as forgotten; beyond it the oldest go
_UNWANTED = Series("")  # stands in the table for every series that is known but not wanted
_HASH = ord("#")
_BOM = b"\xef\xbb\xbf"


class Scanner:
    """Reads the expositions of one target, one after the other. Not to be shared by threads that scan at once."""

    def __init__(self, limits: ScanLimits = ScanLimits()) -> None:  # noqa: B008  # frozen
        self._limits = limits
        self._wanted: frozenset[str] | None = None
        # Two generations: each scan looks into the young one and fetches from the old one what is still there. Every
        # FORGET_AFTER scans the old one is dropped with all that nobody fetched.
        self._young_table: dict[bytes, Series] = {}
        self._old_table: dict[bytes, Series] = {}
        self._odd_heads: dict[
            bytes, tuple[Series, str]
        ] = {}  # heads that we read and Prometheus rejects
        self._odd_values: dict[bytes, str] = {}  # heads in the table whose last value was such
        self._interned: WeakValueDictionary[tuple[str, Labels], Series] = WeakValueDictionary()
        self._scans = 0
        self._forgotten: dict[str, None] = {}
        self._forgotten_names: frozenset[str] = frozenset()
        self._comments: list[bytes] | None = None
        self._openmetrics = False
        self._families: dict[str, Family] = {}
        self._rejected_comment: tuple[bytes, str] | None = None
        self._previous_layout = PreviousLayout()
        self._line_count = 0  # of the newest answer
        self._timestamps: dict[Series, float] = {}  # of the newest answer, unix seconds

    @property
    def forgotten_names(self) -> frozenset[str]:
        """Sample names of which series were forgotten: what seems new there may be old, so it does not rise from zero."""
        return self._forgotten_names

    def scan(
        self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None
    ) -> Exposition:
        """Read one answer.

        `content_type` is the header's value; None says that the answer had none, "" that nobody knows. With `wanted`
        only samples of these names are read and the others counted: their labels are checked when they are new, their
        values and duplicates are not looked at again. Raises NotAnExposition.
        """
        bom = body.startswith(_BOM)
        if bom:
            body = body[len(_BOM) :]
        raise_if_not_exposition(body, content_type)
        self._start_scan(wanted, openmetrics="openmetrics" in (content_type or "").lower())
        flaws = ScanProblems()
        self._timestamps = {}
        if bom:
            flaws.reject_first_line("it begins with a byte order mark")
        if b"\r" in body and b"\r\n" in body:
            flaws.reject_first_line("it ends with a carriage return")
            body = body.replace(b"\r\n", b"\n")
        if self._openmetrics:
            body = _cut_at_eof(body, flaws)
        lines: list[bytes] = []
        hidden: dict[str, int] = {}
        read = self._previous_layout.read(body)
        if read is None:
            lines = body.split(b"\n")
            hidden = self._hide_excess(lines, wanted) if len(lines) > self._limits.series else {}
            read = self._read(lines, flaws)
            self._update_layout(body, lines, flaws, read)
        samples, others = read
        if self._rejected_comment is not None:
            flaws.reject_line(*self._rejected_comment, scan_number="comment")
        page = "html" in (content_type or "").lower()
        if (
            flaws.non_sample_lines
            and not self._families
            and (page or flaws.non_sample_lines > len(samples) + others)
        ):
            raise unreadable_body_error(body, content_type)
        return Exposition(
            samples=samples,
            families=self._families,
            series=len(samples) + others + sum(hidden.values()),
            skipped_lines=flaws.skipped_lines,
            duplicates=flaws.duplicates,
            warning=flaws.warning(lines, content_type),
            hidden=hidden,
            truncated=flaws.is_truncated,
            timestamps=self._timestamps,
        )

    # -------------------------------------------------------------------------------------------- the loop

    def _read(self, lines: list[bytes], problems: ScanProblems) -> tuple[dict[Series, float], int]:
        """Samples by series, and the number of lines that hold series nobody wants."""
        known = self._young_table.get
        other = _UNWANTED
        others = 0
        comments: list[bytes] = []
        found: list[Series] = []
        rests: list[bytes] = []
        sources: list[bytes] = []
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
                except BadLineError as bad:
                    problems.skip_line(line, bad, last_line=lines[-1])
                    if (
                        problems.skipped_lines > MAX_UNREADABLE_LINES
                        and problems.skipped_lines > len(found) + others
                    ):
                        raise NotAnExpositionError(
                            f"not a metrics page: more than {MAX_UNREADABLE_LINES:,} lines like this: {bad}"
                        ) from None
                    continue
                if series is other:
                    others += 1
                    continue
            found.append(series)
            rests.append(line[end:])
            sources.append(line)
        self._update_families(comments)
        values = _parse_plain_values(rests)
        if values is None:
            samples, read = self._read_values(found, rests, sources, problems, last=lines[-1])
        else:
            read = len(values)
            samples = dict(zip(found, values, strict=True))
            if len(samples) < read:
                samples = _first_values(found, values)
        problems.duplicates = read - len(samples)
        return samples, others

    def _update_layout(
        self,
        body: bytes,
        lines: list[bytes],
        problems: ScanProblems,
        read: tuple[dict[Series, float], int],
    ) -> None:
        """Keep an answer that the next one may be like: it has no flaw, and as many lines as the one before."""
        clean = problems.is_clean and self._rejected_comment is None
        alike = clean and len(lines) == self._line_count <= self._limits.series
        self._line_count = len(lines)
        if alike:
            self._previous_layout.update(body, self._young_table, list(read[0]), _UNWANTED)
        else:
            self._previous_layout.clear()

    def _read_values(
        self,
        found: list[Series],
        rests: list[bytes],
        sources: list[bytes],
        problems: ScanProblems,
        *,
        last: bytes,
    ) -> tuple[dict[Series, float], int]:
        """Samples where some value is not a plain number alone, and how many values could be read."""
        samples: dict[Series, float] = {}
        read = 0
        for series, rest, line in zip(found, rests, sources, strict=True):
            try:
                value = float(rest)
                if (
                    value - value or b"_" in rest
                ):  # NaN, an infinity, or an underscore, which only Python allows
                    value = parse_float(rest.strip())
            except ValueError:
                try:
                    value, odd, timestamp = parse_value(rest, openmetrics=self._openmetrics)
                except BadLineError as bad:
                    self._young_table.pop(
                        line[: -len(rest)] if rest else line, None
                    )  # so that it is looked at in every scan
                    problems.skip_line(line, bad, last_line=last, scan_number="value")
                    continue
                if odd is not None:
                    self._odd_values[line[: -len(rest)]] = odd
                    problems.reject_line(line, odd, scan_number="value")
                if timestamp is not None:
                    self._timestamps.setdefault(series, timestamp)
            read += 1
            samples.setdefault(series, value)
        return samples, read

    def _find_series(self, line: bytes, problems: ScanProblems) -> tuple[Series, int]:
        """The series of a line that the table did not show at once, and where its head ends. Raises BadLine."""
        if len(line) > self._limits.line:
            raise OverLimitError(f"it is longer than {self._limits.line // 1024} KiB")
        found = self._find_known(line, problems)
        if found is not None:
            return found
        head = parse_head(line, self._limits)
        key, odd = line[: head.end], head.reject_reason
        if self._wanted is None or head.name in self._wanted:
            series = self._intern(head.name, head.labels)
        else:
            series = _UNWANTED
            # Its value is looked at now and not again. A bad line stays unknown, so it is counted in every scan.
            odd = odd or parse_value(line[head.end :], openmetrics=self._openmetrics).reject_reason
        if odd is not None:
            problems.reject_line(line, odd)
        if len(self._young_table) + len(self._odd_heads) < 4 * self._limits.series:
            if odd is None:
                self._young_table[key] = series
            else:
                self._odd_heads[key] = (series, odd)
        return series, head.end

    def _find_known(self, line: bytes, problems: ScanProblems) -> tuple[Series, int] | None:
        """A known series behind an exemplar or before a tab, from the old generation, or with an odd head."""
        cut = line.find(b" # ")
        start = line if cut < 0 else line[:cut]
        end = start.rfind(b"}") + 1
        if end:
            key = start[:end]
        elif line[:1] in (b" ", b"\t"):
            return None
        else:
            key = start.split(None, 1)[0]
        series = self._young_table.get(key) or self._old_table.pop(key, None)
        if series is not None:
            self._young_table[key] = series
        elif key in self._odd_heads:
            series, odd = self._odd_heads[key]
            problems.reject_line(line, odd)
        else:
            return None
        return series, len(key)

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
        """Blank the lines of families beyond the limit; the number of series that went, by sample name."""
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

    # -------------------------------------------------------------------------------------------- what is remembered

    def _start_scan(self, wanted: frozenset[str] | None, *, openmetrics: bool) -> None:
        """Prepare the tables for one scan."""
        if openmetrics != self._openmetrics:
            self._openmetrics = openmetrics
            self._previous_layout.clear()
            self._comments = None
            self._odd_heads.clear()
        if wanted != self._wanted:
            self._previous_layout.clear()
            self._odd_heads.clear()
            self._young_table = self._filter_table(self._young_table, wanted)
            self._old_table = self._filter_table(self._old_table, wanted)
            self._odd_values.clear()
            self._wanted = wanted
        self._scans += 1
        if self._scans % FORGET_AFTER == 0 or len(self._young_table) > 2 * self._limits.series:
            self._rotate_tables()

    def _filter_table(
        self, table: dict[bytes, Series], wanted: frozenset[str] | None
    ) -> dict[bytes, Series]:
        """The table for another set of wanted names. What becomes wanted is left out: its labels are parsed when it comes."""
        changed: dict[bytes, Series] = {}
        for key, series in table.items():
            name = sample_name(key) if series is _UNWANTED else series.name
            if wanted is not None and name not in wanted:
                if key in self._odd_values:
                    self._odd_heads[key] = (_UNWANTED, self._odd_values[key])
                else:
                    changed[key] = _UNWANTED
            elif series is not _UNWANTED:
                changed[key] = series
        return changed

    def _rotate_tables(self) -> None:
        """Drop the old generation; the young one becomes the old."""
        self._previous_layout.clear()  # so that each series is fetched from there
        for key, series in self._old_table.items():
            name = sample_name(key) if series is _UNWANTED else series.name
            self._forgotten.pop(name, None)
            self._forgotten[name] = None
        while len(self._forgotten) > MAX_FORGOTTEN_NAMES:
            del self._forgotten[next(iter(self._forgotten))]
        self._forgotten_names = frozenset(self._forgotten)
        self._old_table = self._young_table
        self._young_table = {}
        self._odd_heads.clear()
        self._odd_values.clear()


def _parse_plain_values(rests: list[bytes]) -> list[float] | None:
    """All values at once where each is a finite number and nothing else; None where one needs a closer look."""
    try:
        values = list(map(float, rests))
    except ValueError:
        return None
    # A NaN or an infinity shows in the sum. Only Python takes an underscore for a part of a number.
    return values if isfinite(sum(values)) and b"_" not in b"".join(rests) else None


def _first_values(found: list[Series], values: list[float]) -> dict[Series, float]:
    samples: dict[Series, float] = {}
    for series, value in zip(found, values, strict=True):
        samples.setdefault(series, value)
    return samples


def _cut_at_eof(body: bytes, problems: ScanProblems) -> bytes:
    """The lines of an OpenMetrics body before its end mark."""
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

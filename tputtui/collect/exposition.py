"""Reads what a target answers with: Prometheus text 0.0.4 and OpenMetrics 1.0, over bytes, tolerantly, fast.

The body is split into lines; of each the raw bytes up to the last brace are looked up in a table of known series, and
what follows is a float. Only a line that is new, odd or broken takes the slow way (labels.py), so a series' labels are
parsed once in its life. That a table hit is right follows from the grammar: it is read from left to right, hence a
known head that is followed by its closing brace cannot be a part of something longer.

One bad line costs that line: it is counted, and the first one is named in `Exposition.warning`.
"""

from __future__ import annotations

from weakref import WeakValueDictionary

from tputtui.collect.hiding import hide
from tputtui.collect.labels import BadLine, Limits, OverLimit, parse_float, parse_head, parse_value, sample_name
from tputtui.collect.metadata import read_metadata
from tputtui.collect.refusal import NotAnExposition, looks_like_sample, refuse, refuse_alien
from tputtui.model import Exposition, Family, Labels, Series
from tputtui.text import clean

__all__ = ["FORGET_AFTER", "Limits", "NotAnExposition", "Scanner"]

FORGET_AFTER = 20
"""Scans. A series that is missing from this many to twice as many scans is forgotten: the table stays bounded under churn."""

FORGOTTEN_LIMIT = 10_000  # names remembered as forgotten; beyond it the oldest go
_OTHER = Series("")  # stands in the table for every series that is known but not wanted
_HASH = ord("#")
_BOM = b"\xef\xbb\xbf"


class Scanner:
    """Reads the expositions of one target, one after the other. Not to be shared by threads that scan at once."""

    def __init__(self, limits: Limits = Limits()) -> None:  # noqa: B008  # frozen
        self._limits = limits
        self._wanted: frozenset[str] | None = None
        # Two generations: each scan looks into the young one and fetches from the old one what is still there. Every
        # FORGET_AFTER scans the old one is dropped with all that nobody fetched.
        self._table: dict[bytes, Series] = {}
        self._old: dict[bytes, Series] = {}
        self._odd: dict[bytes, tuple[Series, str]] = {}  # heads that we read and Prometheus rejects
        self._alive: WeakValueDictionary[tuple[str, Labels], Series] = WeakValueDictionary()
        self._scans = 0
        self._forgotten: dict[str, None] = {}
        self._forgotten_names: frozenset[str] = frozenset()
        self._comments: list[bytes] | None = None
        self._openmetrics = False
        self._families: dict[str, Family] = {}
        self._rejected_comment: tuple[bytes, str] | None = None

    @property
    def forgotten_names(self) -> frozenset[str]:
        """Sample names of which series were forgotten: what seems new there may be old, so it does not rise from zero."""
        return self._forgotten_names

    def scan(self, body: bytes, content_type: str | None = "", wanted: frozenset[str] | None = None) -> Exposition:
        """Read one answer.

        `content_type` is the header's value; None says that the answer had none, "" that nobody knows. With `wanted`
        only samples of these names are read and the others counted: their labels are checked when they are new, their
        values and duplicates are not looked at again. Raises NotAnExposition.
        """
        bom = body.startswith(_BOM)
        if bom:
            body = body[len(_BOM) :]
        refuse(body, content_type)
        self._begin(wanted, openmetrics="openmetrics" in (content_type or "").lower())
        report = _Report()
        if bom:
            report.first("it begins with a byte order mark")
        if b"\r\n" in body:
            report.first("it ends with a carriage return")
            body = body.replace(b"\r\n", b"\n")
        if self._openmetrics:
            body = _until_eof(body, report)
        lines = body.split(b"\n")
        hidden = self._fit(lines, wanted) if len(lines) > self._limits.series else {}
        samples, others = self._read(lines, report)
        if self._rejected_comment is not None:
            report.reject(*self._rejected_comment)
        if report.alien is not None and not self._families and report.aliens > len(samples) + others:
            raise refuse_alien(report.alien, content_type)
        return Exposition(
            samples=samples,
            families=self._families,
            series=len(samples) + others + sum(hidden.values()),
            skipped_lines=report.skipped,
            duplicates=report.read - len(samples),
            warning=report.warning(lines, content_type),
            hidden=hidden,
            truncated=report.truncated,
        )

    # -------------------------------------------------------------------------------------------- the loop

    def _read(self, lines: list[bytes], report: _Report) -> tuple[dict[Series, float], int]:
        """Samples by series, and the number of lines that hold series nobody wants."""
        samples: dict[Series, float] = {}
        keep = samples.setdefault
        known = self._table.get
        other = _OTHER
        others = 0
        blanks = 0
        comments: list[bytes] = []
        for line in lines:
            end = line.rfind(b"}") + 1
            if end:
                rest = line[end:]
                series = known(line[:end])
            else:
                key, _, rest = line.partition(b" ")
                series = known(key)
            if series is None:
                if not line or line.isspace():
                    blanks += 1
                    continue
                if line[0] == _HASH or line.lstrip()[0] == _HASH:
                    comments.append(line)
                    continue
                try:
                    series, rest = self._find(line, report)
                except BadLine as bad:
                    report.skip(line, bad, last=lines[-1])
                    continue
            if series is other:
                others += 1
                continue
            try:
                value = float(rest)
                if value - value or b"_" in rest:  # NaN, an infinity, or an underscore, which only Python allows
                    value = parse_float(rest.strip())
            except ValueError:
                try:
                    value, odd = parse_value(rest, openmetrics=self._openmetrics)
                except BadLine as bad:
                    report.skip(line, bad, last=lines[-1])
                    continue
                if odd is not None:
                    report.reject(line, odd)
            keep(series, value)
        report.read = len(lines) - blanks - len(comments) - report.not_kept - others
        self._describe(comments)
        return samples, others

    def _find(self, line: bytes, report: _Report) -> tuple[Series, bytes]:
        """The series of a line that the table did not show at once, and what stands behind its head. Raises BadLine."""
        if len(line) > self._limits.line:
            raise OverLimit(f"it is longer than {self._limits.line // 1024} KiB")
        found = self._look_up(line)
        if found is not None:
            return found
        head = parse_head(line, self._limits)
        key, rest = line[: head.end], line[head.end :]
        unwanted = self._wanted is not None and head.name not in self._wanted
        if unwanted:
            parse_value(
                rest, openmetrics=self._openmetrics
            )  # looked at this once: a bad line stays unknown, and counted
            series = _OTHER
        else:
            series = self._intern(head.name, head.labels)
        room = len(self._table) + len(self._odd) < 4 * self._limits.series
        if head.odd is not None:
            report.reject(line, head.odd)
            if room:
                self._odd[key] = (series, head.odd)
        elif room:
            self._table[key] = series
        return series, rest

    def _look_up(self, line: bytes) -> tuple[Series, bytes] | None:
        """A known series behind an exemplar, a tab, or in the old generation."""
        if line[:1] in (b" ", b"\t"):
            return None
        cut = line.find(b" # ")
        start = line if cut < 0 else line[:cut]
        end = start.rfind(b"}") + 1
        key = start[:end] if end else start.split(None, 1)[0]
        series = self._table.get(key)
        if series is None:
            series = self._old.pop(key, None)
            if series is None:
                return None
            self._table[key] = series
        return series, line[len(key) :]

    def _intern(self, name: str, labels: Labels) -> Series:
        identity = (name, labels)
        series = self._alive.get(identity)
        if series is None:
            self._alive[identity] = series = Series(name, labels)
        return series

    def _describe(self, comments: list[bytes]) -> None:
        """Read the comment lines, unless they are those of the last scan."""
        if comments != self._comments:
            self._comments = comments
            self._families, self._rejected_comment = read_metadata(
                comments, openmetrics=self._openmetrics, limit=self._limits.series
            )

    def _fit(self, lines: list[bytes], wanted: frozenset[str] | None) -> dict[str, int]:
        comments = [line for line in lines if line[:1] == b"#"]
        if len(lines) - len(comments) <= self._limits.series:
            return {}
        self._describe(comments)
        return hide(lines, self._families, wanted, self._limits.series)

    # -------------------------------------------------------------------------------------------- what is remembered

    def _begin(self, wanted: frozenset[str] | None, *, openmetrics: bool) -> None:
        """Prepare the tables for one scan."""
        if openmetrics != self._openmetrics:
            self._openmetrics = openmetrics
            self._comments = None
        if wanted != self._wanted:
            self._table = self._wanting(self._table, wanted)
            self._old = self._wanting(self._old, wanted)
            self._odd.clear()
            self._wanted = wanted
        self._scans += 1
        if self._scans % FORGET_AFTER == 0 or len(self._table) > 2 * self._limits.series:
            self._forget()

    def _wanting(self, table: dict[bytes, Series], wanted: frozenset[str] | None) -> dict[bytes, Series]:
        """The table for another set of wanted names. What becomes wanted is left out: its labels are parsed when it comes."""
        changed: dict[bytes, Series] = {}
        for key, series in table.items():
            name = sample_name(key) if series is _OTHER else series.name
            if wanted is not None and name not in wanted:
                changed[key] = _OTHER
            elif series is not _OTHER:
                changed[key] = series
        return changed

    def _forget(self) -> None:
        """Drop the old generation; the young one becomes the old."""
        for key, series in self._old.items():
            name = sample_name(key) if series is _OTHER else series.name
            self._forgotten.pop(name, None)
            self._forgotten[name] = None
        while len(self._forgotten) > FORGOTTEN_LIMIT:
            del self._forgotten[next(iter(self._forgotten))]
        self._forgotten_names = frozenset(self._forgotten)
        self._old = self._table
        self._table = {}
        self._odd.clear()


class _Report:
    """What was wrong with one body."""

    def __init__(self) -> None:
        self.read = 0  # sample lines that were read, duplicates included
        self.skipped = 0
        self.truncated = False
        self.aliens = 0  # skipped lines that do not even look like a sample
        self.alien: bytes | None = None
        self._in_first_line: str | None = None
        self._at_end: str | None = None
        self._rejected: list[tuple[bytes, str]] = []
        self._over_limit: tuple[bytes, str] | None = None

    @property
    def not_kept(self) -> int:
        return self.skipped + self.truncated

    def skip(self, line: bytes, bad: BadLine, *, last: bytes) -> None:
        """A line that cannot be read. The last line of a body without a final newline was cut."""
        if line is last:
            self.truncated = True
            self.reject(line, "the body ends in the middle of it")
            return
        self.skipped += 1
        if isinstance(bad, OverLimit):
            self._over_limit = self._over_limit or (line, str(bad))
            return
        self.reject(line, str(bad))
        if not looks_like_sample(line):
            self.aliens += 1
            self.alien = self.alien or line

    def reject(self, line: bytes, reason: str) -> None:
        """Prometheus rejects the scrape because of this line. Only the first sample line and a comment are ever kept."""
        if len(self._rejected) < 1 or line[:1] == b"#":
            self._rejected.append((line, reason))

    def first(self, reason: str) -> None:
        """The same, for what shows in line 1."""
        self._in_first_line = self._in_first_line or reason

    def at_end(self, reason: str) -> None:
        """The same, for the end of the body."""
        self._at_end = reason

    def warning(self, lines: list[bytes], content_type: str | None) -> str | None:
        """One sentence, the gravest first."""
        if self._in_first_line is not None:
            return f"Prometheus would reject this scrape: line 1: {self._in_first_line}"
        if self._rejected:
            # The first line with the same bytes is wrong for the same reason.
            number, reason = min((lines.index(line) + 1, reason) for line, reason in self._rejected)
            return f"Prometheus would reject this scrape: line {number}: {reason}"
        if self._at_end is not None:
            return f"Prometheus would reject this scrape: {self._at_end}"
        if self._over_limit is not None:
            line, reason = self._over_limit
            return f"line {lines.index(line) + 1} is skipped: {reason}"
        return _content_type_warning(content_type)


def _content_type_warning(content_type: str | None) -> str | None:
    if content_type is None:
        return "Prometheus 3 would reject this scrape: the answer has no Content-Type"
    said = content_type.partition(";")[0].strip()
    if said.lower() in ("", "text/plain", "application/openmetrics-text"):
        return None
    return f"Prometheus 3 would reject this scrape: the Content-Type is {clean(said, 60)}"


def _until_eof(body: bytes, report: _Report) -> bytes:
    """The lines of an OpenMetrics body before its end mark."""
    at = 0 if body == b"# EOF" or body.startswith(b"# EOF\n") else body.find(b"\n# EOF\n") + 1
    if at == 0 and body.endswith(b"\n# EOF"):
        return body
    if at == 0 and not body.startswith(b"# EOF"):
        report.at_end("no # EOF at the end")
        return body
    if body[at + len(b"# EOF") :].strip():
        number = body.count(b"\n", 0, at) + 1
        report.at_end(f"line {number + 1}: data after # EOF")
    return body[:at]

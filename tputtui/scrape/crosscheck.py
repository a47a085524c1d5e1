"""Compare our samples with those of prometheus-client's parser for the same answer.

It parses the whole body first. If that fails or differs, its known defects (`KNOWN_DEFECTS`) are
repaired line by line, and named in the result. A difference that remains is a real one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from tputtui.frozen import frozen
from tputtui.model import Exposition, Labels
from tputtui.scrape.exposition_lines import ScanLimits, build_labels, parse_float
from tputtui.text import clean

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

Key = tuple[str, Labels]

_EXEMPLAR = re.compile(
    rb'([ \t}][^ \t"{}#]+)[ \t]+#[ \t]*\{(?:[^"{}\\]|"(?:[^"\\]|\\.)*+")*+\}[^"{}]*$'
)
# Matched one after the other, so that a closing quote does not open a string
_STRING = re.compile(rb'("(?:[^"\\]|\\.)*+")([ \t]*+)(?=([a-zA-Z_]?))')
_BOM = b"\xef\xbb\xbf"
_LIMITS = ScanLimits()


@frozen
class CrosscheckResult:
    """Result of the comparison. `sentence` is cleaned; `allowed` names the defects met."""

    is_agreement: bool
    sentence: str
    agreed: int  # samples found by both with the same value
    total: int  # samples found by either
    allowed: tuple[str, ...] = ()


@frozen
class ParserDefect:
    """Known way in which prometheus-client's parser is wrong or differs from Prometheus.

    Of version 0.26; tests/scrape/test_crosscheck.py shows each.
    """

    name: str
    description: str
    repair: Callable[[bytes], bytes | None] | None = None
    """Changes a line so that the client can read it; None leaves it out.

    Without a repair, reading line by line is enough.
    """


def _without_metadata(line: bytes) -> bytes | None:
    return None if line.lstrip()[:1] == b"#" else line


def _without_exemplar(line: bytes) -> bytes:
    return _EXEMPLAR.sub(rb"\1", line)


def _without_bom(line: bytes) -> bytes:
    return line.removeprefix(_BOM)


def _with_commas(line: bytes) -> bytes:
    return _STRING.sub(lambda match: match[1] + (b"," if match[3] else match[2]), line)


def _unless_loose_number(line: bytes) -> bytes | None:
    """Return None if only Python accepts the value as a number: 1e400, +nan, Arabic digits."""
    fields = line[line.rfind(b"}") + 1 :].split()
    if b"}" not in line:
        fields = fields[1:]
    try:
        if fields:
            parse_float(fields[0])
    except ValueError:
        return None
    return line


def _unless_name_label(line: bytes) -> bytes | None:
    return None if re.search(rb'[{,]\s*+"?__name__"?\s*+=', line) else line


def _unless_too_long(line: bytes) -> bytes | None:
    return None if len(line) > _LIMITS.line else line


RENAMES = ParserDefect(
    "renames counters, loses types",
    "a counter without _total gets one; TYPE counts by position, so interleaved families lose it;"
    " an unknown TYPE ends the parsing",
    _without_metadata,
)
STRICT = ParserDefect(
    "is strict in OpenMetrics",
    "an empty HELP, a negative _sum or a native histogram ends the parsing; each line is then read"
    " as text",
)
GIVES_UP = ParserDefect(
    "gives up at a bad line", "the rest of the body is lost, and the family before it"
)
KNOWN_DEFECTS: tuple[ParserDefect, ...] = (
    ParserDefect(
        "takes a byte order mark for a name",
        "the first line is lost, and with it the body",
        _without_bom,
    ),
    RENAMES,
    STRICT,
    GIVES_UP,
    ParserDefect(
        "reads an exemplar as a timestamp",
        "in text/plain; and its OpenMetrics parser fails on an escaped quote in one",
        _without_exemplar,
    ),
    ParserDefect("wants a comma between labels", 'Prometheus reads {a="1"b="2"}', _with_commas),
    ParserDefect(
        "takes what only Python calls a number",
        "1e400 becomes +Inf, where Go says out of range",
        _unless_loose_number,
    ),
    ParserDefect(
        "takes __name__ as a label",
        "a sample without a name gets it from there",
        _unless_name_label,
    ),
    ParserDefect("has no limit", "a line beyond our limit is read", _unless_too_long),
)


def crosscheck_exposition(
    body: bytes, content_type: str | None, exposition: Exposition
) -> CrosscheckResult:
    """Compare the samples of `exposition`, which was read from `body`, with prometheus-client's.

    Names that the exposition hides are left out, and so are names that were not wanted.
    """
    openmetrics = "openmetrics" in (content_type or "").lower()
    ours = {series.key: value for series, value in exposition.samples.items()}
    is_partial = len(ours) < exposition.series
    names = {name for name, _ in ours}

    def compare(samples: Iterable[Sample]) -> tuple[str | None, int, int]:
        theirs = _first_values(samples)
        if is_partial:
            theirs = {key: value for key, value in theirs.items() if key[0] in names}
        agreed = sum(
            1 for key, value in ours.items() if key in theirs and _is_same_value(value, theirs[key])
        )
        return _first_difference(ours, theirs), agreed, len(ours.keys() | theirs.keys())

    difference: str | None = None
    agreed, total = 0, len(ours)
    allowed: tuple[str, ...] = ()
    for read in (_parse_whole, _parse_without_types, _parse_line_by_line):
        try:
            samples, allowed = read(body, openmetrics)
        except Exception:  # noqa: S112  # its parsers raise anything; the last way never raises
            continue
        difference, agreed, total = compare(samples)
        if difference is None:
            break
    if difference is not None:
        return CrosscheckResult(
            False, f"prometheus-client differs: {difference}", agreed, total, allowed
        )
    notes = f", although it {', '.join(allowed)}" if allowed else ""
    if hidden := sum(exposition.hidden.values()):
        notes += f"; {hidden} more are beyond the limit of series and were not compared"
    return CrosscheckResult(
        True,
        f"prometheus-client agrees: {agreed} of {total} samples{notes}",
        agreed,
        total,
        allowed,
    )


def _parse_whole(body: bytes, openmetrics: bool) -> tuple[list[Sample], tuple[str, ...]]:
    return _parse(body, openmetrics=openmetrics), ()


def _parse_without_types(body: bytes, openmetrics: bool) -> tuple[list[Sample], tuple[str, ...]]:
    if openmetrics:
        raise ValueError("types carry meaning there")
    kept = b"\n".join(line for line in body.split(b"\n") if _without_metadata(line) is not None)
    return _parse(kept, openmetrics=False), (RENAMES.name,)


def _parse(body: bytes, *, openmetrics: bool) -> list[Sample]:
    if openmetrics:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families
    else:
        from prometheus_client.parser import text_string_to_metric_families
    text = body.decode("utf-8", "replace")
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return [sample for family in families for sample in family.samples if sample.value is not None]


def _parse_line_by_line(body: bytes, openmetrics: bool) -> tuple[list[Sample], tuple[str, ...]]:
    """Parse each line on its own, repaired; return the samples and the names of the defects met."""
    samples: list[Sample] = []
    met: dict[str, None] = {}
    if openmetrics:
        met[STRICT.name] = None
        body = re.split(rb"(?m)^# EOF$", body, maxsplit=1)[0]
    for source in body.split(b"\n"):
        line: bytes | None = source
        for defect in KNOWN_DEFECTS:
            if line is None:
                break
            if defect.repair is None:
                continue
            repaired = defect.repair(line)
            if repaired != line and defect is not RENAMES:
                met[defect.name] = None
            line = repaired
        if line is None or not line.strip():
            continue
        try:
            samples += _parse(line, openmetrics=False)
        except Exception:
            met[GIVES_UP.name] = None
    return samples, tuple(met)


def _first_values(samples: Iterable[Sample]) -> dict[Key, float]:
    """Return the first value of each series; an empty label value is no label, as in Prometheus."""
    values: dict[Key, float] = {}
    for sample in samples:
        pairs = [
            (name.encode("utf-8", "replace"), value.encode("utf-8", "replace"))
            for name, value in sample.labels.items()
        ]
        values.setdefault((sample.name, build_labels(pairs, _LIMITS)), _as_float(sample.value))
    return values


def _as_float(value: float) -> float:
    """Convert a value, because the parser returns integers of any length as int."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _first_difference(ours: dict[Key, float], theirs: dict[Key, float]) -> str | None:
    """Describe the first difference in a sentence; None without one."""
    for key, value in ours.items():
        if key not in theirs:
            return f"{_format_series(key)} is missing there"
        if not _is_same_value(value, theirs[key]):
            return f"{_format_series(key)} is {theirs[key]!r} there and {value!r} here"
    for key in theirs:
        if key not in ours:
            return f"{_format_series(key)} is missing here"
    return None


def _is_same_value(value: float, other: float) -> bool:
    return value == other or (math.isnan(value) and math.isnan(other))


def _format_series(key: Key) -> str:
    name, labels = key
    inner = ",".join(f'{label}="{value}"' for label, value in labels)
    return clean(f"{name}{{{inner}}}" if inner else name, 120)

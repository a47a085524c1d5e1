"""Decode the lines of a run into readings.

Every value is checked; an invalid line ends its member, and no value is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from tputtui.model import (
    Bindings,
    Event,
    Exposition,
    Family,
    HostReading,
    Labels,
    ProcessReading,
    Reading,
    Scrape,
    Series,
    Served,
    Target,
    TargetListeners,
)
from tputtui.recording import checked_lines
from tputtui.recording.records import (
    BindingsInForce,
    RecordedProfile,
    RecordedTick,
    RunItem,
    ServiceGroups,
    TargetOrder,
    WatchedTarget,
)
from tputtui.recording.run_header import FORMAT_VERSION, Mark, RunEnd, RunHeader, RunSummary
from tputtui.recording.value_codec import BadValueError, RowDecoder, decode_number, from_plain
from tputtui.settings.expressions import parse_objective
from tputtui.text import clean

SERIES_LIMIT = 1_000_000  # of one run, over all its members
TARGET_LIMIT = 10_000
MIN_INTERVAL_S, MAX_WINDOW_S = 0.001, 1e7
MAX_SECONDS = 1e15  # seconds; beyond it, adding a small value to a float has no effect
MAX_LIST_LENGTH = 1000  # quantiles, objectives
_NAME_LIMIT = 4096  # characters of a name
_VALUE_LIMIT = 65_536

T = TypeVar("T")


class NewerFormatError(Exception):
    """The run was written by a newer tputtui."""


class InternedSeries:
    """Table of one `Series` object for each series of a target throughout a run.

    The windows compare series by identity.
    """

    def __init__(self) -> None:
        self._series_by_key: dict[tuple[str, str, Labels], Series] = {}

    def series(self, target: str, name: str, labels: Labels) -> Series:
        """Series of the target. Raises BadValueError beyond the limit."""
        key = (target, name, labels)
        found = self._series_by_key.get(key)
        if found is None:
            if len(self._series_by_key) >= SERIES_LIMIT:
                raise BadValueError("too many series")
            found = self._series_by_key[key] = Series(name, labels)
        return found


class _DecodedTarget:
    """State of one target as decoded so far in this member."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.series: list[Series] = []
        self.columns: list[Series] = []
        self.families: dict[str, Family] = {}


class Decoder:
    """Decoder of the lines of one member."""

    def __init__(self, interned: InternedSeries | None = None) -> None:
        self.header: RunHeader | None = None
        self._interned = interned if interned is not None else InternedSeries()
        self._rows = RowDecoder({})
        self._targets: list[_DecodedTarget] = []
        self._names: set[str] = set()
        self._scrapes: list[Scrape] = []
        self._backfill: list[Scrape] = []
        self._forgotten: dict[str, frozenset[str]] = {}
        self._processes: dict[int, ProcessReading] = {}

    def decode(self, content: bytes, scrapes_since: float | None = None) -> Iterator[RunItem]:
        """Decode the items of a member's lines.

        Raises CorruptLineError or BadValueError at the first invalid line, and NewerFormatError.

        A last line without its newline is incomplete: it was being written when the run ended.
        Scrapes before `scrapes_since` (`at`) are skipped undecoded: they are nine tenths of a
        member.
        """
        for line in content.split(b"\n")[:-1]:
            if scrapes_since is not None and _is_scrape_before(line, scrapes_since):
                continue
            item = self._decode_line(checked_lines.parse_line(line))
            if item is not None:
                yield item

    def _decode_line(self, content: Mapping[str, Any]) -> RunItem | None:
        """Decode one line; None for a line that only defines state for others.

        A line of an unknown kind is skipped.
        """
        if "s" in content:
            (self._backfill if content.get("past") is True else self._scrapes).append(
                self._decode_scrape(content)
            )
            return None
        if "run" in content:
            return self._decode_header(content["run"])
        if self.header is None:
            raise BadValueError("a member without a header")
        if "tick" in content:
            return self._decode_tick(content["tick"])
        if "target" in content:
            return self._decode_target(content["target"])
        if "order" in content:
            return TargetOrder(
                tuple(
                    self._target_by_number(one).target.name for one in _check_list(content["order"])
                )
            )
        if "bindings" in content:
            number, bound, *names = _check_list_of([*_check_list(content["bindings"]), None][:4], 4)
            bindings = from_plain(Bindings, bound) if bound is not None else None
            name, build = (None if one is None else _check_text(one) for one in names)
            return BindingsInForce(self._target_by_number(number).target, bindings, name, build)
        if "families" in content:
            self._decode_families(content["families"])
        elif "series" in content:
            self._decode_series(content["series"])
        elif "columns" in content:
            number, ids = _check_list_of(content["columns"], 2)
            state = self._target_by_number(number)
            state.columns = [
                state.series[_check_index(one, state.series)] for one in _check_list(ids)
            ]
        elif "services" in content:
            return ServiceGroups(
                tuple(
                    (_check_text(n), tuple(map(_check_text, _check_list(t))))
                    for n, t in map(_check_pair, _check_list(content["services"]))
                )
            )
        elif "mark" in content:
            return from_plain(Mark, content["mark"])
        elif "event" in content:
            return from_plain(Event, content["event"])
        elif "profile" in content:
            return self._decode_profile(content["profile"])
        elif "summary" in content:
            return from_plain(RunSummary, content["summary"])
        elif "end" in content:
            return from_plain(RunEnd, content["end"])
        return None

    def _decode_header(self, content: Any) -> RunHeader:
        version = content.get("tput") if isinstance(content, dict) else None
        if type(version) is not int or version < 1:
            raise BadValueError("no header")
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"made by a newer tputtui (format {version}; this one reads up to {FORMAT_VERSION})"
            )
        self.header = _check_header(from_plain(RunHeader, content))
        self._rows = RowDecoder(self.header.fields)
        self._targets, self._names, self._processes = [], set(), {}
        return self.header

    # ------------------------------------------------------------------------------------------ targets

    def _decode_target(self, content: Any) -> WatchedTarget:
        if (
            not isinstance(content, dict)
            or content.get("id") != len(self._targets)
            or len(self._targets) >= TARGET_LIMIT
        ):
            raise BadValueError("a target out of order")
        target = from_plain(Target, content)
        if target.name in self._names:
            raise BadValueError("two targets of one name")
        self._names.add(target.name)
        self._targets.append(_DecodedTarget(target))
        return WatchedTarget(target, content.get("served") is True)

    def _target_by_number(self, number: Any) -> _DecodedTarget:
        return self._targets[_check_index(number, self._targets)]

    def _decode_families(self, content: Any) -> None:
        number, rows = _check_list_of(content, 2)
        if not isinstance(rows, dict):
            raise BadValueError("no families")
        state = self._target_by_number(number)
        found = {}
        for name, row in rows.items():
            kind, unit, about = map(_check_text, _check_list_of(row, 3))
            found[name[:_NAME_LIMIT]] = Family(name[:_NAME_LIMIT], kind, about, unit)
        # A new dict, because expositions already decoded keep the old one.
        state.families = {**state.families, **found}

    def _decode_series(self, content: Any) -> None:
        number, first, rows = _check_list_of(content, 3)
        state = self._target_by_number(number)
        if first != len(state.series):
            raise BadValueError("series out of order")
        for row in _check_list(rows):
            name, flat = _check_list_of(row, 2)
            words = [_check_text(word) for word in _check_list(flat)]
            if len(words) % 2:
                raise BadValueError("half a label")
            labels = tuple(zip(words[::2], words[1::2], strict=True))
            state.series.append(self._interned.series(state.target.name, _check_text(name), labels))

    def _decode_scrape(self, content: Mapping[str, Any]) -> Scrape:
        head = _check_list(content["s"])
        if len(head) < 4:
            raise BadValueError("half a scrape")
        state = self._target_by_number(head[0])
        name = state.target.name
        at, time, duration = (
            _check_seconds(head[1]),
            _check_seconds(head[2]),
            _check_seconds(head[3]),
        )
        if "error" in content:
            late, silent = (content.get(key) is True for key in ("late", "silent"))
            return Scrape(
                name,
                at,
                time,
                duration,
                error=clean(_check_text(content["error"])),
                late=late,
                silent=silent,
            )
        size, series, values = _check_list_of(head[4:], 3)
        if len(_check_list(values)) != len(state.columns):
            raise BadValueError("a scrape that does not fit its columns")
        samples = {
            one: decode_number(value)
            for one, value in zip(state.columns, values, strict=True)
            if value is not None
        }
        hidden = content.get("hidden", {})
        if not isinstance(hidden, dict):
            raise BadValueError("what is hidden is no object")
        if "forgotten" in content:
            self._forgotten[name] = frozenset(map(_check_text, _check_list(content["forgotten"])))
        warning = content.get("warning")
        exposition = Exposition(
            samples=samples,
            families=state.families,
            series=_check_count(series),
            skipped_lines=_check_count(content.get("skipped", 0)),
            duplicates=_check_count(content.get("duplicates", 0)),
            warning=None if warning is None else clean(_check_text(warning)),
            hidden={key[:_NAME_LIMIT]: _check_count(one) for key, one in hidden.items()},
            truncated=content.get("truncated") is True,
            served=_decode_served(content["served"]) if "served" in content else None,
            timestamps=_times(state.columns, content["times"]) if "times" in content else {},
        )
        first = content.get("first")
        return Scrape(
            name,
            at,
            time,
            duration,
            exposition,
            None if size is None else _check_count(size),
            first_byte_s=None if first is None else _check_seconds(first),
            delayed_s=_check_seconds(content.get("delayed", 0)),
        )

    # ------------------------------------------------------------------------------------------ the tick

    def _decode_tick(self, content: Any) -> RecordedTick:
        if not isinstance(content, dict):
            raise BadValueError("no tick")
        host, changes, listeners = (
            content.get("host"),
            content.get("processes"),
            content.get("listeners"),
        )
        reading = Reading(
            at=_check_seconds(content.get("at")),
            time=_check_seconds(content.get("time")),
            scrapes=tuple(self._scrapes),
            host=None if host is None else self._rows.decode(HostReading, host),
            processes=None if changes is None else self._decode_processes(changes),
            waiting={
                self._target_by_number(number).target.name: _check_seconds(s)
                for number, s in map(_check_pair, _check_list(content.get("waiting", [])))
            },
            partial={
                self._target_by_number(number).target.name: _check_count(n)
                for number, n in map(_check_pair, _check_list(content.get("partial", [])))
            },
            missed_ticks=_check_count(content.get("missed", 0)),
            self_cpu_s=None if content.get("cpu") is None else _check_seconds(content["cpu"]),
            self_rss_bytes=None if content.get("rss") is None else _check_count(content["rss"]),
            listeners=None
            if listeners is None
            else tuple(from_plain(TargetListeners, x) for x in _check_list(listeners)),
        )
        tick = RecordedTick(
            reading, content.get("looking") is True, self._forgotten, tuple(self._backfill)
        )
        self._scrapes, self._backfill, self._forgotten = [], [], {}
        return tick

    def _decode_processes(self, changes: Any) -> tuple[ProcessReading, ...]:
        if not isinstance(changes, dict):
            raise BadValueError("no process table")
        for pid in _check_list(changes.get("gone", [])):
            self._processes.pop(_check_count(pid), None)
        for row in _check_list(changes.get("moved", [])):
            pid, cpu, rss, threads, state = _check_list_of(row, 5)
            old = self._processes.get(_check_count(pid))
            if old is None:
                raise BadValueError("a process that was not there")
            self._processes[old.pid] = replace(
                old,
                cpu_s=None if cpu is None else _check_seconds(cpu),
                rss_bytes=None if rss is None else _check_count(rss),
                threads=None if threads is None else _check_count(threads),
                state=clean(_check_text(state), 4),
            )
        for row in _check_list(changes.get("whole", [])):
            process = self._rows.decode(ProcessReading, row)
            self._processes[process.pid] = process
        return tuple(self._processes[pid] for pid in sorted(self._processes))

    def _decode_profile(self, content: Any) -> RecordedProfile:
        if not isinstance(content, dict) or not isinstance(content.get("document"), dict):
            raise BadValueError("no profile")
        pid, name = _check_count(content.get("pid")), clean(_check_text(content.get("name")), 200)
        return RecordedProfile(
            _check_seconds(content.get("time")),
            _check_seconds(content.get("at")),
            pid,
            name,
            content["document"],
        )


def _is_scrape_before(line: bytes, at: float) -> bool:
    """Whether a line is certainly a scrape (`{"s":[target,at,…`) from before a time.

    Any other line is left to the decoder.
    """
    if not line.startswith(b'{"s":['):
        return False
    try:
        return float(line[6:80].split(b",", 2)[1]) < at
    except (ValueError, IndexError):
        return False


# ------------------------------------------------------------------------------------------------ what a line may hold


def _check_list(data: Any) -> list[Any]:
    if type(data) is not list:
        raise BadValueError("not a list")
    return data


def _check_list_of(data: Any, length: int) -> list[Any]:
    if len(_check_list(data)) != length:
        raise BadValueError("a list of another length")
    return list(data)


def _check_pair(data: Any) -> list[Any]:
    return _check_list_of(data, 2)


def _check_text(data: Any) -> str:
    if type(data) is not str or len(data) > _VALUE_LIMIT:
        raise BadValueError("not a text")
    return str(data)


def _check_header(header: RunHeader) -> RunHeader:
    """Validate the values that a pipeline is built from."""
    for at in (header.time, header.at, header.began_time, header.began_at):
        _check_seconds(at)
    if not (MIN_INTERVAL_S <= header.interval_s <= header.window_s <= MAX_WINDOW_S):
        raise BadValueError("an interval or a window that cannot be")
    if len(header.quantiles) > MAX_LIST_LENGTH or not all(0 < q < 1 for q in header.quantiles):
        raise BadValueError("quantiles that cannot be")
    if max(map(len, (header.objectives, header.by))) > MAX_LIST_LENGTH:
        raise BadValueError("too many objectives")
    try:
        for words in header.objectives:
            parse_objective(words)
    except ValueError:
        raise BadValueError("an objective that cannot be read") from None
    return header


def _times(columns: Sequence[Series], said: Any) -> dict[Series, float]:
    """Timestamps of the samples of a scrape, where they were recorded."""
    times = _check_list(said)
    if len(times) != len(columns):
        raise BadValueError("times that do not fit the columns")
    return {
        series: _check_seconds(time)
        for series, time in zip(columns, times, strict=True)
        if time is not None
    }


def _decode_served(data: Any) -> Served:
    rate_s, labels = _check_list_of(data, 2)
    return Served(
        None if rate_s is None else _check_seconds(rate_s),
        tuple(map(_check_text, _check_list(labels))),
    )


def _check_count(data: Any) -> int:
    if type(data) is not int or not 0 <= data < 2**63:
        raise BadValueError("not a count")
    return int(data)


def _check_index(data: Any, items: list[Any]) -> int:
    if type(data) is not int or not 0 <= data < len(items):
        raise BadValueError("a number that stands for nothing")
    return int(data)


def _check_seconds(data: Any) -> float:
    value = decode_number(data)
    if not -MAX_SECONDS < value < MAX_SECONDS:
        raise BadValueError("no moment")
    return value

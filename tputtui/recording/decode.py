"""Decode the lines of a run into readings.

Every value is checked; an invalid line ends its member, and no value is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

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
    ServerTargetInfo,
    Target,
    TargetListeners,
)
from tputtui.recording import container
from tputtui.recording.records import (
    FORMAT_VERSION,
    BindingsInForce,
    Mark,
    NewerFormatError,
    RecordedProfile,
    RecordedTick,
    RunEnd,
    RunHeader,
    RunItem,
    RunSummary,
    ServiceGroups,
    TargetOrder,
    WatchedTarget,
)
from tputtui.recording.value_codec import (
    BadValueError,
    RowDecoder,
    check_count,
    check_header,
    check_index,
    check_list,
    check_list_of,
    check_object,
    check_pairs,
    check_seconds,
    check_text,
    check_texts,
    decode_number,
    from_plain,
)
from tputtui.text import clean

SERIES_LIMIT = 1_000_000  # of one run, over all its members
TARGET_LIMIT = 10_000
_NAME_LIMIT = 4096  # characters of a name

T = TypeVar("T")


class InternedSeries:
    """Table of one `Series` object for each series of a target throughout a run.

    The windows compare series by identity.
    """

    def __init__(self) -> None:
        self._series_by_key: dict[tuple[str, str, Labels], Series] = {}

    def series(self, target: str, name: str, labels: Labels) -> Series:
        """Series of the target. Raises BadValueError beyond the limit."""
        key = (target, name, labels)
        series = self._series_by_key.get(key)
        if series is None:
            if len(self._series_by_key) >= SERIES_LIMIT:
                raise BadValueError("too many series")
            series = self._series_by_key[key] = Series(name, labels)
        return series


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
            item = self._decode_line(container.parse_line(line))
            if item is not None:
                yield item

    def _decode_line(self, content: Mapping[str, Any]) -> RunItem | None:
        """Decode one line; None for a line that only defines state for others.

        A line of an unknown kind is skipped.
        """
        if "s" in content:
            scrapes = self._backfill if content.get("past") is True else self._scrapes
            scrapes.append(self._decode_scrape(content))
            return None
        if "run" in content:
            return self._decode_header(content["run"])
        if self.header is None:
            raise BadValueError("a member without a header")
        for kind, decode in self._LINE_DECODERS.items():
            if kind in content:
                return decode(self, content[kind])
        return None

    def _decode_header(self, content: Any) -> RunHeader:
        version = content.get("tput") if isinstance(content, dict) else None
        if type(version) is not int or version < 1:
            raise BadValueError("no header")
        if version > FORMAT_VERSION:
            raise NewerFormatError(
                f"made by a newer tputtui (format {version}; this one reads up to {FORMAT_VERSION})"
            )
        self.header = check_header(from_plain(RunHeader, content))
        self._rows = RowDecoder(self.header.fields)
        self._targets, self._names, self._processes = [], set(), {}
        return self.header

    # -------------------------------------------------------------------------------------- targets

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
        return self._targets[check_index(number, self._targets)]

    def _decode_order(self, content: Any) -> TargetOrder:
        numbers = check_list(content)
        return TargetOrder(tuple(self._target_by_number(number).target.name for number in numbers))

    def _decode_bindings(self, content: Any) -> BindingsInForce:
        # the build may be missing
        number, plain, *names = check_list_of([*check_list(content), None][:4], 4)
        bindings = from_plain(Bindings, plain) if plain is not None else None
        service_name, build = (None if name is None else check_text(name) for name in names)
        return BindingsInForce(self._target_by_number(number).target, bindings, service_name, build)

    def _decode_families(self, content: Any) -> None:
        number, rows = check_list_of(content, 2)
        if not isinstance(rows, dict):
            raise BadValueError("no families")
        state = self._target_by_number(number)
        families = {}
        for name, row in rows.items():
            kind, unit, help_text = map(check_text, check_list_of(row, 3))
            short_name = name[:_NAME_LIMIT]
            families[short_name] = Family(short_name, kind, help_text, unit)
        # A new dict, because expositions already decoded keep the old one.
        state.families = {**state.families, **families}

    def _decode_series(self, content: Any) -> None:
        number, first, rows = check_list_of(content, 3)
        state = self._target_by_number(number)
        if first != len(state.series):
            raise BadValueError("series out of order")
        for row in check_list(rows):
            name, flat = check_list_of(row, 2)
            names_and_values = [check_text(text) for text in check_list(flat)]
            if len(names_and_values) % 2:
                raise BadValueError("half a label")
            labels = tuple(zip(names_and_values[::2], names_and_values[1::2], strict=True))
            state.series.append(self._interned.series(state.target.name, check_text(name), labels))

    def _decode_columns(self, content: Any) -> None:
        number, indexes = check_list_of(content, 2)
        state = self._target_by_number(number)
        state.columns = [
            state.series[check_index(index, state.series)] for index in check_list(indexes)
        ]

    def _decode_scrape(self, content: Mapping[str, Any]) -> Scrape:
        head = check_list(content["s"])
        if len(head) < 4:
            raise BadValueError("half a scrape")
        state = self._target_by_number(head[0])
        name = state.target.name
        at, time, duration_s = map(check_seconds, head[1:4])
        if "error" in content:
            return Scrape(
                name,
                at,
                time,
                duration_s,
                error=clean(check_text(content["error"])),
                late=content.get("late") is True,
                silent=content.get("silent") is True,
            )
        size, series, values = check_list_of(head[4:], 3)
        if "forgotten" in content:
            self._forgotten[name] = frozenset(check_texts(content["forgotten"]))
        first = content.get("first")
        return Scrape(
            name,
            at,
            time,
            duration_s,
            _decode_exposition(state, content, series, values),
            None if size is None else check_count(size),
            first_byte_s=None if first is None else check_seconds(first),
            delayed_s=check_seconds(content.get("delayed", 0)),
        )

    # ------------------------------------------------------------------------------------- the tick

    def _decode_tick(self, content: Any) -> RecordedTick:
        tick_fields = check_object(content, "tick")
        host, changes = tick_fields.get("host"), tick_fields.get("processes")
        cpu_s, rss = tick_fields.get("cpu"), tick_fields.get("rss")
        listeners = tick_fields.get("listeners")
        reading = Reading(
            at=check_seconds(tick_fields.get("at")),
            time=check_seconds(tick_fields.get("time")),
            scrapes=tuple(self._scrapes),
            host=None if host is None else self._rows.decode(HostReading, host),
            processes=None if changes is None else self._decode_processes(changes),
            waiting=self._decode_by_target(tick_fields.get("waiting", []), check_seconds),
            partial=self._decode_by_target(tick_fields.get("partial", []), check_count),
            missed_ticks=check_count(tick_fields.get("missed", 0)),
            self_cpu_s=None if cpu_s is None else check_seconds(cpu_s),
            self_rss_bytes=None if rss is None else check_count(rss),
            listeners=None if listeners is None else _decode_listeners(listeners),
        )
        tick = RecordedTick(
            reading, tick_fields.get("looking") is True, self._forgotten, tuple(self._backfill)
        )
        self._scrapes, self._backfill, self._forgotten = [], [], {}
        return tick

    def _decode_by_target(self, content: Any, check: Callable[[Any], T]) -> dict[str, T]:
        """Decode [number, value] pairs into the values by the target's name."""
        return {
            self._target_by_number(number).target.name: check(value)
            for number, value in check_pairs(content)
        }

    def _decode_processes(self, content: Any) -> tuple[ProcessReading, ...]:
        changes = check_object(content, "process table")
        for pid in check_list(changes.get("gone", [])):
            self._processes.pop(check_count(pid), None)
        for row in check_list(changes.get("moved", [])):
            pid, cpu_s, rss, threads, state = check_list_of(row, 5)
            old = self._processes.get(check_count(pid))
            if old is None:
                raise BadValueError("a process that was not there")
            self._processes[old.pid] = replace(
                old,
                cpu_s=None if cpu_s is None else check_seconds(cpu_s),
                rss_bytes=None if rss is None else check_count(rss),
                threads=None if threads is None else check_count(threads),
                state=clean(check_text(state), 4),
            )
        for row in check_list(changes.get("whole", [])):
            process = self._rows.decode(ProcessReading, row)
            self._processes[process.pid] = process
        return tuple(self._processes[pid] for pid in sorted(self._processes))

    def _decode_profile(self, content: Any) -> RecordedProfile:
        profile = check_object(content, "profile")
        document = check_object(profile.get("document"), "profile")
        pid, name = check_count(profile.get("pid")), clean(check_text(profile.get("name")), 200)
        time, at = check_seconds(profile.get("time")), check_seconds(profile.get("at"))
        return RecordedProfile(time, at, pid, name, document)

    _LINE_DECODERS: ClassVar[Mapping[str, Callable[[Decoder, Any], RunItem | None]]] = {
        "tick": _decode_tick,
        "target": _decode_target,
        "order": _decode_order,
        "bindings": _decode_bindings,
        "families": _decode_families,
        "series": _decode_series,
        "columns": _decode_columns,
        "services": lambda _, content: _decode_services(content),
        "mark": lambda _, content: from_plain(Mark, content),
        "event": lambda _, content: from_plain(Event, content),
        "profile": _decode_profile,
        "summary": lambda _, content: from_plain(RunSummary, content),
        "end": lambda _, content: from_plain(RunEnd, content),
    }
    """Decoder of each kind of line by its key; a line with two of them is decoded as the first."""


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


def _decode_services(content: Any) -> ServiceGroups:
    groups = [(check_text(name), check_texts(targets)) for name, targets in check_pairs(content)]
    return ServiceGroups(tuple(groups))


def _decode_listeners(content: Any) -> tuple[TargetListeners, ...]:
    return tuple(from_plain(TargetListeners, item) for item in check_list(content))


def _decode_exposition(
    state: _DecodedTarget, content: Mapping[str, Any], series: Any, values: Any
) -> Exposition:
    """Decode the exposition of a scrape: `values` in the order of the columns, `series` read."""
    if len(check_list(values)) != len(state.columns):
        raise BadValueError("a scrape that does not fit its columns")
    samples = {
        column: decode_number(value)
        for column, value in zip(state.columns, values, strict=True)
        if value is not None
    }
    hidden = content.get("hidden", {})
    if not isinstance(hidden, dict):
        raise BadValueError("what is hidden is no object")
    warning = content.get("warning")
    return Exposition(
        samples=samples,
        families=state.families,
        series=check_count(series),
        skipped_lines=check_count(content.get("skipped", 0)),
        duplicates=check_count(content.get("duplicates", 0)),
        warning=None if warning is None else clean(check_text(warning)),
        hidden={name[:_NAME_LIMIT]: check_count(count) for name, count in hidden.items()},
        truncated=content.get("truncated") is True,
        served=_decode_served(content["served"]) if "served" in content else None,
        timestamps=_decode_times(state.columns, content["times"]) if "times" in content else {},
    )


def _decode_times(columns: Sequence[Series], content: Any) -> dict[Series, float]:
    """Decode the timestamps of the samples of a scrape, where they were recorded."""
    times = check_list(content)
    if len(times) != len(columns):
        raise BadValueError("times that do not fit the columns")
    return {
        series: check_seconds(time)
        for series, time in zip(columns, times, strict=True)
        if time is not None
    }


def _decode_served(content: Any) -> ServerTargetInfo:
    rate_s, labels = check_list_of(content, 2)
    return ServerTargetInfo(None if rate_s is None else check_seconds(rate_s), check_texts(labels))

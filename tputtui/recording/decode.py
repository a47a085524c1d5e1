"""Lines to readings. Whatever a line says is checked; one that makes no sense ends its member, and nothing is invented."""

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
    Item,
    RecordedProfile,
    RecordedTick,
    ServiceGroups,
    TargetOrder,
    WatchedTarget,
)
from tputtui.recording.run_header import FORMAT, Mark, RunEnd, RunHeader, RunSummary
from tputtui.recording.value_codec import BadValueError, RowDecoder, from_plain, number_in
from tputtui.settings.expressions import parse_objective
from tputtui.text import clean

SERIES_LIMIT = 1_000_000  # of one run, over all its members
TARGET_LIMIT = 10_000
LEAST_INTERVAL_S, LONGEST_S = 0.001, 1e7
LARGEST = 1e15  # seconds: what is beyond makes no difference to what is added
MOST_WORDS = 1000  # quantiles, objectives
_NAME_LIMIT = 4096  # characters of a name
_VALUE_LIMIT = 65_536

T = TypeVar("T")


class NewerFormatError(Exception):
    """The run was made by a newer tputtui."""


class InternedSeries:
    """One `Series` for each series of a target, throughout a run: the windows tell them by identity."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str, Labels], Series] = {}

    def series(self, target: str, name: str, labels: Labels) -> Series:
        """The series of a target. Raises BadValue beyond the limit."""
        key = (target, name, labels)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= SERIES_LIMIT:
                raise BadValueError("too many series")
            found = self._kept[key] = Series(name, labels)
        return found


class _TargetState:
    """What has been said of one target in this member."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.series: list[Series] = []
        self.columns: list[Series] = []
        self.families: dict[str, Family] = {}


class Decoder:
    """Reads the lines of one member."""

    def __init__(self, interned: InternedSeries | None = None) -> None:
        self.header: RunHeader | None = None
        self._interned = interned if interned is not None else InternedSeries()
        self._rows = RowDecoder({})
        self._targets: list[_TargetState] = []
        self._names: set[str] = set()
        self._scrapes: list[Scrape] = []
        self._past: list[Scrape] = []
        self._forgotten: dict[str, frozenset[str]] = {}
        self._processes: dict[int, ProcessReading] = {}

    def read(self, content: bytes, scrapes_since: float | None = None) -> Iterator[Item]:
        """What a member's lines say. Raises lines.BadLine or BadValue where that ends, and NewerFormat.

        A last line without its end is not whole: it was being written when the run ended. Scrapes before
        `scrapes_since` (`at`) are passed over unread: they are nine tenths of what a member says.
        """
        for line in content.split(b"\n")[:-1]:
            if scrapes_since is not None and _is_scrape_before(line, scrapes_since):
                continue
            item = self._line(checked_lines.read(line))
            if item is not None:
                yield item

    def _line(self, said: Mapping[str, Any]) -> Item | None:
        """One line; None where it only tells what others rest on. A line of a kind that is not known is passed over."""
        if "s" in said:
            (self._past if said.get("past") is True else self._scrapes).append(self._scrape(said))
            return None
        if "run" in said:
            return self._header(said["run"])
        if self.header is None:
            raise BadValueError("a member without a header")
        if "tick" in said:
            return self._tick(said["tick"])
        if "target" in said:
            return self._target(said["target"])
        if "order" in said:
            return TargetOrder(tuple(self._of(one).target.name for one in _list(said["order"])))
        if "bindings" in said:
            number, bound, *names = _parts([*_list(said["bindings"]), None][:4], 4)
            bindings = from_plain(Bindings, bound) if bound is not None else None
            name, build = (None if one is None else _text(one) for one in names)
            return BindingsInForce(self._of(number).target, bindings, name, build)
        if "families" in said:
            self._families(said["families"])
        elif "series" in said:
            self._series(said["series"])
        elif "columns" in said:
            number, ids = _parts(said["columns"], 2)
            state = self._of(number)
            state.columns = [state.series[_place(one, state.series)] for one in _list(ids)]
        elif "services" in said:
            return ServiceGroups(
                tuple((_text(n), tuple(map(_text, _list(t)))) for n, t in map(_pair, _list(said["services"])))
            )
        elif "mark" in said:
            return from_plain(Mark, said["mark"])
        elif "event" in said:
            return from_plain(Event, said["event"])
        elif "profile" in said:
            return self._profile(said["profile"])
        elif "summary" in said:
            return from_plain(RunSummary, said["summary"])
        elif "end" in said:
            return from_plain(RunEnd, said["end"])
        return None

    def _header(self, said: Any) -> RunHeader:
        version = said.get("tput") if isinstance(said, dict) else None
        if type(version) is not int or version < 1:
            raise BadValueError("no header")
        if version > FORMAT:
            raise NewerFormatError(f"made by a newer tputtui (format {version}; this one reads up to {FORMAT})")
        self.header = _sound(from_plain(RunHeader, said))
        self._rows = RowDecoder(self.header.fields)
        self._targets, self._names, self._processes = [], set(), {}
        return self.header

    # ------------------------------------------------------------------------------------------ targets

    def _target(self, said: Any) -> WatchedTarget:
        if not isinstance(said, dict) or said.get("id") != len(self._targets) or len(self._targets) >= TARGET_LIMIT:
            raise BadValueError("a target out of order")
        target = from_plain(Target, said)
        if target.name in self._names:
            raise BadValueError("two targets of one name")
        self._names.add(target.name)
        self._targets.append(_TargetState(target))
        return WatchedTarget(target, said.get("served") is True)

    def _of(self, number: Any) -> _TargetState:
        return self._targets[_place(number, self._targets)]

    def _families(self, said: Any) -> None:
        number, rows = _parts(said, 2)
        if not isinstance(rows, dict):
            raise BadValueError("no families")
        state = self._of(number)
        found = {}
        for name, row in rows.items():
            kind, unit, about = map(_text, _parts(row, 3))
            found[name[:_NAME_LIMIT]] = Family(name[:_NAME_LIMIT], kind, about, unit)
        # A new one: expositions that were made of the old one keep it.
        state.families = {**state.families, **found}

    def _series(self, said: Any) -> None:
        number, first, rows = _parts(said, 3)
        state = self._of(number)
        if first != len(state.series):
            raise BadValueError("series out of order")
        for row in _list(rows):
            name, flat = _parts(row, 2)
            words = [_text(word) for word in _list(flat)]
            if len(words) % 2:
                raise BadValueError("half a label")
            labels = tuple(zip(words[::2], words[1::2], strict=True))
            state.series.append(self._interned.series(state.target.name, _text(name), labels))

    def _scrape(self, said: Mapping[str, Any]) -> Scrape:
        head = _list(said["s"])
        if len(head) < 4:
            raise BadValueError("half a scrape")
        state = self._of(head[0])
        name = state.target.name
        at, time, duration = _finite(head[1]), _finite(head[2]), _finite(head[3])
        if "error" in said:
            late, silent = (said.get(key) is True for key in ("late", "silent"))
            return Scrape(name, at, time, duration, error=clean(_text(said["error"])), late=late, silent=silent)
        size, series, values = _parts(head[4:], 3)
        if len(_list(values)) != len(state.columns):
            raise BadValueError("a scrape that does not fit its columns")
        samples = {one: number_in(value) for one, value in zip(state.columns, values, strict=True) if value is not None}
        hidden = said.get("hidden", {})
        if not isinstance(hidden, dict):
            raise BadValueError("what is hidden is no object")
        if "forgotten" in said:
            self._forgotten[name] = frozenset(map(_text, _list(said["forgotten"])))
        warning = said.get("warning")
        exposition = Exposition(
            samples=samples,
            families=state.families,
            series=_count(series),
            skipped_lines=_count(said.get("skipped", 0)),
            duplicates=_count(said.get("duplicates", 0)),
            warning=None if warning is None else clean(_text(warning)),
            hidden={key[:_NAME_LIMIT]: _count(one) for key, one in hidden.items()},
            truncated=said.get("truncated") is True,
            served=_served(said["served"]) if "served" in said else None,
            timestamps=_times(state.columns, said["times"]) if "times" in said else {},
        )
        first = said.get("first")
        return Scrape(
            name,
            at,
            time,
            duration,
            exposition,
            None if size is None else _count(size),
            first_byte_s=None if first is None else _finite(first),
            delayed_s=_finite(said.get("delayed", 0)),
        )

    # ------------------------------------------------------------------------------------------ the tick

    def _tick(self, said: Any) -> RecordedTick:
        if not isinstance(said, dict):
            raise BadValueError("no tick")
        host, changes, listeners = said.get("host"), said.get("processes"), said.get("listeners")
        reading = Reading(
            at=_finite(said.get("at")),
            time=_finite(said.get("time")),
            scrapes=tuple(self._scrapes),
            host=None if host is None else self._rows.read(HostReading, host),
            processes=None if changes is None else self._table(changes),
            waiting={
                self._of(number).target.name: _finite(s) for number, s in map(_pair, _list(said.get("waiting", [])))
            },
            partial={
                self._of(number).target.name: _count(n) for number, n in map(_pair, _list(said.get("partial", [])))
            },
            missed_ticks=_count(said.get("missed", 0)),
            self_cpu_s=None if said.get("cpu") is None else _finite(said["cpu"]),
            self_rss_bytes=None if said.get("rss") is None else _count(said["rss"]),
            listeners=None if listeners is None else tuple(from_plain(TargetListeners, x) for x in _list(listeners)),
        )
        tick = RecordedTick(reading, said.get("looking") is True, self._forgotten, tuple(self._past))
        self._scrapes, self._past, self._forgotten = [], [], {}
        return tick

    def _table(self, changes: Any) -> tuple[ProcessReading, ...]:
        if not isinstance(changes, dict):
            raise BadValueError("no process table")
        for pid in _list(changes.get("gone", [])):
            self._processes.pop(_count(pid), None)
        for row in _list(changes.get("moved", [])):
            pid, cpu, rss, threads, state = _parts(row, 5)
            old = self._processes.get(_count(pid))
            if old is None:
                raise BadValueError("a process that was not there")
            self._processes[old.pid] = replace(
                old,
                cpu_s=None if cpu is None else _finite(cpu),
                rss_bytes=None if rss is None else _count(rss),
                threads=None if threads is None else _count(threads),
                state=clean(_text(state), 4),
            )
        for row in _list(changes.get("whole", [])):
            process = self._rows.read(ProcessReading, row)
            self._processes[process.pid] = process
        return tuple(self._processes[pid] for pid in sorted(self._processes))

    def _profile(self, said: Any) -> RecordedProfile:
        if not isinstance(said, dict) or not isinstance(said.get("document"), dict):
            raise BadValueError("no profile")
        pid, name = _count(said.get("pid")), clean(_text(said.get("name")), 200)
        return RecordedProfile(_finite(said.get("time")), _finite(said.get("at")), pid, name, said["document"])


def _is_scrape_before(line: bytes, at: float) -> bool:
    """Whether a line is plainly a scrape (`{"s":[target,at,…`) of before a moment. Of any other, the reader judges."""
    if not line.startswith(b'{"s":['):
        return False
    try:
        return float(line[6:80].split(b",", 2)[1]) < at
    except (ValueError, IndexError):
        return False


# ------------------------------------------------------------------------------------------------ what a line may hold


def _list(data: Any) -> list[Any]:
    if type(data) is not list:
        raise BadValueError("not a list")
    return data


def _parts(data: Any, count: int) -> list[Any]:
    if len(_list(data)) != count:
        raise BadValueError("a list of another length")
    return list(data)


def _pair(data: Any) -> list[Any]:
    return _parts(data, 2)


def _text(data: Any) -> str:
    if type(data) is not str or len(data) > _VALUE_LIMIT:
        raise BadValueError("not a text")
    return str(data)


def _sound(header: RunHeader) -> RunHeader:
    """The header, if a monitor can be made of it."""
    for at in (header.time, header.at, header.began_time, header.began_at):
        _finite(at)
    if not (LEAST_INTERVAL_S <= header.interval_s <= header.window_s <= LONGEST_S):
        raise BadValueError("an interval or a window that cannot be")
    if len(header.quantiles) > MOST_WORDS or not all(0 < q < 1 for q in header.quantiles):
        raise BadValueError("quantiles that cannot be")
    if max(map(len, (header.objectives, header.by))) > MOST_WORDS:
        raise BadValueError("too many objectives")
    try:
        for words in header.objectives:
            parse_objective(words)
    except ValueError:
        raise BadValueError("an objective that cannot be read") from None
    return header


def _times(columns: Sequence[Series], said: Any) -> dict[Series, float]:
    """When each sample of a scrape was taken, where it said so."""
    times = _list(said)
    if len(times) != len(columns):
        raise BadValueError("times that do not fit the columns")
    return {series: _finite(time) for series, time in zip(columns, times, strict=True) if time is not None}


def _served(data: Any) -> Served:
    rate_s, labels = _parts(data, 2)
    return Served(None if rate_s is None else _finite(rate_s), tuple(map(_text, _list(labels))))


def _count(data: Any) -> int:
    if type(data) is not int or not 0 <= data < 2**63:
        raise BadValueError("not a count")
    return int(data)


def _place(data: Any, among: list[Any]) -> int:
    if type(data) is not int or not 0 <= data < len(among):
        raise BadValueError("a number that stands for nothing")
    return int(data)


def _finite(data: Any) -> float:
    value = number_in(data)
    if not -LARGEST < value < LARGEST:
        raise BadValueError("no moment")
    return value

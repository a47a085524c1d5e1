"""Readings to lines. What a reader must know of a series, a target or a process is said once in each member.

A *chunk* is all lines of one tick; a chunk that begins a member says everything anew, so that nothing in it needs what
stood before. The lines (docs/run-format.md describes them one by one):

    {"run": {…}}            the header, first in each member
    {"target": {…}}         a target, with the number that other lines call it by
    {"order": [0, 1]}       which targets are watched from now on, in this order
    {"bindings": [0, {…}]}  what is bound on it from now on
    {"families": [0, {…}]}  what it says of its metric families
    {"series": [0, 17, …]}  series, numbered from 17 on
    {"columns": [0, […]]}   the series whose values the scrapes from now on carry, in this order
    {"s": [0, …, […]]}      a scrape: its values, null where a series was not there
    {"services": […]}       which targets are one service from now on
    {"tick": {…}}           the end of a reading: when, the host, the processes
    {"mark": {…}} {"event": {…}} {"profile": {…}} {"end": {…}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tputtui.frozen import frozen
from tputtui.model import (
    Bindings,
    Family,
    Labels,
    ProcessReading,
    Reading,
    Scrape,
    Series,
    Target,
    TargetListeners,
)
from tputtui.recording import checked_lines
from tputtui.recording.value_codec import number_out, to_plain, to_row
from tputtui.text.redaction import redact_url

HELP_LIMIT = 200  # characters kept of a family's help
_SERIES_A_LINE = 500
_SERIES_BYTES = 1024 * 1024  # characters of names and labels in one line
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info")


@frozen
class TargetState:
    """What the monitor knows of a target when a reading has been taken; a recorder needs it beside the reading."""

    target: Target
    bindings: Bindings | None = None
    service_name: str | None = None  # what the target says of itself
    build: str | None = None  # the same for targets of the same build and job
    wanted: frozenset[str] | None = None  # the sample names that matter; None: all of them may
    forgotten: frozenset[str] = frozenset()  # sample names whose new series do not count from zero
    served: bool = False  # what is known of it comes from a server


class _TargetLines:
    """What has been said of one target in this member."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ids: dict[Series, int] = {}
        self.columns: list[Series] = []
        self.bindings: Bindings | None = None
        self.names: tuple[str | None, str | None] = (None, None)
        self.families: Mapping[str, Family] = {}
        self.families_of: object = None


class Encoder:
    """Makes the lines of one run. `all_metrics`: every series that was read, not only those that matter."""

    def __init__(self, *, all_metrics: bool = False) -> None:
        self._all = all_metrics
        self._targets: dict[str, _TargetLines] = {}
        self._order: list[int] | None = None
        self._processes: dict[int, ProcessReading] = {}
        self._services: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self._listeners: tuple[TargetListeners, ...] | None = None
        self._are_listeners_written = False  # in this member

    def restart(self) -> None:
        """Say everything anew from now on: a member begins."""
        self._targets = {}
        self._order = None
        self._processes = {}
        self._services = ()
        self._are_listeners_written = False

    def reading(
        self,
        reading: Reading,
        told: Sequence[TargetState],
        services: tuple[tuple[str, tuple[str, ...]], ...],
        looking: bool = False,
        past: Sequence[Scrape] = (),
    ) -> list[bytes]:
        """The lines of one reading. `looking`: targets were still being looked for. `past`: what servers remember."""
        out: list[bytes] = []
        known = {one.target.name: one for one in told}
        self._say_targets(told, out)
        for scrape, is_past in [*((one, False) for one in reading.scrapes), *((one, True) for one in past)]:
            if scrape.target in known:
                self._scrape(scrape, known[scrape.target], is_past, out)
        if services != self._services:
            self._services = services
            out.append(checked_lines.write({"services": [[name, list(targets)] for name, targets in services]}))
        out.append(checked_lines.write({"tick": self._tick(reading, looking)}))
        return out

    # ------------------------------------------------------------------------------------------ targets

    def _say_targets(self, told: Sequence[TargetState], out: list[bytes]) -> None:
        for one in told:
            target = one.target
            if target.name not in self._targets:
                said = self._targets[target.name] = _TargetLines(len(self._targets))
                word = {
                    "id": said.number,
                    "name": target.name,
                    "url": redact_url(target.url),
                    "service": target.service,
                }
                word["served"] = one.served or None
                out.append(
                    checked_lines.write({"target": {key: value for key, value in word.items() if value is not None}})
                )
        order = [self._targets[one.target.name].number for one in told]
        if order != self._order:
            for said in self._targets.values():
                if said.number not in order:  # should it come back, it is a new one
                    said.bindings, said.names = None, (None, None)
            self._order = order
            out.append(checked_lines.write({"order": order}))
        for one in told:
            said = self._targets[one.target.name]
            names = (one.service_name, one.build)
            if one.bindings is not said.bindings or names != said.names:
                said.bindings, said.names = one.bindings, names
                bound = to_plain(one.bindings) if one.bindings is not None else None
                out.append(checked_lines.write({"bindings": [said.number, bound, *names]}))

    def _scrape(self, scrape: Scrape, told: TargetState, is_past: bool, out: list[bytes]) -> None:
        said = self._targets[scrape.target]
        head: list[Any] = [said.number, *map(number_out, (scrape.at, scrape.time, scrape.duration_s))]
        exposition = scrape.exposition
        if exposition is None:
            how = {key: True for key in ("late", "silent") if getattr(scrape, key)}
            out.append(checked_lines.write({"s": head, "error": scrape.error or "failed", **how}))
            return
        wanted = None if self._all else told.wanted
        samples = exposition.samples
        if wanted is not None and not all(series.name in wanted for series in samples):
            samples = {series: value for series, value in samples.items() if series.name in wanted}
        more: dict[str, Any] = {"past": True} if is_past else {}
        if exposition.served is not None:
            more["served"] = [exposition.served.rate_s, list(exposition.served.source_labels)]
            if exposition.served.rate_s is None and not self._all:
                samples = {}  # raw, to find out what there is: what was found is said as bindings
        if exposition.skipped_lines:
            more["skipped"] = exposition.skipped_lines
        if exposition.duplicates:
            more["duplicates"] = exposition.duplicates
        if exposition.warning:
            more["warning"] = exposition.warning
        if exposition.hidden:
            more["hidden"] = dict(exposition.hidden)
        if exposition.truncated:
            more["truncated"] = True
        if told.forgotten:
            more["forgotten"] = sorted(told.forgotten)
        if scrape.first_byte_s is not None:
            more["first"] = number_out(scrape.first_byte_s)
        if scrape.delayed_s:
            more["delayed"] = number_out(scrape.delayed_s)
        try:
            self._say_families(said, exposition.families, wanted, out)
            values = [None if value is None else number_out(value) for value in self._values(said, samples, out)]
            if exposition.timestamps:
                times = [exposition.timestamps.get(series) for series in said.columns]
                more["times"] = [None if time is None else number_out(time) for time in times]
            out.append(checked_lines.write({"s": [*head, scrape.size, exposition.series, values], **more}))
        except checked_lines.LineTooLongError:
            said.columns = []
            out.append(checked_lines.write({"s": head, "error": f"{len(samples)} series are too many to be recorded"}))

    def _values(self, said: _TargetLines, samples: Mapping[Series, float], out: list[bytes]) -> list[float | None]:
        """The scrape's values in the order of the columns, which are said anew where a series has come."""
        order = list(samples)
        if order == said.columns:
            return list(samples.values())
        if all(series in said.ids for series in order) and len(order) < len(said.columns) <= 2 * len(order) + 16:
            values = [samples.get(series) for series in said.columns]
            if sum(value is not None for value in values) == len(order):
                return values
        new = [series for series in order if series not in said.ids]
        first = len(said.ids)
        said.ids.update((series, first + place) for place, series in enumerate(new))
        for begin, part in _portions(new):
            out.append(checked_lines.write({"series": [said.number, first + begin, part]}))
        said.columns = order
        out.append(checked_lines.write({"columns": [said.number, [said.ids[series] for series in order]]}))
        return list(samples.values())

    def _say_families(
        self, said: _TargetLines, families: Mapping[str, Family], wanted: frozenset[str] | None, out: list[bytes]
    ) -> None:
        of = (families, wanted)
        if said.families_of is not None and said.families_of == of:
            return
        said.families_of = of
        names = {*wanted, *(base(name) for name in wanted)} if wanted is not None else None
        new = {
            name: family
            for name, family in families.items()
            if (names is None or name in names) and said.families.get(name) != family
        }
        said.families = {**said.families, **new}
        items = list(new.items())
        for begin in range(0, len(items), _SERIES_A_LINE):
            part = items[begin : begin + _SERIES_A_LINE]
            rows = {name: [family.type, family.unit, family.help[:HELP_LIMIT]] for name, family in part}
            out.append(checked_lines.write({"families": [said.number, rows]}))

    # ------------------------------------------------------------------------------------------ the tick

    def _tick(self, reading: Reading, looking: bool) -> dict[str, Any]:
        tick: dict[str, Any] = {"at": number_out(reading.at), "time": number_out(reading.time)}
        if looking:
            tick["looking"] = True
        waiting = [(self._targets[name].number, s) for name, s in reading.waiting.items() if name in self._targets]
        if waiting:
            tick["waiting"] = [[number, number_out(seconds)] for number, seconds in waiting]
        partial = [[self._targets[name].number, n] for name, n in reading.partial.items() if name in self._targets]
        if partial:
            tick["partial"] = partial
        if reading.missed_ticks:
            tick["missed"] = reading.missed_ticks
        if reading.self_cpu_s is not None:
            tick["cpu"] = number_out(reading.self_cpu_s)
        if reading.self_rss_bytes is not None:
            tick["rss"] = reading.self_rss_bytes
        if reading.host is not None:
            tick["host"] = to_row(reading.host)
        if reading.processes is not None:
            tick["processes"] = self._changes(reading.processes)
        if reading.listeners not in (None, self._listeners):
            self._listeners, self._are_listeners_written = reading.listeners, False
        if self._listeners is not None and not self._are_listeners_written:
            self._are_listeners_written = True
            tick["listeners"] = [to_plain(one) for one in self._listeners]
        return tick

    def _changes(self, processes: Iterable[ProcessReading]) -> dict[str, Any]:
        """What has changed since the last table: new ones whole, of the others what moves, and who has gone.

        Command lines are not recorded: they may carry passwords. The name that is made of them is.
        """
        before, now = self._processes, {process.pid: process for process in processes}
        whole: list[Any] = []
        moved: list[Any] = []
        for pid, process in now.items():
            old = before.get(pid)
            if old is process or old == process:
                continue
            if old is not None and _stays(old) == _stays(process):
                cpu = None if process.cpu_s is None else number_out(process.cpu_s)
                moved.append([pid, cpu, process.rss_bytes, process.threads, process.state])
            else:
                row = to_row(process)
                row[_COMMAND] = ""
                whole.append(row)
        gone = [pid for pid in before if pid not in now]
        self._processes = now
        changes = {"whole": whole, "moved": moved, "gone": gone}
        return {name: one for name, one in changes.items() if one}


_COMMAND = list(ProcessReading.__dataclass_fields__).index("command")


def _stays(process: ProcessReading) -> tuple[object, ...]:
    return (process.started, process.name, process.user, process.python, process.ports, process.cgroup)


def base(name: str) -> str:
    """A sample name without the suffix that its family does not carry."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _portions(series: Sequence[Series]) -> list[tuple[int, list[list[object]]]]:
    """(place of the first, [name, labels] of each), so that no line grows beyond what a reader reads."""
    found: list[tuple[int, list[list[object]]]] = []
    size = _SERIES_BYTES
    for place, one in enumerate(series):
        own = len(one.name) + _length(one.labels)
        if not found or size + own > _SERIES_BYTES or len(found[-1][1]) >= _SERIES_A_LINE:
            found.append((place, []))
            size = 0
        size += own
        found[-1][1].append([one.name, [value for label in one.labels for value in label]])
    return found


def _length(labels: Labels) -> int:
    return sum(len(name) + len(value) for name, value in labels)

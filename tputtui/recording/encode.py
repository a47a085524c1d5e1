"""Encode readings as lines. A member defines each series, target and process once.

A *chunk* is all lines of one tick; a chunk that begins a member defines everything again, so that
nothing in it depends on earlier members. The lines (docs/run-format.md describes them one by one):

{"run": {…}}            the header, first in each member
{"target": {…}}         a target, with the number that other lines refer to
{"order": [0, 1]}       the targets that are watched from now on, in this order
{"bindings": [0, {…}]}  the bindings of a target from now on
{"families": [0, {…}]}  the metadata of its metric families
{"series": [0, 17, …]}  series, numbered from 17 on
{"columns": [0, […]]}   the series whose values the scrapes from now on carry, in this order
{"s": [0, …, […]]}      a scrape: its values, null where a series was absent
{"services": […]}       the grouping of targets into services from now on
{"tick": {…}}           the end of a reading: its time, the host, the processes
{"mark": {…}} {"event": {…}} {"profile": {…}} {"end": {…}}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from tputtui.frozen import frozen
from tputtui.model import (
    Bindings,
    Exposition,
    Family,
    Labels,
    ProcessReading,
    Reading,
    Scrape,
    Series,
    Target,
    TargetListeners,
)
from tputtui.recording.container import LineTooLongError, format_line
from tputtui.recording.value_codec import encode_number, to_plain, to_row
from tputtui.text.redaction import redact_url

T = TypeVar("T")

HELP_LIMIT = 200  # characters kept of a family's help text
_SERIES_PER_LINE = 500
_SERIES_LINE_LIMIT = 1024 * 1024  # characters of names and labels in one line
_SUFFIXES = ("_total", "_bucket", "_sum", "_count", "_created", "_info")


@frozen
class TargetFacts:
    """Facts about a target at the time of a reading, from the pipeline, for a recorder."""

    target: Target
    bindings: Bindings | None = None
    service_name: str | None = None  # from the target itself
    build: str | None = None  # equal for targets of the same build and job
    wanted: frozenset[str] | None = None  # sample names that matter; None: any of them may
    forgotten: frozenset[str] = frozenset()  # sample names whose new series do not count from zero
    is_from_server: bool = False  # its data comes from a server


class _EncodedTarget:
    """Definitions of one target written so far in this member."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.ids: dict[Series, int] = {}
        self.columns: list[Series] = []
        self.bindings: Bindings | None = None
        self.names: tuple[str | None, str | None] = (None, None)
        self.families: Mapping[str, Family] = {}
        self.families_key: object = None


class Encoder:
    """Encoder of the lines of one run.

    `all_metrics`: encode every series that was read, not only those that matter.
    """

    def __init__(self, *, all_metrics: bool = False) -> None:
        self._all_metrics = all_metrics
        self._targets: dict[str, _EncodedTarget] = {}
        self._order: list[int] | None = None
        self._processes: dict[int, ProcessReading] = {}
        self._services: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self._listeners: tuple[TargetListeners, ...] | None = None
        self._are_listeners_written = False  # in this member

    def restart(self) -> None:
        """Begin a member: write all definitions again from now on."""
        self._targets = {}
        self._order = None
        self._processes = {}
        self._services = ()
        self._are_listeners_written = False

    def encode_reading(
        self,
        reading: Reading,
        target_facts: Sequence[TargetFacts],
        services: tuple[tuple[str, tuple[str, ...]], ...],
        is_discovering: bool = False,
        backfill: Sequence[Scrape] = (),
    ) -> list[bytes]:
        """Encode one reading.

        `is_discovering`: discovery was still running. `backfill`: past samples from servers.
        """
        lines: list[bytes] = []
        facts_by_target = {facts.target.name: facts for facts in target_facts}
        self._encode_targets(target_facts, lines)
        for scrapes, is_backfill in ((reading.scrapes, False), (backfill, True)):
            for scrape in scrapes:
                facts = facts_by_target.get(scrape.target)
                if facts is not None:
                    self._encode_scrape(scrape, facts, is_backfill, lines)
        if services != self._services:
            self._services = services
            groups = [[name, list(targets)] for name, targets in services]
            lines.append(format_line({"services": groups}))
        lines.append(format_line({"tick": self._encode_tick(reading, is_discovering)}))
        return lines

    # -------------------------------------------------------------------------------------- targets

    def _encode_targets(self, target_facts: Sequence[TargetFacts], lines: list[bytes]) -> None:
        for facts in target_facts:
            if facts.target.name not in self._targets:
                encoded = _EncodedTarget(len(self._targets))
                self._targets[facts.target.name] = encoded
                lines.append(format_line({"target": _target_fields(encoded.number, facts)}))
        order = [self._targets[facts.target.name].number for facts in target_facts]
        if order != self._order:
            for encoded in self._targets.values():
                if encoded.number not in order:  # a target that comes back is a new one
                    encoded.bindings, encoded.names = None, (None, None)
            self._order = order
            lines.append(format_line({"order": order}))
        for facts in target_facts:
            encoded = self._targets[facts.target.name]
            names = (facts.service_name, facts.build)
            if facts.bindings is not encoded.bindings or names != encoded.names:
                encoded.bindings, encoded.names = facts.bindings, names
                plain = to_plain(facts.bindings) if facts.bindings is not None else None
                lines.append(format_line({"bindings": [encoded.number, plain, *names]}))

    def _encode_scrape(
        self, scrape: Scrape, facts: TargetFacts, is_backfill: bool, lines: list[bytes]
    ) -> None:
        encoded = self._targets[scrape.target]
        head: list[Any] = [
            encoded.number,
            *map(encode_number, (scrape.at, scrape.time, scrape.duration_s)),
        ]
        exposition = scrape.exposition
        if exposition is None:
            flags = {name: True for name in ("late", "silent") if getattr(scrape, name)}
            error = scrape.error or "failed"
            lines.append(format_line({"s": head, "error": error, **flags}))
            return
        wanted = None if self._all_metrics else facts.wanted
        samples = self._recorded_samples(exposition, wanted)
        details = _scrape_details(scrape, exposition, facts.forgotten, is_backfill)
        try:
            self._encode_families(encoded, exposition.families, wanted, lines)
            values = [
                None if value is None else encode_number(value)
                for value in self._encode_values(encoded, samples, lines)
            ]
            if exposition.timestamps:
                times = [exposition.timestamps.get(series) for series in encoded.columns]
                details["times"] = [None if time is None else encode_number(time) for time in times]
            body = [*head, scrape.size, exposition.series, values]
            lines.append(format_line({"s": body, **details}))
        except LineTooLongError:
            encoded.columns = []
            error = f"{len(samples)} series are too many to be recorded"
            lines.append(format_line({"s": head, "error": error}))

    def _recorded_samples(
        self, exposition: Exposition, wanted: frozenset[str] | None
    ) -> Mapping[Series, float]:
        """Samples of an exposition that are recorded: those of the `wanted` names (None: all)."""
        served = exposition.served
        if served is not None and served.rate_s is None and not self._all_metrics:
            # raw series, read for classification only: its result is recorded as bindings
            return {}
        samples = exposition.samples
        if wanted is None or all(series.name in wanted for series in samples):
            return samples
        return {series: value for series, value in samples.items() if series.name in wanted}

    def _encode_values(
        self, encoded: _EncodedTarget, samples: Mapping[Series, float], lines: list[bytes]
    ) -> list[float | None]:
        """Encode the scrape's values in the order of the columns.

        The columns are written again where a series was added.
        """
        order = list(samples)
        if order == encoded.columns:
            return list(samples.values())
        if (
            all(series in encoded.ids for series in order)
            and len(order) < len(encoded.columns) <= 2 * len(order) + 16
        ):
            values = [samples.get(series) for series in encoded.columns]
            if sum(value is not None for value in values) == len(order):
                return values
        new = [series for series in order if series not in encoded.ids]
        first = len(encoded.ids)
        encoded.ids.update((series, first + index) for index, series in enumerate(new))
        for begin, batch in _series_batches(new):
            lines.append(format_line({"series": [encoded.number, first + begin, batch]}))
        encoded.columns = order
        ids = [encoded.ids[series] for series in order]
        lines.append(format_line({"columns": [encoded.number, ids]}))
        return list(samples.values())

    def _encode_families(
        self,
        encoded: _EncodedTarget,
        families: Mapping[str, Family],
        wanted: frozenset[str] | None,
        lines: list[bytes],
    ) -> None:
        key = (families, wanted)
        if encoded.families_key is not None and encoded.families_key == key:
            return
        encoded.families_key = key
        names = {*wanted, *map(strip_suffix, wanted)} if wanted is not None else None
        new = {
            name: family
            for name, family in families.items()
            if (names is None or name in names) and encoded.families.get(name) != family
        }
        encoded.families = {**encoded.families, **new}
        items = list(new.items())
        for begin in range(0, len(items), _SERIES_PER_LINE):
            batch = items[begin : begin + _SERIES_PER_LINE]
            rows = {
                name: [family.type, family.unit, family.help[:HELP_LIMIT]] for name, family in batch
            }
            lines.append(format_line({"families": [encoded.number, rows]}))

    # ------------------------------------------------------------------------------------- the tick

    def _encode_tick(self, reading: Reading, is_discovering: bool) -> dict[str, Any]:
        tick: dict[str, Any] = {
            "at": encode_number(reading.at),
            "time": encode_number(reading.time),
        }
        if is_discovering:
            tick["looking"] = True
        waiting = self._by_number(reading.waiting)
        if waiting:
            tick["waiting"] = [[number, encode_number(seconds)] for number, seconds in waiting]
        partial = self._by_number(reading.partial)
        if partial:
            tick["partial"] = partial
        if reading.missed_ticks:
            tick["missed"] = reading.missed_ticks
        if reading.self_cpu_s is not None:
            tick["cpu"] = encode_number(reading.self_cpu_s)
        if reading.self_rss_bytes is not None:
            tick["rss"] = reading.self_rss_bytes
        if reading.host is not None:
            tick["host"] = to_row(reading.host)
        if reading.processes is not None:
            tick["processes"] = self._encode_processes(reading.processes)
        if reading.listeners not in (None, self._listeners):
            self._listeners, self._are_listeners_written = reading.listeners, False
        if self._listeners is not None and not self._are_listeners_written:
            self._are_listeners_written = True
            tick["listeners"] = [to_plain(listeners) for listeners in self._listeners]
        return tick

    def _by_number(self, by_target: Mapping[str, T]) -> list[tuple[int, T]]:
        """Pairs of a target's number and its value, for the targets of this member."""
        return [
            (self._targets[name].number, value)
            for name, value in by_target.items()
            if name in self._targets
        ]

    def _encode_processes(self, processes: Iterable[ProcessReading]) -> dict[str, Any]:
        """Encode the difference to the previous process table.

        New processes are written in full, of the others the values that change, and the pids that
        ended. Command lines are not recorded, because they may contain passwords; the name derived
        from one is.
        """
        before, now = self._processes, {process.pid: process for process in processes}
        full_rows: list[Any] = []
        changed_rows: list[Any] = []
        for pid, process in now.items():
            old = before.get(pid)
            if old is process or old == process:
                continue
            if old is not None and _constant_fields(old) == _constant_fields(process):
                cpu = None if process.cpu_s is None else encode_number(process.cpu_s)
                changed_rows.append([pid, cpu, process.rss_bytes, process.threads, process.state])
            else:
                row = to_row(process)
                row[_COMMAND_INDEX] = ""
                full_rows.append(row)
        gone = [pid for pid in before if pid not in now]
        self._processes = now
        changes = {"whole": full_rows, "moved": changed_rows, "gone": gone}
        return {name: rows for name, rows in changes.items() if rows}


_COMMAND_INDEX = list(ProcessReading.__dataclass_fields__).index("command")


def _constant_fields(process: ProcessReading) -> tuple[object, ...]:
    return (
        process.started,
        process.name,
        process.user,
        process.python,
        process.ports,
        process.cgroup,
    )


def _target_fields(number: int, facts: TargetFacts) -> dict[str, Any]:
    target = facts.target
    fields: dict[str, Any] = {"id": number, "name": target.name, "url": redact_url(target.url)}
    if target.service is not None:
        fields["service"] = target.service
    if facts.is_from_server:
        fields["served"] = True
    return fields


def _scrape_details(
    scrape: Scrape, exposition: Exposition, forgotten: frozenset[str], is_backfill: bool
) -> dict[str, Any]:
    """Fields of a scrape beside its values, without those at their default."""
    details: dict[str, Any] = {"past": True} if is_backfill else {}
    if exposition.served is not None:
        served = exposition.served
        details["served"] = [served.rate_s, list(served.source_labels)]
    if exposition.skipped_lines:
        details["skipped"] = exposition.skipped_lines
    if exposition.duplicates:
        details["duplicates"] = exposition.duplicates
    if exposition.warning:
        details["warning"] = exposition.warning
    if exposition.hidden:
        details["hidden"] = dict(exposition.hidden)
    if exposition.truncated:
        details["truncated"] = True
    if forgotten:
        details["forgotten"] = sorted(forgotten)
    if scrape.first_byte_s is not None:
        details["first"] = encode_number(scrape.first_byte_s)
    if scrape.delayed_s:
        details["delayed"] = encode_number(scrape.delayed_s)
    return details


def strip_suffix(name: str) -> str:
    """Strip the suffix of a sample name that its family name does not have."""
    for suffix in _SUFFIXES:
        if name.endswith(suffix):
            return name.removesuffix(suffix)
    return name


def _series_batches(series: Sequence[Series]) -> list[tuple[int, list[list[object]]]]:
    """Batches (index of the first, [name, labels] of each), so that no line exceeds the reader's
    limit.
    """
    batches: list[tuple[int, list[list[object]]]] = []
    size = _SERIES_LINE_LIMIT
    for index, one_series in enumerate(series):
        own_size = len(one_series.name) + _label_length(one_series.labels)
        if (
            not batches
            or size + own_size > _SERIES_LINE_LIMIT
            or len(batches[-1][1]) >= _SERIES_PER_LINE
        ):
            batches.append((index, []))
            size = 0
        size += own_size
        names_and_values = [text for label in one_series.labels for text in label]
        batches[-1][1].append([one_series.name, names_and_values])
    return batches


def _label_length(labels: Labels) -> int:
    return sum(len(name) + len(value) for name, value in labels)

"""Encode readings as lines. A member defines each series, target and process once.

A *chunk* is all lines of one tick; a chunk that begins a member defines everything anew, so that
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
from tputtui.recording.value_codec import encode_number, to_plain, to_row
from tputtui.text.redaction import redact_url

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
        """Begin a member: write all definitions anew from now on."""
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
        out: list[bytes] = []
        known = {one.target.name: one for one in target_facts}
        self._encode_targets(target_facts, out)
        for scrape, is_past in [
            *((one, False) for one in reading.scrapes),
            *((one, True) for one in backfill),
        ]:
            if scrape.target in known:
                self._encode_scrape(scrape, known[scrape.target], is_past, out)
        if services != self._services:
            self._services = services
            out.append(
                checked_lines.format_line(
                    {"services": [[name, list(targets)] for name, targets in services]}
                )
            )
        out.append(checked_lines.format_line({"tick": self._encode_tick(reading, is_discovering)}))
        return out

    # ------------------------------------------------------------------------------------------ targets

    def _encode_targets(self, target_facts: Sequence[TargetFacts], out: list[bytes]) -> None:
        for one in target_facts:
            target = one.target
            if target.name not in self._targets:
                said = self._targets[target.name] = _EncodedTarget(len(self._targets))
                word = {
                    "id": said.number,
                    "name": target.name,
                    "url": redact_url(target.url),
                    "service": target.service,
                }
                word["served"] = one.is_from_server or None
                out.append(
                    checked_lines.format_line(
                        {"target": {key: value for key, value in word.items() if value is not None}}
                    )
                )
        order = [self._targets[one.target.name].number for one in target_facts]
        if order != self._order:
            for said in self._targets.values():
                if said.number not in order:  # a target that comes back is a new one
                    said.bindings, said.names = None, (None, None)
            self._order = order
            out.append(checked_lines.format_line({"order": order}))
        for one in target_facts:
            said = self._targets[one.target.name]
            names = (one.service_name, one.build)
            if one.bindings is not said.bindings or names != said.names:
                said.bindings, said.names = one.bindings, names
                bound = to_plain(one.bindings) if one.bindings is not None else None
                out.append(checked_lines.format_line({"bindings": [said.number, bound, *names]}))

    def _encode_scrape(
        self, scrape: Scrape, facts: TargetFacts, is_backfill: bool, out: list[bytes]
    ) -> None:
        said = self._targets[scrape.target]
        head: list[Any] = [
            said.number,
            *map(encode_number, (scrape.at, scrape.time, scrape.duration_s)),
        ]
        exposition = scrape.exposition
        if exposition is None:
            how = {key: True for key in ("late", "silent") if getattr(scrape, key)}
            out.append(
                checked_lines.format_line({"s": head, "error": scrape.error or "failed", **how})
            )
            return
        wanted = None if self._all_metrics else facts.wanted
        samples = exposition.samples
        if wanted is not None and not all(series.name in wanted for series in samples):
            samples = {series: value for series, value in samples.items() if series.name in wanted}
        more: dict[str, Any] = {"past": True} if is_backfill else {}
        if exposition.served is not None:
            more["served"] = [exposition.served.rate_s, list(exposition.served.source_labels)]
            if exposition.served.rate_s is None and not self._all_metrics:
                # raw series, read for classification only: its result is recorded as bindings
                samples = {}
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
        if facts.forgotten:
            more["forgotten"] = sorted(facts.forgotten)
        if scrape.first_byte_s is not None:
            more["first"] = encode_number(scrape.first_byte_s)
        if scrape.delayed_s:
            more["delayed"] = encode_number(scrape.delayed_s)
        try:
            self._encode_families(said, exposition.families, wanted, out)
            values = [
                None if value is None else encode_number(value)
                for value in self._encode_values(said, samples, out)
            ]
            if exposition.timestamps:
                times = [exposition.timestamps.get(series) for series in said.columns]
                more["times"] = [None if time is None else encode_number(time) for time in times]
            out.append(
                checked_lines.format_line(
                    {"s": [*head, scrape.size, exposition.series, values], **more}
                )
            )
        except checked_lines.LineTooLongError:
            said.columns = []
            out.append(
                checked_lines.format_line(
                    {"s": head, "error": f"{len(samples)} series are too many to be recorded"}
                )
            )

    def _encode_values(
        self, encoded: _EncodedTarget, samples: Mapping[Series, float], out: list[bytes]
    ) -> list[float | None]:
        """Encode the scrape's values in the order of the columns.

        The columns are written anew where a series was added.
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
        encoded.ids.update((series, first + place) for place, series in enumerate(new))
        for begin, part in _series_batches(new):
            out.append(checked_lines.format_line({"series": [encoded.number, first + begin, part]}))
        encoded.columns = order
        out.append(
            checked_lines.format_line(
                {"columns": [encoded.number, [encoded.ids[series] for series in order]]}
            )
        )
        return list(samples.values())

    def _encode_families(
        self,
        encoded: _EncodedTarget,
        families: Mapping[str, Family],
        wanted: frozenset[str] | None,
        out: list[bytes],
    ) -> None:
        of = (families, wanted)
        if encoded.families_key is not None and encoded.families_key == of:
            return
        encoded.families_key = of
        names = {*wanted, *(strip_suffix(name) for name in wanted)} if wanted is not None else None
        new = {
            name: family
            for name, family in families.items()
            if (names is None or name in names) and encoded.families.get(name) != family
        }
        encoded.families = {**encoded.families, **new}
        items = list(new.items())
        for begin in range(0, len(items), _SERIES_PER_LINE):
            part = items[begin : begin + _SERIES_PER_LINE]
            rows = {
                name: [family.type, family.unit, family.help[:HELP_LIMIT]] for name, family in part
            }
            out.append(checked_lines.format_line({"families": [encoded.number, rows]}))

    # ------------------------------------------------------------------------------------------ the tick

    def _encode_tick(self, reading: Reading, is_discovering: bool) -> dict[str, Any]:
        tick: dict[str, Any] = {
            "at": encode_number(reading.at),
            "time": encode_number(reading.time),
        }
        if is_discovering:
            tick["looking"] = True
        waiting = [
            (self._targets[name].number, s)
            for name, s in reading.waiting.items()
            if name in self._targets
        ]
        if waiting:
            tick["waiting"] = [[number, encode_number(seconds)] for number, seconds in waiting]
        partial = [
            [self._targets[name].number, n]
            for name, n in reading.partial.items()
            if name in self._targets
        ]
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
            tick["listeners"] = [to_plain(one) for one in self._listeners]
        return tick

    def _encode_processes(self, processes: Iterable[ProcessReading]) -> dict[str, Any]:
        """Encode the difference to the previous process table.

        New processes are written in full, of the others the values that change, and the pids that
        ended. Command lines are not recorded, because they may contain passwords; the name derived
        from one is.
        """
        before, now = self._processes, {process.pid: process for process in processes}
        whole: list[Any] = []
        moved: list[Any] = []
        for pid, process in now.items():
            old = before.get(pid)
            if old is process or old == process:
                continue
            if old is not None and _constant_fields(old) == _constant_fields(process):
                cpu = None if process.cpu_s is None else encode_number(process.cpu_s)
                moved.append([pid, cpu, process.rss_bytes, process.threads, process.state])
            else:
                row = to_row(process)
                row[_COMMAND_INDEX] = ""
                whole.append(row)
        gone = [pid for pid in before if pid not in now]
        self._processes = now
        changes = {"whole": whole, "moved": moved, "gone": gone}
        return {name: one for name, one in changes.items() if one}


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
    found: list[tuple[int, list[list[object]]]] = []
    size = _SERIES_LINE_LIMIT
    for place, one in enumerate(series):
        own = len(one.name) + _label_length(one.labels)
        if not found or size + own > _SERIES_LINE_LIMIT or len(found[-1][1]) >= _SERIES_PER_LINE:
            found.append((place, []))
            size = 0
        size += own
        found[-1][1].append([one.name, [value for label in one.labels for value in label]])
    return found


def _label_length(labels: Labels) -> int:
    return sum(len(name) + len(value) for name, value in labels)

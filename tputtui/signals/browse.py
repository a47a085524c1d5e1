"""Every family of one exposition as a row to look at: what it is, how much of it there is, what it says now.

Unlike classification it judges nothing and leaves nothing out. One pass over the samples: 60 ms for 50,000 series in
20,000 families, so it is done for the one target that is looked at, not on the screen's thread.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tputtui.model import Exposition, Family, Series, SignalKind
from tputtui.signals import units
from tputtui.signals.families import catalog
from tputtui.signals.status import STATUS_LABELS

SLOTS: tuple[SignalKind, ...] = ("traffic", "latency", "errors", "saturation")

_PARTS = frozenset(("bucket", "sum", "count", "total", "created", "info", "gcount", "gsum"))
_DISTRIBUTIONS = frozenset(("histogram", "summary", "gaugehistogram"))
_UNTOLD = frozenset(("untyped", "unknown"))
_NO_NUMBER = frozenset(("info", "stateset"))
_BOUNDS = frozenset(("le", "quantile", "vmrange"))
_LABELS_SHOWN = 32


@dataclass(frozen=True, slots=True)
class FamilyState:
    """One family as of one scrape. Names, help and labels are foreign text, not yet cleaned."""

    name: str
    type: str
    help: str = ""
    unit: str = ""
    series: int = 0
    labels: tuple[str, ...] = ()  # of its first series, bounds left out
    counts: bool = False  # it only rises: its rate says more than its value
    value: float | None = None  # all series added up; of a histogram or summary its observations
    rate: float | None = None  # rise per second since the scrape before; None: it does not count, or nothing to compare

    @property
    def now(self) -> float | None:
        """What one wants to see of it: the rate of what counts, else the value."""
        return self.rate if self.counts else self.value


class _Tally:
    """What was added up for one sample name."""

    __slots__ = ("compared", "first", "known", "rise", "series", "sum")

    def __init__(self, first: Series) -> None:
        self.first = first
        self.series = 0
        self.known = False
        self.sum = 0.0
        self.compared = False
        self.rise = 0.0


class FamilyReader:
    """Reads one target's expositions, one after the other; which sample belongs to which family is remembered."""

    def __init__(self) -> None:
        self._names: Collection[str] = ()
        self._owners: dict[str, tuple[str, str]] = {}  # sample name -> (family, part)

    def family_of(self, sample: str) -> str:
        """The family that a sample name, or a base name, of the last exposition belongs to."""
        for name in (sample, f"{sample}_bucket", f"{sample}_count", f"{sample}_sum"):
            if name in self._owners:
                return self._owners[name][0]
        return sample

    def read(self, now: Exposition, before: Exposition | None = None, dt_s: float | None = None) -> list[FamilyState]:
        """The families by name. Rates are over the `dt_s` seconds since `before`; what is new there has none yet."""
        names = {series.name: None for series in now.samples}
        if names.keys() != self._names:
            self._names = names.keys()
            self._owners = {name: _owner(name, now.families, names) for name in names}
        counted = {name for name, (owner, part) in self._owners.items() if _counts(owner, part, now.families)}
        earlier = before.samples if before is not None and dt_s is not None and dt_s > 0 else {}
        tallies: dict[str, _Tally] = {}
        for series, value in now.samples.items():
            name = series.name
            tally = tallies.get(name)
            if tally is None:
                tally = tallies[name] = _Tally(series)
            tally.series += 1
            if value != value:  # noqa: PLR0124  # NaN: no value
                continue
            tally.known = True
            tally.sum += value
            if name in counted:
                old = earlier.get(series)
                if old is not None:
                    tally.compared = True
                    tally.rise += value - old if value >= old else max(value, 0.0)
        return self._fold(tallies, now.families, dt_s)

    def _fold(
        self, tallies: Mapping[str, _Tally], families: Mapping[str, Family], dt_s: float | None
    ) -> list[FamilyState]:
        parts: dict[str, list[tuple[str, _Tally]]] = {name: [] for name in families}
        for name, tally in tallies.items():
            owner, part = self._owners[name]
            parts.setdefault(owner, []).append((part, tally))
        found = [_state(name, families.get(name), told, dt_s) for name, told in parts.items()]
        found.sort(key=lambda state: state.name)
        return found


def _owner(name: str, families: Mapping[str, Family], names: Collection[str]) -> tuple[str, str]:
    """(family, part) of a sample name; a histogram or summary that no TYPE line announces is one all the same."""
    if name in families:
        return name, ""
    base, _, part = name.rpartition("_")
    if not base or part not in _PARTS:
        return name, ""
    if base in families:
        return base, part
    if part in ("bucket", "sum", "count") and f"{base}_count" in names and f"{base}_sum" in names:
        return base, part
    return name, ""


def _counts(owner: str, part: str, families: Mapping[str, Family]) -> bool:
    kind = families[owner].type if owner in families else "untyped"
    if kind in ("histogram", "summary"):
        return part == "count"
    if kind in _UNTOLD:
        return part in ("count", "total") or (not part and owner.endswith(("_total", "_count")))
    return kind == "counter" and part != "created"


def _state(name: str, family: Family | None, parts: list[tuple[str, _Tally]], dt_s: float | None) -> FamilyState:
    kind = family.type if family is not None else "untyped"
    present = {part for part, _ in parts}
    if kind in _UNTOLD and {"sum", "count"} <= present:
        kind = "histogram" if "bucket" in present else "summary"
    telling = ("count", "gcount") if kind in _DISTRIBUTIONS else ("", "total", "count", "info")
    told = next((tally for part, tally in parts if part in telling), None)
    counts = kind in ("counter", "histogram", "summary") or (
        kind in _UNTOLD and name.endswith(("_total", "_count")) and bool(parts)
    )
    first = next((tally.first for _, tally in parts), None)
    labels = tuple(label for label, _ in first.labels if label not in _BOUNDS) if first is not None else ()
    return FamilyState(
        name=name,
        type=kind,
        help=family.help if family is not None else "",
        unit=family.unit if family is not None else "",
        series=sum(tally.series for _, tally in parts),
        labels=labels[:_LABELS_SHOWN],
        counts=counts,
        value=told.sum if told is not None and told.known else None,
        rate=told.rise / dt_s if told is not None and told.compared and dt_s else None,
    )


# ------------------------------------------------------------------------------------------ what it may feed


def unfit(slot: SignalKind, family: FamilyState) -> str | None:
    """Why a family cannot feed a signal; None where it can."""
    kind = family.type
    if not family.series:
        return "has no series yet"
    if kind in _NO_NUMBER:
        return "describes, and measures nothing"
    if slot in ("traffic", "errors") and not family.counts and kind not in _UNTOLD:
        return f"a {kind} is a level: {slot} is counted"
    if slot == "latency" and kind == "counter":
        return "a counter tells no latency"
    if slot == "saturation" and kind in _DISTRIBUTIONS:
        return f"a {kind} has no level that could run out"
    return None


def words_for(slot: SignalKind, name: str, now: Exposition) -> dict[str, object]:
    """What the config would have to say so that a family feeds a signal (see `signals.overrides`).

    Raises ValueError, with a sentence, where the family is not there or cannot feed it.
    """
    found = catalog(now)
    metric = found.get(name) or found.get(f"{name}_total")
    if metric is None:
        raise ValueError(f"{slot} cannot be read from it: it measures nothing, or has no series")
    if slot == "latency":
        if metric.kind == "counter":
            raise ValueError("a counter tells no latency: choose a histogram, a summary or a gauge")
        scale, _ = units.seconds_scale(metric)
        unit = next((word for word, factor in units.SECONDS.items() if factor == scale), "unknown")
        return {"family": metric.name} if scale == 1.0 else {"family": metric.name, "unit": unit}
    words: dict[str, object] = {"family": metric.sample}
    if slot == "traffic" and units.traffic_unit(metric) != "req/s":
        words["unit"] = units.traffic_unit(metric)
    if slot == "errors":
        label = next((label for label in STATUS_LABELS if label in metric.labels), None)
        if label is not None:
            words["label"] = label
    if slot == "saturation" and units.gauge_unit(metric):
        words["unit"] = units.gauge_unit(metric)
    return words

"""Samples of a run as every export format of samples needs them: scrape by scrape, with labels.

A format sees values as they were recorded: they may be NaN or infinite, metric and label names may
be any text (`sanitize_name` makes them readable everywhere), and the times of a target go back
where the clock was set back. What a server remembered from before the run is not exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from tputtui.frozen import frozen
from tputtui.model import Exposition, Family, Labels, Series, Target
from tputtui.recording.reader import Run
from tputtui.recording.records import RecordedTick, WatchedTarget


@frozen
class ExportedScrape:
    """Samples of one successful scrape."""

    target_name: str
    target: Target | None  # None: the run does not hold it
    time: float  # unix seconds
    families: Mapping[str, Family]
    samples: tuple[tuple[Series, float], ...]


def exported_scrapes(run: Run) -> Iterator[ExportedScrape]:
    """Generate the successful scrapes of a run in the order in which they were recorded.

    Rates computed by a server are named NAME:rate, because they are not counters.
    """
    rate_series: dict[Series, Series] = {}
    targets: dict[str, Target] = {}
    for item in run.items():
        if isinstance(item, WatchedTarget):
            targets[item.target.name] = item.target
        elif isinstance(item, RecordedTick):
            for scrape in item.reading.scrapes:
                if scrape.exposition is not None:
                    yield ExportedScrape(
                        scrape.target,
                        targets.get(scrape.target),
                        scrape.time,
                        scrape.exposition.families,
                        _exported_samples(scrape.exposition, rate_series),
                    )


def _exported_samples(
    exposition: Exposition, rate_series: dict[Series, Series]
) -> tuple[tuple[Series, float], ...]:
    if exposition.served is None:
        return tuple(exposition.samples.items())
    if exposition.served.rate_s is None:
        return ()  # for display only
    samples = []
    for series, value in exposition.samples.items():
        if _is_counter(series.name, exposition.families):
            if series not in rate_series:
                rate_series[series] = Series(f"{series.name}:rate", series.labels)
            series = rate_series[series]  # noqa: PLW2901 - the name of the rate
        samples.append((series, value))
    return tuple(samples)


def _is_counter(name: str, families: Mapping[str, Family]) -> bool:
    family = families.get(name)
    return name.endswith(("_total", "_count", "_sum", "_bucket")) or (
        family is not None and family.type == "counter"
    )


def labels_with_target(labels: Labels, target: Target | None) -> dict[str, str]:
    """Return labels by sanitized name, with `job` and `instance` of the target.

    They are those that a Prometheus would have added; a sample's own become `exported_job` and
    `exported_instance`.
    """
    own = {sanitize_name(name): value for name, value in labels}
    if target is not None:
        target_labels = {
            "instance": urlsplit(target.url).netloc.rpartition("@")[2],
            "job": target.service or target.name,
        }
        for name, value in target_labels.items():
            if name in own:
                own[f"exported_{name}"] = own[name]
            own[name] = value
    return own


def sanitize_name(name: str) -> str:
    """Sanitize a name for every reader: characters outside of [a-zA-Z0-9_:] become "_"."""
    name = "".join(
        char if char.isascii() and (char.isalnum() or char in "_:") else "_" for char in name
    )
    return f"_{name}" if not name or name[0].isdigit() else name

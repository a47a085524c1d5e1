"""Export a run as OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`.

OpenMetrics requires each family in one piece, so the run is read once for each batch of families:
memory holds one batch's samples, however long the run is. Labels `job` and `instance` identify a
sample's target, as they would in a Prometheus that had scraped it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from tputtui.model import Family, Labels, Series, Target
from tputtui.recording.encode import strip_suffix
from tputtui.recording.export.exported_samples import (
    exported_scrapes,
    labels_with_target,
    sanitize_name,
)
from tputtui.recording.reader import Run

MAX_BATCH_SAMPLES = 2_000_000
"""Samples held at a time: about 100 MB."""

_TYPES = {
    "counter": "counter",
    "gauge": "gauge",
    "histogram": "histogram",
    "summary": "summary",
    "info": "info",
    "stateset": "stateset",
    "gaugehistogram": "gaugehistogram",
}


def to_openmetrics(run: Run) -> Iterator[str]:
    """Generate lines of OpenMetrics, "# EOF" the last. Times are those of the scrapes."""
    sizes, families, targets = _scan_families(run)
    for batch in _family_batches(sizes):
        samples: dict[str, dict[tuple[str, Series], list[tuple[float, float]]]] = {
            name: {} for name in batch
        }
        for scrape in exported_scrapes(run):
            for series, value in scrape.samples:
                family_samples = samples.get(family_name(series.name, families))
                if family_samples is not None:
                    key = (scrape.target_name, series)
                    family_samples.setdefault(key, []).append((scrape.time, value))
        for name in batch:
            yield from _render_family(name, families.get(name), samples[name], targets)
    yield "# EOF\n"


def _scan_families(run: Run) -> tuple[dict[str, int], dict[str, Family], dict[str, Target]]:
    """Count each family's samples, and collect its metadata and the targets."""
    sizes: dict[str, int] = {}
    families: dict[str, Family] = {}
    targets: dict[str, Target] = {}
    for scrape in exported_scrapes(run):
        if scrape.target is not None:
            targets[scrape.target_name] = scrape.target
        families.update(scrape.families)
        for series, _ in scrape.samples:
            name = family_name(series.name, families)
            sizes[name] = sizes.get(name, 0) + 1
    return sizes, families, targets


def _family_batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for name, count in sizes.items():
        if batch and size + count > MAX_BATCH_SAMPLES:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += count
    if batch:
        yield batch


def family_name(sample: str, families: Mapping[str, Family]) -> str:
    """Family name of a sample in OpenMetrics: a counter's without `_total`."""
    family = families.get(sample)
    if family is None and (short := strip_suffix(sample)) != sample and short in families:
        family, sample = families[short], short
    return (
        sample.removesuffix("_total") if family is not None and family.type == "counter" else sample
    )


def _render_family(
    name: str,
    family: Family | None,
    samples: Mapping[tuple[str, Series], list[tuple[float, float]]],
    targets: Mapping[str, Target],
) -> Iterator[str]:
    kind = _TYPES.get(family.type, "unknown") if family is not None else "unknown"
    if family is None and any(series.name == f"{name}_total" for _, series in samples):
        kind = "counter"
    if not all(_is_valid_sample_name(series.name, name, kind) for _, series in samples):
        # a name that OpenMetrics does not allow for the type, such as a counter without _total
        kind = "unknown"
    yield f"# TYPE {sanitize_name(name)} {kind}\n"
    ordered = sorted(samples.items(), key=lambda item: _sort_key(item[0][0], item[0][1], kind))
    for (target, series), points in ordered:
        head = f"{sanitize_name(series.name)}{_render_labels(series.labels, targets.get(target))}"
        last = -math.inf
        for time, value in points:
            if time > last:  # the clock was set back: Prometheus accepts no older sample
                last = time
                yield f"{head} {_format_number(value)} {time:.3f}\n"


def _is_valid_sample_name(sample: str, name: str, kind: str) -> bool:
    suffixes = {
        "counter": ("_total", "_created"),
        "histogram": ("_bucket", "_sum", "_count", "_created"),
        "summary": ("", "_sum", "_count", "_created"),
        "info": ("_info",),
        "gaugehistogram": ("_bucket", "_gsum", "_gcount"),
    }.get(kind, ("",))
    return sample.startswith(name) and sample[len(name) :] in suffixes


def _sort_key(target: str, series: Series, kind: str) -> tuple[object, ...]:
    """Sort key that groups series of one label set, with buckets by their bound, as OpenMetrics
    requires.
    """
    le = series.label("le" if kind != "summary" else "quantile")
    rest = tuple(label for label in series.labels if label[0] not in ("le", "quantile"))
    try:
        bound = float(le) if le is not None else math.inf
    except ValueError:
        bound = math.inf
    return (target, rest, le is None, series.name, bound)


def _render_labels(labels: Labels, target: Target | None) -> str:
    own = labels_with_target(labels, target)
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in sorted(own.items())) + "}"


def _escape(value: str) -> str:
    value = value.encode("utf-8", "replace").decode()  # an unpaired surrogate is not valid UTF-8
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _format_number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)

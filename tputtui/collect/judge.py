"""prometheus-client reads the same answer: where it agrees with our scanner, and the first place where it does not."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from tputtui.model import Exposition, Labels
from tputtui.text import clean


def judge(body: bytes, content_type: str, exposition: Exposition) -> str:
    """One sentence: "prometheus-client agrees: 512 of 512 samples", or the first difference.

    It gives counters a name that ends in _total (its issue 401); such samples agree, and are counted. Blocks for as
    long as its parser takes: 0.15 s for 1 MB.
    """
    ours = {series.key: value for series, value in exposition.samples.items()}
    renamed = same = 0
    seen: set[tuple[str, Labels]] = set()
    try:
        for name, labels, value in _parse(body.decode("utf-8", "replace"), content_type):
            key = (name, labels)
            if key not in ours and name.endswith("_total"):
                key = (name.removesuffix("_total"), labels)
                renamed += key in ours
            if key in seen:
                continue  # a duplicate: the first counts
            seen.add(key)
            if key not in ours:
                return f"prometheus-client differs: it has {_shown(name, labels)}, which we have not"
            if not _equal(ours[key], value):
                return f"prometheus-client differs: {_shown(name, labels)} is {value:g} there, {ours[key]:g} here"
            same += 1
    except Exception as error:  # its parser raises ValueError, IndexError, KeyError, …: each ends the whole answer
        return f"prometheus-client gives up after {same:,} samples: {clean(str(error) or type(error).__name__, 120)}"
    missing = next((key for key in ours if key not in seen), None)
    if missing is not None:
        more = len(ours) - same
        return f"prometheus-client differs: it lacks {more:,} of {len(ours):,} samples, the first is {_shown(*missing)}"
    names = f", {renamed:,} of them under a name that it ends in _total" if renamed else ""
    return f"prometheus-client agrees: {same:,} of {len(ours):,} samples{names}"


def _parse(text: str, content_type: str) -> Iterator[tuple[str, Labels, float]]:
    is_openmetrics = "openmetrics" in content_type.lower()
    parser: Any = import_module(
        "prometheus_client.openmetrics.parser" if is_openmetrics else "prometheus_client.parser"
    )
    for family in parser.text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, tuple(sorted(sample.labels.items())), float(sample.value)


def _equal(ours: float, theirs: float) -> bool:
    return ours == theirs or (math.isnan(ours) and math.isnan(theirs))


def _shown(name: str, labels: Labels) -> str:
    inner = ",".join(f'{label}="{value}"' for label, value in labels)
    return clean(f"{name}{{{inner}}}" if inner else name, 120)

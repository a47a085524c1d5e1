"""Checks for a single steady state before any verdict: warm-up, incidents and drift."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from tputtui.experiments.statistics.arms import ArmArrays, ArmPair, Mask
from tputtui.experiments.statistics.long_run_variance import (
    Array,
    estimate_long_run_variance,
    t_quantile,
)
from tputtui.frozen import frozen

_BATCH_ROWS: Final = 5  # rows: MSER-5
_MIN_ROWS: Final = 30  # rows required to distinguish a warm-up from noise
_MIN_DRIFT: Final = 0.05  # over the whole window
_DRIFT_P: Final = 0.01
_DRIFT_DF: Final = 8

# ------------------------------------------------------------------------------------------ warm-up


@frozen
class WarmUp:
    """Rows to cut at the beginning of both arms.

    `is_endless`: still not steady after a third of the run.
    """

    rows: int = 0
    is_endless: bool = False


def detect_warm_up(arms: ArmPair, incidents: tuple[Mask, Mask]) -> WarmUp:
    """Detect the warm-up: MSER-5 (White, 1997) proposes a cut of at most a third, and a test of
    head against rest confirms it.

    Examined in the throughput and in p50; for paired arms in candidate over baseline, so that a
    shared ramp costs nothing. An incident is not a warm-up: its rows are skipped, unless it begins
    with the run.
    """
    longest = WarmUp()
    for series in _warm_up_series(arms, incidents):
        cut = _mser_cut(series)
        longest = WarmUp(max(longest.rows, cut.rows), longest.is_endless or cut.is_endless)
    return longest


def _warm_up_series(arms: ArmPair, incidents: tuple[Mask, Mask]) -> list[Array]:
    a, b = arms.baseline, arms.candidate
    if arms.is_paired:
        calm = ~(_without_initial_incident(incidents[0]) | _without_initial_incident(incidents[1]))
        return [
            _log_ratio(b.columns[name], a.columns[name], calm)
            for name in ("rps", "p50")
            if name in a.columns and name in b.columns
        ]
    out = []
    for arm, incident in ((a, incidents[0]), (b, incidents[1])):
        calm = ~_without_initial_incident(incident)
        out += [
            _log_ratio(arm.columns[name], None, calm)
            for name in ("rps", "p50")
            if name in arm.columns
        ]
    return out


def _without_initial_incident(incident: Mask) -> Mask:
    """Return the incident mask without an incident at the start of the run, which is a warm-up."""
    calm = np.flatnonzero(~incident)
    first = int(calm[0]) if len(calm) else len(incident)
    later = incident.copy()
    later[:first] = False
    return later


def _log_ratio(numerator: Array, denominator: Array | None, calm: Mask) -> Array:
    """Return the logarithm of batch means (or of their ratio); NaN for a batch without usable
    values.
    """
    logs = np.log(_batch_means(np.where(calm, numerator, np.nan)))
    return (
        logs
        if denominator is None
        else logs - np.log(_batch_means(np.where(calm, denominator, np.nan)))
    )


def _batch_means(values: Array) -> Array:
    """Return means of five rows, so that a late scrape (0, then double) cancels out.

    NaN where no value is above 0.
    """
    rows = len(values) // _BATCH_ROWS * _BATCH_ROWS
    batches = values[:rows].reshape(-1, _BATCH_ROWS)
    count = np.isfinite(batches).sum(axis=1)
    means = np.divide(
        np.nansum(batches, axis=1), count, out=np.full(len(batches), np.nan), where=count > 0
    )
    return np.where(means > 0, means, np.nan)


def _mser_cut(series: Array) -> WarmUp:
    there = np.flatnonzero(np.isfinite(series))
    values = series[there]
    if len(values) * _BATCH_ROWS < _MIN_ROWS:
        return WarmUp()
    most = len(values) // 3
    scores = [float(np.var(values[cut:])) / (len(values) - cut) for cut in range(most + 1)]
    cut = int(np.argmin(scores))
    if cut == 0:
        return WarmUp()
    head, rest = values[:cut], values[cut:]
    if len(rest) < 6:
        return WarmUp()
    density = estimate_long_run_variance(rest).variance * len(rest)
    error = np.sqrt(density * (1 / len(head) + 1 / len(rest)))
    if abs(float(head.mean()) - float(rest.mean())) <= 3 * error:
        return WarmUp()
    return WarmUp((int(there[cut - 1]) + 1) * _BATCH_ROWS, is_endless=cut == most)


# ---------------------------------------------------------------------------------------- incidents


def detect_incident_rows(arm: ArmArrays) -> Mask:
    """Mark rows of at least 5 consecutive seconds with less than half of the usual throughput or
    far more errors.
    """
    bad = arm.rps < 0.5 * np.median(arm.rps)
    errors = arm.columns.get("err_ratio")
    if errors is not None and np.isfinite(errors).any():
        bad |= np.nan_to_num(errors) > max(0.05, 5 * float(np.nanmedian(errors)))
    fewest = max(2, int(np.ceil(5 / arm.step_s)))
    out = np.zeros(len(bad), dtype=bool)
    last = -1
    for begin, end in _spans(bad):
        if end - begin < fewest:
            continue
        out[begin:end] = True
        if 0 < begin - last <= fewest and last > 0:  # one incident with a brief recovery
            out[last:begin] = True
        last = end
    return out


def shared_incidents(a: Mask, b: Mask) -> list[tuple[int, int]]:
    """Return spans (begin, end) of rows in which both paired arms had the same incident.

    The same incident means an overlap by half or more.
    """
    spans = []
    for begin, end in _spans(a | b):
        both = int(np.count_nonzero(a[begin:end] & b[begin:end]))
        longest = max(int(np.count_nonzero(a[begin:end])), int(np.count_nonzero(b[begin:end])))
        if 2 * both >= longest:
            spans.append((begin, end))
    return spans


def _spans(mask: Mask) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


# -------------------------------------------------------------------------------------------- drift


@frozen
class Drift:
    """Significant slope: relative change over the window.

    `arm` names the arm, "" for candidate over baseline.
    """

    change: float
    arm: str


def detect_drifts(arms: ArmPair, effect: float, margin: float) -> list[Drift]:
    """Return the drifts that invalidate the comparison.

    `effect` is relative, `margin` the smallest effect of interest.
    """
    a, b = arms.baseline.rps, arms.candidate.rps
    if arms.is_paired:
        change = significant_slope(np.exp(_log_ratio(b, a, np.ones(len(a), dtype=bool))))
        return [] if change is None or _halves_agree(a, b, effect, margin) else [Drift(change, "")]
    drifts = [
        Drift(change, arm)
        for arm, values in (("baseline", a), ("candidate", b))
        if (change := significant_slope(values)) is not None
    ]
    return [drift for drift in drifts if abs(drift.change) >= 0.5 * abs(effect)]


def significant_slope(values: Array) -> float | None:
    """Return the relative change from begin to end by least squares, if above 5 % and significant
    at 1 %.
    """
    values = values[np.isfinite(values)]
    rows = len(values)
    mean = float(values.mean()) if rows else 0.0
    if rows < 12 or mean <= 0:
        return None
    centred = np.arange(rows) - (rows - 1) / 2
    square = float(np.sum(centred**2))
    a_row = float(np.sum(centred * values)) / square
    detrended = values - a_row * centred
    variance = estimate_long_run_variance(detrended).variance * rows / square
    if variance > 0 and abs(a_row) / np.sqrt(variance) < t_quantile(1 - _DRIFT_P / 2, _DRIFT_DF):
        return None
    change = a_row * rows / mean
    return change if abs(change) > _MIN_DRIFT else None


def _halves_agree(a: Array, b: Array, effect: float, margin: float) -> bool:
    """Return whether both halves show the effect, and the later one at least half of it.

    A drift does not matter then.
    """
    half = len(a) // 2
    means = [(float(x[:half].mean()), float(x[half:].mean())) for x in (a, b)]
    if min(min(pair) for pair in means) <= 0:
        return False
    first, later = (after / before - 1 for before, after in zip(*means, strict=True))
    agree = first * later > 0 and min(abs(first), abs(later)) >= margin
    return bool(agree and abs(later) >= 0.5 * abs(effect))


def autocorrelation(values: Array) -> float:
    """Return the autocorrelation of successive five-row means; above 0.6 the run should be
    longer.
    """
    means = _batch_means(values)
    means = means[np.isfinite(means)]
    if len(means) < 8 or float(np.var(means)) == 0:
        return 0.0
    centred = means - means.mean()
    return float(sum(x * y for x, y in pairwise(centred)) / np.sum(centred**2))

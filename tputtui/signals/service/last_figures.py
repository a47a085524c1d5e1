"""Last known figures of a service, shown while its answer is late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tputtui.frozen import frozen
from tputtui.model import LastFigure, LatencyState, ServiceState
from tputtui.signals.rates.target_window import TargetWindow


@frozen
class _Figures:
    at: float
    rps: float | None
    ratio: float | None
    latency: float | None
    q: float | None  # of the latency, if it is a quantile


class LastFigures:
    """Keep a service's figures while it answers; add them to the empty ones while it does not."""

    def __init__(self) -> None:
        self._latest: _Figures | None = None

    def add_last_figures(
        self,
        state: ServiceState,
        windows: Iterable[TargetWindow],
        at: float,
        waiting_s: float | None,
        *,
        is_overdue: bool,
    ) -> ServiceState:
        """Return the service's state at `at`, with its last figures if the answer is overdue.

        `waiting_s` is the time for which none of its targets has answered; `is_overdue` says that
        this is more than a window.
        """
        all_windows = tuple(windows)
        if any(window.is_current for window in all_windows):
            answered_at = max(
                (window.at for window in all_windows if window.at is not None), default=at
            )
            latency, q = _tail_latency(state.latency)
            rps = state.traffic.rps if state.traffic is not None else None
            ratio = state.errors.ratio if state.errors is not None else None
            self._latest = _Figures(answered_at, rps, ratio, latency, q)
            return state if waiting_s is None else replace(state, waiting_s=waiting_s)
        if waiting_s is None:
            return state
        state = replace(state, waiting_s=waiting_s, overdue=is_overdue)
        latest = self._latest
        if latest is None or not is_overdue:
            return state
        return _add_last_figures(state, latest, max(0.0, at - latest.at))


def _tail_latency(latency: LatencyState | None) -> tuple[float | None, float | None]:
    """Return (value, quantile) of the last quantile; without quantiles (mean, None)."""
    if latency is None:
        return None, None
    if latency.quantiles:
        return latency.quantiles[-1].value, latency.quantiles[-1].q
    return latency.mean, None


def _add_last_figures(state: ServiceState, figures: _Figures, age_s: float) -> ServiceState:
    def last(value: float | None, q: float | None = None) -> LastFigure | None:
        return LastFigure(value, age_s, q) if value is not None else None

    traffic, errors, latency = state.traffic, state.errors, state.latency
    if traffic is not None:
        traffic = replace(traffic, last=last(figures.rps))
    if errors is not None:
        errors = replace(errors, last=last(figures.ratio))
    if latency is not None:
        latency = replace(latency, last=last(figures.latency, figures.q))
    return replace(state, traffic=traffic, errors=errors, latency=latency)

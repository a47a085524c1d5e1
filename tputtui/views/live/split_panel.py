"""Panel of control and treatment, in place of throughput and latency while a service is split."""

from __future__ import annotations

from tputtui.signals.rates.past import PastNames
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.shared.frame import Frame, PanelView


def _render(frame: Frame, width: int, height: int) -> PanelView:
    # Imported lazily: seldom needed, and never for the first paint.
    from tputtui.views.live.split_view import split_panel

    return split_panel(frame, width, height)


def _past_names(frame: Frame) -> PastNames:
    active, arms = frame.view_state.split, frame.snapshot.split
    if active is None or arms is None:
        return PastNames()
    from tputtui.views.live.split_figures import split_past_names

    return split_past_names(active.split, (arms.control, arms.treatment))


def _is_split(frame: Frame | None) -> bool:
    return frame is not None and frame.view_state.split is not None


def _shows_split_service(frame: Frame | None) -> bool:
    """Return whether the shown service is the split one."""
    if frame is None or frame.view_state.split is None or frame.service is None:
        return False
    return frame.service.name in frame.view_state.split.split.services


def _stacked_height(frame: Frame | None, _screen_height: int) -> int:
    quantiles = 3
    if frame is not None and frame.service is not None and frame.service.latency is not None:
        quantiles = max(1, len(frame.service.latency.quantiles))
    return quantiles + 5


PANEL = PanelSpec(
    "split",
    _render,
    row="top",
    rank=0,
    stacked_height=_stacked_height,
    is_available=_is_split,
    absence_message="the service is not split: a splits it into control and treatment",
    is_shown=_shows_split_service,
    replaces=("throughput", "latency"),
    past_names=_past_names,
)

"""Peak use of each resource over a run."""

from __future__ import annotations

from tputtui.model import SaturationState
from tputtui.recording.summary import MAX_RESOURCES, ResourcePeaks


def row(name: str, ratio: float | None, waiting: float | None = None) -> SaturationState:
    return SaturationState(name, None, None, ratio=ratio, waiting=waiting)


def test_use_and_waiting_are_means_over_the_ticks_in_which_they_were_known() -> None:
    peaks = ResourcePeaks()
    peaks.add([row("pool", 0.5, 0.0), row("cpu", 0.8), row("dark", None)])
    peaks.add([row("pool", 1.0, 6.0), row("cpu", None)])
    cpu, pool = peaks.peaks()
    assert (cpu.name, cpu.mean, cpu.highest, cpu.waiting) == ("cpu", 0.8, 0.8, None)
    assert (pool.name, pool.mean, pool.highest, pool.waiting, pool.max_waiting) == (
        "pool",
        0.75,
        1.0,
        3.0,
        6.0,
    )


def test_the_number_of_resources_is_bounded() -> None:
    peaks = ResourcePeaks()
    peaks.add([row(f"disk {number}", 0.1) for number in range(10 * MAX_RESOURCES)])
    assert len(peaks.peaks()) == MAX_RESOURCES

"""The options of a capture as a list that is turned with the arrows, with what it costs the process. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tputtui import text
from tputtui.frozen import frozen
from tputtui.profiling.analysis.share_basis import View
from tputtui.profiling.capture.capture import estimate_pause
from tputtui.settings import ProfilePreset, ProfileSettings
from tputtui.views.profile.profile_analysis import ProfileFilters
from tputtui.views.profile.source_tab import broken
from tputtui.views.shared.styled_text import Line, LineBuilder, rule

DURATIONS: tuple[float, ...] = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
RATES: tuple[int, ...] = (1, 5, 10, 20, 50, 100, 200, 500, 1000)
ROWS: tuple[str, ...] = ("preset", "duration", "rate", "subprocesses", "native", "mode", "opens with")
DEFAULT = "default"
METRICS: tuple[View, ...] = ("wall", "running", "gil")
METRIC_WORDS: Mapping[View, str] = {
    "wall": "all samples, waits too",
    "running": "only what runs: samples that end in a wait are left out",
    "gil": "who held the GIL",
}


@frozen
class CapturePlan:
    """How a capture is to be made. `native` implies `blocking`: py-spy cannot unwind a running process."""

    duration_s: float
    rate_hz: int
    subprocesses: bool = False
    native: bool = False
    blocking: bool = False
    preset: str = DEFAULT
    metric: View = "wall"  # what the profile opens with

    @property
    def knobs(self) -> ProfileFilters:
        """How the profile opens."""
        return ProfileFilters(metric=self.metric)

    @property
    def stops(self) -> bool:
        """Whether the process is stopped for each sample."""
        return self.blocking or self.native

    def cost(self, threads: int | None) -> str:
        """What it does to the process, before it is asked for."""
        if not self.stops:
            return "never stops the process; a stack that changes while it is read is counted as [incomplete]"
        share = estimate_pause(self.rate_hz, threads or 1, threads or 1 if self.native else 0)
        many = f"{threads} threads" if threads and threads != 1 else "one thread" if threads else "one thread or more"
        return f"stops the process for about {text.percent(share * 100)} % of the time ({many}, {self.rate_hz} Hz)"


def from_settings(settings: ProfileSettings) -> CapturePlan:
    """What `p` does."""
    return CapturePlan(settings.duration_s, settings.rate_hz)


def turned(plan: CapturePlan, row: int, step: int, settings: ProfileSettings) -> CapturePlan:
    """The plan with one option turned; a preset sets them all, any other option leaves it."""
    name = ROWS[row]
    if name == "preset":
        names = [DEFAULT, *settings.presets]
        at = names.index(plan.preset) if plan.preset in names else 0
        return by_preset(names[(at + step) % len(names)], settings)
    if name == "duration":
        return replace(plan, duration_s=_next(DURATIONS, plan.duration_s, step), preset="")
    if name == "rate":
        return replace(plan, rate_hz=int(_next(RATES, plan.rate_hz, step)), preset="")
    if name == "opens with":
        return replace(plan, metric=METRICS[(METRICS.index(plan.metric) + step) % len(METRICS)], preset="")
    if name == "mode":
        return replace(plan, blocking=not plan.blocking, preset="")
    if name == "native":
        return replace(plan, native=not plan.native, preset="")
    return replace(plan, subprocesses=not plan.subprocesses, preset="")


def by_preset(name: str | None, settings: ProfileSettings) -> CapturePlan:
    """What a preset asks for; without one of that name, what `p` does."""
    presets: Mapping[str, ProfilePreset] = settings.presets
    if name is None or name not in presets:
        return from_settings(settings)
    chosen = presets[name]
    metric: View = "gil" if chosen.gil else "wall" if chosen.idle else "running"
    return CapturePlan(
        chosen.duration_s, chosen.rate_hz, chosen.subprocesses, chosen.native, chosen.blocking, name, metric
    )


def _next(steps: tuple[float, ...] | tuple[int, ...], value: float, step: int) -> float:
    if step > 0:
        return next((one for one in steps if one > value), steps[-1])
    return next((one for one in reversed(steps) if one < value), steps[0])


def options(plan: CapturePlan, cursor: int, process: str, threads: int | None, width: int) -> list[Line]:
    """The list; the line of row N is N + 1."""
    words = {
        "preset": text.clean(plan.preset, 40) or "none of them",
        "duration": text.span(plan.duration_s),
        "rate": f"{plan.rate_hz} Hz",
        "subprocesses": "yes" if plan.subprocesses else "no",
        "native": "yes: C frames too, which stops the process" if plan.native else "no: Python frames only",
        "opens with": METRIC_WORDS[plan.metric],
        "mode": "exact (blocking)" if plan.stops else "nonblocking",
    }
    lines = [rule("Profile", process, width, focused=True)]
    for at, name in enumerate(ROWS):
        row = (
            LineBuilder(width)
            .at(2, name, "strong" if at == cursor else "plain")
            .at(17, "‹ " if at == cursor else "  ", "accent")
        )
        lines.append(row.then(words[name], "strong").then(" ›" if at == cursor else "", "accent").line())
    lines.append(LineBuilder(width).line())
    said = broken(plan.cost(threads), width - 3)[:2]
    lines += [LineBuilder(width).at(2, line, "warning" if plan.stops else "dim").line() for line in said]
    lines += [LineBuilder(width).line()] * (2 - len(said))
    hints = (
        LineBuilder(width)
        .at(2, "Enter ", "accent")
        .then("samples  ", "dim")
        .then("← → ", "accent")
        .then("change  ", "dim")
    )
    lines.append(hints.then("Esc ", "accent").then("back", "dim").line())
    return lines

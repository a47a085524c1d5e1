"""Menus in place of the pane: options of a capture with their cost; profiles to open. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tputtui import text
from tputtui.frozen import frozen
from tputtui.profiling.analysis.stacks import ShareBasis
from tputtui.profiling.files.library import LibraryEntry
from tputtui.settings import ProfilePreset, ProfileSettings
from tputtui.views.profile.profile_analysis import ProfileFilters
from tputtui.views.profile.source_tab import wrap_text
from tputtui.views.shared.frame import PanelView, first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, blank_line, rule_line

DURATIONS: tuple[float, ...] = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
RATES: tuple[int, ...] = (1, 5, 10, 20, 50, 100, 200, 500, 1000)
_OPTION_NAMES: tuple[str, ...] = (
    "preset",
    "duration",
    "rate",
    "subprocesses",
    "native",
    "mode",
    "opens with",
)
_DEFAULT_PRESET = "default"
METRICS: tuple[ShareBasis, ...] = ("wall", "running", "gil")
METRIC_DESCRIPTIONS: Mapping[ShareBasis, str] = {
    "wall": "all samples, waits too",
    "running": "only what runs: samples that end in a wait are left out",
    "gil": "who held the GIL",
}


@frozen
class CapturePlan:
    """Options of a capture; `native` implies `blocking`: py-spy cannot unwind a running process."""

    duration_s: float
    rate_hz: int
    subprocesses: bool = False
    native: bool = False
    blocking: bool = False
    preset: str = _DEFAULT_PRESET
    metric: ShareBasis = "wall"  # basis of the shares when the profile opens

    @property
    def filters(self) -> ProfileFilters:
        """Filters with which the profile opens."""
        return ProfileFilters(metric=self.metric)

    @property
    def is_pausing(self) -> bool:
        """Whether the process is stopped for each sample."""
        return self.blocking or self.native

    def describe_cost(self, threads: int | None) -> str:
        """Describe the effect on the process, before the capture starts."""
        if not self.is_pausing:
            return (
                "never stops the process; a stack that changes while it is read is counted as "
                "[incomplete]"
            )
        thread_count = threads or 1
        share = _pause_share(self.rate_hz, thread_count, thread_count if self.native else 0)
        if not threads:
            sampled = "one thread or more"
        elif threads == 1:
            sampled = "one thread"
        else:
            sampled = f"{threads} threads"
        return (
            f"stops the process for about {text.format_percent(share * 100)} % of the time "
            f"({sampled}, {self.rate_hz} Hz)"
        )


def default_plan(settings: ProfileSettings) -> CapturePlan:
    """Default options of the key `p`."""
    return CapturePlan(settings.duration_s, settings.rate_hz)


def _change_option(
    plan: CapturePlan, row: int, step: int, settings: ProfileSettings
) -> CapturePlan:
    """Change one option of a plan.

    A preset sets all options; a change of any other option clears the preset.
    """
    name = _OPTION_NAMES[row]
    if name == "preset":
        names = [_DEFAULT_PRESET, *settings.presets]
        at = names.index(plan.preset) if plan.preset in names else 0
        return _preset_plan(names[(at + step) % len(names)], settings)
    if name == "duration":
        return replace(plan, duration_s=_next_step(DURATIONS, plan.duration_s, step), preset="")
    if name == "rate":
        return replace(plan, rate_hz=int(_next_step(RATES, plan.rate_hz, step)), preset="")
    if name == "opens with":
        return replace(
            plan, metric=METRICS[(METRICS.index(plan.metric) + step) % len(METRICS)], preset=""
        )
    if name == "mode":
        return replace(plan, blocking=not plan.blocking, preset="")
    if name == "native":
        return replace(plan, native=not plan.native, preset="")
    return replace(plan, subprocesses=not plan.subprocesses, preset="")


def _preset_plan(name: str | None, settings: ProfileSettings) -> CapturePlan:
    """Options of a preset; without a preset of that name, those of the key `p`."""
    presets: Mapping[str, ProfilePreset] = settings.presets
    if name is None or name not in presets:
        return default_plan(settings)
    preset = presets[name]
    metric: ShareBasis = "running"
    if preset.gil:
        metric = "gil"
    elif preset.idle:
        metric = "wall"
    return CapturePlan(
        preset.duration_s,
        preset.rate_hz,
        preset.subprocesses,
        preset.native,
        preset.blocking,
        name,
        metric,
    )


def _next_step(steps: tuple[float, ...] | tuple[int, ...], value: float, step: int) -> float:
    if step > 0:
        return next((larger for larger in steps if larger > value), steps[-1])
    return next((smaller for smaller in reversed(steps) if smaller < value), steps[0])


def _options_lines(
    plan: CapturePlan, cursor: int, process: str, threads: int | None, width: int
) -> list[Line]:
    """Render the list; row N is on line N + 1."""
    values = {
        "preset": text.clean(plan.preset, 40) or "none of them",
        "duration": text.format_duration(plan.duration_s),
        "rate": f"{plan.rate_hz} Hz",
        "subprocesses": "yes" if plan.subprocesses else "no",
        "native": "yes: C frames too, which stops the process"
        if plan.native
        else "no: Python frames only",
        "opens with": METRIC_DESCRIPTIONS[plan.metric],
        "mode": "exact (blocking)" if plan.is_pausing else "nonblocking",
    }
    lines = [rule_line("Profile", process, width, focused=True)]
    for at, name in enumerate(_OPTION_NAMES):
        row = (
            LineBuilder(width)
            .at(2, name, "strong" if at == cursor else "plain")
            .at(17, "‹ " if at == cursor else "  ", "accent")
        )
        lines.append(
            row.then(values[name], "strong").then(" ›" if at == cursor else "", "accent").line()
        )
    lines.append(LineBuilder(width).line())
    cost_lines = wrap_text(plan.describe_cost(threads), width - 3)[:2]
    lines += [
        LineBuilder(width).at(2, line, "warning" if plan.is_pausing else "dim").line()
        for line in cost_lines
    ]
    lines += [LineBuilder(width).line()] * (2 - len(cost_lines))
    hints = (
        LineBuilder(width)
        .at(2, "Enter ", "accent")
        .then("samples  ", "dim")
        .then("← → ", "accent")
        .then("change  ", "dim")
    )
    lines.append(hints.then("Esc ", "accent").then("back", "dim").line())
    return lines


def _pause_share(rate_hz: float, python_threads: int, native_threads: int) -> float:
    """Estimate the ratio of time, 0 to 1, for which a blocking capture would stop the process.

    Measured: 0.2 ms per Python thread (stacks about 12 deep) and 0.02 ms per native thread, for
    each sample.
    """
    return min(1.0, rate_hz * (0.2e-3 * python_threads + 0.02e-3 * native_threads))


_Clock = Callable[[float], str]
"""Function that formats unix seconds as the time of day of the wall clock."""


class OptionsMenu:
    """Menu that changes a capture plan with the arrow keys."""

    def __init__(
        self, plan: CapturePlan, settings: ProfileSettings, process: str, threads: int | None
    ) -> None:
        self.plan = plan
        self._settings, self._process, self._threads = settings, process, threads
        self._cursor = 0

    def move(self, rows: int) -> None:
        """Move to another option."""
        self._cursor = max(0, min(len(_OPTION_NAMES) - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Change the value of the selected option."""
        self.plan = _change_option(self.plan, self._cursor, step, self._settings)

    def click(self, row: int) -> None:
        """Select the option that was clicked."""
        self._cursor = row

    def view(self, width: int, height: int) -> PanelView:
        """Render the list."""
        lines = _options_lines(self.plan, self._cursor, self._process, self._threads, width)
        keys: list[int | None] = [None, *range(len(_OPTION_NAMES))]
        return _menu_view(lines, keys, 1 + self._cursor, width, height)


class LibraryMenu:
    """Menu of the stored profiles.

    Enter compares with the profile that is shown, the right arrow opens one in its place.
    """

    def __init__(
        self, entries: Sequence[LibraryEntry], shown_entry: LibraryEntry | None, clock: _Clock
    ) -> None:
        self._entries = [
            entry for entry in entries if shown_entry is None or not _is_same(entry, shown_entry)
        ]
        self._clock = clock
        self._is_comparing = shown_entry is not None
        self._cursor = self._top = 0

    @property
    def selected_entry(self) -> LibraryEntry | None:
        """Entry under the cursor."""
        return self._entries[self._cursor] if self._entries else None

    def move(self, rows: int) -> None:
        """Move the cursor up or down."""
        self._cursor = max(0, min(len(self._entries) - 1, self._cursor + rows))

    def sideways(self, step: int) -> None:
        """Do nothing: the screen opens the selected profile."""

    def click(self, row: int) -> None:
        """Select the entry that was clicked."""
        self._cursor = row

    def view(self, width: int, height: int) -> PanelView:
        """Render the list."""
        lines = [rule_line("Profiles", f"{len(self._entries)}", width, focused=True)]
        keys: list[int | None] = [None]
        hints = (
            LineBuilder(width)
            .at(1, "Enter ", "accent")
            .then("compares with the profile shown  ", "dim")
        )
        lines.append(
            hints.then("→ ", "accent")
            .then("opens  ", "dim")
            .then("Esc ", "accent")
            .then("back", "dim")
            .line()
        )
        lines.append(
            LineBuilder(width)
            .ending_at(12, "taken", "dim")
            .ending_at(20, "pid", "dim")
            .at(22, "process", "dim")
            .line()
        )
        keys += [None, None]
        room = max(1, height - len(lines))
        self._top = first_visible_row(self._top, self._cursor, len(self._entries), room)
        first = len(lines)
        for at in range(self._top, min(len(self._entries), self._top + room)):
            lines.append(self._line(self._entries[at], width))
            keys.append(at)
        if not self._entries:
            lines.append(
                LineBuilder(width).at(1, "no other profile yet: p takes one", "dim").line()
            )
        cursor = first + self._cursor - self._top if self._entries else None
        return _menu_view(lines, keys, cursor, width, height)

    def _line(self, entry: LibraryEntry, width: int) -> Line:
        row = (
            LineBuilder(width)
            .ending_at(12, self._clock(entry.time), "strong")
            .ending_at(20, str(entry.pid or ""))
        )
        row.at(22, text.truncate(entry.label, max(8, width // 3)))
        if entry.duration_s:
            row.then(f"   {text.format_duration(round(entry.duration_s, 1))}", "dim")
        return row.then(
            f"   {entry.path.name if entry.path is not None else 'not saved'}", "dim"
        ).line()


def _is_same(first: LibraryEntry, second: LibraryEntry) -> bool:
    return first is second or (first.path is not None and first.path == second.path)


def _menu_view(
    lines: list[Line], keys: list[int | None], cursor: int | None, width: int, height: int
) -> PanelView:
    lines = (lines + [blank_line(width)] * height)[:height]
    return PanelView(tuple(lines), cursor, tuple((keys + [None] * height)[:height]))

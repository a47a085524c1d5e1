"""Process table: resource usage by process, with those that py-spy can sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import cast

from tputtui import text
from tputtui.model import ProcessReference, ProcessState, Snapshot
from tputtui.signals.host.host_rates import used_cores
from tputtui.signals.service.serving_processes import serving_marks
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.shared.frame import Frame, ListState, PanelView
from tputtui.views.shared.list_table import ListTable, TableColumn, filter_and_sort, table_view
from tputtui.views.shared.styled_text import Line, LineBuilder, rule_line

BY_HAND = "press 6, select a process, press p"
"""Instruction for choosing the process to profile on the live screen."""

_LEAST_NAME = 8  # cells of a name that stay beside its service


def processes_panel(frame: Frame, width: int, height: int) -> PanelView:
    """Render the panel in `height` lines."""
    state = frame.view_state.list_state("processes")
    processes = frame.snapshot.processes
    shown = f"“{text.clean(state.filter_text, 20)}”" if state.filter_text else "/ filter"
    followed = frame.view_state.followed
    follows = f"following {followed.pid}  " if followed is not None else ""
    context = ""
    if processes is not None:
        context = f"{follows}{len(processes)}, by {state.sort_column or 'cpu'}  {shown}"
    top = rule_line("Processes", context, width, frame.view_state.focus == "processes")
    items = processes or ()
    marks = serving_marks(frame.snapshot)
    return table_view(
        _listing(items, marks),
        _with_marks(WIDE_COLUMNS if width >= 76 else COLUMNS, marks),
        state,
        top,
        width,
        height,
        footer_line=lambda _hidden: _footer_line(frame, items, width),
        empty_message="reading the processes" if processes is None else "no process may be read",
        pinned_key=frame.view_state.followed,
        default_sort="cpu",
    )


def under_cursor(snapshot: Snapshot, state: ListState) -> ProcessReference | None:
    """Process of the selected row, also after it ended; None if filtered out or not selected."""
    cursor = cast("ProcessReference | None", state.cursor)
    selected = [process for process in snapshot.processes or () if process.identity == cursor]
    if not selected or filter_and_sort(_listing(selected, serving_marks(snapshot)), (), state):
        return cursor
    return None


def _listing(
    items: tuple[ProcessState, ...] | list[ProcessState], marks: Mapping[ProcessReference, str]
) -> ListTable[ProcessState]:
    def filter_text(item: ProcessState) -> str:
        mark = marks.get(item.identity, "")
        return f"{item.pid} {item.name} {item.user or ''} {item.command} {mark}"

    return ListTable(items, lambda item: item.identity, filter_text)


def _with_marks(
    columns: list[TableColumn[ProcessState]], marks: Mapping[ProcessReference, str]
) -> list[TableColumn[ProcessState]]:
    """Add the service that a process answers for beside its name."""
    if not marks:
        return columns
    draw = partial(_marked_name, marks)
    return [replace(column, draw=draw) if column.id == "name" else column for column in columns]


def _marked_name(
    marks: Mapping[ProcessReference, str], row: LineBuilder, x: int, cells: int, item: ProcessState
) -> None:
    mark = marks.get(item.identity, "")
    if cells < _LEAST_NAME + 1 + text.width(mark):
        mark = mark.removeprefix("serves ")
    room = max(_LEAST_NAME, cells - text.width(mark) - 1) if mark else cells
    row.at(x, text.truncate(item.name, min(room, cells)))
    left = x + cells - row.end - 1
    if mark and left > 0:
        row.then(f" {text.truncate(mark, left)}", "accent")


def _footer_line(frame: Frame, items: tuple[ProcessState, ...], width: int) -> Line:
    row = LineBuilder(width)
    busy = frame.snapshot.busy_cores
    if busy is not None and items:
        # Processes and host are read at different moments: the sum of the processes can exceed the
        # host's value.
        row.at(1, f"these use {min(used_cores(items), busy):.1f} of {busy:.1f} busy cores", "dim")
    cursor = under_cursor(frame.snapshot, frame.view_state.list_state("processes"))
    selected = next((item for item in items if item.identity == cursor), None)
    # Where a service is shown, p profiles its process unless this list has the focus.
    if selected is not None and (frame.view_state.focus == "processes" or frame.service is None):
        hint = f"profiles {selected.pid}"
        if selected.python is None:
            hint = f"{selected.pid} is not Python"
        row.ending_at(width - 1 - len(hint) - 2, "  ").then("p ", "accent").then(hint, "dim")
    return row.line()


def _draw_pid(row: LineBuilder, x: int, cells: int, item: ProcessState) -> None:
    row.ending_at(x + cells, str(item.pid))


def _draw_name(row: LineBuilder, x: int, cells: int, item: ProcessState) -> None:
    row.at(x, text.truncate(item.name, cells))


def _draw_user(row: LineBuilder, x: int, cells: int, item: ProcessState) -> None:
    row.at(x, text.truncate(item.user or text.UNKNOWN, cells), "dim")


def _draw_cpu(row: LineBuilder, x: int, cells: int, item: ProcessState) -> None:
    value = item.cpu_percent
    row.ending_at(
        x + cells,
        text.format_percent(value, 1),
        "strong" if value is not None and value >= 0.05 else "dim",
    )


def _draw_rss(row: LineBuilder, x: int, cells: int, item: ProcessState) -> None:
    digits, unit = text.format_size(item.rss_bytes)
    row.ending_at(x + cells - 4, digits).then(f" {unit}", "dim")


def _draw_threads(row: LineBuilder, x: int, cells: int, item: ProcessState) -> None:
    row.ending_at(x + cells, text.UNKNOWN if item.threads is None else str(item.threads), "dim")


def _draw_state(row: LineBuilder, x: int, _cells: int, item: ProcessState) -> None:
    row.at(x, item.state, "warning" if item.state in ("D", "Z", "T") else "dim")


def _draw_python(row: LineBuilder, x: int, _cells: int, item: ProcessState) -> None:
    row.at(x, "" if item.python is None else item.python or "py", "ok")


COLUMNS: list[TableColumn[ProcessState]] = [
    TableColumn("pid", "pid", 7, lambda item: -item.pid, _draw_pid),
    TableColumn("name", "name", 0, lambda item: item.name, _draw_name, is_right_aligned=False),
    TableColumn("cpu", "cpu %", 6, lambda item: item.cpu_percent or 0.0, _draw_cpu),
    TableColumn("rss", "rss", 9, lambda item: item.rss_bytes or 0, _draw_rss),
    TableColumn("threads", "thr", 4, lambda item: item.threads or 0, _draw_threads),
    TableColumn(
        "python",
        "py",
        4,
        lambda item: 0 if item.python is None else 1,
        _draw_python,
        is_right_aligned=False,
    ),
]
"""Columns of the table; CPU in percent of one core, as in top."""

WIDE_COLUMNS: list[TableColumn[ProcessState]] = [
    *COLUMNS[:1],
    TableColumn(
        "user", "user", 9, lambda item: item.user or "", _draw_user, is_right_aligned=False
    ),
    *COLUMNS[1:5],
    TableColumn("state", "s", 1, lambda item: item.state, _draw_state, is_right_aligned=False),
    *COLUMNS[5:],
]


PANEL = PanelSpec(
    "processes",
    processes_panel,
    row="bottom",
    rank=6,
    fill_rank=lambda _frame: 1,
    is_list=True,
    is_configurable=True,
    reads_processes=True,
)

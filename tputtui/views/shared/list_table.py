"""Common behaviour of lists: filter, sort order, cursor by key, minimal scrolling."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from tputtui import text
from tputtui.frozen import frozen
from tputtui.views.shared.frame import ListState, PanelView, first_visible_row
from tputtui.views.shared.styled_text import Line, LineBuilder, Role

Item = TypeVar("Item")

_TITLE_ROLE: Role = "dim"
_SORTED_ROLE: Role = "plain"


@frozen
class TableColumn(Generic[Item]):
    """Column of a list: its width, its sort key, its drawing function."""

    id: str
    title: str
    cells: int
    sort_key: Callable[[Item], float | str]  # descending for numbers, ascending for text
    draw: Callable[[LineBuilder, int, int, Item], None]  # arguments: row, first cell, cells, item
    is_right_aligned: bool = True  # alignment of the title


@frozen
class ListTable(Generic[Item]):
    """Contents of a list: its items, the key of an item, and the text that a filter searches."""

    items: Sequence[Item]
    key: Callable[[Item], Hashable]
    filter_text: Callable[[Item], str]


def filter_and_sort(
    list_table: ListTable[Item], columns: Sequence[TableColumn[Item]], state: ListState
) -> list[Item]:
    """Filter and sort the items; with an unknown sort column they keep their order."""
    pattern = state.filter_text.casefold()
    items = [
        item
        for item in list_table.items
        if not pattern or pattern in list_table.filter_text(item).casefold()
    ]
    column = next((column for column in columns if column.id == state.sort_column), None)
    if column is None:
        return items[::-1] if state.is_inverted else items
    ordered = sorted(items, key=lambda item: _sort_key(column.sort_key(item)))
    return ordered[::-1] if state.is_inverted else ordered


def _sort_key(value: float | str) -> tuple[int, float, str]:
    return (0, 0.0, value.casefold()) if isinstance(value, str) else (1, -value, "")


def table_view(
    list_table: ListTable[Item],
    columns: Sequence[TableColumn[Item]],
    state: ListState,
    top_line: Line,
    width: int,
    height: int,
    footer_line: Callable[[int], Line | None] = lambda _hidden: None,
    empty_message: str = "nothing yet",
    pinned_key: Hashable | None = None,
    default_sort: str = "",
) -> PanelView:
    """Render a list as a panel of `height` lines: rule, header, rows, and a last line.

    `footer_line` makes the last line from the number of hidden rows. `default_sort` is the sort
    column until the user selects one. The row with the key `pinned_key` is always the first.
    """
    user_state = state
    state = replace(state, sort_column=state.sort_column or default_sort)
    items = filter_and_sort(list_table, columns, state)
    if pinned_key is not None:
        items.sort(key=lambda item: list_table.key(item) != pinned_key)
    lines: list[Line] = [top_line]
    keys: list[Hashable | None] = [None]
    fitting = _fit_columns(columns, width)
    if height > 2 and list_table.items:
        lines.append(_header_line(fitting, state, width))
        keys.append(None)
    room = height - len(lines)
    foot_line = footer_line(max(0, len(items) - room + 1)) if room > 2 else None
    if foot_line is not None:
        room -= 1
    all_keys = [list_table.key(item) for item in items]
    cursor = all_keys.index(state.cursor) if state.cursor in all_keys else None
    first = first_visible_row(state.top, cursor, len(items), max(1, room))
    cursor_line: int | None = None
    for index in range(first, min(len(items), first + room)):
        if index == cursor:
            cursor_line = len(lines)
        row = LineBuilder(width)
        x = 1
        for column, cells in fitting:
            column.draw(row, x, cells, items[index])
            x += cells + 1
        lines.append(row.line())
        keys.append(all_keys[index])
    if not items and room > 0:
        if state.filter_text:
            pattern = text.clean(state.filter_text, 40)
            empty_message = f"nothing matches “{pattern}”: Esc clears the filter"
        lines.append(LineBuilder(width).at(1, empty_message, "dim").line())
    while len(lines) < height - (foot_line is not None):
        lines.append(LineBuilder(width).line())
    if foot_line is not None:
        lines.append(foot_line)
    keys += [None] * (len(lines) - len(keys))
    sorts = tuple(column.id for column, _ in fitting)
    return PanelView(
        tuple(lines),
        cursor_line,
        tuple(keys),
        replace(user_state, top=first),
        sorts,
        state.sort_column,
    )


def _fit_columns(
    columns: Sequence[TableColumn[Item]], width: int
) -> list[tuple[TableColumn[Item], int]]:
    """Choose the columns that fit; the flexible one (0 cells) takes the remaining width."""
    fixed = 1
    kept: list[TableColumn[Item]] = []
    for column in columns:
        need = (column.cells or 12) + 1
        if fixed + need > width + 1:
            continue
        fixed += need
        kept.append(column)
    spare = max(0, width + 1 - fixed)
    return [(column, column.cells or 12 + spare) for column in kept]


def _header_line(
    columns: Sequence[tuple[TableColumn[Item], int]], state: ListState, width: int
) -> Line:
    row = LineBuilder(width)
    x = 1
    sort_mark = "▲" if state.is_inverted else "▼"
    for column, cells in columns:
        title, role = column.title, _TITLE_ROLE
        if column.id == state.sort_column:
            title, role = f"{column.title}{sort_mark}", _SORTED_ROLE
        if column.is_right_aligned:
            row.ending_at(x + cells, title, role)
        else:
            row.at(x, title, role)
        x += cells + 1
    return row.line()

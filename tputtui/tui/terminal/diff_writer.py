"""Diff writer: sends only the cells that differ from what the terminal shows.

Textual sends a changed region from the left edge of its widget, and each segment with its complete
style and a reset. Here an update is compared, cell by cell, with the cells sent before. Only runs
of changed cells are sent, and of a style only its difference from the style before. On a slow link
a frame then takes milliseconds instead of seconds.

The model of the terminal changes only with a frame that was handed to the driver
(`DiffWriter.sent`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate

MAX_GAP = 4  # unchanged cells that are sent again: moving the cursor costs about as many bytes
_NO_STYLE = Style.null()
_ATTRIBUTES = (
    ("bold", "1"),
    ("dim", "2"),
    ("italic", "3"),
    ("underline", "4"),
    ("blink", "5"),
    ("reverse", "7"),
    ("strike", "9"),
)

Cell = tuple[str, Style]
_CONTINUATION: Cell = ("", _NO_STYLE)  # the second cell of a wide character


class SgrStyle(NamedTuple):
    """Style as SGR parameters: attributes, foreground and background."""

    attributes: str
    foreground: str
    background: str


class FrameUpdate(NamedTuple):
    """Text of an update, and the cells that the terminal shows after it."""

    text: str
    rows: dict[int, dict[int, Cell]]
    epoch: int  # of the model that the update was compared with


class DiffWriter:
    """Model of what the terminal shows: the cells sent since its content was last unknown."""

    def __init__(self) -> None:
        self._shown_rows: dict[int, dict[int, Cell]] = {}
        self._size: tuple[int, int] | None = None
        self._epoch = 0

    def invalidate(self) -> None:
        """Drop the model: the terminal was cleared, resized, or drawn on by another program."""
        # A new dict and a new epoch: a signal handler may call this while a frame is rendered.
        self._shown_rows = {}
        self._epoch += 1

    def fit(self, size: tuple[int, int]) -> None:
        """Drop the model if the size changes: a resized terminal moves or cuts its content."""
        if size != self._size:
            self._size = size
            self.invalidate()

    def frame(self, update: ChopsUpdate | LayoutUpdate, system: ColorSystem | None) -> FrameUpdate:
        """Render the text that changes the terminal to the update; the model is not changed."""
        epoch, known = self._epoch, self._shown_rows
        rows: dict[int, dict[int, Cell]] = {}
        out: list[str] = []
        current = SgrStyle(
            "", "", ""
        )  # every frame begins and ends with the terminal's default style
        for y, cells in _update_lines(update):
            for x, run in _changed_runs(cells, known.get(y, {})):
                out.append(f"\x1b[{y + 1};{x + 1}H")
                for text, style in _group_by_style(run):
                    wanted = _sgr_style(style, system)
                    out.append(_transition(current, wanted))
                    out.append(text)
                    current = wanted
            rows.setdefault(y, {}).update(cells)
        if current != SgrStyle("", "", ""):
            out.append("\x1b[0m")
        return FrameUpdate("".join(out), rows, epoch)

    def sent(self, frame: FrameUpdate) -> None:
        """Update the model: the frame was handed to the driver."""
        if frame.epoch != self._epoch:
            return  # the model was dropped meanwhile: cells left out of the frame may be missing
        for y, cells in frame.rows.items():
            self._shown_rows.setdefault(y, {}).update(cells)


def _update_lines(update: ChopsUpdate | LayoutUpdate) -> Iterator[tuple[int, dict[int, Cell]]]:
    """Yield (line, cells by column) of an update."""
    if isinstance(update, ChopsUpdate):
        for y, start, end in update.spans:
            yield y, _chop_cells(update, y, start, end)
        return
    left, right = update.region.x, update.region.right
    for y, strips in enumerate(update.strips, update.region.y):
        segments = [segment for strip in strips for segment in strip]
        yield y, dict(_segment_cells(segments, left, left, right))


def _chop_cells(update: ChopsUpdate, y: int, start: int, end: int) -> dict[int, Cell]:
    """Return the cells of one line of the update from `start` to before `end`, by column."""
    cells: dict[int, Cell] = {}
    for last, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
        if strip is not None and x < end and last > start:
            cells.update(_segment_cells(strip, x, start, min(end, last)))
    return cells


def _segment_cells(
    segments: Iterable[Segment], x: int, start: int, end: int
) -> Iterator[tuple[int, Cell]]:
    for text, style, control in segments:
        if control:
            continue
        cell_style = style or _NO_STYLE
        if text.isascii():
            first, last = max(0, start - x), min(len(text), end - x)
            for at in range(first, last):
                yield x + at, (text[at], cell_style)
            x += len(text)
        else:
            before = ""
            for char in text:
                size = get_character_cell_size(char)
                if size == 0:  # a combining mark: part of the cell before
                    if start < x <= end:
                        yield x - 1, (f"{before}{char}", cell_style)
                        before += char
                    continue
                before = char
                if start <= x < end:
                    yield x, (char, cell_style)
                    if size == 2:
                        yield x + 1, _CONTINUATION
                x += size
        if x >= end:
            return


def _changed_runs(
    cells: dict[int, Cell], shown: dict[int, Cell]
) -> Iterator[tuple[int, list[Cell]]]:
    """Yield (column, cells) of each run of changed cells; runs with a short gap are joined."""
    changed = [x for x, cell in sorted(cells.items()) if shown.get(x) != cell]
    at = 0
    while at < len(changed):
        first = last = changed[at]
        at += 1
        while at < len(changed) and (
            changed[at] == last + 1
            or (changed[at] - last <= MAX_GAP + 1 and _are_known(cells, last, changed[at]))
        ):
            last = changed[at]
            at += 1
        if cells[first] is _CONTINUATION and first - 1 in cells:
            first -= 1  # half a wide character cannot be drawn
        yield first, [cells[x] for x in range(first, last + 1)]


def _are_known(cells: dict[int, Cell], first: int, last: int) -> bool:
    return all(x in cells for x in range(first, last))


def _group_by_style(run: list[Cell]) -> Iterator[tuple[str, Style]]:
    """Yield (text, style) of neighbouring cells of one style."""
    text: list[str] = []
    style = _NO_STYLE
    for char, cell_style in run:
        if cell_style != style and char:
            if text:
                yield "".join(text), style
            text, style = [], cell_style
        text.append(char)
    if text:
        yield "".join(text), style


@lru_cache(maxsize=1024)
def _sgr_style(style: Style, system: ColorSystem | None) -> SgrStyle:
    attributes = ";".join(code for name, code in _ATTRIBUTES if getattr(style, name))
    if system is None:
        return SgrStyle(attributes, "", "")
    foreground = (
        style.color.downgrade(system).get_ansi_codes(foreground=True) if style.color else ()
    )
    background = (
        style.bgcolor.downgrade(system).get_ansi_codes(foreground=False) if style.bgcolor else ()
    )
    return SgrStyle(attributes, ";".join(foreground), ";".join(background))


@lru_cache(maxsize=4096)
def _transition(current: SgrStyle, wanted: SgrStyle) -> str:
    """Return the shortest SGR from one style to another.

    Not every terminal can switch off a single attribute: that needs a reset.
    """
    if current == wanted:
        return ""
    loses_color = (current.foreground and not wanted.foreground) or (
        current.background and not wanted.background
    )
    loses_attribute = current.attributes and current.attributes != wanted.attributes
    if loses_color or loses_attribute:
        return f"\x1b[{';'.join(part for part in ('0', *wanted) if part)}m"
    parts = [new for old, new in zip(current, wanted, strict=True) if new != old]
    return f"\x1b[{';'.join(parts)}m"

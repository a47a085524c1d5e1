"""Progress of a recording on one terminal line that is redrawn; nothing is drawn if not on a
terminal.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TextIO

from tputtui import text
from tputtui.model import Snapshot
from tputtui.recording.recorder import RecordingState

_BAR_WIDTH, _MIN_BAR_WIDTH = 20, 5


class ProgressLine:
    """`recording 00:00:12 of 00:01:00 [####      ]  48 KiB  1,284 req/s  p99 88 ms`, in ASCII."""

    def __init__(self, stream: TextIO | None, duration_s: float | None) -> None:
        self._stream = stream if stream is not None and _is_terminal(stream) else None
        self._duration_s = duration_s
        self._drawn_width = 0

    def update(self, snapshot: Snapshot, state: RecordingState) -> None:
        """Redraw the line."""
        if self._stream is None:
            return
        line = text.to_ascii(
            format_line(snapshot, state, self._duration_s, shutil.get_terminal_size().columns - 1)
        )
        self._write("\r" + line.ljust(self._drawn_width))
        self._drawn_width = len(line)

    def clear(self) -> None:
        """Erase the line."""
        if self._drawn_width:
            self._write("\r" + " " * self._drawn_width + "\r")
            self._drawn_width = 0

    def _write(self, content: str) -> None:
        if self._stream is not None:
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(content)
                self._stream.flush()


def format_line(
    snapshot: Snapshot, state: RecordingState, duration_s: float | None, width: int
) -> str:
    """Format one line about a recording, with a shorter bar where space is short."""
    begin = f"recording {text.format_clock(state.seconds)}"
    figures = "  ".join(_format_figures(snapshot, state))
    if duration_s is None:
        return text.truncate(f"{begin}  {figures}", width)
    begin += f" of {text.format_clock(duration_s)}"
    cells = min(_BAR_WIDTH, width - text.width(begin) - text.width(figures) - 5)
    if cells < _MIN_BAR_WIDTH:
        return text.truncate(f"{begin}  {figures}", width)
    full = min(cells, int(cells * state.seconds / duration_s))
    return f"{begin} [{'#' * full}{' ' * (cells - full)}]  {figures}"


def _format_figures(snapshot: Snapshot, state: RecordingState) -> list[str]:
    parts = [" ".join(text.format_size(state.size))]
    down = [target.name for target in snapshot.targets if target.state == "down"]
    service = next((service for service in snapshot.services if service.traffic is not None), None)
    if service is not None and service.traffic is not None:
        parts.append(" ".join(text.format_amount(service.traffic.rps, service.traffic.unit)))
        if service.latency is not None and service.latency.quantiles:
            tail = service.latency.quantiles[-1]
            value, unit = (
                text.format_seconds(tail.value)
                if service.latency.unit == "s"
                else (text.format_number(tail.value), "")
            )
            parts.append(f"p{tail.q * 100:g} {value} {unit}".rstrip())
        if service.errors is not None and service.errors.ratio is not None:
            parts.append(f"errors {text.format_percent(100 * service.errors.ratio)} %")
    if down:
        parts.append(f"{len(down)} down")
    if slow := sum(target.is_overdue for target in snapshot.targets):
        parts.append(f"{slow} slow")
    return parts


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:
        return False

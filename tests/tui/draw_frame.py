"""Draw every panel of a frame as text. As a program: of a pickled frame, without an engine."""

from __future__ import annotations

import pickle
import sys
from functools import partial

from tputtui.tui.live.charts import Charts
from tputtui.views.live import panels
from tputtui.views.live.header import header_line
from tputtui.views.profile.profile_header import strip_line
from tputtui.views.shared.frame import Frame
from tputtui.views.shared.styled_text import line_text

SIZES = ((80, 6), (80, 24), (120, 12), (120, 40), (200, 24), (200, 60))


def draw_frame(frame: Frame, sizes: tuple[tuple[int, int], ...] = SIZES) -> str:
    """The text of each panel that is available, at each size."""
    charts = Charts()
    shown = []
    for width, height in sizes:
        shown += [header_line(frame, width), strip_line(frame, width)]
        for panel in panels.PANELS:
            if panel.is_available(frame):
                shown += panel.view(frame, width, height, partial(charts.draw, frame)).lines
    return "\n".join(line_text(line).rstrip() for line in shown) + "\n"


if __name__ == "__main__":
    received = pickle.load(sys.stdin.buffer)  # noqa: S301  # from the test
    sys.stdout.buffer.write(draw_frame(received).encode())
    engine = [name for name in sys.modules if name.startswith("tputtui.engine")]
    assert not engine, engine

"""A panel repaints no cell that did not change, and every cell that did."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tputtui.tui.widgets.panel import changed_cells
from tputtui.views.shared.styled_text import Line, TextSpan

spans = st.builds(
    TextSpan, st.text("ab ─", min_size=1, max_size=6), st.sampled_from(["plain", "dim"])
)
lines = st.lists(spans, max_size=6).map(tuple)


def cells(line: Line) -> list[tuple[str, str]]:
    return [(char, span.role) for span in line for char in span.text]


BLANK = (" ", "plain")  # content beyond a line's end


@given(lines, lines)
@example(  # a panel that became narrower, and ends as it did: a rule, a column's title
    (TextSpan("─ "), TextSpan("x" * 8), TextSpan(" req ─", "dim")),
    (TextSpan("─ "), TextSpan("x" * 3), TextSpan(" req ─", "dim")),
)
def test_the_repainted_spans_turn_one_line_into_the_other_at_any_width(
    before: Line, after: Line
) -> None:
    start, end = changed_cells(before, after)
    old, new = cells(before), cells(after)
    width = max(len(old), len(new), end)
    old += [BLANK] * (width - len(old))
    new += [BLANK] * (width - len(new))
    assert old[:start] + new[start:end] + old[end:] == new

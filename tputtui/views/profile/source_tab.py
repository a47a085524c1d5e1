"""The source as a page: the file of a function with each line's own and total share; also the few lines beside the tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tputtui import text
from tputtui.profiling.files.source_text import SourceText
from tputtui.profiling.profile_model import Function
from tputtui.views.profile.profile_analysis import ProfileAnalysis, SelectedFunction
from tputtui.views.profile.profile_tab import TabBody, next_of, share
from tputtui.views.shared.frame import scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, bar

_HEAT_CELLS = 6


class SourceTab:
    """One file. `aim` says which one."""

    def __init__(self, study: ProfileAnalysis) -> None:
        self._study = study
        self._aim: SelectedFunction | None = None
        self._line = 0
        self._top = 0
        self._lines = 0  # of the file, as it was drawn last

    def aim(self, chosen: SelectedFunction | None) -> None:
        """Show the file of a function, its hottest line in the middle. Pseudo frames have none: the last one stays."""
        if chosen is None or not chosen.func.file:
            return
        if self._aim is None or self._aim.func != chosen.func or self._aim.line != chosen.line:
            self._aim, self._line = chosen, max(1, chosen.line)
            self._top = max(0, self._line - 10)

    def renew(self, study: ProfileAnalysis) -> None:
        """The line stays."""
        self._study = study

    # ------------------------------------------------------------------------------------------ moving

    def move(self, rows: int) -> None:
        """Line by line; where the file cannot be read, from one sampled line to the next."""
        if self._lines:
            self._line = max(1, min(self._lines, self._line + rows))
        elif rows:
            self.to_match(1 if rows > 0 else -1)

    def sideways(self, step: int) -> None:
        """Long lines are cut."""
        del step

    def open(self) -> bool:
        """Nothing opens."""
        return False

    def back(self) -> bool:
        """Nothing to come back from."""
        return False

    def hottest(self) -> str:
        """The line with the most time of its own; in a difference the one that changed most."""
        heat = self._heat()
        if not heat:
            return ""
        if self._study.before is not None:
            self._line = max(heat, key=lambda line: (abs(heat[line][1] - heat[line][0]), -line))
            was, now = heat[self._line]
            return f"the line that changed most: {self._line}, {share(was)} % before, {share(now)} % now"
        self._line = max(heat, key=lambda line: (heat[line], -line))
        return f"the hottest line: {self._line}, {share(heat[self._line][0])} % in itself"

    def point(self, key: int) -> bool:
        """A click."""
        self._line = key
        return False

    def chosen(self) -> SelectedFunction | None:
        """The function that the file was opened for."""
        return self._aim

    def search(self, wanted: Callable[[Function], bool] | None) -> tuple[int, float] | None:
        """Functions are searched in the other views."""
        del wanted
        return None

    def to_match(self, step: int) -> bool:
        """n and N: the next line that was sampled."""
        line = next_of(self._heat(), self._line, step)
        if line is None:
            return False
        self._line = line
        return True

    def _heat(self) -> dict[int, tuple[float, float]]:
        return self._study.heat(self._aim.func.file) if self._aim is not None else {}

    # ------------------------------------------------------------------------------------------ drawing

    def body(self, width: int, height: int, source: SourceText | None = None) -> TabBody:
        """Where it is, a head, the lines."""
        if self._aim is None:
            return TabBody(
                [LineBuilder(width).at(1, "choose a function in another view: its source is shown here", "dim").line()]
            )
        heat = self._heat()
        read = source is not None and source.file == self._aim.func.file
        ready = source if read else None
        self._lines = len(ready.lines) if ready is not None else 0
        both = self._study.before is not None
        lines = [self._title(ready, width), _head(width, both)]
        keys: list[int | None] = [None, None]
        room = max(1, height - 2)
        if not self._lines:
            numbers = sorted(heat)
            at = numbers.index(self._line) if self._line in heat else 0
            first = scrolled(0, at, len(numbers), room)
            shown = numbers[first : first + room]
        else:
            self._line = min(self._line, self._lines)
            self._top = scrolled(self._top, self._line - 1, self._lines, room)
            shown = list(range(self._top + 1, min(self._lines, self._top + room) + 1))
        hottest = max((now if both else own for own, now in heat.values()), default=0.0)
        cursor = None
        for number in shown:
            if number == self._line:
                cursor = len(lines)
            words = ready.lines[number - 1] if ready is not None and self._lines else ""
            lines.append(_line(number, heat.get(number), words, width, hottest, both))
            keys.append(number)
        return TabBody(lines, cursor, tuple(keys))

    def _title(self, source: SourceText | None, width: int) -> Line:
        file = self._aim.func.file if self._aim is not None else ""
        said = "reading it" if source is None else source.missing or source.note
        row = LineBuilder(width).at(1, text.cut_left(file, max(10, width - text.width(said) - 5)), "strong")
        return row.then(f"  {said}", "warning" if source is not None and said else "dim").line()


def _head(width: int, both: bool) -> Line:
    titles = ("before", "now") if both else ("self", "total")
    row = LineBuilder(width).ending_at(8, titles[0], "dim").ending_at(18, titles[1], "dim")
    return row.ending_at(18 + 2 + _HEAT_CELLS + 7, "line", "dim").line()


def _line(number: int, heat: tuple[float, float] | None, words: str, width: int, hottest: float, both: bool) -> Line:
    """`both`: the figures are those before and now, else own and total."""
    row = LineBuilder(width)
    if heat is not None:
        own, total = heat
        filled = total if both else own
        row.ending_at(6, share(own) if own or both else "", "strong").then(" %" if own or both else "", "dim")
        row.ending_at(16, share(total)).then(" %", "dim")
        row.at(20, bar(filled / hottest if hottest else 0.0, _HEAT_CELLS)[0], "data")
    row.ending_at(20 + _HEAT_CELLS + 7, str(number), "plain" if heat is not None else "dim")
    return row.at(20 + _HEAT_CELLS + 9, words, "strong" if heat is not None and heat[0] > 0 else "plain").line()


def snippet(
    source: SourceText,
    line: int,
    heat: Mapping[int, tuple[float, float]],
    width: int,
    height: int,
    *,
    both: bool = False,
) -> list[Line]:
    """The lines around a hot one, with their totals (`both`: before and now): what stands beside the tree."""
    if source.missing or not source.lines:
        return wrapped(source.missing or "the file is empty", width) if height > 0 else []
    if height < 1 or line < 1:
        return []
    first = max(1, min(line - height // 2, len(source.lines) - height + 1))
    shown = range(first, min(len(source.lines), first + height - 1) + 1)
    common = min((_indent(source.lines[at - 1]) for at in shown if source.lines[at - 1].strip()), default=0)
    digits = len(str(shown[-1])) if shown else 1
    lines = []
    for number in shown:
        row = LineBuilder(width)
        hot = number == line
        row.then("▌" if hot else " ", "warning").ending_at(2 + digits, str(number), "warning" if hot else "dim")
        found = heat.get(number)
        place = digits + 9
        if both:
            row.ending_at(place, share(found[0]) if found is not None else "", "warning" if hot else "plain")
            place += 7
        row.ending_at(place, f"{share(found[1])}%" if found is not None else "", "warning" if hot else "plain")
        words = source.lines[number - 1][common:]
        row.at(place + 1, words, "warning" if hot else "plain" if found is not None else "dim")
        lines.append(row.line())
    return lines


def _indent(words: str) -> int:
    return len(words) - len(words.lstrip(" "))


def wrapped(words: str, width: int, first: int = 0) -> list[Line]:
    """A sentence in dim lines."""
    return [LineBuilder(width).at(first, line, "dim").line() for line in broken(words, width - first)]


def broken(words: str, width: int) -> list[str]:
    """A sentence, broken at blanks into lines of at most `width` cells; a longer word is cut."""
    lines: list[str] = []
    for word in words.split(" "):
        if lines and text.width(lines[-1]) + 1 + text.width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(text.cut(word, width))
    return lines

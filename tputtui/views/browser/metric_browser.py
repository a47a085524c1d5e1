"""The metric browser: every family of a target, searched as one types, and what is known of the chosen one."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence

from tputtui import text
from tputtui.engine.family_browser import Families
from tputtui.frozen import frozen
from tputtui.settings.settings_reference import toml
from tputtui.signals.service.family_table import SLOTS, FamilyRow, tells_nothing, unfit
from tputtui.views.shared.family_units import figure
from tputtui.views.shared.frame import PanelView, scrolled
from tputtui.views.shared.styled_text import Line, LineBuilder, fill, rule, sparks

_WIDE_HELP = 130  # columns from which the help stands in the list, too
_BESIDE = 100  # columns from which the config lines stand beside the rest


CHART = "chart"
CHOICES: tuple[str, ...] = (CHART, *SLOTS)
"""What Enter offers: a panel of its own on the live screen, or a signal to feed."""


@frozen
class BrowserState:
    """What the user looks at. `found` are places in the families' rows, in the order they are shown."""

    target: str
    place: tuple[int, int] = (1, 1)  # this target's number, of how many
    families: Families | None = None
    found: Sequence[int] = ()
    query: str = ""
    cursor: int | None = None  # a place in `found`
    top: int = 0
    trail: Sequence[float | None] = ()  # the last figures of the one under the cursor
    choosing: int | None = None  # which of `CHOICES` is offered
    charted: tuple[str, str] | None = None  # the (target, family) on the live screen
    waiting: str = "reading the whole answer"
    recorded: bool = False  # it is a run's: nothing can be chosen, and not all has to be there

    @property
    def under_cursor(self) -> int | None:
        """The place of the family under the cursor."""
        return self.found[self.cursor] if self.cursor is not None and 0 <= self.cursor < len(self.found) else None

    def is_charted(self, family: FamilyRow) -> bool:
        """Whether that family stands on the live screen."""
        return self.charted == (self.target, family.name)


def refusal(choice: str, family: FamilyRow) -> str | None:
    """Why a family cannot be what was chosen; None where it can."""
    if choice == CHART:
        return tells_nothing(family)
    slot = next(slot for slot in SLOTS if slot == choice)
    return unfit(slot, family)


def matches(query: str, rows: Sequence[FamilyRow]) -> list[int]:
    """The places of the families that match, the best first: by a name that begins so, that has all words, that has
    all letters in this order; then those whose help has all words. 20,000 families take 20 to 80 ms.
    """
    words = query.casefold().split()
    if not words:
        return list(range(len(rows)))
    # Up to the next letter and no further: it cannot backtrack, so a name takes a microsecond, matching or not.
    letters = re.compile("".join(f"[^{re.escape(char)}]*{re.escape(char)}" for char in "".join(words)))
    ranks: tuple[list[int], ...] = ([], [], [], [])
    for place, row in enumerate(rows):
        name = row.name.casefold()
        if all(word in name for word in words):
            ranks[0 if name.startswith(words[0]) else 1].append(place)
        elif letters.match(name):
            ranks[2].append(place)
        elif row.help and _has_all(words, row.help.casefold()):
            ranks[3].append(place)
    return [place for rank in ranks for place in rank]


def _has_all(words: Sequence[str], where: str) -> bool:
    return all(word in where for word in words)


# ------------------------------------------------------------------------------------------ the list


def browser(look: BrowserState, width: int, height: int) -> PanelView:
    """The list, `height` lines; only the rows that are shown are drawn, however many there are."""
    families = look.families
    lines = [rule(f"Metrics of {text.clean(look.target, 40)}", _context(look), width, focused=True)]
    if families is None:
        lines.append(LineBuilder(width).at(1, look.waiting, "dim").line())
        return PanelView(tuple(fill(lines, width, height)))
    if not look.found:
        words = f"nothing matches “{text.clean(look.query, 40)}”: Esc clears" if look.query else "it exposes nothing"
        lines.append(LineBuilder(width).at(1, words, "dim").line())
        return PanelView(tuple(fill(lines, width, height)))
    columns = _Columns(width)
    if height > 2:
        lines.append(columns.head())
    room = max(1, height - len(lines))
    first = scrolled(look.top, look.cursor, len(look.found), room)
    at_line = len(lines) + look.cursor - first if look.cursor is not None else None
    lines += [columns.line(look, families, place) for place in look.found[first : first + room]]
    return PanelView(tuple(fill(lines, width, height)), at_line)


def _context(look: BrowserState) -> str:
    number, many = look.place
    parts = [f"target {number} of {many}  ← →"] if many > 1 else []
    if look.families is not None:
        count = len(look.families.figures.rows)
        shown = f"{len(look.found):,} of {count:,}" if look.query else f"{count:,}"
        parts.insert(0, f"{shown} families")
        if look.families.hidden:
            parts.append(f"{look.families.hidden:,} series beyond the limit are not read")
        if look.families.unrecorded:
            parts.append(f"{look.families.unrecorded:,} series not recorded")
    if look.query:
        parts.append(f"/{text.clean(look.query, 30)}")
    return "  ".join(parts)


def _feeds(look: BrowserState, families: Families, family: FamilyRow) -> tuple[str, ...]:
    charted = (CHART,) if look.is_charted(family) else ()
    return (*charted, *families.feeds.get(family.name, ()))


def _is_missing(look: BrowserState, family: FamilyRow) -> bool:
    return look.recorded and not family.series


class _Columns:
    """Where the columns of the list stand at a width."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.feeds = width - (16 if width >= _BESIDE else 9)
        self.now_ends = self.feeds - 7
        self.series_ends = self.now_ends - 14
        self.type = self.series_ends - 18
        self.help = self.type // 2 if width >= _WIDE_HELP else self.type

    def head(self) -> Line:
        row = LineBuilder(self.width).at(1, "family", "dim")
        if self.help < self.type:
            row.at(self.help, "help", "dim")
        row.at(self.type, "type", "dim").ending_at(self.series_ends, "series", "dim")
        return row.ending_at(self.now_ends, "now", "dim").at(self.feeds, "feeds", "dim").line()

    def line(self, look: BrowserState, families: Families, place: int) -> Line:
        family = families.figures.rows[place]
        row = LineBuilder(self.width).at(1, text.cut(text.clean(family.name), self.help - 2))
        if self.help < self.type:
            row.at(self.help, text.cut(text.clean(family.help), self.type - self.help - 1), "dim")
        row.at(self.type, text.cut(text.clean(family.type), 10), "dim")
        row.ending_at(self.series_ends, f"{family.series:,}", "dim")
        digits, unit = figure(family, families.figures.now(place))
        row.ending_at(self.now_ends, digits, "strong").then(f" {unit}" if unit else "", "dim")
        feeds = _feeds(look, families, family)
        if _is_missing(look, family):
            feeds = ("not recorded",)
        return row.at(self.feeds, text.cut(", ".join(feeds), self.width - self.feeds)).line()


# ------------------------------------------------------------------------------------------ the chosen one


def detail(look: BrowserState, width: int, height: int) -> PanelView:
    """What is known of the family under the cursor; what it could feed; and the config lines of what was chosen."""
    place = look.under_cursor
    if place is None or look.families is None:
        return PanelView(tuple(fill([rule("", "", width)], width, height)))
    family = look.families.figures.rows[place]
    config = config_lines(look.families)
    beside = width >= _BESIDE and bool(config)
    left = width // 2 if beside else width
    said = ", ".join(part for part in (family.type, family.unit) if part)
    lines = [rule(text.cut(text.clean(family.name), width - 24), text.clean(said, 20), width)]
    body = (
        _choice(look, family, left)
        if look.choosing is not None
        else _told(look, look.families, place, left, height - 1)
    )
    if beside:
        other = _config(config, width - left - 2, height - 1)
        lines += [
            (*one, *LineBuilder(2).line(), *two) for one, two in zip(fill(body, left, height - 1), other, strict=True)
        ]
    elif config and look.choosing is None:
        lines += [body[-1], *_config(config, width, height - 2)]
    else:
        lines += body
    cursor = 1 + look.choosing + 1 if look.choosing is not None else None
    return PanelView(tuple(fill(lines, width, height)), cursor if not beside else None)


def _told(look: BrowserState, families: Families, place: int, width: int, height: int) -> list[Line]:
    family = families.figures.rows[place]
    help_lines = textwrap.wrap(text.clean(family.help, 600), max(10, width - 2))[: 2 if height > 5 else 1]
    lines = [LineBuilder(width).at(1, words).line() for words in help_lines]
    labels = ", ".join(text.clean(label, 60) for label in family.labels) or "no labels"
    lines.append(LineBuilder(width).at(1, "labels  ", "dim").then(labels).line())
    nothing = "nothing" if look.recorded else "nothing yet: Enter charts it, or chooses what it feeds"
    feeding = ", ".join(_feeds(look, families, family)) or nothing
    if _is_missing(look, family):
        feeding = "not recorded: record --all-metrics keeps it"
    lines.append(LineBuilder(width).at(1, "feeds   ", "dim").then(feeding).line())
    digits, unit = figure(family, families.figures.now(place))
    now = LineBuilder(width).at(1, "now     ", "dim").then(digits, "strong").then(f" {unit}" if unit else "", "dim")
    if family.counts:
        now.then("   in all ", "dim").then(text.number(families.figures.value(place)))
    if family.series > 1:
        now.then(f"   {family.series:,} series added up", "dim")
    cells = max(0, min(len(look.trail), width - 10))
    rows = max(1, min(4, height - len(lines) - 1))
    pictures = sparks(list(look.trail)[-cells:] if cells else [], rows)
    lines += [LineBuilder(width).at(9, picture, "data").line() for picture in pictures]
    return [*lines, now.line()]


def _choice(look: BrowserState, family: FamilyRow, width: int) -> list[Line]:
    """A chart, and the four signals, each with the reason why this family cannot be it."""
    lines = [LineBuilder(width).at(1, "choose with the arrows; Enter does it now, Esc gives up", "dim").line()]
    for index, choice in enumerate(CHOICES):
        why = refusal(choice, family)
        row = LineBuilder(width).at(3, "▸ " if index == look.choosing else "  ", "accent")
        row.then(choice, "dim" if why else "strong")
        lines.append(row.at(17, why or _meaning(look, family, choice), "dim").line())
    return lines


def _meaning(look: BrowserState, family: FamilyRow, choice: str) -> str:
    if choice != CHART:
        return f"feeds the service's {choice}"
    return "is on the live screen: Enter takes it away" if look.is_charted(family) else "a panel on the live screen"


def _config(config: Sequence[str], width: int, height: int) -> list[Line]:
    lines = [
        LineBuilder(width)
        .at(1, "to keep it, in the config file", "dim")
        .then("  y", "accent")
        .then(" copies", "dim")
        .line()
    ]
    lines += [LineBuilder(width).at(1, text.cut(text.clean(words), width - 2)).line() for words in config]
    if len(lines) > height:
        more = LineBuilder(width).at(1, f"and {len(lines) - height + 1} lines more", "dim").line()
        lines = [*lines[: height - 1], more]
    return fill(lines, width, height)


def config_lines(families: Families, charted: tuple[str, str] | None = None) -> list[str]:
    """The lines of the config file that make the choices permanent, for the target and its replicas; none without one.

    `charted` is the (target, family) with a panel of its own: its line belongs to the first table, so it is the first.
    """
    lines = [f"chart = {toml('/'.join(charted))}"] if charted is not None else []
    if not families.chosen:
        return lines
    for name, url in families.targets:
        lines += ["[[targets]]", f"name = {toml(name)}", f"url = {toml(url)}", "[targets.bindings]"]
        for slot, words in families.chosen.items():
            lines.append(f"{slot} = {_binding(words)}")
    return lines


def _binding(words: Mapping[str, object]) -> str:
    if list(words) == ["family"]:
        return toml(words["family"])
    return "{" + ", ".join(f"{key} = {toml(value)}" for key, value in words.items()) + "}"

"""Themes: files that say how a role looks. A broken theme is a sentence, never a crash."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

from rich.color import ColorParseError
from rich.errors import StyleSyntaxError
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES, Theme

from tputtui import text
from tputtui.views.lines import Line, Role

ROLES: tuple[Role, ...] = get_args(Role)
_THEME_BYTES = 64 * 1024


class BadTheme(ValueError):  # noqa: N818  # reads as what it is: "raise BadTheme(…)"
    """A theme file that cannot be used; the text says what and where."""


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme, ready to paint with."""

    name: str
    dark: bool
    ansi: bool
    styles: Mapping[str, Style]
    cursor_styles: Mapping[str, Style]
    background: str
    roles: Mapping[str, str] = field(default_factory=dict)
    box_styles: Mapping[str, Style] = field(default_factory=dict)  # a role as the ground of a box, its text readable

    def boxes(self, line: Line, *, ascii_only: bool = False) -> Strip:
        """A line of boxes: each span is filled with its role's colour; what is plain lies between them."""
        shown = text.ascii_only if ascii_only else str
        return Strip([Segment(shown(span.text), self.box_styles[span.role]) for span in line])

    def strip(self, line: Line, *, cursor: bool = False, ascii_only: bool = False) -> Strip:
        """A line as Textual draws it; every cell carries its background."""
        styles = self.cursor_styles if cursor else self.styles
        if ascii_only:
            return Strip([Segment(text.ascii_only(span.text), styles[span.role]) for span in line])
        return Strip([Segment(span.text, styles[span.role]) for span in line])

    def theme(self) -> Theme:
        """The colours of Textual's own widgets (palette, inputs) to go with it."""
        if self.ansi:  # Textual's own, whose widgets need two dozen variables that only it names
            return replace(BUILTIN_THEMES["ansi-dark" if self.dark else "ansi-light"], name=self.name)
        color = {role: style.color.name for role, style in self.styles.items() if style.color is not None}
        return Theme(
            name=self.name,
            primary=color["data"],
            secondary=color["accent"],
            foreground=color["strong"],
            background=self.background,
            surface=self.background,
            panel=self.background,
            accent=color["accent"],
            warning=color["warning"],
            error=color["bad"],
            success=color["ok"],
            dark=self.dark,
        )


def folders(user: Path | None = None) -> list[Path]:
    """Where theme files lie: the user's first, then ours (inside the wheel, or beside the package in a checkout)."""
    package = Path(__file__).resolve().parents[1]
    ours = [folder for folder in (package / "themes", package.parent / "themes") if (folder / "dark.toml").is_file()]
    return [*([user] if user is not None else []), *ours[:1]]


def names(where: Iterable[Path]) -> list[str]:
    """The themes there are, each once: dark, light and terminal first."""
    found = {path.stem for folder in where if folder.is_dir() for path in folder.glob("*.toml")}
    order = {"dark": 0, "light": 1, "terminal": 2}
    return sorted(found, key=lambda name: (order.get(name, 3), name))


def load(name: str, where: Iterable[Path]) -> Palette:
    """The theme called `name`. Raises BadTheme with what is wrong, and with what there is for an unknown name."""
    where = list(where)
    for folder in where:
        path = folder / f"{name}.toml"
        if "/" not in name and path.is_file():
            return read(path)
    known = names(where)
    raise BadTheme(f"no theme {text.clean(name, 40)!r}{text.did_you_mean(name, known)} There are: {', '.join(known)}")


def read(path: Path) -> Palette:
    """Read one theme file. Raises BadTheme."""
    shown = text.clean(path.name, 60)
    try:
        with path.open("rb") as file:
            raw = file.read(_THEME_BYTES + 1)
        if len(raw) > _THEME_BYTES:
            raise BadTheme(f"{shown}: larger than {_THEME_BYTES // 1024} KiB")
        table = tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        raise BadTheme(f"{shown}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadTheme(f"{shown}: {text.clean(str(error), 120)}") from error
    return _palette(table, path.stem, shown)


def _palette(table: Mapping[str, object], stem: str, shown: str) -> Palette:
    roles = table.get("roles")
    if not isinstance(roles, dict):
        raise BadTheme(f"{shown}: has no [roles]")
    wrong = sorted(set(roles) - set(ROLES))
    if wrong:
        raise BadTheme(f"{shown}: unknown role {text.clean(wrong[0], 40)!r}{text.did_you_mean(wrong[0], ROLES)}")
    missing = [role for role in ROLES if role not in roles and role != "cursor"]
    if missing:
        raise BadTheme(f"{shown}: role {missing[0]!r} has no colour")
    background = str(table.get("background", "default"))
    cursor = str(table.get("cursor", "reverse"))
    base = _style(f"on {background}", "background", shown)
    under = Style(reverse=True) if cursor == "reverse" else _style(f"on {cursor}", "cursor", shown)
    styles = {role: base + _style(str(words), role, shown) for role, words in roles.items()}
    styles["cursor"] = styles["plain"] + under
    visible(styles, shown)
    return Palette(
        name=text.clean(str(table.get("name", stem)), 40),
        dark=bool(table.get("dark", True)),
        ansi=bool(table.get("ansi", False)),
        styles=styles,
        cursor_styles={role: style + under for role, style in styles.items()},
        background=background,
        roles={role: str(words) for role, words in roles.items()},
        box_styles={role: style if role == "plain" else _box(style, styles) for role, style in styles.items()},
    )


def without_color(look: Palette) -> Palette:
    """The same with bold, dim and reverse only: for NO_COLOR."""

    def bare(styles: Mapping[str, Style]) -> dict[str, Style]:
        return {role: Style(bold=style.bold, dim=style.dim, reverse=style.reverse) for role, style in styles.items()}

    boxes = {role: Style(reverse=role != "plain", bold=role == "strong") for role in look.styles}
    return replace(look, styles=bare(look.styles), cursor_styles=bare(look.cursor_styles), ansi=True, box_styles=boxes)


def _box(style: Style, styles: Mapping[str, Style]) -> Style:
    """A role's colour as a ground, under whichever of the theme's own colours is read better on it."""
    ground, paper, ink = style.color, styles["plain"].bgcolor, styles["strong"].color
    if ground is None or paper is None or ink is None or ground.is_default or paper.is_default or ink.is_default:
        return style + Style(reverse=True)
    on = tuple(ground.get_truecolor())
    best = max((paper, ink), key=lambda color: contrast(tuple(color.get_truecolor()), on))
    return Style(color=best, bgcolor=ground, bold=style.bold)


def _style(words: str, what: str, shown: str) -> Style:
    try:
        return Style.parse(words)
    except (StyleSyntaxError, ColorParseError) as error:
        raise BadTheme(f"{shown}: {what} = {text.clean(words, 40)!r} is no colour") from error


def visible(styles: Mapping[str, Style], shown: str) -> None:
    """Refuse a theme that hides what must be seen: the states and the keys."""
    for role in ("plain", "strong", "ok", "warning", "bad", "accent"):
        style = styles[role]
        if style.color is not None and style.bgcolor is not None and not style.color.is_default:
            one, other = style.color.get_truecolor(), style.bgcolor.get_truecolor()
            if not style.bgcolor.is_default and contrast(tuple(one), tuple(other)) < 2:
                raise BadTheme(f"{shown}: {role} cannot be seen on its background")


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(color: tuple[int, ...]) -> float:
        parts = [part / 255 for part in color]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)

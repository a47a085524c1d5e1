"""Palette: a theme as styles of Rich and Textual, made from its file (`theme_files`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES, Theme

from tputtui import text
from tputtui.frozen import frozen
from tputtui.tui import theme_files
from tputtui.views.shared.styled_text import Line


@frozen
class Palette:
    """Theme, ready to paint with."""

    name: str
    is_dark: bool
    is_ansi: bool
    styles: Mapping[str, Style]
    cursor_styles: Mapping[str, Style]
    background: str
    roles: Mapping[str, str] = field(default_factory=dict)
    box_styles: Mapping[str, Style] = field(
        default_factory=dict
    )  # a role as the ground of a box, its text readable

    def box_strip(self, line: Line, *, ascii_only: bool = False) -> Strip:
        """Render a line of boxes: each span is filled with its role's colour, except plain ones."""
        shown = text.to_ascii if ascii_only else str
        return Strip([Segment(shown(span.text), self.box_styles[span.role]) for span in line])

    def line_strip(self, line: Line, *, is_cursor: bool = False, ascii_only: bool = False) -> Strip:
        """Render a line for Textual; every cell has its background."""
        styles = self.cursor_styles if is_cursor else self.styles
        if ascii_only:
            return Strip([Segment(text.to_ascii(span.text), styles[span.role]) for span in line])
        return Strip([Segment(span.text, styles[span.role]) for span in line])

    def textual_theme(self) -> Theme:
        """Return the colours of Textual's own widgets (command palette, inputs)."""
        if self.is_ansi:  # Textual's own, whose widgets need two dozen variables that only it names
            return replace(
                BUILTIN_THEMES["ansi-dark" if self.is_dark else "ansi-light"], name=self.name
            )
        color = {
            role: style.color.name for role, style in self.styles.items() if style.color is not None
        }
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
            dark=self.is_dark,
        )


def load_palette(name: str, folders: Iterable[Path]) -> Palette:
    """Load a theme by name. Raises BadThemeError, for an unknown name with all names."""
    return read_palette(theme_files.find_theme(name, folders))


def read_palette(path: Path) -> Palette:
    """Read one theme file. Raises BadThemeError."""
    table = theme_files.read_theme(path)
    styles, under = theme_files.role_styles(table, text.clean(path.name, 60))
    roles = table["roles"]
    return Palette(
        name=text.clean(str(table.get("name", path.stem)), 40),
        is_dark=bool(table.get("dark", True)),
        is_ansi=bool(table.get("ansi", False)),
        styles=styles,
        cursor_styles={role: style + under for role, style in styles.items()},
        background=str(table.get("background", "default")),
        roles={role: str(words) for role, words in roles.items()}
        if isinstance(roles, dict)
        else {},
        box_styles={
            role: style if role == "plain" else _box_style(style, styles)
            for role, style in styles.items()
        },
    )


def without_color(palette: Palette) -> Palette:
    """Return the palette with bold, dim and reverse only, for NO_COLOR."""

    def bare(styles: Mapping[str, Style]) -> dict[str, Style]:
        return {
            role: Style(bold=style.bold, dim=style.dim, reverse=style.reverse)
            for role, style in styles.items()
        }

    boxes = {role: Style(reverse=role != "plain", bold=role == "strong") for role in palette.styles}
    return replace(
        palette,
        styles=bare(palette.styles),
        cursor_styles=bare(palette.cursor_styles),
        is_ansi=True,
        box_styles=boxes,
    )


def _box_style(style: Style, styles: Mapping[str, Style]) -> Style:
    """Return the style of a box filled with a role's colour, with the more readable text colour."""
    ground, paper, ink = style.color, styles["plain"].bgcolor, styles["strong"].color
    if (
        ground is None
        or paper is None
        or ink is None
        or ground.is_default
        or paper.is_default
        or ink.is_default
    ):
        return style + Style(reverse=True)
    on = tuple(ground.get_truecolor())
    best = max(
        (paper, ink), key=lambda color: theme_files.contrast_ratio(tuple(color.get_truecolor()), on)
    )
    return Style(color=best, bgcolor=ground, bold=style.bold)

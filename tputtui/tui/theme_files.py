"""Theme files: find, read and check them. Rich parses the colours; Textual is not needed.

Every verb checks the theme's name, so that a config with an unknown theme is never called good.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from tputtui import text
from tputtui.views.shared.styled_text import Role

if TYPE_CHECKING:
    from rich.style import Style

ROLES: tuple[Role, ...] = get_args(Role)
_MAX_BYTES = 64 * 1024


class BadThemeError(ValueError):
    """A theme file cannot be used; the message says why and where."""


def user_theme_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of the user's themes: $XDG_CONFIG_HOME/tputtui/themes.

    None without a home.
    """
    home = environ.get("XDG_CONFIG_HOME", "")
    if not home.startswith("/"):
        home = os.path.join(environ.get("HOME", ""), ".config")
    return Path(home) / "tputtui" / "themes" if home.startswith("/") else None


def theme_folders(user_themes: Path | None = None) -> list[Path]:
    """Return the folders of themes: the user's, then ours (in the wheel, or in a checkout)."""
    package = Path(__file__).resolve().parents[1]
    ours = [
        folder
        for folder in (package / "themes", package.parent / "themes")
        if (folder / "dark.toml").is_file()
    ]
    return [*([user_themes] if user_themes is not None else []), *ours[:1]]


def theme_names(folders: Iterable[Path]) -> list[str]:
    """Return the names of all themes, each once: dark, light and terminal first."""
    found = {path.stem for folder in folders if folder.is_dir() for path in folder.glob("*.toml")}
    order = {"dark": 0, "light": 1, "terminal": 2}
    return sorted(found, key=lambda name: (order.get(name, 3), name))


def find_theme(name: str, folders: Iterable[Path]) -> Path:
    """Return the file of a theme. Raises BadThemeError, with the names of all themes."""
    folders = list(folders)
    for folder in folders:
        path = folder / f"{name}.toml"
        if "/" not in name and "\0" not in name and path.is_file():
            return path
    known = theme_names(folders)
    hint = text.did_you_mean(name, known).rstrip("?")
    raise BadThemeError(
        f'"{text.clean(name, 40)}" is no theme{hint}; there are auto, {", ".join(known)}'
    )


def check_theme(name: str, environ: Mapping[str, str] = os.environ) -> None:
    """Raise BadThemeError unless the theme can be used. Ours are checked by tests."""
    user = user_theme_folder(environ)
    if name == "auto":
        return
    path = find_theme(name, theme_folders(user))
    if path.parent == user:
        table = read_theme(path)
        role_styles(table, text.clean(path.name, 60))


def read_theme(path: Path) -> Mapping[str, object]:
    """Read a theme file; its roles are complete and known. Raises BadThemeError."""
    shown = text.clean(path.name, 60)
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise BadThemeError(f"{shown}: larger than {_MAX_BYTES // 1024} KiB")
        table = tomllib.loads(raw.decode("utf-8"))
    except OSError as error:
        raise BadThemeError(f"{shown}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadThemeError(f"{shown}: {text.clean(str(error), 120)}") from error
    except RecursionError:
        raise BadThemeError(f"{shown}: nested too deeply") from None
    roles = table.get("roles")
    if not isinstance(roles, dict):
        raise BadThemeError(f"{shown}: has no [roles]")
    wrong = sorted(set(roles) - set(ROLES))
    if wrong:
        raise BadThemeError(
            f"{shown}: unknown role {text.clean(wrong[0], 40)!r}"
            f"{text.did_you_mean(wrong[0], ROLES)}"
        )
    missing = [role for role in ROLES if role not in roles and role != "cursor"]
    if missing:
        raise BadThemeError(f"{shown}: role {missing[0]!r} has no colour")
    return table


def role_styles(table: Mapping[str, object], file_name: str) -> tuple[dict[str, Style], Style]:
    """Return the style of each role, and the style under the cursor. Raises BadThemeError."""
    from rich.style import Style

    roles = table["roles"]
    assert isinstance(roles, dict)  # noqa: S101 - for the type checker: `read_theme` checked it
    cursor = str(table.get("cursor", "reverse"))
    base = _parse_style(f"on {table.get('background', 'default')}", "background", file_name)
    under = (
        Style(reverse=True)
        if cursor == "reverse"
        else _parse_style(f"on {cursor}", "cursor", file_name)
    )
    styles = {
        role: base + _parse_style(str(style_text), role, file_name)
        for role, style_text in roles.items()
    }
    styles["cursor"] = styles["plain"] + under
    _check_contrast(styles, file_name)
    return styles, under


def _parse_style(style_text: str, role: str, file_name: str) -> Style:
    from rich.color import ColorParseError
    from rich.errors import StyleSyntaxError
    from rich.style import Style

    try:
        return Style.parse(style_text)
    except (StyleSyntaxError, ColorParseError) as error:
        raise BadThemeError(
            f"{file_name}: {role} = {text.clean(style_text, 40)!r} is no colour"
        ) from error


def _check_contrast(styles: Mapping[str, Style], file_name: str) -> None:
    """Raise BadThemeError if the states and the keys could not be read."""
    for role in ("plain", "strong", "ok", "warning", "bad", "accent"):
        style = styles[role]
        if style.color is not None and style.bgcolor is not None and not style.color.is_default:
            color, background = style.color.get_truecolor(), style.bgcolor.get_truecolor()
            contrast = contrast_ratio(tuple(color), tuple(background))
            if not style.bgcolor.is_default and contrast < 2:
                raise BadThemeError(f"{file_name}: {role} cannot be seen on its background")


def contrast_ratio(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(color: tuple[int, ...]) -> float:
        parts = [part / 255 for part in color]
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)

"""Validators of settings from the rooms above: addresses, themes and keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tputtui.frozen import frozen


def _accept_text(_: str) -> object:
    return None


def _accept_keys(_: Mapping[str, str]) -> Mapping[str, str]:
    return {}


@frozen
class Validators:
    """Three validators; the default ones accept everything."""

    check_url: Callable[[str], object] = _accept_text
    """Validate an address. Raises ValueError with the reason."""
    check_theme: Callable[[str], object] = _accept_text
    """Validate a theme's name. Raises ValueError with the reason."""
    check_keys: Callable[[Mapping[str, str]], Mapping[str, str]] = _accept_keys
    """Validate a [keys] table: return a sentence for each action whose key is invalid."""

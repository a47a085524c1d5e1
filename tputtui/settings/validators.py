"""What a setting has to agree with and this room cannot know: what is an address, which themes and keys there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tputtui.frozen import frozen


def _accept_text(_: str) -> object:
    return None


def _accept_keys(_: Mapping[str, str]) -> Mapping[str, str]:
    return {}


@frozen
class Validators:
    """Three questions, answered by the rooms above; without an answer everything is fine."""

    check_url: Callable[[str], object] = _accept_text
    """Raises ValueError with what is wrong with an address."""
    check_theme: Callable[[str], object] = _accept_text
    """Raises ValueError with what is wrong with a theme of that name."""
    check_keys: Callable[[Mapping[str, str]], Mapping[str, str]] = _accept_keys
    """What is wrong with a [keys] table: a sentence for each action that cannot stay as it is."""

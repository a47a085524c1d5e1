"""Mixins of the screens: laid out for the terminal's size, and with contents in the first picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen

    _Base = Screen[None]
else:
    _Base = object


class FollowsTerminal(_Base):
    """A screen that is laid out for the size of the app, whatever a delayed Resize says.

    Textual's screen posts itself a Resize after each layout. With two sizes in its queue and another message between
    them, each layout would bring back the other size, without end.
    """

    def _screen_resized(self, size: Size) -> None:  # noqa: ARG002  # may be out of date
        super()._screen_resized(self.app.size)


class DrawnWhole(FollowsTerminal):
    """A screen whose first picture has its contents: each panel has its place, and none is drawn yet."""

    _pictured = False

    def fill_panels(self) -> None:
        """Fill the panels with contents; a screen without any has nothing to do."""

    def _compositor_refresh(self) -> None:
        """Fill the panels before the first drawing. Textual has no public hook for it."""
        if not self._pictured and self.children:
            self._pictured = True
            self.fill_panels()
        super()._compositor_refresh()

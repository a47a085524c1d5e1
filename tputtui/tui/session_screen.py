"""Base of the screens that show frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.screen import Screen

from tputtui.signals.rates.past import PastNames
from tputtui.tui.commands import Handlers
from tputtui.tui.terminal.terminal_app import DrawnWhole
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.tui.session import Session


class SessionScreen(DrawnWhole, Screen[None]):
    """Screen of a session. Its own handlers come before those of the command objects."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def fill_panels(self) -> None:
        """Show the current frame, before the first drawing."""
        self.session.show_frame()

    def past_names(self, _frame: Frame) -> PastNames:
        """Return the names of what this screen draws of the past: by default nothing."""
        return PastNames()

    def handlers(self) -> Handlers:
        """Map each command of this screen to its method."""
        return {}

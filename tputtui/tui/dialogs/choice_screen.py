"""List in a panel above the screen: the arrows choose, Enter takes the row, Esc goes back."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tputtui.tui.terminal.base_screen import FollowsTerminal

if TYPE_CHECKING:
    from tputtui.tui.session import Session


class ChoiceScreen(FollowsTerminal, ModalScreen[None]):
    """List with a cursor. A subclass says what the rows are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", show=False),
        Binding("enter", "go", show=False),
        Binding("down,j", "step(1)", show=False),
        Binding("up,k", "step(-1)", show=False),
        Binding("pagedown", "step(10)", show=False),
        Binding("pageup", "step(-10)", show=False),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.cursor_index = 0

    @property
    @abstractmethod
    def count(self) -> int:
        """Number of rows."""

    @abstractmethod
    def draw(self) -> None:
        """Show the rows."""

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.draw)

    def action_step(self, step: int) -> None:
        """Move the cursor."""
        self.cursor_index = max(0, min(self.count - 1, self.cursor_index + step))
        self.draw()

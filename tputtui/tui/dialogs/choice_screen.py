"""A list in a panel above the screen: the arrows choose, Enter takes it, Esc goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from tputtui.tui.terminal.base_screen import FollowsTerminal

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class ChoiceScreen(FollowsTerminal, ModalScreen[None]):
    """Knows which row is chosen; what the rows are, the one that derives from it knows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", show=False),
        Binding("enter", "go", show=False),
        Binding("down,j", "step(1)", show=False),
        Binding("up,k", "step(-1)", show=False),
        Binding("pagedown", "step(10)", show=False),
        Binding("pageup", "step(-10)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.cursor_index = 0

    @property
    def tputtui_app(self) -> TputtuiApp:
        """The app, by its own type."""
        return cast("TputtuiApp", self.app)

    @property
    def count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw(self) -> None:
        """Show the rows."""
        raise NotImplementedError

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out."""
        self.call_after_refresh(self.draw)

    def action_step(self, step: int) -> None:
        """The next one."""
        self.cursor_index = max(0, min(self.count - 1, self.cursor_index + step))
        self.draw()

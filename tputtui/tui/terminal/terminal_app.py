"""Bases of the app and of its screens: each frame is sent whole, and none is lost.

Screens are laid out for the terminal's size and filled before their first drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from rich.console import RenderableType
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App, InvalidThemeError
from textual.command import CommandPalette
from textual.screen import Screen
from textual.theme import Theme

from tputtui.tui.palette import Palette
from tputtui.tui.terminal.diff_writer import DiffWriter
from tputtui.tui.terminal.driver import TerminalDriver

if TYPE_CHECKING:
    from textual.geometry import Size
    from textual.screen import Screen

    _Base = Screen[None]
else:
    _Base = object


class FollowsTerminal(_Base):
    """Screen that is laid out for the size of the app, whatever a delayed Resize says.

    Textual's screen posts itself a Resize after each layout. With two sizes in its queue and
    another message between them, each layout would bring back the other size, without end.
    """

    def _screen_resized(self, size: Size) -> None:  # noqa: ARG002  # may be out of date
        super()._screen_resized(self.app.size)


class DrawnWhole(FollowsTerminal):
    """Screen whose panels are filled when they have their places, before the first drawing."""

    _pictured = False

    def fill_panels(self) -> None:
        """Fill the panels with contents; a screen without any has nothing to do."""

    def _compositor_refresh(self) -> None:
        """Fill the panels before the first drawing. Textual has no public hook for it."""
        if not self._pictured and self.children:
            self._pictured = True
            self.fill_panels()
        super()._compositor_refresh()


MAX_QUEUED_WRITES: Final = 4  # beyond that a frame is put off: Textual would block its loop at 30
_CATCH_UP_S: Final = 0.05


class _PaletteScreen(FollowsTerminal, CommandPalette):
    """Textual's command palette, laid out for the size of the terminal."""


class TerminalApp(App[int]):
    """App that draws through the diff writer.

    A frame that the terminal cannot take yet is drawn as soon as it can. `palette` and `ascii_only`
    are how panels paint.
    """

    def __init__(self, palette: Palette, *, ascii_only: bool = False) -> None:
        super().__init__(driver_class=TerminalDriver)
        self.palette = palette
        self.ascii_only = ascii_only
        self._writer = DiffWriter()
        self._cursor_sent: tuple[int, int] | None = None
        self._put_off = False  # a picture is due
        self._set_initial_theme(palette.textual_theme())

    # ---------------------------------------------------------------------------------------- theme

    def _set_initial_theme(self, theme: Theme) -> None:
        """Set the first theme without a change of theme.

        An assignment to `theme` would make Textual parse all styles and lay out everything again.
        """
        self.register_theme(theme)
        self.set_reactive(App.theme, theme.name)
        self.set_class(theme.dark, "-dark-mode", update=False)
        self.set_class(not theme.dark, "-light-mode", update=False)
        self.stylesheet.set_variables(self.get_css_variables())
        self._refresh_truecolor_filter(self.ansi_theme)

    def apply_palette(self, palette: Palette) -> None:
        """Paint with another theme from now on."""
        self.palette = palette
        self.register_theme(palette.textual_theme())
        try:
            self.theme = palette.name
        except InvalidThemeError:
            return
        for screen in self.screen_stack:
            screen.refresh(layout=False)
            for widget in screen.query("Panel"):
                widget.refresh()

    # --------------------------------------------------------------------------------------- errors

    def _fatal_error(self) -> None:
        """End without Textual's traceback, which shows the values of local variables."""
        self._close_messages_no_wait()

    @property
    def error(self) -> Exception | None:
        """Error of this program that ended the screen, to be raised by the caller of `run`."""
        return self._exception

    # --------------------------------------------------------------------------------------- frames

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send an update as one frame. Textual has no public hook for it."""
        if not isinstance(renderable, ChopsUpdate | LayoutUpdate):
            if renderable is not None:
                self.forget_screen()  # drawn past the diff writer
            super()._display(screen, renderable)
            return
        try:
            drawable = self._running and not self._closed and not self._batch_count
            if drawable and not self.is_headless and self._driver is not None:
                self._send(screen, renderable)
        except Exception as error:  # as Textual does: it ends the app, and `run` passes it on
            self._handle_exception(error)
        finally:
            self.post_display_hook()

    def _send(self, screen: Screen[Any], update: ChopsUpdate | LayoutUpdate) -> None:
        """Write what the update changes on the terminal, if anything, as one frame."""
        if self.backlog() > MAX_QUEUED_WRITES or screen.outer_size != self.size:
            self.put_off()  # a picture of the size before would be cut, or cover the last row
            return
        self._writer.fit(screen.outer_size)
        frame = self._writer.frame(update, self.console._color_system)
        cursor = self.screen.outer_size.clamp_offset(self.cursor_position)
        if not frame.text and cursor == self._cursor_sent:
            return
        text = f"{frame.text}\x1b[{cursor.y + 1};{cursor.x + 1}H"
        if self._sync_available:
            text = f"{SYNC_START}{text}{SYNC_END}"
        driver = cast("TerminalDriver", self._driver)
        driver.write(text)
        self._writer.sent(frame)
        self._cursor_sent = self._previous_cursor_position = cursor

    def forget_screen(self) -> None:
        """Send all of the next picture: the content of the terminal is unknown."""
        self._writer.invalidate()
        self._cursor_sent = None

    def on_resize(self) -> None:
        """Draw everything again.

        After a stop the terminal comes back empty and of the same size: nothing else would.
        """
        self.forget_screen()
        self.screen.refresh()

    # ------------------------------------------------------------------------------ a slow terminal

    def backlog(self) -> int:
        """Count the writes that wait for the terminal."""
        writer = getattr(self._driver, "_writer_thread", None)
        queue = getattr(writer, "_queue", None)
        return queue.qsize() if queue is not None else 0

    def put_off(self) -> None:
        """Draw the newest picture once the terminal has taken what was sent before."""
        if not self._put_off:
            self._put_off = True
            self.set_timer(_CATCH_UP_S, self._catch_up)

    def _catch_up(self) -> None:
        self._put_off = False
        if self.backlog() > MAX_QUEUED_WRITES:
            self.put_off()
        else:
            self.draw_again()

    def draw_again(self) -> None:
        """Draw all of the screen in front; the diff writer sends only what differs."""
        self.screen.refresh()

    def action_command_palette(self) -> None:
        """Show the command palette."""
        if self.use_command_palette and not isinstance(self.screen, _PaletteScreen):
            self.push_screen(_PaletteScreen(id="--command-palette"))

"""Metric browser: every metric of a target, which is read completely while this is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tputtui import text
from tputtui.engine.family_browser import Families
from tputtui.signals.service.family_table import SIGNALS, FamilyRow
from tputtui.tui import keys
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.session_screen import SessionScreen
from tputtui.tui.widgets.panel import LineBar, Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.browser.metric_browser import (
    CHART,
    CHOICES,
    BrowserState,
    browser_panel,
    config_lines,
    detail_panel,
    matching_indices,
    refusal_reason,
)
from tputtui.views.live.header import footer_line, header_line
from tputtui.views.shared import target_state
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.tui.session import Session

_HINTS = (
    ("Enter", "chart it, or choose what it feeds"),
    ("/", "search"),
    ("y", "copy name or config lines"),
    ("q", "back"),
)
_REPLAY_HINTS = (("/", "search"), ("y", "copy the name"), ("q", "back"))
_TARGET_HINTS = (("← →", "target"),)
_HISTORY_COLUMNS = 120


class BrowserScreen(SessionScreen):
    """List of families above the details of the one under the cursor, which is a family's name."""

    AUTO_FOCUS = ""
    CSS = "#families { height: 3fr; } #family { height: 2fr; min-height: 9; max-height: 17; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings(("everywhere",)),
        Binding("i", "app.do('quit')", show=False),
        Binding("end", "move(1000000)", show=False),  # no time axis: End moves, too
    ]

    def __init__(
        self, session: Session, target: str | None, toggle_chart: Callable[[str, str], None]
    ) -> None:
        """`toggle_chart` charts a (target, family) on the live screen, or removes it."""
        super().__init__(session)
        self._toggle_chart = toggle_chart
        self._target = target
        self._query = ""
        self._cursor: str | None = None
        self._top = 0
        self._choice_index: int | None = None
        self._rows: Sequence[FamilyRow] = ()
        self._matches: list[int] = []
        self._families: Families | None = None

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            CommandId.NEXT: self.next_row,
            CommandId.PREVIOUS: self.previous_row,
            CommandId.FILTER: self.ask_search,
            CommandId.CLEAR: self.clear,
            CommandId.QUIT: self.quit,
            CommandId.COPY: self.copy,
        }

    def compose(self) -> ComposeResult:
        """Compose two panels between the header and the footer."""
        yield LineBar("header")
        yield Panel("families")
        yield Panel("family")
        yield LineBar("footer")
        yield Prompt()

    def on_mount(self) -> None:
        """Start reading the target completely."""
        self._show_target(self._target or next(iter(self._targets()), None))

    def on_unmount(self) -> None:
        """Read only what is bound again."""
        self._browse(None)

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out for the new size."""
        self.call_after_refresh(self.session.show_frame)

    # -------------------------------------------------------------------------------------- showing

    def show_frame(self, frame: Frame) -> None:
        """Show the newest figures in both panels."""
        reader = self.session.capabilities.families
        families = None
        if reader is not None and self._target is not None:
            families = reader.families(self._target)
        if families is not None and families.family_values.rows is not self._rows:
            self._rows = families.family_values.rows
            self._search()
        self._families = families
        width = self.size.width
        at = self._cursor_index()
        state = BrowserState(
            target=self._target or "",
            target_number=self._target_number(),
            families=families,
            matches=self._matches if families is not None else (),
            query=self._query,
            cursor=at,
            top=self._top,
            history=self._family_history(at),
            choice_index=self._choice_index,
            charted=self.session.view_state.charted,
            waiting_reason=self._waiting_reason(frame),
            is_recorded=self.session.player is not None,
        )
        self.query_one("#header", LineBar).show_line(header_line(frame, width))
        panel = self.query_one("#families", Panel)
        view = browser_panel(state, width, panel.size.height)
        if view.cursor is not None and at is not None:
            self._top = at - (view.cursor - 2)
        panel.show(view)
        detail = self.query_one("#family", Panel)
        detail.show(detail_panel(state, width, detail.size.height))
        own = _REPLAY_HINTS if state.is_recorded else _HINTS
        hints = (*own[:-2], *_TARGET_HINTS, *own[-2:]) if state.target_number[1] > 1 else own
        self.query_one("#footer", LineBar).show_line(
            footer_line(hints, frame.view_state.status, width)
        )

    def _family_history(self, index: int | None) -> Sequence[float | None]:
        reader = self.session.capabilities.families
        if index is None or reader is None:
            return ()
        return reader.family_history(self._rows[self._matches[index]].name, _HISTORY_COLUMNS)

    def _waiting_reason(self, frame: Frame) -> str:
        state = next(
            (target for target in frame.snapshot.targets if target.name == self._target), None
        )
        if state is None:
            return "no target: tputtui :PORT watches a port"
        if self.session.player is not None:
            return "not recorded: the run holds nothing of this target at this moment"
        if target_state.is_in_trouble(state):
            return target_state.sentence(state)
        return "reading the whole answer"

    # --------------------------------------------------------------------------------------- moving

    def _targets(self) -> list[str]:
        latest = self.session.latest
        return [target.name for target in latest.targets] if latest is not None else []

    def _target_number(self) -> tuple[int, int]:
        targets = self._targets()
        return (targets.index(self._target) + 1 if self._target in targets else 1, len(targets))

    def _browse(self, target: str | None) -> None:
        if self.session.capabilities.families is not None:
            self.session.capabilities.families.browse(target)

    def _show_target(self, target: str | None) -> None:
        self._target = target
        self._rows, self._matches, self._choice_index, self._top = (), [], None, 0
        self._browse(target)
        self.session.show_frame()

    def _search(self) -> None:
        self._matches = matching_indices(self._query, self._rows)
        self._choice_index = None

    def _cursor_index(self) -> int | None:
        """Return the index of the cursor among the matches; 0 if its family does not match."""
        if not self._matches:
            return None
        for index, row in enumerate(self._matches):
            if self._rows[row].name == self._cursor:
                return index
        return 0

    def action_move(self, rows: int) -> None:
        """Move the cursor in the list, or among the choices for a family."""
        if self._choice_index is not None:
            self._choice_index = max(0, min(len(CHOICES) - 1, self._choice_index + rows))
        elif (at := self._cursor_index()) is not None:
            at = max(0, min(len(self._matches) - 1, at + rows))
            self._cursor = self._rows[self._matches[at]].name
        self.session.show_frame()

    def action_sideways(self, step: int) -> None:
        """Show the next target, or the one before."""
        targets = self._targets()
        if len(targets) > 1:
            at = targets.index(self._target) if self._target in targets else 0
            self._show_target(targets[(at + step) % len(targets)])

    def action_panel(self, _number: int) -> None:
        """Do nothing: numbers choose panels on the live screen only."""

    @on(Panel.Scrolled)
    def _handle_scroll(self, event: Panel.Scrolled) -> None:
        self.action_move(event.rows)

    def next_row(self) -> None:
        """Move the cursor to the next family."""
        self.action_move(1)

    def previous_row(self) -> None:
        """Move the cursor to the family before."""
        self.action_move(-1)

    # ------------------------------------------------------------------------------------ searching

    def ask_search(self) -> None:
        """Search while the words are typed; the best match comes first."""
        before = self._query

        def changed(query: str) -> None:
            self._query, self._cursor, self._top = query.strip(), None, 0
            self._search()
            self.session.show_frame()

        def done(query: str | None) -> None:
            self.query_one("#footer").display = True
            changed(before if query is None else query)

        self.query_one("#footer").display = False
        self.query_one(Prompt).ask(
            "search: part of a name, some of its letters, or words of its help", done, changed
        )

    def clear(self) -> None:
        """Close the choice, else clear the search, else go back."""
        if self._choice_index is not None:
            self._choice_index = None
        elif self._query:
            self._query = ""
            self._search()
        else:
            self.quit()
            return
        self.session.update_view(status="")

    def quit(self) -> None:
        """Go back to the live screen."""
        self.dismiss()
        self.session.app.call_after_refresh(self.session.show_frame)

    # ------------------------------------------------------------------------------------- choosing

    def action_open(self) -> None:
        """Offer a chart and the signals that the family could feed; the second time, do it."""
        at = self._cursor_index()
        if at is None or self._target is None:
            return
        if self.session.capabilities.live is None:
            self.session.show_status(
                "in a replay it stays as it was: what feeds what is part of the run"
            )
            return
        family = self._rows[self._matches[at]]
        if self._choice_index is None:
            self._cursor = family.name
            self._choice_index = 0
            self.session.show_frame()
            return
        choice = CHOICES[self._choice_index]
        reason = refusal_reason(choice, family)
        if reason is not None:
            self.session.show_status(reason)
            return
        self._choice_index = None
        if choice == CHART:
            self._toggle_chart(self._target, family.name)
            return
        slot = next(slot for slot in SIGNALS if slot == choice)
        self.session.capabilities.live.bind_signal(self._target, slot, family.name)
        self.session.show_status(
            f"{slot} is read from {text.clean(family.name, 80)} from now on;"
            " y copies the lines that keep it so"
        )

    def copy(self) -> None:
        """Copy the config lines of what was chosen; without a choice, the family's name."""
        lines = (
            config_lines(self._families, self.session.view_state.charted)
            if self._families is not None
            else []
        )
        at = self._cursor_index()
        if lines:
            self.app.copy_to_clipboard("\n".join(lines) + "\n")
            self.session.show_status(
                f"copied {len(lines)} line{'s' if len(lines) != 1 else ''} for the config file"
            )
        elif at is not None:
            self.app.copy_to_clipboard(text.clean(self._rows[self._matches[at]].name))
            self.session.show_status("copied the name")

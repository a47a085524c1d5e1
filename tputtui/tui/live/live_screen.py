"""Live screen: the panels of one service and its host. The views decide what they show."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from tputtui import text
from tputtui.model import Labels
from tputtui.signals.rates.past import PastNames
from tputtui.signals.service.serving_processes import format_process
from tputtui.tui import keys
from tputtui.tui.commands import CommandId, Handlers
from tputtui.tui.keys import footer_hints
from tputtui.tui.list_commands import ListCommands
from tputtui.tui.live.charts import Charts
from tputtui.tui.live.panel_places import panel_widgets, place_panels
from tputtui.tui.session_screen import SessionScreen
from tputtui.tui.widgets.panel import LineBar, Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live import layout, panels
from tputtui.views.live.event_log import event_line
from tputtui.views.live.header import footer_line, header_line
from tputtui.views.live.panel_spec import PanelSpec
from tputtui.views.live.process_table import under_cursor
from tputtui.views.shared.frame import Frame, PanelView
from tputtui.views.shared.styled_text import line_text

if TYPE_CHECKING:
    from tputtui.tui.live.engine_commands import EngineCommands
    from tputtui.tui.profile.profile_session import ProfileSession
    from tputtui.tui.session import Session


class LiveScreen(SessionScreen):
    """Screen of the live panels, also in a replay."""

    AUTO_FOCUS = ""  # the prompt takes the focus when it opens
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "time", "live"))]

    def __init__(
        self,
        session: Session,
        engine_commands: EngineCommands,
        profiles: Callable[[], ProfileSession],
        leave: Callable[[], None],
    ) -> None:
        """`profiles` loads the profile session on first use; `leave` ends the program."""
        super().__init__(session)
        self._engine_commands = engine_commands
        self._profiles = profiles
        self._leave = leave
        self.list_commands = ListCommands(self)
        self._charts = Charts()
        self._layout_plan: layout.LayoutPlan | None = None
        self._zoomed_panel: str | None = None
        # "now" or "ask": p or P was pressed before the processes had been read
        self._pending_profile = ""

    def compose(self) -> ComposeResult:
        """Create all panels; `update_layout` displays those that fit."""
        yield LineBar("header")
        yield from panel_widgets()
        yield LineBar("event-line")
        yield LineBar("footer")
        yield Prompt()
        yield Panel("too-small")

    # --------------------------------------------------------------------------------------- layout

    def on_mount(self) -> None:
        """Lay the panels out before the first frame is drawn."""
        self.update_layout(self.session.current_frame(), *self.app.size)

    def on_resize(self, _event: events.Resize) -> None:
        """Lay the panels out again, also at the same size: after a stop the terminal is empty."""
        self._layout_plan = None
        self.call_after_refresh(self.session.show_frame)
        self.update_layout(self.session.current_frame(), *self.app.size)

    def update_layout(self, frame: Frame | None, width: int, height: int) -> None:
        """Place the panels as `layout` plans, if the plan changed."""
        plan = layout.plan_layout(frame, width, height, self._zoomed_panel)
        if plan == self._layout_plan:
            return
        self._layout_plan = plan
        with self.app.batch_update():
            place_panels(self, plan)
            self.query_one("#header").display = not plan.is_too_small
            self.query_one("#event-line").display = plan.has_event_line
            self.query_one("#footer").display = not plan.is_too_small
            self.query_one("#too-small").display = plan.is_too_small
        self.call_after_refresh(self.session.show_frame)

    # -------------------------------------------------------------------------------------- drawing

    def past_names(self, frame: Frame) -> PastNames:
        """Return the names of what the panels draw of the past."""
        return panels.past_names(frame)

    def show_frame(self, frame: Frame) -> None:
        """Render every visible panel."""
        if not self.children:
            return  # a tick while the screen is removed: its panels have gone already
        size = self.size
        zoomed = panels.find_panel(self._zoomed_panel)
        if zoomed is not None and zoomed.absence(frame):
            self._zoomed_panel = None
        self.update_layout(frame, size.width, size.height)
        if self._layout_plan is not None:
            # The table is also read to find the process that was asked to be profiled.
            reads_processes = any(
                panel.reads_processes and self.is_shown(panel.name) for panel in panels.PANELS
            )
            live = self.session.capabilities.live
            if live is not None:
                live.set_processes_enabled(reads_processes or bool(self._pending_profile))
        if self._layout_plan is None or self._layout_plan.is_too_small:
            self.query_one("#too-small", Panel).show(layout.too_small_view(size.width, size.height))
            return
        if self._pending_profile and not self._profiles().choose().is_pending:
            self.call_later(self._start_profile, self._pending_profile == "ask")
        self.query_one("#header", LineBar).show_line(header_line(frame, size.width))
        for panel in panels.PANELS:
            self._show_panel(panel, frame)
        if self._layout_plan.has_event_line:
            self.query_one("#event-line", LineBar).show_line(event_line(frame, size.width))
        if not self.query_one(Prompt).display:
            commands = [
                command
                for command in self.session.commands
                if command.id != "profile" or not frame.view_state.is_read_only
            ]
            hints = footer_hints(
                ("live", "time", "everywhere"), self.session.settings.keys, commands
            )
            self.query_one("#footer", LineBar).show_line(
                footer_line(hints, frame.view_state.status, size.width)
            )

    def _show_panel(self, panel: PanelSpec, frame: Frame) -> None:
        widget = self.query_one(f"#{panel.name}", Panel)
        width, height = widget.size
        if not widget.display or width < 10 or height < 1:
            return
        view = self.panel_view(panel, frame, width, height)
        widget.show(view)
        if view.list_state is not None:
            self.session.save_list_state(panel.name, view.list_state)

    def is_shown(self, name: str) -> bool:
        """Return whether the panel of that name has a place on the screen now."""
        return self._layout_plan is not None and name in self._layout_plan.heights

    def panel_view(self, panel: PanelSpec, frame: Frame, width: int, height: int) -> PanelView:
        """Render a panel in that many cells and lines."""
        return panel.view(frame, width, height, partial(self._charts.draw, frame))

    # --------------------------------------------------------------------------------------- moving

    def action_panel(self, number: int) -> None:
        """Focus a panel by its number, 1 to 9."""
        panel = dict(panels.numbered_panels()).get(number)
        if panel is None:
            count = len(panels.numbered_panels())
            self.session.show_status(f"there is no panel {number}: 1 to {count}")
            return
        absence = panel.absence(self.session.current_frame())
        if absence:
            self.session.show_status(absence)
        else:
            self._focus(panel.name)

    def _focus(self, name: str) -> None:
        if self._zoomed_panel is not None:
            self._zoomed_panel = name
        self.session.update_view(focus=name)

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            **self.list_commands.handlers(),
            CommandId.FOCUS_NEXT: self.focus_next_panel,
            CommandId.FOCUS_PREVIOUS: self.focus_previous_panel,
            CommandId.ZOOM_PANEL: self.toggle_zoom,
            CommandId.QUIT: self.quit,
            CommandId.CLEAR: self.clear,
            CommandId.COPY: self.copy,
            CommandId.PROFILE: self.take_profile,
            CommandId.PROFILE_OPTIONS: self.ask_profile_options,
            CommandId.FOLLOW: self.follow_process,
        }

    def focus_next_panel(self) -> None:
        """Focus the next panel."""
        self._step_focus(1)

    def focus_previous_panel(self) -> None:
        """Focus the panel before."""
        self._step_focus(-1)

    def _step_focus(self, step: int) -> None:
        frame = self.session.current_frame()
        order = [
            panel.name
            for panel in panels.PANELS
            if panel.is_available(frame) and (panel.row != "none" or self._zoomed_panel)
        ]
        current = self.session.view_state.focus
        if current in order:
            at = order.index(current) + step
        elif step > 0:
            at = 0
        else:
            at = -1
        self._focus(order[at % len(order)])

    def toggle_zoom(self) -> None:
        """Give the focused panel the whole screen, or restore the layout."""
        self._zoomed_panel = (
            None
            if self._zoomed_panel is not None
            else (self.session.view_state.focus or "throughput")
        )
        self.session.update_view(focus=self._zoomed_panel or self.session.view_state.focus)

    def action_move(self, rows: int) -> None:
        """Move the cursor of a list by rows."""
        self.list_commands.move(rows)

    def action_sideways(self, step: int) -> None:
        """Move in time by one step."""
        self.session.run_command(CommandId.BACK if step < 0 else CommandId.FORWARD)

    def action_open(self) -> None:
        """Profile the chosen process, filter by the chosen route or replica, or zoom the panel."""
        focus = self.session.view_state.focus
        if focus == "processes":
            state = self.session.view_state.list_state(focus)
            latest = self.session.latest
            if state.filter_text and (latest is None or under_cursor(latest, state) is None):
                self.list_commands.move(1)  # to the first row of the filtered list
            self.session.run_command(CommandId.PROFILE)
        elif focus in ("routes", "targets"):
            self._filter_service(focus, self.session.view_state.list_state(focus).cursor)
        elif focus is not None:
            self.toggle_zoom()
        else:
            self.session.show_status("choose a panel first: Tab, or its number")

    def _filter_service(self, panel: str, row_key: Hashable | None) -> None:
        from tputtui.signals.service.service_filter import ServiceFilter

        frame = self.session.current_frame()
        service = frame.service if frame is not None else None
        if frame is None or service is None or row_key is None:
            self.session.show_status("choose a row first: the arrows")
            return
        before = frame.active_filter or ServiceFilter(service.name)
        if panel == "routes":
            labels = {**dict(before.labels), **dict(cast("Labels", row_key))}
            service_filter = replace(before, labels=tuple(sorted(labels.items())))
        else:
            service_filter = replace(before, target=str(row_key))
            services = {service.name: service for service in frame.snapshot.services}
            unfiltered = services.get(before.service, service)
            if len(unfiltered.targets) < 2:
                self.session.show_status(
                    f"{text.clean(str(row_key), 60)} is no replica of another: it is shown already"
                )
                return
        self._engine_commands.set_filter(service_filter)
        description = text.clean(service_filter.description, 100)
        self.session.show_status(f"only {description}: Esc shows all")

    @on(Panel.Clicked)
    def _handle_click(self, event: Panel.Clicked) -> None:
        panel = panels.find_panel(event.panel)
        if panel is None:
            return
        if event.key is not None and panel.is_list:
            self.list_commands.set_cursor(panel.name, event.key)
        else:
            self._focus(panel.name)

    @on(Panel.Scrolled)
    def _handle_scroll(self, event: Panel.Scrolled) -> None:
        panel = panels.find_panel(event.panel)
        if panel is not None and panel.is_list:
            self.session.update_view(focus=event.panel)
            self.action_move(event.rows)

    # ------------------------------------------------------------------------------------- commands

    def quit(self) -> None:
        """Restore the layout if a panel has the whole screen, else quit."""
        if self._zoomed_panel is not None:
            self.toggle_zoom()
        else:
            self._leave()

    def clear(self) -> None:
        """Clear the filters, else restore the layout, else show all of the service again."""
        if self.list_commands.clear_filters():
            self.session.update_view()
        elif self._zoomed_panel is not None:
            self.toggle_zoom()
        elif self.session.view_state.service_filter is not None:
            self._engine_commands.set_filter(None)

    def copy(self) -> None:
        """Copy the row under the cursor, else the focused panel, else all panels (OSC 52)."""
        focus = self.session.view_state.focus
        names = [panel.name for panel in panels.PANELS if self.is_shown(panel.name)]
        if focus in names:
            names = [focus]
        views = [self.query_one(f"#{name}", Panel).view for name in names]
        lines = [line for view in views for line in view.lines]
        if len(views) == 1 and views[0].cursor is not None:
            lines = [views[0].lines[views[0].cursor]]
        self.app.copy_to_clipboard("\n".join(line_text(line).rstrip() for line in lines).strip())
        source = f"{focus}: " if focus is not None and len(views) == 1 else "all panels: "
        plural = "s" if len(lines) != 1 else ""
        self.session.show_status(f"copied {source}{len(lines)} line{plural}")

    # ------------------------------------------------------------------------------------- profiles

    def take_profile(self) -> None:
        """Sample a process (`choose_process` says which); in the past, show the profile of then."""
        if self.session.timeline.behind_s > 0:
            entry = self._profiles().current_entry()
            if entry is None:
                self.session.show_status(
                    "no profile was taken at that moment: 0 goes back to now, where p takes one"
                )
            else:
                self._profiles().open(entry)
            return
        self._start_profile(with_options=False)

    def ask_profile_options(self) -> None:
        """Sample a process after asking for the options."""
        self._start_profile(with_options=True)

    def _start_profile(self, with_options: bool) -> None:
        profiles = self._profiles()
        choice = profiles.choose()
        self._pending_profile = ""
        if choice.is_pending:
            self._pending_profile = "ask" if with_options else "now"
        if choice.process is not None:
            profiles.sample_choice(choice, ask=with_options)
        elif choice.is_pending:
            self.session.show_status(choice.reason)
        elif choice.needs_cursor:
            self._offer_list()
        else:
            profiles.refuse(choice)

    def _offer_list(self) -> None:
        """Select a Python process, because without a service p samples the selected one."""
        latest = self.session.latest
        processes = latest.processes if latest is not None else None
        first = next((process for process in processes or () if process.python is not None), None)
        if first is None:
            self.session.show_status("no service is shown, and no Python process may be seen")
            return
        self.list_commands.set_cursor("processes", first.identity)
        self.session.show_status(
            f"no service is shown: p samples {format_process(first)}; the arrows choose another"
        )

    def follow_process(self) -> None:
        """Keep the chosen process in the first row, or stop that."""
        self._engine_commands.follow(self.session.view_state.list_state("processes").cursor)

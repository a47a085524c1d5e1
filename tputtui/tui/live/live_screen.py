"""The live screen: panels over one service and its host. It arranges and shows; what is shown the views decide."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen
from textual.widgets import Static

from tputtui import text
from tputtui.model import Labels
from tputtui.signals.service.serving_processes import named
from tputtui.tui import keys
from tputtui.tui.list_commands import LISTS, ListCommands
from tputtui.tui.live.charts import Charts
from tputtui.tui.terminal.base_screen import DrawnWhole
from tputtui.tui.widgets.line_bar import LineBar
from tputtui.tui.widgets.panel import Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live.event_log import event_line
from tputtui.views.live.event_log import events as events_view
from tputtui.views.live.header import footer, header
from tputtui.views.live.latency_panel import latency
from tputtui.views.live.metric_panel import metric
from tputtui.views.live.process_table import processes, under_cursor
from tputtui.views.live.routes_table import routes
from tputtui.views.live.saturation_panel import saturation
from tputtui.views.live.target_strip import targets
from tputtui.views.live.throughput_panel import throughput
from tputtui.views.shared import layout
from tputtui.views.shared.frame import PANELS, Frame, PanelName, PanelView
from tputtui.views.shared.styled_text import plain

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class LiveScreen(DrawnWhole, Screen[None]):
    """Where one lives: everything else comes back to it."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "time", "live"))]

    def __init__(self) -> None:
        super().__init__()
        self.lists = ListCommands(self)
        self.handlers = (self.lists,)  # who else knows this screen's keys
        self._charts = Charts()
        self._plan: layout.LayoutPlan | None = None
        self._zoomed: PanelName | None = None
        self._profile_wanted = ""  # "now" or "ask": p or P was pressed before the processes had been read

    @property
    def desk(self) -> TputtuiApp:
        """The app, by its own type."""
        return cast("TputtuiApp", self.app)

    def compose(self) -> ComposeResult:
        """All panels are there from the start; `lay_out` shows those that fit."""
        yield LineBar("header")
        with Container(classes="beside", id="top"):
            yield Panel("throughput")
            yield Static(id="gap-top")
            yield Panel("latency")
        yield Panel("split")
        yield Panel("metric")
        yield Panel("saturation")
        yield Panel("targets")
        with Container(classes="beside", id="bottom"):
            yield Panel("routes")
            yield Static(id="gap-bottom")
            yield Panel("processes")
        yield Panel("events")
        yield LineBar("event-line")
        yield LineBar("footer")
        yield Prompt()
        yield Panel("too-small")

    # ------------------------------------------------------------------------------------------ arranging

    def on_mount(self) -> None:
        """Arranged before it is drawn for the first time."""
        self.lay_out(self.desk.scene(), *self.app.size)

    def on_resize(self, _event: events.Resize) -> None:
        """A new size is a new arrangement, and so is the same size: a terminal that comes back after a stop is empty."""
        self._plan = None
        self.call_after_refresh(self.desk.show_scene)
        self.lay_out(self.desk.scene(), *self.app.size)

    def lay_out(self, scene: Frame | None, width: int, height: int) -> None:
        """Give each panel the place that `views.arrangement` plans for it; only when the plan changed."""
        plan = layout.plan(scene, width, height, self._zoomed)
        if plan == self._plan:
            return
        self._plan = plan
        with self.app.batch_update():
            for row in ("top", "bottom"):
                shown = [panel for panel in layout.ROWS[row] if panel in plan.heights]
                container = self.query_one(f"#{row}")
                container.display = bool(shown)
                container.styles.height = plan.heights[shown[0]] if shown else 0
                stacked = plan.stacked and len(shown) > 1
                container.styles.layout = "vertical" if stacked else "horizontal"
                if stacked:
                    container.styles.height = sum(plan.heights[panel] for panel in shown)
                self.query_one(f"#gap-{row}").display = len(shown) > 1 and not stacked
            for panel in PANELS:
                widget = self.query_one(f"#{panel}")
                widget.display = panel in plan.heights
                widget.styles.height = plan.heights.get(panel, 0)
            self.query_one("#header").display = not plan.too_small
            self.query_one("#event-line").display = plan.event_line
            self.query_one("#footer").display = not plan.too_small
            self.query_one("#too-small").display = plan.too_small
        self.call_after_refresh(self.desk.show_scene)

    # ------------------------------------------------------------------------------------------ showing

    def show_scene(self, scene: Frame) -> None:
        """Hand every visible panel its view."""
        if not self.children:
            return  # a tick on the way out: the panels have gone already
        size = self.size
        if self._zoomed == "metric" and scene.viewpoint.charted is None:
            self._zoomed = None  # X took it away
        if self._zoomed == "split" and scene.viewpoint.split is None:
            self._zoomed = None  # a ended it
        self.lay_out(scene, size.width, size.height)
        if self._plan is not None:
            # What is not shown is not read, unless somebody asked for a process to profile.
            self.desk.source.want_processes("processes" in self._plan.heights or bool(self._profile_wanted))
        if self._plan is None or self._plan.too_small:
            self.query_one("#too-small", Panel).show(layout.too_small(size.width, size.height))
            return
        if self._profile_wanted and not self.desk.profiles.choose().is_pending:
            self.call_later(self._profile, self._profile_wanted == "ask")
        self.query_one("#header", LineBar).show_line(header(scene, size.width))
        for name in PANELS:
            panel = self.query_one(f"#{name}", Panel)
            width, height = panel.size
            if not panel.display or width < 10 or height < 1:
                continue
            view = self.view(name, scene, width, height)
            panel.show(view)
            if view.list is not None:
                self.desk.keep_list(name, view.list)
        if self._plan.event_line:
            self.query_one("#event-line", LineBar).show_line(event_line(scene, size.width))
        if not self.query_one(Prompt).display:
            commands = [one for one in self.desk.commands if not (scene.viewpoint.read_only and one.id == "profile")]
            hints = keys.hints(("live", "time", "everywhere"), self.desk.settings.keys, commands)
            self.query_one("#footer", LineBar).show_line(footer(hints, scene.viewpoint.status, size.width))

    def shows(self, panel: PanelName) -> bool:
        """Whether a panel has a place on the screen now."""
        return self._plan is not None and panel in self._plan.heights

    def view(self, name: PanelName, scene: Frame, width: int, height: int) -> PanelView:
        """What a panel shows in that many cells and lines."""
        if name == "throughput":
            return throughput(scene, width, height, self._charts.throughput(scene, width, height))
        if name == "latency":
            scatter = self._charts.scatter(scene, width, height)
            return latency(scene, width, height, scatter, self._charts.quantiles(scene, width, height))
        if name == "metric":
            return metric(scene, width, height, self._charts.metric(scene, width, height))
        if name == "split":
            from tputtui.views.live.split_view import split  # seldom wanted, and never by the first picture

            return split(scene, width, height)
        return _VIEWS[name](scene, width, height)

    # ------------------------------------------------------------------------------------------ moving about

    def action_panel(self, number: int) -> None:
        """1 to 9: focus a panel by number."""
        if number <= len(PANELS) and PANELS[number - 1] == "metric" and self.desk.viewpoint.charted is None:
            self.desk.say("no metric is charted: i, then Enter on one, puts it here")
        elif number <= len(PANELS) and PANELS[number - 1] == "split" and self.desk.viewpoint.split is None:
            self.desk.say("the service is not split: a splits it into control and treatment")
        elif number <= len(PANELS):
            self._focus(PANELS[number - 1])
        else:
            self.desk.say(f"there is no panel {number}: 1 to {len(PANELS)}")

    def _focus(self, panel: PanelName) -> None:
        if self._zoomed is not None:
            self._zoomed = panel
        self.desk.look(focus=panel)

    def do_focus_next(self) -> None:
        """Tab."""
        self._step_focus(1)

    def do_focus_previous(self) -> None:
        """Shift+Tab."""
        self._step_focus(-1)

    def _step_focus(self, step: int) -> None:
        order = [panel for panel in PANELS if panel not in ("events",) or self._zoomed]
        if len(self.desk.latest.targets if self.desk.latest else ()) < 2 and "targets" in order:
            order.remove("targets")
        if self.desk.viewpoint.charted is None:
            order.remove("metric")
        if self.desk.viewpoint.split is None:
            order.remove("split")
        current = self.desk.viewpoint.focus
        at = order.index(current) + step if current in order else (0 if step > 0 else -1)
        self._focus(order[at % len(order)])

    def do_zoom_panel(self) -> None:
        """z."""
        self._zoomed = None if self._zoomed is not None else (self.desk.viewpoint.focus or "throughput")
        self.desk.look(focus=self._zoomed or self.desk.viewpoint.focus)

    def action_move(self, rows: int) -> None:
        """Arrows and pages move the cursor of a list."""
        self.lists.move(rows)

    def action_sideways(self, step: int) -> None:
        """Left and right move in time."""
        self.desk.action_do("back" if step < 0 else "forward")

    def action_open(self) -> None:
        """Enter: profiles that process; shows that route or replica alone, until Esc; gives any other panel the screen."""
        focus = self.desk.viewpoint.focus
        if focus == "processes":
            state = self.desk.viewpoint.list(focus)
            latest = self.desk.latest
            if state.filter and (latest is None or under_cursor(latest, state) is None):
                self.lists.move(1)  # of what was filtered for, the first
            self.desk.action_do("profile")
        elif focus in ("routes", "targets"):
            self._look_through(focus, self.desk.viewpoint.list(focus).cursor)
        elif focus is not None:
            self.do_zoom_panel()
        else:
            self.desk.say("choose a panel first: Tab, or its number")

    def _look_through(self, panel: PanelName, chosen: Hashable | None) -> None:
        from tputtui.signals.service.service_filter import ServiceFilter

        scene = self.desk.scene()
        service = scene.service if scene is not None else None
        if scene is None or service is None or chosen is None:
            self.desk.say("choose a row first: the arrows")
            return
        before = scene.looks_through or ServiceFilter(service.name)
        if panel == "routes":
            labels = {**dict(before.labels), **dict(cast("Labels", chosen))}
            lens = replace(before, labels=tuple(sorted(labels.items())))
        else:
            lens = replace(before, target=str(chosen))
            whole = next((one for one in scene.snapshot.services if one.name == before.service), service)
            if len(whole.targets) < 2:
                self.desk.say(f"{text.clean(str(chosen), 60)} is no replica of another: it is shown already")
                return
        self.desk.asks.look_through(lens)
        self.desk.say(f"only {text.clean(lens.what, 100)}: Esc shows all")

    @on(Panel.Clicked)
    def _clicked(self, event: Panel.Clicked) -> None:
        if event.panel in PANELS:
            panel = event.panel
            if event.key is not None and panel in LISTS:
                self.lists.put_cursor(panel, event.key)
            else:
                self._focus(panel)

    @on(Panel.Scrolled)
    def _scrolled(self, event: Panel.Scrolled) -> None:
        if event.panel in LISTS:
            self.desk.look(focus=event.panel)
            self.action_move(event.rows)

    # ------------------------------------------------------------------------------------------ keys of this screen

    def do_quit(self) -> None:
        """q: first out of the panel that has the whole screen."""
        if self._zoomed is not None:
            self.do_zoom_panel()
        else:
            self.desk.do_quit()

    def do_clear(self) -> None:
        """Esc: the filters go; then the whole screen is given back; then what was looked at alone is all again."""
        if self.lists.clear_filters():
            self.desk.look()
        elif self._zoomed is not None:
            self.do_zoom_panel()
        elif self.desk.viewpoint.lens is not None:
            self.desk.asks.look_through(None)

    def do_copy(self) -> None:
        """y: the row under the cursor, else the focused panel, else all that is shown, to the terminal's clipboard (OSC 52)."""
        focus = self.desk.viewpoint.focus
        names = [focus] if focus is not None and self.shows(focus) else [name for name in PANELS if self.shows(name)]
        views = [self.query_one(f"#{name}", Panel).view for name in names]
        lines = [line for view in views for line in view.lines]
        if len(views) == 1 and views[0].cursor is not None:
            lines = [views[0].lines[views[0].cursor]]
        self.app.copy_to_clipboard("\n".join(plain(line).rstrip() for line in lines).strip())
        what = f"{focus}: " if focus is not None and len(views) == 1 else "all panels: "
        self.desk.say(f"copied {what}{len(lines)} line{'s' if len(lines) != 1 else ''}")

    # ------------------------------------------------------------------------------------------ acting

    def do_profile(self) -> None:
        """p: sample a process (`signals.serving.choose` says which). In the past: what was taken."""
        if self.desk.timeline.behind_s > 0:
            here = self.desk.profiles.here()
            if here is None:
                self.desk.say("no profile was taken at that moment: 0 goes back to now, where p takes one")
            else:
                self.desk.profiles.open(here)
            return
        self._profile(ask=False)

    def do_profile_options(self) -> None:
        """P: the same, after its options."""
        self._profile(ask=True)

    def _profile(self, ask: bool) -> None:
        profiles = self.desk.profiles
        choice = profiles.choose()
        self._profile_wanted = ("ask" if ask else "now") if choice.is_pending else ""
        if choice.process is not None:
            profiles.sample_choice(choice, ask=ask)
        elif choice.is_pending:
            self.desk.say(choice.reason)
        elif choice.needs_cursor:
            self._offer_list()
        else:
            profiles.refuse(choice)

    def _offer_list(self) -> None:
        """No service is shown: mark a Python process, so that it is named before p samples it."""
        found = self.desk.latest.processes if self.desk.latest is not None else None
        first = next((process for process in found or () if process.python is not None), None)
        if first is None:
            self.desk.say("no service is shown, and no Python process may be seen")
            return
        self.lists.put_cursor("processes", first.identity)
        self.desk.say(f"no service is shown: p samples {named(first)}; the arrows choose another")

    def do_follow(self) -> None:
        """F: keep the chosen process in the first row, or let it go."""
        self.desk.asks.follow(self.desk.viewpoint.list("processes").cursor)


_VIEWS: dict[PanelName, Callable[[Frame, int, int], PanelView]] = {
    "throughput": throughput,
    "latency": latency,
    "saturation": saturation,
    "targets": targets,
    "routes": routes,
    "processes": processes,
    "events": events_view,
    "metric": metric,
}

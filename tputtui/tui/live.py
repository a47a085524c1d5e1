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
from tputtui.signals import names
from tputtui.tui import keys, plot
from tputtui.tui.widgets.line import LineBar
from tputtui.tui.widgets.panel import Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views import arrangement
from tputtui.views.choice import offered
from tputtui.views.events import event_line
from tputtui.views.events import events as events_view
from tputtui.views.header import footer, header
from tputtui.views.latency import SCATTER, has_scatter, latency, quantile_name
from tputtui.views.lines import Line, plain
from tputtui.views.processes import processes
from tputtui.views.routes import routes
from tputtui.views.saturation import saturation
from tputtui.views.scene import PANELS, PanelName, PanelView, Scene, unit_of
from tputtui.views.targets import targets
from tputtui.views.throughput import CHART_WIDTH, chart_rows, throughput

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp

CHART_STEP_S = 3.0  # a chart costs 5 ms to build: on a short axis its points lie no closer than this
LISTS: tuple[PanelName, ...] = ("targets", "routes", "processes")
SORTS: dict[str, tuple[str, ...]] = {
    "processes": ("pid", "name", "cpu", "rss", "threads"),
    "targets": ("name", "rps", "p99", "age", "state"),
}


class LiveScreen(Screen[None]):
    """Where one lives: everything else comes back to it."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "time", "live"))]

    def __init__(self) -> None:
        super().__init__()
        self._chart: tuple[plot.Chart, tuple[Line, ...]] | None = None
        self._scatter: tuple[plot.Scatter, tuple[Line, ...]] | None = None
        self._plan: arrangement.Plan | None = None
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

    def on_resize(self, event: events.Resize) -> None:
        """A new size is a new arrangement."""
        self._plan = None
        self.call_after_refresh(self.desk.show_scene)
        self.lay_out(self.desk.scene(), event.size.width, event.size.height)

    def lay_out(self, scene: Scene | None, width: int, height: int) -> None:
        """Give each panel the place that `views.arrangement` plans for it; only when the plan changed."""
        plan = arrangement.plan(scene, width, height, self._zoomed)
        if plan == self._plan:
            return
        self._plan = plan
        with self.app.batch_update():
            for row in ("top", "bottom"):
                shown = [panel for panel in arrangement.ROWS[row] if panel in plan.heights]
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

    def show_scene(self, scene: Scene) -> None:
        """Hand every visible panel its view."""
        size = self.size
        self.lay_out(scene, size.width, size.height)
        if self._plan is not None:
            # What is not shown is not read, unless somebody asked for a process to profile.
            self.desk.source.want_processes("processes" in self._plan.heights or bool(self._profile_wanted))
        if self._plan is None or self._plan.too_small:
            self.query_one("#too-small", Panel).show(arrangement.too_small(size.width, size.height))
            return
        if self._profile_wanted and scene.snapshot.processes is not None:
            self.call_later(self._profile, self._profile_wanted == "ask")
        self.query_one("#header", LineBar).show_line(header(scene, size.width))
        for name in PANELS:
            panel = self.query_one(f"#{name}", Panel)
            if not panel.display or panel.size.width < 10 or panel.size.height < 1:
                continue
            view = self._view(name, scene, panel.size.width, panel.size.height)
            panel.show(view)
            if view.list is not None:
                self.desk.keep_list(name, view.list)
        if self._plan.event_line:
            self.query_one("#event-line", LineBar).show_line(event_line(scene, size.width))
        if not self.query_one(Prompt).display:
            hints = keys.hints(("live", "time", "everywhere"), self.desk.settings.keys)
            self.query_one("#footer", LineBar).show_line(footer(hints, scene.viewpoint.status, size.width))

    def _view(self, name: PanelName, scene: Scene, width: int, height: int) -> PanelView:
        if name == "throughput":
            return throughput(scene, width, height, self._draw_chart(scene, width, height))
        if name == "latency":
            return latency(scene, width, height, self._draw_scatter(scene, width, height))
        return _VIEWS[name](scene, width, height)

    def _draw_chart(self, scene: Scene, width: int, height: int) -> tuple[Line, ...] | None:
        """The plotext chart, rebuilt only when what it shows has changed."""
        rows = chart_rows(height)
        service = scene.service
        if service is None or service.traffic is None or width < CHART_WIDTH or rows < 6:
            return None
        span = scene.viewpoint.shown_span_s
        # The newest column is still filling: left out, so that the chart stands until its axis advances.
        values = tuple(scene.past(names.traffic(service.name), min(width - 6, int(span / CHART_STEP_S)))[:-1])
        if all(value is None for value in values):
            return None
        chart = plot.Chart(values, span, unit_of(service), width, rows, self.desk.settings.ascii, scene.axis_end)
        if self._chart is None or self._chart[0] != chart:
            self._chart = (chart, plot.draw(chart))
        if scene.viewpoint.cursor is None:
            return self._chart[1]
        end, moment = scene.viewpoint.cursor
        return plot.marked(self._chart[1], 1 - (end - moment) / span)

    def _draw_scatter(self, scene: Scene, width: int, height: int) -> tuple[Line, ...] | None:
        """Throughput against latency, beside the latency where there is room; rebuilt when a point is added."""
        service = scene.service
        if service is None or service.traffic is None or service.latency is None or not has_scatter(width, height):
            return None
        if not service.latency.quantiles:
            return None
        tail, columns = service.latency.quantiles[-1].q, min(60, int(scene.viewpoint.shown_span_s / CHART_STEP_S))
        pairs = zip(
            scene.past(names.traffic(service.name), columns)[:-1],
            scene.past(names.latency(service.name, tail), columns)[:-1],
            strict=True,
        )
        points = tuple((rps, late) for rps, late in pairs if rps is not None and late is not None)
        if not points:
            return None
        shown = plot.Scatter(
            points,
            unit_of(service),
            quantile_name(tail),
            service.latency.unit,
            SCATTER[0],
            height - 1,
            self.desk.settings.ascii,
        )
        if self._scatter is None or self._scatter[0] != shown:
            self._scatter = (shown, plot.scatter(shown))
        return self._scatter[1]

    # ------------------------------------------------------------------------------------------ moving about

    def action_panel(self, number: int) -> None:
        """1 to 7: focus a panel by number."""
        if number <= len(PANELS):
            self._focus(PANELS[number - 1])

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
        current = self.desk.viewpoint.focus
        at = order.index(current) + step if current in order else (0 if step > 0 else -1)
        self._focus(order[at % len(order)])

    def do_zoom_panel(self) -> None:
        """z."""
        self._zoomed = None if self._zoomed is not None else (self.desk.viewpoint.focus or "throughput")
        self.desk.look(focus=self._zoomed or self.desk.viewpoint.focus)

    def _list_panel(self) -> PanelName:
        """The list that arrows move in: the focused one, else the processes, else what is there."""
        focus = self.desk.viewpoint.focus
        if focus in LISTS:
            return focus
        names: tuple[PanelName, ...] = ("processes", "routes", "targets")
        return next((name for name in names if self.query_one(f"#{name}").display), "processes")

    def action_move(self, rows: int) -> None:
        """Arrows and pages move the cursor of the list in focus; it stays with its row's key."""
        panel = self._list_panel()
        if self._plan is not None and panel not in self._plan.heights:
            return
        scene = self.desk.scene()
        if scene is None:
            return
        widget = self.query_one(f"#{panel}", Panel)
        whole = self._view(panel, scene, widget.size.width, 5000)  # every row, to find the neighbour by key
        order = [key for key in whole.keys if key is not None]
        if not order:
            return
        state = self.desk.viewpoint.list(panel)
        if state.cursor in order:
            at = max(0, min(len(order) - 1, order.index(state.cursor) + rows))
        else:
            at = 0 if rows > 0 else len(order) - 1
        self._set_cursor(panel, order[at])

    def _set_cursor(self, panel: PanelName, key: Hashable) -> None:
        self.desk.keep_list(panel, replace(self.desk.viewpoint.list(panel), cursor=key))
        changes: dict[str, object] = {"focus": panel}
        if panel == "targets":
            latest = self.desk.latest
            owner = next((s.name for s in (latest.services if latest else ()) if key in s.targets), None)
            changes["service"] = owner
            lens = self.desk.viewpoint.lens
            if lens is not None and lens.service != owner:
                self.desk.source.look_through(None)
                changes["lens"] = None
        self.desk.look(**changes)

    def action_sideways(self, _step: int) -> None:
        """Left and right have no meaning in these lists."""

    def action_open(self) -> None:
        """Enter: on a process, as `p`; on a route or a replica, only that is shown, until Esc."""
        focus = self.desk.viewpoint.focus
        if focus == "processes":
            self.desk.action_do("profile")
        elif focus in ("routes", "targets"):
            self._look_through(focus, self.desk.viewpoint.list(focus).cursor)

    def _look_through(self, panel: PanelName, chosen: Hashable | None) -> None:
        from tputtui.signals.lens import Lens

        scene = self.desk.scene()
        service = scene.service if scene is not None else None
        if scene is None or service is None or chosen is None:
            self.desk.say("choose a row first: the arrows")
            return
        before = scene.looks_through or Lens(service.name)
        if panel == "routes":
            labels = {**dict(before.labels), **dict(cast("Labels", chosen))}
            lens = replace(before, labels=tuple(sorted(labels.items())))
        else:
            lens = replace(before, target=str(chosen))
            whole = next((one for one in scene.snapshot.services if one.name == before.service), service)
            if len(whole.targets) < 2:
                self.desk.say(f"{text.clean(str(chosen), 60)} is no replica of another: it is shown already")
                return
        self.desk.look_through(lens)
        self.desk.say(f"only {text.clean(lens.what, 100)}: Esc shows all")

    @on(Panel.Clicked)
    def _clicked(self, event: Panel.Clicked) -> None:
        if event.panel in PANELS:
            panel = event.panel
            if event.key is not None and panel in LISTS:
                self._set_cursor(panel, event.key)
            else:
                self._focus(panel)

    @on(Panel.Scrolled)
    def _scrolled(self, event: Panel.Scrolled) -> None:
        if event.panel in LISTS:
            self.desk.look(focus=event.panel)
            self.action_move(event.rows)

    # ------------------------------------------------------------------------------------------ lists

    def do_filter(self) -> None:
        """/: keep the rows that contain a word, while it is typed."""
        panel = self._list_panel()
        before = self.desk.viewpoint.list(panel)

        def changed(words: str) -> None:
            self.desk.keep_list(panel, replace(self.desk.viewpoint.list(panel), filter=words.strip(), top=0))
            self.desk.look(focus=panel)

        def done(words: str | None) -> None:
            self.query_one("#footer").display = True
            if words is None:
                self.desk.keep_list(panel, before)
                self.desk.look()
            else:
                changed(words)

        self.query_one("#footer").display = False
        self.query_one(Prompt).ask(f"filter {panel}: a word in the row; Enter keeps, Esc gives up", done, changed)

    def do_clear(self) -> None:
        """Esc: the filters go; without any, what was looked at alone is all again."""
        filtered = [panel for panel in LISTS if self.desk.viewpoint.list(panel).filter]
        for panel in filtered:
            self.desk.keep_list(panel, replace(self.desk.viewpoint.list(panel), filter=""))
        if not filtered and self.desk.viewpoint.lens is not None:
            self.desk.look_through(None)
        self.desk.look(status="")

    def do_next(self) -> None:
        """n."""
        self.action_move(1)

    def do_previous(self) -> None:
        """N."""
        self.action_move(-1)

    def do_sort_left(self) -> None:
        """<."""
        self._sort(-1)

    def do_sort_right(self) -> None:
        """>."""
        self._sort(1)

    def _sort(self, step: int) -> None:
        panel = self._list_panel()
        order = SORTS.get(panel) or self.desk.route_sorts()
        state = self.desk.viewpoint.list(panel)
        default = {"processes": "cpu", "routes": "rps", "targets": ""}[panel]
        now = state.sort or default
        at = order.index(now) + step if now in order else 0
        self.desk.keep_list(panel, replace(state, sort=order[at % len(order)], top=0))
        self.desk.look(focus=panel)

    def do_invert(self) -> None:
        """I."""
        panel = self._list_panel()
        state = self.desk.viewpoint.list(panel)
        self.desk.keep_list(panel, replace(state, inverted=not state.inverted, top=0))
        self.desk.look(focus=panel)

    def do_copy(self) -> None:
        """y: the row under the cursor, else the focused panel, goes to the terminal's clipboard (OSC 52)."""
        panel = self.query_one(f"#{self.desk.viewpoint.focus or self._list_panel()}", Panel)
        view = panel.view
        lines = [view.lines[view.cursor]] if view.cursor is not None else list(view.lines)
        self.app.copy_to_clipboard("\n".join(plain(line).rstrip() for line in lines).strip())
        self.desk.say(f"copied {len(lines)} line{'s' if len(lines) != 1 else ''}")

    # ------------------------------------------------------------------------------------------ acting

    def do_profile(self) -> None:
        """p: sample the chosen process; with none chosen, the one that is offered first. In the past: what was taken."""
        if self.desk.timeline.behind_s > 0:
            here = self.desk.profile_here()
            if here is None:
                self.desk.say("no profile was taken at that moment: 0 goes back to now, where p takes one")
            else:
                self.desk.open_profile(here)
            return
        self._profile(ask=False)

    def do_profile_options(self) -> None:
        """P: the same, after its options."""
        self._profile(ask=True)

    def _profile(self, ask: bool) -> None:
        latest = self.desk.latest
        if latest is None or latest.processes is None:
            self._profile_wanted = "ask" if ask else "now"
            self.desk.say("looking for the process to profile")
            return
        self._profile_wanted = ""
        chosen = self.desk.viewpoint.list("processes").cursor
        process = next((p for p in latest.processes if p.identity == chosen), None)
        if chosen is None:
            process = offered(latest)
        if process is None:
            self.desk.say("that process has ended: choose another" if chosen else "no process to profile")
            return
        self.desk.profile(process, ask)

    def do_follow(self) -> None:
        """F: keep the chosen process in the first row, or let it go."""
        self.desk.follow(self.desk.viewpoint.list("processes").cursor)


_VIEWS: dict[PanelName, Callable[[Scene, int, int], PanelView]] = {
    "throughput": throughput,
    "latency": latency,
    "saturation": saturation,
    "targets": targets,
    "routes": routes,
    "processes": processes,
    "events": events_view,
}

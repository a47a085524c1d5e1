"""The profile pane's screen: samples a process, lets the tree grow, moves in it. The strip above stays live."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.screen import Screen

from tputtui import text
from tputtui.model import ProcessState
from tputtui.profiling.capture import Capture, CaptureFailed, Progress
from tputtui.profiling.categories import origin, waits
from tputtui.profiling.profile import Func, Profile
from tputtui.profiling.stacks import choose
from tputtui.profiling.tree import Shape, Tree
from tputtui.profiling.treeview import TreeView
from tputtui.tui import keys
from tputtui.tui.widgets.line import LineBar
from tputtui.tui.widgets.panel import Panel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.header import footer, header
from tputtui.views.profile import TABS, ProfilePane, Sampling, pane, strip
from tputtui.views.scene import Scene

if TYPE_CHECKING:
    from tputtui.tui.app import TputtuiApp


class Sampled(Message):
    """A capture's progress, from its own thread."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        super().__init__()

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, Sampled)


class ProfileScreen(Screen[None]):
    """Samples one process and shows where its time goes."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "profile", "time"))]
    CSS = "#pane { height: 1fr; }"

    def __init__(self, process: ProcessState) -> None:
        super().__init__()
        self._process = process
        self._pane = ProfilePane(Sampling(process.pid, process.name, 0.0, 0.0, 0))
        self._capture: Capture | None = None
        self._views: dict[str, TreeView] = {}
        self._found: tuple[int, ...] = ()
        self._zoomed = False

    @property
    def desk(self) -> TputtuiApp:
        """The app, by its own type."""
        return cast("TputtuiApp", self.app)

    @property
    def sampling(self) -> bool:
        """Whether a capture is under way."""
        return self._capture is not None and not self._pane.sampling.done

    def compose(self) -> ComposeResult:
        """Header, strip, pane, footer."""
        yield LineBar("header")
        yield LineBar("strip")
        yield Panel("pane")
        yield LineBar("footer")
        yield Prompt()

    def on_mount(self) -> None:
        """Start at once: pressing the key was the explicit act."""
        self._start()

    def on_unmount(self) -> None:
        """Nothing is left behind."""
        if self._capture is not None:
            self._capture.abort()

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out."""
        self.call_after_refresh(self.desk.show_scene)

    # ------------------------------------------------------------------------------------------ capturing

    def _start(self) -> None:
        profile = self.desk.settings.profile
        process = self._process
        self._capture = Capture(
            process.pid,
            process.started,
            duration_s=profile.duration_s,
            rate_hz=profile.rate_hz,
            on_progress=self._heard,
        )
        self._pane = replace(
            self._pane, sampling=Sampling(process.pid, process.name, 0.0, profile.duration_s, 0), profile=None
        )
        try:
            self._capture.start()
        except CaptureFailed as failed:
            self._pane = replace(self._pane, sampling=replace(self._pane.sampling, problem=str(failed), done=True))
        self.desk.show_scene()

    def _heard(self, progress: Progress) -> None:
        self.post_message(Sampled(progress))

    @on(Sampled)
    def _sampled(self, message: Sampled) -> None:
        progress = message.progress
        sampling = replace(
            self._pane.sampling,
            elapsed_s=progress.elapsed_s,
            samples=progress.samples,
            attached=progress.state in ("sampling", "done"),
            problem=progress.message,
            done=progress.state in ("done", "failed"),
        )
        self._pane = replace(self._pane, sampling=sampling)
        if progress.profile is not None and progress.profile is not self._pane.profile:
            self._grow(progress.profile)
        self.desk.show_scene()

    def _grow(self, profile: Profile) -> None:
        """A new slice: the same rows stay open, the cursor stays on its function."""
        old = self._pane.view
        path = old.path_at(self._pane.cursor) if old is not None and len(old) else None
        self._pane = replace(self._pane, profile=profile)
        for tab in list(self._views):
            if tab != self._pane.tab:
                del self._views[tab]
        view = self._make(profile, self._pane.tab, old)
        cursor = view.go_to(path) if path and len(view) else 0
        self._views[self._pane.tab] = view
        self._pane = replace(self._pane, view=view, cursor=cursor)

    def _make(self, profile: Profile, tab: str, like: TreeView | None) -> TreeView:
        tree = Tree(choose(profile), Shape(inverted=tab == "callers"))
        view = TreeView(tree, note=_note, like=like)
        if like is None and tab == "tree":
            view.open_hot()
        return view

    # ------------------------------------------------------------------------------------------ showing

    def show_scene(self, scene: Scene) -> None:
        """Hand the widgets their lines."""
        width = self.size.width
        if not self.query("#header"):
            return  # a tick came before the widgets
        self.query_one("#header", LineBar).show_line(header(scene, width))
        self.query_one("#strip", LineBar).show_line(strip(scene, width))
        panel = self.query_one("#pane", Panel)
        height = panel.size.height
        if height > 3:
            view = pane(self._pane, panel.size.width, height)
            panel.show(view)
        if not self.query_one(Prompt).display:
            hints = [("Enter", "open"), *keys.hints(("profile", "everywhere"), self.desk.settings.keys)]
            self.query_one("#footer", LineBar).show_line(footer(hints, scene.viewpoint.status, width))

    def _show(self, cursor: int) -> None:
        view = self._pane.view
        if view is None or not len(view):
            return
        room = max(1, self.query_one("#pane", Panel).size.height - 3)
        cursor = max(0, min(len(view) - 1, cursor))
        top = self._pane.top
        top = min(top, cursor)
        top = max(top, cursor - room + 1)
        self._pane = replace(self._pane, cursor=cursor, top=top)
        self.desk.show_scene()

    # ------------------------------------------------------------------------------------------ moving

    def action_move(self, rows: int) -> None:
        """Arrows and pages."""
        self._show(self._pane.cursor + rows)

    def action_open(self) -> None:
        """Enter: open or close."""
        view = self._pane.view
        if view is not None and len(view):
            self._show(view.toggle(self._pane.cursor))

    def action_sideways(self, step: int) -> None:
        """Right opens, then goes in; left closes, then goes out."""
        view = self._pane.view
        if view is None or not len(view):
            return
        at = self._pane.cursor
        if step > 0:
            if view.row(at).marker == "closed":
                view.expand(at)
                self._show(at)
            elif view.row(at).marker == "open":
                self._show(at + 1)
        else:
            self._show(view.collapse(at))

    def action_panel(self, number: int) -> None:
        """1, 2: the views of the profile."""
        if number > len(TABS) or self._pane.profile is None:
            return
        tab = TABS[number - 1][0]
        view = self._views.get(tab) or self._make(self._pane.profile, tab, None)
        self._views[tab] = view
        self._found = ()
        self._pane = replace(self._pane, tab=tab, view=view, cursor=0, top=0, found="")
        self.desk.show_scene()

    def do_focus_next(self) -> None:
        """Tab: the next view."""
        tabs = [tab for tab, _ in TABS]
        self.action_panel((tabs.index(self._pane.tab) + 1) % len(tabs) + 1)

    do_focus_previous = do_focus_next

    def do_zoom_panel(self) -> None:
        """z: the pane takes the strip's line, too."""
        self._zoomed = not self._zoomed
        self.query_one("#header").display = not self._zoomed
        self.query_one("#strip").display = not self._zoomed
        self.call_after_refresh(self.desk.show_scene)

    def do_hottest(self) -> None:
        """*: open the hottest path below the cursor."""
        view = self._pane.view
        if view is not None and len(view):
            self._show(view.open_hottest(self._pane.cursor))

    @on(Panel.Clicked)
    def _clicked(self, event: Panel.Clicked) -> None:
        if isinstance(event.key, int):
            if event.key == self._pane.cursor:
                self.action_open()
            else:
                self._show(event.key)

    @on(Panel.Scrolled)
    def _scrolled(self, event: Panel.Scrolled) -> None:
        self.action_move(event.rows)

    # ------------------------------------------------------------------------------------------ commands

    def do_quit(self) -> None:
        """q: back to the live screen; asks once while it samples."""
        if self.sampling and not self.desk.asked_to_quit:
            self.desk.asked_to_quit = True
            self.desk.say("still sampling: q again gives it up, Esc stops and keeps what there is")
            return
        self.desk.asked_to_quit = False
        self.app.pop_screen()
        self.desk.call_after_refresh(self.desk.show_scene)

    def do_clear(self) -> None:
        """Esc: stop the capture and keep what there is; else clear the search."""
        if self.sampling and self._capture is not None:
            self._capture.stop()
            self.desk.say("stopping: what was sampled stays")
            return
        self._found = ()
        self._pane = replace(self._pane, found="")
        self.desk.look(status="")

    def do_profile(self) -> None:
        """p: sample the same process again."""
        if self.sampling:
            self.desk.say("it is being sampled already: Esc stops")
        else:
            self._start()

    def do_filter(self) -> None:
        """/: search functions and files."""
        view = self._pane.view
        if view is None or not len(view):
            return

        def done(words: str | None) -> None:
            self.query_one("#footer").display = True
            if words:
                found = view.search(words)
                self._found = found.nodes
                share = text.percent(found.coverage * 100, 1)
                self._pane = replace(self._pane, found=f"“{words}”: {len(found.nodes)} found, {share} % of the time")
                self._to_match(1)
            self.desk.show_scene()

        self.query_one("#footer").display = False
        self.query_one(Prompt).ask("search functions and files", done)

    def do_next(self) -> None:
        """n."""
        self._to_match(1)

    def do_previous(self) -> None:
        """N."""
        self._to_match(-1)

    def _to_match(self, step: int) -> None:
        view = self._pane.view
        if view is None or not self._found:
            self.desk.say("nothing matches: / searches")
            return
        here = view.node_at(self._pane.cursor)
        order = sorted(self._found)
        later = [node for node in order if node > here] if step > 0 else [node for node in order if node < here]
        target = (later[0] if step > 0 else later[-1]) if later else (order[0] if step > 0 else order[-1])
        self._show(view.reveal(target))

    def do_copy(self) -> None:
        """y: the function under the cursor with its file and line."""
        view = self._pane.view
        if view is None or not len(view):
            return
        row = view.row(self._pane.cursor)
        self.app.copy_to_clipboard(f"{row.name} {row.file}:{row.line}")
        self.desk.say(f"copied {row.name} {row.file}:{row.line}")

    def do_export(self) -> None:
        """e: the profile as a speedscope file."""
        profile = self._pane.profile
        if profile is None or self.desk.settings.read_only:
            self.desk.say("nothing to export yet" if profile is None else "read-only: no file is written")
            return
        from tputtui.profiling.formats import save

        folder = self.desk.place.state_folder / "profiles"
        path = folder / f"{self._process.pid}-{time.strftime('%Y%m%d-%H%M%S')}.speedscope.json"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            save(profile, path)
        except OSError as error:
            self.desk.say(f"not saved: {path}: {error.strerror}")
        else:
            self.desk.saved.append(str(path))
            self.desk.say(f"saved {path}: opens in speedscope")


def _note(func: Func) -> str | None:
    """A word beside a function's name: that it waits, or that it is not the user's own code."""
    if waits(func):
        return "waiting"
    return "library" if origin(func.file) == "library" else None

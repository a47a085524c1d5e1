"""The profile pane's screen: samples a process, lets the tree grow, moves in its views. The strip above stays live."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from tputtui.profiling.capture.capture import CaptureFailedError
from tputtui.profiling.files.library import LibraryEntry
from tputtui.profiling.profile_errors import UnreadableProfileError
from tputtui.signals.service.serving_processes import service_of
from tputtui.tui import keys
from tputtui.tui.profile.profile_menus import OpenedProfile, ProfileMenuCommands
from tputtui.tui.profile.sampler import ProcessSampler, SampledProcess, SamplerUpdate
from tputtui.tui.profile.source_loader import SourceLoader
from tputtui.tui.widgets.line_bar import LineBar
from tputtui.tui.widgets.panel import Panel
from tputtui.tui.widgets.profile_panel import ProfilePanel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live.header import footer, header
from tputtui.views.profile.capture_options import CapturePlan, from_settings
from tputtui.views.profile.option_menus import LibraryMenu, OptionsMenu
from tputtui.views.profile.profile_header import SamplingStatus, evidence, strip
from tputtui.views.profile.profile_pane import ProfilePane, RenderedPane, pane
from tputtui.views.profile.profile_view import ProfileView
from tputtui.views.shared.frame import Frame


class ProfileScreen(ProfileMenuCommands):
    """Samples one process and shows where its time goes; or opens a profile that was taken before."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings(("everywhere", "profile", "time", "live"))]
    CSS = "#pane { height: 1fr; }"

    def __init__(
        self,
        subject: SampledProcess | None = None,
        *,
        opened: OpenedProfile | None = None,
        plan: CapturePlan | None = None,
        ask: bool = False,
        refusal: str = "",
    ) -> None:
        """A process to sample, by `plan` or as the settings say, or with `ask` after its options; or `opened`.

        `refusal`: why no process is sampled, a sentence too long for the line at the bottom.
        """
        super().__init__(subject, plan, ProfileView())
        self._opened = opened
        self._ask = ask
        self._refusal = refusal
        self._sampling = SamplingStatus(
            subject.pid if subject else 0, subject.name if subject else "", problem=refusal, done=subject is None
        )
        self._sampler: ProcessSampler | None = None
        self._waiting: SamplerUpdate | None = None  # came while the picture is frozen
        self._sources = SourceLoader(self)
        self._offered: tuple[tuple[int, str], ...] = ()
        self._cursor = 0  # of what is offered
        self._zoomed = False

    @property
    def sampling(self) -> bool:
        """Whether a capture is under way."""
        return self._sampler is not None and self._sampler.running

    def compose(self) -> ComposeResult:
        """Header, strip, pane, footer."""
        yield LineBar("header")
        yield LineBar("strip")
        yield ProfilePanel("pane")
        yield LineBar("footer")
        yield Prompt()

    def on_mount(self) -> None:
        """Start at once: pressing the key was the explicit act."""
        if self.desk.alone:
            self.do_zoom_panel()
        if self._opened is not None:
            self.open(self._opened)
        elif self._ask:
            self.do_profile_options()
        elif not self._refusal:
            self._start()

    def on_unmount(self) -> None:
        """Nothing is left behind."""
        if self._sampler is not None:
            self._sampler.abort()

    def on_resize(self, _event: events.Resize) -> None:
        """Lay out."""
        self.call_after_refresh(self.desk.show_scene)

    # ------------------------------------------------------------------------------------------ profiles come in

    def _start(self) -> None:
        subject = self._subject
        if subject is None:
            self.desk.say("this profile is from a file: there is no process to sample")
            return
        plan = self._plan or from_settings(self.desk.settings.profile)
        self._book, self._menu, self._entry, self._offered = ProfileView(plan.knobs), None, None, ()
        self._sampling = SamplingStatus(subject.pid, subject.name, duration_s=plan.duration_s)
        self.desk.profiles.note_sampled(subject.pid, subject.started)
        self._sampler = ProcessSampler(
            self.post_message, self.desk.profiles.shelf, self.desk.profiles.categories, self.desk.profiles.kept
        )
        try:
            self._sampler.start(subject, plan)
        except CaptureFailedError as failed:
            self._sampling = SamplingStatus(subject.pid, subject.name, problem=str(failed), done=True)
        self.desk.show_scene()

    @on(SamplerUpdate)
    def _sampled(self, message: SamplerUpdate) -> None:
        if message.sampler is not self._sampler:
            return  # of the worker before: it is kept, and no longer shown
        progress = message.progress
        name, pid = self._sampling.name, self._sampling.pid
        self._sampling = SamplingStatus(
            pid, name, progress.elapsed_s, self._sampling.duration_s,
            attached=progress.state in ("sampling", "done"), problem=progress.message, done=progress.state in ("done", "failed"),
        )  # fmt: skip
        self._offered = message.offered
        if message.entry is not None:
            self._entry = message.entry
        if message.study is not None:
            self._waiting = message
        self._take_waiting()
        self.desk.show_scene()

    def _take_waiting(self) -> None:
        """The newest slice, unless the picture is frozen: collecting goes on, what is shown stands still."""
        if self._waiting is not None and self._waiting.study is not None and not self.desk.timeline.frozen:
            self._book.take(self._waiting.study)
            self._waiting = None

    def open(self, opened: OpenedProfile) -> None:
        """Show a profile that was taken before."""
        about = opened.profile.about
        self._book, self._menu, self._waiting, self._entry = ProfileView(), None, None, opened.entry
        self._sampling = SamplingStatus(0, about.label or about.name, problem=about.ended, done=True)
        maker = ProcessSampler(
            self.post_message, self.desk.profiles.shelf, self.desk.profiles.categories, self.desk.profiles.kept
        )
        self._book.take(maker.study(opened.profile, opened.before))
        self.desk.show_scene()

    def open_entry(self, entry: LibraryEntry) -> None:
        """Show a profile of the shelf."""
        try:
            self.open(OpenedProfile(self.desk.profiles.shelf.read(entry), entry=entry))
        except UnreadableProfileError as error:
            self.desk.say(str(error))

    # ------------------------------------------------------------------------------------------ showing

    def show_scene(self, scene: Frame) -> None:
        """Hand the widgets their lines."""
        width = self.size.width
        if not self.query("#header"):
            return  # a tick came before the widgets
        self._take_waiting()
        own = None
        if self._subject is not None:
            own = service_of(scene.snapshot, self._subject.pid, self._subject.started)
        if self._sampler is not None:
            self._sampler.evidence = evidence(own)
        self.query_one("#header", LineBar).show_line(header(scene, width))
        self.query_one("#strip", LineBar).show_line(strip(scene, width, own))
        panel = self.query_one("#pane", ProfilePanel)
        if panel.size.height > 3:
            panel.draw(self._drawn(panel.size.width, panel.size.height))
        if not self.query_one(Prompt).display:
            usual = [
                ("Enter", "choose" if self._book.tab == "threads" else "open"),
                *keys.hints(("profile", "everywhere"), self.desk.settings.keys),
            ]
            if not self.desk.alone:
                usual[-1] = (usual[-1][0], "back")
            hints = self.hints or usual
            self.query_one("#footer", LineBar).show_line(footer(hints, scene.viewpoint.status, width))

    def _drawn(self, width: int, height: int) -> RenderedPane:
        if self._menu is not None:
            return RenderedPane(self._menu.view(width, height), reach=width)
        book = self._book
        return pane(
            ProfilePane(
                self._sampling, book.study, book.tab, book.page, self._sources.text(book, self._subject), book.found, book.crumbs,
                self._offered if book.study is None else (), self._cursor,
            ),
            width,
            height,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ moving

    def action_move(self, rows: int) -> None:
        """Arrows and pages."""
        if self._menu is not None:
            self._menu.move(rows)
        elif self._book.page is not None:
            self._book.page.move(rows)
        elif self._offered:
            self._cursor = max(0, min(len(self._offered) - 1, self._cursor + rows))
        self.desk.show_scene()

    def action_open(self) -> None:
        """Enter: open, zoom, choose; in a list, what its first line says."""
        if isinstance(self._menu, OptionsMenu):
            self._plan = self._menu.plan
            self._start()
        elif isinstance(self._menu, LibraryMenu):
            self.compare(self._menu.chosen)
        elif self._book.study is None and self._offered:
            pid, command = self._offered[self._cursor]
            self._subject = SampledProcess(pid, None, command)
            self._start()
        else:
            self.say(self._book.enter())

    def action_sideways(self, step: int) -> None:
        """Right opens, then goes in; left closes, then goes out."""
        if isinstance(self._menu, LibraryMenu):
            if step > 0 and self._menu.chosen is not None:
                self.open_entry(self._menu.chosen)
        elif self._menu is not None:
            self._menu.sideways(step)
        elif self._book.page is not None:
            self._book.page.sideways(step)
        self.desk.show_scene()

    @on(Panel.Clicked)
    def _clicked(self, event: Panel.Clicked) -> None:
        if not isinstance(event.key, int):
            return
        if self._menu is not None:
            self._menu.point(event.key)
        elif self._book.page is not None and self._book.page.point(event.key):
            self._book.enter()
        self.desk.show_scene()

    @on(Panel.Scrolled)
    def _scrolled(self, event: Panel.Scrolled) -> None:
        self.action_move(event.rows)

    # ------------------------------------------------------------------------------------------ commands

    def do_zoom_panel(self) -> None:
        """z: the pane takes the lines above it, too."""
        if self.desk.alone and self._zoomed:
            self.desk.say("it has the whole screen already")
            return
        self._zoomed = not self._zoomed
        self.query_one("#header").display = not self._zoomed
        self.query_one("#strip").display = not self._zoomed
        self.call_after_refresh(self.desk.show_scene)

    def do_quit(self) -> None:
        """q: out of a list, then back to the live screen; asks once while it samples."""
        if self._menu is not None and self._book.study is not None:
            self._menu = None
            self.desk.show_scene()
            return
        if self.sampling and not self.desk.asked_to_quit:
            self.desk.asked_to_quit = True
            self.desk.say("still sampling: q again ends it, and what was sampled is kept; Esc stops it and stays here")
            return
        self.desk.asked_to_quit = False
        if self.desk.alone:
            self.app.exit(0)
            return
        self.app.pop_screen()
        self.desk.call_after_refresh(self.desk.show_scene)

    def do_clear(self) -> None:
        """Esc: out of a list; stop the capture and keep what there is; else clear the search."""
        if self._menu is not None:
            if self._book.study is None and self._sampler is None:
                self.app.pop_screen()  # nothing was sampled, and nothing will be
            self._menu = None
            self.desk.show_scene()
        elif self.sampling and self._sampler is not None:
            self._sampler.stop()
            self.desk.say("stopping: what was sampled stays")
        else:
            self._book.search("")
            self.desk.look(status="")

    def do_profile(self) -> None:
        """p: sample the service's next worker; where there is no other, the same process again."""
        if self._refusal:
            self.app.pop_screen()
            self.desk.call_after_refresh(self.desk.action_do, "profile")
            return
        subject = self._subject
        choice = self.desk.profiles.next_worker(subject.pid, subject.started) if subject is not None else None
        if choice is None or choice.process is None:
            if self.sampling:
                self.desk.say("it is being sampled already: Esc stops")
            else:
                self._start()
            return
        if self._sampler is not None:
            self._sampler.stop()  # what was sampled of it is kept
        self._subject = SampledProcess.of(choice.process)
        self._start()
        self.desk.profiles.announce(choice)

"""Profile screen: samples a process and shows its profile while it grows, below a live strip."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import BindingType

from tputtui.model import ProcessReference, ServiceState
from tputtui.profiling.capture.capture import CaptureFailedError
from tputtui.profiling.files.library import LibraryEntry
from tputtui.profiling.profile_model import UnreadableProfileError
from tputtui.signals.rates.past import PastNames
from tputtui.signals.service.serving_processes import find_service
from tputtui.tui.commands import COMMANDS, CommandId, Handlers
from tputtui.tui.keys import bindings, footer_hints
from tputtui.tui.profile.profile_commands import OpenedProfile, ProfileMenuCommands
from tputtui.tui.profile.profile_workers import (
    ProcessSampler,
    SampledProcess,
    SamplerUpdate,
    SourceLoader,
)
from tputtui.tui.widgets.panel import LineBar, Panel
from tputtui.tui.widgets.profile_panel import ProfilePanel
from tputtui.tui.widgets.prompt import Prompt
from tputtui.views.live.header import footer_line, header_line
from tputtui.views.profile import profile_header
from tputtui.views.profile.option_menus import CapturePlan, LibraryMenu, OptionsMenu, default_plan
from tputtui.views.profile.profile_header import SamplingStatus
from tputtui.views.profile.profile_pane import ProfilePane, RenderedPane, render_pane
from tputtui.views.profile.profile_view import ProfileView
from tputtui.views.shared.frame import Frame

if TYPE_CHECKING:
    from tputtui.tui.profile.profile_session import ProfileSession


class ProfileScreen(ProfileMenuCommands):
    """Screen of one process that is sampled, or of a profile that was taken before."""

    AUTO_FOCUS = ""  # the prompt gets it when it asks
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(("everywhere", "profile", "time", "live"))]
    CSS = "#pane { height: 1fr; }"

    def __init__(
        self,
        profiles: ProfileSession,
        process: SampledProcess | None = None,
        *,
        opened: OpenedProfile | None = None,
        plan: CapturePlan | None = None,
        with_options: bool = False,
        refusal: str = "",
    ) -> None:
        """Create the screen of a process to sample, or of an opened profile.

        Args:
            profiles: the profile session.
            process: to sample, by `plan` or by the settings.
            opened: profile to show instead.
            plan: of the capture.
            with_options: ask for the options first.
            refusal: why no process is sampled, a sentence too long for the status line.

        """
        super().__init__(profiles, ProfileView(), process, plan)
        self._opened_profile = opened
        self._shows_options = with_options
        self._refusal = refusal
        self._sampling_status = SamplingStatus(
            process.identity.pid if process else 0,
            process.name if process else "",
            problem=refusal,
            is_done=process is None,
        )
        self._sampler: ProcessSampler | None = None
        self._pending_update: SamplerUpdate | None = None  # arrived while the picture is frozen
        self._source_loader = SourceLoader(self, self.session)
        self._candidates: tuple[tuple[ProcessReference, str], ...] = ()
        self._cursor = 0  # among the candidates
        self._is_zoomed = False

    def handlers(self) -> Handlers:
        """Map each command to its method."""
        return {
            **super().handlers(),
            CommandId.ZOOM_PANEL: self.toggle_zoom,
            CommandId.QUIT: self.quit,
            CommandId.CLEAR: self.clear,
            CommandId.PROFILE: self.take_profile,
        }

    @property
    def is_sampling(self) -> bool:
        """Whether a capture is running."""
        return self._sampler is not None and self._sampler.is_running

    def compose(self) -> ComposeResult:
        """Compose header, strip, pane and footer."""
        yield LineBar("header")
        yield LineBar("strip")
        yield ProfilePanel("pane")
        yield LineBar("footer")
        yield Prompt()

    def on_mount(self) -> None:
        """Start at once: the key was the explicit request."""
        if self.session.is_standalone:
            self.toggle_zoom()
        if self._opened_profile is not None:
            self.open(self._opened_profile)
        elif self._shows_options:
            self.ask_options()
        elif not self._refusal:
            self._start()

    def on_unmount(self) -> None:
        """End a running capture."""
        if self._sampler is not None:
            self._sampler.abort()

    def on_resize(self, _event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.session.show_frame)

    # ----------------------------------------------------------------------------- profiles come in

    def _start(self) -> None:
        process = self._process
        if process is None:
            self.session.show_status("this profile is from a file: there is no process to sample")
            return
        plan = self._plan or default_plan(self.session.settings.profile)
        self.profile_view, self._menu, self._entry, self._candidates = (
            ProfileView(plan.filters),
            None,
            None,
            (),
        )
        self._sampling_status = SamplingStatus(
            process.identity.pid, process.name, duration_s=plan.duration_s
        )
        self._profiles.note_sampled(process.identity)
        self._sampler = ProcessSampler(
            self.post_message,
            self._profiles.library,
            self._profiles.categories,
            self._profiles.on_saved,
        )
        try:
            self._sampler.start(process, plan)
        except CaptureFailedError as failed:
            self._sampling_status = SamplingStatus(
                process.identity.pid, process.name, problem=str(failed), is_done=True
            )
        self.session.show_frame()

    @on(SamplerUpdate)
    def _handle_update(self, message: SamplerUpdate) -> None:
        if message.sampler is not self._sampler:
            return  # of the worker before: saved, and no longer shown
        progress = message.progress
        name, pid = self._sampling_status.name, self._sampling_status.pid
        self._sampling_status = SamplingStatus(
            pid,
            name,
            progress.elapsed_s,
            self._sampling_status.duration_s,
            is_attached=progress.state in ("sampling", "done"),
            problem=progress.message,
            is_done=progress.state in ("done", "failed"),
        )
        self._candidates = message.candidates
        if message.entry is not None:
            self._entry = message.entry
        if message.analysis is not None:
            self._pending_update = message
        self._apply_pending()
        self.session.show_frame()

    def _apply_pending(self) -> None:
        """Show the newest samples, unless the picture is frozen."""
        if (
            self._pending_update is not None
            and self._pending_update.analysis is not None
            and not self.session.timeline.is_frozen
        ):
            self.profile_view.update(self._pending_update.analysis)
            self._pending_update = None

    def open(self, opened: OpenedProfile) -> None:
        """Show a profile that was taken before."""
        about = opened.profile.metadata
        self.profile_view, self._menu, self._pending_update, self._entry = (
            ProfileView(),
            None,
            None,
            opened.entry,
        )
        self._sampling_status = SamplingStatus(
            0, about.label or about.name, problem=about.ended, is_done=True
        )
        sampler = ProcessSampler(
            self.post_message,
            self._profiles.library,
            self._profiles.categories,
            self._profiles.on_saved,
        )
        self.profile_view.update(sampler.analyze(opened.profile, opened.before))
        self.session.show_frame()

    def open_entry(self, entry: LibraryEntry) -> None:
        """Show a profile of the library."""
        try:
            self.open(OpenedProfile(self._profiles.library.load_profile(entry), entry=entry))
        except UnreadableProfileError as error:
            self.session.show_status(str(error))

    # -------------------------------------------------------------------------------------- showing

    def past_names(self, frame: Frame) -> PastNames:
        """Names of what the strip draws of the past."""
        return profile_header.strip_past_names(frame, self._own_service(frame))

    def _own_service(self, frame: Frame) -> ServiceState | None:
        """Return the service that the profiled process serves; None for a profile of a file."""
        process = self._process
        return find_service(frame.snapshot, process.identity) if process is not None else None

    def show_frame(self, frame: Frame) -> None:
        """Show the lines of each widget."""
        width = self.size.width
        if not self.query("#header"):
            return  # a tick came before the widgets
        self._apply_pending()
        own = self._own_service(frame)
        if self._sampler is not None:
            self._sampler.evidence = profile_header.queue_evidence(own)
        self.query_one("#header", LineBar).show_line(header_line(frame, width))
        self.query_one("#strip", LineBar).show_line(profile_header.strip_line(frame, width, own))
        panel = self.query_one("#pane", ProfilePanel)
        if panel.size.height > 3:
            panel.show_pane(self._rendered_pane(panel.size.width, panel.size.height))
        if not self.query_one(Prompt).display:
            hints = self.menu_hints or self._tab_hints()
            self.query_one("#footer", LineBar).show_line(
                footer_line(hints, frame.view_state.status, width)
            )

    def _tab_hints(self) -> list[tuple[str, str]]:
        """Return (key, label) for the footer: only keys that do something in the open tab."""
        tab = self.profile_view.tab_spec
        commands = [
            command for command in COMMANDS if command.id != CommandId.FILTER or tab.is_searchable
        ]
        hints = footer_hints(("profile", "everywhere"), self.session.settings.keys, commands)
        if not self.session.is_standalone:
            hints[-1] = (hints[-1][0], "back")
        return [("Enter", tab.enter_label), *hints] if tab.enter_label else hints

    def _rendered_pane(self, width: int, height: int) -> RenderedPane:
        if self._menu is not None:
            return RenderedPane(self._menu.view(width, height), cursor_width=width)
        view = self.profile_view
        process = self._process.identity if self._process is not None else None
        pane = ProfilePane(
            self._sampling_status,
            view.analysis,
            view.tab_name,
            view.current_tab,
            self._source_loader.text(view, process),
            view.search_status,
            view.breadcrumbs,
            self._candidates if view.analysis is None else (),
            self._cursor,
        )
        return render_pane(pane, width, height)

    # --------------------------------------------------------------------------------------- moving

    def action_move(self, rows: int) -> None:
        """Move the cursor by rows."""
        if self._menu is not None:
            self._menu.move(rows)
        elif self.profile_view.current_tab is not None:
            self.profile_view.current_tab.move(rows)
        elif self._candidates:
            self._cursor = max(0, min(len(self._candidates) - 1, self._cursor + rows))
        self.session.show_frame()

    def action_open(self) -> None:
        """Open, zoom or choose the row under the cursor."""
        if isinstance(self._menu, OptionsMenu):
            self._plan = self._menu.plan
            self._start()
        elif isinstance(self._menu, LibraryMenu):
            self.compare(self._menu.selected_entry)
        elif self.profile_view.analysis is None and self._candidates:
            process, command = self._candidates[self._cursor]
            self._process = SampledProcess(process, command)
            self._start()
        else:
            self.show_message(self.profile_view.open_selected())

    def action_sideways(self, step: int) -> None:
        """Open and go in (right), or close and go out (left)."""
        if isinstance(self._menu, LibraryMenu):
            if step > 0 and self._menu.selected_entry is not None:
                self.open_entry(self._menu.selected_entry)
        elif self._menu is not None:
            self._menu.sideways(step)
        elif self.profile_view.current_tab is not None:
            self.profile_view.current_tab.sideways(step)
        self.session.show_frame()

    @on(Panel.Clicked)
    def _handle_click(self, event: Panel.Clicked) -> None:
        if not isinstance(event.key, int):
            return
        if self._menu is not None:
            self._menu.click(event.key)
        elif self.profile_view.current_tab is not None and self.profile_view.current_tab.click(
            event.key
        ):
            self.profile_view.open_selected()
        self.session.show_frame()

    @on(Panel.Scrolled)
    def _handle_scroll(self, event: Panel.Scrolled) -> None:
        self.action_move(event.rows)

    # ------------------------------------------------------------------------------------- commands

    def toggle_zoom(self) -> None:
        """Give the pane the lines above it, too, or restore them."""
        if self.session.is_standalone and self._is_zoomed:
            self.session.show_status("it has the whole screen already")
            return
        self._is_zoomed = not self._is_zoomed
        self.query_one("#header").display = not self._is_zoomed
        self.query_one("#strip").display = not self._is_zoomed
        self.call_after_refresh(self.session.show_frame)

    def quit(self) -> None:
        """Close a menu, else go back to the live screen; ask once while sampling."""
        if self._menu is not None and self.profile_view.analysis is not None:
            self._menu = None
            self.session.show_frame()
            return
        if self.is_sampling and not self.session.is_quit_pending:
            self.session.is_quit_pending = True
            self.session.show_status(
                "still sampling: q again ends it, and what was sampled is kept;"
                " Esc stops it and stays here"
            )
            return
        self.session.is_quit_pending = False
        if self.session.is_standalone:
            self.app.exit(0)
            return
        self.app.pop_screen()
        self.app.call_after_refresh(self.session.show_frame)

    def clear(self) -> None:
        """Close a menu, else stop the capture and keep its samples, else clear the search."""
        if self._menu is not None:
            if self.profile_view.analysis is None and self._sampler is None:
                self.app.pop_screen()  # nothing was sampled, and nothing will be
            self._menu = None
            self.session.show_frame()
        elif self.is_sampling and self._sampler is not None:
            self._sampler.stop()
            self.session.show_status("stopping: what was sampled stays")
        else:
            self.profile_view.search("")
            self.session.update_view(status="")

    def take_profile(self) -> None:
        """Sample the service's next worker; without another, the same process again."""
        if self._refusal:
            self.app.pop_screen()
            self.app.call_after_refresh(self.session.run_command, CommandId.PROFILE)
            return
        process = self._process
        choice = self._profiles.next_worker(process.identity) if process is not None else None
        if choice is None or choice.process is None:
            if self.is_sampling:
                self.session.show_status("it is being sampled already: Esc stops")
            else:
                self._start()
            return
        if self._sampler is not None:
            self._sampler.stop()  # what was sampled of it is kept
        self._process = SampledProcess.of(choice.process)
        self._start()
        self._profiles.announce(choice)

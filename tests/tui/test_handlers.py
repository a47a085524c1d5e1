"""Every command has a handler wherever its key is bound, and every handler has a command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from fake_source import create_app, wait_until_stable
from test_profile_screen import profile

from tputtui.profiling.files.pstats_file import PstatsProfile
from tputtui.tui.app import TputtuiApp
from tputtui.tui.browser.browser_screen import BrowserScreen
from tputtui.tui.commands import COMMANDS, CommandId
from tputtui.tui.keys import command_action
from tputtui.tui.profile.profile_commands import OpenedProfile
from tputtui.tui.profile.profile_screen import ProfileScreen
from tputtui.tui.profile.pstats_screen import PstatsScreen
from tputtui.tui.session_screen import SessionScreen

NO_MEANING: dict[str, set[CommandId]] = {
    "live": set(),
    "profile": {CommandId.FOLLOW},
    "browser": {
        CommandId.FOCUS_NEXT,
        CommandId.FOCUS_PREVIOUS,
        CommandId.ZOOM_PANEL,
        CommandId.SORT_LEFT,
        CommandId.SORT_RIGHT,
        CommandId.INVERT,
    },
    "pstats": {
        CommandId.DIFFERENCE,
        CommandId.FOCUS,
        CommandId.FOCUS_NEXT,
        CommandId.FOCUS_PREVIOUS,
        CommandId.HOTTEST,
        CommandId.INVERT,
        CommandId.LINES,
        CommandId.METRIC,
        CommandId.OWN_CODE,
        CommandId.SORT_LEFT,
        CommandId.SORT_RIGHT,
        CommandId.THREADS,
        CommandId.UNFOLD,
    },
}
"""Commands whose key is bound on a screen that has no use for it: the status line says so."""


@asynccontextmanager
async def app_with(name: str) -> AsyncIterator[TputtuiApp]:
    app = create_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await wait_until_stable(app, pilot)
        if name == "profile":
            app.push_screen(ProfileScreen(app.profile_session, opened=OpenedProfile(profile())))
        elif name == "browser":
            app.push_screen(BrowserScreen(app.session, None, app.engine_commands.toggle_chart))
        elif name == "pstats":
            app.push_screen(PstatsScreen(app.session, PstatsProfile("a.prof", (), 0)))
        await pilot.pause()
        yield app


def bound(app: TputtuiApp) -> set[CommandId]:
    """Return the commands whose keys are bound on the screen in front."""
    actions = {binding.binding.action for binding in app.screen.active_bindings.values()}
    return {command.id for command in COMMANDS if command_action(command.id) in actions}


def handled(app: TputtuiApp) -> set[CommandId]:
    return {command for handlers in app.handlers_in_order() for command in handlers}


def test_the_table_has_each_command_once() -> None:
    assert [command.id for command in COMMANDS] == list(CommandId)


@pytest.mark.parametrize("name", NO_MEANING)
async def test_each_command_has_a_handler_on_each_screen_that_binds_its_key(name: str) -> None:
    async with app_with(name) as app:
        assert bound(app) - handled(app) == NO_MEANING[name]
        assert bound(app), "the screen in front binds keys"


@pytest.mark.parametrize("name", NO_MEANING)
async def test_a_screen_has_no_handler_for_a_key_that_it_does_not_bind(name: str) -> None:
    async with app_with(name) as app:
        assert isinstance(app.screen, SessionScreen)
        assert app.screen.handlers().keys() <= bound(app)


async def test_each_command_has_a_handler_somewhere() -> None:
    commands: set[CommandId] = set()
    for name in NO_MEANING:
        async with app_with(name) as app:
            commands |= handled(app)
    assert commands == set(CommandId)


def test_commands_of_all_screens_have_one_handler() -> None:
    app = create_app()
    tables = [
        app.handlers(),
        app.time_commands.handlers(),
        app.engine_commands.handlers(),
        app.panel_commands.handlers(),
        app.recording_commands.handlers(),
        app.baseline_commands.handlers(),
    ]
    commands = [command for table in tables for command in table]
    assert sorted(commands) == sorted(set(commands))

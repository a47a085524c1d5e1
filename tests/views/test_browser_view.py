"""Panels of the browser: exact size, harmless foreign text, and correct config lines."""

from __future__ import annotations

import time
from array import array
from math import nan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pane_checks import assert_fills_area

from tputtui.engine.family_browser import Families
from tputtui.scrape.address import parse_address
from tputtui.settings.config_reader import Validators, parse_config
from tputtui.signals.service.family_table import SIGNALS, FamilyRow, FamilyValues
from tputtui.views.browser.metric_browser import (
    CHART,
    BrowserState,
    browser_panel,
    config_lines,
    detail_panel,
    matching_indices,
    refusal_reason,
)
from tputtui.views.shared.family_units import format_family_value
from tputtui.views.shared.styled_text import line_text

EVIL = "\x1b]52;c;x\x07[/red][@click=app.quit]\u202e漢字" + "z" * 5000
ROWS = (
    FamilyRow("db_pool_in_use", "gauge", "Connections in use.", series=1),
    FamilyRow(
        "http_request_duration_seconds",
        "histogram",
        "How long.",
        series=120,
        labels=("route",),
        is_counter=True,
    ),
    FamilyRow(
        "http_requests_total",
        "counter",
        "Requests by route.",
        series=36,
        labels=("route", "status"),
        is_counter=True,
    ),
    FamilyRow("process_resident_memory_bytes", "gauge", "Resident.", series=1),
    FamilyRow(EVIL, EVIL, EVIL, EVIL, 1, (EVIL, EVIL)),
)
VALUES = array("d", [18.0, 96_000.0, 96_000.0, 5e7, nan])
RATES = array("d", [nan, 612.0, 612.5, nan, nan])


def families(**changes: Any) -> Families:
    fields: dict[str, Any] = {
        "target": "web-01",
        "at": 100.0,
        "family_values": FamilyValues(ROWS, VALUES, RATES),
        "signals_by_family": {"http_requests_total": ("traffic", "errors")},
        "replica_targets": (("web-01", "http://127.0.0.1:8000/metrics"),),
    }
    return Families(**{**fields, **changes})


CHOSEN = {
    "traffic": {"family": "jobs_total"},
    "errors": {"family": "http_requests_total", "label": "status"},
}


def browser_state(**changes: Any) -> BrowserState:
    fields: dict[str, Any] = {
        "target": "web-01",
        "families": families(),
        "matches": range(len(ROWS)),
        "cursor": 2,
        "history": [None, 1.0, 2.0, 3.0],
    }
    return BrowserState(**{**fields, **changes})


LOOKS = (
    browser_state(),
    browser_state(families=None, matches=()),
    browser_state(matches=(), cursor=None, query=EVIL),
    browser_state(
        cursor=4,
        query=EVIL,
        target=EVIL,
        families=families(overrides={"traffic": {"family": EVIL}}),
    ),
    browser_state(
        choice_index=1,
        families=families(
            overrides=CHOSEN, replica_targets=((EVIL, EVIL),) * 9, hidden_series=70_000
        ),
    ),
    browser_state(cursor=99),
)


@settings(max_examples=80, deadline=None)
@given(width=st.integers(40, 220), height=st.integers(1, 60), which=st.sampled_from(LOOKS))
def test_both_panels_fill_their_area_without_control_characters(
    width: int, height: int, which: BrowserState
) -> None:
    for view in (browser_panel(which, width, height), detail_panel(which, width, height)):
        assert_fills_area(view.lines, width, height)


def test_a_row_shows_the_type_the_series_and_the_current_figure() -> None:
    lines = [line_text(line).rstrip() for line in browser_panel(browser_state(), 100, 8).lines]
    assert lines[4].split() == [
        "http_requests_total",
        "counter",
        "36",
        "612.5",
        "/s",
        "traffic,",
        "errors",
    ]
    assert lines[5].split() == ["process_resident_memory_bytes", "gauge", "1", "47.7", "MiB"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1_795_618_785.0, ("25 Nov 14:59", "UTC")), (1e300, ("01 Jan 00:00", "UTC"))],
)
def test_a_timestamp_is_shown_as_a_time_and_not_as_a_duration(
    value: float, shown: tuple[str, str]
) -> None:
    assert format_family_value(FamilyRow("process_start_time_seconds", "gauge"), value) == shown


def test_the_detail_shows_help_labels_and_the_last_figures() -> None:
    shown = "\n".join(
        line_text(line).rstrip() for line in detail_panel(browser_state(), 80, 9).lines
    )
    for fragment in (
        "Requests by route.",
        "labels  route, status",
        "feeds   traffic, errors",
        "612.5 /s   in all 96,000",
    ):
        assert fragment in shown
    assert "█" in shown


def test_signals_that_a_family_cannot_feed_are_marked_in_advance() -> None:
    shown = "\n".join(
        line_text(line).rstrip()
        for line in detail_panel(browser_state(cursor=0, choice_index=1), 90, 9).lines
    )
    assert "▸ traffic     a gauge is a level: only what counts can be traffic" in shown
    assert all(slot in shown for slot in SIGNALS)
    assert "chart       a panel on the live screen" in shown


def test_a_family_without_a_measurement_cannot_be_charted() -> None:
    assert (
        refusal_reason(CHART, FamilyRow("build_info", "info", series=1))
        == "describes, and measures nothing"
    )
    assert (
        refusal_reason(CHART, FamilyRow("later_total", "counter", is_counter=True))
        == "has no series yet"
    )
    assert [refusal_reason(CHART, row) for row in ROWS[:4]] == [None] * 4


def test_the_charted_family_is_marked_in_the_list_and_in_its_detail() -> None:
    charted = browser_state(charted=("web-01", "db_pool_in_use"), cursor=0)
    row = next(
        line_text(line)
        for line in browser_panel(charted, 100, 9).lines
        if "db_pool_in_use" in line_text(line)
    )
    assert "chart" in row
    assert "feeds   chart" in "\n".join(map(line_text, detail_panel(charted, 90, 9).lines))
    elsewhere = browser_state(charted=("web-02", "db_pool_in_use"), cursor=0)
    assert "feeds   nothing yet" in "\n".join(map(line_text, detail_panel(elsewhere, 90, 9).lines))


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("", "db_pool_in_use"),
        ("http_req", "http_request_duration_seconds"),
        ("total req", "http_requests_total"),
        ("hrtotal", "http_requests_total"),
        ("connections", "db_pool_in_use"),
    ],
)
def test_the_search_is_fuzzy_and_the_best_comes_first(query: str, first: str) -> None:
    assert ROWS[matching_indices(query, ROWS)[0]].name == first


def test_a_search_without_a_match_has_no_rows() -> None:
    assert matching_indices("qqqq", ROWS) == []
    assert matching_indices("(.*", ROWS) == []


def test_twenty_thousand_families_are_searched_and_drawn_without_a_visible_wait() -> None:
    rows = tuple(
        FamilyRow(f"app_module{n % 97}_thing{n}_total", "counter", "Things done.", series=2)
        for n in range(20_000)
    )
    figures = FamilyValues(rows, array("d", [1.0]) * 20_000, array("d", [1.0]) * 20_000)
    began = time.process_time()
    indices = matching_indices("mod9 thng", rows)
    big = browser_state(
        families=families(family_values=figures), matches=indices, cursor=len(indices) - 1
    )
    view = browser_panel(big, 120, 40)
    spent = time.process_time() - began
    assert view.cursor == 39
    assert spent < 2.0, (
        "50 ms where it was measured; a scan of all rows at each line would take minutes"
    )


def test_the_config_lines_are_read_by_the_config() -> None:
    targets = (
        ("web-01", "http://127.0.0.1:8000/metrics"),
        ("web 2 \x1b[31m", "http://10.0.0.2:8000/metrics"),
    )
    lines = config_lines(families(overrides=CHOSEN, replica_targets=targets))
    values = parse_config(
        "\n".join(lines), "config.toml", Validators(check_url=parse_address)
    ).values["targets"]
    assert [target.name for target in values] == [name for name, _ in targets]
    assert [target.bindings for target in values] == [CHOSEN, CHOSEN]


def test_without_a_choice_there_are_no_config_lines() -> None:
    assert config_lines(families()) == []
    assert "to keep it" not in "\n".join(
        map(line_text, detail_panel(browser_state(), 120, 12).lines)
    )
    assert "to keep it" in "\n".join(
        map(
            line_text,
            detail_panel(browser_state(families=families(overrides=CHOSEN)), 120, 12).lines,
        )
    )

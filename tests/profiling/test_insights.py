"""Each rule gives a sentence with figures where it applies, and none where it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tputtui.profiling.analysis import insights
from tputtui.profiling.analysis.stacks import select_stacks
from tputtui.profiling.profile_model import Profile, ProfileThread

ProfileFactory = Callable[..., Profile]
LIB = "/usr/lib/python3.12"
SITE = "/v/lib/python3.12/site-packages"
WAIT = f"wait@{LIB}/threading.py"
CONDITION = f"Condition.wait@{LIB}/threading.py"
IDLE = f"<module>;get@{LIB}/queue.py;{CONDITION}"

SAID = {
    "cpu-bound": (
        "main;work 95 95\nmain;other 5 1",
        "CPU-bound: the GIL is held 96 % of the time, one core is all this process uses.",
    ),
    "gil": (
        f"main;rank 30 29\n{IDLE} 70",
        "30.0 % ±0.0 is computed in rank, holding the GIL 97 % of that: threads will not make it faster, processes can.",
    ),
    "lock": (
        f"main;acquire;{CONDITION} 40\nmain;work 60",
        "40.0 % ±0.0 of the time is spent waiting for a lock in acquire; pool db is at 20 of 20 and 3 wait.",
    ),
    "database": (
        f"main;load;execute@{SITE}/psycopg/cursor.py;{WAIT} 25\nmain;work 75",
        "25.0 % ±0.0 of the time is spent in the database client psycopg, called from load; pool db is at 20 of 20 and 3 wait.",
    ),
    "outbound": (
        f"main;ask;get@{SITE}/requests/api.py;read@{LIB}/ssl.py 30\nmain;work 70",
        "30.0 % ±0.0 of the time is spent in outbound calls by requests, called from ask.",
    ),
    "serialization": (
        f"main;answer;dumps@{LIB}/json/__init__.py;encode@{LIB}/json/encoder.py 20\nmain;work 80",
        "20.0 % ±0.0 of the time is spent in serialization (json), called from answer.",
    ),
}

SILENT = {
    "cpu-bound": "main;work 95 60\nmain;other 5 1",
    "gil": f"main;rank 30 9\n{IDLE} 70",  # it computes, but releases the GIL
    "gil that is mostly free": f"main;rank 15 15\n{IDLE} 85",
    "lock": f"{IDLE} 90\nmain;Event.wait@{LIB}/threading.py;{CONDITION} 5\nmain;work 5",  # idle workers, a timer
    "database": f"main;psycopg;{WAIT} 25\nmain;work 75",  # a function of our own with that name
    "outbound": f"main;ask;get@{SITE}/requests/api.py 5\nmain;work 95",  # too little
    "serialization": "main;json@/srv/app/json/thing.py 50\nmain;work 50",  # a module of our own with that name
}


@pytest.mark.parametrize("rule", SAID)
def test_each_rule_fires_on_its_case(rule: str, profile_of: ProfileFactory) -> None:
    text, sentence = SAID[rule]
    findings = insights.profile_insights(
        select_stacks(profile_of(*[text] * 5)), evidence="pool db is at 20 of 20 and 3 wait"
    )
    assert {finding.rule: finding.text for finding in findings}[rule] == sentence  # type: ignore[index]


@pytest.mark.parametrize("rule", SILENT)
def test_each_rule_is_silent_on_the_harmless_twin(rule: str, profile_of: ProfileFactory) -> None:
    findings = insights.profile_insights(select_stacks(profile_of(*[SILENT[rule]] * 5)))
    assert rule.split(maxsplit=1)[0] not in {finding.rule for finding in findings}


def test_no_spread_is_shown_below_five_slices(profile_of: ProfileFactory) -> None:
    findings = insights.profile_insights(select_stacks(profile_of(SAID["lock"][0])))
    assert [finding.text for finding in findings] == [
        "40.0 % of the time is spent waiting for a lock in acquire."
    ]


def test_at_most_three_sentences_the_largest_first(profile_of: ProfileFactory) -> None:
    text = "\n".join(
        (
            f"main;acquire;{CONDITION} 24",
            f"main;load;execute@{SITE}/psycopg/cursor.py 22",
            f"main;ask;get@{SITE}/requests/api.py 20",
            f"main;answer;dumps@{LIB}/json/__init__.py 18",
            "main;work 16",
        )
    )
    findings = insights.profile_insights(select_stacks(profile_of(*[text] * 5)))
    assert [finding.rule for finding in findings] == ["lock", "database", "outbound"]


def test_an_idle_process_has_no_insights(profile_of: ProfileFactory) -> None:
    assert insights.profile_insights(select_stacks(profile_of(*[f"{IDLE} 100"] * 5))) == []
    assert insights.profile_insights(select_stacks(profile_of())) == []


BUSY = "main;work 95 95\nmain;other 5 1"


@pytest.mark.parametrize(
    ("load", "rules"),
    [
        (None, ["cpu-bound", "gil"]),  # not measured
        (insights.CpuLoad(0.97, 0.02), ["cpu-bound", "gil"]),
        (insights.CpuLoad(0.13, 0.82), ["starved"]),
        (
            insights.CpuLoad(0.13, None),
            [],
        ),  # it held the GIL and did not run: the data give no reason
        (insights.CpuLoad(0.13, 0.1), []),
        (
            insights.CpuLoad(0.6, 0.35),
            [],
        ),  # less than a core, but waiting was not longer than running
    ],
)
def test_a_process_that_waits_for_a_cpu_is_not_cpu_bound(
    load: insights.CpuLoad | None, rules: list[str], profile_of: ProfileFactory
) -> None:
    findings = insights.profile_insights(select_stacks(profile_of(*[BUSY] * 5)), load=load)
    assert [finding.rule for finding in findings] == rules
    if rules == ["starved"]:
        assert findings[0].text == (
            "Kept from running: it had 13 % of a core, and was ready for another 82 %: others had the CPU, or a limit of its own."
        )


def test_the_load_of_a_profile_is_that_of_all_its_threads(profile_of: ProfileFactory) -> None:
    profile = profile_of(BUSY, BUSY)
    assert insights.cpu_load(profile) is None
    first_thread, two = ProfileThread(1, 1), ProfileThread(1, 2)
    loaded = tuple(
        replace(
            part,
            cpu_shares={first_thread: 0.06, two: 0.07},
            ready_shares={first_thread: 0.4, two: 0.5},
        )
        for part in profile.slices
    )
    load = insights.cpu_load(replace(profile, slices=loaded))
    assert load is not None
    assert load.cpus_used == pytest.approx(0.13)
    assert load.cpus_lacked == pytest.approx(0.9)


def test_every_rule_has_both_tests() -> None:
    tested = {*SAID, "starved"}
    assert (
        len(insights.RULES)
        == len(tested)
        == len({rule.split()[0] for rule in SILENT} | {"starved"})
    )

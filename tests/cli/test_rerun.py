"""`record --like RUN`: repeats targets, interval, duration and objectives; compares the load."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from recorded_runs import ADDRESS, record

from tputtui.cli.parser import UsageError
from tputtui.cli.rerun import RerunPlan, read_rerun_plan
from tputtui.model import Target
from tputtui.recording.records import RunHeader, RunSummary, ServiceSummary
from tputtui.settings import Settings, TargetSettings

HEADER = RunHeader(
    "00" * 8,
    0,
    0.0,
    0.0,
    0.0,
    0.0,
    2.0,
    30.0,
    quantiles=(0.5, 0.95),
    objectives=("p99<=250ms",),
    by=("route",),
    for_s=60.0,
)
BEFORE = ServiceSummary("api", mean=200.0, routes={"/a": 0.7, "/b": 0.3}, burstiness=1.0)


def rerun_plan(summary: RunSummary | None = None, header: RunHeader = HEADER) -> RerunPlan:
    targets = (Target("api", "http://127.0.0.1:1/metrics", "shop"),)
    return RerunPlan(header, targets, summary or RunSummary(42.4, services=(BEFORE,)))


def test_it_takes_targets_interval_window_quantiles_objectives_and_labels() -> None:
    settings = rerun_plan().apply_to(Settings(), has_targets=False)
    assert (settings.interval_s, settings.window_s) == (2.0, 30.0)
    assert (settings.quantiles, settings.objectives, settings.by) == (
        (0.5, 0.95),
        ("p99<=250ms",),
        ("route",),
    )
    assert [(target.name, target.url, target.service) for target in settings.targets] == [
        ("api", "http://127.0.0.1:1/metrics", "shop")
    ]


def test_the_command_line_overrides_the_run() -> None:
    own = Settings(
        interval_s=5.0,
        objectives=("rps>=1",),
        origins={"interval": "flag --interval", "objectives": "flag --objective"},
    )
    settings = rerun_plan().apply_to(
        replace(own, targets=(TargetSettings(name="x", url="http://h/m"),)), has_targets=True
    )
    assert (settings.interval_s, settings.window_s, settings.objectives) == (5.0, 30.0, ("rps>=1",))
    assert [target.name for target in settings.targets] == ["x"]


def test_the_config_file_does_not_override_the_run() -> None:
    settings = rerun_plan().apply_to(
        Settings(interval_s=5.0, origins={"interval": "/etc/tputtui.toml:3"}), has_targets=False
    )
    assert settings.interval_s == 2.0


def test_a_target_of_the_config_is_scraped_with_the_config_s_settings() -> None:
    known = TargetSettings(
        name="other", url="http://127.0.0.1:1/metrics", headers={"Authorization": "Bearer x"}
    )
    (target,) = rerun_plan().apply_to(Settings(targets=(known,)), has_targets=False).targets
    assert target.headers == {"Authorization": "Bearer x"}
    assert target.name == "api"


@pytest.mark.parametrize(("for_s", "length"), [(60.0, 60.0), (None, 42.0)])
def test_it_lasts_as_long_as_the_run_was_planned_to_or_did(
    for_s: float | None, length: float
) -> None:
    assert rerun_plan(header=replace(HEADER, for_s=for_s)).duration_s == length


def verdict(**now: object) -> str:
    return "\n".join(
        rerun_plan().describe_load_match(RunSummary(60.0, services=(replace(BEFORE, **now),)))  # type: ignore[arg-type]
    )


def test_the_same_load_is_reported_as_the_same() -> None:
    assert verdict(mean=199.0) == "the load mirrored that of the run it is like (100 % of its rate)"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"mean": 150.0}, "the rate was 25"),
        ({"mean": 260.0}, "higher"),
        ({"mean": None}, "one of them had no traffic"),
        ({"routes": {"/a": 0.4, "/b": 0.6}}, "the mix of routes differs"),
        ({"burstiness": 5.0}, "more bursty"),
        ({"burstiness": 0.2}, "less bursty"),
    ],
)
def test_a_different_load_is_reported_with_the_differences(
    now: dict[str, object], expected: str
) -> None:
    output = verdict(**now)
    assert "did not mirror" in output
    assert expected in output


def test_without_traffic_there_is_nothing_to_compare() -> None:
    assert "cannot be compared" in rerun_plan().describe_load_match(RunSummary())[0]


def test_a_run_gives_its_targets_without_credentials(tmp_path: Path) -> None:
    record(tmp_path / "a", 10)
    settings = read_rerun_plan(str(tmp_path / "a"))
    assert [target.name for target in settings.targets] == ["api"]
    assert "secret" not in settings.targets[0].url
    assert "secret" in ADDRESS
    assert settings.summary.services[0].name == "api"


def test_a_run_without_targets_cannot_be_repeated(tmp_path: Path) -> None:
    record(tmp_path / "a", 3, rates={})
    with pytest.raises(UsageError, match="has no targets"):
        read_rerun_plan(str(tmp_path / "a"))


def test_targets_that_differ_only_in_a_secret_are_matched_by_their_names() -> None:
    urls = ("http://h:1/m?token=s3cr3t-A", "http://h:1/m?token=s3cr3t-B")
    recorded = tuple(Target(name, "http://h:1/m?token=***") for name in ("h:1", "h:1#2"))
    configured = tuple(
        TargetSettings(left.name, url) for left, url in zip(recorded, urls, strict=True)
    )
    again = RerunPlan(HEADER, recorded[::-1], RunSummary())
    settings = again.apply_to(Settings(targets=configured), has_targets=False)
    assert [(target.name, target.url) for target in settings.targets] == [
        ("h:1#2", urls[1]),
        ("h:1", urls[0]),
    ]


def test_an_address_recorded_without_its_secret_is_not_scraped_as_recorded() -> None:
    again = RerunPlan(HEADER, (Target("api", "http://h:1/m?token=***"),), RunSummary())
    renamed = TargetSettings("other", "h:1/m?token=s3cr3t-A")
    (settings,) = again.apply_to(Settings(targets=(renamed,)), has_targets=False).targets
    assert (settings.name, settings.url) == ("api", renamed.url)
    twins = (renamed, TargetSettings("third", "h:1/m?token=s3cr3t-B"))
    for configured in ((), twins):
        with pytest.raises(UsageError, match=r"without its secrets: name the targets"):
            again.apply_to(Settings(targets=configured), has_targets=False)

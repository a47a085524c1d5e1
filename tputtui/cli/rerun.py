"""Repetition of a recording (`record --like RUN`), and a check that the load was the same."""

from __future__ import annotations

from dataclasses import replace

from tputtui.cli.parser import UsageError
from tputtui.cli.user_files import open_run
from tputtui.frozen import frozen
from tputtui.model import Target
from tputtui.recording.records import WatchedTarget
from tputtui.recording.run_header import RunHeader, RunSummary
from tputtui.recording.summary import main_service
from tputtui.recording.workload import describe_load_differences
from tputtui.settings import Settings, TargetSettings
from tputtui.text import clean, format_percent
from tputtui.text.learned_secrets import HIDDEN
from tputtui.text.redaction import redact_url


@frozen
class RerunPlan:
    """Recorded run that a recording repeats."""

    header: RunHeader
    targets: tuple[Target, ...]
    summary: RunSummary

    @property
    def duration_s(self) -> float:
        """Return the planned duration, else the actual one."""
        return self.header.for_s or max(1.0, round(self.summary.seconds))

    def apply_to(self, settings: Settings, *, has_targets: bool) -> Settings:
        """Return the settings with the run's interval, window, quantiles, objectives and targets,
        except explicit ones.

        A run contains no credentials: a target known to the config file, by name or address, is
        requested as configured there. `has_targets`: targets were named on the command line.
        """
        explicit = {
            key
            for key, origin in settings.origins.items()
            if origin.startswith(("flag ", "environment "))
        }
        header = self.header
        changes: dict[str, object] = {}
        if "interval" not in explicit:
            changes["interval_s"] = header.interval_s
        if "window" not in explicit:
            changes["window_s"] = header.window_s
        if "quantiles" not in explicit:
            changes["quantiles"] = header.quantiles
        if "objectives" not in explicit:
            changes["objectives"] = header.objectives
        if "by" not in explicit:
            changes["by"] = header.by
        if not has_targets:
            changes["targets"] = tuple(
                _target_settings(target, settings.targets) for target in self.targets
            )
        return replace(settings, **changes)  # type: ignore[arg-type]

    def describe_load_match(self, summary: RunSummary) -> list[str]:
        """Describe in a few lines whether the load matched the run's."""
        before, now = main_service(self.summary.services), main_service(summary.services)
        if before is None or now is None:
            return ["the load cannot be compared: one of the runs had no traffic"]
        differences = describe_load_differences(before, now)
        if not differences:
            share = (
                format_percent(100 * now.mean / before.mean) if before.mean and now.mean else "–"
            )
            return [f"the load mirrored that of the run it is like ({share} % of its rate)"]
        return [
            f"the load did not mirror that of the run it is like: {sentence}"
            for sentence in differences
        ]


def _target_settings(target: Target, configured: tuple[TargetSettings, ...]) -> TargetSettings:
    """Return a target as configured: by name, else by the only address that matches the recorded
    one.

    Raises UsageError if its address was recorded without its secrets and is not configured.
    """
    by_name = [candidate for candidate in configured if candidate.name == target.name]
    matches = by_name or [candidate for candidate in configured if _shown(candidate) == target.url]
    if by_name or len(matches) == 1:
        return replace(matches[0], name=target.name)
    if HIDDEN in target.url:
        raise UsageError(
            f"--like: the run has {clean(target.name, 80)} ({clean(target.url, 200)}) "
            "without its secrets: name the targets, or put it into the config"
        )
    return TargetSettings(name=target.name, url=target.url, service=target.service)


def _shown(target: TargetSettings) -> str:
    from tputtui.scrape.address import parse_address

    return redact_url(parse_address(target.address).url)


def read_rerun_plan(path: str) -> RerunPlan:
    """Read the plan from a run.

    Raises UsageError if the run cannot be read or names no target.
    """
    with open_run(path) as run:
        targets: dict[str, Target] = {}
        for item in run.items():
            if isinstance(item, WatchedTarget):
                targets.setdefault(item.target.name, item.target)
        if not targets:
            raise UsageError(f"{clean(path, 200)} has no targets: --like has nothing to take after")
        return RerunPlan(run.header, tuple(targets.values()), run.summary())

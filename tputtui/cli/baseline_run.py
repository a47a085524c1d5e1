"""Baseline of `--baseline RUN[@A..B]`: figures of a recorded run for comparison on the live
screen.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tputtui.cli.parser import UsageError
from tputtui.cli.user_files import open_run
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.recording.reader import Run
    from tputtui.views.shared.comparison_base import Baseline


def read_baseline(run_spec: str | None) -> Baseline | None:
    """Measure the baseline named on the command line; None without one.

    Raises UsageError with the problem.
    """
    if run_spec is None:
        return None
    from tputtui.cli.comparison_inputs import split_side_spec
    from tputtui.recording.time_spec import parse_time_spec

    path, span, service = split_side_spec(run_spec)
    if service is not None:
        raise UsageError(
            f"--baseline {clean(run_spec, 200)}: it is taken of all services: "
            f"leave :{clean(service, 60)} away"
        )
    with open_run(path) as run:
        marks = run.marks()
        try:
            since, until = (
                parse_time_spec(end, run.header, marks) if end else None
                for end in span or (None, None)
            )
        except ValueError as error:
            raise UsageError(f"--baseline {clean(run_spec, 200)}: {error}") from None
        return _measure_baseline(run_spec, path, run, since, until)


def _measure_baseline(
    run_spec: str, path: str, run: Run, since: float | None, until: float | None
) -> Baseline:
    """Compute means over rows as wide as those of the watch (`comparison_base.row_width_s`)."""
    from tputtui.engine.replay.replay_feed import replay_snapshots
    from tputtui.views.shared.comparison_base import (
        Baseline,
        figure_from_rows,
        row_width_s,
        snapshot_figures,
    )

    width = row_width_s(run.header.window_s, run.header.interval_s)
    rows: dict[str, dict[int, list[float]]] = {}
    units: dict[str, str | None] = {}
    for snapshot in replay_snapshots(run, since, until):
        if not snapshot.is_ready:
            continue
        for name, (value, unit) in snapshot_figures(snapshot).items():
            units[name] = unit
            rows.setdefault(name, {}).setdefault(int(snapshot.at // width), []).append(value)
    figures = {}
    for name, values_of_row in rows.items():
        means = [sum(values) / len(values) for values in values_of_row.values()]
        figure = figure_from_rows(means, width, units[name], is_from_run=True)
        if figure is not None:
            figures[name] = figure
    if not figures:
        raise UsageError(f"--baseline {clean(run_spec, 200)}: nothing was measured in it")
    return Baseline(
        f"vs {os.path.basename(path).removesuffix('.tput.gz')}{run_spec[len(path) :]}",
        figures,
        is_from_run=True,
    )

"""`--baseline RUN[@A..B]`: the figures of a recorded run, as the live screen showed them, to hold others against."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tputtui.cli.parser import UsageError
from tputtui.cli.run_file import opened
from tputtui.text import clean

if TYPE_CHECKING:
    from tputtui.recording.reader import Run
    from tputtui.views.shared.comparison_base import Baseline


def named(word: str | None) -> Baseline | None:
    """The baseline that the command line names; None without one. Raises UsageError: what is wrong with it."""
    if word is None:
        return None
    from tputtui.cli.comparison_inputs import parts
    from tputtui.recording.time_spec import moment

    path, span, service = parts(word)
    if service is not None:
        raise UsageError(
            f"--baseline {clean(word, 200)}: it is taken of all services: leave :{clean(service, 60)} away"
        )
    with opened(path) as run:
        marks = run.marks()
        try:
            since, until = (moment(end, run.header, marks) if end else None for end in span or (None, None))
        except ValueError as error:
            raise UsageError(f"--baseline {clean(word, 200)}: {error}") from None
        return _figures(word, path, run, since, until)


def _figures(word: str, path: str, run: Run, since: float | None, until: float | None) -> Baseline:
    """The means over rows as wide as the watch's (`views.baseline.row_s`)."""
    from tputtui.engine.replay.replay_feed import replayed
    from tputtui.views.shared.comparison_base import Baseline, base_of_span, figures_of, row_s

    width = row_s(run.header.window_s, run.header.interval_s)
    rows: dict[str, dict[int, list[float]]] = {}
    units: dict[str, str | None] = {}
    for snapshot in replayed(run, since, until):
        if not snapshot.ready:
            continue
        for name, (value, unit) in figures_of(snapshot).items():
            units[name] = unit
            rows.setdefault(name, {}).setdefault(int(snapshot.at // width), []).append(value)
    means = {name: [sum(row) / len(row) for row in found.values()] for name, found in rows.items()}
    held = {name: base_of_span(found, width, units[name], of_run=True) for name, found in means.items()}
    figures = {name: found for name, found in held.items() if found is not None}
    if not figures:
        raise UsageError(f"--baseline {clean(word, 200)}: nothing was measured in it")
    return Baseline(f"vs {os.path.basename(path).removesuffix('.tput.gz')}{word[len(path) :]}", figures, of_run=True)

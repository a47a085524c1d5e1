"""`tputtui runs [DIR]`: what was recorded there, as a table, in Markdown or as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

from tputtui import text
from tputtui.commands.arguments import Arguments, UsageError
from tputtui.commands.effective import effective
from tputtui.commands.table import columns
from tputtui.commands.terminal import tell
from tputtui.runs.codec import to_plain
from tputtui.runs.listing import Listed, comparable, folder, listed
from tputtui.views.lines import spark

_TREND = 12
_HEADINGS = ("run", "when", "length", "best 60 s", "p99", "errors", "cpu/req", "trend", "first", "hottest", "what")


def run(arguments: Arguments) -> int:
    """List the runs."""
    options = arguments.options
    where = Path(options.folder) if options.folder else folder()
    shown = text.clean(str(where), 200)
    try:
        found = listed(where)
    except FileNotFoundError:
        if options.folder:
            raise UsageError(f"{shown}: there is no such folder") from None
        found = []
    except OSError as error:
        raise UsageError(f"{shown}: {(error.strerror or str(error)).lower()}") from None
    if options.format == "json":
        for one in found:
            tell(json.dumps(_object(one), allow_nan=False, separators=(",", ":")))
        return 0
    rows = [_row(one, found) for one in found]
    plain = effective(arguments).settings.ascii
    if options.format == "markdown":
        tell("\n".join(_markdown(rows)), plain)
    elif not rows:
        tell(f"no runs in {shown}: R in the live screen, or tputtui record -o NAME.tput.gz, makes one", plain)
    else:
        tell("\n".join(columns([_HEADINGS, *rows], widest=34)), plain)
    return 0


def _row(one: Listed, others: Sequence[Listed]) -> tuple[str, ...]:
    name = text.clean(one.path.name.removesuffix(".tput.gz"), 60)
    header, summary, service = one.header, one.summary, one.service
    if header is None or summary is None:
        return (name, "", "", "", "", "", "", "", "", "", one.problem)
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(header.began_time))
    length = text.span(summary.seconds) + (" +" if one.ended else "")
    best = p99 = errors = cost = ""
    if service is not None:
        level = service.best_60s if service.best_60s is not None else service.mean
        best = " ".join(text.amount(level, service.unit))
        tail = service.quantiles.get("0.99")
        p99 = " ".join(text.amount(tail, service.latency_unit)) if tail is not None else text.UNKNOWN
        ratio = service.error_ratio
        errors = f"{text.percent(100 * ratio)} %" if ratio is not None else text.UNKNOWN
        spent = service.cpu_per_request_s
        cost = " ".join(text.seconds(spent)) if spent is not None else text.UNKNOWN
    experiment = header.experiment
    words = [experiment.get("hypothesis") or header.note, experiment.get("owner", ""), experiment.get("verdict", "")]
    what = " · ".join(word for word in words if word)
    return (
        name, when, length, best, p99, errors, cost, _trend(one, others), summary.first, summary.hottest, what,
    )  # fmt: skip


def _trend(one: Listed, others: Sequence[Listed]) -> str:
    """The best minutes of the comparable runs up to this one, as a line of bars."""
    header, service = one.header, one.service
    if header is None or service is None:
        return ""
    values = []
    for other in others:
        same = other.service
        if (
            other.header is not None
            and same is not None
            and same.name == service.name
            and comparable(header, other.header)
        ):
            values.append(same.best_60s if same.best_60s is not None else same.mean)
        if other is one:
            break
    return spark(values[-_TREND:])


def _markdown(rows: Sequence[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells) + " |"

    return [line(_HEADINGS), line(["---"] * len(_HEADINGS)), *map(line, rows)]


def _object(one: Listed) -> dict[str, object]:
    header = one.header
    if header is None:
        return {"path": str(one.path), "problem": one.problem}
    return {
        "path": str(one.path),
        "bytes": one.size,
        "began": header.began_time,
        "interval_s": header.interval_s,
        "ended": one.ended or None,
        "note": header.note or None,
        "experiment": dict(header.experiment),
        "environment": dict(header.environment),
        "summary": to_plain(one.summary),
    }

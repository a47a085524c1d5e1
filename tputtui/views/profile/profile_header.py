"""The profile pane's first lines: what was sampled and how well, the views, and one line for what matters now."""

from __future__ import annotations

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import ServiceState
from tputtui.profiling.analysis.categories import SHARES
from tputtui.signals.rates import history_keys
from tputtui.signals.service.bottleneck import first_to_saturate
from tputtui.views.live.latency_panel import figure, quantile_name
from tputtui.views.live.throughput_panel import error_role
from tputtui.views.profile.flame_tab import legend
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_tab import CATEGORY_WORDS, TABS
from tputtui.views.shared.frame import Frame, traffic_figure
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, bar, spark

WIDE = 100  # cells from which on titles are written out, and there is a detail beside the tree


@frozen
class SamplingStatus:
    """A capture under way, or how it ended. `pid` 0: the profile is from a file."""

    pid: int
    name: str
    elapsed_s: float = 0.0
    duration_s: float = 0.0
    attached: bool = False
    problem: str = ""  # a sentence: why there is nothing, or why it ended early
    done: bool = False


def strip(scene: Frame, width: int, own: ServiceState | None = None) -> Line:
    """req/s, p99, errors and what saturates first, each with its line: the load goes on above the profile.

    `own`: the service that the profiled process answers for. What saturates first is then one of its own resources or
    the host's, never another service's.
    """
    service = own or scene.service
    row = LineBuilder(width).at(1, "")
    if service is not None and service.traffic is not None:
        digits, unit = traffic_figure(service.traffic.rps, service.traffic.unit)
        row.then(digits, "strong").then(f" {unit} ", "dim")
        if width >= WIDE:
            row.then(spark(scene.past(history_keys.traffic(service.name), 18)), "data")
        row.then("   ")
    if service is not None and service.latency is not None and service.latency.quantiles:
        tail = service.latency.quantiles[-1]
        digits, unit = figure(tail, service.latency.unit)
        row.then(f"{quantile_name(tail.q)} ").then(digits, "strong").then(f" {unit} ", "dim")
        if width >= WIDE:
            row.then(spark(scene.past(history_keys.latency(service.name, tail.q), 18)), "data")
        row.then("   ")
    if service is not None and service.errors is not None:
        ratio = service.errors.ratio
        row.then("errors ").then(text.percent(None if ratio is None else ratio * 100), error_role(ratio))
        row.then(" %   ", "dim")
    resources = (*(own.saturation if own is not None else ()), *scene.snapshot.host_saturation)
    first = first_to_saturate(resources)
    if first is not None:
        row.then("first: ").then(f"{text.clean(first.name)}, {text.clean(first.reason)}", "strong")
    return row.line()


def evidence(own: ServiceState | None) -> str:
    """What a bound metric says of a queue in front of the process: "db pool is at 18 of 20 and 3 wait"."""
    waiting = [row for row in own.saturation if (row.waiting or 0) > 0] if own is not None else []
    if not waiting:
        return ""
    row = waiting[0]
    limit = f" of {text.number(row.limit)}" if row.limit is not None else ""
    full = f" is at {text.number(row.value)}{limit} and" if row.value is not None else ":"
    return f"{text.clean(row.name, 40)}{full} {text.number(row.waiting)} wait"


def about(sampling: SamplingStatus, study: ProfileAnalysis | None, room: int) -> str:
    """The process, length, rate, threads and quality of a profile; the usual goes first where room lacks."""
    for spared in range(4):
        words = _about(sampling, study, spared)
        if text.width(words) <= room:
            break
    return words


def _about(sampling: SamplingStatus, study: ProfileAnalysis | None, spared: int) -> str:
    parts = [f"{sampling.pid} {sampling.name}" if sampling.pid else sampling.name]
    if study is None:
        return parts[0]
    profile = study.profile
    facts = profile.about
    if facts.python and spared < 2:
        parts.append(f"python {facts.python}")
    hertz, asked = profile.achieved_hz, profile.asked
    quality = []
    if asked is not None:
        quality += [f"{profile.duration_s:.1f} of {facts.asked_s:g} s"] if spared < 3 else []
        quality.append(f"{profile.ticks():,.0f} of {asked:,.0f} samples")
    elif profile.duration_s:
        quality.append(f"{profile.duration_s:.1f} s")
        quality += [f"{hertz:.0f} Hz"] if hertz is not None else []
    else:
        quality.append(f"{text.short(profile.weight())} {profile.unit}")
    quality.append(threads(study))
    if facts.rate_hz and (facts.blocking or not spared):
        quality.append("blocking" if facts.blocking else "nonblocking")
    lost = study.whole.incomplete
    if lost > 0:
        quality.append(f"incomplete {text.percent(lost * 100, 1)} %")
    if facts.errors:
        quality.append(f"{facts.errors} dropped")
    parts.append(", ".join(quality))
    return "   ".join(parts)


def threads(study: ProfileAnalysis) -> str:
    """How many there are."""
    count = len(study.profile.threads)
    return f"{count} thread{'s' if count != 1 else ''}"


def tabs(tab: str, study: ProfileAnalysis | None, width: int) -> Line:
    """The views by their keys; what was turned away from its default on the right."""
    row = LineBuilder(width)
    right = _knobs(study, width)
    room = width - sum(text.width(span.text) for span in right) - 2
    for number, (name, title, short) in enumerate(TABS, 1):
        shown = title if width >= WIDE else short
        row.then(" " if number == 1 else "  ").then(f"{number} ", "accent")
        row.then(shown, "strong" if name == tab else "dim")
    if study is not None and row.end + 14 < room:
        row.then("  D ", "accent").then("difference", "strong" if study.before is not None else "dim")
    return row.spans(right, max(row.end + 1, room)).line() if right else row.line()


def _knobs(study: ProfileAnalysis | None, width: int) -> list[TextSpan]:
    if study is None:
        return []
    knobs = study.knobs
    spans = [TextSpan("t ", "accent"), TextSpan(*_threads(study))]
    spans += [TextSpan("  g ", "accent"), TextSpan(knobs.metric, "plain" if knobs.metric == "wall" else "strong")]
    spans += [
        TextSpan("  o ", "accent"),
        TextSpan(
            ("my" if knobs.mine else "all") + (" code" if width >= WIDE else ""), "strong" if knobs.mine else "plain"
        ),
    ]
    if knobs.lines:
        spans += [TextSpan("  L ", "accent"), TextSpan("lines", "strong")]
    return spans


def _threads(study: ProfileAnalysis) -> tuple[str, Role]:
    chosen = study.knobs.threads
    if chosen is None:
        return "all", "plain"
    if len(chosen) == 1:
        return text.cut(next(iter(chosen)).label, 18), "strong"
    return f"{len(chosen)} threads", "strong"


def state(
    sampling: SamplingStatus, study: ProfileAnalysis | None, crumbs: list[str], found: str, tab: str, width: int
) -> Line:
    """One line: the capture's progress, why it ended, what a search found, where one is; else where the time goes."""
    row = LineBuilder(width).at(1, "")
    words, role = _progress(sampling, study)
    if words:
        row.then(f"{words}   ", role)
    if found:
        row.then(f"{found}   ", "accent")
    if study is not None and study.knobs.focus:
        crumbs = [func.name for func in study.knobs.focus] + crumbs
    if crumbs:
        room = max(12, width - row.end - 16)
        row.then("in ", "dim").then(text.cut_left(" › ".join(crumbs), room), "strong").then("   Backspace ", "accent")
        row.then("back   ", "dim")
    if study is not None and study.before is not None:
        row.then(f"against {study.before.about.label or 'the other'}{_verdict(study)}   ", "plain")
    if study is None or study.profile.weight() <= 0:
        return row.line()
    if tab == "flame" and study.before is None:
        for box, filling, label in legend(study):
            if row.end + len(label) + 4 <= width:
                row.then(box, filling).then(f"{label}  ")
        return row.line()
    for category in SHARES:
        label = CATEGORY_WORDS.get(category, category)
        digits = f"{text.percent(study.shares.get(category, 0.0) * 100)} %"
        if study.shares.get(category, 0.0) >= 0.0005 and row.end + len(label) + len(digits) + 1 <= width:
            row.then(f"{label} ", "dim").then(digits).then("   ")
    return row.line()


def _verdict(study: ProfileAnalysis) -> str:
    rows = study.differences
    if rows and all(row.stands is None for row in rows):
        return ": too short to tell a difference from chance (5 slices a side)"
    count = sum(1 for row in rows if row.stands)
    return f": {count} of {len(rows)} functions differ" if count else ": no difference stands against chance"


def _progress(sampling: SamplingStatus, study: ProfileAnalysis | None) -> tuple[str, Role]:
    if sampling.done:
        return sampling.problem, "warning"
    if not sampling.attached:
        return f"attaching to {sampling.pid}   Esc stops", "warning"
    done, ground = bar(min(1.0, sampling.elapsed_s / (sampling.duration_s or 1.0)), 10)
    left = sampling.duration_s - sampling.elapsed_s
    if left < 0.05:
        return f"sampling {done}{ground} reading the last second", "warning"
    looked = f"{study.profile.ticks():,.0f} samples of {threads(study)}, " if study is not None else ""
    return f"sampling {done}{ground} {looked}{left:.0f} s left   Esc stops", "warning"

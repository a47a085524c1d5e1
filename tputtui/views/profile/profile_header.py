"""Header of the profile pane: capture and quality, the tabs, and one line of current status."""

from __future__ import annotations

from tputtui import text
from tputtui.frozen import frozen
from tputtui.model import ServiceState
from tputtui.profiling.analysis.activity import WORK_KINDS
from tputtui.signals.rates import history_keys
from tputtui.signals.rates.past import PastNames
from tputtui.signals.service.bottleneck import first_to_saturate
from tputtui.views.live.throughput_panel import error_role
from tputtui.views.profile import tabs
from tputtui.views.profile.profile_analysis import ProfileAnalysis
from tputtui.views.profile.profile_tab import CATEGORY_LABELS
from tputtui.views.shared.frame import Frame, format_traffic
from tputtui.views.shared.quantile_text import format_quantile, quantile_name
from tputtui.views.shared.styled_text import Line, LineBuilder, Role, TextSpan, bar, sparkline

WIDE_WIDTH = 100  # cells from which titles are in full and the tree has a detail column beside it


@frozen
class SamplingStatus:
    """Progress or result of a capture; `pid` 0 for a profile from a file."""

    pid: int
    name: str
    elapsed_s: float = 0.0
    duration_s: float = 0.0
    is_attached: bool = False
    problem: str = ""  # sentence: why there is no profile, or why the capture ended early
    is_done: bool = False


def strip_line(frame: Frame, width: int, own_service: ServiceState | None = None) -> Line:
    """Render throughput, p99, errors and the first resource to saturate, each with its trend.

    The load stays visible above the profile. `own_service` is the service that the profiled process
    answers for; the resource is then one of its own or of the host, never of another service.
    """
    service = own_service or frame.service
    row = LineBuilder(width).at(1, "")
    if service is not None and service.traffic is not None:
        digits, unit = format_traffic(service.traffic.rps, service.traffic.unit)
        row.then(digits, "strong").then(f" {unit} ", "dim")
        if width >= WIDE_WIDTH:
            row.then(sparkline(frame.past.columns(history_keys.traffic(service.name), 18)), "data")
        row.then("   ")
    if service is not None and service.latency is not None and service.latency.quantiles:
        tail = service.latency.quantiles[-1]
        digits, unit = format_quantile(tail, service.latency.unit)
        row.then(f"{quantile_name(tail.q)} ").then(digits, "strong").then(f" {unit} ", "dim")
        if width >= WIDE_WIDTH:
            row.then(
                sparkline(frame.past.columns(history_keys.latency(service.name, tail.q), 18)),
                "data",
            )
        row.then("   ")
    if service is not None and service.errors is not None:
        ratio = service.errors.ratio
        row.then("errors ").then(
            text.format_percent(None if ratio is None else ratio * 100), error_role(ratio)
        )
        row.then(" %   ", "dim")
    resources = (
        *(own_service.saturation if own_service is not None else ()),
        *frame.snapshot.host_saturation,
    )
    first = first_to_saturate(resources)
    if first is not None:
        row.then("first: ").then(f"{text.clean(first.name)}, {text.clean(first.reason)}", "strong")
    return row.line()


def strip_past_names(frame: Frame, own_service: ServiceState | None = None) -> PastNames:
    """Names of what `strip_line` draws of the past."""
    service = own_service or frame.service
    if service is None:
        return PastNames()
    figures = [history_keys.traffic(service.name)]
    if service.latency is not None and service.latency.quantiles:
        figures.append(history_keys.latency(service.name, service.latency.quantiles[-1].q))
    return PastNames(frozenset(figures))


def queue_evidence(own_service: ServiceState | None) -> str:
    """Describe a queue in front of the process, from a bound metric.

    Example: "db pool is at 18 of 20 and 3 wait".
    """
    waiting = (
        [row for row in own_service.saturation if (row.waiting or 0) > 0]
        if own_service is not None
        else []
    )
    if not waiting:
        return ""
    row = waiting[0]
    limit = f" of {text.format_number(row.limit)}" if row.limit is not None else ""
    full = f" is at {text.format_number(row.value)}{limit} and" if row.value is not None else ":"
    return f"{text.clean(row.name, 40)}{full} {text.format_number(row.waiting)} wait"


def capture_summary(sampling: SamplingStatus, analysis: ProfileAnalysis | None, width: int) -> str:
    """Format process, duration, rate, threads and quality of a profile.

    Where room is short, values that are as usual are dropped first.
    """
    for omit_level in range(4):
        summary = _capture_summary(sampling, analysis, omit_level)
        if text.width(summary) <= width:
            break
    return summary


def _capture_summary(
    sampling: SamplingStatus, analysis: ProfileAnalysis | None, omit_level: int
) -> str:
    parts = [f"{sampling.pid} {sampling.name}" if sampling.pid else sampling.name]
    if analysis is None:
        return parts[0]
    profile = analysis.profile
    metadata = profile.metadata
    if metadata.python and omit_level < 2:
        parts.append(f"python {metadata.python}")
    achieved_hz, requested = profile.achieved_hz, profile.requested_ticks
    quality = []
    if requested is not None:
        quality += [f"{profile.duration_s:.1f} of {metadata.asked_s:g} s"] if omit_level < 3 else []
        quality.append(f"{profile.ticks():,.0f} of {requested:,.0f} samples")
    elif profile.duration_s:
        quality.append(f"{profile.duration_s:.1f} s")
        quality += [f"{achieved_hz:.0f} Hz"] if achieved_hz is not None else []
    else:
        quality.append(f"{text.format_axis_value(profile.weight())} {profile.unit}")
    quality.append(thread_count(analysis))
    if metadata.rate_hz and (metadata.blocking or not omit_level):
        quality.append("blocking" if metadata.blocking else "nonblocking")
    incomplete = analysis.all_stacks.incomplete_share
    if incomplete > 0:
        quality.append(f"incomplete {text.format_percent(incomplete * 100, 1)} %")
    if metadata.errors:
        quality.append(f"{metadata.errors} dropped")
    parts.append(", ".join(quality))
    return "   ".join(parts)


def thread_count(analysis: ProfileAnalysis) -> str:
    """Format the number of threads."""
    count = len(analysis.profile.threads)
    return f"{count} thread{'s' if count != 1 else ''}"


def tabs_line(tab_name: str, analysis: ProfileAnalysis | None, width: int) -> Line:
    """Render the tabs with their keys, and on the right the options that are not the default."""
    row = LineBuilder(width)
    right = _filter_spans(analysis, width)
    room = width - sum(text.width(span.text) for span in right) - 2
    for number, spec in enumerate(tabs.TABS, 1):
        title = spec.title if width >= WIDE_WIDTH else spec.short_title
        row.then(" " if number == 1 else "  ").then(f"{number} ", "accent")
        row.then(title, "strong" if spec.name == tab_name else "dim")
    if analysis is not None and row.end + 14 < room:
        row.then("  D ", "accent").then(
            "difference", "strong" if analysis.before is not None else "dim"
        )
    return row.spans(right, max(row.end + 1, room)).line() if right else row.line()


def _filter_spans(analysis: ProfileAnalysis | None, width: int) -> list[TextSpan]:
    if analysis is None:
        return []
    filters = analysis.filters
    spans = [TextSpan("t ", "accent"), TextSpan(*_thread_filter(analysis))]
    spans += [
        TextSpan("  g ", "accent"),
        TextSpan(filters.metric, "plain" if filters.metric == "wall" else "strong"),
    ]
    spans += [
        TextSpan("  o ", "accent"),
        TextSpan(
            ("my" if filters.own_code_only else "all") + (" code" if width >= WIDE_WIDTH else ""),
            "strong" if filters.own_code_only else "plain",
        ),
    ]
    if filters.by_line:
        spans += [TextSpan("  L ", "accent"), TextSpan("lines", "strong")]
    return spans


def _thread_filter(analysis: ProfileAnalysis) -> tuple[str, Role]:
    threads = analysis.filters.threads
    if threads is None:
        return "all", "plain"
    if len(threads) == 1:
        return text.truncate(next(iter(threads)).label, 18), "strong"
    return f"{len(threads)} threads", "strong"


def state_line(
    sampling: SamplingStatus,
    analysis: ProfileAnalysis | None,
    breadcrumbs: list[str],
    search_status: str,
    tab_name: str,
    width: int,
) -> Line:
    """Render the status line.

    It shows the capture's progress, why it ended, the search result or the zoom; otherwise the
    category shares.
    """
    row = LineBuilder(width).at(1, "")
    progress, role = _progress_text(sampling, analysis)
    if progress:
        row.then(f"{progress}   ", role)
    if search_status:
        row.then(f"{search_status}   ", "accent")
    if analysis is not None and analysis.filters.focus:
        breadcrumbs = [func.name for func in analysis.filters.focus] + breadcrumbs
    if breadcrumbs:
        room = max(12, width - row.end - 16)
        row.then("in ", "dim").then(
            text.truncate_left(" › ".join(breadcrumbs), room), "strong"
        ).then("   Backspace ", "accent")
        row.then("back   ", "dim")
    if analysis is not None and analysis.before is not None:
        other = analysis.before.metadata.label or "the other"
        row.then(f"compared with {other}{_difference_verdict(analysis)}   ", "plain")
    if analysis is None or analysis.profile.weight() <= 0:
        return row.line()
    legend = tabs.tab_spec(tab_name).legend
    if legend is not None and analysis.before is None:
        for mark, mark_role, label in legend(analysis):
            if row.end + len(label) + 4 <= width:
                row.then(mark, mark_role).then(f"{label}  ")
        return row.line()
    for category in WORK_KINDS:
        label = CATEGORY_LABELS.get(category, category)
        digits = f"{text.format_percent(analysis.category_shares.get(category, 0.0) * 100)} %"
        if (
            analysis.category_shares.get(category, 0.0) >= 0.0005
            and row.end + len(label) + len(digits) + 1 <= width
        ):
            row.then(f"{label} ", "dim").then(digits).then("   ")
    return row.line()


def _difference_verdict(analysis: ProfileAnalysis) -> str:
    rows = analysis.differences
    if rows and all(row.is_significant is None for row in rows):
        return ": too short to tell a difference from chance (5 slices a side)"
    count = sum(1 for row in rows if row.is_significant)
    return (
        f": {count} of {len(rows)} functions differ" if count else ": no difference is significant"
    )


def _progress_text(sampling: SamplingStatus, analysis: ProfileAnalysis | None) -> tuple[str, Role]:
    if sampling.is_done:
        return sampling.problem, "warning"
    if not sampling.is_attached:
        return f"attaching to {sampling.pid}   Esc stops", "warning"
    done, ground = bar(min(1.0, sampling.elapsed_s / (sampling.duration_s or 1.0)), 10)
    left = sampling.duration_s - sampling.elapsed_s
    if left < 0.05:
        return f"sampling {done}{ground} reading the last second", "warning"
    samples = ""
    if analysis is not None:
        samples = f"{analysis.profile.ticks():,.0f} samples of {thread_count(analysis)}, "
    return f"sampling {done}{ground} {samples}{left:.0f} s left   Esc stops", "warning"

"""Speedscope files: py-spy's, other tools', and our own.

Format: https://www.speedscope.app/file-format-schema.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from tputtui.profiling.capture.downsample import merge_slices
from tputtui.profiling.capture.entry_point import MAX_NAMES
from tputtui.profiling.files.profile_format import ProfileFormat
from tputtui.profiling.files.speedscope_extension import parse_extension, render_extension
from tputtui.profiling.files.speedscope_samples import (
    ImportedFrames,
    ThreadSamples,
    parse_thread,
)
from tputtui.profiling.profile_model import (
    MAX_FRAMES,
    FrameTable,
    Metric,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
    UnreadableProfileError,
)
from tputtui.text import clean

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_SLICE_S = 1.0


def parse(data: bytes, frame_table: FrameTable | None = None, label: str = "") -> Profile:
    """Parse the bytes of a speedscope file into a profile.

    Args:
        data: the file's content.
        frame_table: the table to add the frames to; None creates a new one.
        label: the label of the profile, such as the file's name.

    Raises:
        UnreadableProfileError: the data is no valid speedscope file.

    """
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableProfileError(
            f"not valid JSON: {clean(str(error), 120)}; the file may be cut off"
        ) from None
    if not isinstance(document, dict) or not isinstance(document.get("profiles"), list):
        raise UnreadableProfileError('no speedscope file: the top level has no list "profiles"')
    shared = document.get("shared")
    listed = shared.get("frames") if isinstance(shared, dict) else None
    if not isinstance(listed, list):
        raise UnreadableProfileError('no speedscope file: "shared" has no list "frames"')
    if len(listed) > MAX_FRAMES:
        raise UnreadableProfileError(
            f"{len(listed):,} frames, more than the limit of {MAX_FRAMES:,}"
        )
    table = ImportedFrames(frame_table or FrameTable(), listed)
    ours = document.get("tputtui")
    if isinstance(ours, dict):
        return parse_extension(document, ours, table, label)
    exporter = document.get("exporter")
    source = "speedscope file"
    if isinstance(exporter, str) and exporter:
        source = clean(exporter, 80).replace("@", " ")
    threads = [parse_thread(part, at, table) for at, part in enumerate(document["profiles"])]
    if not any(samples.stacks for samples, _ in threads):
        raise UnreadableProfileError("the profile is empty: no samples in any thread")
    return _slice_samples(
        table,
        threads,
        ProfileMetadata(source=source, label=clean(label, 200), torn=source.startswith("py-spy")),
    )


def _slice_samples(
    table: ImportedFrames, threads: list[tuple[ThreadSamples, str]], about: ProfileMetadata
) -> Profile:
    """Cut samples in time order into slices of about a second, if all threads share one clock.

    With `-i` py-spy writes one sample per thread and tick, so equal positions are equal times.
    Without it idle ticks leave no gap and a cut would mix different times: the result is then one
    slice, without ±.
    """
    filled = [(samples, unit) for samples, unit in threads if samples.stacks]
    even = {weight for samples, _ in filled for weight in samples.weights}
    unit = filled[0][1]
    longest = max(len(samples.stacks) for samples, _ in filled)
    counted = len(even) == 1 and unit in ("seconds", "none")
    step = next(iter(even)) if counted else 0.0
    timed = counted and unit == "seconds" and step > 0
    clocked = sum(len(samples.stacks) >= 0.9 * longest for samples, _ in filled) * 3 >= 2 * len(
        filled
    )
    each = max(1, round(_SLICE_S / step)) if timed and clocked else longest
    parts: list[dict[ProfileThread, dict[Stack, float]]] = [{} for _ in range(-(-longest // each))]
    names: dict[tuple[int, str], ProfileThread] = {}
    for samples, _ in filled:
        for at, ((thread, stack), weight) in enumerate(
            zip(samples.stacks, samples.weights, strict=True)
        ):
            # no thread id: one name is one thread, even if the file lists it twice
            if thread.tid < 1:
                thread = names.setdefault((thread.pid, thread.name), thread)  # noqa: PLW2901
            counts = parts[at // each].setdefault(thread, {})
            counts[stack] = counts.get(stack, 0.0) + (1.0 if counted else weight)
    slices = []
    for number, part in enumerate(parts):
        ticks = min(each, longest - number * each) if counted else 0
        slices.append(ProfileSlice(part, {}, ticks, 0.0, ticks * step if timed else 0.0))
    if len(slices) > 1 and slices[-1].wall_ticks < each / 2:
        slices[-2:] = [merge_slices(slices[-2], slices[-1])]
    about = replace(
        about,
        rate_hz=1 / step if timed else None,
        own=tuple(sorted(table.own_packages))[:MAX_NAMES],
    )
    return Profile(table.frames, tuple(slices), about, "samples" if counted else unit)


def render(profile: Profile) -> bytes:
    """Render the profile as a speedscope file that also carries our own data; names are cleaned."""
    unit, scale = profile.unit, 1.0
    if profile.unit == "samples" and profile.metadata.rate_hz:
        unit, scale = "seconds", 1.0 / profile.metadata.rate_hz
    if unit not in ("bytes", "microseconds", "milliseconds", "nanoseconds", "seconds"):
        unit = "none"
    profiles: list[dict[str, object]] = []
    marks: list[dict[str, object]] = []
    for thread, metric, entries in _stacks_by_thread(profile):
        weights = [weight * scale for _, _, weight in entries]
        profiles.append(
            {
                "type": "sampled",
                "name": _format_profile_name(profile, thread, metric),
                "unit": unit,
                "startValue": 0.0,
                "endValue": sum(weights),
                "samples": [stack for _, stack, _ in entries],
                "weights": weights,
            }
        )
        marks.append(
            {
                "metric": metric,
                "pid": thread.pid,
                "tid": thread.tid,
                "name": thread.name,
                "slice_of": [number for number, _, _ in entries],
            }
        )
    funcs = profile.frames.funcs
    document = {
        "$schema": SCHEMA,
        "exporter": "tputtui",
        "name": profile.metadata.label or "tputtui profile",
        "activeProfileIndex": 0,
        "shared": {
            "frames": [
                {
                    "name": funcs[frame.func_id].name,
                    "file": funcs[frame.func_id].file,
                    "line": frame.line or None,
                }
                for frame in profile.frames.frames
            ]
        },
        "profiles": profiles,
        "tputtui": render_extension(profile, scale, marks),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _format_profile_name(profile: Profile, thread: ProfileThread, metric: Metric) -> str:
    """Format the name of one profile of the file as py-spy does: 'Thread 7 "main"'."""
    name = f'Thread {max(thread.tid, 0)} "{thread.name}"'
    if profile.metadata.subprocesses or thread.pid != profile.metadata.pid:
        name = f"Process {thread.pid} {name}"
    return f"{name} GIL" if metric == "gil" else name


def _stacks_by_thread(
    profile: Profile,
) -> Iterator[tuple[ProfileThread, Metric, list[tuple[int, Stack, float]]]]:
    """Yield each thread's stacks per metric, in slice order, as (slice, stack, weight)."""
    metrics: tuple[Metric, ...] = ("wall", "gil")
    for metric in metrics:
        for thread in profile.threads:
            entries = [
                (number, stack, weight)
                for number, part in enumerate(profile.slices)
                for stack, weight in part.counts(metric).get(thread, {}).items()
            ]
            if entries:
                yield thread, metric, entries


def _is_json(head: bytes, data: bytes) -> bool:
    """Return whether the data is JSON.

    "[" may begin collapsed stacks, too, but these end in a number.
    """
    return head.startswith(b"{") or (head.startswith(b"[") and data.rstrip().endswith(b"]"))


def _read(data: bytes, label: str) -> Profile:
    return parse(data, label=label)


FORMAT = ProfileFormat(
    name="speedscope",
    suffixes=(".json",),
    export_suffix=".speedscope.json",
    recognize=_is_json,
    read=_read,
    write=render,
)

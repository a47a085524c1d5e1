"""Read and write speedscope files: py-spy's, other tools', and our own.

Format: https://www.speedscope.app/file-format-schema.json. py-spy puts `process PID:"command"` and
`thread (TID): name` into each stack as frames; they are converted to dimensions of the profile
here. Our files add one key, "tputtui", with the slices and the GIL data; other tools ignore it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from tputtui.profiling.capture import entry_point
from tputtui.profiling.capture.downsample import merge_slices
from tputtui.profiling.capture.entry_point import MAX_NAMES, is_package_name
from tputtui.profiling.profile_errors import (
    MAX_DEPTH,
    MAX_FRAMES,
    MAX_STACKS,
    MAX_WEIGHT,
    UnreadableProfileError,
)
from tputtui.profiling.profile_model import (
    FrameTable,
    Metric,
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
)
from tputtui.text import clean

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_PROFILE_NAME = re.compile(
    r'^(?:Process (\d{1,10}) )?Thread (\d{1,18}|0x[0-9A-Fa-f]{1,16})(?: "(.*)")?$', re.DOTALL
)
_THREAD_FRAME = re.compile(r"^thread \((\d{1,18}|0x[0-9A-Fa-f]{1,16})\)(?:: (.*))?$", re.DOTALL)
_PROCESS_FRAME = re.compile(r'^process (\d{1,10}):"(.*)"$', re.DOTALL)
MAX_TID = 1 << 22  # the kernel's largest thread id; a larger number is a pthread's address

_SLICE_S = 1.0


@dataclass
class ThreadSamples:
    """Samples of one thread in time order, before they are cut into slices."""

    stacks: list[tuple[ProfileThread, Stack]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)


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
    table = _ImportedFrames(frame_table or FrameTable(), listed)
    ours = document.get("tputtui")
    if isinstance(ours, dict):
        return _parse_own_format(document, ours, table, label)
    exporter = document.get("exporter")
    source = (
        clean(exporter, 80).replace("@", " ")
        if isinstance(exporter, str) and exporter
        else "speedscope file"
    )
    threads = [_parse_thread(part, at, table) for at, part in enumerate(document["profiles"])]
    if not any(samples.stacks for samples, _ in threads):
        raise UnreadableProfileError("the profile is empty: no samples in any thread")
    return _slice_samples(
        table,
        threads,
        ProfileMetadata(source=source, label=clean(label, 200), torn=source.startswith("py-spy")),
    )


class _ImportedFrames:
    """Map of file frame indices to our frame ids; pseudo frames are marked as dimensions."""

    def __init__(self, frames: FrameTable, entries: list[Any]) -> None:
        self.frames = frames
        self.frame_ids: list[int] = []
        self.threads: dict[int, tuple[int, str]] = {}  # file index -> (tid, name)
        self.processes: dict[int, int] = {}  # file index -> pid
        self.own_packages: set[str] = set()  # packages named by the command lines of the processes
        for at, frame in enumerate(entries):
            name = frame.get("name") if isinstance(frame, dict) else None
            if not isinstance(name, str):
                raise UnreadableProfileError(f"frame {at} has no name")
            file, line = frame.get("file"), frame.get("line")
            if not file and (found := _THREAD_FRAME.match(name)):
                self.threads[at] = (_parse_tid(found[1]), clean(found[2] or "", 200))
            elif not file and (found := _PROCESS_FRAME.match(name)):
                self.processes[at] = int(found[1])
                self.own_packages.update(entry_point.parse_command_line(found[2].split()).packages)
                # without the command line, which may contain a password
                name = f"process {found[1]}"
            ok = isinstance(line, int) and not isinstance(line, bool) and 0 <= line < 1 << 31
            self.frame_ids.append(
                self.frames.add_frame(
                    name, file if isinstance(file, str) else "", line if ok else 0
                )
            )

    def parse_stack(
        self, indices: Any, thread: ProfileThread, where: str
    ) -> tuple[ProfileThread, Stack]:
        """Convert a sample to (thread, stack).

        Raises UnreadableProfileError, which names the invalid index.
        """
        if not isinstance(indices, list) or len(indices) > MAX_DEPTH:
            deep = (
                f"deeper than {MAX_DEPTH:,} frames" if isinstance(indices, list) else "not a list"
            )
            raise UnreadableProfileError(f"{where} is {deep}")
        start = 0
        for index in indices:
            if type(index) is not int or not 0 <= index < len(self.frame_ids):
                raise UnreadableProfileError(
                    f"{where} names frame {clean(str(index), 30)}, the file has {len(self.frame_ids):,}"
                )
        while start < len(indices) and start < 64:
            index = indices[start]
            if index in self.processes:
                thread = ProfileThread(self.processes[index], thread.tid, thread.name)
            elif index in self.threads:
                tid, name = self.threads[index]
                thread = ProfileThread(thread.pid, tid or thread.tid, name or thread.name)
            else:
                break
            start += 1
        ids = self.frame_ids
        return thread, tuple([ids[index] for index in indices[start:]])


def _parse_tid(text: str) -> int:
    """Parse a kernel thread id; 0 for a pthread's address (py-spy: the id is unknown)."""
    number = int(text, 16) if text.startswith("0x") else int(text)
    return number if number <= MAX_TID else 0


def _parse_thread(entry: Any, index: int, table: _ImportedFrames) -> tuple[ThreadSamples, str]:
    """Parse one profile of the file into its samples in time order and its unit."""
    if not isinstance(entry, dict):
        raise UnreadableProfileError(f"profile {index} is no object")
    name, unit = entry.get("name"), entry.get("unit")
    name = name if isinstance(name, str) else ""
    found = _PROFILE_NAME.match(name)
    if found:
        tid = _parse_tid(found[2])
        thread = ProfileThread(
            int(found[1] or 0) % (1 << 31), tid or -index - 1, clean(found[3] or "", 200)
        )
    else:
        thread = ProfileThread(0, -index - 1, clean(name, 200))
    kind = entry.get("type")
    if kind == "sampled":
        samples = _parse_sampled(entry, index, table, thread)
    elif kind == "evented":
        samples = _parse_evented(entry, index, table, thread)
    else:
        raise UnreadableProfileError(
            f'profile {index} has the type {clean(str(kind), 40)!r}, not "sampled" or "evented"'
        )
    return samples, clean(unit, 20) if isinstance(unit, str) else "none"


def _parse_sampled(
    entry: dict[str, Any], index: int, table: _ImportedFrames, thread: ProfileThread
) -> ThreadSamples:
    stacks, weights = entry.get("samples"), entry.get("weights")
    if not isinstance(stacks, list) or not isinstance(weights, list):
        raise UnreadableProfileError(f'profile {index} has no lists "samples" and "weights"')
    if len(stacks) != len(weights):
        raise UnreadableProfileError(
            f"profile {index} has {len(stacks):,} samples, but {len(weights):,} weights"
        )
    if len(stacks) > MAX_STACKS:
        raise UnreadableProfileError(
            f"profile {index} has {len(stacks):,} samples, more than the limit of {MAX_STACKS:,}"
        )
    out = ThreadSamples()
    last_raw: Any = None
    last: tuple[ProfileThread, Stack] | None = None
    for number, (indices, weight) in enumerate(zip(stacks, weights, strict=True)):
        if last is None or indices != last_raw:  # adjacent samples are mostly equal
            last_raw, last = (
                indices,
                table.parse_stack(indices, thread, f"sample {number} of profile {index}"),
            )
        out.stacks.append(last)
        out.weights.append(
            _parse_weight(weight, f"the weight of sample {number} of profile {index}")
        )
    return out


def _parse_evented(
    entry: dict[str, Any], index: int, table: _ImportedFrames, thread: ProfileThread
) -> ThreadSamples:
    """Convert open and close events to stacks weighted by their duration."""
    events = entry.get("events")
    if not isinstance(events, list) or len(events) > MAX_STACKS:
        raise UnreadableProfileError(
            f'profile {index} has no list "events", or more than {MAX_STACKS:,}'
        )
    out = ThreadSamples()
    indices: list[Any] = []
    since: float | None = None
    for number, event in enumerate(events):
        where = f"event {number} of profile {index}"
        if not isinstance(event, dict):
            raise UnreadableProfileError(f"{where} is no object")
        moment = event.get("at")
        if (
            isinstance(moment, bool)
            or not isinstance(moment, int | float)
            or not math.isfinite(moment)
        ):
            raise UnreadableProfileError(f'{where} has no time "at"')
        if since is not None and moment < since:
            raise UnreadableProfileError(f"{where} goes back in time")
        if indices and since is not None and moment > since:
            out.stacks.append(table.parse_stack(indices[:], thread, where))
            out.weights.append(_parse_weight(moment - since, where))
        since = float(moment)
        if event.get("type") == "O" and len(indices) < MAX_DEPTH:
            indices.append(event.get("frame"))
        elif event.get("type") == "C" and indices and indices[-1] == event.get("frame"):
            indices.pop()
        else:
            raise UnreadableProfileError(
                f"{where} neither opens a frame nor closes the one that is open"
            )
    return out


def _parse_weight(value: Any, where: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= MAX_WEIGHT
    ):
        raise UnreadableProfileError(
            f"{where} is {clean(str(value), 30)}, not a number from 0 to {MAX_WEIGHT:g}"
        )
    return float(value)


def _slice_samples(
    table: _ImportedFrames, threads: list[tuple[ThreadSamples, str]], about: ProfileMetadata
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


# ----------------------------------------------------------------------------------- our own format


def _parse_own_format(
    document: dict[str, Any], extension: dict[str, Any], table: _ImportedFrames, label: str
) -> Profile:
    """Parse a file written by `render`: each profile is one metric of one thread, by slice."""
    meta, parts = extension.get("slices"), extension.get("profiles")
    listed = document["profiles"]
    if not isinstance(meta, list) or not isinstance(parts, list) or len(parts) != len(listed):
        raise UnreadableProfileError('the "tputtui" part does not describe the profiles beside it')
    walls: list[dict[ProfileThread, dict[Stack, float]]] = [{} for _ in meta]
    gils: list[dict[ProfileThread, dict[Stack, float]]] = [{} for _ in meta]
    for at, (part, mark) in enumerate(zip(listed, parts, strict=True)):
        where = f"profile {at}"
        if (
            not isinstance(part, dict)
            or not isinstance(mark, dict)
            or not isinstance(mark.get("slice_of"), list)
        ):
            raise UnreadableProfileError(f'{where} has no "slice_of" in the "tputtui" part')
        pid, tid, name = mark.get("pid"), mark.get("tid"), mark.get("name")
        if type(pid) is not int or type(tid) is not int or not isinstance(name, str):
            raise UnreadableProfileError(f'{where} has no pid, tid and name in the "tputtui" part')
        thread = ProfileThread(pid, tid, clean(name, 200))
        samples = _parse_sampled(part, at, table, thread)
        scale = _parse_weight(extension.get("scale", 1.0), 'the "scale"') or 1.0
        if len(mark["slice_of"]) != len(samples.stacks):
            raise UnreadableProfileError(
                f"{where} has {len(samples.stacks):,} samples in {len(mark['slice_of']):,} slices"
            )
        into = gils if mark.get("metric") == "gil" else walls
        for (owner, stack), weight, number in zip(
            samples.stacks, samples.weights, mark["slice_of"], strict=True
        ):
            if type(number) is not int or not 0 <= number < len(meta):
                raise UnreadableProfileError(
                    f"{where} names slice {clean(str(number), 20)}, the file has {len(meta)}"
                )
            counts = into[number].setdefault(owner, {})
            counts[stack] = counts.get(stack, 0.0) + round(weight / scale, 6)
    slices = []
    for number, (entry, wall, gil) in enumerate(zip(meta, walls, gils, strict=True)):
        if not isinstance(entry, list) or len(entry) != 3:
            raise UnreadableProfileError(f"slice {number} is not [wall ticks, GIL ticks, seconds]")
        ticks = [_parse_weight(value, f"a figure of slice {number}") for value in entry]
        slices.append(
            ProfileSlice(
                wall,
                gil,
                ticks[0],
                ticks[1],
                ticks[2],
                *(_parse_shares(extension.get(key), number) for key in ("cpu", "ready")),
            )
        )
    unit = extension.get("unit")
    about = _parse_metadata(extension.get("about"), label)
    return Profile(
        table.frames, tuple(slices), about, clean(unit, 20) if isinstance(unit, str) else "samples"
    )


def _parse_shares(shares_by_slice: Any, slice_number: int) -> dict[ProfileThread, float]:
    """Parse the time shares of the threads (on a CPU, or ready for one) in a slice.

    Malformed entries are skipped; no stack of such a thread is then marked as waiting in C.
    """
    entries = (
        shares_by_slice[slice_number]
        if isinstance(shares_by_slice, list) and slice_number < len(shares_by_slice)
        else ()
    )
    out: dict[ProfileThread, float] = {}
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case [int(pid), int(tid), int() | float() as share] if 0 <= share <= 1:
                out[ProfileThread(pid, tid)] = float(share)
    return out


def _parse_metadata(metadata_json: Any, label: str) -> ProfileMetadata:
    """Parse the metadata of one of our files; values of the wrong type are skipped."""
    known: dict[str, Any] = {}
    values: Mapping[str, Any] = metadata_json if isinstance(metadata_json, dict) else {}
    for entry in fields(ProfileMetadata):
        value = values.get(entry.name)
        default = entry.default
        if isinstance(default, bool):
            ok = isinstance(value, bool)
        elif entry.name == "notes":
            value = (
                tuple(clean(note, 300) for note in value if isinstance(note, str))
                if isinstance(value, list)
                else ()
            )
            ok = True
        elif entry.name == "own":
            value = (
                tuple(name for name in value if is_package_name(name))
                if isinstance(value, list)
                else ()
            )
            ok = True
        elif entry.name in ("pid", "errors"):
            ok = type(value) is int
        elif entry.name in ("time", "rate_hz", "asked_s"):
            ok = isinstance(value, int | float) and math.isfinite(value)
        else:
            ok = isinstance(value, str)
            value = clean(value, 400) if isinstance(value, str) else value
        if ok:
            known[entry.name] = value
    return ProfileMetadata(**known | {"label": known.get("label") or clean(label, 200)})


def render(profile: Profile) -> bytes:
    """Render the profile as a speedscope file that also carries our own data; names are cleaned."""
    step = (
        1.0 / profile.metadata.rate_hz
        if profile.unit == "samples" and profile.metadata.rate_hz
        else 1.0
    )
    unit = "seconds" if profile.unit == "samples" and profile.metadata.rate_hz else profile.unit
    if unit not in ("bytes", "microseconds", "milliseconds", "nanoseconds", "seconds"):
        unit = "none"
    profiles, marks = [], []
    for thread, metric, entries in _stacks_by_thread(profile):
        process = (
            f"Process {thread.pid} "
            if profile.metadata.subprocesses or thread.pid != profile.metadata.pid
            else ""
        )
        shown = f'{process}Thread {max(thread.tid, 0)} "{thread.name}"' + (
            " GIL" if metric == "gil" else ""
        )
        weights = [weight * step for _, _, weight in entries]
        profiles.append(
            {
                "type": "sampled",
                "name": shown,
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
    about = {entry.name: getattr(profile.metadata, entry.name) for entry in fields(ProfileMetadata)}
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
        "tputtui": {
            "schema": 1,
            "unit": profile.unit,
            "scale": step,
            "slices": [
                [part.wall_ticks, part.gil_ticks, part.duration_s] for part in profile.slices
            ],
            "cpu": [_shares_as_json(part.cpu_shares) for part in profile.slices],
            "ready": [_shares_as_json(part.ready_shares) for part in profile.slices],
            "profiles": marks,
            "about": about,
        },
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "replace"
    )


def _shares_as_json(shares: Mapping[ProfileThread, float]) -> list[list[float]]:
    return [[one.pid, one.tid, share] for one, share in shares.items()]


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

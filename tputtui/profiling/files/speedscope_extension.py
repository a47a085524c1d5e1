"""Our own data in a speedscope file: the key "tputtui", with the slices, GIL data and metadata.

Other tools ignore the key. Each profile of such a file is one metric of one thread; `slice_of` says
to which slice each of its samples belongs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tputtui.profiling.capture.entry_point import is_package_name
from tputtui.profiling.files.speedscope_samples import (
    ImportedFrames,
    ThreadSamples,
    parse_sampled,
    parse_weight,
)
from tputtui.profiling.profile_model import (
    Profile,
    ProfileMetadata,
    ProfileSlice,
    ProfileThread,
    Stack,
    UnreadableProfileError,
)
from tputtui.text import clean

SliceStacks = list[dict[ProfileThread, dict[Stack, float]]]
"""Weights by stack and thread, one dict for each slice."""


def parse_extension(
    document: dict[str, Any], extension: dict[str, Any], table: ImportedFrames, label: str
) -> Profile:
    """Parse a file that carries our own data. Raises UnreadableProfileError."""
    meta, marks = extension.get("slices"), extension.get("profiles")
    listed = document["profiles"]
    if not isinstance(meta, list) or not isinstance(marks, list) or len(marks) != len(listed):
        raise UnreadableProfileError('the "tputtui" part does not describe the profiles beside it')
    scale = parse_weight(extension.get("scale", 1.0), 'the "scale"') or 1.0
    walls: SliceStacks = [{} for _ in meta]
    gils: SliceStacks = [{} for _ in meta]
    for index, (part, mark) in enumerate(zip(listed, marks, strict=True)):
        thread, slice_numbers = _parse_mark(part, mark, f"profile {index}")
        samples = parse_sampled(part, index, table, thread)
        by_slice = gils if mark.get("metric") == "gil" else walls
        _add_samples(by_slice, samples, slice_numbers, scale, f"profile {index}")
    slices = [
        _parse_slice(entry, number, wall, gil, extension)
        for number, (entry, wall, gil) in enumerate(zip(meta, walls, gils, strict=True))
    ]
    unit = extension.get("unit")
    about = _parse_metadata(extension.get("about"), label)
    return Profile(
        table.frames, tuple(slices), about, clean(unit, 20) if isinstance(unit, str) else "samples"
    )


def _parse_mark(part: Any, mark: Any, where: str) -> tuple[ProfileThread, list[Any]]:
    """Parse what we wrote beside a profile: its thread, and the slice of each sample (unchecked).

    Raises UnreadableProfileError.
    """
    if not isinstance(part, dict) or not isinstance(mark, dict):
        raise UnreadableProfileError(f'{where} has no "slice_of" in the "tputtui" part')
    slice_numbers = mark.get("slice_of")
    if not isinstance(slice_numbers, list):
        raise UnreadableProfileError(f'{where} has no "slice_of" in the "tputtui" part')
    pid, tid, name = mark.get("pid"), mark.get("tid"), mark.get("name")
    if type(pid) is not int or type(tid) is not int or not isinstance(name, str):
        raise UnreadableProfileError(f'{where} has no pid, tid and name in the "tputtui" part')
    return ProfileThread(pid, tid, clean(name, 200)), slice_numbers


def _add_samples(
    by_slice: SliceStacks,
    samples: ThreadSamples,
    slice_numbers: list[Any],
    scale: float,
    where: str,
) -> None:
    """Add a profile's samples to their slices. Raises UnreadableProfileError."""
    if len(slice_numbers) != len(samples.stacks):
        raise UnreadableProfileError(
            f"{where} has {len(samples.stacks):,} samples in {len(slice_numbers):,} slices"
        )
    for (owner, stack), weight, number in zip(
        samples.stacks, samples.weights, slice_numbers, strict=True
    ):
        if type(number) is not int or not 0 <= number < len(by_slice):
            raise UnreadableProfileError(
                f"{where} names slice {clean(str(number), 20)}, the file has {len(by_slice)}"
            )
        counts = by_slice[number].setdefault(owner, {})
        counts[stack] = counts.get(stack, 0.0) + round(weight / scale, 6)


def _parse_slice(
    entry: Any,
    number: int,
    wall: dict[ProfileThread, dict[Stack, float]],
    gil: dict[ProfileThread, dict[Stack, float]],
    extension: dict[str, Any],
) -> ProfileSlice:
    if not isinstance(entry, list) or len(entry) != 3:
        raise UnreadableProfileError(f"slice {number} is not [wall ticks, GIL ticks, seconds]")
    wall_ticks, gil_ticks, seconds = (
        parse_weight(value, f"a figure of slice {number}") for value in entry
    )
    cpu, ready = (_parse_shares(extension.get(key), number) for key in ("cpu", "ready"))
    return ProfileSlice(wall, gil, wall_ticks, gil_ticks, seconds, cpu, ready)


def _parse_shares(shares_by_slice: Any, slice_number: int) -> dict[ProfileThread, float]:
    """Parse the time shares of the threads (on a CPU, or ready for one) in a slice.

    Malformed entries are skipped; no stack of such a thread is then marked as waiting in C.
    """
    if not isinstance(shares_by_slice, list) or slice_number >= len(shares_by_slice):
        return {}
    entries = shares_by_slice[slice_number]
    shares: dict[ProfileThread, float] = {}
    for entry in entries if isinstance(entries, list) else ():
        match entry:
            case [int(pid), int(tid), int() | float() as share] if 0 <= share <= 1:
                shares[ProfileThread(pid, tid)] = float(share)
    return shares


def _parse_metadata(metadata_json: Any, label: str) -> ProfileMetadata:
    """Parse the metadata of one of our files; values of the wrong type are skipped."""
    known: dict[str, Any] = {}
    values: Mapping[str, Any] = metadata_json if isinstance(metadata_json, dict) else {}
    for entry in fields(ProfileMetadata):
        value = _parse_metadata_value(entry.name, entry.default, values.get(entry.name))
        if value is not None:
            known[entry.name] = value
    return ProfileMetadata(**known | {"label": known.get("label") or clean(label, 200)})


def _parse_metadata_value(name: str, default: Any, value: Any) -> Any:
    """Return the value of one field; None where it is absent or of the wrong type."""
    if isinstance(default, bool):
        return value if isinstance(value, bool) else None
    if name == "notes":
        notes = value if isinstance(value, list) else []
        return tuple(clean(note, 300) for note in notes if isinstance(note, str))
    if name == "own":
        packages = value if isinstance(value, list) else []
        return tuple(package for package in packages if is_package_name(package))
    if name in ("pid", "errors"):
        return value if type(value) is int else None
    if name in ("time", "rate_hz", "asked_s"):
        return value if isinstance(value, int | float) and math.isfinite(value) else None
    return clean(value, 400) if isinstance(value, str) else None


def render_extension(
    profile: Profile, scale: float, marks: list[dict[str, object]]
) -> dict[str, object]:
    """Render our own data.

    Args:
        profile: the profile.
        scale: the weights of the file for one of the profile, such as seconds per sample.
        marks: metric, thread and slices of each profile of the file, in its order.

    """
    metadata = profile.metadata
    return {
        "schema": 1,
        "unit": profile.unit,
        "scale": scale,
        "slices": [[part.wall_ticks, part.gil_ticks, part.duration_s] for part in profile.slices],
        "cpu": [_shares_as_json(part.cpu_shares) for part in profile.slices],
        "ready": [_shares_as_json(part.ready_shares) for part in profile.slices],
        "profiles": marks,
        "about": {entry.name: getattr(metadata, entry.name) for entry in fields(ProfileMetadata)},
    }


def _shares_as_json(shares: Mapping[ProfileThread, float]) -> list[list[float]]:
    return [[thread.pid, thread.tid, share] for thread, share in shares.items()]

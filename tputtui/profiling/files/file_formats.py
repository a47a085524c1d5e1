"""Profile files: the list of formats, recognition, gzip, size limits, loading and saving."""

from __future__ import annotations

import gzip
import io
import os
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from tputtui.profiling.files import collapsed, pstats_file, speedscope, svg_flame_graph
from tputtui.profiling.files.profile_format import ProfileFormat
from tputtui.profiling.profile_model import MAX_BYTES, Profile, UnreadableProfileError
from tputtui.text import clean

FORMATS: tuple[ProfileFormat, ...] = (
    speedscope.FORMAT,
    collapsed.FORMAT,
    svg_flame_graph.FORMAT,
    pstats_file.FORMAT,
)
"""All formats, in the order in which `e` in the profile pane writes them."""

_GZIP = b"\x1f\x8b"
_MIB = 1024 * 1024


def load(path: Path) -> Profile:
    """Read a profile of sampled stacks in any format, gzip or not.

    Raises UnreadableProfileError, whose message is a sentence.
    """
    shown = clean(str(path), 200)
    try:
        data = _read_limited(path)
        return parse(data, label=path.name)
    except OSError as error:
        raise UnreadableProfileError(
            f"{shown}: {clean(error.strerror or str(error), 100)}"
        ) from None
    except UnreadableProfileError as error:
        raise UnreadableProfileError(f"{shown}: {error}") from None


def _read_limited(path: Path) -> bytes:
    if not path.is_file() and path.exists():
        raise UnreadableProfileError("not a file")
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise UnreadableProfileError(f"larger than the limit of {MAX_BYTES // _MIB} MiB")
        return file.read(MAX_BYTES)


def parse(data: bytes, label: str = "") -> Profile:
    """Parse a file's bytes into a profile. Raises UnreadableProfileError."""
    if data.startswith(_GZIP):
        data = _inflate(data)
    head = data[:4096].lstrip()
    if not head:
        raise UnreadableProfileError("the file is empty")
    if head.startswith(b"\xef\xbb\xbf"):
        data, head = data.lstrip()[3:], head[3:].lstrip()
    recognized = _recognize(head, data)
    if recognized.read is None:
        names = _join([spec.suffixes[0] for spec in FORMATS if spec.read is not None])
        raise UnreadableProfileError(
            f"{recognized.name}: no samples can be read from it; view the {names} it was made from"
        )
    return recognized.read(data, label)


def _recognize(head: bytes, data: bytes) -> ProfileFormat:
    """Return the format of data. Raises UnreadableProfileError for binary data of no format."""
    fallback = None
    for spec in FORMATS:
        if spec.recognize is not None and spec.recognize(head, data):
            return spec
        if spec.recognize is None and spec.read is not None:
            fallback = fallback or spec
    if fallback is None or b"\0" in head:
        raise UnreadableProfileError(f"binary data in no known format ({readable_formats()})")
    return fallback


def readable_formats() -> str:
    """Names of the formats from which stacks are read: "speedscope or collapsed stacks"."""
    return _join([spec.name for spec in FORMATS if spec.read is not None])


def writable_formats() -> str:
    """File names and formats that are written: ".json (speedscope) or .svg (flame graph)"."""
    return _join(
        [f"{spec.suffixes[0]} ({spec.name})" for spec in FORMATS if spec.write is not None]
    )


def writable_suffixes() -> str:
    """File names that are written: ".json, .txt or .svg"."""
    return _join([spec.suffixes[0] for spec in FORMATS if spec.write is not None])


def calls_suffixes() -> str:
    """File names of counted calls: ".pstats or .prof"."""
    names = [suffix for spec in FORMATS if spec.read_calls for suffix in spec.suffixes]
    return _join(names)


def calls_format(path: Path) -> ProfileFormat | None:
    """Return the format of a file of counted calls, by its name; None for another file."""
    for spec in FORMATS:
        if spec.read_calls is not None and path.name.endswith(spec.suffixes):
            return spec
    return None


def _join(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _inflate(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            out = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise UnreadableProfileError("the gzip data is cut off or damaged") from None
    if len(out) > MAX_BYTES:
        raise UnreadableProfileError(f"inflates to more than the limit of {MAX_BYTES // _MIB} MiB")
    return out


def format_from_name(path: Path) -> ProfileFormat:
    """Return the format in which a file of that name is written.

    Raises ValueError with the valid names.
    """
    name = path.name.removesuffix(".gz")
    for spec in FORMATS:
        if spec.write is not None and name.endswith(spec.suffixes):
            return spec
    raise ValueError(f"{clean(path.name, 100)}: name it {writable_formats()}, with .gz or without")


def render(profile: Profile, path: Path) -> bytes:
    """Render the bytes of a file of that name. Raises ValueError with the valid names."""
    write = format_from_name(path).write
    if write is None:
        raise AssertionError("a format for writing has a writer")
    data = write(profile)
    return gzip.compress(data, 6, mtime=0) if path.name.endswith(".gz") else data


def save(profile: Profile, path: Path, *, force: bool = False) -> None:
    """Write a profile atomically, readable by its owner alone. Raises OSError, ValueError.

    An existing file is refused without `force`: FileExistsError.
    """
    data = render(profile, path)
    if path.exists() and not force:
        raise FileExistsError(f"{clean(str(path), 200)} exists")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb"
        ) as file:
            file.write(data)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def export(profile: Profile, folder: Path) -> list[Path]:
    """Write a profile in every format side by side, for `e` in the pane. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = f"{profile.metadata.pid or 'profile'}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while any(folder.glob(f"{stem}.*")):
        number += 1
        stem = f"{stem.partition('_')[0]}_{number}"
    paths = [folder / f"{stem}{spec.export_suffix}" for spec in FORMATS if spec.write is not None]
    for path in paths:
        save(profile, path)
    return paths

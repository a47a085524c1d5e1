"""Profile files: format detection, gzip, size limits, loading and saving."""

from __future__ import annotations

import gzip
import io
import os
import time
import zlib
from pathlib import Path

from tputtui.profiling.files import collapsed, speedscope
from tputtui.profiling.profile_errors import MAX_BYTES, UnreadableProfileError
from tputtui.profiling.profile_model import Profile
from tputtui.text import clean

__all__ = [
    "UnreadableProfileError",
    "export",
    "format_from_name",
    "load",
    "parse",
    "render",
    "save",
]

_GZIP = b"\x1f\x8b"
_MIB = 1024 * 1024


def load(path: Path) -> Profile:
    """Read a profile: speedscope JSON or collapsed stacks, gzip or not.

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
    # a collapsed file ends in a number
    if head.startswith(b"{") or (head.startswith(b"[") and data.rstrip().endswith(b"]")):
        return speedscope.parse(data, label=label)
    if head.startswith((b"<?xml", b"<svg")):
        raise UnreadableProfileError(
            "a picture: no samples are read from an SVG; view the .json or .txt it was made from"
        )
    if b"\0" in head:
        raise UnreadableProfileError("binary data: neither speedscope JSON nor collapsed stacks")
    return collapsed.parse(data, label=label)


def _inflate(data: bytes) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            out = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise UnreadableProfileError("the gzip data is cut off or damaged") from None
    if len(out) > MAX_BYTES:
        raise UnreadableProfileError(f"inflates to more than the limit of {MAX_BYTES // _MIB} MiB")
    return out


def format_from_name(path: Path) -> str:
    """Return the format for a file name: json, txt or svg.

    Raises ValueError with the valid ones.
    """
    name = path.name.removesuffix(".gz")
    for suffix in ("json", "txt", "svg"):
        if name.endswith(f".{suffix}"):
            return suffix
    raise ValueError(
        f"{clean(path.name, 100)}: name it .json (speedscope), .txt (collapsed) or .svg, with .gz or without"
    )


def render(profile: Profile, path: Path) -> bytes:
    """Render the bytes of a file of that name. Raises ValueError with the valid names."""
    kind = format_from_name(path)
    if kind == "json":
        data = speedscope.render(profile)
    elif kind == "txt":
        data = collapsed.render(profile)
    else:
        from tputtui.profiling.analysis.flame_graph import render_svg

        data = render_svg(profile)
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
    """Write a profile in every format side by side: speedscope, collapsed, SVG. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = f"{profile.metadata.pid or 'profile'}-{time.strftime('%Y%m%d-%H%M%S')}"
    number = 1
    while any(folder.glob(f"{stem}.*")):
        number += 1
        stem = f"{stem.partition('_')[0]}_{number}"
    paths = [
        folder / f"{stem}{suffix}" for suffix in (".speedscope.json", ".collapsed.txt", ".svg")
    ]
    for path in paths:
        save(profile, path)
    return paths

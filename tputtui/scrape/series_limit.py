"""Hide series beyond the limit: whole families, in the order of the body, as long as they fit."""

from __future__ import annotations

from collections.abc import Mapping
from operator import methodcaller

from tputtui.model import Family
from tputtui.scrape.exposition_lines import sample_name

LINES_PER_SERIES = 10  # lines for each series of the limit; more are not read
MAX_NAMES = 20_000  # sample names of a body beyond the limit; lines after them are not read
MAX_HIDDEN_NAMES = 1000  # names listed as hidden; all others are counted under OTHERS
OTHERS = "…"
_SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_created", "_info", "_gcount", "_gsum")


def trim_lines(lines: list[bytes], limit: int) -> int:
    """Drop lines beyond what a normal body of `limit` series has, in place; return how many
    samples.
    """
    return truncate_lines(lines, LINES_PER_SERIES * limit)


def truncate_lines(lines: list[bytes], keep: int) -> int:
    """Keep the first `keep` lines, in place; return how many of the others were samples."""
    if len(lines) <= keep:
        return 0
    rest = lines[keep:]
    comments: int = sum(map(methodcaller("startswith", b"#"), rest))
    sample_count = len(rest) - rest.count(b"") - comments
    lines[keep:] = [b""]
    return sample_count


def hide_families(
    lines: list[bytes],
    names: list[str],
    families: Mapping[str, Family],
    wanted: frozenset[str] | None,
    limit: int,
) -> dict[str, int]:
    """Blank the lines of families that do not fit into `limit` series; return the hidden series by
    name.

    Families with a wanted name come first. A family that does not fit is hidden whole, because half
    a histogram would be a wrong one; smaller ones after it may stay. `lines` is changed in place,
    so that line numbers hold.

    Args: `names` are those of the lines, from `line_names`.
    """
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    counts.pop("", None)
    if sum(counts.values()) <= limit:
        return {}
    members: dict[str, list[str]] = {}
    for name in counts:
        members.setdefault(_family_name(name, families), []).append(name)
    order = list(members.values())
    if wanted is not None:
        # Stable: wanted families first, each group in the order of the body
        order.sort(key=wanted.isdisjoint)
    left = limit
    hidden: dict[str, int] = {}
    for group in order:
        size = sum(counts[name] for name in group)
        if size <= left:
            left -= size
        else:
            hidden.update((name, counts[name]) for name in group)
    for number, name in enumerate(names[: len(lines)]):
        if name in hidden:
            lines[number] = b""
    return _limit_names(hidden)


def line_names(lines: list[bytes]) -> list[str]:
    """Return the sample name of each line; "" for comments, blank lines and lines without a name.

    It ends before the first line with more than `MAX_NAMES` names: no normal body has so many.
    """
    known: dict[bytes, str] = {b"": ""}
    names: list[str] = []
    for line in lines:
        if line[:1] == b"#":
            names.append("")
            continue
        head, brace, _ = line.partition(b"{")
        if not brace:
            head = line.partition(b" ")[0]
        name = known.get(head) if head else ""
        if not head and brace:
            name = sample_name(line)
        if name is None:
            if len(known) > MAX_NAMES:
                break
            known[head] = name = sample_name(line)
        names.append(name)
    return names


def _family_name(name: str, families: Mapping[str, Family]) -> str:
    if name not in families:
        for suffix in _SUFFIXES:
            if name.endswith(suffix) and name[: -len(suffix)] in families:
                return name[: -len(suffix)]
    return name


def _limit_names(hidden: dict[str, int]) -> dict[str, int]:
    if len(hidden) <= MAX_HIDDEN_NAMES:
        return hidden
    items = list(hidden.items())
    listed = dict(items[:MAX_HIDDEN_NAMES])
    listed[OTHERS] = sum(count for _, count in items[MAX_HIDDEN_NAMES:])
    return listed

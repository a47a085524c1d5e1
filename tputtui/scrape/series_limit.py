"""What stays of an answer with more series than the limit: whole families, in the order of the body, as long as they fit."""

from __future__ import annotations

from collections.abc import Mapping
from operator import methodcaller

from tputtui.model import Family
from tputtui.scrape.labels import sample_name

LINES_PER_SERIES = (
    10  # a body with more lines for each series of the limit is not looked at to its end
)
MAX_NAMES = 20_000  # sample names of a body beyond the limit; what follows them is not looked at
MAX_HIDDEN_NAMES = 1000  # names that are listed as hidden; what is beyond goes under OTHERS
OTHERS = "…"
_SUFFIXES = ("_bucket", "_sum", "_count", "_total", "_created", "_info", "_gcount", "_gsum")


def trim_lines(lines: list[bytes], limit: int) -> int:
    """Cut off what no honest body of `limit` series has, in place; return how many lines that were not blank went."""
    return truncate_lines(lines, LINES_PER_SERIES * limit)


def truncate_lines(lines: list[bytes], keep: int) -> int:
    """Keep so many lines, in place; return how many of the others held samples."""
    if len(lines) <= keep:
        return 0
    rest = lines[keep:]
    comments: int = sum(map(methodcaller("startswith", b"#"), rest))
    gone = len(rest) - rest.count(b"") - comments
    lines[keep:] = [b""]
    return gone


def hide_families(
    lines: list[bytes],
    names: list[str],
    families: Mapping[str, Family],
    wanted: frozenset[str] | None,
    limit: int,
) -> dict[str, int]:
    """Blank the lines of the families that do not fit into `limit` series; return how many series of each name went.

    `names` are those of the lines, from `names_of`.

    Families with a wanted name come first. A family that does not fit goes whole, and smaller ones behind it may stay:
    half a histogram would be a wrong one. `lines` is changed in place, so that line numbers hold.
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
        order.sort(
            key=wanted.isdisjoint
        )  # stable: the wanted ones first, each group in the order of the body
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
    """The sample name of each line; "" for comments, blank lines and what has no name.

    It ends before the first line that brings more than `MOST_NAMES` names: no honest body has so many.
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
        name = known.get(head) if head else sample_name(line) if brace else ""
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

"""Description of one program whose exposition is captured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox import Sandbox


@dataclass(frozen=True)
class Running:
    """A started program: where its exposition is, and one round of load on it (about a second)."""

    metrics_url: str
    load_round: Callable[[], None]


@dataclass(frozen=True)
class Program:
    """One row of the list: how to install, start and load a program.

    `packages` are those whose versions are recorded: `apt:NAME`, `pypi:NAME` or `npm:NAME`.
    """

    name: str
    kind: str
    packages: tuple[str, ...]
    load: str
    start: Callable[[Sandbox], Running]

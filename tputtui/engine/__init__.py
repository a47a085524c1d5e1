"""The tick: feed -> reading -> snapshot -> listeners.

`live_feed` runs the collectors, `pipeline` turns readings into snapshots, `engine` does both in a
thread of its own. Each is imported by its user, so that `engine_proxy` does not load what it
defers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tputtui.engine.engine import Engine
    from tputtui.engine.pipeline import SnapshotPipeline

__all__ = ["Engine", "SnapshotPipeline"]


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from tputtui.engine.engine import Engine

        return Engine
    if name == "SnapshotPipeline":
        from tputtui.engine.pipeline import SnapshotPipeline

        return SnapshotPipeline
    raise AttributeError(name)

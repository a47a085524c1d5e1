"""The tick: feed -> reading -> snapshot -> listeners.

`feed` asks the collectors, `derive` turns readings into snapshots, `engine` does both in a thread of its own. They are
loaded by whoever names them: `late` must not cost what it puts off.
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

"""The tick: feed -> reading -> snapshot -> listeners.

`feed` asks the collectors, `derive` turns readings into snapshots, `engine` does both in a thread of its own.
"""

from tputtui.monitor.derive import Monitor
from tputtui.monitor.engine import Engine

__all__ = ["Engine", "Monitor"]

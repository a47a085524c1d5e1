"""tputtui: watches throughput live."""

__version__ = "0.1.0"

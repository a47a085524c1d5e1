"""Derive the host's rates and its saturation."""

from tputtui.signals.host.host_rates import derive_host

__all__ = ["derive_host"]

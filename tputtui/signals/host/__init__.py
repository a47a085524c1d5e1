"""Derive the host's rates and its saturation."""

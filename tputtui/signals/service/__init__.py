"""Derive a service's traffic, errors, latency and saturation."""

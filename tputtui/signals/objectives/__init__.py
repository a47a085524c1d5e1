"""Evaluate objectives: state, burn rate and headroom."""

"""Find what on this machine serves metrics."""

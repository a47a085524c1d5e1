"""Find what serves metrics on this machine."""

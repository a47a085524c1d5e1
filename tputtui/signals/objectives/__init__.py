"""Judge objectives: state, burn rate and headroom."""

"""Run py-spy on a process: preflight checks, the launcher, slices and triggers."""

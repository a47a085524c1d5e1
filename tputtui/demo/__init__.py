"""A small shop to watch: a real instrumented service, and a real load on it, each in a process of its own.

The service (`service`) answers HTTP on loopback and exposes its /metrics by prometheus-client; its bottleneck is known by
construction: a pool of connections (`pool`), whose sustained maximum `erlang` computes. The load (`load`) arrives by the
clock whether the service keeps up or not. `run` starts both and ends both; they also end by themselves when their parent
is gone (`lifeline`). Nothing heavy is imported here: the children start through this package.
"""

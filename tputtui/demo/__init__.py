"""Demo shop: an instrumented service and a real load on it, each in a separate process.

The service (`service`) serves HTTP on loopback and exposes /metrics by prometheus-client; its
bottleneck is known by construction: a pool of connections (`connection_pool`), whose sustained
maximum `erlang` computes. The load (`load`) is open-loop: requests arrive on schedule whether or
not the service keeps up. `launch` starts and stops both; they also end by themselves when their
parent is gone (`parent_pipe`). Nothing heavy is imported here, because the children start through
this package.
"""

"""Engine: feed -> reading -> snapshot -> listeners, once a tick.

`live_feed` runs the collectors, `pipeline` turns readings into snapshots, `engine` does both in a
thread of its own, which `engine_proxy` imports and starts after the first paint.
"""
